/* The operator around window kernels; see window.h. */
#include "query/plan.h"
#include "query/statistics.h"
#include "query/window_rich.h"

#include <string.h>

enum { PARAMS_MAX = 2 };

/* Metric names that do not look like those of a counter. */
struct doubtful {
    struct doubtful *next;
    uint32_t name, type; /* ids */
    _Atomic bool is_told;
};

struct window {
    struct stage stage;
    const struct window_function *function;
    struct feed feed;
    struct stage *params[PARAMS_MAX];
    struct column columns[PARAMS_MAX];
    struct window_cache *cache;
    struct doubtful **doubtful; /* for each row, NULL where the name is fine; NULL if all are */
};

static bool is_counter_name(str name)
{
    return str_ends_with(name, STR("_total")) || str_ends_with(name, STR("_sum")) ||
           str_ends_with(name, STR("_count")) || str_ends_with(name, STR("_bucket"));
}

static bool is_doubtful(const struct query *query, uint32_t name, uint32_t type)
{
    if (!query_has(query, FEATURE_TYPE_AND_UNIT_LABELS))
        return !is_counter_name(snapshot_string(query->snapshot, name));
    str text = snapshot_string(query->snapshot, type);
    return !str_equal(text, STR("counter")) && !str_equal(text, STR("histogram"));
}

static void note_doubtful(struct window *window, struct query *query, struct doubtful **list, uint32_t row,
                          uint32_t name, uint32_t type)
{
    struct doubtful *entry = *list;

    if (!query_has(query, FEATURE_TYPE_AND_UNIT_LABELS)) type = 0;
    while (entry && (entry->name != name || entry->type != type)) entry = entry->next;
    if (!entry) {
        entry = arena_zalloc(&query->arena, sizeof *entry);
        entry->name = name;
        entry->type = type;
        entry->next = *list;
        *list = entry;
    }
    if (!window->doubtful) window->doubtful = arena_zarray(&query->arena, struct doubtful *, window->feed.shape.count);
    window->doubtful[row] = entry;
}

static bool find_doubtful(struct window *window, struct query *query)
{
    const struct shape *shape = &window->feed.shape;
    uint32_t *names = memory_alloc(shape->count * sizeof *names), *types = memory_zalloc(shape->count * sizeof *types);
    struct doubtful *list = NULL;
    bool done = shape_column(shape, query, METRIC_NAME, names);

    if (done && query_has(query, FEATURE_TYPE_AND_UNIT_LABELS))
        done = shape_column(shape, query, STR("__type__"), types);
    for (uint32_t row = 0; row < shape->count && done; row++) {
        if (names[row] && is_doubtful(query, names[row], types[row]))
            note_doubtful(window, query, &list, row, names[row], types[row]);
    }
    free(types);
    free(names);
    return done;
}

/* anchored and smoothed go with some functions only. */
static bool check_modifiers(const struct window *window, struct query *query)
{
    const struct selector *selector = window->feed.selector;
    const char *name = window->stage.node->call.function->name;
    struct error_key key = {.order = window->stage.order};

    if (!selector) return true;
    if (selector->anchored && !window->function->extended)
        return query_fail(query, key,
                          "anchored modifier can only be used with: changes, delta, increase, rate, resets - "
                          "not with %s",
                          name);
    if (selector->smoothed && !window->function->allows_smoothed)
        return query_fail(query, key, "smoothed modifier can only be used with: delta, increase, rate - not with %s",
                          name);
    return true;
}

static bool open_window(struct stage *stage, struct query *query)
{
    struct window *window = (struct window *)stage;

    if (window->feed.points && !feed_open(&window->feed, query)) return false;
    for (size_t i = 0; i < PARAMS_MAX && window->params[i]; i++) {
        if (!stage_column(window->params[i], query, &window->columns[i])) return false;
    }
    if (!check_modifiers(window, query)) return false;
    if (!window->feed.points && !feed_open(&window->feed, query)) return false;
    if (window->function->wants_counter && !find_doubtful(window, query)) return false;
    window->cache = window_cache_new(query, &window->feed.windows, window->function->wants_distances);
    stage->shape = window->feed.shape;
    if (!window->function->keeps_name) shape_drop_names(&stage->shape, query);
    stage->row_ns = window->feed.row_ns + 8.0 * stage->grid.steps;
    stage->may_fail = window->function == &window_smoothing;
    stage->has_messages = window->doubtful || window->params[0] ||
                          (window->feed.points && window->feed.points->has_messages) ||
                          snapshot_is_rich(query->snapshot);
    return true;
}

