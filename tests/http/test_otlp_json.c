#include "http/otlp_json.h"
#include "tests/support/test.h"

static const struct {
    const char *text;
    str bytes;
    const char *error;
} cases[] = {
    {"{}", STR(""), ""},
    {"{\"resourceMetrics\":[{}],\"unknown\":[1]}", STR("\x0A\x00"), ""},
    {"{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"-1\"}}]}}]}",
     STR("\x0A\x14\x0A\x12\x0A\x10\x0A\x01\x61\x12\x0B\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), ""},
    {"{\"resourceMetrics\":null}", STR(""), ""},
    {"{\"resourceMetrics\":{\"scopeMetrics\":{\"metrics\":{\"sum\":{\"aggregationTemporality\":2}}}}}",
     STR("\x0A\x08\x12\x06\x12\x04\x3A\x02\x10\x02"), ""},
    {"{\"resourceMetrics\":{\"scopeMetrics\":{\"metrics\":{\"sum\":{\"aggregationTemporality\":"
     "\"AGGREGATION_TEMPORALITY_DELTA\"}}}}}",
     STR("\x0A\x08\x12\x06\x12\x04\x3A\x02\x10\x01"), ""},
    {"{\"resourceMetrics\":{\"scopeMetrics\":{\"metrics\":{\"sum\":{\"aggregationTemporality\":\"DELTA\"}}}}}", STR(""),
     "aggregationTemporality must be an integer"},
    {"{\"resourceMetrics\":[1]}", STR(""), "a message must be an object"},
    {"{\"resourceMetrics\":{\"resource\":{\"attributes\":{\"key\":7}}}}", STR(""), "key must be a text"},
    {"[]", STR(""), "a message must be an object"},
    {"{", STR(""), "the body is no JSON: line 1: "},
};

Test(otlp_json, cases)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer out = {0};
        status s = otlp_json_translate(str_from(cases[i].text), &out);
        cr_expect(strncmp(s.text, cases[i].error, strlen(cases[i].error)) == 0 && !failed(s) == !cases[i].error[0],
                  "%s: %s", cases[i].text, s.text);
        if (!failed(s))
            cr_expect(str_equal(str_make((const char *)out.data, out.count), cases[i].bytes), "%s", cases[i].text);
        writer_release(&out);
    }
}
