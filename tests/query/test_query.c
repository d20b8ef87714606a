/* The life of a query: kinds of errors, limits, cancellation, results in parts, and the same bits from any number of
 * threads. */
#include "query/query.h"

#include "storage/base/clock.h"
#include "tests/query/fixture.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ALL = FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_EXTENDED_RANGE_SELECTORS | FEATURE_FILL_MODIFIERS,
    SERIES = 700,
    SAMPLES = 300,
    STEP_MS = 15000
};

/* Counters and gauges of some jobs, with gaps. */
static void load_fleet(struct fixture *fixture)
{
    static int64_t times[SAMPLES];
    static double values[SAMPLES];
    struct random random = {31};

    for (int i = 0; i < SERIES; i++) {
        char metric[128];
        double value = 0;
        size_t count = 0;
        for (int k = 0; k < SAMPLES; k++) {
            value = i % 2 ? value + random_unit(&random) * 10 : random_unit(&random) * 100 - 50;
            if (random_next(&random) % 50 == 0) continue;
            times[count] = (int64_t)k * STEP_MS + i % 7;
            values[count++] = value;
        }
        snprintf(metric, sizeof metric, "%s{job=\"j%d\",instance=\"i%d\",cpu=\"%d\"}", i % 2 ? "c_total" : "g", i % 5,
                 i / 5, i % 3);
        fixture_append(fixture, metric, times, values, count);
    }
}

static const struct {
    const char *query;
    int64_t start_ms, end_ms, step_ms;
} fleet_queries[] = {
    {"sum by (job) (rate(c_total[1m]))", 0, 4500000, 15000},
    {"sum(g)", 0, 4500000, 15000},
    {"avg without (cpu, instance) (g)", 4000000, 0, 0},
    {"stddev(rate(c_total[5m]))", 600000, 4500000, 60000},
    {"topk by (job) (3, g)", 0, 4500000, 60000},
    {"quantile by (cpu) (0.9, g)", 0, 4500000, 60000},
    {"g", 4000000, 0, 0},
    {"rate(c_total[5m])", 0, 4500000, 30000},
    {"g / on(instance) group_left() max by (instance) (c_total)", 0, 4500000, 60000},
    {"count(g > 0)", 0, 4500000, 15000},
    {"max_over_time(sum by (job) (rate(c_total[1m]))[10m:30s])", 0, 4500000, 60000},
    {"label_replace(g, \"x\", \"$1\", \"instance\", \"i(.).*\") or c_total", 4000000, 0, 0},
    {"sort_desc(avg_over_time(g[10m]))", 4000000, 0, 0},
    {"absent(g > 1000)", 0, 4500000, 300000},
    {"count_values by (cpu) (\"v\", round(g, 25))", 0, 4500000, 300000},
    {"scalar(sum(g)) + vector(1)", 0, 4500000, 60000},
};

enum { FLEET_QUERIES = sizeof fleet_queries / sizeof fleet_queries[0] };

static str ask_fleet(struct fixture *fixture, size_t i)
{
    return fixture_ask(fixture, fleet_queries[i].query, fleet_queries[i].start_ms, fleet_queries[i].end_ms,
                       fleet_queries[i].step_ms);
}

Test(query, same_bits_from_any_number_of_threads)
{
    struct engine_options options = engine_options_default();
    struct fixture fixture;
    str first[FLEET_QUERIES];

    options.features = ALL;
    fixture_open(&fixture, 1, ALL);
    load_fleet(&fixture);
    for (size_t i = 0; i < FLEET_QUERIES; i++) {
        first[i] = ask_fleet(&fixture, i);
        cr_assert(first[i].len > 0 && !str_starts_with(first[i], STR("error")), "%.*s", STR_ARG(first[i]));
    }
    for (options.threads = 2; options.threads <= 4; options.threads++) {
        fixture_engine(&fixture, &options);
        for (size_t i = 0; i < FLEET_QUERIES; i++)
            cr_expect(str_equal(ask_fleet(&fixture, i), first[i]), "%u threads: %s", options.threads,
                      fleet_queries[i].query);
    }
    fixture_close(&fixture);
}

/* Queries of several clients at a time, as jobs of the engine. */
struct client {
    struct fixture *fixture;
    size_t number;
    size_t bytes;
    pthread_mutex_t *mutex;
    pthread_cond_t *done;
    int *left;
};

static void render_points(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    for (size_t i = 0; i < part->series_count; i++) {
        const struct result_series *series = &part->series[i];
        writer_bytes(out, series->times_ms, series->point_count * sizeof *series->times_ms);
        writer_bytes(out, series->values, series->point_count * sizeof *series->values);
    }
}

