/* Clocks: the wall clock can be held, the others go on. */
#include "storage/base/clock.h"

#include "tests/support/test.h"

#include <stddef.h>

Test(clock, is_held_until_released)
{
    static const int64_t rows[] = {0, 1, -1, 1700000000123, INT64_MAX, INT64_MIN};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clock_hold(rows[i]);
        cr_expect(clock_now_ms() == rows[i] && clock_now_ms() == rows[i], "row %zu", i);
    }
    clock_release();
    cr_expect(clock_now_ms() > 1500000000000, "the machine's own clock is back");
}

Test(clock, monotonic_clocks_do_not_stand_or_turn)
{
    int64_t last = clock_monotonic_ns(), first = last;
    double cpu = clock_process_seconds();

    clock_hold(5);
    while (last == first) {
        int64_t now = clock_monotonic_ns();
        double used = clock_process_seconds();
        cr_assert(now >= last && used >= cpu);
        last = now;
        cpu = used;
    }
    clock_release();
}
