/* Windows over rich samples; see window_rich.h. */
#include "query/window_rich.h"

#include "query/kernel.h"
#include "query/statistics.h"

#include <string.h>

struct rich_window rich_window_at(const struct rich_run *rich, size_t step)
{
    const struct window_plan *plan = rich->run->plan;
    const samples *column = &rich->run->column;
    uint32_t first = plan->first[step], count = plan->length[step];

    return (struct rich_window){.count = count,
                                .histogram_count =
                                    rich->histograms_before[first + count] - rich->histograms_before[first],
                                .times_ms = column->times_ms + first,
                                .starts_ms = rich->starts_ms ? rich->starts_ms + first : NULL,
                                .values = column->values + first,
                                .histograms = column->histograms ? column->histograms + first : NULL};
}

void rich_note(const struct rich_run *rich, enum metric_note note, uint32_t occurrences)
{
    const struct window_run *run = rich->run;

    query_note(run->query, ast_unwrap(run->vector), note, run->shape, run->row, occurrences);
}

struct rich_result rich_take_gauge(struct rich_run *rich)
{
    rich->sum.hint = HISTOGRAM_GAUGE;
    return (struct rich_result){true, {0, histogram_sum_take(&rich->sum, rich->run->cells)}};
}

bool rich_add(struct rich_run *rich, const struct histogram *h, double factor)
{
    unsigned notes = histogram_sum_add(&rich->sum, h, factor, false);
    const struct window_run *run = rich->run;

    if (notes & HISTOGRAM_INCOMPATIBLE) rich_note(rich, NOTE_MIXED_SCHEMAS, 1);
    if (notes & HISTOGRAM_RECONCILED)
        annotate_reconciled(&run->query->annotations, ast_unwrap(run->vector), factor < 0 ? "subtraction" : "addition");
    return !(notes & HISTOGRAM_INCOMPATIBLE);
}

bool rich_start_reset(const struct rich_window *window, size_t i)
{
    if (!window->starts_ms) return false;
    int64_t start = window->starts_ms[i], before = window->times_ms[i - 1], start_before = window->starts_ms[i - 1];
    if (start == 0 || start >= window->times_ms[i] || start < before) return false;
    return start > before || (start_before != 0 && start_before <= before && start_before != before);
}

bool rich_was_reset(const struct rich_window *window, size_t i)
{
    return rich_start_reset(window, i) || histogram_was_reset(window->histograms[i], window->histograms[i - 1]);
}

bool rich_is_mixed(const struct rich_window *window)
{
    return window->histogram_count > 0 && window->histogram_count < window->count;
}

/* What the kinds of hints and notes of a sum over a window have to tell. */
static void tell_sum(const struct rich_run *rich, unsigned hints, unsigned notes)
{
    struct annotations *annotations = &rich->run->query->annotations;
    const struct node *vector = ast_unwrap(rich->run->vector);

    if ((hints & 1U << HISTOGRAM_RESET) && (hints & 1U << HISTOGRAM_NOT_RESET))
        annotate_collision(annotations, vector, "aggregation");
    if (notes & HISTOGRAM_RECONCILED) annotate_reconciled(annotations, vector, "aggregation");
}

/* Sum or mean of the histograms of a window. */
static struct rich_result add_histograms(struct rich_run *rich, const struct rich_window *window, bool is_careful)
{
    unsigned hints = 0, notes = 0;

    rich->mean.count = 0;
    rich->mean.is_running = false;
    rich->mean.is_careful = is_careful;
    for (size_t i = 0; i < window->count; i++) {
        const struct histogram *h = window->histograms[i];
        hints |= 1U << h->hint;
        notes |= histogram_mean_add(&rich->mean, h);
        if (!(notes & HISTOGRAM_INCOMPATIBLE)) continue;
        rich_note(rich, NOTE_MIXED_SCHEMAS, 1);
        return rich_nothing();
    }
    tell_sum(rich, hints, notes);
    return (struct rich_result){.is_there = true};
}

struct rich_result rich_sum(struct rich_run *rich, size_t step)
{
    struct rich_window window = rich_window_at(rich, step);
    double sum = 0, lost = 0;

    if (rich_is_mixed(&window)) {
        rich_note(rich, NOTE_MIXED_KINDS, 1);
        return rich_nothing();
    }
    if (window.histogram_count) {
        struct rich_result result = add_histograms(rich, &window, false);
        if (result.is_there) result.element.histogram = histogram_sum_take(&rich->mean.sum, rich->run->cells);
        return result;
    }
    for (size_t i = 0; i < window.count; i++) kahan_add(window.values[i], &sum, &lost);
    return rich_float(isinf(sum) ? sum : sum + lost);
}

struct rich_result rich_avg(struct rich_run *rich, size_t step)
{
    struct rich_window window = rich_window_at(rich, step);

    if (rich_is_mixed(&window)) {
        rich_note(rich, NOTE_MIXED_KINDS, 1);
        return rich_nothing();
    }
    if (!window.histogram_count) return rich_float(window_mean(window.values, window.count));
    struct rich_result result = add_histograms(rich, &window, false);
    if (result.is_there && histogram_sum_is_infinite(&rich->mean.sum)) result = add_histograms(rich, &window, true);
    if (result.is_there) result.element.histogram = histogram_mean_take(&rich->mean, rich->run->cells);
    return result;
}

static struct rich_result pick(const struct rich_run *rich, const struct rich_window *window, size_t i)
{
    const struct histogram *h = rich_histogram(window, i);

    if (h) h = histogram_keep(h, rich->run->cells);
    return (struct rich_result){true, {h ? 0 : window->values[i], h}};
}

struct rich_result rich_first(struct rich_run *rich, size_t step)
{
    struct rich_window window = rich_window_at(rich, step);

