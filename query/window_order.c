/* Window functions of order: minimum, maximum and their times, quantile, median absolute deviation. */
#include "query/quantile.h"
#include "query/window.h"

#include <math.h>
#include <string.h>

#define NONE UINT32_MAX

/* The sample that is least (sign 1) or greatest (sign -1) in each window, NONE if all are NaN: one pass with a queue of
 * samples that may still be it for a window to come. Of equal samples the earlier or the later one counts. */
static uint32_t *find_extremes(const struct window_run *run, double sign, bool wants_later)
{
    const struct window_plan *plan = run->plan;
    const double *column = run->column.values;
    uint32_t *queue = scratch_array(run->scratch, uint32_t, run->column.count);
    uint32_t *out = scratch_array(run->scratch, uint32_t, plan->steps);
    uint32_t next = 0;
    size_t head = 0, tail = 0;

    for (size_t s = 0; s < plan->steps; s++) {
        uint32_t first = plan->first[s], end = first + plan->length[s];
        if (next < first) next = first;
        for (; next < end; next++) {
            double x = sign * column[next];
            if (isnan(x)) continue;
            while (tail > head &&
                   (sign * column[queue[tail - 1]] > x || (wants_later && sign * column[queue[tail - 1]] == x)))
                tail--;
            queue[tail++] = next;
        }
        while (head < tail && queue[head] < first) head++;
        out[s] = head < tail && queue[head] < end ? queue[head] : NONE;
    }
    return out;
}

static bool run_extreme(const struct window_run *run, double *values, double sign)
{
    const uint32_t *at = find_extremes(run, sign, false);

    for (size_t s = 0; s < run->plan->steps; s++) values[s] = at[s] == NONE ? NAN : run->column.values[at[s]];
    return true;
}

static bool run_min(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    return run_extreme(run, values, 1);
}

static bool run_max(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    return run_extreme(run, values, -1);
}

static bool run_extreme_time(const struct window_run *run, double *values, double sign)
{
    const uint32_t *at = find_extremes(run, sign, true);

    for (size_t s = 0; s < run->plan->steps; s++) {
        uint32_t found = at[s] == NONE ? window_plan_last(run->plan, s) : at[s];
        values[s] = (double)run->column.times_ms[found] / 1000;
    }
    return true;
}

static bool run_ts_of_min(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    return run_extreme_time(run, values, 1);
}

static bool run_ts_of_max(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    return run_extreme_time(run, values, -1);
}

/* The samples of a step's window, to be put into any order. */
static size_t copy_window(const struct window_run *run, size_t step, double *out)
{
    memcpy(out, run->column.values + run->plan->first[step], run->plan->length[step] * sizeof *out);
    return run->plan->length[step];
}

enum { WALK_OF_SELECTION = 8 }; /* what finding a quantile costs a value, in values added up */

static bool run_quantile(const struct window_run *run, double *values, uint64_t *present)
{
    double *copy = scratch_array(run->scratch, double, run->plan->longest), warned = 0;

    bits_each(s, present, run->plan->steps)
    {
        if (!window_goes_on(run, WALK_OF_SELECTION * run->plan->length[s])) return false;
        double q = window_param(run, 0, s);
        if (!(q >= 0 && q <= 1) && double_bits(q) != double_bits(warned)) {
            const struct node *call = run->stage->node;
            annotate_quantile(&run->query->annotations, call, ast_unwrap(call->call.args[0]), q);
            warned = q;
        }
        values[s] = quantile_of(copy, copy_window(run, s, copy), q);
    }
    return true;
}

static double median_deviation(double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) return NAN;
    }
    double median = quantile_of(values, count, 0.5);
    for (size_t i = 0; i < count; i++) values[i] = fabs(values[i] - median);
    return quantile_of(values, count, 0.5);
}

static bool run_mad(const struct window_run *run, double *values, uint64_t *present)
{
    double *copy = scratch_array(run->scratch, double, run->plan->longest);

    bits_each(s, present, run->plan->steps)
    {
        if (!window_goes_on(run, 2 * WALK_OF_SELECTION * run->plan->length[s])) return false;
        values[s] = median_deviation(copy, copy_window(run, s, copy));
    }
    return true;
}

const struct window_function window_min = {.run = run_min, .samples_min = 1};
const struct window_function window_max = {.run = run_max, .samples_min = 1};
const struct window_function window_ts_of_min = {.run = run_ts_of_min, .samples_min = 1};
const struct window_function window_ts_of_max = {.run = run_ts_of_max, .samples_min = 1};
const struct window_function window_quantile = {.run = run_quantile, .samples_min = 1};
const struct window_function window_mad = {.run = run_mad, .samples_min = 1};
