/* Window kernels against plain loops; see window_twin.h. */
#include "tests/query/window_twin.h"

#include "storage/base/bytes.h"
#include "tests/query/fixture.h"

#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 300, SAMPLES_MAX = 900 };

static double random_value(struct random *random, unsigned mood, double previous)
{
    switch (mood % 6) {
    case 0: return previous + floor(random_unit(random) * 20);
    case 1: return previous + random_unit(random);
    case 2: return random_next(random) % 40 ? previous + floor(random_unit(random) * 9) : 0;
    case 3: return (random_unit(random) - 0.5) * 1e6;
    case 4: return random_next(random) % 9 ? floor(random_unit(random) * 5) - 2 : random_next(random) % 2 ? NAN : -0.0;
    default: return random_next(random) % 30 ? random_unit(random) * 1e308 : INFINITY;
    }
}

static size_t random_column(struct random *random, int64_t *times, double *values)
{
    unsigned mood = (unsigned)random_next(random);
    size_t count = 1 + random_next(random) % SAMPLES_MAX;
    int64_t time = (int64_t)(random_next(random) % 5000);
    double value = 0;

    if (random_next(random) % 4 == 0) count = 1 + count % 5;
    for (size_t i = 0; i < count; i++) {
        times[i] = time;
        values[i] = value = random_value(random, mood, isfinite(value) ? value : 0);
        time += random_next(random) % 30 ? 1000 : 1 + (int64_t)(random_next(random) % 90000);
    }
    return count;
}

static void random_windows(struct random *random, int64_t last_ms, struct windows *out)
{
    int64_t ranges[] = {500, 1000, 4000, 20000, 300000, 900000};

    *out = (struct windows){.range_ms = ranges[random_next(random) % 6]};
    out->grid = (struct grid){(int64_t)(random_next(random) % 20000) - 5000, 1 + (int64_t)(random_next(random) % 4000),
                              1 + (uint32_t)(random_next(random) % 300)};
    if (random_next(random) % 3 == 0) out->offset_ms = (int64_t)(random_next(random) % 5000) - 2500;
    if (random_next(random) % 9 == 0) {
        out->is_fixed = true;
        out->fixed_ms = last_ms / 2;
    }
}

static bool is_close(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (double_bits(a) == double_bits(b) || (a == b && isinf(a))) return true;
    return tolerance > 0 && fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

static void check_round(struct random *random, const struct window_function *function, window_twin *twin, double param,
                        double tolerance)
{
    static int64_t times[SAMPLES_MAX];
    static double column[SAMPLES_MAX], values[320];
    static uint64_t present[5];
    struct scratch scratch = {0};
    struct column params[] = {{&param, true}, {&param, true}};
    size_t count = random_column(random, times, column);
    struct windows windows;

    random_windows(random, times[count - 1], &windows);
    samples s = {.count = count, .times_ms = times, .values = column};
    struct window_plan *plan = window_plan_make(&windows, &s, true, &scratch);
    for (size_t w = 0; w < bits_words(plan->steps); w++)
        present[w] = function->samples_min > 1 ? plan->many[w] : plan->some[w];
    struct window_run run = {.plan = plan, .windows = &windows, .column = s, .params = params, .scratch = &scratch};
    cr_assert(function->run(&run, values, present));
    for (uint32_t step = 0; step < plan->steps; step++) {
        int64_t end = windows_reference(&windows, step), start = end - windows.range_ms;
        size_t first = 0, stop = 0;
        double expected = 0;
        while (first < count && times[first] <= start) first++;
        while (stop < count && times[stop] <= end) stop++;
        bool is_there = first < stop && twin(times + first, column + first, stop - first, start, end, param, &expected);
        cr_assert(is_there == bits_get(present, step), "step %u of %u, %zu samples", step, plan->steps, stop - first);
        cr_assert(!is_there || is_close(values[step], expected, tolerance), "step %u: %.17g, expected %.17g of %zu",
                  step, values[step], expected, stop - first);
    }
    scratch_release(&scratch);
}

void window_twin_check(const struct window_function *function, window_twin *twin, double param, double tolerance)
{
    struct random random = {7};

    for (int round = 0; round < ROUNDS; round++) check_round(&random, function, twin, param, tolerance);
}
