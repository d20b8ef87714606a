/* /api/v1/query_cost: the plan of a query with what each operator would take, and whether it would be refused. */
#include "http/api_query.h"

#include "http/json.h"
#include "http/services.h"
#include "query/cost.h"

static void put_key(struct writer *w, const char *name, uint64_t value)
{
    writer_u8(w, ',');
    json_put_string(w, str_from(name));
    writer_u8(w, ':');
    json_put_unsigned(w, value);
}

/* Trees are at most as high as those that the parser makes. */
static void put_operator(struct response *response, const struct cost *cost)
{
    struct writer *w = response_writer(response);

    json_put_raw(w, "{\"operator\":");
    json_put_string(w, cost->name);
    json_put_raw(w, ",\"expression\":");
    json_put_string(w, cost->expression);
    put_key(w, "series", cost->series);
    put_key(w, "steps", cost->steps);
    put_key(w, "points", cost->points);
    put_key(w, "samples", cost->samples);
    put_key(w, "bytes", cost->bytes);
    if (cost->is_kept) json_put_raw(w, ",\"kept\":true");
    if (cost->first) json_put_raw(w, ",\"operands\":[");
    for (const struct cost *c = cost->first; c; c = c->next) {
        put_operator(response, c);
        if (c->next) writer_u8(response_writer(response), ',');
    }
    if (cost->first) writer_u8(response_writer(response), ']');
    writer_u8(response_writer(response), '}');
}

static void write_cost(struct request *request, struct response *response, const struct query *query,
                       const struct query_cost *cost)
{
    const struct engine_options *options = engine_get_options(request->services->engine);
    bool fits = query_error_kind(query) == QUERY_OK;
    struct writer *w = response_open_data(response);

    json_put_raw(w, "{\"fits\":");
    writer_bytes(w, fits ? "true" : "false", fits ? 4 : 5);
    if (!fits) json_put_raw(w, ",\"refusal\":");
    if (!fits) json_put_string(w, query_error(query));
    put_key(w, "series", cost->series);
    put_key(w, "steps", cost->steps);
    put_key(w, "samples", cost->samples);
    put_key(w, "points", cost->points);
    put_key(w, "pointsLeast", cost->points_least);
    put_key(w, "pointsMax", options->samples_max);
    put_key(w, "bytes", cost->bytes);
    put_key(w, "bytesLeast", cost->bytes_least);
    put_key(w, "bytesMax", options->query_bytes_max);
    json_put_raw(w, ",\"plan\":");
    put_operator(response, cost->root);
    writer_u8(response_writer(response), '}');
    response_close_data(response, NULL, 0, NULL, 0);
}

status api_query_cost(struct request *request, struct response *response)
{
    struct query_request asked;
    struct query_cost cost;

    if (request_parameter(request, STR("step")).len) {
        TRY(api_query_read_range(request, &asked));
    } else {
        TRY(api_query_read(request, &asked));
    }
    struct query *query = query_prepare(request->services->engine, &asked);
    if (query_explain(query, &cost)) {
        write_cost(request, response, query, &cost);
    } else {
        api_query_fail(request, response, query);
    }
    query_free(query);
    return ok();
}
