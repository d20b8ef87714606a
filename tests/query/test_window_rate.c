/* rate, increase, delta, irate, idelta against the rules written out. */
#include "tests/query/window_twin.h"

#include "tests/support/test.h"

static bool extrapolated(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, bool is_counter,
                         double seconds, double *out)
{
    if (n < 2) return false;
    double change = v[n - 1] - v[0];
    for (size_t i = 1; i < n && is_counter; i++) {
        if (v[i] < v[i - 1]) change += v[i - 1];
    }
    double to_start = (double)(t[0] - start) / 1000, to_end = (double)(end - t[n - 1]) / 1000;
    double sampled = (double)(t[n - 1] - t[0]) / 1000, average = sampled / (double)(n - 1);
    double threshold = average * 1.1;
    if (to_start >= threshold) to_start = average / 2;
    if (is_counter) {
        double to_zero = to_start;
        if (change > 0 && v[0] >= 0) to_zero = sampled * (v[0] / change);
        if (to_zero < to_start) to_start = to_zero;
    }
    if (to_end >= threshold) to_end = average / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    if (seconds > 0) factor /= seconds;
    *out = change * factor;
    return true;
}

static bool twin_rate(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param,
                      double *out)
{
    (void)param;
    return extrapolated(t, v, n, start, end, true, (double)(end - start) / 1000, out);
}

static bool twin_increase(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param,
                          double *out)
{
    (void)param;
    return extrapolated(t, v, n, start, end, true, 0, out);
}

static bool twin_delta(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param,
                       double *out)
{
    (void)param;
    return extrapolated(t, v, n, start, end, false, 0, out);
}

static bool twin_irate(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param,
                       double *out)
{
    (void)start;
    (void)end;
    (void)param;
    if (n < 2) return false;
    double change = v[n - 1] < v[n - 2] ? v[n - 1] : v[n - 1] - v[n - 2];
    *out = change / ((double)(t[n - 1] - t[n - 2]) / 1000);
    return true;
}

static bool twin_idelta(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param,
                        double *out)
{
    (void)t;
    (void)start;
    (void)end;
    (void)param;
    if (n < 2) return false;
    *out = v[n - 1] - v[n - 2];
    return true;
}

Test(window_rate, against_twins)
{
    window_twin_check(&window_rate, twin_rate, 0, 0);
    window_twin_check(&window_increase, twin_increase, 0, 0);
    window_twin_check(&window_delta, twin_delta, 0, 0);
    window_twin_check(&window_irate, twin_irate, 0, 0);
    window_twin_check(&window_idelta, twin_idelta, 0, 0);
}
