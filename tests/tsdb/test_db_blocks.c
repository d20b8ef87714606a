#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tsdb/db.h"

static void append(struct db *db, int64_t time_ms)
{
    const label pairs[] = {{METRIC_NAME, STR("up")}};
    const uint64_t value = 0;
    struct writer labels = {0};
    struct append_result result = {0};

    labels_write(pairs, 1, &labels);
    struct append_series series = {.labels = str_make((const char *)labels.data, labels.count), .count = 1};
    struct append_batch batch = {
        .series = &series, .series_count = 1, .times_ms = &time_ms, .values = &value, .sample_count = 1};
    must(db_append_wait(db, &batch, &result));
    writer_release(&labels);
}

Test(db_blocks, are_listed)
{
    struct db_options options = db_options_default();
    struct arena arena = {0};
    struct db_block *blocks;
    struct db *db;
    size_t count;

    options.fs = fs_memory_new();
    options.retention_ms = 0;
    options.reserve_bytes = 0;
    options.background = false;
    must(db_open(&options, &db));
    db_blocks(db, &blocks, &count, &arena);
    cr_expect(count == 0);
    append(db, 1000);
    must(db_freeze(db));
    append(db, 5000);
    append(db, 6000);
    must(db_freeze(db));
    db_blocks(db, &blocks, &count, &arena);
    cr_assert(count == 2);
    cr_expect(blocks[0].min_ms == 1000 && blocks[0].max_ms == 1000 && blocks[0].samples == 1 && blocks[0].series == 1);
    cr_expect(blocks[1].min_ms == 5000 && blocks[1].max_ms == 6000 && blocks[1].samples == 2);
    cr_expect(blocks[0].number != blocks[1].number && blocks[0].bytes > 0 && blocks[0].heads == 1);
    db_abandon(db);
    fs_release(options.fs);
    arena_release(&arena);
}