static size_t run_fleet_query(struct fixture *fixture, size_t i)
{
    struct query_request request = {.text = str_from(fleet_queries[i].query),
                                    .is_range = fleet_queries[i].step_ms > 0,
                                    .start_ms = fleet_queries[i].start_ms,
                                    .end_ms = fleet_queries[i].end_ms,
                                    .step_ms = fleet_queries[i].step_ms};
    struct query *query = query_prepare(fixture->engine, &request);
    size_t bytes = 0;

    query_run(query, render_points, NULL);
    cr_assert(query_error_kind(query) == QUERY_OK, "%.*s", STR_ARG(query_error(query)));
    for (size_t part = 0; part < query_output_count(query); part++) bytes += query_output(query, part).len;
    query_free(query);
    return bytes;
}

static void client_job(void *context)
{
    struct client *client = context;

    client->bytes = run_fleet_query(client->fixture, client->number % FLEET_QUERIES);
    pthread_mutex_lock(client->mutex);
    if (--*client->left == 0) pthread_cond_signal(client->done);
    pthread_mutex_unlock(client->mutex);
}

Test(query, many_at_a_time)
{
    enum { CLIENTS = 3 * FLEET_QUERIES };
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t done = PTHREAD_COND_INITIALIZER;
    struct client clients[CLIENTS];
    struct fixture fixture;
    int left = CLIENTS;

    fixture_open(&fixture, 3, ALL);
    load_fleet(&fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){&fixture, i, 0, &mutex, &done, &left};
        cr_assert(engine_submit(fixture.engine, client_job, &clients[i]));
    }
    pthread_mutex_lock(&mutex);
    while (left > 0) pthread_cond_wait(&done, &mutex);
    pthread_mutex_unlock(&mutex);
    for (size_t i = 0; i < CLIENTS; i++)
        cr_expect(clients[i].bytes == run_fleet_query(&fixture, i % FLEET_QUERIES), "query %zu", i % FLEET_QUERIES);
    fixture_close(&fixture);
}

static struct query *run(struct fixture *fixture, const struct query_request *request)
{
    struct query *query = query_prepare(fixture->engine, request);

    query_run(query, render_points, NULL);
    return query;
}

Test(query, kinds_of_errors)
{
    static const struct {
        const char *query;
        bool is_range;
        int64_t end_ms, step_ms;
        enum query_error_kind kind;
        const char *message;
    } cases[] = {
        {"sum(", false, 0, 0, QUERY_BAD_DATA, "1:5: parse error: unclosed left parenthesis"},
        {"", false, 0, 0, QUERY_BAD_DATA, "unknown position: parse error: no expression found in input"},
        {"a[5m]", true, 1000, 1000, QUERY_BAD_DATA,
         "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"},
        {"\"x\"", true, 1000, 1000, QUERY_BAD_DATA,
         "invalid expression type \"string\" for range query, must be Scalar or instant Vector"},
        {"a", true, -1, 1000, QUERY_BAD_DATA, "a range query needs a positive step and an end not before its start"},
        {"a", true, 1000, 0, QUERY_BAD_DATA, "a range query needs a positive step and an end not before its start"},
        {"a", true, INT64_MAX, 1, QUERY_BAD_DATA, "a range query of 9223372036854775808 steps is too long"},
        {"a[5m:1-1]", false, 0, 0, QUERY_BAD_DATA, "5:8: duration must be greater than 0"},
        {"topk(NaN, vector(1))", false, 0, 0, QUERY_EXECUTION, "Parameter value is NaN"},
        {"max_over_time(a[100y:1ms])", false, 0, 0, QUERY_EXECUTION,
         "query processing would load too many samples into memory in query execution: at least 3153600000000, "
         "--query.max-samples allows 50000000"},
        {"vector(1)", false, 0, 0, QUERY_OK, ""},
    };
    struct fixture fixture;

    fixture_open(&fixture, 1, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_request request = {.text = str_from(cases[i].query),
                                        .is_range = cases[i].is_range,
                                        .end_ms = cases[i].end_ms,
                                        .step_ms = cases[i].step_ms};
        struct query *query = run(&fixture, &request);
        cr_expect(query_error_kind(query) == cases[i].kind && str_equal(query_error(query), str_from(cases[i].message)),
                  "%s: %d %.*s", cases[i].query, (int)query_error_kind(query), STR_ARG(query_error(query)));
        cr_expect(cases[i].kind == QUERY_OK || query_output_count(query) == 0);
        query_free(query);
    }
    fixture_close(&fixture);
}

Test(query, ends_when_told)
{
    struct query_request request = {.text = STR("sum(rate(c_total[5m]))"),
                                    .is_range = true,
                                    .end_ms = 4000000,
                                    .step_ms = 15000};
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    load_fleet(&fixture);
    struct query *query = query_prepare(fixture.engine, &request);
    query_cancel(query);
    query_run(query, render_points, NULL);
    cr_expect(query_error_kind(query) == QUERY_CANCELED);
    cr_expect(str_equal(query_error(query), STR("query was canceled in expression evaluation")));
    query_free(query);
    request.timeout_ms = 1;
    query = query_prepare(fixture.engine, &request);
    usleep(3000);
    query_run(query, render_points, NULL);
    cr_expect(query_error_kind(query) == QUERY_TIMEOUT);
    cr_expect(str_equal(query_error(query), STR("query timed out in expression evaluation")));
    query_free(query);
    fixture_close(&fixture);
}

