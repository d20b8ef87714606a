/* Tiles, bitmaps and scratch memory. */
#include "query/tile.h"

#include "tests/query/fixture.h"

#include <string.h>

Test(tile, bitmaps_against_booleans)
{
    struct random random = {3};

    for (int round = 0; round < 200; round++) {
        size_t count = 1 + random_next(&random) % 300;
        uint64_t bits[5] = {0};
        bool plain[300] = {false};
        for (size_t i = 0; i < count; i++) {
            plain[i] = random_next(&random) % 3 == 0;
            if (plain[i]) bits_set(bits, i);
        }
        size_t expected = 0, seen = 0, last = 0;
        for (size_t i = 0; i < count; i++) expected += plain[i];
        bits_each(i, bits, count)
        {
            cr_assert(plain[i] && (seen == 0 || i > last));
            last = i;
            seen++;
        }
        cr_assert(seen == expected && bits_count(bits, bits_words(count)) == expected);
        cr_assert(bits_any(bits, bits_words(count)) == (expected > 0));
    }
}

Test(tile, fill_sets_the_first_bits)
{
    for (size_t count = 0; count <= 130; count++) {
        uint64_t bits[3] = {0};
        bits_fill(bits, count);
        cr_assert(bits_count(bits, 3) == count);
        cr_assert(bits_next(bits, 0, 192) == (count ? 0 : 192));
    }
}

Test(tile, rows_are_copied_with_their_presence)
{
    static const uint32_t steps[] = {1, 2, 64, 65};

    for (size_t s = 0; s < 4; s++) {
        struct scratch scratch = {0};
        struct grid grid = {0, 1000, steps[s]};
        struct tile from = tile_make(&scratch, &grid, 70), to = tile_make(&scratch, &grid, 70);
        for (size_t row = 0; row < 70; row++) {
            for (size_t i = 0; i < steps[s]; i++) {
                tile_values(&from, row)[i] = (double)(row * 100 + i);
                if ((row + i) % 3 == 0) bits_set(from.present, row * from.stride + i);
            }
        }
        for (size_t row = 0; row < 70; row++) tile_copy_row(&to, 69 - row, &from, row, &scratch);
        for (size_t row = 0; row < 70; row++) {
            cr_assert(tile_row_any(&to, row) == tile_row_any(&from, 69 - row));
            for (size_t i = 0; i < steps[s]; i++) {
                cr_assert(bits_get(to.present, row * to.stride + i) == ((69 - row + i) % 3 == 0));
                cr_assert(tile_values(&to, row)[i] == (double)((69 - row) * 100 + i));
            }
        }
        scratch_release(&scratch);
    }
}

Test(tile, scratch_gives_back_what_came_after_a_mark)
{
    struct account account;
    struct scratch scratch = {.account = &account};

    account_init(&account, 0, NULL);
    char *kept = scratch_alloc(&scratch, 100);
    memset(kept, 7, 100);
    struct scratch_mark mark = scratch_mark(&scratch);
    for (size_t bytes = 1; bytes < 5000000; bytes *= 7) memset(scratch_alloc(&scratch, bytes), 1, bytes);
    scratch_rewind(&scratch, mark);
    cr_assert((uintptr_t)scratch_alloc(&scratch, 8) % 64 == 0);
    for (size_t i = 0; i < 100; i++) cr_assert(kept[i] == 7);
    scratch_release(&scratch);
    cr_assert(account.used_bytes == 0);
}
