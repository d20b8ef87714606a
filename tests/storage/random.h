/* Seeded random numbers, the same in every run: splitmix64 by Sebastiano Vigna. */
#ifndef VARVE_TESTS_STORAGE_RANDOM_H
#define VARVE_TESTS_STORAGE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

/* One of 0 … count - 1. */
static inline uint32_t random_below(uint64_t *state, uint64_t count)
{
    return (uint32_t)(random_next(state) % count);
}

static inline void random_fill(uint64_t *state, void *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) ((uint8_t *)out)[i] = (uint8_t)random_next(state);
}

#endif
