/* /api/v1/query_cost: the plan as JSON, refusals with their numbers, and the errors of a query. */
#include "tests/http/calls.h"

#define BAD "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter "

static const struct call_case calls[] = {
    {"GET", "/api/v1/query_cost?query=sum(up)&time=4", 200,
     SUCCESS(
         "{\"fits\":true,\"series\":1,\"steps\":1,\"samples\":2,\"points\":1,\"pointsLeast\":0,\"pointsMax\":"
         "50000000,\"bytes\":252,\"bytesLeast\":36,\"bytesMax\":1073741824,\"plan\":{\"operator\":\"sum\","
         "\"expression\":\"sum(up)\",\"series\":1,\"steps\":1,\"points\":1,\"samples\":0,\"bytes\":16,\"kept\":true,"
         "\"operands\":[{\"operator\":\"selector\",\"expression\":\"up\",\"series\":2,\"steps\":1,\"points\":2,"
         "\"samples\":2,\"bytes\":24}]}}")},
    {"GET", "/api/v1/query_cost?query=time()*2&start=1&end=2&step=1", 200,
     "{\"status\":\"success\",\"data\":{\"fits\":true,\"series\":1,\"steps\":2,..."},
    {"POST", "/api/v1/query_cost?query=max_over_time(up[10y:1s])&time=4", 422,
     ERROR("execution", "query processing would load too many samples into memory in query execution: at least "
                        "315360000, --query.max-samples allows 50000000")},
    {"GET", "/api/v1/query_cost?query=up{", 400, BAD "\\\"query\\\": 1:4: parse error: ..."},
    {"GET", "/api/v1/query_cost?query=up&start=1&step=1", 400, BAD "\\\"end\\\": cannot parse..."},
};

Test(api_query_cost, calls)
{
    struct site site;

    site_open(&site);
    site_load_few(&site);
    CHECK_CALLS(&site, calls);
    site_close(&site);
}

Test(api_query_cost, says_what_would_be_refused)
{
    struct engine_options options = engine_options_default();
    struct site site;

    site_open(&site);
    site_load_many(&site);
    options.query_bytes_max = 2 << 20;
    site_engine(&site, &options);
    struct reply reply = site_get(&site, "/api/v1/query_cost?query=max(many)*on()group_right()many"
                                         "%2Bon(i)group_left()many&start=0&end=1000&step=1");
    cr_expect(reply.code == 200);
    cr_expect(contains(reply.body, "{\"fits\":false,\"refusal\":\"query needs at least 4 MiB of memory, "
                                   "--query.memory allows 2 MiB\",\"series\":400,\"steps\":1001,"),
              "%.*s", STR_ARG(reply.body));
    site_close(&site);
}
