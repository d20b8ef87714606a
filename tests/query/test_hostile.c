/* Queries that mean harm: texts of megabytes, deep nesting, endless grids, products of everything with everything, and
 * extremes of all numbers. Each ends, with its answer or with a sentence that says why not, within its memory. */
#include "query/run.h"
#include "tests/query/fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FEATURES_ALL = FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_EXTENDED_RANGE_SELECTORS | FEATURE_FILL_MODIFIERS,
    SERIES = 1000,
    SAMPLES = 200,
    STEP_MS = 15000,
    MIB = 1 << 20,
    LIMIT_MIB = 128,
    SLACK_MIB = 16, /* what is allocated between two looks at the limit */
    TIMEOUT_MS = 500
};

/* What may come of it; bits. */
enum outcome {
    FINE = 1 << QUERY_OK,
    BAD = 1 << QUERY_BAD_DATA,
    FAILS = 1 << QUERY_EXECUTION,
    LATE = 1 << QUERY_TIMEOUT /* only ends in time because it is ended */
};

/* A text: head, `unit` so many times, tail. */
struct hostile {
    const char *head, *unit;
    uint32_t times;
    const char *tail;
    unsigned outcomes;
    const char *message; /* a part of it */
};

#define DEEP  "nested deeper than 500 levels"
#define LEAST "query needs at least"
#define MANY  "query processing would load too many samples into memory in query execution"
#define LIST  "more than 65536 items in a list"
#define HERE  NULL, 0, NULL

