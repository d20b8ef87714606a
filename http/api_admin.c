/* /api/v1/admin/tsdb/…; see api_admin.h.
 *
 * The storage keeps data for its retention and has no deletion and no copies of itself yet, so what these would do is
 * refused, in the way in which it would be wrong to do it: parameters are checked first.
 */
#include "http/api_admin.h"

#include "http/options.h"
#include "http/services.h"
#include "query/parse.h"
#include "tsdb/db.h"

bool api_admin_is_enabled(const struct request *request, struct response *response)
{
    if (request->services->settings->enable_admin) return true;
    response_fail(response, FAIL_SWITCHED_OFF, STR("admin APIs disabled"));
    return false;
}

status api_snapshot(struct request *request, struct response *response)
{
    str skip = request_parameter(request, STR("skip_head"));

    if (!api_admin_is_enabled(request, response)) return ok();
    if (skip.len && !str_equal(skip, STR("true")) && !str_equal(skip, STR("false")))
        return request_bad_parameter("skip_head", "%.*s is neither true nor false",
                                     STR_ARG(request_quote(request, skip)));
    response_fail(response, FAIL_NOT_IMPLEMENTED,
                  STR("snapshots are not implemented; stop the server and copy its data folder"));
    return ok();
}

status api_delete_series(struct request *request, struct response *response)
{
    int64_t start_ms, end_ms;
    struct parse_error error;
    const struct matcher *matchers;
    size_t count, matcher_count;
    str *texts;

    if (!api_admin_is_enabled(request, response)) return ok();
    if (request_form(request)->error.len)
        return status_make(STATUS_INVALID, "error parsing form values: %.*s", STR_ARG(request_form(request)->error));
    count = form_all(request_form(request), STR("match[]"), &texts, &request->arena);
    if (count == 0) return status_make(STATUS_INVALID, "no match[] parameter provided");
    TRY(request_time(request, "start", &start_ms));
    TRY(request_time(request, "end", &end_ms));
    for (size_t i = 0; i < count; i++) {
        if (!parse_selector(texts[i], &request->arena, &matchers, &matcher_count, &error))
            return request_bad_parameter("match[]", "%.*s", STR_ARG(parse_error_text(&error, &request->arena)));
    }
    response_fail(response, FAIL_NOT_IMPLEMENTED,
                  STR("deletion of series is not implemented; data goes with --storage.tsdb.retention.time"));
    return ok();
}

/* There are never any. */
status api_clean_tombstones(struct request *request, struct response *response)
{
    if (!api_admin_is_enabled(request, response)) return ok();
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
