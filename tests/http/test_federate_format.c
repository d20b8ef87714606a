#include "http/federate_format.h"
#include "tests/support/test.h"

#define FAMILY "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

static const struct {
    const char *accept;
    bool is_protobuf, takes_utf8;
} accepts[] = {
    {"", false, false},
    {"*/*", false, false},
    {FAMILY, true, false},
    {FAMILY ";escaping=allow-utf-8;q=0.7,text/plain;q=0.5", true, true},
    {"text/plain;version=0.0.4;q=0.9," FAMILY ";q=0.5", false, false},
    {"text/plain, " FAMILY, false, false},
    {FAMILY ", text/plain", true, false},
    {FAMILY ";q=0", false, false},
    {FAMILY ";q=x", false, false},
    {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", false, false},
    {"application/vnd.google.protobuf", false, false},
    {";;,,==;q", false, false},
};

Test(federate_format, accept)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof accepts / sizeof *accepts; i++) {
        struct response response;
        response_init(&response, &arena, NULL);
        struct federate_output output = {.response = &response};
        federate_accept(&output, str_from(accepts[i].accept));
        cr_expect(output.is_protobuf == accepts[i].is_protobuf, "%s", accepts[i].accept);
        cr_expect(output.takes_utf8 == accepts[i].takes_utf8, "%s", accepts[i].accept);
        response_release(&response);
    }
    arena_release(&arena);
}

static const int32_t indexes[] = {-1, 0, 2};
static const double counts[] = {1, 2, 4};
static const double bounds[] = {0.5, 1, 2};

static const struct {
    const char *name;
    struct histogram histogram;
    const char *text; /* NULL: it has none */
} families[] = {
    {"exponential",
     {.schema = 1, .zero_threshold = 0.5, .zero_count = 3, .count = 10, .sum = 1.5, .positive = {3, indexes, counts}},
     NULL},
    {"custom",
     {.schema = -53,
      .bound_count = 3,
      .bounds = bounds,
      .count = 6,
      .sum = 2,
      .positive = {2, indexes + 1, counts + 1}},
     "# TYPE m histogram\nm_bucket{a=\"b\",le=\"0.5\"} 2 7\nm_bucket{a=\"b\",le=\"1\"} 2 7\n"
     "m_bucket{a=\"b\",le=\"2\"} 6 7\nm_bucket{a=\"b\",le=\"+Inf\"} 6 7\nm_sum{a=\"b\"} 2 7\nm_count{a=\"b\"} 6 7\n"},
};

static str body_of(struct response *response, struct arena *arena)
{
    response_seal(response);
    return arena_copy_str(arena, str_make((const char *)response->part.data, response->part.count));
}

Test(federate_format, families)
{
    static const label pairs[] = {{STR("a"), STR("b")}};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct federate_metric metric = {pairs, 1, 7, 0, &families[i].histogram};
        for (int form = 0; form < 2; form++) {
            struct response response;
            response_init(&response, &arena, NULL);
            struct federate_output output = {.response = &response, .is_protobuf = form};
            cr_expect(federate_can_tell(&output, metric.histogram) == (form || families[i].text));
            if (federate_can_tell(&output, metric.histogram)) {
                federate_begin(&output, STR("m"), FEDERATE_HISTOGRAM);
                federate_put(&output, &metric);
                federate_end(&output);
            }
            str body = body_of(&response, &arena);
            if (!form && families[i].text)
                cr_expect(str_equal(body, str_from(families[i].text)), "%s:\n%.*s", families[i].name, STR_ARG(body));
            if (form) cr_expect(body.len > 20 && (uint8_t)body.data[0] == body.len - 1, "%s", families[i].name);
            federate_output_release(&output);
            response_release(&response);
        }
    }
    arena_release(&arena);
}
