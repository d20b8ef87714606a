/* What a query answered, as the runner compares it. */
#ifndef VARVE_TESTS_CONFORMANCE_ANSWER_H
#define VARVE_TESTS_CONFORMANCE_ANSWER_H

#include "query/query.h"
#include "tests/conformance/script.h"

struct answer_series {
    label *labels;
    size_t label_count;
    int64_t *times_ms;
    double *values;
    const struct histogram **histograms; /* NULL where a point is a float */
    size_t point_count;
};

struct answer {
    str error; /* empty: none */
    enum value_type type;
    double scalar;
    str string;
    struct answer_series *series;
    size_t series_count;
    str *warnings, *infos;
    size_t warning_count, info_count;
};

/* Runs a query and keeps all of its answer in the arena. */
void answer_make(struct engine *engine, const struct query_request *request, struct answer *out, struct arena *arena);

/* Whether an answer is what an eval expects. If not, *why says what is wrong. */
bool answer_matches(const struct answer *answer, const struct eval *eval, str *why, struct arena *arena);

/* The answer of a range query around an instant, seen at that instant. */
bool answer_matches_at(const struct answer *answer, const struct eval *eval, int64_t at_ms, str *why,
                       struct arena *arena);

#endif
