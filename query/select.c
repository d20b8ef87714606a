/* Instant selectors: at each step the newest sample within the lookback, unless it is a stale marker.
 *
 * On a grid of one step the storage is asked for newest samples, which it mostly knows without decoding anything. Else
 * a row's column is read once and its values are picked through a window plan.
 */
#include "query/plan.h"
#include "query/statistics.h"
#include "query/window_rich.h"

#include <string.h>

struct select {
    struct stage stage;
    enum select_kind kind;
    bool without_buckets;
    const struct selector *selector;
    struct windows windows;
    struct selection *selection;
    struct window_cache *cache;
};

static bool open_select(struct stage *stage, struct query *query)
{
    struct select *select = (struct select *)stage;

    if (!select_series(query, select->selector, &select->windows, &select->selection, &stage->shape)) return false;
    select->cache = window_cache_new(query, &select->windows, false);
    stage->row_ns =
        stage->grid.steps == 1 ? 60 : 100 + stage->grid.steps + 2 * select_samples_per_row(select->selection);
    return true;
}

/* Puts what a chosen sample contributes into an element: itself, or one of its times. */
static void put_sample(const struct select *select, struct task *task, const struct rich_sample *sample,
                       struct tile *out, size_t row, size_t step, double *values, uint64_t *present)
{
    switch (select->kind) {
    case SELECT_TIMES: values[step] = (double)sample->time_ms / 1000; break;
    case SELECT_START_TIMES: values[step] = (double)sample->start_ms / 1000; break;
    default:
        values[step] = select->kind == SELECT_VALUES ? sample->value : (double)sample->time_ms / 1000;
        if (!sample->histogram) break;
        tile_set_histogram(out, row * out->stride + step, sample->histogram, &task->cells);
        bits_clear(present, step);
        return;
    }
    bits_set(present, step);
}

static bool keeps_histograms(const struct select *select)
{
    return select->kind == SELECT_VALUES || select->kind == SELECT_FLOAT_TIMES;
}

static bool fill_newest(const struct select *select, struct task *task, const uint32_t *rows, uint32_t count,
                        struct tile *out)
{
    int64_t *times = scratch_array(&task->scratch, int64_t, count);
    int64_t from, at;
    uint64_t single = 0;

    windows_span(&select->windows, &from, &at);
    struct newest_samples newest = {.times_ms = times,
                                    .values = out->values,
                                    .histograms = scratch_array(&task->scratch, const struct histogram *, count),
                                    .starts_ms = scratch_array(&task->scratch, int64_t, count)};
    if (!selection_newest(select->selection, rows, count, from, at, &task->columns, &newest))
        return query_fail_storage(task->query, task->columns.error);
    for (uint32_t i = 0; i < count; i++) {
        if (times[i] == INT64_MIN || is_stale(out->values[i])) continue;
        const struct histogram *h = newest.histograms[i];
        if (!h && select->kind == SELECT_VALUES) {
            bits_set(out->present, i);
            continue;
        }
        struct rich_sample sample = {times[i], newest.starts_ms[i], out->values[i], h};
        if (h && keeps_histograms(select)) sample.histogram = histogram_keep(h, &task->cells);
        put_sample(select, task, &sample, out, i, 0, out->values + i, &single);
        if (single) bits_set(out->present, i);
        single = 0;
    }
    return true;
}

/* Elements other than floats as they are: times, histograms. One that is picked at several steps is kept once. */
static void pick_rich(const struct select *select, struct task *task, const struct window_plan *plan,
                      const samples *column, struct tile *out, size_t row, double *values, uint64_t *present)
{
    uint32_t last = UINT32_MAX;
    const struct histogram *kept = NULL;

    for (size_t s = 0; s < plan->steps; s++) {
        uint32_t at = window_plan_last(plan, s);
        if (!bits_get(present, s)) continue;
        if (at != last) kept = column->histograms ? column->histograms[at] : NULL;
        if (at != last && kept && keeps_histograms(select)) kept = histogram_keep(kept, &task->cells);
        last = at;
        struct rich_sample sample = {column->times_ms[at], column->starts_ms ? column->starts_ms[at] : 0,
                                     column->values[at], kept};
        put_sample(select, task, &sample, out, row, s, values, present);
    }
}

