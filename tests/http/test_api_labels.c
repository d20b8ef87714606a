#include "tests/http/harness.h"

#include <stdio.h>

#define OK_(data) "{\"status\":\"success\",\"data\":" data
#define BAD(text) "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"" text "\"}"
#define CUT       ",\"warnings\":[\"results truncated due to limit\"]}"
#define UP_A      "{\"__name__\":\"up\",\"instance\":\"a\",\"job\":\"node\"}"
#define UP_B      "{\"__name__\":\"up\",\"instance\":\"b\",\"job\":\"node\"}"
#define API       "{\"__name__\":\"http_requests_total\",\"a.b/c\":\"\\\"x\\\"\",\"job\":\"api\"}"

static const struct {
    const char *target;
    unsigned code;
    const char *body;
} calls[] = {
    {"labels", 200, OK_("[\"__name__\",\"a.b/c\",\"instance\",\"job\"]}")},
    {"labels?limit=2", 200, OK_("[\"__name__\",\"a.b/c\"]") CUT},
    {"labels?limit=4", 200, OK_("[\"__name__\",\"a.b/c\",\"instance\",\"job\"]}")},
    {"labels?match[]=up", 200, OK_("[\"__name__\",\"instance\",\"job\"]}")},
    {"labels?match[]=up&match[]=http_requests_total", 200, OK_("[\"__name__\",\"a.b/c\",\"instance\",\"job\"]}")},
    {"labels?match[]=up&match[]=http_requests_total&limit=3", 200, OK_("[\"__name__\",\"a.b/c\",\"instance\"]") CUT},
    {"labels?match[]=nothing", 200, OK_("[]}")},
    {"labels?start=1&end=2", 200, OK_("[\"__name__\",\"a.b/c\",\"instance\",\"job\"]}")},
    {"labels?end=0.5", 200, OK_("[]}")},
    {"labels?match[]={}", 400, BAD("match[] must contain at least one non-empty matcher")},
    {"labels?match[]={x", 400, BAD("1:3: parse error: unexpected end of input inside braces")},
    {"labels?limit=-1&start=x", 400, BAD("invalid parameter \\\"limit\\\": limit must be non-negative")},
    {"labels?start=x&end=y", 400,
     BAD("invalid parameter \\\"start\\\": invalid time value for 'start': cannot parse \\\"x\\\" to a valid "
         "timestamp")},
    {"labels?end=y&match[]={}", 400,
     BAD("invalid parameter \\\"end\\\": invalid time value for 'end': cannot parse \\\"y\\\" to a valid timestamp")},
    {"label/job/values", 200, OK_("[\"api\",\"node\"]}")},
    {"label/job/values?match[]=up&match[]=http_requests_total", 200, OK_("[\"api\",\"node\"]}")},
    {"label/job/values?limit=1", 200, OK_("[\"api\"]") CUT},
    {"label/nothing/values", 200, OK_("[]}")},
    {"label/a.b%2Fc/values", 200, OK_("[\"\\\"x\\\"\"]}")},
    {"label/U__a_2e_b_2f_c/values", 200, OK_("[\"\\\"x\\\"\"]}")},
    {"label/__name__/values?limit=40000", 200, OK_("[\"http_requests_total\",\"up\"]}")},
    {"label/a%FFb/values?limit=x", 400, BAD("invalid label name: \\\"a\\ufffdb\\\"")},
    {"label/U__/values", 400, BAD("invalid label name: \\\"\\\"")},
    {"series?match[]=up", 200, OK_("[" UP_A "," UP_B "]}")},
    {"series?match[]={job=~\".%2B\"}", 200, OK_("[" API "," UP_A "," UP_B "]}")},
    {"series?match[]=up&match[]={job=\"node\"}&match[]=http_requests_total", 200, OK_("[" API "," UP_A "," UP_B "]}")},
    {"series?match[]=up&match[]=http_requests_total&limit=2", 200, OK_("[" API "," UP_A "]") CUT},
    {"series?match[]=up&limit=2", 200, OK_("[" UP_A "," UP_B "]}")},
    {"series?match[]=nothing", 200, OK_("[]}")},
    {"series?match[]=up&end=0", 200, OK_("[]}")},
    {"series", 400, BAD("no match[] parameter provided")},
    {"series?limit=x", 400, BAD("no match[] parameter provided")},
    {"series?match[]=up&x=%zz", 400, BAD("error parsing form values: invalid URL escape \\\"%zz\\\"")},
    {"series?match[]={x", 400,
     BAD("invalid parameter \\\"match[]\\\": 1:3: parse error: unexpected end of input inside braces")},
    {"series?match[]={}", 400,
     BAD("invalid parameter \\\"match[]\\\": match[] must contain at least one non-empty matcher")},
    {"series?match[]={}&start=x", 400,
     BAD("invalid parameter \\\"start\\\": invalid time value for 'start': cannot parse \\\"x\\\" to a valid "
         "timestamp")},
};

Test(api_labels, answers)
{
    struct site site;
    char target[512];

    site_open(&site);
    site_load_few(&site);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        snprintf(target, sizeof target, "/api/v1/%s", calls[i].target);
        struct reply reply = site_get(&site, target);
        cr_expect(reply.code == calls[i].code, "%s: %u", target, reply.code);
        cr_expect(str_equal(reply.body, str_from(calls[i].body)), "%s: %.*s", target, STR_ARG(reply.body));
    }
    site_close(&site);
}

Test(api_labels, posts_are_the_same)
{
    struct site site;
    const char *type = "Content-Type: application/x-www-form-urlencoded";

    site_open(&site);
    site_load_few(&site);
    struct reply reply = site_call(&site, "POST", "/api/v1/labels", type, STR("match%5B%5D=up"));
    cr_expect(str_equal(reply.body, STR(OK_("[\"__name__\",\"instance\",\"job\"]}"))));
    reply = site_call(&site, "POST", "/api/v1/series?match[]=http_requests_total", type, STR("match[]=up"));
    cr_expect(str_equal(reply.body, STR(OK_("[" API "," UP_A "," UP_B "]}"))));
    site_close(&site);
}
