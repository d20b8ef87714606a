/* Encoding of rich samples: native histograms, and floats with a start time.
 *
 * Where samples come one by one, in logs and open chunks, a sample is a *row*:
 *
 *     1 byte           bit 0: a histogram, 1: of integers, 2: with a start time, 3: with the layout of the row before,
 *                      4-5: the counter reset hint
 *     zigzag varint    time minus that of the row before (ms)
 *     zigzag varint    with a start time: time minus start time
 *     8 bytes          the value, or the histogram's sum
 *     layout           of a histogram, unless bit 3: schema u8, zero threshold 8 bytes, varint of custom bounds and
 *                      8 bytes for each; for positive and negative buckets: varint of their number, zigzag varint of
 *                      the first index, varints of the gaps to the next ones minus 1
 *     numbers          count, zero count, positive and negative buckets, as changes against the row before if the
 *                      layout is its own, else against 0: varint of how many numbers to pass over; then, unless that is
 *                      the end, varint of the change in zigzag plus 1, or 0 and the 8 bytes of a number where it or
 *                      the one before is no integer
 *
 * A *chunk* holds the same as columns; its samples are of one kind and, for histograms, of one schema, zero threshold
 * and list of custom bounds:
 *
 *     1 byte           bits 0-2 as above, 3: gauges
 *     varint           samples
 *     column           times
 *     column           with start times: times minus start times
 *     column           values or sums
 *     layout           of histograms, with all buckets that occur
 *     columns          count, zero count, each positive, each negative bucket
 *
 *     column           1 byte of bit width w and bit 7: raw;
 *                      integers: zigzag varint of the first, of the first change, then changes of the change, zigzag, w
 *                      bits each; raw: 8 bytes of the first, 1 byte t, then XOR with the number before without its t
 *                      lowest bits, w bits each
 *
 * Empty buckets are not kept. Hints other than that of gauges are not kept in chunks: the first histogram of a chunk
 * has none, and none of the others was reset.
 */
#ifndef VARVE_STORAGE_CHUNK_RICH_H
#define VARVE_STORAGE_CHUNK_RICH_H

#include "storage/base/bytes.h"
#include "storage/base/histogram.h"

struct rich_sample {
    int64_t time_ms, start_ms;         /* start 0: not set */
    double value;                      /* of a histogram its sum */
    const struct histogram *histogram; /* without empty buckets; NULL: a float */
};

/* Appends a row. `before` is the one before it in the same open chunk, or NULL. */
void rich_row_write(const struct rich_sample *before, const struct rich_sample *sample, struct writer *out);

/* Reads a row; the histogram lies in the arena and may share arrays with `before`. False if it is malformed. */
bool rich_row_read(struct reader *in, const struct rich_sample *before, struct rich_sample *out, struct arena *arena);

/* Whether a sample can not be in one chunk with the one before it: another kind or layout, a counter reset, the first
 * after a stale marker. */
bool rich_must_cut(const struct rich_sample *before, const struct rich_sample *sample);

/* All indexes of buckets that occur on one side of some histograms, rising; without counts. */
void rich_unite_indexes(const struct rich_sample *samples, size_t count, bool is_positive, struct bucket_list *out,
                        struct arena *arena);

/* Appends a chunk of samples none of which must be cut off. */
void rich_chunk_encode(const struct rich_sample *samples, size_t count, struct writer *out);

/* Samples in a chunk; 0 if it is malformed. */
size_t rich_chunk_count(const uint8_t *chunk, size_t bytes);

/* Decodes into an array with room for rich_chunk_count of them; histograms lie in the arena. False if it is malformed.
 */
bool rich_chunk_decode(const uint8_t *chunk, size_t bytes, struct rich_sample *out, struct arena *arena);

#endif
