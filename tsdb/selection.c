/* Selections: the series that match, over all sources; see snapshot.h.
 *
 * A row is a series. For each source there is an array that says under which id or ordinal the row is found there.
 * Sources are joined by fingerprint: as long as a source brings series in the order of rows already there, which blocks
 * mostly do, the next row is tried first and nothing is hashed. Where a registry brings many, its series are the first
 * rows, and its own table finds them.
 */
#include "tsdb/snapshot_internal.h"

#include <assert.h>

struct selection {
    struct snapshot *snapshot;
    int64_t from_ms, to_ms; /* samples in (from, to] */
    uint32_t rows;
    uint32_t source_count;
    struct snapshot_source **sources;
    uint32_t **places;            /* by source: id or ordinal of each row, or UINT32_MAX */
    struct block_cursor *cursors; /* by source; used while queries are set up, by one thread */
};

enum { ABSENT = UINT32_MAX, REGISTRY_ROWS_MIN = 4096 };

/* While sources are being joined. */
struct join {
    struct registry *registry; /* whose series are the rows before first_row, found by row_of; NULL: none */
    uint32_t *row_of;          /* by id; ABSENT: no row */
    uint32_t id_count, first_row;
    vec(hash128) fingerprints; /* of the rows from first_row on */
    struct map map;            /* fingerprint to row, for the first `mapped` of these */
    uint32_t mapped;
    vec(hash128) read; /* those of one source */
};

static void join_release(struct join *join)
{
    free(join->row_of);
    vec_release(&join->fingerprints);
    map_release(&join->map);
    vec_release(&join->read);
}

static status read_fingerprints(struct join *join, struct snapshot_source *source, const uint32_t *found,
                                uint32_t count)
{
    struct block_cursor cursor = {0};
    status s = ok();

    join->read.count = 0;
    vec_reserve(&join->read, count);
    for (uint32_t i = 0; i < count && !failed(s); i++) {
        hash128 *out = &join->read.data[i];
        if (source->block) {
            s = block_fingerprint(source->block, &cursor, found[i], out);
        } else {
            *out = registry_fingerprint(source->registry, found[i]);
        }
    }
    join->read.count = failed(s) ? 0 : count;
    block_cursor_release(&cursor);
    return s;
}

static uint32_t find_row(struct join *join, hash128 fingerprint)
{
    struct map_cursor c;

    for (; join->mapped < join->fingerprints.count; join->mapped++)
        map_add(&join->map, join->fingerprints.data[join->mapped].low, join->mapped);
    for (uint32_t row = map_find(&join->map, fingerprint.low, &c); row != MAP_NONE; row = map_next(&join->map, &c)) {
        if (hash128_equal(join->fingerprints.data[row], fingerprint)) return row;
    }
    return ABSENT;
}

/* Rows that the registry knows; the others become ABSENT. */
static void find_in_registry(const struct join *join, uint32_t *rows)
{
    registry_find_series(join->registry, join->read.data, join->read.count, rows);
    for (size_t i = 0; i < join->read.count; i++) rows[i] = rows[i] < join->id_count ? join->row_of[rows[i]] : ABSENT;
}

/* Finds or makes the row of each series of a source; rows[i] is that of the i-th. */
static status join_source(struct join *join, struct snapshot_source *source, const uint32_t *found, uint32_t count,
                          uint32_t *rows)
{
    size_t known = join->fingerprints.count, expected = 0;

    TRY(read_fingerprints(join, source, found, count));
    if (join->registry) find_in_registry(join, rows);
    for (uint32_t i = 0; i < count; i++) {
        hash128 fingerprint = join->read.data[i];
        uint32_t at = ABSENT;
        if (join->registry && rows[i] != ABSENT) continue;
        if (expected < known && hash128_equal(join->fingerprints.data[expected], fingerprint)) {
            at = (uint32_t)expected;
        } else if (known) {
            at = find_row(join, fingerprint);
        }
        if (at == ABSENT) {
            at = (uint32_t)join->fingerprints.count;
            vec_push(&join->fingerprints, fingerprint);
        }
        rows[i] = join->first_row + at;
        expected = (size_t)at + 1;
    }
    return ok();
}

/* What one source found. */
struct found {
    struct snapshot_source *source;
    uint32_t *places, *rows;
    uint32_t count;
};

