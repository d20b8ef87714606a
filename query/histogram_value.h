/* What is computed from a native histogram: quantiles, fractions, variance, parts of it, its text. */
#ifndef VARVE_QUERY_HISTOGRAM_VALUE_H
#define VARVE_QUERY_HISTOGRAM_VALUE_H

#include "query/tile.h"
#include "storage/base/histogram.h"
#include "storage/base/str.h"

/* A bucket as it is told: the zero bucket's bounds cut those of its neighbours. */
struct bucket_view {
    double lower, upper, count;
    bool is_zero, is_first_custom;
};

/* Walks over all buckets from the lowest to the highest, or back. Zeroed but for the histogram. Plainly: buckets as
 * they are stored, neither cut by the zero bucket nor without one that has a count below zero. */
struct bucket_walk {
    const struct histogram *h;
    uint32_t at;
    bool is_backward, is_plain;
};
bool bucket_walk_next(struct bucket_walk *walk, struct bucket_view *out);

/* What a quantile or a fraction says of NaN among the observations. */
enum nan_note { NAN_NONE, NAN_RESULT, NAN_SKEWED };

double histogram_quantile(const struct histogram *h, double q, enum nan_note *note);

/* The share of observations between two limits. The note is NAN_SKEWED if some are excluded. */
double histogram_fraction(const struct histogram *h, double lower, double upper, enum nan_note *note);

/* The variance of observations taken to lie in the middle of their buckets. */
double histogram_variance(const struct histogram *h);

/* Keeps what lies below, or above, a limit; in scratch memory, or the histogram itself if nothing changes. */
const struct histogram *histogram_trim(const struct histogram *h, double limit, bool keeps_below,
                                       struct scratch *scratch);

/* {count:…, sum:…, [l,u):c, …}; in the arena. */
str histogram_text(const struct histogram *h, struct arena *arena);

#endif
