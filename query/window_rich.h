/* Windows over rich samples: native histograms, mixtures of them with floats, and start times that matter.
 *
 * They are computed step by step. What a function does with them is in its struct window_function: a kernel for one
 * window, or it looks at times alone, or histograms are left out of its windows and an info says so.
 */
#ifndef VARVE_QUERY_WINDOW_RICH_H
#define VARVE_QUERY_WINDOW_RICH_H

#include "query/element.h"
#include "query/histogram_sum.h"
#include "query/window.h"

/* The windows of one row; `run` has the column of all samples and its plan. */
struct rich_run {
    const struct window_run *run;
    const uint32_t *histograms_before; /* how many of the samples before each are histograms */
    const int64_t *starts_ms;          /* start times, if they count; else NULL */
    struct histogram_sum sum;          /* to be used by a kernel for one window */
    struct histogram_mean mean;
};

/* What comes of one window, which is not empty; is_there false: nothing. */
struct rich_result {
    bool is_there;
    struct element element;
};

rich_kernel rich_rate, rich_increase, rich_delta, rich_irate, rich_idelta;
rich_kernel rich_sum, rich_avg, rich_first, rich_last, rich_changes, rich_resets;
rich_kernel rich_extended_rate, rich_extended_increase, rich_extended_delta, rich_extended_changes,
    rich_extended_resets;

/* The samples of one window. */
struct rich_window {
    size_t count, histogram_count;
    const int64_t *times_ms, *starts_ms; /* starts may be NULL */
    const double *values;
    const struct histogram *const *histograms; /* may be NULL */
};
struct rich_window rich_window_at(const struct rich_run *rich, size_t step);

/* Whether there are both floats and histograms. */
bool rich_is_mixed(const struct rich_window *window);

static inline const struct histogram *rich_histogram(const struct rich_window *window, size_t i)
{
    return window->histograms ? window->histograms[i] : NULL;
}

static inline struct rich_result rich_nothing(void)
{
    return (struct rich_result){0};
}

static inline struct rich_result rich_float(double value)
{
    return (struct rich_result){true, {value, NULL}};
}

/* Notes an annotation about the row. */
void rich_note(const struct rich_run *rich, enum metric_note note, uint32_t occurrences);

/* The sum so far as a gauge histogram. */
struct rich_result rich_take_gauge(struct rich_run *rich);

/* Adds to the sum; false, with a note, if the two do not go together. */
bool rich_add(struct rich_run *rich, const struct histogram *h, double factor);

/* Whether a counter began anew between samples i - 1 and i by what their start times say. */
bool rich_start_reset(const struct rich_window *window, size_t i);

/* Whether sample i, a histogram, begins a counter anew after the histogram before it. */
bool rich_was_reset(const struct rich_window *window, size_t i);

/* The element of a smoothed instant selector at a time, from the samples around it. */
struct smoothing {
    struct query *query;
    const struct node *node;
    const struct shape *shape;
    uint32_t row;
    struct scratch *cells;
};
struct rich_result rich_smoothed(const struct smoothing *smoothing, const samples *column, uint32_t first,
                                 uint32_t length, int64_t at_ms);

/* Fills row `row` of a tile; present has the bits of the row's floats. */
bool window_run_rich(const struct window_function *function, struct window_run *run, bool is_extended, double *values,
                     uint64_t *present, struct tile *out, size_t row);

#endif
