/* Reading a whole block so that damage is found while there is a copy elsewhere; see block.h.
 *
 * Pages come by the directory of their parity, series data by the series table. Blocks of before there was parity are
 * walked by their tables, through the cache.
 */
#include "tsdb/block_internal.h"

#include "storage/chunk_gorilla.h"
#include "storage/postings.h"

struct scrub {
    struct block *block;
    bool (*pace)(void *context, uint64_t bytes);
    void *context;
    struct column_buffer buffer;
};

enum { PACE_BYTES = 1 << 20 };

/* Damage has been noted by who met it. */
static status unless_damage(status s)
{
    return tells_damage(s) ? ok() : s;
}

static status scrub_series(struct scrub *scrub)
{
    struct block_cursor cursor = {0};
    uint64_t read = 0;
    status s = ok();

    for (uint32_t i = 0; i < scrub->block->info.series && !failed(s); i++) {
        uint64_t before = cursor.data_bytes;
        columns_clear(&scrub->buffer);
        s = unless_damage(block_read(scrub->block, &cursor, i, INT64_MIN, INT64_MAX, &scrub->buffer));
        read += cursor.data_bytes - before;
        if (read < PACE_BYTES && i + 1 < scrub->block->info.series) continue;
        if (!failed(s) && !scrub->pace(scrub->context, read)) s = status_make(STATUS_CANCELED, "the scrub was stopped");
        read = 0;
    }
    block_cursor_release(&cursor);
    return s;
}

static bool ignore_value(void *context, uint32_t value, str text)
{
    (void)context;
    (void)value;
    (void)text;
    return true;
}

static status scrub_name(struct scrub *scrub, const struct block_name_entry *name)
{
    struct index *index = block_index(scrub->block);
    struct postings *set = postings_new();

    status s = unless_damage(index->class->with_name(index, name->text, set));
    if (!failed(s)) s = unless_damage(block_each_value(scrub->block, name, ignore_value, NULL));
    for (uint32_t v = 0; v < name->values.count && !failed(s); v++)
        s = unless_damage(block_postings(scrub->block, name, v, set));
    postings_free(set);
    return s;
}

static status scrub_names(struct scrub *scrub)
{
    const struct block_tables *tables;
    status s = block_tables(scrub->block, &tables);

    if (failed(s)) return unless_damage(s);
    for (uint32_t i = 0; i < tables->name_count; i++) TRY(scrub_name(scrub, &tables->names[i]));
    return ok();
}

status block_scrub(struct block *block, bool (*pace)(void *context, uint64_t bytes), void *context)
{
    struct scrub scrub = {block, pace, context, {.skips_damage = true}};

    status s = block_file_scrub(block->file, pace, context);
    if (!failed(s)) s = scrub_series(&scrub);
    if (!failed(s) && !block_file_has_parity(block->file)) s = scrub_names(&scrub);
    column_buffer_release(&scrub.buffer);
    return s;
}
