/* Quantiles and fractions of one classic histogram. */
#ifndef VARVE_QUERY_BUCKET_QUANTILE_H
#define VARVE_QUERY_BUCKET_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>

/* Observations up to an upper bound. */
struct bucket {
    double bound, count;
};

/* What had to be changed where counts fell from bucket to bucket. */
struct bucket_damage {
    bool is_found;
    double lowest, highest; /* bounds */
    double difference;      /* largest */
};

/* The q-quantile, linear within a bucket. The buckets are sorted by bound and there is at least one; they are changed.
 */
double bucket_quantile(struct bucket *buckets, size_t count, double q, struct bucket_damage *damage);

/* The share of observations between two bounds. The same holds of the buckets. */
double bucket_fraction(struct bucket *buckets, size_t count, double lower, double upper);

#endif