static status find_in_sources(struct snapshot *snapshot, const struct select_request *request, struct found *found,
                              uint32_t *source_count)
{
    *source_count = 0;
    for (uint32_t i = 0; i < snapshot->source_count; i++) {
        struct found *f = &found[*source_count];
        if (!snapshot_asks(snapshot, &snapshot->sources[i], request->from_ms, request->to_ms)) continue;
        f->source = &snapshot->sources[i];
        status s = source_select(snapshot, f->source, request, &f->places, &f->count);
        if (failed(s) && snapshot_leaves_out(snapshot, f->source, &s)) continue;
        TRY(s);
        if (f->count) ++*source_count;
    }
    return ok();
}

/* What a registry found becomes the first rows, if that is much of it: looking at each of its ids costs less then than
 * a table of fingerprints. */
static bool begin_with_registry(struct join *join, struct found *found)
{
    if (found->source->block) return false;
    uint32_t ids = registry_series_count(found->source->registry);
    if (found->count < REGISTRY_ROWS_MIN || found->count < ids / 8) return false;
    join->registry = found->source->registry;
    join->id_count = ids;
    join->first_row = found->count;
    join->row_of = memory_alloc(ids * sizeof *join->row_of);
    memset(join->row_of, 0xFF, ids * sizeof *join->row_of);
    for (uint32_t i = 0; i < found->count; i++) {
        if (found->places[i] < ids) join->row_of[found->places[i]] = i;
        found->rows[i] = i;
    }
    return true;
}

/* Of a source that can not be read *bad becomes the index. */
static status join_sources(struct snapshot *snapshot, struct found *found, uint32_t count, struct selection *out,
                           uint32_t *bad)
{
    struct join join = {0};
    status s = ok();

    for (uint32_t i = 0; i < count; i++) found[i].rows = arena_array(&snapshot->arena, uint32_t, found[i].count);
    uint32_t left = begin_with_registry(&join, &found[count - 1]) ? count - 1 : count;
    for (uint32_t i = 0; i < left && !failed(s); i++) {
        s = join_source(&join, found[i].source, found[i].places, found[i].count, found[i].rows);
        *bad = i;
    }
    out->rows = join.first_row + (uint32_t)join.fingerprints.count;
    for (uint32_t i = 0; i < count && !failed(s); i++) {
        out->places[i] = arena_array(&snapshot->arena, uint32_t, out->rows);
        memset(out->places[i], 0xFF, out->rows * sizeof **out->places);
        for (uint32_t k = 0; k < found[i].count; k++) out->places[i][found[i].rows[k]] = found[i].places[k];
    }
    join_release(&join);
    return s;
}

static void release_cursors(void *context)
{
    struct selection *selection = context;

    for (uint32_t i = 0; i < selection->source_count; i++) block_cursor_release(&selection->cursors[i]);
}

status snapshot_select(struct snapshot *snapshot, const struct select_request *request, struct selection **out)
{
    struct arena *arena = &snapshot->arena;
    struct selection *selection = arena_zalloc(arena, sizeof *selection);
    struct found *found = arena_zarray(arena, struct found, snapshot->source_count + 1);

    selection->snapshot = snapshot;
    selection->from_ms = request->from_ms;
    selection->to_ms = request->to_ms;
    TRY(snapshot_check_broken(snapshot, request->from_ms, request->to_ms));
    TRY(find_in_sources(snapshot, request, found, &selection->source_count));
    selection->places = arena_array(arena, uint32_t *, selection->source_count);
    while (selection->source_count > 1) {
        uint32_t bad;
        status s = join_sources(snapshot, found, selection->source_count, selection, &bad);
        if (!failed(s)) break;
        if (!snapshot_leaves_out(snapshot, found[bad].source, &s)) return s;
        memmove(found + bad, found + bad + 1, (--selection->source_count - bad) * sizeof *found);
    }
    if (selection->source_count == 1) {
        selection->places[0] = found[0].places;
        selection->rows = found[0].count;
    }
    selection->sources = arena_array(arena, struct snapshot_source *, selection->source_count);
    for (uint32_t i = 0; i < selection->source_count; i++) selection->sources[i] = found[i].source;
    selection->cursors = arena_zarray(arena, struct block_cursor, selection->source_count);
    arena_defer(arena, release_cursors, selection);
    *out = selection;
    return ok();
}

uint32_t selection_count(const struct selection *selection)
{
    return selection->rows;
}

