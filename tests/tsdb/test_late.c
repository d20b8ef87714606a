/* Late samples in any order: found, sorted, and never moved often. */
#include "tsdb/late.h"

#include "storage/base/bytes.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

enum order { RISING, FALLING, SHUFFLED, FALLING_PIECES, TWO_ENDS };

static int64_t time_of(enum order order, uint32_t i, uint32_t count)
{
    switch (order) {
    case RISING: return i;
    case FALLING: return -(int64_t)i;
    case SHUFFLED: return (int64_t)((uint64_t)i * 7919 % count); /* a prime that divides no count used here */
    case FALLING_PIECES: return (int64_t)(i % 100) - (int64_t)(i / 100) * 100;
    case TWO_ENDS: return i % 2 ? (int64_t)i : -(int64_t)i;
    }
    return 0;
}

/* Rows that are inserted move half a run, those merged three times for each doubling; nothing grows with the square. */
static uint64_t moves_allowed(uint32_t count)
{
    uint64_t doublings = 0;

    while ((uint64_t)LATE_RUN << doublings < count) doublings++;
    return (uint64_t)count * (LATE_RUN / 2 + 2 * doublings);
}

Test(late, any_order_is_found_and_sorted_with_few_moves)
{
    static const uint32_t counts[] = {0, 1, 2, 31, 32, 33, 64, 95, 96, 127, 1000, 4096, 100000};

    for (int order = RISING; order <= TWO_ENDS; order++) {
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            struct late_samples late = {0};
            size_t bytes = 0;
            for (uint32_t i = 0; i < counts[c]; i++) {
                int64_t time_ms = time_of((enum order)order, i, counts[c]);
                if (i < 1000) cr_assert(late_find(&late, time_ms) == NULL);
                bytes += late_add(&late, time_ms, i);
                if (i < 1000) cr_assert(late_valid(&late));
            }
            cr_assert(late_valid(&late) && late.count == counts[c] && bytes == late.capacity * sizeof *late.rows);
            cr_expect(late.moves <= moves_allowed(counts[c]), "order %d, %u rows: %llu moves", order, counts[c],
                      (unsigned long long)late.moves);
            cr_expect(order != RISING || late.moves == 0);
            for (uint32_t i = 0; i < counts[c]; i++) {
                const struct late_sample *found = late_find(&late, time_of((enum order)order, i, counts[c]));
                cr_assert(found && found->value == i, "order %d, %u rows: row %u", order, counts[c], i);
            }
            late_sort(late.rows, late.count);
            for (uint32_t i = 1; i < late.count; i++) cr_assert(late.rows[i - 1].time_ms < late.rows[i].time_ms);
            late_release(&late);
        }
    }
}

Test(late, against_a_plain_table)
{
    enum { TIMES = 3000 };

    for (uint64_t seed = 1; seed < 20; seed++) {
        static uint64_t stored[TIMES];
        struct late_samples late = {0};
        uint64_t random = seed;
        memset(stored, 0, sizeof stored);
        for (int i = 0; i < 4000; i++) {
            uint32_t time = random_below(&random, TIMES);
            const struct late_sample *found = late_find(&late, time);
            cr_assert(stored[time] ? found && found->value == stored[time] : !found, "seed %d", (int)seed);
            if (found) continue;
            stored[time] = random_next(&random) | 1;
            late_add(&late, time, stored[time]);
        }
        cr_assert(late_valid(&late));
        late_release(&late);
    }
}

Test(late, times_at_the_ends_of_time)
{
    static const int64_t times[] = {INT64_MAX, INT64_MIN, 0, INT64_MIN + 1, INT64_MAX - 1, -1};
    struct late_samples late = {0};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) late_add(&late, times[i], i);
    cr_expect(late_valid(&late));
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) cr_expect(late_find(&late, times[i])->value == i);
    late.rows[1].time_ms = INT64_MAX;
    cr_expect(!late_valid(&late), "a run that does not rise is told");
    late_release(&late);
}
