#include "http/api_targets.h"
#include "tests/http/calls.h"

static const struct call_case calls[] = {
    {"GET", "/api/v1/targets", 200, SUCCESS("{\"activeTargets\":[],\"droppedTargets\":[],\"droppedTargetCounts\":{}}")},
    {"GET", "/api/v1/targets?state=active", 200,
     SUCCESS("{\"activeTargets\":[],\"droppedTargets\":[],\"droppedTargetCounts\":null}")},
    {"GET", "/api/v1/targets/metadata", 200, SUCCESS("[]")},
    {"GET", "/api/v1/targets/relabel_steps", 400, ERROR("bad_data", "no scrapePool parameter provided")},
    {"GET", "/api/v1/targets/relabel_steps?scrapePool=x", 400,
     ERROR("bad_data", "scrape pool \\\"x\\\" not found: this server scrapes nothing")},
    {"GET", "/api/v1/scrape_pools", 200, SUCCESS("{\"scrapePools\":[]}")},
    {"GET", "/api/v1/rules", 200, SUCCESS("{\"groups\":[]}")},
    {"GET", "/api/v1/rules?type=alert&exclude_alerts=true&group_limit=5", 200, SUCCESS("{\"groups\":[]}")},
    {"GET", "/api/v1/rules?type=x", 400,
     ERROR("bad_data", "invalid parameter \\\"type\\\": not supported value \\\"x\\\"")},
    {"GET", "/api/v1/rules?match[]={}", 400, ERROR("bad_data", "match[] must contain at least one non-empty matcher")},
    {"GET", "/api/v1/rules?group_limit=0", 400, "{\"status\":\"error\"..."},
    {"GET", "/api/v1/rules?group_next_token=x", 400, "{\"status\":\"error\"..."},
    {"GET", "/api/v1/rules?group_limit=1&group_next_token=x", 400,
     ERROR("bad_data", "invalid group_next_token 'x'. were rule groups changed?")},
    {"GET", "/api/v1/alerts", 200, SUCCESS("{\"alerts\":[]}")},
    {"GET", "/api/v1/alertmanagers", 200, SUCCESS("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}")},
    {"GET", "/api/v1/notifications/live", 204, ""},
};

Test(api_targets, answers)
{
    struct site site;

    site_open(&site);
    CHECK_CALLS(&site, calls);
    site_close(&site);
}
