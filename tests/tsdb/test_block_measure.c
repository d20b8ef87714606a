/* What the bytes of a block are for: the parts make up the file, and the chunks all of the samples. */
#include "tsdb/block_measure.h"

#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/support/must.h"
#include "tests/tsdb/plain_source.h"

struct sums {
    uint64_t chunks, samples, stored;
    int64_t min_ms, max_ms;
};

static void add_chunk(void *context, const struct block_chunk *chunk)
{
    struct sums *sums = context;

    cr_expect(chunk->samples > 0 && chunk->bytes > 0 && chunk->min_ms <= chunk->max_ms);
    sums->chunks++;
    sums->samples += chunk->samples;
    sums->stored += chunk->is_shared ? 0 : chunk->bytes;
    if (chunk->min_ms < sums->min_ms) sums->min_ms = chunk->min_ms;
    if (chunk->max_ms > sums->max_ms) sums->max_ms = chunk->max_ms;
}

Test(block_measure, parts_make_up_the_file)
{
    static const struct plain_source sizes[] = {
        {.metrics = 1, .hosts = 1, .samples = 1},
        {.metrics = 2, .hosts = 300, .samples = 40},
        {.metrics = 1, .hosts = 6000, .samples = 1}, /* sets too large for their page */
        {.metrics = 30, .hosts = 600, .samples = 3}, /* trees of pages */
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct plain_source plain = sizes[i];
        struct fs *fs = fs_memory_new();
        struct page_cache *cache = page_cache_new(1 << 20);
        struct block *block = plain_block(&plain, fs, 3, cache);
        const struct block_info *info = block_get_info(block);
        struct sums sums = {.min_ms = INT64_MAX, .max_ms = INT64_MIN};
        struct block_cursor cursor = {0};
        struct column_buffer buffer = {0};
        uint64_t parts[BLOCK_PART_COUNT], extents = 0, total = 0;
        for (uint32_t ordinal = 0; ordinal < info->series; ordinal++) {
            struct block_series series;
            must(block_series(block, &cursor, ordinal, &series));
            must(block_each_chunk(block, &series, &buffer, add_chunk, &sums));
            extents += series.bytes;
        }
        cr_expect(sums.samples == info->samples && sums.chunks >= info->series, "size %zu", i);
        cr_expect(sums.min_ms == info->min_ms && sums.max_ms == info->max_ms, "size %zu", i);
        must(block_measure(block, extents, sums.stored, parts));
        for (int p = 0; p < BLOCK_PART_COUNT; p++) {
            total += parts[p];
            bool may_be_none = p == BLOCK_PART_METADATA || p == BLOCK_PART_TIMES || p == BLOCK_PART_MODELS;
            cr_expect(parts[p] > 0 || may_be_none, "size %zu: %s", i, block_part_names[p]);
        }
        cr_expect(total == block_bytes(block) && parts[BLOCK_PART_FRAME] < 2000, "size %zu", i);
        block_cursor_release(&cursor);
        column_buffer_release(&buffer);
        block_unref(block);
        page_cache_free(cache);
        fs_release(fs);
    }
}
