/* Costs: rows, steps and what is kept of each operator; that nothing is refused that would have fitted; refusals with
 * their numbers. */
#include "query/cost.h"

#include "query/run.h"
#include "tests/query/fixture.h"

#include <stdio.h>

enum { ALL = FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_EXTENDED_RANGE_SELECTORS | FEATURE_FILL_MODIFIERS };

static void put_cost(const struct cost *cost, struct writer *out)
{
    char text[128];
    int len = snprintf(text, sizeof text, "%.*s %llu x %llu%s", STR_ARG(cost->name), (unsigned long long)cost->series,
                       (unsigned long long)cost->steps, cost->is_kept ? " kept" : "");

    writer_bytes(out, text, (size_t)len);
    if (!cost->first) return;
    writer_bytes(out, "(", 1);
    for (const struct cost *c = cost->first; c; c = c->next) {
        put_cost(c, out);
        writer_bytes(out, ",", c->next != NULL);
    }
    writer_bytes(out, ")", 1);
}

static struct query_request request_of(const char *text, bool is_range)
{
    return (struct query_request){.text = str_from(text),
                                  .is_range = is_range,
                                  .start_ms = is_range ? 0 : 30000,
                                  .end_ms = 60000,
                                  .step_ms = 1000};
}

Test(cost, operators_and_their_rows)
{
    static const struct {
        const char *query;
        bool is_range;
        const char *expected;
    } cases[] = {
        {"a", false, "selector 2 x 1 kept"},
        {"a", true, "selector 2 x 61"},
        {"nothing_here", true, "selector 0 x 61"},
        {"sum(a)", true, "sum 1 x 61(selector 2 x 61)"},
        {"sum by (x) (rate(c[30s]))", true, "sum 1 x 61(rate 2 x 61(range 2 x 61))"},
        {"sum without (y) (c)", true, "sum 1 x 61(selector 2 x 61)"},
        {"a + 1", true, "+ 2 x 61(selector 2 x 61,number 1 x 61 kept)"},
        {"a * on(x) b", true, "* 2 x 61(selector 2 x 61,selector 2 x 61)"},
        {"c * on(x) group_left() a", true, "* 2 x 61(selector 2 x 61,selector 2 x 61 kept)"},
        {"a or b", true, "or 4 x 61(selector 2 x 61,selector 2 x 61)"},
        {"a and b", true, "and 2 x 61(selector 2 x 61,selector 2 x 61)"},
        {"sort(a)", false, "sort 2 x 1 kept(selector 2 x 1 kept)"},
        {"absent(a)", true, "absent 1 x 61(selector 2 x 61)"},
        {"count_values(\"v\", a)", false, "count_values 2 x 1 kept(selector 2 x 1 kept)"},
        {"topk(1, a)", true, "topk 2 x 61(number 1 x 61 kept,selector 2 x 61)"},
        {"max_over_time(sum(a)[1m:5s])", false,
         "max_over_time 1 x 1 kept(subquery 1 x 1(sum 1 x 12(selector 2 x 12)))"},
        {"a @ 20", true, "selector 2 x 61"},
        {"-(a)", true, "- 2 x 61(selector 2 x 61)"},
        {"info(a)", true, "info 2 x 61(selector 2 x 61)"},
        {"time()", true, "time 1 x 61"},
        {"a[30s]", false, "range 2 x 1"},
        {"\"x\"", false, "string 0 x 1"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 1, ALL);
    fixture_load(&fixture, 10000, fixture_series);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_request request = request_of(cases[i].query, cases[i].is_range);
        struct query *query = query_prepare(fixture.engine, &request);
        struct writer text = {0};
        struct query_cost cost;
        cr_assert(query_explain(query, &cost), "%s: %.*s", cases[i].query, STR_ARG(query_error(query)));
        cr_expect(query_error_kind(query) == QUERY_OK);
        put_cost(cost.root, &text);
        str got = str_make((const char *)text.data, text.count);
        cr_expect(str_equal(got, str_from(cases[i].expected)), "%s: %.*s", cases[i].query, STR_ARG(got));
        writer_release(&text);
        query_free(query);
    }
    fixture_close(&fixture);
}

Test(cost, samples_are_those_of_the_time_asked_for)
{
    struct query_request request = {.text = STR("max_over_time(m[1000s])"), .start_ms = 10000000};
    static int64_t times[10000];
    static double values[10000];
    struct query_cost cost;
    struct fixture fixture;

    for (int i = 0; i < 10000; i++) times[i] = (i + 1) * 1000;
    fixture_open(&fixture, 1, 0);
    fixture_append(&fixture, "m", times, values, 10000);
    struct query *query = query_prepare(fixture.engine, &request);
    cr_assert(query_explain(query, &cost));
    cr_expect(cost.samples >= 990 && cost.samples <= 1010, "%llu", (unsigned long long)cost.samples);
    cr_expect(str_equal(cost.root->expression, STR("max_over_time(m[16m40s])")));
    query_free(query);
    fixture_close(&fixture);
}

static void render_nothing(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    (void)part;
    (void)out;
}