static const struct hostile texts[] = {
    /* size */
    {"", "a", 11 * MIB, "", BAD, "the query has 11534336 bytes, --query.max-length allows 10485760"},
    {"", " ", 10 * MIB, "", BAD, "no expression found in input"},
    {"#", "x", 10 * MIB - 1, "", BAD, "no expression found in input"},
    {"", "\n", 10 * MIB - 1, "a", FINE, ""},
    {"", "a", 9 * MIB, "", FINE | FAILS | BAD, ""},
    {"\"", "x", 9 * MIB, "\"", FINE | LATE, ""},
    {"a{x=\"", "y", 8 * MIB, "\"}", FINE | LATE, ""},
    {"a{", "x=\"y\",", MIB, "}", BAD, LIST},
    {"sum by (", "x,", 3 * MIB, "y) (a)", BAD, LIST},
    {"a + on (", "x,", 3 * MIB, "y) a", BAD, LIST},
    {"label_join(a, \"x\", \",\"", ", \"y\"", MIB, ")", BAD, LIST},
    {"rate(", "a,", 2 * MIB, "a)", BAD, LIST},
    {"1", "0", MIB, "", FINE | BAD, ""},
    {"0x", "f", MIB, "", FINE | BAD, ""},
    {"1e", "9", MIB, "", FINE | BAD, ""},
    {"1", "_1", MIB, "", FINE | BAD, ""},
    {"a[", "1", MIB, "s]", BAD, ""},
    {"a[", "1d", MIB, "]", BAD, ""},
    {"", "\xff", MIB, "", BAD, "unexpected character"},
    {"\"", "\\x80", 2 * MIB, "\"", FINE | LATE, ""},
    {"\"", "\\", 5 * MIB, "", BAD, ""},
    {"a", ",a", 3 * MIB, "", BAD, "unexpected"},
    {"", "a ", 3 * MIB, "", BAD, "unexpected identifier \"a\""},
    /* depth */
    {"", "(", 10 * MIB, "", BAD, DEEP},
    {"", "-", 9 * MIB, "1", BAD, DEEP},
    {"1", "+1", 4 * MIB, "", BAD, DEEP},
    {"1", "^1", 4 * MIB, "", BAD, DEEP},
    {"a", " or a", MIB, "", BAD, DEEP},
    {"", "sum(", 2 * MIB, "a", BAD, DEEP},
    {"", "abs(", 499, "a", BAD, "unclosed left parenthesis"},
    {"", "max_over_time(", MIB / 2, "a", BAD, DEEP},
    {"a[", "(", 5 * MIB, "1", BAD, DEEP},
    {"a[1", "+1", 3 * MIB, "]", BAD, DEEP},
    {"a[", "-", 5 * MIB, "1]", BAD, ""},
    {"a", "[1m]", MIB, "", BAD, "ranges only allowed for vector selectors"},
    {"", "[", 5 * MIB, "", BAD, "unexpected"},
    {"", "{", 5 * MIB, "", BAD, "unexpected left brace"},
    {"a", " offset 1m", MIB / 2, "", BAD, "offset may not be set multiple times"},
    {"a", " @ 1", MIB, "", BAD, "may not be set multiple times"},
    {"a", " == bool a", 498, "", FINE | FAILS | LATE, ""},
    {"sum(a", ") + sum(a", 490, ")", FINE | LATE, ""},
    {"a", " or b", 490, "", FINE | FAILS | LATE, ""},
    {"a", " and a", 490, "", FINE | FAILS | LATE, ""},
    {"a", " unless b", 490, "", FINE | FAILS | LATE, ""},
    /* regular expressions */
    {"a{x=~\"", "(a|b)", MIB, "\"}", BAD, ""},
    {"a{x=~\"", "(", 5 * MIB, "\"}", BAD, ""},
    {"a{x=~\"", "a*", 4 * MIB, "\"}", BAD, ""},
    {"a{x=~\"", "a|", MIB, "b\"}", FINE | LATE, ""},
    {"a{x=~\"", "[a-z]", 2 * MIB, "\"}", BAD, ""},
    {"a{x=~\"((a{1000}){1000}){1000}\"}", HERE, BAD, ""},
    {"a{x=~\"(((((x{2}){2}){2}){2}){2}){9999}\"}", HERE, BAD, ""},
    {"a{x=~\"(x+x+)+y\",y=~\"(.*.*.*)+z\"}", HERE, FINE, ""},
    {"a{x=~\"", ".*", 400, "q\"}", FINE | BAD, ""},
    {"a{x=~\"\\\\pL{500}\"}", HERE, FINE | BAD, ""},
    {"a{x=~\"(?i)", "\xc3\xa9", MIB, "\"}", BAD | FINE, ""},
    {"a{x!~\"", "(.*)", 1000, "\"}", FINE | BAD, ""},
    {"label_replace(a, \"z\", \"$1\", \"x\", \"", "(.*)", 100000, "\")", FAILS, ""},
    /* labels that grow */
    {"label_replace(a, \"z\", \"", "$1", 3 * MIB, "\", \"x\", \"(.*)\")", FAILS | LATE, "query "},
    {"label_join(a, \"z\", \"", "-", 8 * MIB, "\", \"x\", \"x\", \"x\")", FAILS | LATE, "query "},
    {"", "label_replace(", 64, "a", BAD, ""},
    {"count_values(\"", "x", 9 * MIB, "\", a)", FINE | FAILS | LATE, ""},
    {"sort_by_label(a", ", \"x\"", 200000, ")", FINE | FAILS | BAD, ""},
    {"a * on(x) group_left(", "y,", 200000, "z) b", FINE | FAILS | BAD, ""},
    /* everything with everything */
    {"{__name__=~\".+\"} * on() {__name__=~\".+\"}", HERE, FAILS, "found duplicate series for the match group"},
    {"a * on() group_left() b", HERE, FAILS, "found duplicate series for the match group"},
    {"a * on(j) group_left() b", HERE, FAILS, "found duplicate series for the match group"},
    {"{__name__=~\".*\",x=~\".+\"} or on(nope) {__name__=~\".+\"}", HERE, FINE | FAILS, ""},
    {"a and on() (b or a)", HERE, FINE | FAILS, ""},
    {"count_values without () (\"v\", {__name__=~\".+\"})", HERE, FINE | FAILS, ""},
    {"info({__name__=~\".+\"}, {__name__=~\".+\"})", HERE, FINE | FAILS, ""},
    {"{__name__=~\".+\"} + ignoring(x, __name__) group_right() {__name__=~\".+\"}", HERE, FINE | FAILS, ""},
    {"a == on(j) group_left() a", HERE, FAILS, "found duplicate series"},
    /* time */
    {"a[100y:1ms]", HERE, FAILS, MANY},
    {"max_over_time(a[100y:1ms])", HERE, FAILS, MANY},
    {"max_over_time(vector(1)[1y:1s])", HERE, FAILS, LEAST},
    {"max_over_time(max_over_time(max_over_time(a[1h:1s])[1h:1s])[1h:1s])", HERE, FINE | FAILS | LATE, ""},
    {"quantile_over_time(0.5, a[9h:1s])", HERE, FINE | FAILS | LATE, ""},
    {"mad_over_time(vector(time())[9h:1s])", HERE, FINE | LATE, ""},
    {"sum(quantile_over_time(0.5, a[9h:1s]))", HERE, FINE | FAILS | LATE, ""},
    {"sum(stddev_over_time(a[2h:1s])) + sum(deriv(a[2h:1s]))", HERE, FINE | FAILS | LATE, ""},
    {"max_over_time(a[1h:1ms])", HERE, FAILS | LATE, "query "},
    {"sum_over_time(({__name__=~\".+\"} or a)[1h:1s])", HERE, FINE | FAILS | LATE, ""},
    {"rate(a[292y])", HERE, FINE | BAD, ""},
    {"rate(a[293y])", HERE, FINE | BAD, ""},
    {"rate(a[99999999999999999999y])", HERE, BAD, ""},
    {"a offset 292y", HERE, FINE | BAD, ""},
    {"a offset -292y", HERE, FINE | BAD, ""},
    {"a offset (2^62)", HERE, BAD, "duration is out of range"},
    {"a offset (-(2^62))", HERE, BAD, "duration is out of range"},
    {"a offset (1/0)", HERE, BAD, "division by zero"},
    {"a[1e300]", HERE, BAD, ""},
    {"a[(10^308)*10]", HERE, BAD, "duration is NaN or infinite"},
    {"a @ 9223372036854774", HERE, FINE, ""},
    {"a @ -9223372036854774", HERE, FINE, ""},
    {"rate(a[292y] @ 9223372036854774 offset -292y)", HERE, FINE | BAD, ""},
    {"max_over_time(a[292y:291y] @ -9223372036854774 offset 292y)", HERE, FINE | BAD | FAILS, ""},
    {"a @ 1e300", HERE, BAD, "timestamp out of bounds for @ modifier"},
    {"a @ NaN", HERE, BAD, "timestamp out of bounds for @ modifier"},
    {"a @ -Inf", HERE, BAD, "timestamp out of bounds for @ modifier"},
    {"a[1ms:1ms]", HERE, FINE, ""},
    {"max_over_time(a[1ms:292y])", HERE, FINE, ""},
    /* numbers */
    {"topk(9e18, a)", HERE, FAILS | FINE, ""},
    {"topk(1e19, a)", HERE, FAILS, "Scalar value 1e+19 overflows int64"},
    {"topk(-1e19, a)", HERE, FAILS | FINE, ""},
    {"topk(NaN, a)", HERE, FAILS, "Parameter value is NaN"},
    {"bottomk by (x) (1000000, a)", HERE, FINE | FAILS, ""},
    {"limitk(1e9, a)", HERE, FINE | FAILS, ""},
    {"limit_ratio(1e300, a)", HERE, FINE | FAILS, ""},
    {"quantile by (x) (-Inf, a)", HERE, FINE | FAILS, ""},
    {"quantile_over_time(1e308, a[1h])", HERE, FINE | FAILS, ""},
    {"round(a, 1e-323)", HERE, FINE | FAILS, ""},
    {"predict_linear(a[1h], 1e308)", HERE, FINE | FAILS, ""},
    {"histogram_quantiles(a, \"q\", 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)", HERE, FINE, ""},
    {"double_exponential_smoothing(a[1h], 1e-323, 0.999999999)", HERE, FINE | FAILS, ""},
    {"month(a * 1e300)", HERE, FINE | FAILS, ""},
    {"year(vector(-Inf)) + days_in_month(vector(NaN)) + hour(vector(1e308))", HERE, FINE, ""},
    {"2 ^ 2 ^ 2 ^ 2 ^ 2 ^ 2 ^ 2", HERE, FINE, ""},
    {"histogram_quantile(0.9, label_replace(a, \"le\", \"$1\", \"x\", \"(.*)\"))", HERE, FINE | FAILS, ""},
};

