/* Windows of anchored and smoothed selectors, which have known values at their very ends.
 *
 * The plan's windows reach further than the range: anchored ones back by the lookback, smoothed ones also forward. The
 * value at the range's start is that of the newest sample before it, or interpolated; nothing is extrapolated.
 */
#include "query/kernel.h"
#include "query/window.h"

#include <string.h>

/* The samples of one extended window and the range proper. */
struct extended {
    const int64_t *times_ms;
    const double *values;
    size_t count;
    int64_t start_ms, end_ms;
    bool is_smoothed;
    /* found by find_ends */
    size_t first, last;
};

/* The first of `count` samples with a time above `time`, or count. */
static size_t find_after(const int64_t *times_ms, size_t count, int64_t time)
{
    size_t at = 0;

    while (at < count && times_ms[at] <= time) at++;
    return at;
}

/* The samples that stand for the range's ends; false if none is inside or after it. */
static bool find_ends(struct extended *e)
{
    if (e->count == 0) return false;
    e->last = e->count - 1;
    e->first = find_after(e->times_ms, e->last, e->start_ms);
    if (e->first > 0) e->first--;
    if (e->is_smoothed) e->last = find_after(e->times_ms, e->last, e->end_ms - 1);
    return e->times_ms[e->last] > e->start_ms;
}

/* Whether all samples that smoothing could use come after the range. */
static bool begins_late(const struct extended *e)
{
    return e->is_smoothed && e->times_ms[e->first] > e->end_ms;
}

/* Between two samples. A counter that fell has begun again from 0. */
static double interpolate(const struct extended *e, size_t from, int64_t at_ms, bool is_counter)
{
    double a = e->values[from], b = e->values[from + 1];

    if (is_counter && b < a) a = 0;
    return a + (b - a) * (double)(at_ms - e->times_ms[from]) / (double)(e->times_ms[from + 1] - e->times_ms[from]);
}

static double value_at_start(const struct extended *e, bool is_counter)
{
    if (e->is_smoothed && e->times_ms[e->first] < e->start_ms) return interpolate(e, e->first, e->start_ms, is_counter);
    return e->values[e->first];
}

static double value_at_end(const struct extended *e, bool is_counter)
{
    if (e->is_smoothed && e->last > 0 && e->times_ms[e->last] > e->end_ms)
        return interpolate(e, e->last - 1, e->end_ms, is_counter);
    return e->values[e->last];
}

/* The samples strictly between the ends: [*begin, *end). */
static void find_inner(const struct extended *e, size_t *begin, size_t *end)
{
    *begin = e->first + (e->times_ms[e->first] <= e->start_ms);
    *end = e->last + (e->times_ms[e->last] < e->end_ms);
    if (*end < *begin) *end = *begin;
}

static double change_of(const struct extended *e, bool is_counter)
{
    double left = value_at_start(e, is_counter), right = value_at_end(e, is_counter);
    double change = right - left, correction = 0, previous = left;
    size_t begin, end;

    if (!is_counter) return change;
    find_inner(e, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        if (e->values[i] < previous) correction += previous;
        previous = e->values[i];
    }
    if (right < previous) correction += previous;
    return change + correction;
}

bool extended_change(const int64_t *times_ms, const double *values, size_t count, int64_t start_ms, int64_t end_ms,
                     bool is_smoothed, bool is_counter, double *out)
{
    struct extended e = {.times_ms = times_ms,
                         .values = values,
                         .count = count,
                         .start_ms = start_ms,
                         .end_ms = end_ms,
                         .is_smoothed = is_smoothed};

    if (!find_ends(&e) || begins_late(&e)) return false;
    *out = change_of(&e, is_counter);
    return true;
}

static struct extended window_at(const struct window_run *run, size_t step)
{
    int64_t end = windows_reference(run->windows, step);
    uint32_t first = run->plan->first[step];

