/* Samples, always as columns. */
#ifndef VARVE_TSDB_SAMPLES_H
#define VARVE_TSDB_SAMPLES_H

#include "storage/base/bytes.h"
#include "storage/base/histogram.h"

#include <stddef.h>
#include <stdint.h>

/* Samples of one series, oldest first, times strictly rising. Borrowed: valid until the buffer it was read into is used
 * again. */
typedef struct samples {
    size_t count;
    uint64_t column;     /* equal keys other than 0 are equal time columns */
    unsigned whole_bits; /* not 0: all values are whole numbers whose amounts are below 2 to this power; 0: not known */
    const int64_t *times_ms;
    const double *values;                      /* of a histogram its sum, so stale markers are told by it, too */
    const struct histogram *const *histograms; /* NULL where a sample is a float; NULL: all are */
    const int64_t *starts_ms;                  /* start times, 0 where none was set; NULL: none was */
} samples;

/* The NaN that says "this series has ended here"; any other NaN is data. */
#define STALE_NAN_BITS  0x7FF0000000000002ULL
#define NORMAL_NAN_BITS 0x7FF8000000000001ULL

static inline bool is_stale(double value)
{
    return double_bits(value) == STALE_NAN_BITS;
}

#endif
