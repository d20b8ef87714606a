/* rate, increase, delta: change over a window, extrapolated to its ends; irate, idelta: between its last two samples.
 */
#include "query/kernel.h"
#include "query/window_rich.h"

KERNEL static void subtract_ends(const double *restrict column, const uint32_t *restrict first,
                                 const uint32_t *restrict length, double *restrict out, size_t steps)
{
    for (size_t s = 0; s < steps; s++) {
        uint32_t last = first[s] + (length[s] ? length[s] - 1 : 0);
        out[s] = column[last] - column[first[s]];
    }
}

KERNEL static size_t count_falls(const double *column, size_t count)
{
    size_t falls = 0;

    for (size_t i = 1; i < count; i++) falls += column[i] < column[i - 1];
    return falls;
}

/* What a counter had before each reset is added, in the order of the samples, to the windows that hold both sides. */
static void add_resets(const struct window_run *run, double *out)
{
    const struct window_plan *plan = run->plan;
    const double *column = run->column.values;
    size_t falls = count_falls(column, run->column.count), found = 0, begin = 0;

    if (falls == 0) return;
    uint32_t *at = scratch_array(run->scratch, uint32_t, falls);
    for (uint32_t i = 1; i < run->column.count; i++) {
        if (column[i] < column[i - 1]) at[found++] = i;
    }
    for (size_t s = 0; s < plan->steps; s++) {
        uint32_t first = plan->first[s], end = first + plan->length[s];
        while (begin < falls && at[begin] <= first) begin++;
        for (size_t r = begin; r < falls && at[r] < end; r++) out[s] += column[at[r] - 1];
    }
}

KERNEL static void extrapolate(const struct window_plan *plan, double *restrict out)
{
    const double *restrict sampled = plan->sampled, *restrict to_start = plan->to_start,
                           *restrict to_end = plan->to_end;

    for (size_t s = 0; s < plan->steps; s++) out[s] *= (sampled[s] + to_start[s] + to_end[s]) / sampled[s];
}

/* A counter is not extrapolated back beyond where it would have been zero. */
KERNEL static void extrapolate_counter(const struct window_plan *plan, const double *restrict column, double seconds,
                                       double *restrict out)
{
    const double *restrict sampled = plan->sampled, *restrict to_start = plan->to_start,
                           *restrict to_end = plan->to_end;
    const uint32_t *restrict first = plan->first;

    for (size_t s = 0; s < plan->steps; s++) {
        double change = out[s], begin = column[first[s]], start = to_start[s];
        double zero = sampled[s] * (begin / change);
        bool is_nearer = (change > 0) & (begin >= 0) & (zero < start);
        start = is_nearer ? zero : start;
        out[s] = change * ((sampled[s] + start + to_end[s]) / sampled[s] / seconds);
    }
}

static bool run_delta(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    subtract_ends(run->column.values, run->plan->first, run->plan->length, values, run->plan->steps);
    extrapolate(run->plan, values);
    return true;
}

/* Dividing by 1 changes no bit, so increase is rate over a second. */
static bool run_counter(const struct window_run *run, double *values, double seconds)
{
    subtract_ends(run->column.values, run->plan->first, run->plan->length, values, run->plan->steps);
    add_resets(run, values);
    extrapolate_counter(run->plan, run->column.values, seconds, values);
    return true;
}

static bool run_increase(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    return run_counter(run, values, 1);
}

static bool run_rate(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    return run_counter(run, values, (double)run->windows->range_ms / 1000);
}

static bool run_idelta(const struct window_run *run, double *values, uint64_t *present)
{
    const double *column = run->column.values;

    bits_each(s, present, run->plan->steps)
    {
        uint32_t last = window_plan_last(run->plan, s);
        values[s] = column[last] - column[last - 1];
    }
    return true;
}

static bool run_irate(const struct window_run *run, double *values, uint64_t *present)
{
    const double *column = run->column.values;

    bits_each(s, present, run->plan->steps)
    {
        uint32_t last = window_plan_last(run->plan, s);
        double change = column[last] < column[last - 1] ? column[last] : column[last] - column[last - 1];
        values[s] = change / ((double)(run->column.times_ms[last] - run->column.times_ms[last - 1]) / 1000);
    }
    return true;
}

const struct window_function window_rate = {.run = run_rate,
                                            .samples_min = 2,
                                            .wants_distances = true,
                                            .wants_counter = true,
                                            .extended = extended_rate,
                                            .allows_smoothed = true,
                                            .rich = rich_rate,
                                            .extended_rich = rich_extended_rate,
                                            .uses_starts = true};
const struct window_function window_increase = {.run = run_increase,
                                                .samples_min = 2,
                                                .wants_distances = true,
                                                .wants_counter = true,
                                                .extended = extended_increase,
                                                .allows_smoothed = true,
                                                .rich = rich_increase,
                                                .extended_rich = rich_extended_increase,
                                                .uses_starts = true};
const struct window_function window_delta = {.run = run_delta,
                                             .samples_min = 2,
                                             .wants_distances = true,
                                             .extended = extended_delta,
                                             .allows_smoothed = true,
                                             .rich = rich_delta,
                                             .extended_rich = rich_extended_delta};
const struct window_function window_irate = {.run = run_irate,
                                             .samples_min = 2,
                                             .rich = rich_irate,
                                             .uses_starts = true};
const struct window_function window_idelta = {.run = run_idelta, .samples_min = 2, .rich = rich_idelta};
