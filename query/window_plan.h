/* Window plans: where the windows of a range or instant selector lie in a column of times.
 *
 * That depends on times alone, so series with the same column share a plan, made once: first sample and length for each
 * step, and what extrapolation needs of the distances to the window's ends. Kernels are then loops over steps.
 */
#ifndef VARVE_QUERY_WINDOW_PLAN_H
#define VARVE_QUERY_WINDOW_PLAN_H

#include "query/run.h"
#include "tsdb/samples.h"

/* The windows of a selector: at each step of the grid the reference time r is the step's (or a fixed one) less the
 * offset, and the window (r - range - before, r + after]. */
struct windows {
    struct grid grid;
    bool is_fixed;
    int64_t fixed_ms;
    int64_t offset_ms, range_ms;
    int64_t before_ms, after_ms; /* more samples, for anchored and smoothed selectors */
};

static inline int64_t windows_reference(const struct windows *windows, size_t step)
{
    return time_minus(windows->is_fixed ? windows->fixed_ms : grid_time(&windows->grid, step), windows->offset_ms);
}

/* Where the window of a step starts, without what is read before it. */
static inline int64_t windows_start(const struct windows *windows, size_t step)
{
    return time_minus(windows_reference(windows, step), windows->range_ms);
}

/* The interval (from, to] that holds all windows. */
void windows_span(const struct windows *windows, int64_t *from_ms, int64_t *to_ms);

struct window_plan {
    uint32_t steps;
    uint32_t sample_count; /* of the column; not 0 */
    uint32_t *first;       /* first sample of each step's window; some valid index if it is empty */
    uint32_t *length;      /* samples in the window */
    uint64_t *some, *many; /* steps with at least one, at least two samples */
    uint64_t total;        /* samples in all windows */
    uint64_t distinct;     /* samples that are in any */
    uint32_t longest;
    /* seconds, where there are at least two samples; NULL if nobody asked */
    double *sampled;           /* from the first sample to the last */
    double *to_start, *to_end; /* how far to extrapolate to either side */
};

/* Index of the window's last sample; some valid index if it is empty. */
static inline uint32_t window_plan_last(const struct window_plan *plan, size_t step)
{
    return plan->first[step] + (plan->length[step] ? plan->length[step] - 1 : 0);
}

/* The last value of each window; anything where it is empty. */
void window_pick_last(const struct window_plan *plan, const double *column, double *out);

/* A plan in scratch memory. The column has at least one sample. */
struct window_plan *window_plan_make(const struct windows *windows, const samples *column, bool with_distances,
                                     struct scratch *scratch);

/* Plans shared by the rows of one selector; lives in the query's arena. */
struct window_cache;
struct window_cache *window_cache_new(struct query *query, const struct windows *windows, bool with_distances);

/* The plan of a column: shared, or, when there are too many columns, in the task's scratch memory. */
const struct window_plan *window_cache_plan(struct window_cache *cache, struct task *task, const samples *column);

#endif
