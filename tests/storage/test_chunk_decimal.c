/* Doubles as integers: what maps comes back to the bit, what does not is an exception. */
#include "storage/chunk_decimal.h"

#include "storage/base/bytes.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <math.h>

enum { COUNT_MAX = 3000 };

static double values[COUNT_MAX], restored[COUNT_MAX];
static int64_t integers[COUNT_MAX];

/* Maps, restores, and returns the number of exceptions. */
static size_t check(size_t count, unsigned *scale)
{
    exceptions found = {0};
    size_t next = 0;

    decimal_map(values, count, scale, integers, &found);
    cr_assert(decimal_scale_valid(*scale));
    decimal_restore(integers, count, *scale, 0, 1, restored);
    for (size_t i = 0; i < count; i++) {
        if (next < found.count && found.data[next] == i) {
            next++;
        } else {
            cr_assert(double_bits(values[i]) == double_bits(restored[i]), "value %zu: %.17g is %.17g", i, values[i],
                      restored[i]);
        }
    }
    cr_assert(next == found.count);
    vec_release(&found);
    return next;
}

Test(chunk_decimal, decimals_of_all_lengths)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
    uint64_t seed = 1;
    unsigned scale = 0;

    for (unsigned digits = 0; digits <= 10; digits++) {
        for (int round = 0; round < 20; round++) {
            int64_t size = (int64_t)1 << (1 + random_below(&seed, 49));
            for (size_t i = 0; i < COUNT_MAX; i++)
                values[i] = (double)((int64_t)(random_next(&seed) % (uint64_t)(2 * size)) - size) / powers[digits];
            for (size_t i = 0; i < COUNT_MAX; i++) values[i] += 0.0; /* no -0 here */
            cr_assert(check(COUNT_MAX, &scale) == 0);
            cr_expect(scale <= DECIMAL_EXPONENT_MAX, "%u digits have scale %u", digits, scale);
        }
    }
}

Test(chunk_decimal, exceptions_are_few_or_the_bits_are_kept)
{
    static const uint64_t special[] = {0x8000000000000000,
                                       0x7FF0000000000000,
                                       0xFFF0000000000000,
                                       0x7FF0000000000002,
                                       0x7FF8000000000001,
                                       0xFFFFFFFFFFFFFFFF,
                                       1,
                                       0x000FFFFFFFFFFFFF,
                                       0x7FEFFFFFFFFFFFFF};
    uint64_t seed = 2;

    for (uint64_t every = 1; every < 40; every++) {
        unsigned scale = random_below(&seed, 16);
        size_t expected = 0;
        for (size_t i = 0; i < COUNT_MAX; i++) {
            bool is_special = i % every == 0;
            values[i] =
                is_special ? double_from_bits(special[random_below(&seed, 9)]) : (double)random_below(&seed, 1000) / 4;
            expected += is_special;
        }
        size_t found = check(COUNT_MAX, &scale);
        cr_expect(scale == DECIMAL_BITS ? every <= 10 && found == 0 : found == expected,
                  "every %d: scale %u, %zu found", (int)every, scale, found);
    }
}

Test(chunk_decimal, large_numbers)
{
    static const struct {
        double value;
        unsigned scale;
    } rows[] = {{0, 0},
                {0x1p50 - 1, 0},
                {0x1p50, DECIMAL_WIDE},
                {-0x1p63, DECIMAL_WIDE},
                {0x1p63, DECIMAL_BITS},
                {1e18, DECIMAL_WIDE},
                {1e300, DECIMAL_BITS},
                {0.1, 1},
                {1e-15, 15},
                {M_PI, DECIMAL_BITS},
                {1 / 3e9, DECIMAL_BITS}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned scale = 0;
        values[0] = rows[i].value;
        cr_expect(check(1, &scale) == 0);
        cr_expect(scale == rows[i].scale, "%.17g has scale %u", rows[i].value, scale);
    }
}

Test(chunk_decimal, base_and_factor)
{
    uint64_t seed = 3;

    for (int round = 0; round < 1000; round++) {
        int64_t base = (int64_t)random_next(&seed) >> 14, factor = 1 + random_below(&seed, 1 << 20);
        for (int i = 0; i < 100; i++) integers[i] = (int64_t)random_next(&seed) >> 36;
        decimal_restore(integers, 100, 2, base, (uint64_t)factor, restored);
        for (int i = 0; i < 100; i++) cr_assert(restored[i] == (double)(base + factor * integers[i]) / 100);
    }
}
