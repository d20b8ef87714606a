/* Window functions that fit or accumulate: variance, least squares (deriv, predict_linear), exponential smoothing,
 * changes and resets. */
#include "query/kernel.h"
#include "query/window_rich.h"

static double variance(const double *values, size_t count)
{
    double n = 0, mean = 0, mean_lost = 0, squares = 0, squares_lost = 0;

    for (size_t i = 0; i < count; i++) {
        n++;
        double delta = values[i] - (mean + mean_lost);
        kahan_add(delta / n, &mean, &mean_lost);
        kahan_add(delta * (values[i] - (mean + mean_lost)), &squares, &squares_lost);
    }
    return (squares + squares_lost) / n;
}

static bool run_stdvar(const struct window_run *run, double *values, uint64_t *present)
{
    bits_each(s, present, run->plan->steps)
    {
        if (!window_goes_on(run, run->plan->length[s])) return false;
        values[s] = variance(run->column.values + run->plan->first[s], run->plan->length[s]);
    }
    return true;
}

static bool run_stddev(const struct window_run *run, double *values, uint64_t *present)
{
    if (!run_stdvar(run, values, present)) return false;
    bits_each(s, present, run->plan->steps) values[s] = sqrt(values[s]);
    return true;
}

struct line {
    double slope, intercept;
};

/* Least squares over a window; the intercept is at `origin_ms`. */
static struct line fit_line(const int64_t *times_ms, const double *values, size_t count, int64_t origin_ms)
{
    double x_sum = 0, x_lost = 0, y_sum = 0, y_lost = 0, xy_sum = 0, xy_lost = 0, xx_sum = 0, xx_lost = 0;
    double n = (double)count;
    bool is_constant = true;

    for (size_t i = 0; i < count; i++) {
        double x = (double)(times_ms[i] - origin_ms) / 1e3, y = values[i];
        if (i > 0 && y != values[0]) is_constant = false;
        kahan_add(x, &x_sum, &x_lost);
        kahan_add(y, &y_sum, &y_lost);
        kahan_add(x * y, &xy_sum, &xy_lost);
        kahan_add(x * x, &xx_sum, &xx_lost);
    }
    if (is_constant) return isinf(values[0]) ? (struct line){NAN, NAN} : (struct line){0, values[0]};
    x_sum += x_lost;
    y_sum += y_lost;
    xy_sum += xy_lost;
    xx_sum += xx_lost;
    double slope = (xy_sum - x_sum * y_sum / n) / (xx_sum - x_sum * x_sum / n);
    return (struct line){slope, y_sum / n - slope * x_sum / n};
}

static bool run_deriv(const struct window_run *run, double *values, uint64_t *present)
{
    bits_each(s, present, run->plan->steps)
    {
        if (!window_goes_on(run, run->plan->length[s])) return false;
        const int64_t *times = run->column.times_ms + run->plan->first[s];
        values[s] = fit_line(times, run->column.values + run->plan->first[s], run->plan->length[s], times[0]).slope;
    }
    return true;
}

/* The intercept is at the time of evaluation, whatever the selector's offset. */
static bool run_predict_linear(const struct window_run *run, double *values, uint64_t *present)
{
    bits_each(s, present, run->plan->steps)
    {
        if (!window_goes_on(run, run->plan->length[s])) return false;
        uint32_t first = run->plan->first[s];
        struct line line = fit_line(run->column.times_ms + first, run->column.values + first, run->plan->length[s],
                                    grid_time(&run->windows->grid, s));
        values[s] = line.slope * window_param(run, 0, s) + line.intercept;
    }
    return true;
}

static double smooth(const double *values, size_t count, double level_share, double trend_share)
{
    double before = 0, level = values[0], trend = values[1] - values[0];

    for (size_t i = 1; i < count; i++) {
        double x = level_share * values[i];
        if (i > 1) trend = trend_share * (level - before) + (1 - trend_share) * trend;
        double y = (1 - level_share) * (level + trend);
        before = level;
        level = x + y;
    }
    return level;
}

/* The factors are checked where there is anything to smooth. */
static bool check_factors(const struct window_run *run, size_t step)
{
    static const char *const names[] = {"smoothing", "trend"};
    static const char *const letters[] = {"sf", "tf"};

    for (size_t i = 0; i < 2; i++) {
        double factor = window_param(run, i, step);
        if (!(factor <= 0 || factor >= 1)) continue;
        struct error_key key = {run->stage->order, run->row, (uint32_t)step};
        return query_fail(run->query, key, "invalid %s factor. Expected: 0 < %s < 1, got: %f", names[i], letters[i],
                          factor);
    }
    return true;
}

static bool run_smoothing(const struct window_run *run, double *values, uint64_t *present)
{
    for (size_t s = 0; s < run->plan->steps; s++) {
        size_t count = run->plan->length[s];
        if (count == 0) continue;
        if (!window_goes_on(run, count)) return false;
        if (!check_factors(run, s)) return false;
        if (count < 2) continue;
        values[s] =
            smooth(run->column.values + run->plan->first[s], count, window_param(run, 0, s), window_param(run, 1, s));
    }
    (void)present;
    return true;
}

/* How often something happens between neighbours in each window, from counts up to each sample. */
static bool run_counts(const struct window_run *run, double *values, uint32_t *counts)
{
    for (size_t s = 0; s < run->plan->steps; s++)
        values[s] = (double)(counts[window_plan_last(run->plan, s)] - counts[run->plan->first[s]]);
    return true;
}

static bool run_changes(const struct window_run *run, double *values, uint64_t *present)
{
    const double *column = run->column.values;
    uint32_t *counts = scratch_array(run->scratch, uint32_t, run->column.count);

    (void)present;
    counts[0] = 0;
    for (size_t i = 1; i < run->column.count; i++) {
        bool both_nan = isnan(column[i]) && isnan(column[i - 1]);
        counts[i] = counts[i - 1] + (column[i] != column[i - 1] && !both_nan);
    }
    return run_counts(run, values, counts);
}

static bool run_resets(const struct window_run *run, double *values, uint64_t *present)
{
    const double *column = run->column.values;
    uint32_t *counts = scratch_array(run->scratch, uint32_t, run->column.count);

    (void)present;
    counts[0] = 0;
    for (size_t i = 1; i < run->column.count; i++) counts[i] = counts[i - 1] + (column[i] < column[i - 1]);
    return run_counts(run, values, counts);
}

const struct window_function window_stdvar = {.run = run_stdvar, .samples_min = 1};
const struct window_function window_stddev = {.run = run_stddev, .samples_min = 1};
const struct window_function window_deriv = {.run = run_deriv, .samples_min = 2};
const struct window_function window_predict_linear = {.run = run_predict_linear, .samples_min = 2};
const struct window_function window_smoothing = {.run = run_smoothing, .samples_min = 2};
const struct window_function window_changes = {.run = run_changes,
                                               .samples_min = 1,
                                               .extended = extended_changes,
                                               .rich = rich_changes,
                                               .extended_rich = rich_extended_changes};
const struct window_function window_resets = {.run = run_resets,
                                              .samples_min = 1,
                                              .extended = extended_resets,
                                              .rich = rich_resets,
                                              .extended_rich = rich_extended_resets,
                                              .uses_starts = true};