    return (struct extended){.times_ms = run->column.times_ms + first,
                             .values = run->column.values + first,
                             .count = run->plan->length[step],
                             .start_ms = windows_start(run->windows, step),
                             .end_ms = end,
                             .is_smoothed = run->is_smoothed};
}

static bool run_changes_of(const struct window_run *run, double *values, uint64_t *present, bool is_counter,
                           double seconds)
{
    for (size_t s = 0; s < run->plan->steps; s++) {
        struct extended e = window_at(run, s);
        if (!window_goes_on(run, e.count)) return false;
        if (find_ends(&e) && !begins_late(&e)) {
            values[s] = change_of(&e, is_counter) / seconds;
        } else {
            bits_clear(present, s);
        }
    }
    return true;
}

bool extended_delta(const struct window_run *run, double *values, uint64_t *present)
{
    return run_changes_of(run, values, present, false, 1);
}

bool extended_increase(const struct window_run *run, double *values, uint64_t *present)
{
    return run_changes_of(run, values, present, true, 1);
}

bool extended_rate(const struct window_run *run, double *values, uint64_t *present)
{
    return run_changes_of(run, values, present, true, (double)run->windows->range_ms / 1000);
}

/* Counts what happens between neighbours from the anchor on: the newest sample at or before the range's start. */
static bool count_between(const struct window_run *run, double *values, uint64_t *present,
                          bool (*happens)(double before, double after))
{
    for (size_t s = 0; s < run->plan->steps; s++) {
        struct extended e = window_at(run, s);
        if (!window_goes_on(run, e.count)) return false;
        size_t after = find_after(e.times_ms, e.count, e.start_ms);
        if (after == e.count) {
            bits_clear(present, s);
            continue;
        }
        double count = 0;
        for (size_t i = after > 0 ? after : 1; i < e.count; i++) count += happens(e.values[i - 1], e.values[i]);
        values[s] = count;
    }
    return true;
}

static bool is_change(double before, double after)
{
    return after != before && !(isnan(after) && isnan(before));
}

static bool is_reset(double before, double after)
{
    return after < before;
}

bool extended_changes(const struct window_run *run, double *values, uint64_t *present)
{
    return count_between(run, values, present, is_change);
}

bool extended_resets(const struct window_run *run, double *values, uint64_t *present)
{
    return count_between(run, values, present, is_reset);
}

void extended_samples(const samples *column, int64_t start_ms, int64_t end_ms, bool is_smoothed,
                      struct scratch *scratch, samples *out)
{
    struct extended e = {column->times_ms, column->values, column->count, start_ms, end_ms, is_smoothed, 0, 0};
    size_t begin, end;

    *out = (samples){0};
    if (!find_ends(&e)) return;
    find_inner(&e, &begin, &end);
    size_t inner = end - begin;
    int64_t *times = scratch_array(scratch, int64_t, inner + 2);
    double *values = scratch_array(scratch, double, inner + 2);
    times[0] = start_ms;
    values[0] = value_at_start(&e, false);
    memcpy(times + 1, e.times_ms + begin, inner * sizeof *times);
    memcpy(values + 1, e.values + begin, inner * sizeof *values);
    times[inner + 1] = end_ms;
    values[inner + 1] = value_at_end(&e, false);
    *out = (samples){.count = inner + 2, .times_ms = times, .values = values};
}

bool extended_value(const samples *column, uint32_t first, uint32_t length, int64_t at_ms, double *out)
{
    struct extended e = {.times_ms = column->times_ms + first, .values = column->values + first, .count = length};
    size_t at = find_after(e.times_ms, e.count, at_ms - 1);

    if (at < e.count && e.times_ms[at] == at_ms) {
        *out = e.values[at];
    } else if (at == 0) {
        return false;
    } else {
        *out = at < e.count ? interpolate(&e, at - 1, at_ms, false) : e.values[at - 1];
    }
    return true;
}
