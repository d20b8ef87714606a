#include "http/api_admin.h"
#include "tests/http/calls.h"

static const struct call_case calls[] = {
    {"POST", "/api/v1/admin/tsdb/snapshot", 501,
     ERROR("bad_data", "snapshots are not implemented; stop the server and copy its data folder")},
    {"POST", "/api/v1/admin/tsdb/snapshot?skip_head=x", 400, "{\"status\":\"error\"..."},
    {"GET", "/api/v1/admin/tsdb/snapshot", 405, "Method Not Allowed\n"},
    {"PUT", "/api/v1/admin/tsdb/delete_series?match[]=up", 501,
     ERROR("bad_data", "deletion of series is not implemented; data goes with --storage.tsdb.retention.time")},
    {"POST", "/api/v1/admin/tsdb/delete_series", 400, ERROR("bad_data", "no match[] parameter provided")},
    {"POST", "/api/v1/admin/tsdb/delete_series?match[]=up{", 400,
     "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter \\\"match[]\\\": 1:4: parse "
     "error: ..."},
    {"POST", "/api/v1/admin/tsdb/delete_series?match[]=up&start=x", 400, "{\"status\":\"error\"..."},
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

Test(api_admin, is_switched_on)
{
    static const struct call_case off[] = {
        {"POST", "/api/v1/admin/tsdb/snapshot", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/delete_series?match[]=up", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/clean_tombstones", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/freeze", 500, ERROR("unavailable", "admin APIs disabled")},
        {"POST", "/api/v1/admin/tsdb/compact", 500, ERROR("unavailable", "admin APIs disabled")},
    };
    struct site site;

    site_open(&site);
    CHECK_CALLS(&site, off);
    site_close(&site);
}
