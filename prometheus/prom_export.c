/* Exporting; see prom_export.h. */
#include "prometheus/prom_export.h"

#include "prometheus/prom_block_write.h"
#include "tsdb/compaction.h"

#define WINDOW_MS ((int64_t)18 * 3600 * 1000)

struct row {
    struct selection *selection;
    uint32_t index, pair_count;
    struct prom_pair *pairs; /* strings of the snapshot, then symbols */
};

/* A block on its way. */
struct window {
    struct snapshot *snapshot;
    vec(struct row) rows;
    vec(uint32_t) strings; /* of the snapshot that the series have, each once */
    vec(uint32_t) numbers; /* by string of the snapshot: its symbol, or UINT32_MAX */
    str *symbols;
    struct column_buffer buffer;
};

static void use_string(struct window *window, uint32_t id)
{
    while (window->numbers.count <= id) vec_push(&window->numbers, UINT32_MAX);
    if (window->numbers.data[id] != UINT32_MAX) return;
    window->numbers.data[id] = 0;
    vec_push(&window->strings, id);
}

static status add_rows(struct window *window, struct selection *selection)
{
    struct label_id pairs[LABELS_MAX];
    size_t count;

    for (uint32_t i = 0; i < selection_count(selection); i++) {
        TRY(selection_label_pairs(selection, i, pairs, &count));
        struct prom_pair *own = arena_array(snapshot_arena(window->snapshot), struct prom_pair, count);
        for (size_t k = 0; k < count; k++) {
            own[k] = (struct prom_pair){pairs[k].name, pairs[k].value};
            use_string(window, pairs[k].name);
            use_string(window, pairs[k].value);
        }
        vec_push(&window->rows, (struct row){selection, i, (uint32_t)count, own});
    }
    return ok();
}

static status select_rows(struct window *window, const struct prom_export_request *request, int64_t from_ms,
                          int64_t to_ms)
{
    static const struct prom_selector everything;
    const struct prom_selector *selectors = request->selector_count ? request->selectors : &everything;
    size_t count = request->selector_count ? request->selector_count : 1;

    for (size_t i = 0; i < count; i++) {
        struct select_request select = {selectors[i].matchers, selectors[i].count,
                                        from_ms == INT64_MIN ? from_ms : from_ms - 1, to_ms};
        struct selection *selection;
        TRY(snapshot_select(window->snapshot, &select, &selection));
        TRY(add_rows(window, selection));
    }
    return ok();
}

static int compare_strings(const void *a, const void *b, void *context)
{
    const struct snapshot *snapshot = context;
    return str_compare(snapshot_string(snapshot, *(const uint32_t *)a),
                       snapshot_string(snapshot, *(const uint32_t *)b));
}

/* Numbers the strings in the order of their texts. */
static void make_symbols(struct window *window)
{
    size_t count = window->strings.count;

    window->symbols = arena_array(snapshot_arena(window->snapshot), str, count);
    qsort_r(window->strings.data, count, sizeof *window->strings.data, compare_strings, window->snapshot);
    for (uint32_t i = 0; i < count; i++) {
        window->symbols[i] = snapshot_string(window->snapshot, window->strings.data[i]);
        window->numbers.data[window->strings.data[i]] = i;
    }
    vec_each (row, &window->rows) {
        for (uint32_t k = 0; k < row->pair_count; k++) {
            row->pairs[k].name = window->numbers.data[row->pairs[k].name];
            row->pairs[k].value = window->numbers.data[row->pairs[k].value];
        }
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    for (uint32_t k = 0; k < x->pair_count && k < y->pair_count; k++) {
        const struct prom_pair *p = &x->pairs[k], *q = &y->pairs[k];
        if (p->name != q->name) return p->name < q->name ? -1 : 1;
        if (p->value != q->value) return p->value < q->value ? -1 : 1;
    }
    return (x->pair_count > y->pair_count) - (x->pair_count < y->pair_count);
}

static status write_rows(struct window *window, struct prom_block_writer *writer)
{
    const struct row *before = NULL;
    samples found;

    vec_each (row, &window->rows) {
        bool again = before && compare_rows(before, row) == 0; /* another selector found it, too */
        before = row;
        if (again) continue;
        if (!selection_read(row->selection, row->index, &window->buffer, &found)) return window->buffer.error;
        TRY(prom_block_writer_add(writer, row->pairs, row->pair_count, &found));
    }
    return ok();
}

static status write_block(struct window *window, struct fs *to, struct prom_meta *meta)
{
    struct prom_block_writer *writer;

    make_symbols(window);
    qsort(window->rows.data, window->rows.count, sizeof *window->rows.data, compare_rows);
    TRY(prom_block_writer_open(to, window->symbols, (uint32_t)window->strings.count, PROM_SEGMENT_BYTES, &writer));
    status s = write_rows(window, writer);
    if (!failed(s)) return prom_block_writer_finish(writer, meta);
    prom_block_writer_abandon(writer);
    return s;
}

static status export_window(struct db *db, const struct prom_export_request *request, int64_t from_ms, int64_t to_ms,
                            struct fs *to, struct prom_meta *meta)
{
    struct window window = {.snapshot = db_snapshot(db, NULL)};
    status s = select_rows(&window, request, from_ms, to_ms);

    *meta = (struct prom_meta){0};
    if (!failed(s) && window.rows.count) s = write_block(&window, to, meta);
    vec_release(&window.rows);
    vec_release(&window.strings);
    vec_release(&window.numbers);
    column_buffer_release(&window.buffer);
    snapshot_release(window.snapshot);
    return s;
}

static void limit_range(struct db *db, int64_t *from_ms, int64_t *to_ms)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    int64_t min_ms, max_ms;

    snapshot_times(snapshot, &min_ms, &max_ms);
    snapshot_release(snapshot);
    if (*from_ms < min_ms) *from_ms = min_ms;
    if (*to_ms > max_ms) *to_ms = max_ms;
}

status prom_export(struct db *db, const struct prom_export_request *request, struct fs *to,
                   void (*tell)(void *context, const struct prom_meta *meta), void *context,
                   struct prom_export_total *total)
{
    int64_t from_ms = request->from_ms, to_ms = request->to_ms;

    limit_range(db, &from_ms, &to_ms);
    while (from_ms <= to_ms) {
        struct prom_meta meta;
        int64_t end_ms = compaction_window_end(from_ms, WINDOW_MS);
        if (end_ms > to_ms) end_ms = to_ms;
        TRY(export_window(db, request, from_ms, end_ms, to, &meta));
        if (meta.samples) {
            total->blocks++;
            total->series += meta.series;
            total->samples += meta.samples;
            tell(context, &meta);
        }
        if (end_ms == INT64_MAX) break;
        from_ms = end_ms + 1;
    }
    return ok();
}
