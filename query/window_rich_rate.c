/* rate, increase, delta, irate, idelta over rich samples: native histograms, and counters whose start times tell when
 * they began anew. */
#include "query/window_rich.h"

#include <math.h>

/* Samples whose start time lies before the time of the sample before, though it is another one. */
static void note_overlaps(const struct rich_run *rich, const struct rich_window *window)
{
    uint32_t count = 0;

    for (size_t i = 1; i < window->count && window->starts_ms; i++)
        count += window->starts_ms[i] != 0 && window->starts_ms[i] < window->times_ms[i - 1] &&
                 window->starts_ms[i] != window->starts_ms[i - 1];
    if (count) rich_note(rich, NOTE_START_OVERLAP, count);
}

static double change_of_floats(const struct rich_window *window, bool is_counter)
{
    const double *v = window->values;
    double change = v[window->count - 1] - v[0];

    for (size_t i = 1; i < window->count && is_counter; i++) {
        if (v[i] < v[i - 1] || rich_start_reset(window, i)) change += v[i - 1];
    }
    return change;
}

static bool is_gauge(const struct histogram *h)
{
    return h->hint == HISTOGRAM_GAUGE;
}

/* What of a window's histograms matters for its change: the first one does not where a counter began anew right after
 * it; then its place is taken by an empty one. */
struct ends {
    struct histogram empty;
    const struct histogram *first, *last;
    int8_t schema;
};

static bool find_ends(struct rich_run *rich, const struct rich_window *window, bool is_counter, struct ends *ends)
{
    const struct histogram *const *h = window->histograms;
    size_t n = window->count;

    ends->first = h[0];
    ends->last = h[n - 1];
    bool has_gauge = is_gauge(ends->first) || is_gauge(ends->last);
    if (is_counter && n > 1 && rich_was_reset(window, 1)) {
        ends->empty = (struct histogram){.schema = h[1]->schema,
                                         .bound_count = h[1]->bound_count,
                                         .bounds = h[1]->bounds,
                                         .hint = h[0]->hint};
        ends->first = &ends->empty;
    }
    bool is_custom = histogram_is_custom(ends->first), is_mixed = histogram_is_custom(ends->last) != is_custom;
    ends->schema = ends->first->schema < ends->last->schema ? ends->first->schema : ends->last->schema;
    for (size_t i = 1; i + 1 < n && is_counter; i++) {
        has_gauge |= is_gauge(h[i]);
        is_mixed |= histogram_is_custom(h[i]) != is_custom;
        if (h[i]->schema < ends->schema) ends->schema = h[i]->schema;
    }
    if (is_counter && has_gauge) rich_note(rich, NOTE_NOT_COUNTER, 1);
    if (is_mixed) rich_note(rich, NOTE_MIXED_SCHEMAS, 1);
    return !is_mixed;
}

/* The change over a window into rich->sum. */
static bool change_of_histograms(struct rich_run *rich, const struct rich_window *window, bool is_counter)
{
    const struct histogram *const *h = window->histograms;
    size_t n = window->count;
    struct ends ends;

    if (!find_ends(rich, window, is_counter, &ends)) return false;
    histogram_sum_set(&rich->sum, ends.last);
    if (!histogram_is_custom(ends.last)) histogram_sum_reduce(&rich->sum, ends.schema);
    if (!rich_add(rich, ends.first, -1)) return false;
    const struct histogram *before = ends.first;
    for (size_t i = 1; i < n && is_counter; before = h[i++]) {
        if (rich_was_reset(window, i) && !rich_add(rich, before, 1)) return false;
    }
    if (!is_counter && !(is_gauge(h[0]) && is_gauge(h[n - 1]))) rich_note(rich, NOTE_NOT_GAUGE, 1);
    return true;
}

/* How far the change over the samples is extrapolated. */
struct extrapolation {
    double factor;
    bool from_start; /* the counter's start lies in the window, so the first sample counts as a whole */
};

static bool extrapolate(const struct rich_run *rich, const struct rich_window *window, size_t step, bool is_counter,
                        double change, double first, struct extrapolation *out)
{
    const struct windows *windows = rich->run->windows;
    int64_t end = windows_reference(windows, step), start = windows_start(windows, step);
    size_t n = window->count;
    int64_t begin = window->times_ms[0], last = window->times_ms[n - 1];
    double to_start = (double)(begin - start) / 1000, to_end = (double)(end - last) / 1000;
    double sampled = (double)(last - begin) / 1000, average = n > 1 ? sampled / (double)(n - 1) : 0;
    double threshold = average * 1.1;
    int64_t started = window->starts_ms ? window->starts_ms[0] : 0;

    out->from_start = is_counter && started != 0 && started > start && started < begin;
    if (out->from_start) {
        to_start = 0;
        sampled = (double)(last - started) / 1000;
    } else if (n == 1) {
        return false;
    } else {
        if (to_start >= threshold) to_start = average / 2;
        double zero = sampled * (first / change);
        if (is_counter && change > 0 && first >= 0 && zero < to_start) to_start = zero;
    }
    if (to_end >= threshold) to_end = average / 2;
    out->factor = sampled != 0 ? (sampled + to_start + to_end) / sampled : 1;
    return true;
}

