/* Chunks of native histograms, of integers or floats, with or without start times.
 *
 *     u16              number of samples; with start times only 14 bits, behind the 2 of the flags
 *     u8               2 bits of flags: 0 nothing is known of the counter, 1 it was not reset, 2 it was, 3 a gauge;
 *                      with start times their header (prom_start.h)
 *     layout           zero threshold: a byte 0: 0, 255: 8 bytes follow, else its power of two plus 244;
 *                      schema; positive, negative spans: number, then length and offset of each, of which the first is
 *                      an index and the others are gaps; for custom buckets the number of bounds, and each as its
 *                      thousandfold plus 1, or 0 and 64 bits
 *     samples          time, count, zero count, sum, positive, negative buckets; behind it a start time
 *
 * Layout and times are varbits (prom_bits.h), times and counts of integers as changes of changes; a bucket of integers
 * is stored as its difference to the one before it. Sums and all counts of floats are XORed with the sample before. A
 * stale marker has no buckets but in the first sample. */
#ifndef VARVE_PROMETHEUS_PROM_HISTOGRAM_H
#define VARVE_PROMETHEUS_PROM_HISTOGRAM_H

#include "prometheus/prom_chunk.h"

/* As prom_chunk_decode. */
status prom_histogram_decode(unsigned encoding, const uint8_t *chunk, size_t bytes, struct column_buffer *out);

#endif
