/* Variance, least squares, smoothing, changes and resets against plain loops. */
#include "tests/query/window_twin.h"

#include "query/kernel.h"
#include "tests/support/test.h"

#define TWIN(name) \
    static bool name(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param, double *out)

#define UNUSED   \
    (void)t;     \
    (void)start; \
    (void)end;   \
    (void)param

TWIN(twin_stdvar)
{
    double count = 0, mean = 0, mean_lost = 0, sum = 0, sum_lost = 0;

    UNUSED;
    for (size_t i = 0; i < n; i++) {
        count++;
        double delta = v[i] - (mean + mean_lost);
        kahan_add(delta / count, &mean, &mean_lost);
        kahan_add(delta * (v[i] - (mean + mean_lost)), &sum, &sum_lost);
    }
    *out = (sum + sum_lost) / count;
    return true;
}

TWIN(twin_stddev)
{
    twin_stdvar(t, v, n, start, end, param, out);
    *out = sqrt(*out);
    return true;
}

TWIN(twin_changes)
{
    double changes = 0;

    UNUSED;
    for (size_t i = 1; i < n; i++) changes += v[i] != v[i - 1] && !(isnan(v[i]) && isnan(v[i - 1]));
    *out = changes;
    return true;
}

TWIN(twin_resets)
{
    double resets = 0;

    UNUSED;
    for (size_t i = 1; i < n; i++) resets += v[i] < v[i - 1];
    *out = resets;
    return true;
}

TWIN(twin_deriv)
{
    double sx = 0, sy = 0, sxy = 0, sxx = 0, cx = 0, cy = 0, cxy = 0, cxx = 0, count = (double)n;
    bool is_constant = true;

    UNUSED;
    if (n < 2) return false;
    for (size_t i = 0; i < n; i++) {
        double x = (double)(t[i] - t[0]) / 1e3;
        is_constant &= i == 0 || v[i] == v[0];
        kahan_add(x, &sx, &cx);
        kahan_add(v[i], &sy, &cy);
        kahan_add(x * v[i], &sxy, &cxy);
        kahan_add(x * x, &sxx, &cxx);
    }
    if (is_constant) {
        *out = isinf(v[0]) ? NAN : 0;
        return true;
    }
    sx += cx;
    sy += cy;
    *out = (sxy + cxy - sx * sy / count) / (sxx + cxx - sx * sx / count);
    return true;
}

TWIN(twin_smoothing)
{
    double before = 0, level = v[0], trend;

    UNUSED;
    if (n < 2) return false;
    trend = v[1] - v[0];
    for (size_t i = 1; i < n; i++) {
        double x = param * v[i];
        if (i > 1) trend = param * (level - before) + (1 - param) * trend;
        double y = (1 - param) * (level + trend);
        before = level;
        level = x + y;
    }
    *out = level;
    return true;
}

Test(window_fit, against_twins)
{
    window_twin_check(&window_stdvar, twin_stdvar, 0, 0);
    window_twin_check(&window_stddev, twin_stddev, 0, 0);
    window_twin_check(&window_changes, twin_changes, 0, 0);
    window_twin_check(&window_resets, twin_resets, 0, 0);
    window_twin_check(&window_deriv, twin_deriv, 0, 0);
    window_twin_check(&window_smoothing, twin_smoothing, 0.4, 0);
}
