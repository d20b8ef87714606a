/* Sums of native histograms: one that is being changed.
 *
 * Histograms of different resolution meet at the coarser one, different zero buckets at the wider threshold, different
 * custom bounds at those that they have in common. Additions may be compensated (Neumaier); what was lost to rounding
 * is then added when the sum is taken.
 */
#ifndef VARVE_QUERY_HISTOGRAM_SUM_H
#define VARVE_QUERY_HISTOGRAM_SUM_H

#include "query/tile.h"
#include "storage/base/histogram.h"
#include "storage/base/vec.h"

struct histogram_side {
    vec(int32_t) indexes;
    vec(double) counts;
    vec(double) lost;
};

/* Zeroed is empty. */
struct histogram_sum {
    int8_t schema;
    uint8_t hint;
    double zero_threshold, zero_count, count, sum;
    double zero_lost, count_lost, sum_lost;
    struct histogram_side positive, negative;
    vec(double) bounds;

    /* what two sides are merged into */
    struct histogram_side spare;
};

void histogram_sum_release(struct histogram_sum *sum);

/* Becomes a copy. */
void histogram_sum_set(struct histogram_sum *sum, const struct histogram *h);

/* What an addition has to tell. */
enum histogram_note {
    HISTOGRAM_INCOMPATIBLE = 1, /* exponential and custom buckets: nothing was added */
    HISTOGRAM_COLLISION = 2,    /* one was reset, the other was not */
    HISTOGRAM_RECONCILED = 4    /* custom bounds were different */
};

/* Adds factor (1 or -1) times a histogram; returns notes. The hint of a difference is left to the caller. */
unsigned histogram_sum_add(struct histogram_sum *sum, const struct histogram *h, double factor, bool is_compensated);

/* Every number times or divided by a factor. */
void histogram_sum_multiply(struct histogram_sum *sum, double factor);
void histogram_sum_divide(struct histogram_sum *sum, double divisor);

/* Reduces to a coarser schema. */
void histogram_sum_reduce(struct histogram_sum *sum, int schema);

/* Whether any number is infinite. */
bool histogram_sum_is_infinite(const struct histogram_sum *sum);

/* The sum as a histogram without empty buckets, in scratch memory. */
const struct histogram *histogram_sum_take(const struct histogram_sum *sum, struct scratch *scratch);

/* A deep copy in scratch memory. */
const struct histogram *histogram_keep(const struct histogram *h, struct scratch *scratch);

/* The arithmetic mean of histograms that come one by one: of their compensated sum while that is finite, then a running
 * mean, which can not overflow. Zeroed is empty. */
struct histogram_mean {
    struct histogram_sum sum, before;
    double count;
    bool is_careful; /* notices sums that become infinite; else that is the caller's to find out */
    bool is_running;
};
unsigned histogram_mean_add(struct histogram_mean *mean, const struct histogram *h);
const struct histogram *histogram_mean_take(struct histogram_mean *mean, struct scratch *scratch);
void histogram_mean_release(struct histogram_mean *mean);

#endif
