/* Window plans against linear searches, and their cache. */
#include "query/window_plan.h"

#include "tests/query/fixture.h"

enum { COUNT = 400 };

static void check_plan(const struct window_plan *plan, const struct windows *windows, const samples *column)
{
    for (uint32_t step = 0; step < plan->steps; step++) {
        int64_t reference = windows_reference(windows, step), from = reference - windows->range_ms - windows->before_ms;
        int64_t to = reference + windows->after_ms;
        uint32_t first = 0, end = 0;
        while (first < column->count && column->times_ms[first] <= from) first++;
        while (end < column->count && column->times_ms[end] <= to) end++;
        uint32_t length = end > first ? end - first : 0;
        cr_assert(plan->length[step] == length);
        cr_assert(length == 0 ? plan->first[step] < column->count : plan->first[step] == first);
        cr_assert(bits_get(plan->some, step) == (length > 0) && bits_get(plan->many, step) == (length > 1));
    }
}

Test(window_plan, against_linear_searches)
{
    struct random random = {29};
    static int64_t times[COUNT];
    static double values[COUNT];

    for (int round = 0; round < 500; round++) {
        struct scratch scratch = {0};
        int64_t time = (int64_t)(random_next(&random) % 1000) - 500;
        size_t count = 1 + random_next(&random) % COUNT;
        for (size_t i = 0; i < count; i++) {
            times[i] = time;
            time += 1 + (int64_t)(random_next(&random) % (random_next(&random) % 10 ? 30 : 3000));
        }
        struct windows windows = {.range_ms = (int64_t)(random_next(&random) % 400),
                                  .offset_ms = (int64_t)(random_next(&random) % 200) - 100,
                                  .before_ms = random_next(&random) % 3 ? 0 : 70,
                                  .after_ms = random_next(&random) % 3 ? 0 : 50};
        windows.grid =
            (struct grid){(int64_t)(random_next(&random) % 3000) - 1500, 1 + (int64_t)(random_next(&random) % 150),
                          1 + (uint32_t)(random_next(&random) % 200)};
        windows.is_fixed = random_next(&random) % 8 == 0;
        samples column = {.count = count, .times_ms = times, .values = values};
        check_plan(window_plan_make(&windows, &column, false, &scratch), &windows, &column);
        scratch_release(&scratch);
    }
}
