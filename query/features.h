/* Parts of the language that Prometheus has behind --enable-feature, under the same names. */
#ifndef VARVE_QUERY_FEATURES_H
#define VARVE_QUERY_FEATURES_H

#include "storage/base/str.h"

#define FEATURES(X)                                                   \
    X(EXPERIMENTAL_FUNCTIONS, 0, "promql-experimental-functions")     \
    X(EXTENDED_RANGE_SELECTORS, 1, "promql-extended-range-selectors") \
    X(FILL_MODIFIERS, 2, "promql-binop-fill-modifiers")               \
    X(DELAYED_NAME_REMOVAL, 3, "promql-delayed-name-removal")         \
    X(START_TIMESTAMPS, 4, "use-start-timestamps")                    \
    X(TYPE_AND_UNIT_LABELS, 5, "type-and-unit-labels")                \
    X(PER_STEP_STATS, 6, "promql-per-step-stats")

enum feature {
#define X(code, bit, name) FEATURE_##code = 1 << bit,
    FEATURES(X)
#undef X
};

/* The feature of a name; false if there is none. */
bool feature_by_name(str name, unsigned *out);

#endif
