/* The function registry: one row makes a PromQL function. */
#ifndef VARVE_QUERY_FUNCTIONS_H
#define VARVE_QUERY_FUNCTIONS_H

#include "query/ast.h"

struct plan;
struct stage;
struct window_function;

/* Calls that are numbers once the query's times are known. */
enum folds { FOLDS_NOT, FOLDS_START, FOLDS_END, FOLDS_RANGE, FOLDS_STEP };

/* How a call becomes an operator: make() plans it, and finds its kernel in one of the others. */
struct how {
    struct stage *(*make)(struct plan *plan, const struct node *call);
    void (*each)(double *values, const uint64_t *present, size_t count);
    double (*date)(int64_t seconds);
    const struct window_function *window;
    enum folds folds;
    bool follows_time; /* may change from step to step even if its arguments do not */
};

/* Argument types as letters: v instant vector, m range vector, s scalar, t string, l label selector (info only); `?`
 * makes the one before it optional, `*` lets it repeat any number of times, also zero; "s*9" at most nine times. */
struct function {
    const char *name;
    const char *takes;
    enum value_type gives;
    bool experimental;
    const char *documentation; /* one sentence */
    struct how how;
};

/* NULL if there is none; names are case-sensitive. */
const struct function *functions_find(str name);

enum { FUNCTION_ARGS_MAX = 5 };

/* The arguments as Prometheus counts them: each has a type (a label selector is an instant vector), and the last may be
 * left out or repeated. */
struct signature {
    enum value_type types[FUNCTION_ARGS_MAX];
    size_t count;
    int variadic; /* 0: exactly `count` arguments; n: from count - 1 to count - 1 + n; -1: no upper limit */
};

struct signature functions_signature(const struct function *function);

/* All rows in the order of names. */
const struct function *functions_all(size_t *count);

#endif
