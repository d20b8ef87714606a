/* Importing; see db_import.h.
 *
 * A day's series are registered in a registry of their own, and frozen from there like those of a head:
 *   1. under maintenance: a number is reserved in `state`;
 *   2. without any lock: the block is written and made durable;
 *   3. under maintenance: the live head is frozen, so that its samples come before, and `state` names the block.
 */
#include "tsdb/db_import.h"

#include "storage/base/clock.h"
#include "tsdb/compaction.h"
#include "tsdb/db_internal.h"
#include "tsdb/freeze.h"

#include <stdio.h>

#define WINDOW_MS ((int64_t)24 * 3600 * 1000)

/* A day on its way. */
struct import {
    const struct import_source *source;
    const struct label_limits *limits;
    struct import_total *total;
    int64_t from_ms, to_ms;
    struct registry *registry;
    vec(uint32_t) places; /* of each series of the registry its number in the source */
    struct column_buffer buffer;
    struct writer raw, scratch;
    struct arena arena; /* of one series */
};

static status register_series(struct import *import, uint32_t place)
{
    label *pairs;
    size_t count;

    import->raw.count = import->scratch.count = 0;
    arena_reset(&import->arena);
    TRY(import->source->labels(import->source->context, place, &import->raw));
    status s = labels_parse(str_make((const char *)import->raw.data, import->raw.count), import->limits, &pairs, &count,
                            &import->arena);
    if (failed(s)) {
        if (import->total->refused++ == 0)
            snprintf(import->total->refusal, sizeof import->total->refusal, "%s", s.text);
        return ok();
    }
    hash128 fingerprint = registry_identify(import->registry, pairs, count, &import->scratch);
    import->scratch.count = 0;
    registry_write_lock(import->registry);
    uint32_t id = registry_add_locked(import->registry, pairs, count, fingerprint, fingerprint, true, &import->scratch);
    registry_write_unlock(import->registry);
    if (id < import->places.count)
        return status_make(STATUS_CORRUPT, "series %u has the labels of series %u: %.*s", place,
                           import->places.data[id], STR_ARG(labels_print(pairs, count, &import->arena)));
    vec_push(&import->places, place);
    return ok();
}

/* The series of the day; *next_ms is when the next samples may be. */
static status collect(struct import *import, int64_t *next_ms)
{
    const struct import_source *source = import->source;

    for (uint32_t place = 0; place < source->series_count; place++) {
        bool has = false;
        TRY(source->has(source->context, place, import->from_ms, import->to_ms, &has, next_ms));
        if (has) TRY(register_series(import, place));
    }
    return ok();
}

static bool source_has(void *context, uint32_t series)
{
    (void)context, (void)series;
    return true;
}

/* Times have to rise, histograms to be sound and without empty buckets. */
static status check_samples(struct column_buffer *buffer)
{
    for (size_t i = 1; i < buffer->times.count; i++) {
        if (buffer->times.data[i] <= buffer->times.data[i - 1])
            return status_make(STATUS_CORRUPT, "times of a series do not rise: %lld after %lld",
                               (long long)buffer->times.data[i], (long long)buffer->times.data[i - 1]);
    }
    for (size_t i = 0; i < buffer->histograms.count; i++) {
        struct histogram *h = buffer->histograms.data[i];
        if (!h) continue;
        status s = histogram_validate(h);
        if (failed(s)) return status_make(STATUS_CORRUPT, "a native histogram is wrong: %s", s.text);
        uint8_t hint = h->hint;
        *h = *histogram_compact(h, &buffer->arena);
        h->hint = hint;
    }
    return ok();
}

static status source_data(void *context, uint32_t series, struct series_data *out)
{
    struct import *import = context;
    struct column_buffer *buffer = &import->buffer;

    columns_clear(buffer);
    TRY(import->source->read(import->source->context, import->places.data[series], import->from_ms, import->to_ms,
                             buffer));
    TRY(check_samples(buffer));
    if (buffer->times.count == 0 || buffer->times.data[0] < import->from_ms ||
        buffer->times.data[buffer->times.count - 1] > import->to_ms)
        return status_make(STATUS_CORRUPT, "the samples of a series are not where its index says");
    series_data_encode_columns(out, buffer, 0);
    return ok();
}

/* Step 1. */
static status reserve_number(struct db *db, uint32_t *number)
{
    pthread_mutex_lock(&db->maintenance);
    struct state next = state_copy(&db->state);
    *number = next.next++;
    status s = db_save_state_locked(db, &next);
    pthread_mutex_unlock(&db->maintenance);
    return s;
}

/* Step 2. */
static status write_block(struct db *db, struct import *import, uint32_t number, struct block **out)
{
    struct freeze_source from = {.registry = import->registry,
                                 .context = import,
                                 .has = source_has,
                                 .data = source_data};
    struct block_info info = {.number = number,
                              .head_first = number,
                              .head_last = number,
                              .created_ms = clock_now_ms(),
                              .secret = db->secret};
    struct writer metadata = {0};

    metadata_section(db->metadata, &metadata);
    status s = freeze_series(db->fs, &from, str_make((const char *)metadata.data, metadata.count), &info);
    writer_release(&metadata);
    return failed(s) ? s : block_open(db->fs, number, db->cache, out);
}

/* Step 3. */
static status install_locked(struct db *db, struct block *block)
{
    const struct block_info *info = block_get_info(block);
    int64_t seen = atomic_load(&db->newest_ms);

    TRY(db_freeze_locked(db, true));
    struct state next = state_copy(&db->state);
    vec_push(&next.blocks, (struct state_block){info->number, info->min_ms, info->max_ms});
    TRY(db_save_state_locked(db, &next));
    db_publish(db, db->view->blocks, db->view->block_count, block);
    while (info->max_ms > seen && !atomic_compare_exchange_weak(&db->newest_ms, &seen, info->max_ms)) {}
    return ok();
}

static status store(struct db *db, struct import *import)
{
    struct block *block = NULL;
    uint32_t number;

    TRY(reserve_number(db, &number));
    TRY(write_block(db, import, number, &block));
    pthread_mutex_lock(&db->maintenance);
    status s = install_locked(db, block);
    pthread_mutex_unlock(&db->maintenance);
    if (failed(s)) {
        db_drop_made(db, block);
    } else {
        import->total->blocks++;
        import->total->samples += block_get_info(block)->samples;
        import->total->bytes += block_bytes(block);
    }
    block_unref(block);
    return s;
}

static status import_day(struct db *db, struct import *import, int64_t *next_ms)
{
    import->places.count = 0;
    import->registry = registry_new(&db->secret, 0);
    status s = collect(import, next_ms);
    if (!failed(s) && import->places.count) s = store(db, import);
    registry_unref(import->registry);
    return s;
}

status db_import(struct db *db, const struct import_source *source, struct import_total *total)
{
    struct import import = {.source = source, .limits = &db->options.label_limits, .total = total};
    int64_t at_ms = source->min_ms;
    status s = ok();

    while (!failed(s) && source->series_count && at_ms <= source->max_ms) {
        int64_t next_ms = INT64_MAX;
        import.from_ms = compaction_window_start(at_ms, WINDOW_MS);
        import.to_ms = compaction_window_end(at_ms, WINDOW_MS);
        s = import_day(db, &import, &next_ms);
        if (next_ms <= import.to_ms || next_ms == INT64_MAX) break;
        at_ms = next_ms;
    }
    vec_release(&import.places);
    column_buffer_release(&import.buffer);
    writer_release(&import.raw);
    writer_release(&import.scratch);
    arena_release(&import.arena);
    return s;
}
