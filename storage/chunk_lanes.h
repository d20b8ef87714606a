/* Integers packed to a fixed width, in groups of 128 that decode in four lanes at once.
 *
 * A full group of 128 values of up to 32 bits lies in four lanes of 32-bit words, as in SIMD-BP128 (Lemire and Boytsov,
 * "Decoding billions of integers per second through vectorization", Software: Practice and Experience, 2015): value i
 * belongs to lane i % 4, and word w of the lanes are the 16 bytes at 16 w. Wider values have their low 32 bits first,
 * as they are, then the rest in lanes. A shorter group is one string of bits, lowest first.
 *
 * A patched group begins with its width. Values that are wider keep their low bits in the lanes and the others aside,
 * so that a few large values do not cost all of them their bits (Zukowski et al., "Super-Scalar RAM-CPU Cache
 * Compression", ICDE 2006):
 *
 *     1 byte   width, 0-64; 128 more if values are patched
 *     if so    number of patches - 1, bits of a patch; an index for each, 1 byte; the patches packed as a short group
 *     ...      the group
 */
#ifndef VARVE_STORAGE_CHUNK_LANES_H
#define VARVE_STORAGE_CHUNK_LANES_H

#include "storage/base/bytes.h"

enum {
    LANES_GROUP = 128,
    LANES_SLACK_BYTES = 32 /* readable bytes that decoding needs behind its input */
};

/* Bytes of `count` packed values, at most LANES_GROUP. */
static inline size_t lanes_bytes(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

/* Packs values, each of which fits `width` bits. */
void lanes_pack(const uint64_t *values, size_t count, unsigned width, struct writer *out);

/* Unpacks what lies in lanes_bytes() bytes with slack behind them. */
void lanes_unpack(const uint8_t *in, size_t count, unsigned width, uint64_t *values);

/* A group whose width is the cheapest. */
void lanes_write(const uint64_t *values, size_t count, struct writer *out);

/* Reads a group of `count`; the input has slack behind it. False if it is malformed. */
bool lanes_read(struct reader *in, size_t count, uint64_t *values);

/* What lanes_write would take for values of which histogram[n] have n significant bits. */
size_t lanes_cost_bytes(const uint16_t histogram[65], size_t count);

#endif
