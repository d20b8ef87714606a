#include "http/api_admin.h"
#include "tests/http/calls.h"

#define TOMBSTONES "/api/v1/admin/tsdb/tombstones"

static const struct call_case calls[] = {
    {"POST", "/api/v1/admin/tsdb/snapshot", 200, "{\"status\":\"success\",\"data\":{\"name\":\"2..."},
    {"PUT", "/api/v1/admin/tsdb/snapshot?skip_head=true", 200, "{\"status\":\"success\",\"data\":{\"name\":\"2..."},
    {"POST", "/api/v1/admin/tsdb/snapshot?skip_head=x", 400, "{\"status\":\"error\"..."},
    {"GET", "/api/v1/admin/tsdb/snapshot", 405, "Method Not Allowed\n"},
    {"POST", "/api/v1/admin/tsdb/delete_series", 400, ERROR("bad_data", "no match[] parameter provided")},
    {"POST", "/api/v1/admin/tsdb/delete_series?match[]=up{", 400,
     "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter \\\"match[]\\\": 1:4: parse "
     "error: ..."},
    {"POST", "/api/v1/admin/tsdb/delete_series?match[]=up&start=x", 400, "{\"status\":\"error\"..."},
    {"GET", TOMBSTONES, 200, SUCCESS("{\"tombstones\":[]}")},
    {"POST", "/api/v1/admin/tsdb/undelete?number=x", 400,
     ERROR("bad_data", "invalid parameter \\\"number\\\": \\\"x\\\" is not the number of a delete; see " TOMBSTONES)},
    {"POST", "/api/v1/admin/tsdb/undelete?number=1", 404, ERROR("not_found", "there is no delete with the number 1")},
    {"POST", "/api/v1/admin/tsdb/clean_tombstones", 204, ""},
    {"POST", "/api/v1/admin/tsdb/freeze", 204, ""},
    {"PUT", "/api/v1/admin/tsdb/compact", 204, ""},
    {"GET", "/api/v1/admin/tsdb/compact", 405, "Method Not Allowed\n"},
};

Test(api_admin, answers)
{
    struct site site;

    site_open(&site);
    site.settings.enable_admin = true;
    CHECK_CALLS(&site, calls);
    site_close(&site);
}

/* Deleted, told, taken back, deleted for good. */
Test(api_admin, deletes)
{
    static const char labels[] = "/api/v1/label/job/values";
    static const struct call_case first[] = {
        {"GET", labels, 200, SUCCESS("[\"a\",\"b\"]")},
        {"PUT", "/api/v1/admin/tsdb/delete_series?match[]=up{job=%22a%22}&match[]={job=%22c%22}&start=0&end=2e9", 204,
         ""},
        {"GET", labels, 200, SUCCESS("[\"b\"]")},
        {"GET", TOMBSTONES, 200, "{\"status\":\"success\",\"data\":{\"tombstones\":[{\"number\":..."},
    };
    struct site site;

    site_open(&site);
    site.settings.enable_admin = true;
    struct reply reply =
        site_call(&site, "POST", "/api/v1/import/prometheus", NULL, STR("up{job=\"a\"} 1\nup{job=\"b\"} 2\n"));
    cr_assert(reply.code == 200 || reply.code == 204, "%u %.*s", reply.code, STR_ARG(reply.body));
    CHECK_CALLS(&site, first);
    reply = site_call(&site, "GET", TOMBSTONES, NULL, STR(""));
    str number = reply.body;
    number = str_part(number, str_find(number, '[') + strlen("[{\"number\":"), number.len);
    number.len = str_find(number, ',');
    struct arena arena = {0};
    static const char expected[] = ",\"match\":\"{\\\"job\\\"=\\\"a\\\",\\\"__name__\\\"=\\\"up\\\"}\","
                                   "\"minTime\":0,\"maxTime\":2000000000000,\"created\":";
    cr_expect(strstr(arena_copy_str(&arena, reply.body).data, expected), "%.*s", STR_ARG(reply.body));
    const struct call_case second[] = {
        {"POST", arena_format(&arena, "/api/v1/admin/tsdb/undelete?number=%.*s", STR_ARG(number)).data, 204, ""},
        {"GET", labels, 200, SUCCESS("[\"a\",\"b\"]")},
        {"POST", "/api/v1/admin/tsdb/delete_series?match[]=up{job=%22b%22}", 204, ""},
        {"POST", "/api/v1/admin/tsdb/clean_tombstones", 204, ""},
        {"GET", TOMBSTONES, 200, SUCCESS("{\"tombstones\":[]}")},
        {"GET", labels, 200, SUCCESS("[\"a\"]")},
    };
    CHECK_CALLS(&site, second);
    arena_release(&arena);
    site_close(&site);
}

Test(api_admin, is_switched_on)
{
    static const struct call_case off[] = {
        {"POST", "/api/v1/admin/tsdb/snapshot", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/delete_series?match[]=up", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/clean_tombstones", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/undelete?number=1", 500, ERROR("unavailable", "admin APIs disabled")},
        {"GET", "/api/v1/admin/tsdb/tombstones", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/freeze", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/compact", 500, ERROR("unavailable", "admin APIs disabled")},
    };
    struct site site;

    site_open(&site);
    CHECK_CALLS(&site, off);
    site_close(&site);
}
