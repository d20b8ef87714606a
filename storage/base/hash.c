/* xxHash behind one name; see hash.h. */
#include "storage/base/hash.h"

#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

uint64_t hash_seeded(const void *data, size_t bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, bytes, seed);
}

uint64_t hash_xxh64(const void *data, size_t bytes)
{
    return XXH64(data, bytes, 0);
}

hash128 hash_keyed(const struct hash_secret *secret, const void *data, size_t bytes)
{
    XXH128_hash_t h = XXH3_128bits_withSecret(data, bytes, secret->bytes, sizeof secret->bytes);
    return (hash128){h.low64, h.high64};
}

void hash_secret_make(struct hash_secret *out)
{
    size_t have = 0;

    while (have < sizeof out->bytes) {
        ssize_t got = getrandom(out->bytes + have, sizeof out->bytes - have, 0);
        if (got > 0) have += (size_t)got;
    }
}
