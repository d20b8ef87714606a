/* What a Prometheus that scrapes nothing answers; see api_targets.h. */
#include "http/api_targets.h"

#include "http/json.h"

#define ANSWER(response, data)                            \
    do {                                                  \
        json_put_raw(response_open_data(response), data); \
        response_close_data(response, NULL, 0, NULL, 0);  \
    } while (0)

status api_targets(struct request *request, struct response *response)
{
    if (str_equal(request_parameter(request, STR("state")), STR("active"))) {
        ANSWER(response, "{\"activeTargets\":[],\"droppedTargets\":[],\"droppedTargetCounts\":null}");
    } else {
        ANSWER(response, "{\"activeTargets\":[],\"droppedTargets\":[],\"droppedTargetCounts\":{}}");
    }
    return ok();
}

status api_relabel_steps(struct request *request, struct response *response)
{
    str pool = request_parameter(request, STR("scrapePool"));

    (void)response;
    if (pool.len == 0) return status_make(STATUS_INVALID, "no scrapePool parameter provided");
    return status_make(STATUS_INVALID, "scrape pool %.*s not found: this server scrapes nothing",
                       STR_ARG(request_quote(request, pool)));
}

status api_scrape_pools(struct request *request, struct response *response)
{
    (void)request;
    ANSWER(response, "{\"scrapePools\":[]}");
    return ok();
}

status api_rules(struct request *request, struct response *response)
{
    str type = request_parameter(request, STR("type")), token = request_parameter(request, STR("group_next_token"));
    str limit = request_parameter(request, STR("group_limit")),
        exclude = request_parameter(request, STR("exclude_alerts"));
    const struct matcher_set *sets;
    size_t count;
    int64_t number = 0;

    if (type.len && !str_equal(type, STR("alert")) && !str_equal(type, STR("record")))
        return request_bad_parameter("type", "not supported value %.*s", STR_ARG(request_quote(request, type)));
    TRY(request_matchers(request, &sets, &count));
    if (exclude.len && !str_equal(exclude, STR("true")) && !str_equal(exclude, STR("false")) &&
        !str_equal(exclude, STR("1")) && !str_equal(exclude, STR("0")))
        return request_bad_parameter("exclude_alerts", "%.*s is neither true nor false",
                                     STR_ARG(request_quote(request, exclude)));
    if (limit.len && (!str_to_int64(limit, &number) || number <= 0))
        return request_bad_parameter("group_limit", "group_limit needs to be a valid number of rule groups > 0");
    if (token.len && number == 0)
        return request_bad_parameter("group_limit", "group_limit needs to be present in order to paginate over the "
                                                    "groups");
    if (token.len)
        return status_make(STATUS_INVALID, "invalid group_next_token '%.*s'. were rule groups changed?",
                           STR_ARG(token));
    ANSWER(response, "{\"groups\":[]}");
    return ok();
}

status api_alerts(struct request *request, struct response *response)
{
    (void)request;
    ANSWER(response, "{\"alerts\":[]}");
    return ok();
}

status api_alertmanagers(struct request *request, struct response *response)
{
    (void)request;
    ANSWER(response, "{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}");
    return ok();
}

status api_empty_list(struct request *request, struct response *response)
{
    (void)request;
    ANSWER(response, "[]");
    return ok();
}

status api_no_stream(struct request *request, struct response *response)
{
    (void)request;
    response_nothing(response);
    return ok();
}
