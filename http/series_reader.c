/* Series with their raw samples; see series_reader.h. */
#include "http/series_reader.h"

#include "http/services.h"
#include "query/query.h"
#include "storage/base/clock.h"

#include <stdlib.h>

enum { LOOK_EVERY = 1024 };

int64_t series_reader_snapshot_ns = 10000000000;

static void take_snapshot(struct series_reader *rows)
{
    rows->snapshot = db_snapshot(rows->request->services->db, &rows->account);
    rows->taken_ns = clock_monotonic_ns();
}

void series_reader_open(struct series_reader *rows, struct request *request)
{
    *rows = (struct series_reader){.request = request};
    account_init(&rows->account, engine_get_options(request->services->engine)->query_bytes_max, NULL);
    take_snapshot(rows);
}

static size_t list_bytes(const struct series_reader *rows)
{
    return rows->list.capacity * sizeof *rows->list.data;
}

static void drop_list(struct series_reader *rows)
{
    account_return(&rows->account, list_bytes(rows));
    vec_release(&rows->list);
}

void series_reader_close(struct series_reader *rows)
{
    drop_list(rows);
    vec_release(&rows->sets);
    column_buffer_release(&rows->buffer);
    snapshot_release(rows->snapshot);
}

static status check(struct series_reader *rows)
{
    if (request_is_canceled(rows->request)) return status_make(STATUS_CANCELED, "the client closed the connection");
    if (account_over(&rows->account))
        return status_make(STATUS_LIMIT,
                           "the series need more than the %zu bytes that --query.memory allows; ask for "
                           "fewer at once",
                           rows->account.limit_bytes);
    return ok();
}

static status add_entry(struct series_reader *rows, struct selection *selection, uint32_t index)
{
    struct label_id ids[LABELS_MAX];
    struct series_entry entry = {.selection = selection, .index = index};
    size_t count, before = list_bytes(rows);

    TRY(selection_label_pairs(selection, index, ids, &count));
    struct label_id *kept = arena_array(snapshot_arena(rows->snapshot), struct label_id, count);
    entry.ids = memcpy(kept, ids, count * sizeof *ids);
    entry.count = (uint32_t)count;
    vec_push(&rows->list, entry);
    account_charge(&rows->account, list_bytes(rows) - before);
    return ok();
}

static status select_set(struct series_reader *rows, const struct series_set *set)
{
    struct selection *selection;
    struct select_request select = {.matchers = set->matchers,
                                    .matcher_count = set->count,
                                    /* the start belongs to it */
                                    .from_ms = set->from_ms == INT64_MIN ? INT64_MIN : set->from_ms - 1,
                                    .to_ms = set->to_ms};

    TRY(snapshot_select(rows->snapshot, &select, &selection));
    for (uint32_t i = 0; i < selection_count(selection); i++) {
        TRY(add_entry(rows, selection, i));
        if (i % LOOK_EVERY == 0) TRY(check(rows));
    }
    return check(rows);
}

status series_reader_add(struct series_reader *rows, const struct matcher *matchers, size_t count, int64_t from_ms,
                         int64_t to_ms)
{
    vec_push(&rows->sets, (struct series_set){matchers, count, from_ms, to_ms});
    return select_set(rows, vec_last(&rows->sets));
}

static int compare(const void *a, const void *b, void *context)
{
    const struct series_entry *x = a, *y = b;
    const struct snapshot *snapshot = context;

    for (uint32_t i = 0; i < x->count && i < y->count; i++) {
        const struct label_id *p = &x->ids[i], *q = &y->ids[i];
        int order = 0;
        if (p->name != q->name)
            order = str_compare(snapshot_string(snapshot, p->name), snapshot_string(snapshot, q->name));
        if (order == 0 && p->value != q->value)
            order = str_compare(snapshot_string(snapshot, p->value), snapshot_string(snapshot, q->value));
        if (order) return order;
    }
    return (x->count > y->count) - (x->count < y->count);
}

void series_reader_sort(struct series_reader *rows)
{
    size_t kept = 0;

    if (rows->list.count == 0) return;
    qsort_r(rows->list.data, rows->list.count, sizeof *rows->list.data, compare, rows->snapshot);
    for (size_t i = 0; i < rows->list.count; i++) {
        if (kept == 0 || compare(&rows->list.data[kept - 1], &rows->list.data[i], rows->snapshot) != 0)
            rows->list.data[kept++] = rows->list.data[i];
    }
    rows->list.count = kept;
}

void series_reader_clear(struct series_reader *rows)
{
    rows->sets.count = rows->list.count = rows->next = 0;
}

static void make_row(struct series_reader *rows, const struct series_entry *entry)
{
    for (uint32_t i = 0; i < entry->count; i++)
        rows->pairs[i] = (label){snapshot_string(rows->snapshot, entry->ids[i].name),
                                 snapshot_string(rows->snapshot, entry->ids[i].value)};
    rows->row = (struct series_row){rows->pairs, entry->count};
}

/* The first of the sorted series that comes after some labels. */
static size_t find_after(struct series_reader *rows, const label *pairs, size_t count)
{
    size_t first = 0, end = rows->list.count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        make_row(rows, &rows->list.data[middle]);
        if (labels_compare(rows->row.pairs, rows->row.pair_count, pairs, count) <= 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

/* Takes a new snapshot in the place of the old one, and finds where it was in the series. */
static status renew(struct series_reader *rows)
{
    struct arena arena;
    status s = ok();

    arena_init(&arena, NULL);
    make_row(rows, &rows->list.data[rows->next - 1]);
    label *last = arena_array(&arena, label, rows->row.pair_count);
    size_t count = rows->row.pair_count;
    for (size_t i = 0; i < count; i++)
        last[i] = (label){arena_copy_str(&arena, rows->pairs[i].name), arena_copy_str(&arena, rows->pairs[i].value)};
    drop_list(rows);
    snapshot_release(rows->snapshot);
    take_snapshot(rows);
    for (size_t i = 0; i < rows->sets.count && !failed(s); i++) s = select_set(rows, &rows->sets.data[i]);
    if (!failed(s)) {
        series_reader_sort(rows);
        rows->next = find_after(rows, last, count);
    }
    arena_release(&arena);
    return s;
}

status series_reader_next(struct series_reader *rows, const struct series_row **out)
{
    *out = NULL;
    TRY(check(rows));
    if (rows->next > 0 && rows->next < rows->list.count &&
        clock_monotonic_ns() - rows->taken_ns > series_reader_snapshot_ns)
        TRY(renew(rows));
    if (rows->next == rows->list.count) return ok();
    make_row(rows, &rows->list.data[rows->next++]);
    *out = &rows->row;
    return ok();
}

status series_reader_read(struct series_reader *rows, samples *out)
{
    const struct series_entry *entry = &rows->list.data[rows->next - 1];

    if (!selection_read(entry->selection, entry->index, &rows->buffer, out)) return rows->buffer.error;
    return ok();
}

status series_reader_read_chunks(struct series_reader *rows, struct row_chunks *out)
{
    const struct series_entry *entry = &rows->list.data[rows->next - 1];

    if (!selection_read_chunks(entry->selection, entry->index, &rows->buffer, out)) return rows->buffer.error;
    return ok();
}
