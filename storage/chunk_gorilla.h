/* Gorilla compression of samples: delta-of-delta times, XORed values.
 *
 * Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015, in exactly the bit layout of
 * Prometheus' XOR chunks, so that chunks pass between the two as they are:
 *
 *     16 bits            number of samples, big-endian
 *     sample 1           time as zigzag varint (ms), value as 64 bits
 *     sample 2           time delta as varint, value as below
 *     sample n           delta of delta d: 0 | 10 + 14 bits | 110 + 17 | 1110 + 20 | 1111 + 64
 *                        value XOR the last one: 0 if equal | 10 + the bits inside the last window |
 *                        11 + 5 bits leading zeros (at most 31) + 6 bits length (64 as 0) + the bits
 *
 * Bits are packed from the most significant one on; k bits hold -(2^(k-1) - 1) … 2^(k-1).
 */
#ifndef VARVE_STORAGE_CHUNK_GORILLA_H
#define VARVE_STORAGE_CHUNK_GORILLA_H

#include "storage/base/bytes.h"

enum {
    GORILLA_HEADER_BYTES = 2,
    GORILLA_SLACK_BYTES = 32,      /* readable bytes that decoding needs behind a chunk */
    GORILLA_SAMPLE_BITS_MAX = 152, /* the longest sample: 10 bytes of varint, 2 + 5 + 6 + 64 bits of value */
    GORILLA_NO_WINDOW = 0xFF
};

/* What appending needs to know of the samples before. Zeroed (with leading = GORILLA_NO_WINDOW) is an empty chunk. */
struct gorilla_state {
    int64_t time_ms;
    uint64_t value;
    int64_t delta_ms;
    uint16_t count;
    uint8_t leading, trailing; /* the last window; leading is GORILLA_NO_WINDOW when there is none */
};

/* A sample in bits: up to 4 pieces, each in the low bits of its word. */
struct gorilla_bits {
    unsigned pieces;
    uint64_t word[4];
    uint8_t bits[4];
};

/* Encodes one more sample, later than the last one. The caller keeps the bits. */
void gorilla_append(struct gorilla_state *state, int64_t time_ms, uint64_t value, struct gorilla_bits *out);

/* Appends a whole chunk of 1 to 65,535 samples, times strictly rising, to `out`. */
void gorilla_encode(const int64_t *times_ms, const uint64_t *values, size_t count, struct writer *out);

/* Samples in a chunk; 0 if it is too short to say. */
size_t gorilla_count(const uint8_t *chunk, size_t bytes);

/* Decodes all samples of a chunk into arrays with room for gorilla_count of them. GORILLA_SLACK_BYTES behind the chunk
 * must be readable. False if the chunk ends before its last sample. */
bool gorilla_decode(const uint8_t *chunk, size_t bytes, int64_t *times_ms, double *values);

#endif