static void tell_doubtful(const struct window *window, struct query *query, struct doubtful *entry)
{
    const struct node *node = ast_unwrap(window->stage.node->call.args[0]);

    if (!entry || atomic_exchange(&entry->is_told, true)) return;
    str name = snapshot_string(query->snapshot, entry->name);
    if (query_has(query, FEATURE_TYPE_AND_UNIT_LABELS)) {
        annotate_not_counter_type(&query->annotations, node, snapshot_string(query->snapshot, entry->type), name);
    } else {
        annotate_not_counter(&query->annotations, node, name);
    }
}

/* Whether a row goes the way of rich samples. */
static bool is_rich(const struct window *window, const struct query *query, const samples *column)
{
    if (column->histograms) return true;
    return column->starts_ms && window->function->uses_starts && query_has(query, FEATURE_START_TIMESTAMPS);
}

/* What annotations point to: the first argument, also where the range vector is another one, as in Prometheus. */
static const struct node *window_noted(const struct window *window)
{
    const struct node *node = window->stage.node;

    return node->kind == NODE_CALL ? node->call.args[0] : window->feed.node;
}

static bool run_row(const struct window *window, struct task *task, uint32_t row, const samples *column, double *values,
                    uint64_t *present, struct tile *out, size_t to)
{
    const struct window_function *function = window->function;
    const struct selector *selector = window->feed.selector;
    bool is_extended = selector && (selector->anchored || selector->smoothed);

    if (column->count == 0) return true;
    size_t steps = window->stage.grid.steps;
    if (!task_goes_on(task, column->count + steps) || !task_has_room(task, steps)) return false;
    struct window_run run = {.windows = &window->feed.windows,
                             .column = *column,
                             .params = window->columns,
                             .scratch = &task->scratch,
                             .cells = &task->cells,
                             .vector = window_noted(window),
                             .shape = &window->feed.shape,
                             .stage = &window->stage,
                             .query = task->query,
                             .row = row,
                             .task = task,
                             .is_smoothed = is_extended && selector->smoothed};
    if (is_rich(window, task->query, column)) {
        if (!window_run_rich(function, &run, is_extended, values, present, out, to)) return false;
    } else {
        const struct window_plan *plan = run.plan = window_cache_plan(window->cache, task, column);
        memcpy(present, function->samples_min > 1 && !is_extended ? plan->many : plan->some,
               bits_words(plan->steps) * sizeof *present);
        statistics_count_windows(&window->stage, task, plan, column);
        if (!(is_extended ? function->extended : function->run)(&run, values, present)) return false;
    }
    if (window->doubtful && bits_any(present, bits_words(window->stage.grid.steps)))
        tell_doubtful(window, task->query, window->doubtful[row]);
    return true;
}

static bool fill_window(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct window *window = (const struct window *)stage;
    uint32_t most = feed_batch_rows(&window->feed);
    struct feed_batch batch;
    bool done = true;

    for (uint32_t at = 0; at < count && done; at += most) {
        struct scratch_mark mark = scratch_mark(&task->scratch);
        uint32_t n = count - at < most ? count - at : most;
        done = feed_load(&window->feed, task, rows + at, n, &batch);
        for (uint32_t i = 0; i < n && done; i++) {
            struct scratch_mark row_mark = scratch_mark(&task->scratch);
            uint64_t single = 0, *present = out->stride == 1 ? &single : tile_present(out, at + i);
            samples column;
            done = feed_samples(&batch, i, &column) &&
                   run_row(window, task, rows[at + i], &column, tile_values(out, at + i), present, out, at + i);
            if (single) bits_set(out->present, at + i);
            scratch_rewind(&task->scratch, row_mark);
        }
        scratch_rewind(&task->scratch, mark);
    }
    return done;
}

static const struct stage_class window_class = {"window", open_window, fill_window};

struct stage *window_new(struct plan *plan, const struct node *call, const struct window_function *function)
{
    struct stage *params[PARAMS_MAX] = {NULL};
    struct feed feed = {0};
    size_t param_count = 0;

    for (size_t i = 0; i < call->call.arg_count; i++) {
        const struct node *arg = call->call.args[i];
        if (arg->type == VALUE_MATRIX) {
            plan_feed(plan, arg, &feed);
        } else {
            params[param_count++] = plan_node(plan, arg);
        }
    }
    struct window *window = plan_new(plan, &window_class, call, sizeof *window);
    window->function = function;
    window->feed = feed;
    memcpy(window->params, params, sizeof params);
    return &window->stage;
}

struct stage *plan_window(struct plan *plan, const struct node *call)
{
    const struct window_function *function = call->call.function->how.window;
    struct stage *window = window_new(plan, call, function);

    return function->keeps_name ? window : plan_dropped(plan, window, DUPLICATES_WHOLE);
}
