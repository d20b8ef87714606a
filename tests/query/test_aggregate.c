/* Aggregations over groups. */
#include "query/run.h"
#include "tests/query/fixture.h"

#include <stdio.h>

Test(aggregate, groups)
{
    static const struct fixture_case cases[] = {
        {"sum by (x) ({__name__=~\"a|b|c\"})", 20000, 0, 0,
         "{x=\"1\"} 11@20\n"
         "{x=\"2\"} 30@20\n"
         "{x=\"3\"} 7@20\n"},
        {"sum without (y) (c)", 20000, 0, 0, "{x=\"1\"} 6@20\n"},
        {"sum(a)", 20000, 0, 0, "{} 33@20\n"},
        {"avg(c)", 20000, 0, 0, "{} 3@20\n"},
        {"min by (nope) (c)", 20000, 0, 0, "{} 1@20\n"},
        {"max without (x, y) ({__name__=~\"a|b\"})", 20000, 0, 0, "{} 30@20\n"},
        {"count by (__name__) ({__name__=~\"a|b|c\"})", 20000, 0, 0,
         "{__name__=\"a\"} 2@20\n"
         "{__name__=\"b\"} 2@20\n"
         "{__name__=\"c\"} 2@20\n"},
        {"group(c)", 20000, 0, 0, "{} 1@20\n"},
        {"stddev(c)", 20000, 0, 0, "{} 2@20\n"},
        {"stdvar by (x) (c)", 20000, 0, 0, "{x=\"1\"} 4@20\n"},
        {"sum by (x) (a)", 0, 60000, 20000,
         "{x=\"1\"} 1@0 3@20 5@40 6@60\n"
         "{x=\"2\"} 10@0 30@20 70@60\n"},
        {"count(a)", 0, 60000, 20000, "{} 2@0 2@20 1@40 2@60\n"},
        {"sum(nothing)", 20000, 0, 0, ""},
        {"sum by () (c)", 20000, 0, 0, "{} 6@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

static void render_nothing(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    (void)part;
    (void)out;
}

/* What a query has held at most beyond the labels of its series: 8 bytes for each label and 40 for the rest. */
static size_t peak_of(const char *text, int series)
{
    enum { GROUPS = 10, SAMPLES = 40, BYTES_A_SERIES = 160 };
    struct query_request request = {
        .text = str_from(text), .is_range = true, .start_ms = 60000, .end_ms = 600000, .step_ms = 1000};
    int64_t times[SAMPLES];
    double values[SAMPLES];
    struct fixture fixture;
    char metric[64];

    for (int k = 0; k < SAMPLES; k++) {
        times[k] = k * 15000;
        values[k] = k;
    }
    fixture_open(&fixture, 1, 0);
    for (int i = 0; i < series; i++) {
        snprintf(metric, sizeof metric, "m_total{x=\"%d\",i=\"%d\"}", i % GROUPS, i);
        fixture_append(&fixture, metric, times, values, SAMPLES);
    }
    struct query *query = query_prepare(fixture.engine, &request);
    query_run(query, render_nothing, NULL);
    cr_assert(query_error_kind(query) == QUERY_OK, "%.*s", STR_ARG(query_error(query)));
    size_t peak = query->account.peak_bytes, labels = (size_t)series * BYTES_A_SERIES;
    query_free(query);
    fixture_close(&fixture);
    return peak > labels ? peak - labels : 0;
}

/* Memory grows with groups × steps: values of 20 times as many series pass through the same accumulators. */
Test(aggregate, memory_does_not_grow_with_series)
{
    size_t few = peak_of("sum by (x) (rate(m_total[5m]))", 1000);
    size_t many = peak_of("sum by (x) (rate(m_total[5m]))", 20000);
    size_t all = (size_t)20000 * 541 * sizeof(double); /* what the values of all series would take */

    cr_expect(many <= 2 * few + (1 << 20) && many < all / 10, "%zu and %zu bytes", few, many);
}
