/* Hashes: the values are part of file formats, so some are pinned; keys and seeds matter. */
#include "storage/base/hash.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <string.h>

Test(hash, values_of_the_format)
{
    static const struct {
        const char *text;
        uint64_t seed, expected;
    } rows[] = {
        {"", 0, 0x2D06800538D394C2},
        {"a", 0, 0xE6C632B61E964E1F},
        {"abc", 0, 0x78AF5F94892F3950},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].text);
        cr_expect(hash_seeded(rows[i].text, len, rows[i].seed) == rows[i].expected, "\"%s\" gives %016llx",
                  rows[i].text, (unsigned long long)hash_seeded(rows[i].text, len, rows[i].seed));
        cr_expect(hash_bytes(rows[i].text, len) == hash_seeded(rows[i].text, len, 0));
    }
}

/* What checksums rest on: any flipped bit, another seed, another length give another hash. */
Test(hash, tells_changes)
{
    uint8_t data[300];
    uint64_t random = 4;

    random_fill(&random, data, sizeof data);
    for (size_t bytes = 1; bytes <= sizeof data; bytes += 13) {
        uint64_t good = hash_seeded(data, bytes, 64);
        cr_expect(hash_seeded(data, bytes, 65) != good, "%zu bytes: the seed does not count", bytes);
        cr_expect(hash_seeded(data, bytes - 1, 64) != good, "%zu bytes: the last does not count", bytes);
        for (size_t bit = 0; bit < 8 * bytes; bit++) {
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_expect(hash_seeded(data, bytes, 64) != good, "%zu bytes: bit %zu does not count", bytes, bit);
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

Test(hash, keys_matter)
{
    struct hash_secret one, two;

    hash_secret_make(&one);
    hash_secret_make(&two);
    cr_assert(memcmp(one.bytes, two.bytes, sizeof one.bytes) != 0, "two secrets are the same");
    for (size_t bytes = 0; bytes <= 400; bytes++) {
        static const uint8_t zeros[400];
        hash128 a = hash_keyed(&one, zeros, bytes), b = hash_keyed(&two, zeros, bytes);
        cr_expect(!hash128_equal(a, b), "%zu bytes: the key does not count", bytes);
        cr_expect(hash128_equal(a, hash_keyed(&one, zeros, bytes)));
        cr_expect(bytes == 0 || !hash128_equal(a, hash_keyed(&one, zeros, bytes - 1)));
    }
}

Test(hash, words_are_mixed)
{
    cr_expect(hash_mix(1, 2) != hash_mix(2, 1));
    for (unsigned bit = 0; bit < 64; bit++) {
        cr_expect(hash_mix((uint64_t)1 << bit, 0) >> 32 != 0, "bit %u does not reach the upper half", bit);
        cr_expect((uint32_t)hash_mix(0, (uint64_t)1 << bit) != 0, "bit %u does not reach the lower half", bit);
    }
}
