#include "tests/http/harness.h"

#include <stdio.h>

#define REQUESTS "\"http_requests_total\":[{\"type\":\"counter\",\"help\":\"All \\\"requests\\\".\",\"unit\":\"\"}]"
#define SIZES    "\"sizes\":[{\"type\":\"gaugehistogram\",\"help\":\"\",\"unit\":\"bytes\"}]"
#define UP       "\"up\":[{\"type\":\"gauge\",\"help\":\"Whether it is.\",\"unit\":\"\"}]"

static const struct {
    const char *query, *body;
} calls[] = {
    {"", "{\"status\":\"success\",\"data\":{" REQUESTS "," SIZES "," UP "}}"},
    {"?metric=up", "{\"status\":\"success\",\"data\":{" UP "}}"},
    {"?metric=x", "{\"status\":\"success\",\"data\":{}}"},
    {"?limit=2", "{\"status\":\"success\",\"data\":{" REQUESTS "," SIZES "}}"},
    {"?limit=0", "{\"status\":\"success\",\"data\":{}}"},
    {"?limit=-1&limit_per_metric=1", "{\"status\":\"success\",\"data\":{" REQUESTS "," SIZES "," UP "}}"},
    {"?limit=x", "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"limit must be a number\"}"},
    {"?limit_per_metric=x", "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"limit_per_metric must be a "
                            "number\"}"},
};

Test(api_metadata, answers)
{
    struct site site;
    char target[256];

    site_open(&site);
    site_load_few(&site);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        snprintf(target, sizeof target, "/api/v1/metadata%s", calls[i].query);
        struct reply reply = site_get(&site, target);
        cr_expect(str_equal(reply.body, str_from(calls[i].body)), "%s: %.*s", target, STR_ARG(reply.body));
    }
    site_close(&site);
}
