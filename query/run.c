/* What operators share; see run.h. */
#include "query/run.h"

#include "query/shape.h"

#include "query/kernel.h"
#include "storage/base/clock.h"

#include <stdarg.h>
#include <stdlib.h>

static bool key_is_smaller(struct error_key a, struct error_key b)
{
    if (a.order != b.order) return a.order < b.order;
    return a.step != b.step ? a.step < b.step : a.row < b.row;
}

static void keep_error(struct query *query, enum query_error_kind kind, struct error_key key, const char *format,
                       va_list args)
{
    pthread_mutex_lock(&query->mutex);
    if (query->error_kind == QUERY_OK || key_is_smaller(key, query->error_key)) {
        query->error_kind = kind;
        query->error_key = key;
        query->error = arena_format_list(&query->text_arena, format, args);
    }
    pthread_mutex_unlock(&query->mutex);
}

bool query_fail(struct query *query, struct error_key key, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    keep_error(query, QUERY_EXECUTION, key, format, args);
    va_end(args);
    return false;
}

__attribute__((format(printf, 3, 4))) static void fail_with(struct query *query, enum query_error_kind kind,
                                                            const char *format, ...)
{
    va_list args;

    va_start(args, format);
    keep_error(query, kind, (struct error_key){0}, format, args);
    va_end(args);
}

bool query_fail_storage(struct query *query, status failure)
{
    fail_with(query, QUERY_INTERNAL, "expanding series: %s", failure.text);
    return false;
}

void query_stop(struct query *query, enum stop_reason reason)
{
    int expected = STOP_NOT;

    atomic_compare_exchange_strong(&query->stop, &expected, (int)reason);
}

void query_refuse(struct query *query, enum stop_reason reason, uint64_t least)
{
    if (atomic_load(&query->stop) == STOP_NOT) query->refused = least;
    query_stop(query, reason);
}

/* Ends the query if its own account or that of all queries would be over its limit with so many bytes more. */
static void check_memory(struct query *query, size_t bytes)
{
    for (const struct account *account = &query->account; account; account = account->parent) {
        size_t used = atomic_load_explicit(&account->used_bytes, memory_order_relaxed);
        if (account->limit_bytes == 0 || (used <= account->limit_bytes && bytes <= account->limit_bytes - used))
            continue;
        query_stop(query, account == &query->account ? STOP_MEMORY : STOP_TOTAL_MEMORY);
    }
}

bool query_has_room(struct query *query, size_t bytes)
{
    if (atomic_load_explicit(&query->stop, memory_order_relaxed) != STOP_NOT) return false;
    if (clock_monotonic_ns() > query->deadline_ns) query_stop(query, STOP_TIMEOUT);
    check_memory(query, bytes);
    return atomic_load_explicit(&query->stop, memory_order_relaxed) == STOP_NOT;
}

bool query_may_go_on(struct query *query)
{
    return query_has_room(query, 0);
}

void query_hold(struct query *query, uint64_t count)
{
    if (count == 0) return;
    uint64_t held = atomic_fetch_add_explicit(&query->samples_held, count, memory_order_relaxed) + count;
    uint64_t peak = atomic_load_explicit(&query->samples_peak, memory_order_relaxed);

    while (held > peak && !atomic_compare_exchange_weak(&query->samples_peak, &peak, held)) {}
    if (held > engine_get_options(query->engine)->samples_max) query_stop(query, STOP_SAMPLES);
}

void query_let_go(struct query *query, uint64_t count)
{
    atomic_fetch_sub_explicit(&query->samples_held, count, memory_order_relaxed);
}

enum { ROW_NOTES_MAX = 4096 };

void query_note(struct query *query, const struct node *node, enum metric_note note, const struct shape *shape,
                uint32_t row, uint32_t occurrences)
{
    pthread_mutex_lock(&query->mutex);
    const struct row_note *last = query->row_notes.count ? vec_last(&query->row_notes) : NULL;
    bool is_known = note != NOTE_START_OVERLAP && last && last->note == note && last->node == node &&
                    last->shape == shape && last->row == row;
    if (!is_known && query->row_notes.count < ROW_NOTES_MAX)
        vec_push(&query->row_notes, (struct row_note){note, node, shape, row, occurrences});
    pthread_mutex_unlock(&query->mutex);
}

void query_settle_notes(struct query *query)
{
    struct pairs pairs = {0};

    vec_each (note, &query->row_notes) {
        str metric = STR("");
        if (!shape_pairs(note->shape, query, note->row, &pairs)) continue;
        for (size_t i = 0; i < pairs.count; i++) {
            if (pairs.data[i].name == query->ids.name) metric = snapshot_string(query->snapshot, pairs.data[i].value);
        }
        annotate_metric(&query->annotations, note->node, note->note, metric, note->occurrences);
    }
    vec_release(&pairs);
    vec_release(&query->row_notes);
}