static void load(struct fixture *fixture)
{
    static int64_t times[SAMPLES];
    static double values[SAMPLES];
    char metric[128];

    for (int k = 0; k < SAMPLES; k++) {
        times[k] = (int64_t)k * STEP_MS;
        values[k] = k * 1.5;
    }
    for (int i = 0; i < SERIES; i++) {
        snprintf(metric, sizeof metric, "%s{x=\"value%d\",j=\"%d\",y=\"a value that is somewhat long %d\"}",
                 i % 2 ? "a" : "b", i / 2, i % 4, i);
        fixture_append(fixture, metric, times, values, SAMPLES);
    }
}

static void render_values(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    for (size_t i = 0; i < part->series_count; i++)
        writer_bytes(out, part->series[i].values, part->series[i].point_count * sizeof(double));
}

static str text_of(const struct hostile *hostile, struct writer *w)
{
    size_t unit = hostile->unit ? strlen(hostile->unit) : 0;

    w->count = 0;
    writer_bytes(w, hostile->head, strlen(hostile->head));
    for (uint32_t i = 0; i < hostile->times; i++) writer_bytes(w, hostile->unit, unit);
    if (hostile->tail) writer_bytes(w, hostile->tail, strlen(hostile->tail));
    return str_make((const char *)w->data, w->count);
}

