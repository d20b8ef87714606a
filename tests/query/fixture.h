/* A small database and an engine for tests of the evaluator: load series, ask queries, compare texts. */
#ifndef VARVE_TESTS_QUERY_FIXTURE_H
#define VARVE_TESTS_QUERY_FIXTURE_H

#include "query/query.h"
#include "tests/support/test.h"

struct fixture {
    struct fs *fs;
    struct db *db;
    struct engine *engine;
    struct arena arena;
};

/* Opens an empty database; the options are the engine's defaults with `threads` and all features of `features`. */
void fixture_open(struct fixture *fixture, uint32_t threads, unsigned features);
void fixture_close(struct fixture *fixture);

/* Puts another engine on the data. */
void fixture_engine(struct fixture *fixture, const struct engine_options *options);

/* Stores series, one a line: `metric{a="b"} 1 2 _ NaN stale h1,2`; item i lies at i * step. Native histograms are an h,
 * or g for a gauge, and the counts of buckets from (0.5, 1] on; or c for custom buckets, with bounds 1, 2, 3, …; their
 * sum is their count. */
void fixture_load(struct fixture *fixture, int64_t step_ms, const char *lines);

/* What most tests of an operator load, at steps of ten seconds: gaps and a stale marker in a, labels that b shares in
 * part, a second label in c. */
extern const char fixture_series[];

/* Stores samples of one series. */
void fixture_append(struct fixture *fixture, const char *metric, const int64_t *times_ms, const double *values,
                    size_t count);

/* The answer as text: for each series `{labels} value@seconds …` and a newline, `scalar value`, `string "…"`, or
 * `error …`; then `warning …` and `info …` lines. In the fixture's arena. Instant: step 0. */
str fixture_ask(struct fixture *fixture, const char *query, int64_t start_ms, int64_t end_ms, int64_t step_ms);

/* One row of a table of cases. */
struct fixture_case {
    const char *query;
    int64_t start_ms, end_ms, step_ms;
    const char *expected;
};
void fixture_check(struct fixture *fixture, const struct fixture_case *cases, size_t count);

#define FIXTURE_CHECK(fixture, cases) fixture_check((fixture), (cases), sizeof(cases) / sizeof(cases)[0])

/* Repeatable random numbers. */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);
double random_unit(struct random *random); /* in [0, 1) */

#endif
