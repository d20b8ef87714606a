/* Window kernels against plain loops over random columns. */
#ifndef VARVE_TESTS_QUERY_WINDOW_TWIN_H
#define VARVE_TESTS_QUERY_WINDOW_TWIN_H

#include "query/window.h"

/* The plain way: the value of one window of `count` samples (at least one); false if it has none. start and end are
 * those of the range. */
typedef bool window_twin(const int64_t *times_ms, const double *values, size_t count, int64_t start_ms, int64_t end_ms,
                         double param, double *out);

/* Runs a function over many random columns and grids and compares each step, to the bit, or within a relative
 * tolerance. */
void window_twin_check(const struct window_function *function, window_twin *twin, double param, double tolerance);

#endif
