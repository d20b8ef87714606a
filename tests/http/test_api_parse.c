#include "http/api_parse.h"
#include "tests/http/calls.h"

static const struct call_case calls[] = {
    {"GET", "/api/v1/format_query?query=sum+by(a)(rate(x[5m]))", 200, SUCCESS("\"sum by (a) (rate(x[5m]))\"")},
    {"POST", "/api/v1/format_query?query=1%2B", 400,
     "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter \\\"query\\\": 1:3: parse error: "
     "..."},
    {"GET", "/api/v1/parse_query?query=1", 200, SUCCESS("{\"type\":\"numberLiteral\",\"val\":\"1\"}")},
    {"GET", "/api/v1/parse_query?query=", 400,
     ERROR("bad_data", "invalid parameter \\\"query\\\": unknown position: parse error: no expression found in input")},
};

Test(api_parse, answers)
{
    struct site site;

    site_open(&site);
    CHECK_CALLS(&site, calls);
    site_close(&site);
}