/* The part of a source's time [min, max] that lies in (from, to] of the request. */
static double overlap(const struct selection *selection, int64_t min_ms, int64_t max_ms)
{
    double first = (double)(selection->from_ms > min_ms ? selection->from_ms : min_ms);
    double last = (double)(selection->to_ms < max_ms ? selection->to_ms : max_ms);

    if (min_ms > max_ms || first > last) return 0;
    return (last - first + 1) / ((double)max_ms - (double)min_ms + 1);
}

/* Samples of a source are taken to be spread evenly over its series and its time. */
uint64_t selection_samples_estimate(const struct selection *selection)
{
    double total = 0;

    for (uint32_t i = 0; i < selection->source_count; i++) {
        const struct snapshot_source *source = selection->sources[i];
        double held = 0, series = 1, rows = 0;
        if (source->block) {
            const struct block_info *info = block_get_info(source->block);
            held = (double)info->samples * overlap(selection, info->min_ms, info->max_ms);
            series = info->series;
        }
        for (uint32_t h = 0; h < source->head_count; h++) {
            struct head_stats stats;
            head_stats(source->heads[h], &stats);
            held += (double)stats.samples * overlap(selection, stats.min_ms, stats.max_ms);
            if (stats.series > series) series = stats.series;
        }
        for (uint32_t row = 0; row < selection->rows; row++) rows += selection->places[i][row] != ABSENT;
        total += held / series * rows;
    }
    return (uint64_t)total;
}

/* The labels of a row as a source has them. */
struct source_labels {
    struct snapshot_source *source;
    uint32_t count;
    const uint32_t *names, *values;
    struct block_series series; /* where the values lie if it is a block's */
};

static status labels_in_block(struct block_cursor *cursor, uint32_t place, struct source_labels *out)
{
    const struct block_tables *tables;

    TRY(block_series(out->source->block, cursor, place, &out->series));
    TRY(block_tables(out->source->block, &tables));
    out->count = out->series.count;
    out->names = tables->lists[out->series.list];
    out->values = out->series.values;
    return ok();
}

/* Where the labels of a row are read: the newest source, since a registry needs no page. */
static uint32_t labels_at(const struct selection *selection, uint32_t row)
{
    uint32_t i = selection->source_count;

    while (i > 0 && selection->places[i - 1][row] == ABSENT) i--;
    assert(i > 0);
    return i - 1;
}

static status labels_of(const struct selection *selection, uint32_t row, struct source_labels *out)
{
    uint32_t i = labels_at(selection, row), place = selection->places[i][row];

    out->source = selection->sources[i];
    if (!out->source->block) {
        struct series_labels set = registry_labels(out->source->registry, place);
        out->count = set.count;
        out->names = set.names;
        out->values = set.values;
        return ok();
    }
    return snapshot_note_labels(selection->snapshot, out->source, labels_in_block(&selection->cursors[i], place, out));
}

static uint32_t value_in_registry(const struct registry *registry, uint32_t series, uint32_t name)
{
    struct series_labels set = registry_labels(registry, series);

    for (uint32_t k = 0; k < set.count; k++) {
        if (set.names[k] == name) return set.values[k];
    }
    return ABSENT;
}

status selection_label_ids(struct selection *selection, const uint32_t *rows, uint32_t count, str name, uint32_t *ids)
{
    struct snapshot_source *source = NULL;
    uint32_t wanted = ABSENT, value;
    status s = ok();

    for (uint32_t i = 0; i < count && !failed(s); i++) {
        uint32_t at = labels_at(selection, rows[i]), place = selection->places[at][rows[i]];
        ids[i] = 0;
        if (selection->sources[at] != source) {
            source = selection->sources[at];
            if (failed(s = source_find_name(source, name, &wanted))) break;
        }
        if (wanted == ABSENT) continue;
        if (source->block) {
            s = block_rank(source->block, &selection->cursors[at], place, wanted, &value);
        } else {
            value = value_in_registry(source->registry, place, wanted);
        }
        if (!failed(s) && value != ABSENT) s = snapshot_value_id(selection->snapshot, source, wanted, value, &ids[i]);
        s = snapshot_note_labels(selection->snapshot, source, s);
    }
    return s;
}

