/* One source of a snapshot: which of its series match, and their samples without what tombstones hide; see
 * snapshot_internal.h. */
#include "tsdb/snapshot_internal.h"

enum { PLACES_AT_ONCE = 256 };

static uint32_t part_count(const struct snapshot_source *source)
{
    return source->block ? 1 : source->head_count;
}

static struct index *index_of(const struct snapshot_source *source, uint32_t *series)
{
    if (source->block) {
        *series = block_get_info(source->block)->series;
        return block_index(source->block);
    }
    *series = registry_series_count(source->registry);
    return registry_index(source->registry);
}

status source_find_hidden(struct snapshot *snapshot, struct snapshot_source *source)
{
    const struct tombstones *tombstones = snapshot->view->tombstones;

    if (source->is_hidden_known) return ok();
    for (uint32_t i = 0; i < part_count(source) && tombstones; i++) {
        struct hidden_source asked = {.min_ms = source->min_ms, .max_ms = source->max_ms};
        asked.head_first = source->block ? block_get_info(source->block)->head_first : head_number(source->heads[i]);
        asked.index = index_of(source, &asked.series);
        TRY(hidden_find(tombstones, &asked, false, &snapshot->arena, &source->hidden[i]));
    }
    source->is_hidden_known = true;
    return ok();
}

/* What is damaged is left out where the snapshot says so. */
static status read_block(struct snapshot *snapshot, const struct snapshot_source *source, struct block_cursor *cursor,
                         uint32_t place, int64_t from_ms, int64_t to_ms, struct column_buffer *buffer)
{
    size_t first = buffer->times.count;

    buffer->skips_damage = snapshot->tolerates_damage;
    status s = block_read(source->block, cursor, place, from_ms, to_ms, buffer);
    if (failed(buffer->damage)) {
        (void)snapshot_goes_without(snapshot, source, &buffer->damage);
        buffer->damage = ok();
    }
    if (!failed(s) || !snapshot_goes_without(snapshot, source, &s)) return s;
    columns_cut(buffer, first);
    return ok();
}

status source_read(struct snapshot *snapshot, const struct snapshot_source *source, struct block_cursor *cursor,
                   uint32_t head, uint32_t place, int64_t from_ms, int64_t to_ms, struct column_buffer *buffer)
{
    size_t first = buffer->times.count;

    if (source->block) {
        TRY(read_block(snapshot, source, cursor, place, from_ms, to_ms, buffer));
    } else {
        head_read(source->heads[head], place, &source->horizons[head], from_ms, to_ms, buffer);
    }
    if (source->hidden[head].count) hidden_apply(&source->hidden[head], place, buffer, first);
    return ok();
}

/* Looks for a sample of a series in one part of the source: any, if no tombstone touches the series. */
static status find_visible(struct snapshot *snapshot, const struct snapshot_source *source, uint32_t part,
                           uint32_t place, const struct select_request *request, struct block_cursor *cursor,
                           struct column_buffer *buffer, bool *out)
{
    const struct hidden *hidden = &source->hidden[part];
    int64_t from = request->from_ms < source->min_ms ? source->min_ms : request->from_ms + 1;
    int64_t to = request->to_ms > source->max_ms ? source->max_ms : request->to_ms;

    *out = source->block != NULL;
    if (!source->block) head_has(source->heads[part], &place, 1, request->from_ms, request->to_ms, out);
    if (!*out || hidden->count == 0 || !hidden_touches(hidden, place)) return ok();
    *out = false;
    if (hidden_covers(hidden, place, from, to)) return ok();
    columns_clear(buffer);
    TRY(source_read(snapshot, source, cursor, part, place, from, to, buffer));
    *out = buffer->times.count > 0;
    return buffer->error;
}

/* Keeps those that have samples left. */
static status keep_visible(struct snapshot *snapshot, const struct snapshot_source *source,
                           const struct select_request *request, uint32_t *places, uint32_t *count)
{
    struct column_buffer buffer = {0};
    struct block_cursor cursor = {0};
    uint32_t kept = 0;
    status s = ok();

    for (uint32_t i = 0; i < *count && !failed(s); i++) {
        bool any = false;
        for (uint32_t part = 0; part < part_count(source) && !any && !failed(s); part++)
            s = find_visible(snapshot, source, part, places[i], request, &cursor, &buffer, &any);
        if (any) places[kept++] = places[i];
    }
    *count = kept;
    block_cursor_release(&cursor);
    column_buffer_release(&buffer);
    return s;
}

/* The same where there are no tombstones and thus nothing is read. */
static void keep_present(const struct snapshot_source *source, const struct select_request *request, uint32_t *places,
                         uint32_t *count)
{
    uint32_t kept = 0;

    for (uint32_t first = 0; first < *count; first += PLACES_AT_ONCE) {
        uint32_t some = *count - first < PLACES_AT_ONCE ? *count - first : PLACES_AT_ONCE;
        bool has[PLACES_AT_ONCE] = {false};
        for (uint32_t h = 0; h < source->head_count; h++)
            head_has(source->heads[h], places + first, some, request->from_ms, request->to_ms, has);
        for (uint32_t i = 0; i < some; i++) {
            if (has[i]) places[kept++] = places[first + i];
        }
    }
    *count = kept;
}

status source_select(struct snapshot *snapshot, struct snapshot_source *source, const struct select_request *request,
                     uint32_t **out, uint32_t *count)
{
    uint32_t series;
    struct index *index = index_of(source, &series);
    struct postings *set;

    TRY(source_find_hidden(snapshot, source));
    TRY(index_select(index, series, request->matchers, request->matcher_count, &set));
    *count = (uint32_t)postings_count(set);
    *out = arena_array(&snapshot->arena, uint32_t, *count);
    postings_to_array(set, *out);
    postings_free(set);
    if (source_has_hidden(source)) return keep_visible(snapshot, source, request, *out, count);
    if (!source->block) keep_present(source, request, *out, count);
    return ok();
}
