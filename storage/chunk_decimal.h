/* Doubles as integers: most metrics are whole numbers, or decimals with a few digits behind the point.
 *
 * A value is the quotient of an integer of up to 50 bits and a power of ten, correctly rounded, as every program gets
 * it that parses the decimal; so the integer gives back its very bits, and that is verified for each. After ALP
 * (Afroozeh, Kuffó and Boncz, "ALP: Adaptive Lossless floating-Point Compression", SIGMOD 2024), which multiplies by an
 * inexact reciprocal instead. What is no such quotient (NaN, infinities, -0, full doubles) is an exception; where these
 * are many, the bits of the values themselves are the integers.
 */
#ifndef VARVE_STORAGE_CHUNK_DECIMAL_H
#define VARVE_STORAGE_CHUNK_DECIMAL_H

#include "storage/base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How integers become doubles: 0-15 is the power of ten of the quotient. */
enum {
    DECIMAL_EXPONENT_MAX = 15,
    DECIMAL_WIDE = 30, /* whole numbers of up to 63 bits */
    DECIMAL_BITS = 31  /* the bits of the double */
};

/* Indices of values that are exceptions, rising. */
typedef vec(uint32_t) exceptions;

/* Chooses the scale, trying `*scale` first, and maps; an exception repeats the integer before it. */
void decimal_map(const double *values, size_t count, unsigned *scale, int64_t *out, exceptions *found);

/* base + factor * integers, as doubles. Returns a number of bits that is enough for the amount of each, if all are sure
 * to be whole numbers of at most 53; else 0. */
unsigned decimal_restore(const int64_t *integers, size_t count, unsigned scale, int64_t base, uint64_t factor,
                         double *values);

/* Whether there is such a scale; decimal_restore needs one. */
bool decimal_scale_valid(unsigned scale);

#endif
