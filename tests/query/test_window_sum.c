/* sum_over_time and avg_over_time against compensated sums in sequence: the same bits for integers and short windows, a
 * few units in the last place for long ones, which are made of runs. */
#include "tests/query/window_twin.h"

#include "query/kernel.h"
#include "tests/support/test.h"

static bool twin_sum(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param, double *out)
{
    double sum = 0, lost = 0;

    (void)t;
    (void)start;
    (void)end;
    (void)param;
    for (size_t i = 0; i < n; i++) kahan_add(v[i], &sum, &lost);
    *out = isinf(sum) ? sum : sum + lost;
    return true;
}

static bool twin_avg(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param, double *out)
{
    double sum = v[0], lost = 0, mean = 0;
    bool is_running = false;

    (void)t;
    (void)start;
    (void)end;
    (void)param;
    for (size_t i = 1; i < n; i++) {
        double count = (double)(i + 1), next = sum, next_lost = lost;
        if (!is_running) {
            kahan_add(v[i], &next, &next_lost);
            if (!isinf(next)) {
                sum = next;
                lost = next_lost;
                continue;
            }
            is_running = true;
            mean = sum / (count - 1);
            lost /= count - 1;
        }
        mean *= (count - 1) / count;
        lost *= (count - 1) / count;
        kahan_add(v[i] / count, &mean, &lost);
    }
    *out = is_running ? mean + lost : sum / (double)n + lost / (double)n;
    return true;
}

Test(window_sum, against_twins)
{
    window_twin_check(&window_sum, twin_sum, 0, 1e-13);
    window_twin_check(&window_avg, twin_avg, 0, 1e-13);
}

enum { FRACTIONS, INTEGERS, MINUS_ZEROS };

static double value_of(int kind, int i)
{
    if (kind == MINUS_ZEROS) return -0.0;
    return kind == INTEGERS ? (i * 7919) % 10007 - 5000 : 1.0 / (1 + i % 97) + i * 1e-7;
}

/* Short windows, and integers in any: not one bit off. */
Test(window_sum, same_bits)
{
    enum { COUNT = 4000 };
    static int64_t times[COUNT];
    static double column[COUNT], values[COUNT];
    static uint64_t present[COUNT / 64 + 1];

    static const struct {
        int kind;
        int64_t step_ms, range_ms;
        uint32_t steps;
    } cases[] = {{FRACTIONS, 1000, 30000, 3000},
                 {INTEGERS, 1000, 2000000, 3000}, /* windows overlap */
                 {INTEGERS, 61000, 61000, 65},    /* and don't */
                 {MINUS_ZEROS, 1000, 30000, 3000},
                 {MINUS_ZEROS, 60000, 60000, 60}};

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct windows windows = {.grid = {0, cases[c].step_ms, cases[c].steps}, .range_ms = cases[c].range_ms};
        struct scratch scratch = {0};
        for (int i = 0; i < COUNT; i++) {
            times[i] = i * 1000;
            column[i] = value_of(cases[c].kind, i);
        }
        samples s = {.count = COUNT, .times_ms = times, .values = column};
        struct window_plan *plan = window_plan_make(&windows, &s, false, &scratch);
        struct window_run run = {.plan = plan, .windows = &windows, .column = s, .scratch = &scratch};
        for (int avg = 0; avg < 2; avg++) {
            for (size_t w = 0; w < bits_words(plan->steps); w++) present[w] = plan->some[w];
            cr_assert((avg ? window_avg.run : window_sum.run)(&run, values, present));
            for (uint32_t step = 0; step < plan->steps; step++) {
                double expected;
                if (!bits_get(present, step)) continue;
                (avg ? twin_avg : twin_sum)(times, column + plan->first[step], plan->length[step], 0, 0, 0, &expected);
                cr_assert(double_bits(values[step]) == double_bits(expected), "case %zu, step %u: %g", c, step,
                          values[step]);
            }
        }
        scratch_release(&scratch);
    }
}
