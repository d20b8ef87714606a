/* Minimum, maximum, their times, quantiles and deviations against plain loops. */
#include "tests/query/window_twin.h"

#include "query/quantile.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double extreme(const double *v, size_t n, double sign, bool wants_later, size_t *at)
{
    double best = v[0];

    *at = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_better = sign * v[i] < sign * best || (wants_later && v[i] == best) || isnan(best);
        if (!is_better) continue;
        best = v[i];
        *at = i;
    }
    return best;
}

#define EXTREME(name, sign, wants_later, result)                                                            \
    static bool name(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param, \
                     double *out)                                                                           \
    {                                                                                                       \
        size_t at;                                                                                          \
        double best = extreme(v, n, sign, wants_later, &at);                                                \
        (void)t;                                                                                            \
        (void)best;                                                                                         \
        (void)start;                                                                                        \
        (void)end;                                                                                          \
        (void)param;                                                                                        \
        *out = result;                                                                                      \
        return true;                                                                                        \
    }

EXTREME(twin_min, 1, false, best)
EXTREME(twin_max, -1, false, best)
EXTREME(twin_ts_of_min, 1, true, (double)t[at] / 1000)
EXTREME(twin_ts_of_max, -1, true, (double)t[at] / 1000)

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    if (isnan(x) || isnan(y)) return isnan(y) - isnan(x);
    return (x > y) - (x < y);
}

static double sorted_quantile(const double *v, size_t n, double q)
{
    double *sorted = memcpy(malloc(n * sizeof *sorted), v, n * sizeof *sorted);

    qsort(sorted, n, sizeof *sorted, compare);
    double rank = q * ((double)n - 1), weight = rank - floor(rank);
    size_t low = (size_t)floor(rank), high = low + 1 < n ? low + 1 : low;
    double result = sorted[low] * (1 - weight) + sorted[high] * weight;
    free(sorted);
    return result;
}

static bool twin_quantile(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param,
                          double *out)
{
    (void)t;
    (void)start;
    (void)end;
    *out = sorted_quantile(v, n, param);
    return true;
}

static bool twin_mad(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param, double *out)
{
    double *deviations = malloc(n * sizeof *deviations), median = sorted_quantile(v, n, 0.5);

    (void)t;
    (void)start;
    (void)end;
    (void)param;
    for (size_t i = 0; i < n; i++) deviations[i] = fabs(v[i] - median);
    *out = sorted_quantile(deviations, n, 0.5);
    for (size_t i = 0; i < n; i++) {
        if (isnan(v[i])) *out = NAN;
    }
    free(deviations);
    return true;
}

Test(window_order, against_twins)
{
    window_twin_check(&window_min, twin_min, 0, 0);
    window_twin_check(&window_max, twin_max, 0, 0);
    window_twin_check(&window_ts_of_min, twin_ts_of_min, 0, 0);
    window_twin_check(&window_ts_of_max, twin_ts_of_max, 0, 0);
    /* -0 and 0 are equal in any order. */
    window_twin_check(&window_quantile, twin_quantile, 0.3, 1e-300);
    window_twin_check(&window_quantile, twin_quantile, 1, 1e-300);
    window_twin_check(&window_mad, twin_mad, 0, 1e-300);
}
