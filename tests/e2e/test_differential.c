/* Generated queries, answered by Varve as by Prometheus.
 *
 * Both get the same samples. A seeded grammar makes expressions of all that Prometheus 2.42 and 3.14 have in common,
 * and each is asked as an instant and as a range query. VARVE_SEED and VARVE_QUERIES choose others and more.
 *
 * What the two versions do differently is kept out by the data and by the grammar: samples lie 137 ms after a whole
 * second and subquery steps never fall on the edge of a window, since 3.14's windows are open on the left; counters
 * begin far above zero, since the versions disagree on how far before its first sample a counter may have been zero;
 * what picks among equal values (topk) gets only values that differ; numbers become labels (count_values) only as
 * integers and % of numbers as stored, since last digits may differ. In 2.42 atan2 of two vectors kept the metric's
 * name, variances of infinite values were 0, and elements that a comparison filters out could have several partners.
 */
#include "storage/base/clock.h"
#include "storage/base/hash.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 15000, PHASE_MS = 137, SCRAPES = 240, AGE_MS = 90 * 60 * 1000, QUERIES = 3000, SEED = 20240229 };

#define TOLERANCE 1e-7

/* Every metric for every job and instance. */
static const char *const counters[] = {"requests_total", "errors_total"};
static const char *const gauges[] = {"temperature", "depth", "share"};
static const char *const jobs[] = {"api", "web"};
static const char *const instances[] = {"a:1", "b:1", "c:1"};
static const char *const bounds[] = {"0.1", "0.5", "1", "5", "+Inf"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static double noise(unsigned a, unsigned b)
{
    return (double)(hash_mix(a, b) >> 11) * 0x1p-53;
}

/* Some series are late, some stumble, some are reset. */
static bool is_missing(unsigned number, unsigned scrape)
{
    if (number % 7 == 3 && scrape < SCRAPES / 3) return true;
    return number % 5 == 2 && scrape > SCRAPES / 2 && scrape < SCRAPES / 2 + 30;
}

struct feed {
    struct write_request *request;
    int64_t time_ms;
    unsigned scrape, number;
};

static void add_sample(struct feed *feed, const char *metric, size_t job, size_t instance, const char *bound,
                       double value)
{
    label pairs[4] = {{STR("__name__"), str_from(metric)},
                      {STR("instance"), str_from(instances[instance])},
                      {STR("job"), str_from(jobs[job])}};
    size_t count = 3;

    if (bound) pairs[count++] = (label){STR("le"), str_from(bound)};
    labels_sort(pairs, count);
    struct write_sample sample = {feed->time_ms, value};
    if (!is_missing(feed->number, feed->scrape)) write_request_add(feed->request, pairs, count, &sample, 1);
}

/* A counter that grows by about `pace` a scrape, and is reset after two thirds if `resets`. */
static double counter_value(unsigned number, unsigned scrape, double pace, bool resets)
{
    unsigned since = resets && scrape >= SCRAPES * 2 / 3 ? SCRAPES * 2 / 3 : 0;
    double value = since ? 0 : 1e4 * pace;

    for (unsigned i = since; i <= scrape; i++) value += pace * (0.5 + noise(number, i));
    return value;
}

static void add_instance(struct feed *feed, size_t job, size_t instance)
{
    unsigned scrape = feed->scrape;

    for (size_t m = 0; m < COUNT(counters); m++, feed->number++)
        add_sample(feed, counters[m], job, instance, NULL,
                   counter_value(feed->number, scrape, m ? 2 : 90, feed->number % 4 == 1));
    for (size_t m = 0; m < COUNT(gauges); m++, feed->number++)
        add_sample(feed, gauges[m], job, instance, NULL, (m ? 0 : 3) + 50 * noise(feed->number, scrape));
    for (size_t b = 0; b < COUNT(bounds); b++)
        add_sample(feed, "latency_bucket", job, instance, bounds[b],
                   1e5 * (double)(b + 1) + floor(7.5 * (double)(b + 1) * scrape));
    feed->number++;
}

static void write_data(struct server_pair *pair, int64_t start_ms)
{
    const struct server *servers[] = {&pair->varve, &pair->prometheus};
    struct write_request request = {0};

    for (unsigned scrape = 0; scrape < SCRAPES; scrape++) {
        struct feed feed = {.request = &request, .time_ms = start_ms + scrape * STEP_MS + PHASE_MS, .scrape = scrape};
        write_request_reset(&request);
        for (size_t job = 0; job < COUNT(jobs); job++) {
            for (size_t instance = 0; instance < COUNT(instances); instance++) add_instance(&feed, job, instance);
        }
        for (size_t i = 0; i < COUNT(servers); i++) {
            struct http_answer answer;
            must(remote_write_send(pair->client, servers[i]->write_url, write_request_compress(&request), &answer));
            cr_assert(answer.code / 100 == 2, "%s answers %d: %.*s", servers[i]->name, answer.code,
                      STR_ARG(answer.body));
        }
    }
    write_request_release(&request);
}

/* The grammar. Each maker appends to the text. */
struct grammar {
    uint64_t random;
    char text[4096];
    size_t len;
};

static uint32_t pick(struct grammar *g, size_t count)
{
    g->random = hash_mix(g->random, 0x9E3779B97F4A7C15ULL);
    return (uint32_t)((g->random >> 20) % count);
}

__attribute__((format(printf, 2, 3))) static void put(struct grammar *g, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g->len += (size_t)vsnprintf(g->text + g->len, sizeof g->text - g->len, format, args);
    va_end(args);
    cr_assert(g->len < sizeof g->text);
}

#define PUT_ONE(g, ...)                                       \
    do {                                                      \
        static const char *const choices_[] = {__VA_ARGS__};  \
        put((g), "%s", choices_[pick((g), COUNT(choices_))]); \
    } while (0)

static void put_vector(struct grammar *g, unsigned depth);

static void put_number(struct grammar *g)
{
    PUT_ONE(g, "0", "1", "2", "0.5", "-3", "10", "100", "1e3", "7.25");
}

static void put_scalar(struct grammar *g, unsigned depth)
{
    if (depth == 0 || pick(g, 4)) {
        put_number(g);
        return;
    }
    switch (pick(g, 4)) {
    case 0: PUT_ONE(g, "time()", "scalar(hour())", "scalar(vector(7))"); return;
    case 1: put(g, "pi()"); return;
    case 2:
        put(g, "scalar(");
        put_vector(g, depth - 1);
        put(g, ")");
        return;
    default:
        put(g, "(");
        put_scalar(g, depth - 1);
        PUT_ONE(g, " + ", " - ", " * ");
        put_scalar(g, depth - 1);
        put(g, ")");
    }
}

static void put_matchers(struct grammar *g)
{
    PUT_ONE(g, "", "", "", "{job=\"api\"}", "{job!=\"api\"}", "{instance=~\"[ab]:1\"}", "{instance!~\"a.*\"}",
            "{job=~\"api|web\",instance=\"c:1\"}", "{job=\"none\"}", "{nothing=\"\"}");
}

static void put_offset(struct grammar *g)
{
    PUT_ONE(g, "", "", "", "", "", " offset 2m", " offset -90s", " @ end()", " @ start() offset -30m",
            " offset 1m @ end()");
}

static void put_selector(struct grammar *g, bool is_counter)
{
    if (is_counter) {
        put(g, "%s", counters[pick(g, COUNT(counters))]);
    } else {
        put(g, "%s", gauges[pick(g, COUNT(gauges))]);
    }
    put_matchers(g);
}

/* Function of a range; subquery steps of 30 s never meet the edge of windows that begin 1 s beside them. */
static void put_range_function(struct grammar *g, unsigned depth)
{
    bool is_counter = pick(g, 3) == 0;

    if (depth > 0 && pick(g, 6) == 0) {
        PUT_ONE(g, "avg_over_time((", "max_over_time((", "min_over_time((", "sum_over_time((", "count_over_time((",
                "last_over_time((", "changes((", "present_over_time((", "absent_over_time((",
                "quantile_over_time(0.7, (");
        put_vector(g, depth - 1);
        PUT_ONE(g, ")[299s:30s]", ")[601s:30s]", ")[121s:15s]");
        PUT_ONE(g, ")", ")", ")", " offset 1m)", " @ end())");
        return;
    }
    if (pick(g, 12) == 0) {
        put(g, "predict_linear(");
        put_selector(g, is_counter);
        PUT_ONE(g, "[5m], 600)", "[10m] offset 2m, 60)", "[10m], -300)");
        return;
    }
    if (is_counter) {
        PUT_ONE(g, "rate(", "increase(", "irate(", "resets(", "rate(");
    } else {
        PUT_ONE(g, "avg_over_time(", "sum_over_time(", "min_over_time(", "max_over_time(", "count_over_time(",
                "stddev_over_time(", "stdvar_over_time(", "last_over_time(", "present_over_time(", "delta(", "idelta(",
                "deriv(", "changes(", "quantile_over_time(0.3, ", "absent_over_time(");
    }
    put_selector(g, is_counter);
    PUT_ONE(g, "[1m]", "[5m]", "[10m]", "[45s]", "[1h]");
    put_offset(g);
    put(g, ")");
}

static void put_function(struct grammar *g, unsigned depth)
{
    switch (pick(g, 6)) {
    case 0:
        if (pick(g, 4) == 0) {
            put(g, "clamp(");
            put_vector(g, depth - 1);
            PUT_ONE(g, ", 5, 40)", ", 40, 5)", ", -1, 1)");
            return;
        }
        PUT_ONE(g, "round(", "clamp_min(", "clamp_max(");
        put_vector(g, depth - 1);
        put(g, ", ");
        PUT_ONE(g, "1", "5", "0.1");
        put(g, ")");
        return;
    case 1:
        put(g, "label_replace(");
        put_vector(g, depth - 1);
        PUT_ONE(g, ", \"short\", \"$1\", \"instance\", \"(.):.*\")", ", \"job\", \"x$1\", \"job\", \"(.*)\")",
                ", \"none\", \"\", \"job\", \".*\")");
        return;
    case 2:
        put(g, "label_join(");
        put_vector(g, depth - 1);
        put(g, ", \"both\", \"-\", \"job\", \"instance\")");
        return;
    case 3:
        PUT_ONE(g, "hour(", "minute(", "day_of_week(", "day_of_month(", "day_of_year(", "days_in_month(", "month(",
                "year(", "timestamp(", "sort(", "sort_desc(");
        put_vector(g, depth - 1);
        put(g, ")");
        return;
    default:
        PUT_ONE(g, "abs(", "ceil(", "floor(", "exp(", "sqrt(", "ln(", "log2(", "log10(", "sgn(", "deg(", "rad(", "sin(",
                "cos(", "tan(", "asin(", "acos(", "atan(", "sinh(", "cosh(", "tanh(", "asinh(", "acosh(", "atanh(",
                "-(", "absent(");
        put_vector(g, depth - 1);
        put(g, ")");
    }
}

static void put_grouping(struct grammar *g)
{
    PUT_ONE(g, "", " by (job)", " by (instance)", " without (instance)", " by (job, instance)", " without ()",
            " by (x)");
}

static void put_aggregation(struct grammar *g, unsigned depth)
{
    switch (pick(g, 8)) {
    case 0: /* values that differ */
        PUT_ONE(g, "topk", "bottomk");
        put_grouping(g);
        PUT_ONE(g, "(1, ", "(2, ", "(5, ");
        put_selector(g, false);
        put(g, ")");
        return;
    case 1:
        put(g, "quantile");
        put_grouping(g);
        PUT_ONE(g, "(0.5, ", "(0.9, ", "(0, ", "(1.5, ");
        put_vector(g, depth - 1);
        put(g, ")");
        return;
    case 2:
        put(g, "count_values");
        put_grouping(g);
        put(g, "(\"value\", floor(");
        put_selector(g, false);
        put(g, " / 10))");
        return;
    case 3: /* values that are finite */
        PUT_ONE(g, "stddev", "stdvar");
        put_grouping(g);
        put(g, "(");
        put_selector(g, false);
        put(g, ")");
        return;
    default:
        PUT_ONE(g, "sum", "avg", "min", "max", "count", "group");
        put_grouping(g);
        put(g, "(");
        put_vector(g, depth - 1);
        put(g, ")");
    }
}

static void put_matching(struct grammar *g)
{
    PUT_ONE(g, "", "", "on (job, instance) ", "ignoring (x) ", "on (instance) ", "ignoring (instance) ",
            "on (job, instance) group_left ", "ignoring (job) group_right ", "on (instance) group_left (job) ");
}

static void put_binary(struct grammar *g, unsigned depth)
{
    put(g, "(");
    if (pick(g, 12) == 0) {
        put_selector(g, false);
        put(g, " %% 7)");
        return;
    }
    put_vector(g, depth - 1);
    switch (pick(g, 5)) {
    case 0:
        PUT_ONE(g, " + ", " - ", " * ", " / ", " > ", " < bool ", " == bool ", " >= ", " != ");
        put_scalar(g, depth - 1);
        break;
    case 2:
        PUT_ONE(g, " > ", " <= ", " != ", " > ignoring (x) ", " < ignoring (y) ");
        put_vector(g, depth - 1);
        break;
    case 1:
        PUT_ONE(g, " and ", " or ", " unless ");
        PUT_ONE(g, "", "on (job) ", "ignoring (instance) ");
        put_vector(g, depth - 1);
        break;
    default:
        PUT_ONE(g, " + ", " - ", " * ", " / ", " <= bool ");
        put_matching(g);
        put_vector(g, depth - 1);
    }
    put(g, ")");
}

static void put_vector(struct grammar *g, unsigned depth)
{
    if (depth == 0) {
        put_selector(g, pick(g, 3) == 0);
        put_offset(g);
        return;
    }
    switch (pick(g, 10)) {
    case 0: put_selector(g, false); return;
    case 1:
    case 2: put_range_function(g, depth); return;
    case 3:
        PUT_ONE(g, "histogram_quantile(0.9, ", "histogram_quantile(0.5, ", "histogram_quantile(1, ");
        PUT_ONE(g, "rate(latency_bucket[5m]))", "latency_bucket)", "sum by (le, job) (rate(latency_bucket[10m])))");
        return;
    case 4:
    case 5: put_function(g, depth); return;
    case 6:
    case 7: put_aggregation(g, depth); return;
    default: put_binary(g, depth);
    }
}

/* What came of all queries. */
struct outcome {
    unsigned answered, refused, different;
};

/* Both answer alike or both refuse. */
static void compare(struct server_pair *pair, str expression, const struct prom_range *range, struct outcome *outcome)
{
    const char *urls[] = {pair->prometheus.url, pair->varve.url};
    struct prom_result results[2];
    status outcomes[2];
    struct arena arena;
    str difference = STR("");

    arena_init(&arena, NULL);
    for (size_t i = 0; i < 2; i++)
        outcomes[i] = range->step_ms
                          ? prom_query_range(pair->client, urls[i], expression, *range, &arena, &results[i])
                          : prom_query(pair->client, urls[i], expression, range->start_ms, &arena, &results[i]);
    if (failed(outcomes[0]) != failed(outcomes[1])) {
        difference =
            arena_format(&arena, "%s: %s", failed(outcomes[0]) ? "only prometheus refuses" : "only varve refuses",
                         outcomes[failed(outcomes[0]) ? 0 : 1].text);
    } else if (!failed(outcomes[0])) {
        difference = prom_difference(&results[0], &results[1], TOLERANCE, &arena);
        outcome->answered++;
    } else {
        cr_assert(outcomes[0].code == STATUS_INVALID, "%s", outcomes[0].text);
        outcome->refused++;
    }
    outcome->different += difference.len > 0;
    cr_expect(difference.len == 0, "%.*s every %lld ms (left prometheus, right varve): %.*s", STR_ARG(expression),
              (long long)range->step_ms, STR_ARG(difference));
    arena_release(&arena);
}

static unsigned setting(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text && *text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

Test(differential, generated_queries, .timeout = 600)
{
    static const int64_t steps_ms[] = {15000, 60000, 300000};
    unsigned queries = setting("VARVE_QUERIES", QUERIES), seed = setting("VARVE_SEED", SEED);
    struct server_pair pair;
    struct outcome outcome = {0};

    must(server_pair_start(&pair));
    int64_t start_ms = (clock_now_ms() - AGE_MS) / 60000 * 60000;
    write_data(&pair, start_ms);
    for (unsigned i = 0; i < queries && outcome.different < 20; i++) {
        struct grammar g = {.random = hash_mix(seed, i)};
        int64_t at_ms = start_ms + (int64_t)(5 + pick(&g, 70)) * 60000;
        struct prom_range range = {start_ms, start_ms + SCRAPES * STEP_MS, i % 2 ? steps_ms[pick(&g, 3)] : 0};
        put_vector(&g, 1 + pick(&g, 3));
        if (!range.step_ms) range.start_ms = at_ms;
        compare(&pair, str_make(g.text, g.len), &range, &outcome);
    }
    printf("seed %u: %u queries answered alike, %u refused by both, %u different\n", seed, outcome.answered,
           outcome.refused, outcome.different);
    cr_expect(outcome.answered > queries * 3 / 4, "only %u of %u queries have an answer", outcome.answered, queries);
    must(server_pair_stop(&pair));
}
