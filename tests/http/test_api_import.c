#include "http/api_import.h"
#include "tests/http/harness.h"

static const struct {
    const char *target, *headers, *body;
    unsigned code;
    const char *answer;
} calls[] = {
    {"/api/v1/import/prometheus?extra_label=job=x", NULL, "a 1 1000\n", 204, ""},
    {"/api/v1/import/prometheus?timestamp=2000", "Content-Type: application/x-www-form-urlencoded", "b=c 5\n", 204, ""},
    {"/api/v1/import/prometheus", "Content-Type: application/openmetrics-text", "c 1 1.5\n# EOF\n", 204, ""},
    {"/api/v1/import/prometheus", NULL, "d x\ne 1 1000\n", 400,
     "1 parts of the request were left out; first: line 1: the value is no number\n"},
    {"/api/v1/import/prometheus?extra_label=x", NULL, "a 1\n", 400, "extra_label must be name=value"},
    {"/api/v1/import/prometheus?timestamp=x", NULL, "a 1\n", 400, "timestamp must be milliseconds"},
    {"/api/v1/import/prometheus", "Content-Encoding: br", "a 1\n", 415, "unsupported Content-Encoding"},
    {"/api/v1/import", NULL, "{\"metric\":{\"__name__\":\"f\"},\"values\":[1],\"timestamps\":[1000]}\n", 204, ""},
    {"/api/v1/import/csv?format=1:metric:g,2:time:unix_ms", NULL, "1,1000\n", 204, ""},
    {"/api/v1/import/csv", NULL, "1\n", 400, "format: there is no column of kind metric"},
    {"/write?db=d&precision=ms", NULL, "h value=1 1000\n", 204, ""},
    {"/api/v2/write?precision=s", NULL, "i value=1 1\n", 204, ""},
    {"/influx/write?precision=x", NULL, "i value=1 1\n", 400, "unknown precision \"x\""},
};

Test(api_import, answers)
{
    static const char *const stored[] = {"a{job=\"x\"}",      "{\"b=c\"}", "c", "e", "f", "g",
                                         "h_value{db=\"d\"}", "i_value"};
    struct site site;

    site_open(&site);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct reply reply = site_call(&site, "POST", calls[i].target, calls[i].headers, str_from(calls[i].body));
        cr_expect(reply.code == calls[i].code, "%s: %u %.*s", calls[i].target, reply.code, STR_ARG(reply.body));
        cr_expect(str_starts_with(reply.body, str_from(calls[i].answer)), "%s: %.*s", calls[i].target,
                  STR_ARG(reply.body));
    }
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++) {
        str target = arena_format(&site.arena, "/api/v1/query?time=3&query=%s", stored[i]);
        struct reply reply = site_get(&site, target.data);
        cr_expect(contains(reply.body, "\"value\""), "%s: %.*s", stored[i], STR_ARG(reply.body));
    }
    site_close(&site);
}
