/* Series with their raw samples; see series_reader.h. */
#include "http/series_reader.h"

#include "http/services.h"
#include "query/query.h"

enum { LOOK_EVERY = 1024 };

void series_reader_open(struct series_reader *rows, struct request *request)
{
    const struct services *services = request->services;

    *rows = (struct series_reader){.request = request};
    account_init(&rows->account, engine_get_options(services->engine)->query_bytes_max, NULL);
    rows->snapshot = db_snapshot(services->db, &rows->account);
}

void series_reader_close(struct series_reader *rows)
{
    vec_release(&rows->list);
    column_buffer_release(&rows->buffer);
    snapshot_release(rows->snapshot);
}

status series_reader_check(struct series_reader *rows)
{
    if (request_is_canceled(rows->request)) return status_make(STATUS_CANCELED, "the client closed the connection");
    if (account_over(&rows->account))
        return status_make(STATUS_LIMIT, "the answer needs more than the %zu bytes that --query.memory allows",
                           rows->account.limit_bytes);
    return ok();
}

static status add_row(struct series_reader *rows, struct selection *selection, uint32_t index)
{
    struct label_id ids[LABELS_MAX];
    struct series_row row = {.selection = selection, .index = index};

    TRY(selection_label_pairs(selection, index, ids, &row.pair_count));
    label *pairs = arena_array(snapshot_arena(rows->snapshot), label, row.pair_count);
    for (size_t i = 0; i < row.pair_count; i++)
        pairs[i] = (label){snapshot_string(rows->snapshot, ids[i].name), snapshot_string(rows->snapshot, ids[i].value)};
    row.pairs = pairs;
    vec_push(&rows->list, row);
    return ok();
}

status series_reader_add(struct series_reader *rows, const struct matcher *matchers, size_t count, int64_t from_ms,
                         int64_t to_ms)
{
    struct selection *selection;
    struct select_request select = {.matchers = matchers,
                                    .matcher_count = count,
                                    .from_ms = from_ms == INT64_MIN ? from_ms : from_ms - 1, /* it belongs to it */
                                    .to_ms = to_ms};

    TRY(snapshot_select(rows->snapshot, &select, &selection));
    for (uint32_t i = 0; i < selection_count(selection); i++) {
        TRY(add_row(rows, selection, i));
        if (i % LOOK_EVERY == 0) TRY(series_reader_check(rows));
    }
    return ok();
}

static int compare(const void *a, const void *b)
{
    const struct series_row *x = a, *y = b;

    return labels_compare(x->pairs, x->pair_count, y->pairs, y->pair_count);
}

void series_reader_sort(struct series_reader *rows)
{
    size_t kept = 0;

    if (rows->list.count == 0) return;
    qsort(rows->list.data, rows->list.count, sizeof *rows->list.data, compare);
    for (size_t i = 0; i < rows->list.count; i++) {
        if (kept == 0 || compare(&rows->list.data[kept - 1], &rows->list.data[i]) != 0)
            rows->list.data[kept++] = rows->list.data[i];
    }
    rows->list.count = kept;
}

void series_reader_clear(struct series_reader *rows)
{
    rows->list.count = 0;
}

status series_reader_read(struct series_reader *rows, const struct series_row *row, samples *out)
{
    if (!selection_read(row->selection, row->index, &rows->buffer, out)) return rows->buffer.error;
    return ok();
}
