/* Doubles as integers; see chunk_decimal.h. */
#include "storage/chunk_decimal.h"

#include "storage/base/bytes.h"
#include "storage/chunk_target.h"

#include <assert.h>
#include <math.h>

enum {
    PROBES = 32,
    PROBES_SHARE = 3,    /* one in so many may be an exception among the probes */
    EXCEPTIONS_SHARE = 8 /* and among all */
};

/* Added to a double below 2^51, it leaves the nearest integer in the low bits. */
static const double magic = 0x1.8p52;
static const uint64_t magic_bits = 0x4338000000000000;
static const uint64_t limit = (uint64_t)1 << 50; /* differences of two are below 2^51, too */

static const double powers[DECIMAL_EXPONENT_MAX + 1] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                        1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

bool decimal_scale_valid(unsigned scale)
{
    return scale <= DECIMAL_EXPONENT_MAX || scale == DECIMAL_WIDE || scale == DECIMAL_BITS;
}

CHUNK_INLINE bool is_small(int64_t integer)
{
    return (uint64_t)integer + limit < limit * 2;
}

CHUNK_INLINE bool map_decimal(double value, double power, int64_t *out)
{
    double scaled = value * power + magic;

    *out = (int64_t)(double_bits(scaled) - magic_bits);
    unsigned is_equal = double_bits((scaled - magic) / power) == double_bits(value);
    return is_equal & (unsigned)is_small(*out); /* no branch: this runs in vectors */
}

static bool map_wide(double value, int64_t *out)
{
    *out = 0;
    if (!(value >= -0x1p63 && value < 0x1p63)) return false;
    *out = (int64_t)value;
    return double_bits((double)*out) == double_bits(value);
}

static bool map_one(double value, unsigned scale, int64_t *out)
{
    return scale == DECIMAL_WIDE ? map_wide(value, out) : map_decimal(value, powers[scale], out);
}

/* Exceptions among a few values from all over. */
static size_t probe(const double *values, size_t count, unsigned scale)
{
    size_t probes = count < PROBES ? count : PROBES, bad = 0;
    int64_t unused;

    for (size_t i = 0; i < probes; i++) bad += !map_one(values[i * count / probes], scale, &unused);
    return bad;
}

/* Returns the number of exceptions. */
CHUNK_HOT static size_t map_decimals(const double *values, size_t count, double power, int64_t *out)
{
    uint64_t bad = 0;

    if (power == 1) {
        for (size_t i = 0; i < count; i++) bad += !map_decimal(values[i], 1, &out[i]);
    } else {
        for (size_t i = 0; i < count; i++) bad += !map_decimal(values[i], power, &out[i]);
    }
    return bad;
}

static size_t map_all(const double *values, size_t count, unsigned scale, int64_t *out)
{
    size_t bad = 0;

    if (scale != DECIMAL_WIDE) return map_decimals(values, count, powers[scale], out);
    for (size_t i = 0; i < count; i++) bad += !map_wide(values[i], &out[i]);
    return bad;
}

/* Finds the exceptions and puts the integer before, at the front the first one, in their place. */
static void collect(const double *values, size_t count, unsigned scale, int64_t *out, exceptions *found)
{
    int64_t last = 0, integer;

    for (size_t i = 0; i < count; i++) {
        if (!map_one(values[i], scale, &integer)) continue;
        last = integer;
        break;
    }
    for (size_t i = 0; i < count; i++) {
        if (map_one(values[i], scale, &integer)) {
            last = integer;
        } else {
            vec_push(found, (uint32_t)i);
            out[i] = last;
        }
    }
}

static bool try_scale(const double *values, size_t count, unsigned scale, int64_t *out, exceptions *found)
{
    if (probe(values, count, scale) * PROBES_SHARE > (count < PROBES ? count : PROBES)) return false;
    size_t bad = map_all(values, count, scale, out);
    if (bad * EXCEPTIONS_SHARE > count) return false;
    if (bad) collect(values, count, scale, out, found);
    return true;
}

void decimal_map(const double *values, size_t count, unsigned *scale, int64_t *out, exceptions *found)
{
    found->count = 0;
    if (*scale <= DECIMAL_EXPONENT_MAX && try_scale(values, count, *scale, out, found)) return;
    for (unsigned s = 0; s <= DECIMAL_EXPONENT_MAX; s++) {
        *scale = s;
        if (try_scale(values, count, s, out, found)) return;
    }
    *scale = DECIMAL_WIDE;
    if (try_scale(values, count, DECIMAL_WIDE, out, found)) return;
    *scale = DECIMAL_BITS;
    memcpy(out, values, count * sizeof *out);
}

/* All numbers on the way are whole and below 2^53, so nothing is rounded. Returns the bits that are set in any of the
 * integers' amounts (less one if negative). */
CHUNK_HOT static uint64_t restore_whole(const int64_t *integers, size_t count, double base, double factor,
                                        double *values)
{
    uint64_t amounts = 0;

    for (size_t i = 0; i < count; i++) {
        values[i] = (double_from_bits((uint64_t)integers[i] + magic_bits) - magic) * factor + base;
        amounts |= (uint64_t)(integers[i] ^ (integers[i] >> 63));
    }
    return amounts;
}

/* As above, before the quotient. */
CHUNK_HOT static void restore_decimals(const int64_t *integers, size_t count, double power, double base, double factor,
                                       double *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = ((double_from_bits((uint64_t)integers[i] + magic_bits) - magic) * factor + base) / power;
}

/* Integers of an encoder fit; what damage left may not. */
static unsigned whole_bits(uint64_t amounts, int64_t base, uint64_t factor)
{
    int bits;

    if (amounts >= limit) return 0;
    (void)frexp(fabs((double)base) + (double)factor * (double)(amounts + 1) + 1, &bits);
    return bits <= 53 ? (unsigned)bits : 0;
}

unsigned decimal_restore(const int64_t *integers, size_t count, unsigned scale, int64_t base, uint64_t factor,
                         double *values)
{
    assert(decimal_scale_valid(scale));
    if (scale == 0)
        return whole_bits(restore_whole(integers, count, (double)base, (double)factor, values), base, factor);
    if (scale <= DECIMAL_EXPONENT_MAX) {
        restore_decimals(integers, count, powers[scale], (double)base, (double)factor, values);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t integer = (uint64_t)base + factor * (uint64_t)integers[i];
        values[i] = scale == DECIMAL_WIDE ? (double)(int64_t)integer : double_from_bits(integer);
    }
    return 0;
}
