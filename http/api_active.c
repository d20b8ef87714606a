/* Running queries; see api_active.h. */
#include "http/api_active.h"

#include "http/api_admin.h"
#include "http/json.h"
#include "http/services.h"

struct listing {
    struct response *response;
    bool has_any;
};

static void put_key(struct writer *w, const char *name)
{
    writer_u8(w, ',');
    json_put_string(w, str_from(name));
    writer_u8(w, ':');
}

static void put_query(void *context, const struct query_activity *activity)
{
    struct listing *listing = context;
    struct writer *w = response_writer(listing->response);
    const struct query_request *asked = activity->request;

    if (listing->has_any) writer_u8(w, ',');
    listing->has_any = true;
    json_put_raw(w, "{\"id\":");
    json_put_unsigned(w, activity->id);
    put_key(w, "query");
    json_put_string(w, asked->text);
    put_key(w, "start");
    json_put_time(w, asked->start_ms);
    put_key(w, "end");
    json_put_time(w, asked->is_range ? asked->end_ms : asked->start_ms);
    put_key(w, "step");
    json_put_seconds(w, asked->is_range ? (double)asked->step_ms / 1000 : 0);
    put_key(w, "client");
    json_put_string(w, asked->client);
    put_key(w, "phase");
    json_put_string(w, str_from(activity->phase));
    put_key(w, "startedAt");
    json_put_time(w, activity->started_ms);
    put_key(w, "elapsedSeconds");
    json_put_seconds(w, activity->seconds);
    put_key(w, "samples");
    json_put_unsigned(w, activity->samples);
    put_key(w, "bytes");
    json_put_unsigned(w, activity->bytes);
    writer_u8(w, '}');
}

status api_active_queries(struct request *request, struct response *response)
{
    struct listing listing = {response, false};

    json_put_raw(response_open_data(response), "[");
    engine_visit_queries(request->services->engine, put_query, &listing);
    json_put_raw(response_writer(response), "]");
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

status api_kill_query(struct request *request, struct response *response)
{
    str text = request_parameter(request, STR("id"));
    uint64_t id;

    if (!api_admin_is_enabled(request, response)) return ok();
    if (!str_to_uint64(text, &id))
        return request_bad_parameter("id", "%.*s is not the id of a query, see /api/v1/status/active_queries",
                                     STR_ARG(request_quote(request, text)));
    if (engine_kill_query(request->services->engine, id)) {
        response_nothing(response);
    } else {
        response_fail(response, FAIL_NOT_FOUND,
                      arena_format(&request->arena, "no query with the id %llu is running", (unsigned long long)id));
    }
    return ok();
}