    return pick(rich, &window, 0);
}

struct rich_result rich_last(struct rich_run *rich, size_t step)
{
    struct rich_window window = rich_window_at(rich, step);

    return pick(rich, &window, window.count - 1);
}

/* Whether sample i differs from the one before it. */
static bool is_change(const struct rich_window *window, size_t i)
{
    const struct histogram *a = rich_histogram(window, i - 1), *b = rich_histogram(window, i);

    if (a && b) return !histogram_equal(a, b);
    if (a || b) return true;
    double x = window->values[i - 1], y = window->values[i];
    return x != y && !(isnan(x) && isnan(y));
}

static bool is_reset(const struct rich_window *window, size_t i)
{
    const struct histogram *a = rich_histogram(window, i - 1), *b = rich_histogram(window, i);

    if (a && b) return rich_was_reset(window, i);
    if (a || b) return true;
    return window->values[i] < window->values[i - 1] || rich_start_reset(window, i);
}

static struct rich_result count_between(const struct rich_window *window, size_t first,
                                        bool (*happens)(const struct rich_window *window, size_t i))
{
    size_t count = 0;

    for (size_t i = first; i < window->count; i++) count += happens(window, i);
    return rich_float((double)count);
}

struct rich_result rich_changes(struct rich_run *rich, size_t step)
{
    struct rich_window window = rich_window_at(rich, step);

    return count_between(&window, 1, is_change);
}

struct rich_result rich_resets(struct rich_run *rich, size_t step)
{
    struct rich_window window = rich_window_at(rich, step);

    return count_between(&window, 1, is_reset);
}

/* From the newest sample at or before the range's start on. */
static struct rich_result count_anchored(struct rich_run *rich, size_t step,
                                         bool (*happens)(const struct rich_window *window, size_t i))
{
    struct rich_window window = rich_window_at(rich, step);
    const struct windows *windows = rich->run->windows;
    int64_t start = windows_start(windows, step);
    size_t after = 0;

    while (after < window.count && window.times_ms[after] <= start) after++;
    return after == window.count ? rich_nothing() : count_between(&window, after > 0 ? after : 1, happens);
}

struct rich_result rich_extended_changes(struct rich_run *rich, size_t step)
{
    return count_anchored(rich, step, is_change);
}

struct rich_result rich_extended_resets(struct rich_run *rich, size_t step)
{
    return count_anchored(rich, step, is_reset);
}

static const uint32_t *count_histograms(const samples *column, struct scratch *scratch)
{
    uint32_t *before = scratch_array(scratch, uint32_t, column->count + 1);

    before[0] = 0;
    for (size_t i = 0; i < column->count; i++)
        before[i + 1] = before[i] + (column->histograms && column->histograms[i]);
    return before;
}

enum { WALK_OF_HISTOGRAM = 64 }; /* what adding one costs, in floats */

static bool run_steps(struct rich_run *rich, rich_kernel *kernel, double *values, uint64_t *present, struct tile *out,
                      size_t row)
{
    bits_each(s, rich->run->plan->some, rich->run->plan->steps)
    {
        if (!window_goes_on(rich->run, WALK_OF_HISTOGRAM * rich->run->plan->length[s])) return false;
        struct rich_result result = kernel(rich, s);
        if (!result.is_there) continue;
        if (result.element.histogram) {
            tile_set_histogram(out, row * out->stride + s, result.element.histogram, rich->run->cells);
        } else {
            values[s] = result.element.value;
            bits_set(present, s);
        }
    }
    return true;
}

static bool is_float(const void *context, const samples *column, size_t i)
{
    (void)context;
    return !column->histograms[i];
}

/* Functions of floats: histograms are left out. */
static bool run_floats(const struct window_function *function, struct window_run *run, const struct rich_run *rich,
                       bool is_extended, double *values, uint64_t *present)
{
    samples floats;

    for (size_t s = 0; s < run->plan->steps; s++) {
        struct rich_window window = rich_window_at(rich, s);
        if (!window_goes_on(run, 1)) return false;
        if (rich_is_mixed(&window)) rich_note(rich, NOTE_IGNORED_IN_RANGE, 1);
    }
    if (!run->column.histograms) {
        floats = run->column;
    } else {
        samples_pick(&run->column, run->scratch, is_float, NULL, &floats);
    }
    if (floats.count == 0) return true;
    const struct window_plan *plan = window_plan_make(run->windows, &floats, function->wants_distances, run->scratch);
    run->plan = plan;
    run->column = floats;
    memcpy(present, function->samples_min > 1 && !is_extended ? plan->many : plan->some,
           bits_words(plan->steps) * sizeof *present);
    return (is_extended ? function->extended : function->run)(run, values, present);
}

bool window_run_rich(const struct window_function *function, struct window_run *run, bool is_extended, double *values,
                     uint64_t *present, struct tile *out, size_t row)
{
    struct rich_run rich = {.run = run};
    rich_kernel *kernel = is_extended ? function->extended_rich : function->rich;
    const struct window_plan *plan = window_plan_make(run->windows, &run->column, false, run->scratch);

    run->plan = plan;
    statistics_count_windows(run->stage, run->task, plan, &run->column);
    if (function->takes_any) {
        memcpy(present, plan->some, bits_words(plan->steps) * sizeof *present);
        return function->run(run, values, present);
    }
    rich.histograms_before = count_histograms(&run->column, run->scratch);
    if (query_has(run->query, FEATURE_START_TIMESTAMPS)) rich.starts_ms = run->column.starts_ms;
    if (!kernel) return run_floats(function, run, &rich, is_extended, values, present);
    bool done = run_steps(&rich, kernel, values, present, out, row);
    histogram_sum_release(&rich.sum);
    histogram_mean_release(&rich.mean);
    return done;
}
