/* Functions over windows of samples (rate, avg_over_time, …).
 *
 * A kernel gets the samples of one row and the plan of its windows and computes all steps. The operator around it feeds
 * it row by row; a row of the function table names the struct window_function.
 */
#ifndef VARVE_QUERY_WINDOW_H
#define VARVE_QUERY_WINDOW_H

#include "query/feed.h"

/* One row's windows. */
struct window_run {
    const struct window_plan *plan;
    const struct windows *windows;
    samples column;
    const struct column *params;     /* scalar arguments in written order */
    struct scratch *scratch, *cells; /* cells: for histograms in the result */
    const struct node *vector;       /* what annotations about rows point to … */
    const struct shape *shape;       /* … whose labels these are */
    const struct stage *stage;       /* for errors and annotations */
    struct query *query;
    uint32_t row;
    struct task *task; /* NULL: nobody asks whether the query may go on */
    bool is_smoothed;  /* in kernels for extended windows: smoothed, else anchored */
};

/* Computes the values of all steps. `present` holds the steps with enough samples; the kernel may clear more. False
 * after an error, or when the query has to end. */
typedef bool window_kernel(const struct window_run *run, double *values, uint64_t *present);

/* The same for one window of rich samples. */
struct rich_run;
struct rich_result;
typedef struct rich_result rich_kernel(struct rich_run *rich, size_t step);

struct window_function {
    window_kernel *run;
    uint8_t samples_min; /* 1 or 2: what a window must hold */
    bool wants_distances;
    bool keeps_name;
    bool wants_counter;      /* says so if the metric's name is not that of a counter */
    window_kernel *extended; /* for anchored and smoothed selectors; NULL: not allowed */
    bool allows_smoothed;
    /* with histograms in the row (query/window_rich.h): these kernels, or a look at times alone, or without them */
    rich_kernel *rich, *extended_rich;
    bool takes_any;
    bool uses_starts; /* also for start times */
};

struct plan;

/* A stage that computes a function of a call's range vector; without care for duplicates. */
struct stage *window_new(struct plan *plan, const struct node *call, const struct window_function *function);

extern const struct window_function window_rate, window_increase, window_delta, window_irate, window_idelta;
extern const struct window_function window_sum, window_avg, window_count, window_present, window_first, window_last;
extern const struct window_function window_min, window_max, window_ts_of_min, window_ts_of_max, window_ts_of_first,
    window_ts_of_last;
extern const struct window_function window_stddev, window_stdvar, window_quantile, window_mad;
extern const struct window_function window_changes, window_resets;
extern const struct window_function window_deriv, window_predict_linear, window_smoothing;

/* For selectors with `anchored` or `smoothed`; see window_extended.c. */
window_kernel extended_rate, extended_increase, extended_delta, extended_changes, extended_resets;

/* The samples that an anchored or smoothed range vector stands for when it is a query's result itself: boundary points
 * and what is between them; in scratch memory. */
void extended_samples(const samples *column, int64_t start_ms, int64_t end_ms, bool is_smoothed,
                      struct scratch *scratch, samples *out);

/* The change over one extended window; false if there is none. */
bool extended_change(const int64_t *times_ms, const double *values, size_t count, int64_t start_ms, int64_t end_ms,
                     bool is_smoothed, bool is_counter, double *out);

/* The mean of a window, in sequence. */
double window_mean(const double *values, size_t count);

/* The value of a smoothed instant selector at `at_ms` from the samples around it; false if it has none. */
bool extended_value(const samples *column, uint32_t first, uint32_t length, int64_t at_ms, double *out);

/* For kernels that walk each window: whether to walk one of `count` samples. */
static inline bool window_goes_on(const struct window_run *run, size_t count)
{
    return !run->task || task_goes_on(run->task, count + 1);
}

/* The parameter of a step. */
static inline double window_param(const struct window_run *run, size_t param, size_t step)
{
    const struct column *column = &run->params[param];
    return column->values[column->is_constant ? 0 : step];
}

#endif
