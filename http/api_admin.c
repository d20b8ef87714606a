/* /api/v1/admin/tsdb/…; see api_admin.h. */
#include "http/api_admin.h"

#include "http/json.h"
#include "http/options.h"
#include "http/services.h"
#include "query/parse.h"
#include "storage/base/clock.h"
#include "tsdb/db.h"

#include <sys/random.h>
#include <time.h>

bool api_admin_is_enabled(const struct request *request, struct response *response)
{
    if (request->services->settings->enable_admin) return true;
    response_fail(response, FAIL_SWITCHED_OFF, STR("admin APIs disabled"));
    return false;
}

/* UTC time, dash, 16 hex digits, as Prometheus names them: never a name that exists. */
static status make_name(struct arena *arena, str *out)
{
    time_t seconds = (time_t)(clock_now_ms() / 1000);
    uint64_t number;
    struct tm utc;
    char text[32];

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return status_make(STATUS_IO, "no random number for the name of the snapshot");
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    *out = arena_format(arena, "%s-%016llx", text, (unsigned long long)number);
    return ok();
}

status api_snapshot(struct request *request, struct response *response)
{
    str skip = request_parameter(request, STR("skip_head")), name;

    if (!api_admin_is_enabled(request, response)) return ok();
    if (skip.len && !str_equal(skip, STR("true")) && !str_equal(skip, STR("false")))
        return request_bad_parameter("skip_head", "%.*s is neither true nor false",
                                     STR_ARG(request_quote(request, skip)));
    TRY(make_name(&request->arena, &name));
    str folder = arena_format(&request->arena, "snapshots/%.*s", STR_ARG(name));
    TRY(db_checkpoint(request->services->db, folder.data, !str_equal(skip, STR("true"))));
    struct writer *w = response_open_data(response);
    json_put_raw(w, "{\"name\":");
    json_put_string(w, name);
    json_put_raw(w, "}");
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

/* The parameters of a delete: one for each match[], all of one time range. */
static status read_deletions(struct request *request, struct db_deletion **out, size_t *count)
{
    int64_t start_ms = INT64_MIN, end_ms = INT64_MAX;
    str *texts;

    if (request_form(request)->error.len)
        return status_make(STATUS_INVALID, "error parsing form values: %.*s", STR_ARG(request_form(request)->error));
    *count = form_all(request_form(request), STR("match[]"), &texts, &request->arena);
    if (*count == 0) return status_make(STATUS_INVALID, "no match[] parameter provided");
    TRY(request_time(request, "start", &start_ms));
    TRY(request_time(request, "end", &end_ms));
    *out = arena_array(&request->arena, struct db_deletion, *count);
    for (size_t i = 0; i < *count; i++) {
        struct db_deletion *deletion = &(*out)[i];
        struct parse_error error;
        *deletion = (struct db_deletion){.from_ms = start_ms, .to_ms = end_ms};
        if (!parse_selector(texts[i], &request->arena, &deletion->matchers, &deletion->matcher_count, &error))
            return request_bad_parameter("match[]", "%.*s", STR_ARG(parse_error_text(&error, &request->arena)));
    }
    return ok();
}

status api_delete_series(struct request *request, struct response *response)
{
    struct db_deletion *deletions = NULL;
    size_t count = 0;

    if (!api_admin_is_enabled(request, response)) return ok();
    TRY(read_deletions(request, &deletions, &count));
    TRY(db_delete(request->services->db, deletions, count));
    response_nothing(response);
    return ok();
}

status api_undelete(struct request *request, struct response *response)
{
    uint64_t number;
    str text = request_parameter(request, STR("number"));

    if (!api_admin_is_enabled(request, response)) return ok();
    if (!str_to_uint64(text, &number) || number > UINT32_MAX)
        return request_bad_parameter("number", "%.*s is not the number of a delete; see /api/v1/admin/tsdb/tombstones",
                                     STR_ARG(request_quote(request, text)));
    TRY(db_undelete(request->services->db, (uint32_t)number));
    response_nothing(response);
    return ok();
}

/* Times are in ms, as in the list of blocks; those without an end are left out. */
static void write_tombstone(struct writer *w, const struct db_tombstone *tombstone)
{
    json_put_raw(w, "{\"number\":");
    json_put_unsigned(w, tombstone->number);
    json_put_raw(w, ",\"match\":");
    json_put_string(w, tombstone->matchers);
    if (tombstone->from_ms != INT64_MIN) {
        json_put_raw(w, ",\"minTime\":");
        json_put_signed(w, tombstone->from_ms);
    }
    if (tombstone->to_ms != INT64_MAX) {
        json_put_raw(w, ",\"maxTime\":");
        json_put_signed(w, tombstone->to_ms);
    }
    json_put_raw(w, ",\"created\":");
    json_put_signed(w, tombstone->created_ms);
    if (tombstone->purge_ms) {
        json_put_raw(w, ",\"purge\":");
        json_put_signed(w, tombstone->purge_ms);
    } else {
        json_put_raw(w, ",\"purging\":true");
    }
    json_put_raw(w, "}");
}

status api_tombstones(struct request *request, struct response *response)
{
    struct db_tombstone *tombstones;
    size_t count;

    if (!api_admin_is_enabled(request, response)) return ok();
    db_tombstones(request->services->db, &tombstones, &count, &request->arena);
    struct writer *w = response_open_data(response);
    json_put_raw(w, "{\"tombstones\":[");
    for (size_t i = 0; i < count; i++) {
        if (i) writer_u8(w, ',');
        write_tombstone(w, &tombstones[i]);
    }
    json_put_raw(w, "]}");
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

status api_clean_tombstones(struct request *request, struct response *response)
{
    if (!api_admin_is_enabled(request, response)) return ok();
    TRY(db_purge(request->services->db));
    response_nothing(response);
    return ok();
}

status api_freeze(struct request *request, struct response *response)
{
    if (!api_admin_is_enabled(request, response)) return ok();
    TRY(db_freeze(request->services->db));
    response_nothing(response);
    return ok();
}

status api_compact(struct request *request, struct response *response)
{
    if (!api_admin_is_enabled(request, response)) return ok();
    TRY(db_compact(request->services->db));
    response_nothing(response);
    return ok();
}
