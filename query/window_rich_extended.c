/* Anchored and smoothed windows over rich samples; the float counterpart is window_extended.c. */
#include "query/window_rich.h"

#include <math.h>

/* A window and the samples that stand for the ends of its range. */
struct extended {
    struct rich_window window;
    int64_t start_ms, end_ms;
    size_t first, last;
    bool is_smoothed;
};

static size_t find_after(const int64_t *times_ms, size_t count, int64_t time)
{
    size_t at = 0;

    while (at < count && times_ms[at] <= time) at++;
    return at;
}

static bool find_ends(struct extended *e)
{
    const int64_t *times = e->window.times_ms;

    e->last = e->window.count - 1;
    e->first = find_after(times, e->last, e->start_ms);
    if (e->first > 0) e->first--;
    if (e->is_smoothed) e->last = find_after(times, e->last, e->end_ms - 1);
    return times[e->last] > e->start_ms && !(e->is_smoothed && times[e->first] > e->end_ms);
}

/* The point between samples i and i + 1 at a time, into the sum. Over a counter reset it is a part of the later one. */
static bool interpolate(struct histogram_sum *sum, const struct rich_window *window, size_t i, int64_t at_ms,
                        bool is_counter)
{
    const struct histogram *a = window->histograms[i], *b = window->histograms[i + 1];
    double fraction = (double)(at_ms - window->times_ms[i]) / (double)(window->times_ms[i + 1] - window->times_ms[i]);
    struct scratch scratch = {0};

    if (histogram_is_custom(a) != histogram_is_custom(b)) return false;
    histogram_sum_set(sum, b);
    bool is_reset = is_counter && rich_was_reset(window, i + 1);
    bool is_good = true;
    if (!is_reset) {
        is_good = !(histogram_sum_add(sum, a, -1, false) & HISTOGRAM_INCOMPATIBLE);
        if (is_good) {
            histogram_sum_multiply(sum, fraction);
            const struct histogram *part = histogram_sum_take(sum, &scratch);
            histogram_sum_set(sum, a);
            is_good = !(histogram_sum_add(sum, part, 1, false) & HISTOGRAM_INCOMPATIBLE);
        }
    } else {
        histogram_sum_multiply(sum, fraction);
    }
    scratch_release(&scratch);
    return is_good;
}

/* One end of a range: a sample, or a point between two. */
struct end {
    const struct histogram *histogram;
    bool is_between;
};

static bool end_at(struct rich_run *rich, const struct extended *e, bool is_start, bool is_counter, struct end *out)
{
    const struct rich_window *window = &e->window;
    size_t i = is_start ? e->first : e->last;
    int64_t at = is_start ? e->start_ms : e->end_ms;
    struct histogram_sum sum = {0};

    out->histogram = window->histograms[i];
    out->is_between = e->is_smoothed && (is_start ? window->times_ms[i] < at : i > 0 && window->times_ms[i] > at);
    if (!out->is_between) return true;
    size_t before = is_start ? i : i - 1;
    bool is_good = before + 1 < window->count && interpolate(&sum, window, before, at, is_counter);
    if (is_good) out->histogram = histogram_sum_take(&sum, rich->run->cells);
    histogram_sum_release(&sum);
    return is_good;
}

static bool is_gauge(const struct histogram *h)
{
    return h->hint == HISTOGRAM_GAUGE;
}

/* Which samples matter, besides the ends: those strictly between them; also how schemas and hints go together. */
static bool check_kinds(struct rich_run *rich, const struct extended *e, bool is_counter)
{
    const struct histogram *const *h = e->window.histograms;
    bool has_gauge = false, all_gauges = is_gauge(h[e->first]) && is_gauge(h[e->last]);

    for (size_t i = e->first; i <= e->last; i++) {
        if (!is_counter && i != e->first && i != e->last) continue;
        has_gauge |= is_gauge(h[i]);
        if (histogram_is_custom(h[i]) == histogram_is_custom(h[e->first])) continue;
        rich_note(rich, NOTE_MIXED_SCHEMAS, 1);
        return false;
    }
    if (is_counter && has_gauge) rich_note(rich, NOTE_NOT_COUNTER, 1);
    if (!is_counter && !all_gauges) rich_note(rich, NOTE_NOT_GAUGE, 1);
    return true;
}

/* Adds what the counter had before each reset between the ends. */
static bool add_resets(struct rich_run *rich, const struct extended *e, const struct end *left, const struct end *right)
{
    const struct rich_window *window = &e->window;
    size_t begin = e->first + (window->times_ms[e->first] <= e->start_ms);
    size_t end = e->last + (window->times_ms[e->last] < e->end_ms);
    const struct histogram *before = left->histogram;

    for (size_t i = begin; i < end; i++) {
        /* A point between two samples has taken a reset between them into account. */
        bool is_new = i > e->first && !(i == e->first + 1 && left->is_between) && rich_was_reset(window, i);
        if (is_new && !rich_add(rich, before, 1)) return false;
        before = window->histograms[i];
    }
    bool share_gap = left->is_between && right->is_between && e->last == e->first + 1;
    bool is_new = e->last > e->first && e->last >= end && !share_gap &&
                  !(e->last == e->first + 1 && left->is_between) && rich_was_reset(window, e->last);
    return !is_new || rich_add(rich, before, 1);
}