struct task *task_take(struct query *query)
{
    pthread_mutex_lock(&query->mutex);
    struct task *task = query->tasks;
    if (task) query->tasks = task->next;
    pthread_mutex_unlock(&query->mutex);
    if (task) return task;
    task = memory_zalloc(sizeof *task);
    task->query = query;
    task->scratch.account = task->cells.account = &query->account;
    arena_init(&task->kept, &query->account);
    arena_init(&task->columns.arena, &query->account);
    arena_init(&task->columns.newest, &query->account);
    return task;
}

void task_give(struct task *task)
{
    struct query *query = task->query;

    pthread_mutex_lock(&query->mutex);
    task->next = query->tasks;
    query->tasks = task;
    pthread_mutex_unlock(&query->mutex);
}

struct shared_body {
    struct query *query;
    bool (*body)(void *context, struct task *task, uint32_t index);
    void *context;
    _Atomic bool failed;
};

static void *enter(void *context)
{
    struct shared_body *shared = context;
    return task_take(shared->query);
}

static void run(void *context, void *state, uint32_t index)
{
    struct shared_body *shared = context;
    struct task *task = state;
    struct scratch_mark mark = scratch_mark(&task->scratch), cells_mark = scratch_mark(&task->cells);

    if (!query_may_go_on(shared->query) || !shared->body(shared->context, task, index)) shared->failed = true;
    scratch_rewind(&task->scratch, mark);
    scratch_rewind(&task->cells, cells_mark);
}

static void leave(void *context, void *state)
{
    (void)context;
    task_give(state);
}

bool query_for(struct query *query, uint32_t count, bool (*body)(void *context, struct task *task, uint32_t index),
               void *context)
{
    struct shared_body shared = {.query = query, .body = body, .context = context};
    struct pool_loop loop = {enter, run, leave, &shared, count};

    pool_for(engine_pool(query->engine), &query->usage, &loop);
    return !shared.failed;
}

static void charge_columns(struct task *task)
{
    size_t bytes = columns_bytes(&task->columns);

    if (bytes <= task->columns_bytes) return;
    account_charge(&task->query->account, bytes - task->columns_bytes);
    task->columns_bytes = bytes;
}

bool task_read(struct task *task, const struct selection *selection, uint32_t row, samples *out)
{
    if (!selection_read(selection, row, &task->columns, out))
        return query_fail_storage(task->query, task->columns.error);
    charge_columns(task);
    uint64_t weight = samples_weight(out);
    query_hold(task->query, weight);
    query_let_go(task->query, weight);
    return true;
}

uint64_t samples_weight(const samples *column)
{
    uint64_t weight = column->count;

    for (size_t i = 0; column->histograms && i < column->count; i++) {
        if (column->histograms[i]) weight += histogram_weight(column->histograms[i]) - 1;
    }
    return weight;
}

KERNEL bool values_have_stale(const double *values, size_t count)
{
    uint64_t found = 0;

    for (size_t i = 0; i < count; i++) found |= double_bits(values[i]) == STALE_NAN_BITS;
    return found != 0;
}

void samples_pick(const samples *from, struct scratch *scratch,
                  bool (*keeps)(const void *context, const samples *column, size_t i), const void *context,
                  samples *out)
{
    int64_t *times = scratch_array(scratch, int64_t, from->count), *starts = NULL;
    double *values = scratch_array(scratch, double, from->count);
    const struct histogram **histograms = NULL;
    size_t count = 0;

    if (from->histograms) histograms = scratch_array(scratch, const struct histogram *, from->count);
    if (from->starts_ms) starts = scratch_array(scratch, int64_t, from->count);
    for (size_t i = 0; i < from->count; i++) {
        if (!keeps(context, from, i)) continue;
        times[count] = from->times_ms[i];
        values[count] = from->values[i];
        if (histograms) histograms[count] = from->histograms[i];
        if (starts) starts[count] = from->starts_ms[i];
        count++;
    }
    *out =
        (samples){.count = count, .times_ms = times, .values = values, .histograms = histograms, .starts_ms = starts};
}

static bool is_not_stale(const void *context, const samples *column, size_t i)
{
    (void)context;
    return !is_stale(column->values[i]);
}

void task_remove_stale(struct task *task, samples *column)
{
    if (column->whole_bits == 0 && values_have_stale(column->values, column->count))
        samples_pick(column, &task->scratch, is_not_stale, NULL, column);
}
