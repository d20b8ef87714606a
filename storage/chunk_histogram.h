/* Chunks of native histograms as Prometheus has them: for remote-read, and for blocks of Prometheus.
 *
 * Two encodings, of integers and of floats, in exactly the bit layout of Prometheus' tsdb/docs/format/chunks.md. Bits
 * are packed as in chunk_bits.h:
 *
 *     16 bits            number of samples, big-endian
 *     8 bits             what is known of a counter reset before the first sample: 00 nothing, 01 there was none,
 *                        10 there was one, 11 these are gauges; then 6 zero bits
 *     zero threshold     8 bits: 0 for 0; 1 … 254 for the power of two with that minus 244 as exponent; 255 and 64 bits
 *     schema             int
 *     spans              of positive, then of negative buckets: uint of their number, for each uint length, int offset
 *     custom bounds      of schema -53 only: uint of their number, for each uint(bound × 1000) + 1 if that is one of at
 *                        most 25 bits, else a bit 0 and 64 bits
 *     samples            int time, count, zero count, sum, positive and negative buckets
 *
 * A sum is 64 bits, later the XOR with the last one as in chunk_gorilla.h. Counts of floats are told like sums, each
 * with a window of its own. Of integers the first sample has uint counts, and int differences of each bucket to the one
 * before; times and all these numbers are later told as changes of their change. A stale marker has no buckets.
 *
 *     int, uint          i ones and, unless i is 8, a zero; then 0, 3, 6, 9, 12, 18, 25, 56 or 64 bits
 *
 * All samples of a chunk have the buckets of its spans, also those that they count nothing in. As everywhere, counts
 * of integers are kept up to 2^53.
 */
#ifndef VARVE_STORAGE_CHUNK_HISTOGRAM_H
#define VARVE_STORAGE_CHUNK_HISTOGRAM_H

#include "storage/chunk_rich.h"

enum {
    HISTOGRAM_CHUNK_SAMPLES_MAX = UINT16_MAX,
    HISTOGRAM_CHUNK_SLACK_BYTES = 32 /* readable bytes that decoding needs behind a chunk */
};

/* Appends a chunk of histograms, times rising, none of which must be cut off (rich_must_cut); of integers if the first
 * one is. Start times are left out. */
void histogram_chunk_encode(const struct rich_sample *samples, size_t count, struct writer *out);

/* Samples in a chunk; 0 if it is too short to say. */
size_t histogram_chunk_count(const uint8_t *chunk, size_t bytes);

/* Decodes into an array with room for histogram_chunk_count of them; histograms lie in the arena, without empty
 * buckets. False if the chunk is malformed; whether its histograms make sense is for histogram_validate to say. */
bool histogram_chunk_decode(const uint8_t *chunk, size_t bytes, bool is_integer, struct rich_sample *out,
                            struct arena *arena);

#endif