static void check_limit(struct fixture *fixture, const struct engine_options *options, const char *text,
                        enum query_error_kind kind, const char *message)
{
    struct query_request request = {.text = str_from(text), .is_range = true, .end_ms = 4000000, .step_ms = 15000};

    fixture_engine(fixture, options);
    struct query *query = run(fixture, &request);
    cr_expect(query_error_kind(query) == kind && str_equal(query_error(query), str_from(message)), "%s: %.*s", text,
              STR_ARG(query_error(query)));
    query_free(query);
}

Test(query, stays_in_its_limits)
{
    struct engine_options options = engine_options_default();
    struct fixture fixture;

    fixture_open(&fixture, 2, ALL);
    load_fleet(&fixture);
    options.text_bytes_max = 5;
    check_limit(&fixture, &options, "sum(g)", QUERY_BAD_DATA, "the query has 6 bytes, --query.max-length allows 5");
    check_limit(&fixture, &options, "(g+g)", QUERY_OK, "");
    options.text_bytes_max = 100;
    options.samples_max = 50000;
    check_limit(&fixture, &options, "g", QUERY_EXECUTION,
                "query processing would load too many samples into memory in query execution");
    check_limit(&fixture, &options, "sum(g)", QUERY_OK, "");
    options.samples_max = 50000000;
    options.query_bytes_max = 3 << 20;
    check_limit(&fixture, &options, "topk(300, g)", QUERY_EXECUTION,
                "query needs more than the 3 MiB of memory that --query.memory allows; ask for fewer series or steps, "
                "or raise the limit");
    options.query_bytes_max = 128 << 20;
    options.total_bytes_max = 3 << 20;
    check_limit(&fixture, &options, "topk(300, g)", QUERY_OVERLOAD,
                "all queries together need more than the 3 MiB of memory that --query.total-memory allows; try again "
                "later");
    fixture_close(&fixture);
}

Test(query, series_are_cut_at_the_limit)
{
    struct query_request request = {
        .text = STR("g"), .start_ms = 4000000, .end_ms = 4100000, .step_ms = 15000, .limit = 5};
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    load_fleet(&fixture);
    for (int is_range = 0; is_range < 2; is_range++) {
        request.is_range = is_range;
        struct query *query = run(&fixture, &request);
        cr_expect(query_series_count(query) == 5 && query_was_truncated(query));
        query_free(query);
    }
    request.limit = SERIES;
    struct query *query = run(&fixture, &request);
    cr_expect(query_series_count(query) == SERIES / 2 && !query_was_truncated(query));
    struct query_stats stats = query_get_stats(query);
    cr_expect(stats.samples_read == SERIES / 2 * 7 && stats.samples_peak >= SERIES / 2 * 7);
    query_free(query);
    fixture_close(&fixture);
}

/* Results of all kinds; types after the run. */
Test(query, types)
{
    static const struct {
        const char *query;
        bool is_range;
        enum value_type type;
    } cases[] = {{"1", false, VALUE_SCALAR},         {"1", true, VALUE_MATRIX}, {"\"s\"", false, VALUE_STRING},
                 {"vector(1)", false, VALUE_VECTOR}, {"g", true, VALUE_MATRIX}, {"g[1m]", false, VALUE_MATRIX}};
    struct fixture fixture;

    fixture_open(&fixture, 1, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_request request = {
            .text = str_from(cases[i].query), .is_range = cases[i].is_range, .start_ms = 7, .end_ms = 9, .step_ms = 1};
        struct query *query = run(&fixture, &request);
        cr_expect(query_type(query) == cases[i].type, "%s", cases[i].query);
        cr_expect(query_time_ms(query) == 7);
        query_free(query);
    }
    fixture_close(&fixture);
}

static void endless_job(void *context)
{
    struct fixture *fixture = context;
    struct query_request request = {.text = STR("sum(max_over_time(g[1h:1s]))"),
                                    .is_range = true,
                                    .end_ms = 4000000,
                                    .step_ms = 1000};
    struct query *query = run(fixture, &request);

    cr_expect(query_error_kind(query) == QUERY_CANCELED || query_error_kind(query) == QUERY_OK);
    query_free(query);
}

Test(query, closing_the_engine_cancels_what_runs)
{
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    load_fleet(&fixture);
    for (int i = 0; i < 4; i++) cr_assert(engine_submit(fixture.engine, endless_job, &fixture));
    usleep(20000);
    int64_t since = clock_monotonic_ns();
    fixture_close(&fixture);
    cr_expect(clock_monotonic_ns() - since < 5000000000);
}
