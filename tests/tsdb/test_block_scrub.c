/* Reading a block whole: every flipped bit is mended or noted, wherever it is. */
#include "storage/fs_memory.h"
#include "storage/metrics.h"
#include "storage/page_cache.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/block.h"
#include "tsdb/metrics.h"

static bool keep_pace(void *context, uint64_t bytes)
{
    *(uint64_t *)context += bytes;
    return true;
}

static bool stop(void *context, uint64_t bytes)
{
    (void)context;
    (void)bytes;
    return false;
}

static struct fs *make_folder(uint32_t *number)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct db_block *blocks;
    struct arena arena;
    size_t count;

    arena_init(&arena, NULL);
    for (int i = 0; i < 40; i++) fixture_append(db, i % 2 ? "up job=a" : "down job=b x=y", 1000 * i, i * i);
    must(db_freeze(db));
    db_blocks(db, &blocks, &count, &arena);
    cr_assert(count == 1);
    *number = blocks[0].number;
    fixture_close(db);
    arena_release(&arena);
    return fs;
}

/* Whether the scrub found something in the block. */
static bool scrub(struct fs *fs, uint32_t number)
{
    struct page_cache *cache = page_cache_new(1 << 20);
    int64_t repaired = metric_get(&metric_pages_repaired);
    struct block *block;
    uint64_t read = 0;

    must(block_open(fs, number, cache, &block));
    must(block_scrub(block, keep_pace, &read));
    cr_expect(read > 0);
    bool found = block_is_damaged(block) || metric_get(&metric_pages_repaired) > repaired;
    block_unref(block);
    page_cache_free(cache);
    return found;
}

Test(block_scrub, finds_every_flipped_bit)
{
    uint32_t number;
    char name[BLOCK_NAME_BYTES];

    log_set_sink(fixture_quiet, NULL);
    struct fs *fs = make_folder(&number);
    block_name(name, number);
    cr_assert(!scrub(fs, number));
    for (uint64_t byte = 0; fs_memory_flip(fs, name, byte, (unsigned)byte % 8); byte++) {
        cr_expect(scrub(fs, number), "byte %d", (int)byte);
        fs_memory_flip(fs, name, byte, (unsigned)byte % 8);
    }
    fs_release(fs);
}

Test(block_scrub, stops_when_it_is_told_to)
{
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block *block;
    uint32_t number;

    log_set_sink(fixture_quiet, NULL);
    struct fs *fs = make_folder(&number);
    must(block_open(fs, number, cache, &block));
    cr_expect(block_scrub(block, stop, NULL).code == STATUS_CANCELED);
    block_unref(block);
    page_cache_free(cache);
    fs_release(fs);
}