static struct rich_result change_of_histograms(struct rich_run *rich, const struct extended *e, bool is_counter,
                                               double seconds)
{
    struct end left, right;

    if (!check_kinds(rich, e, is_counter)) return rich_nothing();
    if (!end_at(rich, e, true, is_counter, &left) || !end_at(rich, e, false, is_counter, &right)) return rich_nothing();
    histogram_sum_set(&rich->sum, right.histogram);
    if (!rich_add(rich, left.histogram, -1)) return rich_nothing();
    if (is_counter && !add_resets(rich, e, &left, &right)) return rich_nothing();
    if (seconds != 1) histogram_sum_divide(&rich->sum, seconds);
    return rich_take_gauge(rich);
}

static struct rich_result change_of(struct rich_run *rich, size_t step, bool is_counter, double seconds)
{
    int64_t end_ms = windows_reference(rich->run->windows, step);
    struct extended e = {.window = rich_window_at(rich, step),
                         .start_ms = windows_start(rich->run->windows, step),
                         .end_ms = end_ms,
                         .is_smoothed = rich->run->is_smoothed};
    double change;

    /* Also when those of one kind lie only where the window is extended to. */
    if (rich_is_mixed(&e.window)) {
        rich_note(rich, NOTE_MIXED_KINDS, 1);
        return rich_nothing();
    }
    if (!find_ends(&e)) return rich_nothing();
    if (e.window.histogram_count) return change_of_histograms(rich, &e, is_counter, seconds);
    if (!extended_change(e.window.times_ms, e.window.values, e.window.count, e.start_ms, e.end_ms, e.is_smoothed,
                         is_counter, &change))
        return rich_nothing();
    return rich_float(change / seconds);
}

struct rich_result rich_extended_rate(struct rich_run *rich, size_t step)
{
    return change_of(rich, step, true, (double)rich->run->windows->range_ms / 1000);
}

struct rich_result rich_extended_increase(struct rich_run *rich, size_t step)
{
    return change_of(rich, step, true, 1);
}

struct rich_result rich_extended_delta(struct rich_run *rich, size_t step)
{
    return change_of(rich, step, false, 1);
}

/* Between two histograms; only gauges may fall. */
static struct rich_result smoothed_between(const struct smoothing *smoothing, const struct rich_window *window,
                                           size_t before, int64_t at_ms)
{
    const struct histogram *a = window->histograms[before], *b = window->histograms[before + 1];
    struct histogram_sum sum = {0};
    struct rich_result result = {0};

    if (interpolate(&sum, window, before, at_ms, !(is_gauge(a) && is_gauge(b)))) {
        sum.hint = is_gauge(a) && is_gauge(b) ? HISTOGRAM_GAUGE : HISTOGRAM_UNKNOWN;
        result = (struct rich_result){true, {0, histogram_sum_take(&sum, smoothing->cells)}};
    } else {
        query_note(smoothing->query, smoothing->node, NOTE_MIXED_SCHEMAS, smoothing->shape, smoothing->row, 1);
    }
    histogram_sum_release(&sum);
    return result;
}

static struct rich_result element_of(const struct smoothing *smoothing, const struct rich_window *window, size_t i,
                                     bool is_carried)
{
    const struct histogram *h = rich_histogram(window, i);

    if (!h) return rich_float(window->values[i]);
    struct histogram carried = *h;
    if (is_carried) carried.hint = HISTOGRAM_UNKNOWN;
    return (struct rich_result){true, {0, histogram_keep(&carried, smoothing->cells)}};
}

struct rich_result rich_smoothed(const struct smoothing *smoothing, const samples *column, uint32_t first,
                                 uint32_t length, int64_t at_ms)
{
    struct rich_window window = {.count = length,
                                 .times_ms = column->times_ms + first,
                                 .values = column->values + first,
                                 .histograms = column->histograms + first};
    size_t at = find_after(window.times_ms, length, at_ms - 1);
    double value;

    for (size_t i = 0; i < length; i++) window.histogram_count += window.histograms[i] != NULL;
    if (rich_is_mixed(&window)) {
        query_note(smoothing->query, smoothing->node, NOTE_MIXED_KINDS, smoothing->shape, smoothing->row, 1);
        return rich_nothing();
    }
    if (at < length && window.times_ms[at] == at_ms) return element_of(smoothing, &window, at, false);
    if (at == 0) return rich_nothing();
    if (at == length) return element_of(smoothing, &window, at - 1, true);
    if (window.histogram_count) return smoothed_between(smoothing, &window, at - 1, at_ms);
    return extended_value(column, first, length, at_ms, &value) ? rich_float(value) : rich_nothing();
}
