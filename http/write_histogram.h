/* Native histograms of remote-write and remote-read messages.
 *
 *     Histogram   1 uint64 count or 2 double count     3 double sum           4 sint32 schema   5 double zero threshold
 *                 6 uint64 or 7 double zero count      8 BucketSpan*, 9 sint64 deltas, 10 double counts: negative
 *                 11 BucketSpan*, 12 sint64 deltas, 13 double counts: positive
 *                 14 enum reset hint   15 int64 timestamp   16 double custom bounds*   17 int64 start time
 *     BucketSpan  1 sint32 offset      2 uint32 length
 *
 * A histogram is of integers if its count is. Resolutions finer than the finest that can be kept are reduced to it.
 */
#ifndef VARVE_HTTP_WRITE_HISTOGRAM_H
#define VARVE_HTTP_WRITE_HISTOGRAM_H

#include "storage/base/bytes.h"
#include "storage/base/histogram.h"
#include "storage/base/vec.h"

struct bucket_span {
    int32_t offset;
    uint32_t length;
};

/* One side while it is read. */
struct side_scratch {
    vec(struct bucket_span) spans;
    vec(int64_t) deltas;
    vec(double) counts;
};

/* Memory of one decoder. Zeroed is valid. */
struct histogram_scratch {
    struct side_scratch positive, negative;
    vec(double) bounds;
};
void histogram_scratch_release(struct histogram_scratch *scratch);

struct write_histogram {
    struct histogram
        *histogram; /* in the arena; NULL if its spans and buckets do not go together: then *defect says why */
    const char *defect;
    int64_t time_ms, start_ms;
};

/* Decodes a message. Returns NULL, or the byte at which it is malformed. */
const uint8_t *write_histogram_decode(str message, struct histogram_scratch *scratch, struct arena *arena,
                                      struct write_histogram *out);

/* Writes the message of a histogram in the place of what the writer holds. */
void write_histogram_encode(const struct histogram *h, int64_t time_ms, struct writer *out);

/* Parts of one, for other messages that have the same: BucketSpans, each beginning where the one before ended, plus its
 * offset; and counts as packed doubles. Both as fields of this number, none when there are no buckets. */
void write_histogram_spans(const struct bucket_list *side, uint32_t field, struct writer *out);
void write_histogram_counts(const struct bucket_list *side, uint32_t field, struct writer *out);

#endif
