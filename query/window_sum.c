/* sum_over_time and avg_over_time.
 *
 * The reference is a compensated sum over the samples of each window in sequence. Three ways lead there, by what the
 * column allows:
 *   - integers small enough that no sum of them is rounded: differences of prefix sums if windows overlap, else sums in
 *     any order, the same bits;
 *   - long windows that overlap much: compensated sums of aligned runs of 64 samples are made once and added up;
 *   - else each window in sequence, many windows side by side.
 * A window whose sum is not finite is walked on its own.
 */
#include "query/kernel.h"
#include "query/window_rich.h"

#include <string.h>

enum { SIDE_BY_SIDE = 64, RUN = 64, LONG_WINDOW = 256, OVERLAP = 16, LANES = 16, PROBE = 64 };

/* Whether all values are integers of at most `limit`, which is below 2^51: adding and subtracting 1.5 * 2^52 rounds. */
KERNEL static bool are_integers(const double *column, size_t count, double limit)
{
    uint64_t others = 0;

    for (size_t i = 0; i < count; i++) {
        double x = column[i], rounded = (x + 0x1.8p52) - 0x1.8p52;
        others |= !(fabs(x) <= limit) | (rounded != x);
    }
    return others == 0;
}

KERNEL static void sum_prefixes(const struct window_plan *plan, const int64_t *restrict prefix, double *restrict out)
{
    const uint32_t *restrict first = plan->first, *restrict length = plan->length;

    for (size_t s = 0; s < plan->steps; s++) out[s] = (double)(prefix[first[s] + length[s]] - prefix[first[s]]);
}

/* A sum that is not rounded, so its order is free. */
KERNEL static double sum_exact(const double *values, size_t count)
{
    double sums[LANES] = {0}, sum = 0;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) sums[lane] += values[i + lane];
    }
    for (; i < count; i++) sum += values[i];
    for (size_t lane = 0; lane < LANES; lane++) sum += sums[lane];
    return sum;
}

static bool sum_integers(const struct window_run *run, double *out)
{
    const struct window_plan *plan = run->plan;
    const double *column = run->column.values;
    size_t count = run->column.count, some = count < PROBE ? count : PROBE;
    double limit = fmin(0x1p53 / (double)count, 0x1p50);

    unsigned whole_bits = run->column.whole_bits;

    if (plan->total < count / 2) return false;
    bool are_known = whole_bits > 0 && ldexp(1, (int)whole_bits) <= limit;
    if (!are_known && !(are_integers(column, some, limit) && are_integers(column + some, count - some, limit)))
        return false;
    if (plan->total < 2 * count) {
        for (size_t s = 0; s < plan->steps; s++) out[s] = sum_exact(column + plan->first[s], plan->length[s]);
        return true;
    }
    int64_t *prefix = scratch_array(run->scratch, int64_t, count + 1);
    prefix[0] = 0;
    for (size_t i = 0; i < count; i++) prefix[i + 1] = prefix[i] + (int64_t)column[i];
    sum_prefixes(plan, prefix, out);
    return true;
}

/* Sums of windows; `begin` is what a sum starts from: 0, or -0 where the first value must come through as it is. */
static void sum_in_sequence(const double *values, size_t count, double *sum, double *lost)
{
    for (size_t i = 0; i < count; i++) kahan_add(values[i], sum, lost);
}

/* Windows side by side: `length` samples of each, in sequence; the loop over windows becomes vectors. */
KERNEL static void sum_side_by_side(const double *restrict column, const uint32_t *restrict first, size_t windows,
                                    size_t length, double *restrict sums, double *restrict losses)
{
    for (size_t i = 0; i < length; i++) {
        for (size_t w = 0; w < windows; w++) kahan_add(column[first[w] + i], &sums[w], &losses[w]);
    }
}

static bool sum_windows(const struct window_run *run, double begin, double *sums, double *losses)
{
    const struct window_plan *plan = run->plan;
    size_t steps = plan->steps;

    for (size_t s = 0; s < steps; s++) {
        sums[s] = begin;
        losses[s] = 0;
    }
    for (size_t s = 0; s < steps; s += SIDE_BY_SIDE) {
        size_t windows = steps - s < SIDE_BY_SIDE ? steps - s : SIDE_BY_SIDE, common = plan->length[s];
        for (size_t i = 1; i < windows; i++) common = plan->length[s + i] < common ? plan->length[s + i] : common;
        if (!window_goes_on(run, common * windows)) return false;
        sum_side_by_side(run->column.values, plan->first + s, windows, common, sums + s, losses + s);
        for (size_t i = s; i < s + windows; i++)
            sum_in_sequence(run->column.values + plan->first[i] + common, plan->length[i] - common, &sums[i],
                            &losses[i]);
    }
    return true;
}

