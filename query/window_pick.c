/* Window functions that look at the window's ends or its size: first, last, count, present, times of first and last. */
#include "query/kernel.h"
#include "query/window_rich.h"

KERNEL static void pick(const double *restrict column, const uint32_t *restrict first, double *restrict out,
                        size_t steps)
{
    for (size_t s = 0; s < steps; s++) out[s] = column[first[s]];
}

static bool run_first(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    pick(run->column.values, run->plan->first, values, run->plan->steps);
    return true;
}

static bool run_last(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    window_pick_last(run->plan, run->column.values, values);
    return true;
}

static bool run_ts_of_first(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    for (size_t s = 0; s < run->plan->steps; s++) values[s] = (double)run->column.times_ms[run->plan->first[s]] / 1000;
    return true;
}

static bool run_ts_of_last(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    for (size_t s = 0; s < run->plan->steps; s++)
        values[s] = (double)run->column.times_ms[window_plan_last(run->plan, s)] / 1000;
    return true;
}

static bool run_count(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    for (size_t s = 0; s < run->plan->steps; s++) values[s] = (double)run->plan->length[s];
    return true;
}

static bool run_present(const struct window_run *run, double *values, uint64_t *present)
{
    (void)present;
    for (size_t s = 0; s < run->plan->steps; s++) values[s] = 1;
    return true;
}

const struct window_function window_first = {.run = run_first,
                                             .samples_min = 1,
                                             .keeps_name = true,
                                             .rich = rich_first};
const struct window_function window_last = {.run = run_last, .samples_min = 1, .keeps_name = true, .rich = rich_last};
const struct window_function window_ts_of_first = {.run = run_ts_of_first, .samples_min = 1, .takes_any = true};
const struct window_function window_ts_of_last = {.run = run_ts_of_last, .samples_min = 1, .takes_any = true};
const struct window_function window_count = {.run = run_count, .samples_min = 1, .takes_any = true};
const struct window_function window_present = {.run = run_present, .samples_min = 1, .takes_any = true};
