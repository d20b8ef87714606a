/* What the runs of a block share: time columns and models, see block_runs.h.
 *
 * Decoded ones stay in the page cache beside the pages, with the block as their owner: a column under its number plus
 * one, the models under zero. So many series of a scrape decode their times once, and memory is bounded.
 */
#include "storage/chunk_run.h"
#include "storage/page_cache.h"
#include "tsdb/block_internal.h"

static status malformed(struct block *block, const char *what, uint32_t number)
{
    return block_note(block, status_make(STATUS_CORRUPT, "%s: %s %u is malformed", block_file_name(block->file), what,
                                         number));
}

static status cached_models(struct block *block, const struct page **out)
{
    const struct page *page;

    *out = NULL;
    if (block->info.models.bytes == 0) return ok();
    *out = page_cache_find(block->cache, block, 0);
    if (*out) return ok();
    TRY(block_file_page(block->file, block->info.models, &page));
    struct model_decoders *models = model_decoders_read(str_make((const char *)page->data, page->bytes));
    page_release(page);
    if (!models) return malformed(block, "the page of models of block", block->info.number);
    size_t bytes = sizeof *models + models->count * sizeof models->list[0];
    *out = page_cache_add(block->cache, block, 0, (uint8_t *)models, (uint32_t)bytes);
    return ok();
}

/* The stored form of a column, with slack behind it. */
static status load_column(struct block *block, uint32_t column, struct writer *out)
{
    uint32_t index = column / BLOCK_COLUMNS_PER_PAGE;
    const struct page *page;
    str entry;

    if (column >= block->info.columns)
        return status_make(STATUS_CORRUPT, "%s: there is no time column %u", block_file_name(block->file), column);
    TRY(page_list_page(block->file, &block->info.column_pages, index, &page));
    uint32_t slots = block_slots(block->info.columns, index, BLOCK_COLUMNS_PER_PAGE);
    bool good = block_entry_in_page(page, 0, slots, column % BLOCK_COLUMNS_PER_PAGE, &entry);
    if (good) writer_bytes(out, entry.data, entry.len);
    page_release(page);
    memset(writer_reserve(out, RUN_SLACK_BYTES), 0, RUN_SLACK_BYTES);
    return good ? ok() : malformed(block, "time column", column);
}

static status decode_column(struct block *block, uint32_t column, const struct writer *stored, const struct page **out)
{
    struct reader in = reader_make(stored->data, stored->count);
    uint32_t count = reader_varint32(&in);
    const struct page *models;

    if (reader_failed(&in) || count == 0 || count > PAGE_RAW_BYTES_MAX / sizeof(int64_t))
        return malformed(block, "time column", column);
    TRY(cached_models(block, &models));
    struct run run = {in.at, reader_left(&in), count,
                      models ? (const struct model_decoders *)(const void *)models->data : NULL};
    int64_t *times_ms = memory_alloc(count * sizeof *times_ms);
    bool good = run_decode_times(&run, 0, count, times_ms);
    page_release(models);
    for (uint32_t i = 1; good && i < count; i++) good = times_ms[i - 1] < times_ms[i];
    if (!good) {
        free(times_ms);
        return malformed(block, "time column", column);
    }
    *out = page_cache_add(block->cache, block, (uint64_t)column + 1, (uint8_t *)times_ms,
                          (uint32_t)(count * sizeof *times_ms));
    return ok();
}

static status cached_times(struct block *block, uint32_t column, const struct page **out)
{
    struct writer stored = {0};

    *out = page_cache_find(block->cache, block, (uint64_t)column + 1);
    if (*out) return ok();
    status s = load_column(block, column, &stored);
    if (!failed(s)) s = decode_column(block, column, &stored, out);
    writer_release(&stored);
    return s;
}

/* Most series of a scrape have one column, so the last one stays with the cursor. */
static status times_of(void *context, uint32_t column, const struct page **out)
{
    struct block_cursor *cursor = context;

    if (!cursor->times || cursor->times_column != column) {
        page_release(cursor->times);
        cursor->times = NULL;
        TRY(cached_times(cursor->block, column, &cursor->times));
        cursor->times_column = column;
    }
    *out = cursor->times;
    return ok();
}

static status models_of(void *context, const struct page **out)
{
    struct block_cursor *cursor = context;

    if (!cursor->has_models) TRY(cached_models(cursor->block, &cursor->models));
    cursor->has_models = true;
    *out = cursor->models;
    return ok();
}

static status read_bytes(void *context, uint64_t offset, void *out, size_t bytes)
{
    struct block *block = ((struct block_cursor *)context)->block;

    if (offset > block_bytes(block) || bytes > block_bytes(block) - offset)
        return status_make(STATUS_CORRUPT, "%s: a shared run lies beyond the end", block_file_name(block->file));
    return block_file_read(block->file, offset, out, bytes);
}

struct series_block block_around(struct block_cursor *cursor, const struct block_series *series)
{
    return (struct series_block){cursor, cursor->block->info.number, series->offset, times_of, models_of, read_bytes};
}
