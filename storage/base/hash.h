/* xxHash behind one name (XXH3, https://github.com/Cyan4973/xxHash, by Yann Collet).
 *
 * Unkeyed 64-bit hashes are for tables whose keys no outsider can choose at will, and for checksums. Keyed 128-bit
 * hashes identify series: equality of hashes is taken as equality of what was hashed, so the key must stay secret.
 */
#ifndef VARVE_STORAGE_BASE_HASH_H
#define VARVE_STORAGE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HASH_SECRET_BYTES = 192 };

struct hash_secret {
    uint8_t bytes[HASH_SECRET_BYTES];
};

typedef struct hash128 {
    uint64_t low, high;
} hash128;

uint64_t hash_bytes(const void *data, size_t bytes);

/* With a seed: `hash_seeded(page, n, offset)` as a checksum also catches pages that changed places. */
uint64_t hash_seeded(const void *data, size_t bytes, uint64_t seed);

/* The 64-bit hash of the older XXH64 with seed 0: where others expect this very function (limit_ratio in PromQL). */
uint64_t hash_xxh64(const void *data, size_t bytes);

hash128 hash_keyed(const struct hash_secret *secret, const void *data, size_t bytes);

/* A secret from the kernel's random numbers. */
void hash_secret_make(struct hash_secret *out);

static inline bool hash128_equal(hash128 a, hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

/* Mixes two words into a hash (the finaliser of MurmurHash3 by Austin Appleby over their sum). */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    uint64_t h = a * 0x9E3779B97F4A7C15ULL + b;
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDULL;
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53ULL;
    return h ^ h >> 33;
}

#endif
