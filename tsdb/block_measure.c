/* What the bytes of a block are for; see block_measure.h. */
#include "tsdb/block_measure.h"

#include "storage/chunk_gorilla.h"
#include "storage/chunk_run.h"
#include "tsdb/block_internal.h"

#define X(code, name, words, is_index) name,
const char *const block_part_names[] = {BLOCK_PARTS(X)};
#undef X
#define X(code, name, words, is_index) words,
const char *const block_part_words[] = {BLOCK_PARTS(X)};
#undef X
#define X(code, name, words, is_index) is_index,
const bool block_part_is_index[] = {BLOCK_PARTS(X)};
#undef X
#define X(code, name) name,
const char *const chunk_form_names[] = {CHUNK_FORMS(X)};
#undef X

/* Adds the pages of large sets that the sets of a name's values refer to. */
static status measure_large_sets(struct block *block, const struct block_name_entry *name, uint64_t *bytes)
{
    status s = ok();

    for (uint32_t index = 0; index < name->postings.pages && !failed(s); index++) {
        const struct page *page;
        uint32_t slots = block_slots(name->values.count, index, BLOCK_SETS_PER_PAGE);
        TRY(page_list_page(block->file, &name->postings, index, &page));
        for (uint32_t slot = 0; slot < slots; slot++) {
            str set;
            if (!block_entry_in_page(page, 0, slots, slot, &set)) break;
            if (set.len == 0 || set.data[0] != BLOCK_SET_ELSEWHERE) continue;
            struct reader in = reader_make(set.data + 1, set.len - 1);
            (void)reader_varint(&in);
            *bytes += reader_varint32(&in);
        }
        page_release(page);
    }
    return s;
}

static status measure_name(struct block *block, const struct block_name_entry *name, uint64_t parts[BLOCK_PART_COUNT])
{
    TRY(page_list_bytes(block->file, &name->values.pages, &parts[BLOCK_PART_DICTIONARIES]));
    TRY(page_list_bytes(block->file, &name->postings, &parts[BLOCK_PART_POSTINGS]));
    parts[BLOCK_PART_PRESENCE] += name->presence.bytes;
    return measure_large_sets(block, name, &parts[BLOCK_PART_POSTINGS]);
}

status block_measure(struct block *block, uint64_t extents, uint64_t stored, uint64_t parts[BLOCK_PART_COUNT])
{
    const struct block_info *info = &block->info;
    const struct block_tables *tables;
    uint64_t known = 0;

    memset(parts, 0, BLOCK_PART_COUNT * sizeof *parts);
    TRY(block_tables(block, &tables));
    parts[BLOCK_PART_CHUNKS] = stored;
    parts[BLOCK_PART_CHUNK_TABLES] = extents - stored;
    TRY(page_list_bytes(block->file, &info->column_pages, &parts[BLOCK_PART_TIMES]));
    parts[BLOCK_PART_MODELS] = info->models.bytes;
    TRY(page_list_bytes(block->file, &info->series_pages, &parts[BLOCK_PART_SERIES]));
    for (uint32_t i = 0; i < tables->name_count; i++) TRY(measure_name(block, &tables->names[i], parts));
    parts[BLOCK_PART_NAMES] = (uint64_t)info->names.bytes + info->lists.bytes;
    parts[BLOCK_PART_METADATA] = info->metadata.bytes;
    parts[BLOCK_PART_PARITY] = block_file_parity_bytes(block->file);
    for (int i = 0; i < BLOCK_PART_FRAME; i++) known += parts[i];
    if (known > block_bytes(block))
        return status_make(STATUS_CORRUPT, "%s: its parts are larger than the file", block_file_name(block->file));
    parts[BLOCK_PART_FRAME] = block_bytes(block) - known;
    return ok();
}

/* A walk over the chunks of one series. */
struct walk {
    struct block *block;
    const struct block_series *series;
    const struct model_decoders *models;
    void (*each)(void *context, const struct block_chunk *chunk);
    void *context;
};

/* What most frames of a run are. */
static enum chunk_form form_of_run(const struct walk *walk, const struct chunk_entry *entry, const uint8_t *bytes)
{
    struct run run = {bytes, entry->bytes, entry->samples, walk->models};
    struct run_summary summary;

    if (!run_summarise(&run, &summary)) return FORM_PACKED;
    const uint32_t *frames = summary.frames_by_coder;
    if (frames[2] >= frames[1] && frames[2] > frames[0]) return FORM_ENTROPY;
    return frames[1] > frames[0] ? FORM_PACKED : FORM_CONSTANT;
}

static void tell_chunk(void *context, const struct chunk_entry *entry, const uint8_t *bytes)
{
    const struct walk *walk = context;
    struct block_chunk chunk = {.form = FORM_RICH,
                                .samples = entry->samples,
                                .min_ms = entry->min_ms,
                                .max_ms = entry->max_ms,
                                .offset = entry->shared_at ? entry->shared_at : walk->series->offset + entry->offset,
                                .bytes = entry->bytes,
                                .is_shared = entry->shared_at != 0};

    if (entry->codec == CHUNK_GORILLA) chunk.form = FORM_GORILLA;
    if (entry->codec == CHUNK_RUN) chunk.form = form_of_run(walk, entry, bytes);
    walk->each(walk->context, &chunk);
}

status block_each_chunk(struct block *block, const struct block_series *series, struct column_buffer *scratch,
                        void (*each)(void *context, const struct block_chunk *chunk), void *context)
{
    struct block_cursor cursor = {.block = block};
    struct series_block around = block_around(&cursor, series);
    struct walk walk = {block, series, NULL, each, context};
    const struct page *models = NULL;
    const uint8_t *data = NULL;

    status s = block_load_data(&cursor, series, scratch, &data);
    if (!failed(s)) s = around.models(around.context, &models);
    if (models) walk.models = (const struct model_decoders *)(const void *)models->data;
    if (!failed(s))
        s = block_in_file(block, series,
                          series_data_each(data, series->bytes, series->fingerprint, &around, scratch, tell_chunk,
                                           &walk));
    block_cursor_release(&cursor);
    return s;
}