static void check(struct fixture *fixture, const struct query_request *request, unsigned outcomes, const char *message,
                  const char *name)
{
    struct query *query = query_prepare(fixture->engine, request);

    query_run(query, render_values, NULL);
    enum query_error_kind kind = query_error_kind(query);
    str error = query_error(query);
    size_t peak = query->account.peak_bytes;
    cr_expect(outcomes & 1U << kind, "%s: %d %.*s", name, (int)kind, (int)(error.len < 200 ? error.len : 200),
              error.data);
    cr_expect(kind == QUERY_OK || error.len > 0, "%s", name);
    cr_expect(kind == QUERY_OK || kind == QUERY_TIMEOUT || memmem(error.data, error.len, message, strlen(message)),
              "%s: %.*s", name, (int)(error.len < 200 ? error.len : 200), error.data);
    cr_expect(peak <= (size_t)(LIMIT_MIB + SLACK_MIB) * MIB, "%s: %zu MiB", name, peak / MIB);
    query_free(query);
}

static void open_limited(struct fixture *fixture)
{
    struct engine_options options = engine_options_default();

    fixture_open(fixture, 2, FEATURES_ALL);
    load(fixture);
    options.threads = 2;
    options.features = FEATURES_ALL;
    options.query_bytes_max = LIMIT_MIB * MIB;
    options.timeout_ms = TIMEOUT_MS;
    fixture_engine(fixture, &options);
}

Test(hostile, texts)
{
    struct fixture fixture;
    struct writer w = {0};

    _Static_assert(sizeof texts / sizeof texts[0] >= 100, "at least a hundred");
    open_limited(&fixture);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char name[96];
        str text = text_of(&texts[i], &w);
        snprintf(name, sizeof name, "%s%s…", texts[i].head, texts[i].unit ? texts[i].unit : "");
        struct query_request request = {.text = text, .start_ms = 2000000};
        /* megabytes may take a slow machine longer than there is time for */
        unsigned outcomes = texts[i].outcomes | (text.len >= MIB ? LATE : 0);
        check(&fixture, &request, outcomes, texts[i].message, name);
        request.is_range = true; /* the same at many steps, when it means anything */
        request.end_ms = request.start_ms + 1000 * 1000;
        request.step_ms = 1000;
        if (texts[i].times < 1000) check(&fixture, &request, 0xff & ~(1U << QUERY_INTERNAL), "", name);
    }
    cr_expect(fixture_ask(&fixture, "count(a)", 2000000, 0, 0).len > 0);
    writer_release(&w);
    fixture_close(&fixture);
}

/* Grids that no memory holds, and ends of time. */
Test(hostile, times)
{
    static const struct {
        const char *query;
        int64_t start_ms, end_ms, step_ms;
        unsigned outcomes;
        const char *message;
    } cases[] = {
        {"a", 0, 1000000000, 1, FAILS, LEAST},
        {"vector(1)", 0, 1000000000, 1, FAILS, MANY},
        {"time()", 0, 1000000000, 1, FAILS, MANY},
        {"nothing", 0, 1000000000, 1, FAILS, LEAST},
        {"sum(rate(a[5m]))", 0, 1000000000, 1, FAILS, LEAST},
        {"a", 0, INT64_MAX, 1, BAD, "steps is too long"},
        {"a", INT64_MIN, INT64_MAX, 1, BAD, "steps is too long"},
        {"a", INT64_MIN, INT64_MAX, INT64_MAX, FINE, ""},
        {"rate(a[5m])", INT64_MIN + 1, INT64_MAX - 1, INT64_MAX / 1000, FINE | FAILS | BAD, ""},
        {"max_over_time(a[1h:1m])", INT64_MAX - 1000, INT64_MAX, 1000, FINE | FAILS, ""},
        {"max_over_time(a[1h:1m])", INT64_MIN, INT64_MIN + 1000, 1000, FINE | FAILS, ""},
        {"a offset 1h", INT64_MIN, INT64_MIN + 1, 1, FINE, ""},
        {"a offset -1h", INT64_MAX - 1, INT64_MAX, 1, FINE, ""},
        {"a smoothed", INT64_MAX - 1, INT64_MAX, 1, FINE, ""},
        {"rate(a[1h] anchored)", INT64_MIN, INT64_MIN + 1, 1, FINE, ""},
        {"a", 5, 4, 1, BAD, "an end not before its start"},
        {"a", 0, 10, 0, BAD, "a positive step"},
        {"a", 0, 10, INT64_MIN, BAD, "a positive step"},
    };
    struct fixture fixture;

    open_limited(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_request request = {.text = str_from(cases[i].query),
                                        .is_range = true,
                                        .start_ms = cases[i].start_ms,
                                        .end_ms = cases[i].end_ms,
                                        .step_ms = cases[i].step_ms};
        check(&fixture, &request, cases[i].outcomes, cases[i].message, cases[i].query);
    }
    fixture_close(&fixture);
}
