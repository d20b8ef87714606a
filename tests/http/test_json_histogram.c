/* Native histograms in JSON. */
#include "http/json_histogram.h"

#include "tests/support/test.h"

static const int32_t indexes[] = {0, 2};
static const double counts[] = {1, 2}, bounds[] = {5, 10.5};

static const struct {
    int64_t time_ms;
    struct histogram histogram;
    const char *text;
} cases[] = {
    {1000, {.count = 0, .sum = 0}, "[1,{\"count\":\"0\",\"sum\":\"0\"}]"},
    {1500,
     {.count = 3, .sum = 4.5, .positive = {2, indexes, counts}},
     "[1.500,{\"count\":\"3\",\"sum\":\"4.5\",\"buckets\":[[0,\"0.5\",\"1\",\"1\"],[0,\"2\",\"4\",\"2\"]]}]"},
    {0,
     {.count = 7, .zero_count = 4, .zero_threshold = 0.001, .negative = {2, indexes, counts}},
     "[0,{\"count\":\"7\",\"sum\":\"0\",\"buckets\":[[1,\"-4\",\"-2\",\"2\"],[1,\"-1\",\"-0.5\",\"1\"],"
     "[3,\"-0.001\",\"0.001\",\"4\"]]}]"},
    {0,
     {.schema = -53, .count = 3, .bound_count = 2, .bounds = bounds, .positive = {2, indexes, counts}},
     "[0,{\"count\":\"3\",\"sum\":\"0\",\"buckets\":[[3,\"-Inf\",\"5\",\"1\"],[0,\"10.5\",\"+Inf\",\"2\"]]}]"},
};

Test(json_histogram, points)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer out = {0};
        json_put_histogram_point(&out, cases[i].time_ms, &cases[i].histogram);
        cr_expect(str_equal(str_make((const char *)out.data, out.count), str_from(cases[i].text)), "%.*s",
                  (int)out.count, (const char *)out.data);
        writer_release(&out);
    }
}
