/* Native histograms: the value of a sample that is not a number.
 *
 * Observations are counted in buckets. With an exponential schema s, -4 to 8, the positive bucket i holds what lies in
 * (b(i - 1), b(i)] with b(i) = 2^(i · 2^-s); negative ones mirror them, and a zero bucket holds what is within a
 * threshold of 0. With custom buckets (schema -53) bucket i ends at the i-th of a list of bounds, the last one at +Inf;
 * then there are neither negative buckets nor a zero bucket.
 *
 * Counts are doubles, as all that is computed from them; counts of integer histograms above 2^53 are rounded. Buckets
 * are kept sparse: rising indexes with their counts, which may be 0. A histogram owns nothing: its arrays lie where its
 * maker says, and it never changes once it is made.
 */
#ifndef VARVE_STORAGE_BASE_HISTOGRAM_H
#define VARVE_STORAGE_BASE_HISTOGRAM_H

#include "storage/base/arena.h"
#include "storage/base/public.h"
#include "storage/base/status.h"

#include <stddef.h>

enum {
    HISTOGRAM_SCHEMA_MIN = -4,
    HISTOGRAM_SCHEMA_MAX = 8,
    HISTOGRAM_SCHEMA_CUSTOM = -53,
    HISTOGRAM_BUCKETS_MAX = 1 << 16 /* of one side, and custom bounds */
};

/* What is known of the counter behind a histogram, compared with the sample before. */
enum histogram_hint { HISTOGRAM_UNKNOWN, HISTOGRAM_RESET, HISTOGRAM_NOT_RESET, HISTOGRAM_GAUGE };

struct bucket_list {
    uint32_t count;
    const int32_t *indexes; /* rising */
    const double *counts;
};

struct histogram {
    int8_t schema;
    uint8_t hint;    /* enum histogram_hint */
    bool is_integer; /* counts came as integers */
    uint32_t bound_count;
    const double *bounds; /* custom upper bounds, rising and finite */
    double zero_threshold, zero_count, count, sum;
    struct bucket_list positive, negative;
};

static inline bool histogram_is_custom(const struct histogram *h)
{
    return h->schema == HISTOGRAM_SCHEMA_CUSTOM;
}

/* The upper bound of a bucket of an exponential schema, on the positive side. */
VARVE_PUBLIC double histogram_bound(int32_t index, int schema);

/* The bounds of a positive bucket, also of custom ones. */
VARVE_PUBLIC void histogram_bucket_bounds(const struct histogram *h, int32_t index, double *lower, double *upper);

/* The index of a bucket where a coarser schema has it. */
static inline int32_t histogram_coarser_index(int32_t index, int from_schema, int to_schema)
{
    return (int32_t)(((int64_t)index - 1) >> (from_schema - to_schema)) + 1;
}

/* Why a histogram is none that may be stored, in Prometheus' words. */
VARVE_PUBLIC status histogram_validate(const struct histogram *h);

/* A deep copy. */
VARVE_PUBLIC struct histogram *histogram_copy(const struct histogram *h, struct arena *arena);

/* Without empty buckets; the histogram itself if it has none, else one that shares its bounds. */
const struct histogram *histogram_compact(const struct histogram *h, struct arena *arena);

/* Same bits in all but the hint. */
VARVE_PUBLIC bool histogram_equal(const struct histogram *a, const struct histogram *b);
bool histogram_same_bounds(const struct histogram *a, const struct histogram *b);

/* Whether the counter began anew between two samples: by the hint of the later one, else because something that only
 * grows became less. */
bool histogram_was_reset(const struct histogram *now, const struct histogram *before);

/* What the zero bucket counts when its threshold is raised to at least `threshold`; a threshold inside a bucket that
 * counts something moves on to that bucket's end. */
double histogram_zero_count_at(const struct histogram *h, double *threshold);

/* Memory that a histogram takes, and how many samples it counts for against a limit. */
size_t histogram_bytes(const struct histogram *h);
static inline uint64_t histogram_weight(const struct histogram *h)
{
    return (histogram_bytes(h) + 8) / 16;
}

#endif
