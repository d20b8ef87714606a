#include "http/api_otlp.h"
#include "tests/http/harness.h"

#define PATH "/api/v1/otlp/v1/metrics"
#define GAUGE                                                                                                \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"temp\",\"gauge\":{\"dataPoints\":[{" \
    "\"timeUnixNano\":\"1000000000\",\"asDouble\":1.5}]}}]}]}]}"

static const struct {
    const char *path, *headers;
    str body;
    unsigned code;
    const char *answer;
} calls[] = {
    {PATH, "Content-Type: application/json", STR(GAUGE), 200, "{}"},
    {"/v1/metrics", "Content-Type: application/json", STR(GAUGE), 200, "{}"},
    {PATH, "Content-Type: application/x-protobuf", STR(""), 200, ""},
    {PATH, "Content-Type: application/x-protobuf", STR("\x0A\x05"), 400,
     "the body is no ExportMetricsServiceRequest: malformed protobuf\n"},
    {PATH, "Content-Type: application/json", STR("{"), 400, "the body is no JSON: line 1: "},
    {PATH, "Content-Type: text/plain", STR("{}"), 400, "unsupported Content-Type \"text/plain\""},
    {PATH, "Content-Type: application/json\nContent-Encoding: br", STR("{}"), 400, "unsupported Content-Encoding"},
    {PATH, "Content-Type: application/json\nContent-Encoding: gzip", STR("{}"), 400, "the body is no gzip"},
};

Test(api_otlp, answers)
{
    struct site site;

    site_open(&site);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct reply reply = site_call(&site, "POST", calls[i].path, calls[i].headers, calls[i].body);
        cr_expect(reply.code == calls[i].code, "%zu: %u", i, reply.code);
        cr_expect(str_starts_with(reply.body, str_from(calls[i].answer)), "%zu: %.*s", i, STR_ARG(reply.body));
    }
    struct reply reply = site_get(&site, "/api/v1/query?query=temp&time=1");
    cr_expect(contains(reply.body, "[1,\"1.5\"]"), "%.*s", STR_ARG(reply.body));
    site_close(&site);
}