static struct rich_result change_rate(struct rich_run *rich, size_t step, bool is_counter, double seconds)
{
    struct rich_window window = rich_window_at(rich, step);
    struct extrapolation extrapolation;

    if (window.histogram_count && window.histogram_count < window.count) {
        rich_note(rich, NOTE_MIXED_KINDS, 1);
        return rich_nothing();
    }
    if (is_counter) note_overlaps(rich, &window);
    if (!window.histogram_count) {
        double change = change_of_floats(&window, is_counter);
        if (!extrapolate(rich, &window, step, is_counter, change, window.values[0], &extrapolation))
            return rich_nothing();
        if (extrapolation.from_start) change += window.values[0];
        return rich_float(change * (extrapolation.factor / seconds));
    }
    bool may_count_alone = is_counter && window.starts_ms && window.starts_ms[0];
    if (window.count == 1 && !may_count_alone) return rich_nothing();
    if (!change_of_histograms(rich, &window, is_counter)) return rich_nothing();
    const struct histogram *first = window.histograms[0];
    if (!extrapolate(rich, &window, step, is_counter, rich->sum.count, first->count, &extrapolation))
        return rich_nothing();
    if (extrapolation.from_start && !rich_add(rich, first, 1)) return rich_nothing();
    histogram_sum_multiply(&rich->sum, extrapolation.factor / seconds);
    return rich_take_gauge(rich);
}

struct rich_result rich_rate(struct rich_run *rich, size_t step)
{
    return change_rate(rich, step, true, (double)rich->run->windows->range_ms / 1000);
}

struct rich_result rich_increase(struct rich_run *rich, size_t step)
{
    return change_rate(rich, step, true, 1);
}

struct rich_result rich_delta(struct rich_run *rich, size_t step)
{
    return change_rate(rich, step, false, 1);
}

/* Between the last two samples of a window, both histograms. */
static struct rich_result last_change_of_histograms(struct rich_run *rich, const struct rich_window *window,
                                                    bool is_rate, double seconds)
{
    const struct histogram *before = window->histograms[window->count - 2];
    const struct histogram *last = window->histograms[window->count - 1];
    bool any = is_gauge(before) || is_gauge(last), both = is_gauge(before) && is_gauge(last);

    if (is_rate && any) rich_note(rich, NOTE_NOT_COUNTER, 1);
    if (!is_rate && !both) rich_note(rich, NOTE_NOT_GAUGE, 1);
    histogram_sum_set(&rich->sum, last);
    bool is_reset = is_rate && rich_was_reset(window, window->count - 1);
    if (!is_reset) {
        if (!histogram_is_custom(last)) histogram_sum_reduce(&rich->sum, before->schema);
        if (!rich_add(rich, before, -1)) return rich_nothing();
    }
    if (is_rate) histogram_sum_divide(&rich->sum, seconds);
    return rich_take_gauge(rich);
}

static struct rich_result last_change(struct rich_run *rich, size_t step, bool is_rate)
{
    struct rich_window window = rich_window_at(rich, step);

    if (window.count < 2) return rich_nothing();
    size_t last = window.count - 1;
    bool is_histogram = rich_histogram(&window, last) != NULL;
    if (is_histogram != (rich_histogram(&window, last - 1) != NULL)) {
        rich_note(rich, NOTE_MIXED_KINDS, 1);
        return rich_nothing();
    }
    double seconds = (double)(window.times_ms[last] - window.times_ms[last - 1]) / 1000;
    if (is_histogram) return last_change_of_histograms(rich, &window, is_rate, seconds);
    double a = window.values[last - 1], b = window.values[last];
    if (!is_rate) return rich_float(b - a);
    return rich_float((b < a || rich_start_reset(&window, last) ? b : b - a) / seconds);
}

struct rich_result rich_irate(struct rich_run *rich, size_t step)
{
    return last_change(rich, step, true);
}

struct rich_result rich_idelta(struct rich_run *rich, size_t step)
{
    return last_change(rich, step, false);
}