static const char *const expressions[] = {
    "a",
    "{x=~\".+\"}",
    "a + 1",
    "1 + 2",
    "time()",
    "vector(1)",
    "vector(time()) * 2",
    "scalar(a)",
    "-{x=~\".+\"}",
    "abs({x=~\".+\"})",
    "round(a, 5)",
    "clamp(a, 1, 2)",
    "a * on(x) b",
    "{x=~\".+\"} * on(x) group_left() a",
    "a * on(x) group_right() c",
    "a / on(x) group_left() sum by (x) (b)",
    "a or b",
    "a and on(x) b",
    "a unless b",
    "sum(a)",
    "avg by (x) ({x=~\".+\"})",
    "quantile(0.5, a)",
    "quantile(scalar(a), b)",
    "topk(2, {x=~\".+\"})",
    "topk(0, a)",
    "bottomk by (x) (1, c)",
    "limitk(1, a)",
    "limit_ratio(0.5, a)",
    "limit_ratio(0, a)",
    "count_values(\"v\", {x=~\".+\"})",
    "sort(a)",
    "sort_desc({x=~\".+\"})",
    "sort_by_label({x=~\".+\"}, \"x\")",
    "absent(a)",
    "absent(nothing)",
    "absent_over_time(a[1m])",
    "rate(a[30s])",
    "sum by (x) (rate({x=~\".+\"}[30s]))",
    "quantile_over_time(0.5, a[30s])",
    "predict_linear(a[30s], 60)",
    "max_over_time(a[10m:1s])",
    "max_over_time({x=~\".+\"}[10m:1s])",
    "max_over_time(vector(1)[1h:1s])",
    "sum_over_time(sum by (x) (rate({x=~\".+\"}[30s]))[10m:1s])",
    "max_over_time(nothing[1h:1s])",
    "a @ 20 + b",
    "sum(a @ 20)",
    "timestamp(a)",
    "label_replace({x=~\".+\"}, \"z\", \"$1\", \"x\", \"(.*)\")",
    "label_replace({x=~\".+\"}, \"x\", \"same\", \"x\", \".*\")",
    "histogram_quantile(0.9, a)",
    "histogram_quantiles(a, \"q\", 0.5, 0.9)",
    "day_of_week()",
    "hour(a)",
    "info(a)",
    "a > 1e9",
    "a > bool 3",
    "nothing",
    "sum(nothing)",
    "nothing * on(x) group_left() a",
    "min_of(1, 2)",
    "max_of(time(), scalar(a))",
    "a[30s]",
    "a[10m:1s]",
    "{x=~\".+\"}[10m:1s]",
};

/* What was called needed at least was needed, whatever the expression. */
Test(cost, refuses_nothing_that_would_fit)
{
    struct fixture fixture;

    fixture_open(&fixture, 1, ALL);
    fixture_load(&fixture, 10000, fixture_series);
    for (size_t i = 0; i < 2 * (sizeof expressions / sizeof expressions[0]); i++) {
        const char *text = expressions[i / 2];
        struct query_request request = request_of(text, i % 2);
        struct query_cost cost;
        request.end_ms = 6000000; /* so that rows count for more than what each query has */
        struct query *query = query_prepare(fixture.engine, &request);
        if (query_error_kind(query) == QUERY_BAD_DATA) { /* a range vector over a range */
            query_free(query);
            continue;
        }
        cr_assert(query_explain(query, &cost), "%s", text);
        query_free(query);
        query = query_prepare(fixture.engine, &request);
        query_run(query, render_nothing, NULL);
        if (query_error_kind(query) == QUERY_OK) {
            cr_expect(cost.bytes_least <= query->account.peak_bytes, "%s: %llu of %zu", text,
                      (unsigned long long)cost.bytes_least, query->account.peak_bytes);
            cr_expect(cost.points_least <= query->samples_peak, "%s: %llu of %llu", text,
                      (unsigned long long)cost.points_least, (unsigned long long)query->samples_peak);
        }
        query_free(query);
    }
    fixture_close(&fixture);
}

Test(cost, refuses_at_once_with_numbers)
{
    static const struct {
        const char *query;
        int64_t step_ms;
        const char *message;
    } cases[] = {
        {"time()", 1,
         "query processing would load too many samples into memory in query execution: at least 60001, "
         "--query.max-samples allows 50000"},
        {"c * on(x) group_left() a", 1000, NULL},
        {"{x=~\".+\"} * on(x) group_left() max_over_time(a[1m:1s])", 1,
         "query needs at least 2 MiB of memory, --query.memory allows 1 MiB"},
        {"nothing * on(x) group_left() nothing", 2, NULL},
        {"max_over_time(a[10h:1ms])", 1000,
         "query processing would load too many samples into memory in query execution: at least 36060000, "
         "--query.max-samples allows 50000"},
    };
    struct engine_options options = engine_options_default();
    struct fixture fixture;

    fixture_open(&fixture, 1, ALL);
    fixture_load(&fixture, 10000, fixture_series);
    options.samples_max = 50000;
    options.query_bytes_max = 1 << 20;
    fixture_engine(&fixture, &options);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_request request = request_of(cases[i].query, true);
        request.step_ms = cases[i].step_ms;
        request.end_ms = 60000;
        struct query *query = query_prepare(fixture.engine, &request);
        query_run(query, render_nothing, NULL);
        str message = query_error(query);
        if (!cases[i].message) {
            cr_expect(query_error_kind(query) == QUERY_OK, "%s: %.*s", cases[i].query, STR_ARG(message));
        } else {
            cr_expect(query_error_kind(query) == QUERY_EXECUTION, "%s", cases[i].query);
            cr_expect(str_equal(message, str_from(cases[i].message)), "%s: %.*s", cases[i].query, STR_ARG(message));
            cr_expect(query->samples_read == 0);
        }
        query_free(query);
    }
    fixture_close(&fixture);
}