status selection_label_pairs(struct selection *selection, uint32_t row, struct label_id *pairs, size_t *count)
{
    struct source_labels set;
    status s = labels_of(selection, row, &set);

    for (uint32_t k = 0; !failed(s) && k < set.count; k++) {
        s = snapshot_name_id(selection->snapshot, set.source, set.names[k], &pairs[k].name);
        if (!failed(s))
            s = snapshot_note_labels(selection->snapshot, set.source,
                                     snapshot_value_id(selection->snapshot, set.source, set.names[k], set.values[k],
                                                       &pairs[k].value));
    }
    *count = failed(s) ? 0 : set.count;
    return s;
}

/* Appends a source's samples of a row in [from, to] behind those already there, and merges them if they are not later.
 */
static bool read_source(const struct selection *selection, uint32_t index, struct block_cursor *cursor, uint32_t place,
                        int64_t from_ms, int64_t to_ms, bool passes_chunks, struct column_buffer *buffer)
{
    struct snapshot_source *source = selection->sources[index];

    for (uint32_t h = 0; h < (source->block ? 1 : source->head_count); h++) {
        size_t first = buffer->times.count;
        buffer->passes_chunks = passes_chunks && !hidden_touches(&source->hidden[h], place);
        status s = source_read(selection->snapshot, source, cursor, h, place, from_ms, to_ms, buffer);
        buffer->passes_chunks = false;
        if (failed(s)) {
            buffer->error = s;
            return false;
        }
        columns_join(buffer, first);
    }
    return true;
}

bool selection_read_row(const struct selection *selection, uint32_t row, bool passes_chunks,
                        struct column_buffer *buffer)
{
    int64_t from = selection->from_ms, to = selection->to_ms;

    columns_clear(buffer);
    if (failed(buffer->error)) return false;
    if (from >= to) return true;
    if (selection->snapshot->tolerates_damage) passes_chunks = false;
    for (uint32_t i = 0; i < selection->source_count; i++) {
        uint32_t place = selection->places[i][row];
        struct block_cursor cursor = {0};
        if (place == ABSENT) continue;
        bool done = read_source(selection, i, &cursor, place, from + 1, to, passes_chunks, buffer);
        block_cursor_release(&cursor);
        if (!done) return false;
    }
    return true;
}

bool selection_read(const struct selection *selection, uint32_t row, struct column_buffer *buffer, samples *out)
{
    *out = (samples){0};
    if (!selection_read_row(selection, row, false, buffer)) return false;
    *out = columns_view(buffer);
    return true;
}

/* Sources are asked from the newest to the oldest, so at equal times the one asked later was stored first and wins. */
static void take_newer(struct rich_sample *newest, int64_t time_ms, double value)
{
    if (time_ms >= newest->time_ms) *newest = (struct rich_sample){.time_ms = time_ms, .value = value};
}

/* The last sample of a read; its histogram is copied, since the next read takes the place. */
static void take_last(struct rich_sample *newest, struct column_buffer *buffer)
{
    if (buffer->times.count == 0 || *vec_last(&buffer->times) < newest->time_ms) return;
    *newest = columns_at(buffer, buffer->times.count - 1);
    if (newest->histogram) newest->histogram = histogram_copy(newest->histogram, &buffer->newest);
}

/* What the record of a series in a head says: as head_newest. */
struct recorded {
    int64_t time_ms;
    double value;
};

/* `recorded` is NULL if the head was not asked for its record yet. */
static void newest_in_head(struct snapshot *snapshot, const struct snapshot_source *source, uint32_t h, uint32_t id,
                           const struct recorded *recorded, int64_t from_ms, int64_t at_ms,
                           struct column_buffer *buffer, struct rich_sample *newest)
{
    struct head *head = source->heads[h];
    const struct hidden *hidden = &source->hidden[h];
    struct head_stats stats;
    struct recorded own;

    head_stats(head, &stats);
    if (stats.max_ms < newest->time_ms || stats.max_ms < from_ms || stats.min_ms > at_ms) return;
    if (!recorded) {
        head_newest(head, &id, 1, &source->horizons[h], &own.time_ms, &own.value);
        recorded = &own;
    }
    bool is_touched = hidden->count && hidden_touches(hidden, id);
    if (!is_touched && recorded->time_ms != INT64_MIN && recorded->time_ms <= at_ms) {
        if (recorded->time_ms >= from_ms) take_newer(newest, recorded->time_ms, recorded->value);
        return;
    }
    columns_clear(buffer);
    (void)source_read(snapshot, source, NULL, h, id, from_ms, at_ms, buffer); /* a head in memory can be read */
    take_last(newest, buffer);
}