/* Sums made of those of aligned runs. A run that holds something infinite is walked. */
static bool sum_runs(const struct window_run *run, double begin, double *sums, double *losses)
{
    const struct window_plan *plan = run->plan;
    const double *column = run->column.values;
    size_t run_count = run->column.count / RUN;
    double *run_sums = scratch_array(run->scratch, double, run_count + 1);
    double *run_losses = scratch_array(run->scratch, double, run_count + 1);

    for (size_t r = 0; r < run_count; r++) {
        run_sums[r] = run_losses[r] = 0;
        sum_in_sequence(column + r * RUN, RUN, &run_sums[r], &run_losses[r]);
    }
    for (size_t s = 0; s < plan->steps; s++) {
        size_t at = plan->first[s], end = at + plan->length[s];
        double sum = begin, lost = 0;
        if (!window_goes_on(run, (end - at) / RUN)) return false;
        while (at < end) {
            size_t next = (at / RUN + 1) * RUN;
            if (at % RUN == 0 && next <= end && isfinite(run_sums[at / RUN])) {
                kahan_add(run_sums[at / RUN], &sum, &lost);
                lost += run_losses[at / RUN];
            } else {
                sum_in_sequence(column + at, (next < end ? next : end) - at, &sum, &lost);
            }
            at = next;
        }
        sums[s] = sum;
        losses[s] = lost;
    }
    return true;
}

static bool sum_all(const struct window_run *run, double begin, double *sums, double *losses)
{
    uint64_t total = run->plan->total;

    bool overlap = total > (uint64_t)OVERLAP * run->column.count && total > (uint64_t)LONG_WINDOW * run->plan->steps;
    return overlap ? sum_runs(run, begin, sums, losses) : sum_windows(run, begin, sums, losses);
}

static bool run_sum(const struct window_run *run, double *values, uint64_t *present)
{
    size_t steps = run->plan->steps;

    (void)present;
    if (sum_integers(run, values)) return true;
    double *losses = scratch_array(run->scratch, double, steps);
    if (!sum_all(run, 0, values, losses)) return false;
    for (size_t s = 0; s < steps; s++) values[s] = isinf(values[s]) ? values[s] : values[s] + losses[s];
    return true;
}

/* The mean in sequence: of the sum while that is finite, then a running mean, which can not overflow. */
double window_mean(const double *values, size_t count)
{
    double sum = values[0], lost = 0, mean = 0;
    bool is_running = false;

    for (size_t i = 1; i < count; i++) {
        double n = (double)(i + 1);
        if (!is_running) {
            double next = sum, next_lost = lost;
            kahan_add(values[i], &next, &next_lost);
            if (!isinf(next)) {
                sum = next;
                lost = next_lost;
                continue;
            }
            is_running = true;
            mean = sum / (n - 1);
            lost /= n - 1;
        }
        double share = (n - 1) / n;
        mean *= share;
        lost *= share;
        kahan_add(values[i] / n, &mean, &lost);
    }
    return is_running ? mean + lost : sum / (double)count + lost / (double)count;
}

static bool run_avg(const struct window_run *run, double *values, uint64_t *present)
{
    const struct window_plan *plan = run->plan;

    if (sum_integers(run, values)) {
        for (size_t s = 0; s < plan->steps; s++) values[s] /= (double)plan->length[s];
        return true;
    }
    double *losses = scratch_array(run->scratch, double, plan->steps);
    if (!sum_all(run, -0.0, values, losses)) return false;
    bits_each(s, present, plan->steps)
    {
        double n = (double)plan->length[s];
        if (isfinite(values[s])) {
            values[s] = values[s] / n + losses[s] / n;
            continue;
        }
        if (!window_goes_on(run, plan->length[s])) return false;
        values[s] = window_mean(run->column.values + plan->first[s], plan->length[s]);
    }
    return true;
}

const struct window_function window_sum = {.run = run_sum, .samples_min = 1, .rich = rich_sum};
const struct window_function window_avg = {.run = run_avg, .samples_min = 1, .rich = rich_avg};