static void pick_values(const struct select *select, struct task *task, const struct window_plan *plan,
                        const samples *column, struct tile *out, size_t row, double *values, uint64_t *present)
{
    memcpy(present, plan->some, bits_words(plan->steps) * sizeof *present);
    window_pick_last(plan, column->values, values);
    if (values_have_stale(values, plan->steps)) {
        for (size_t s = 0; s < plan->steps; s++) {
            if (is_stale(values[s])) bits_clear(present, s);
        }
    }
    if (column->histograms || select->kind != SELECT_VALUES)
        pick_rich(select, task, plan, column, out, row, values, present);
}

static void smooth_values(const struct select *select, struct task *task, uint32_t row, const struct window_plan *plan,
                          const samples *column, struct tile *out, size_t to, double *values, uint64_t *present)
{
    struct smoothing smoothing = {.query = task->query,
                                  .node = select->stage.node,
                                  .shape = &select->stage.shape,
                                  .row = row,
                                  .cells = &task->cells};

    bits_each(s, plan->some, plan->steps)
    {
        int64_t at = windows_reference(&select->windows, s);
        if (column->histograms) {
            struct rich_result result = rich_smoothed(&smoothing, column, plan->first[s], plan->length[s], at);
            if (!result.is_there) continue;
            struct rich_sample sample = {.value = result.element.value, .histogram = result.element.histogram};
            put_sample(select, task, &sample, out, to, s, values, present);
        } else if (extended_value(column, plan->first[s], plan->length[s], at, &values[s]))
            bits_set(present, s);
    }
}

static bool fill_row(const struct select *select, struct task *task, uint32_t row, struct tile *out, size_t to,
                     double *values, uint64_t *present)
{
    samples column;

    if (!task_read(task, select->selection, row, &column)) return false;
    size_t steps = select->stage.grid.steps;
    if (!task_goes_on(task, column.count + steps) || !task_has_room(task, steps)) return false;
    if (select->selector->smoothed) task_remove_stale(task, &column);
    if (select->without_buckets) samples_strip_buckets(&column, &task->scratch);
    if (column.count == 0) return true;
    const struct window_plan *plan = window_cache_plan(select->cache, task, &column);
    if (select->selector->smoothed) {
        smooth_values(select, task, row, plan, &column, out, to, values, present);
    } else {
        pick_values(select, task, plan, &column, out, to, values, present);
    }
    return true;
}

static bool fill_select(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct select *select = (const struct select *)stage;
    bool done = true;

    if (stage->grid.steps == 1 && !select->selector->smoothed && !select->without_buckets) {
        done = fill_newest(select, task, rows, count, out);
    } else {
        for (uint32_t i = 0; i < count && done; i++) {
            struct scratch_mark mark = scratch_mark(&task->scratch);
            uint64_t single = 0, *present = out->stride == 1 ? &single : tile_present(out, i);
            done = fill_row(select, task, rows[i], out, i, tile_values(out, i), present);
            if (single) bits_set(out->present, i);
            scratch_rewind(&task->scratch, mark);
        }
    }
    statistics_count_tile(stage, task, out);
    return done;
}

static const struct stage_class select_class = {"select", open_select, fill_select};

struct stage *plan_selector(struct plan *plan, const struct node *node, enum select_kind kind)
{
    struct select *select = plan_new(plan, &select_class, node, sizeof *select);

    select->kind = kind;
    select->without_buckets = plan->without_buckets && kind == SELECT_VALUES && snapshot_is_rich(plan->query->snapshot);
    select->selector = &node->selector;
    plan_windows(plan, node, &select->windows);
    return &select->stage;
}