/* `recorded` is what the newest head of the source says, or NULL. */
static bool newest_in(const struct selection *selection, uint32_t index, struct block_cursor *cursor, uint32_t place,
                      const struct recorded *recorded, int64_t from_ms, int64_t at_ms, struct column_buffer *buffer,
                      struct rich_sample *newest)
{
    const struct snapshot_source *source = selection->sources[index];

    for (uint32_t h = source->head_count; h-- > 0; recorded = NULL)
        newest_in_head(selection->snapshot, source, h, place, recorded, from_ms, at_ms, buffer, newest);
    if (!source->block) return true;
    columns_clear(buffer);
    if (!read_source(selection, index, cursor, place, from_ms, at_ms, false, buffer)) return false;
    take_last(newest, buffer);
    return true;
}

static bool newest_of_row(const struct selection *selection, struct block_cursor *cursors, uint32_t row,
                          const struct recorded *recorded, int64_t from_ms, int64_t at_ms, struct column_buffer *buffer,
                          struct rich_sample *newest)
{
    for (uint32_t k = selection->source_count; k-- > 0 && from_ms < at_ms; recorded = NULL) {
        const struct snapshot_source *source = selection->sources[k];
        uint32_t place = selection->places[k][row];
        if (place == ABSENT || source->max_ms < newest->time_ms || !source_overlaps(source, from_ms, at_ms)) continue;
        if (!newest_in(selection, k, &cursors[k], place, recorded, from_ms + 1, at_ms, buffer, newest)) return false;
    }
    return true;
}

enum { ROWS_AT_ONCE = 128 };

/* Most of what is asked for stands in the records of the newest head, which is asked for many rows at once. False if
 * there is none. */
static bool ask_records(const struct selection *selection, const uint32_t *rows, uint32_t count,
                        struct recorded *recorded)
{
    uint32_t last = selection->source_count - 1, ids[ROWS_AT_ONCE];
    int64_t times_ms[ROWS_AT_ONCE];
    double values[ROWS_AT_ONCE] = {0};

    if (selection->source_count == 0 || selection->sources[last]->head_count == 0) return false;
    const struct snapshot_source *source = selection->sources[last];
    uint32_t h = source->head_count - 1;
    for (uint32_t i = 0; i < count; i++) ids[i] = selection->places[last][rows[i]];
    head_newest(source->heads[h], ids, count, &source->horizons[h], times_ms, values);
    for (uint32_t i = 0; i < count; i++) recorded[i] = (struct recorded){times_ms[i], values[i]};
    return true;
}

static bool find_newest(const struct selection *selection, struct block_cursor *cursors, const uint32_t *rows,
                        uint32_t count, int64_t from_ms, int64_t at_ms, struct column_buffer *buffer,
                        struct newest_samples *out)
{
    struct recorded recorded[ROWS_AT_ONCE];
    bool is_recorded = false;

    for (uint32_t i = 0; i < count; i++) {
        struct rich_sample newest = {.time_ms = INT64_MIN};
        uint32_t at = i % ROWS_AT_ONCE;
        if (at == 0)
            is_recorded =
                ask_records(selection, rows + i, count - i < ROWS_AT_ONCE ? count - i : ROWS_AT_ONCE, recorded);
        if (!newest_of_row(selection, cursors, rows[i], is_recorded ? &recorded[at] : NULL, from_ms, at_ms, buffer,
                           &newest))
            return false;
        out->times_ms[i] = newest.time_ms;
        out->values[i] = newest.value;
        if (out->starts_ms) out->starts_ms[i] = newest.start_ms;
        if (out->histograms) out->histograms[i] = newest.histogram;
    }
    return true;
}

bool selection_newest(const struct selection *selection, const uint32_t *rows, uint32_t count, int64_t from_ms,
                      int64_t at_ms, struct column_buffer *buffer, struct newest_samples *out)
{
    if (failed(buffer->error)) return false;
    arena_reset(&buffer->newest);
    struct block_cursor *cursors = memory_zalloc(selection->source_count * sizeof *cursors);
    bool done = find_newest(selection, cursors, rows, count, from_ms, at_ms, buffer, out);
    for (uint32_t i = 0; i < selection->source_count; i++) block_cursor_release(&cursors[i]);
    free(cursors);
    return done;
}
