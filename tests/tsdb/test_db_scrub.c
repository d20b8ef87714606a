/* The scrub: all blocks are read, damage is noted, and the time is kept over restarts. */
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/db_internal.h"
#include "tsdb/metrics.h"

enum { BLOCKS = 3 };

static struct db *open_db(struct fs *fs, int64_t interval_ms)
{
    struct db_options options = fixture_options(fs);
    struct db *db;

    options.scrub_interval_ms = interval_ms;
    must(db_open(&options, &db));
    return db;
}

static unsigned count_steps(struct db *db)
{
    unsigned steps = 0;

    while (db_scrub_step(db)) steps++;
    return steps;
}

Test(db_scrub, reads_all_blocks_once_an_interval)
{
    const int64_t hour_ms = 3600 * 1000;
    struct fs *fs = fs_memory_new();
    struct db *db = open_db(fs, hour_ms);
    int64_t damaged = metric_get(&metric_blocks_damaged);
    char name[BLOCK_NAME_BYTES];

    log_set_sink(fixture_quiet, NULL);
    for (int i = 0; i < BLOCKS; i++) {
        fixture_append(db, "m", 1000 + i, i);
        must(db_freeze(db));
    }
    block_name(name, block_get_info(db->view->blocks[1])->number);
    cr_assert(fs_memory_flip(fs, name, BLOCK_HEADER_BYTES + 3, 4)); /* in series data */
    cr_expect(count_steps(db) == BLOCKS);
    cr_expect(metric_get(&metric_blocks_damaged) == damaged + 1);
    cr_expect(block_is_damaged(db->view->blocks[1]) && !block_is_damaged(db->view->blocks[0]));
    cr_expect(count_steps(db) == 0, "not again within the hour");
    must(db_close(db));

    db = open_db(fs, hour_ms);
    cr_expect(count_steps(db) == 0, "nor after a restart");
    must(db_close(db));
    db = open_db(fs, 0);
    cr_expect(count_steps(db) == 0, "never");
    must(db_close(db));

    must(fs_replace_file(fs, "scrub", STR("varve scrub 1\ndone 1000\n")));
    db = open_db(fs, hour_ms);
    cr_expect(count_steps(db) == BLOCKS, "after the hour");
    must(db_close(db));
    must(fs_replace_file(fs, "scrub", STR("something else")));
    db = open_db(fs, hour_ms);
    cr_expect(count_steps(db) == BLOCKS, "when the file is damaged");
    must(db_close(db));
    fs_release(fs);
}
