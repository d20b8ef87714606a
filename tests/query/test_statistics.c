/* Counts of samples, in all and by step, as Prometheus counts them. */
#include "query/statistics.h"

#include "tests/query/fixture.h"

static void render_nothing(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    (void)part;
    (void)out;
}

/* m has a sample each 10 s from 0 on, 11 of them; h histograms of which each counts for 6 floats or so. */
static const char series[] = "m{a=\"1\"} 0 1 2 3 4 5 6 7 8 9 10\n"
                             "m{a=\"2\"} 0 1 2 _ stale 5 6 7 8 9 10\n"
                             "h h1,2 h1,3\n";

static const struct {
    const char *query;
    bool is_range; /* from 50 to 100 s each 10 s; else at 50 s */
    uint64_t queryable, read;
    const char *queryable_steps, *read_steps;
} cases[] = {
    {"m", false, 2, 2, "2", "2"},
    {"1", false, 0, 0, "0", "0"},
    {"m", true, 12, 12, "2 2 2 2 2 2", "2 2 2 2 2 2"},
    {"m + m", true, 24, 24, "4 4 4 4 4 4", "4 4 4 4 4 4"},
    {"sum_over_time(m{a=\"1\"}[30s])", false, 3, 3, "3", "3"},
    {"sum_over_time(m{a=\"1\"}[30s])", true, 18, 8, "3 3 3 3 3 3", "3 1 1 1 1 1"},
    {"sum_over_time(m{a=\"1\"}[10s])", true, 6, 6, "1 1 1 1 1 1", "1 1 1 1 1 1"},
    {"sum_over_time(m{a=\"2\"}[30s])", true, 15, 6, "1 2 3 3 3 3", NULL},
    {"m @ 20", true, 12, 2, "2 2 2 2 2 2", "2 0 0 0 0 0"},
    {"sum_over_time(m{a=\"1\"}[30s] @ 50)", true, 18, 3, "3 3 3 3 3 3", "3 0 0 0 0 0"},
    /* points of the subquery, and, for what is read, the samples below it */
    {"sum_over_time(m{a=\"1\"}[20s:10s])", false, 2, 4, "2", "4"},
    {"sum_over_time(m{a=\"1\"}[20s:10s])", true, 12, 14, "2 2 2 2 2 2", "4 2 2 2 2 2"},
    {"m{a=\"1\"}[30s]", false, 3, 3, "3", "3"},
    {"histogram_count(h)", false, 0, 0, NULL, NULL}, /* of some size */
};

static void check_steps(const char *text, const uint64_t *counts, size_t steps, const char *expected)
{
    struct arena arena = {0};
    str got = STR("");

    for (size_t s = 0; s < steps; s++)
        got = arena_format(&arena, "%.*s%s%llu", STR_ARG(got), s ? " " : "", (unsigned long long)counts[s]);
    cr_expect(str_equal(got, str_from(expected)), "%s: %.*s", text, STR_ARG(got));
    arena_release(&arena);
}

static struct query *ask(struct fixture *fixture, size_t i, bool by_step)
{
    struct query_request request = {.text = str_from(cases[i].query),
                                    .is_range = cases[i].is_range,
                                    .start_ms = 50000,
                                    .end_ms = 100000,
                                    .step_ms = 10000,
                                    .wants_step_stats = by_step};
    struct query *query = query_prepare(fixture->engine, &request);

    query_run(query, render_nothing, NULL);
    cr_assert(query_error_kind(query) == QUERY_OK, "%.*s", STR_ARG(query_error(query)));
    return query;
}

Test(statistics, samples_of_queries)
{
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_PER_STEP_STATS);
    fixture_load(&fixture, 10000, series);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query *query = ask(&fixture, i, true);
        struct query_stats stats = query_get_stats(query);
        if (cases[i].queryable_steps) {
            cr_expect(stats.samples_queryable == cases[i].queryable && stats.samples_read == cases[i].read,
                      "%s: %llu %llu", cases[i].query, (unsigned long long)stats.samples_queryable,
                      (unsigned long long)stats.samples_read);
            check_steps(cases[i].query, stats.step_queryable, stats.steps, cases[i].queryable_steps);
        } else {
            cr_expect(stats.samples_queryable > 3);
        }
        if (cases[i].read_steps) check_steps(cases[i].query, stats.step_read, stats.steps, cases[i].read_steps);
        uint64_t total = 0;
        for (size_t s = 0; s < stats.steps; s++) total += stats.step_read[s];
        cr_expect(total == stats.samples_read, "%s", cases[i].query);
        query_free(query);
    }
    fixture_close(&fixture);
}

Test(statistics, by_step_only_if_asked)
{
    struct fixture fixture;
    struct engine_options options = engine_options_default();

    fixture_open(&fixture, 1, FEATURE_PER_STEP_STATS);
    struct query *query = ask(&fixture, 2, false);
    cr_expect(!query_get_stats(query).step_read);
    query_free(query);
    fixture_engine(&fixture, &options);
    query = ask(&fixture, 2, true);
    cr_expect(!query_get_stats(query).step_read);
    query_free(query);
    fixture_close(&fixture);
}
