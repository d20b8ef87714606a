/* What tombstones hide of a source; see hidden.h. */
#include "tsdb/hidden.h"

bool tombstone_touches(const struct tombstone *tombstone, const struct hidden_source *source)
{
    return source->head_first <= tombstone->head_to && source->min_ms <= tombstone->to_ms &&
           source->max_ms >= tombstone->from_ms;
}

static status find_series(const struct tombstone *tombstone, const struct hidden_source *source, struct arena *arena,
                          struct hidden *out)
{
    struct hidden_span span = {.from_ms = tombstone->from_ms, .to_ms = tombstone->to_ms};
    struct postings *set;

    TRY(index_select(source->index, source->series, tombstone->matchers, tombstone->matcher_count, &set));
    span.count = (uint32_t)postings_count(set);
    if (span.count) {
        uint32_t *series = arena_array(arena, uint32_t, span.count);
        postings_to_array(set, series);
        span.series = series;
        out->spans[out->count++] = span;
    }
    postings_free(set);
    return ok();
}

status hidden_find(const struct tombstones *tombstones, const struct hidden_source *source, bool purging,
                   struct arena *arena, struct hidden *out)
{
    uint32_t count = tombstones_count(tombstones);

    *out = (struct hidden){0};
    if (count) out->spans = arena_array(arena, struct hidden_span, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct tombstone *item = &tombstones->items[i];
        if (purging && item->purge_ms != TOMBSTONE_PURGING) continue;
        if (tombstone_touches(item, source)) TRY(find_series(item, source, arena, out));
    }
    return ok();
}

static bool has_series(const struct hidden_span *span, uint32_t series)
{
    uint32_t first = 0, count = span->count;

    while (count > 1) {
        uint32_t half = count / 2;
        if (span->series[first + half] <= series) first += half;
        count -= half;
    }
    return span->series[first] == series;
}

bool hidden_touches(const struct hidden *hidden, uint32_t series)
{
    for (uint32_t i = 0; i < hidden->count; i++) {
        if (has_series(&hidden->spans[i], series)) return true;
    }
    return false;
}

bool hidden_covers(const struct hidden *hidden, uint32_t series, int64_t from_ms, int64_t to_ms)
{
    for (uint32_t i = 0; i < hidden->count; i++) {
        const struct hidden_span *span = &hidden->spans[i];
        if (span->from_ms <= from_ms && span->to_ms >= to_ms && has_series(span, series)) return true;
    }
    return false;
}

void hidden_apply(const struct hidden *hidden, uint32_t series, struct column_buffer *buffer, size_t first)
{
    for (uint32_t i = 0; i < hidden->count; i++) {
        const struct hidden_span *span = &hidden->spans[i];
        if (has_series(span, series)) columns_remove(buffer, first, span->from_ms, span->to_ms);
    }
}
