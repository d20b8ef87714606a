/* Instant selectors: at each step the newest sample within the lookback, unless it is a stale marker.
 *
 * On a grid of one step the storage is asked for newest samples, which it mostly knows without decoding anything. Else
 * a row's column is read once and its values are picked through a window plan.
 */
#include "query/plan.h"
#include "query/window.h"

#include <string.h>

struct select {
    struct stage stage;
    enum select_kind kind;
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

/* What a chosen sample contributes. */
static double contribution(const struct select *select, double value, int64_t time_ms)
{
    switch (select->kind) {
    case SELECT_TIMES: return (double)time_ms / 1000;
    case SELECT_START_TIMES: return 0; /* none is stored: unset */
    default: return value;
    }
}

static bool fill_newest(const struct select *select, struct task *task, const uint32_t *rows, uint32_t count,
                        struct tile *out)
{
    int64_t *times = scratch_array(&task->scratch, int64_t, count);
    int64_t from, at;

    windows_span(&select->windows, &from, &at);
    struct newest_samples newest = {.times_ms = times, .values = out->values};
    if (!selection_newest(select->selection, rows, count, from, at, &task->columns, &newest))
        return query_fail_storage(task->query, task->columns.error);
    for (uint32_t i = 0; i < count; i++) {
        if (times[i] == INT64_MIN || is_stale(out->values[i])) continue;
        out->values[i] = contribution(select, out->values[i], times[i]);
        bits_set(out->present, i);
    }
    return true;
}

static void pick_values(const struct select *select, const struct window_plan *plan, const samples *column,
                        double *values, uint64_t *present)
{
    memcpy(present, plan->some, bits_words(plan->steps) * sizeof *present);
    window_pick_last(plan, column->values, values);
    if (values_have_stale(values, plan->steps)) {
        for (size_t s = 0; s < plan->steps; s++) {
            if (is_stale(values[s])) bits_clear(present, s);
        }
    }
    if (select->kind == SELECT_VALUES) return;
    bits_each(s, present, plan->steps) values[s] =
        contribution(select, values[s], column->times_ms[window_plan_last(plan, s)]);
}

static void smooth_values(const struct select *select, const struct window_plan *plan, const samples *column,
                          double *values, uint64_t *present)
{
    bits_each(s, plan->some, plan->steps)
    {
        int64_t at = windows_reference(&select->windows, s);
        if (extended_value(column, plan->first[s], plan->length[s], at, &values[s])) bits_set(present, s);
    }
}

static bool fill_row(const struct select *select, struct task *task, uint32_t row, double *values, uint64_t *present)
{
    samples column;

    if (!task_read(task, select->selection, row, &column)) return false;
    if (select->selector->smoothed) task_remove_stale(task, &column);
    if (column.count == 0) return true;
    const struct window_plan *plan = window_cache_plan(select->cache, task, &column);
    if (select->selector->smoothed) {
        smooth_values(select, plan, &column, values, present);
    } else {
        pick_values(select, plan, &column, values, present);
    }
    return true;
}

static bool fill_select(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct select *select = (const struct select *)stage;
    bool done = true;

    if (stage->grid.steps == 1 && !select->selector->smoothed) {
        done = fill_newest(select, task, rows, count, out);
    } else {
        for (uint32_t i = 0; i < count && done; i++) {
            struct scratch_mark mark = scratch_mark(&task->scratch);
            uint64_t single = 0, *present = out->stride == 1 ? &single : tile_present(out, i);
            done = fill_row(select, task, rows[i], tile_values(out, i), present);
            if (single) bits_set(out->present, i);
            scratch_rewind(&task->scratch, mark);
        }
    }
    task->query->samples_read += bits_count(out->present, tile_words(out));
    return done;
}

static const struct stage_class select_class = {"select", open_select, fill_select};

struct stage *plan_selector(struct plan *plan, const struct node *node, enum select_kind kind)
{
    struct select *select = plan_new(plan, &select_class, node, sizeof *select);

    select->kind = kind;
    select->selector = &node->selector;
    plan_windows(plan, &node->selector.time, plan->query->lookback_ms, &select->windows);
    if (node->selector.smoothed) select->windows.after_ms = plan->query->lookback_ms;
    return &select->stage;
}
