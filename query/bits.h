/* Bitmaps, worked on by words. Bits behind the last one that is used are always zero. */
#ifndef VARVE_QUERY_BITS_H
#define VARVE_QUERY_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bits_words(size_t bits)
{
    return (bits + 63) / 64;
}

static inline bool bits_get(const uint64_t *bits, size_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static inline void bits_set(uint64_t *bits, size_t i)
{
    bits[i / 64] |= 1ULL << (i % 64);
}

static inline void bits_clear(uint64_t *bits, size_t i)
{
    bits[i / 64] &= ~(1ULL << (i % 64));
}

/* The `count` lowest bits; count is at most 64. */
static inline uint64_t bits_low(size_t count)
{
    return count >= 64 ? ~0ULL : (1ULL << count) - 1;
}

/* Sets the first `count` bits. */
static inline void bits_fill(uint64_t *bits, size_t count)
{
    for (size_t i = 0; i < count / 64; i++) bits[i] = ~0ULL;
    if (count % 64) bits[count / 64] |= bits_low(count % 64);
}

static inline size_t bits_count(const uint64_t *bits, size_t words)
{
    size_t count = 0;
    for (size_t i = 0; i < words; i++) count += (size_t)__builtin_popcountll(bits[i]);
    return count;
}

static inline bool bits_any(const uint64_t *bits, size_t words)
{
    uint64_t any = 0;
    for (size_t i = 0; i < words; i++) any |= bits[i];
    return any != 0;
}

/* The first set bit at or after i, or `end`. */
static inline size_t bits_next(const uint64_t *bits, size_t i, size_t end)
{
    if (i >= end) return end;
    uint64_t word = bits[i / 64] >> (i % 64);
    if (word) {
        i += (size_t)__builtin_ctzll(word);
        return i < end ? i : end;
    }
    for (i = (i / 64 + 1) * 64; i < end; i += 64) {
        if (bits[i / 64]) {
            i += (size_t)__builtin_ctzll(bits[i / 64]);
            return i < end ? i : end;
        }
    }
    return end;
}

/* for each set bit i below `count` */
#define bits_each(i, bits, count) \
    for (size_t i = bits_next((bits), 0, (count)); i < (count); i = bits_next((bits), i + 1, (count)))

#endif
