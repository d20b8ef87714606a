/* A disk of a certain size under the engine: it is never passed where a retention size says so; when it is full, writes
 * are refused with the reason, nothing is lost, and they go on when there is space. */
#include "tsdb/db_internal.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"
#include "tsdb/metrics.h"

#include <errno.h>

enum { SERIES = 12, RESERVE = 64 << 10, WAL_BYTES = 4096 };

static const int64_t start_ms = 1700000000000;

static struct db *open_db(struct fs *fs, uint64_t reserve_bytes, uint64_t retention_bytes)
{
    struct db_options options = fixture_options(fs);
    struct db *db;

    options.reserve_bytes = reserve_bytes;
    options.retention_bytes = retention_bytes;
    must(db_open(&options, &db));
    return db;
}

/* One sample for each series; what was answered well goes into the twin. */
static status append_round(struct twin *twin, struct db *db, int round)
{
    struct twin_batch batch = {0};
    struct append_result result;
    int64_t time_ms = start_ms + round * 15000;
    uint64_t values[SERIES]; /* nothing makes them smaller */

    for (size_t i = 0; i < SERIES; i++) {
        values[i] = twin_random(twin);
        twin_batch_add(&batch, &twin->series.data[i], false, &time_ms, &values[i], 1);
    }
    struct append_batch view = twin_batch_view(&batch);
    status s = db_append_wait(db, &view, &result);
    if (!failed(s)) {
        cr_assert(result.stored + result.repeated == SERIES, "%s", result.error);
        for (size_t i = 0; i < SERIES; i++) twin_store(&twin->series.data[i], time_ms, values[i]);
    }
    twin_batch_release(&batch);
    return s;
}

static uint64_t reserved(struct fs *fs)
{
    struct file *file;
    uint64_t bytes = 0;

    if (failed(fs_open(fs, "reserve", FS_READ, &file))) return 0;
    must(file_size(file, &bytes));
    file_close(file);
    return bytes;
}

Test(db_space, the_reserve_is_kept_as_the_options_say)
{
    static const uint64_t sizes[] = {RESERVE, RESERVE, RESERVE / 8, 0, 2 * RESERVE};
    struct fs *fs = fs_memory_new();

    log_set_sink(fixture_quiet, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct db *db = open_db(fs, sizes[i], 0);
        cr_expect(reserved(fs) == sizes[i], "row %zu: %llu", i, (unsigned long long)reserved(fs));
        fixture_close(db);
        cr_expect(reserved(fs) == sizes[i]);
    }
    struct db *db = open_db(fs, RESERVE, 160 << 10);
    cr_expect(reserved(fs) == 10 << 10, "no more than a part of the retention size");
    fixture_close(db);
    fs_release(fs);
}

/* The disk fills up, gets space again, and so on; without and with a reserve. */
static void fill_and_free(uint64_t reserve_bytes)
{
    struct fs *fs = fs_memory_new();
    struct twin twin;
    uint64_t size = 300 << 10;
    int round = 0;

    twin_init(&twin, 4, SERIES);
    fs_memory_limit(fs, size);
    struct db *db = open_db(fs, reserve_bytes, 0);
    for (int times = 0; times < 4; times++) {
        status s = ok();
        for (int refused = 0; refused < 5; round++) {
            s = append_round(&twin, db, round);
            refused = failed(s) ? refused + 1 : 0;
            (void)db_maintain(db);
            if (round % 100 == 99) (void)db_freeze(db);
            cr_assert(round < 20000, "it is never full");
        }
        cr_expect(s.code == STATUS_NO_SPACE && (strstr(s.text, "full") || strstr(s.text, "No space left")), "%s",
                  s.text);
        if (reserve_bytes) {
            cr_expect(strstr(s.text, "the disk of the data folder is full") && strstr(s.text, "--storage.reserve"),
                      "%s", s.text);
            cr_expect(metric_get(&metric_disk_full) == 1);
            struct head_stats stats;
            head_stats(db->live, &stats);
            cr_expect(stats.samples == 0 && !db->frozen, "with the reserve given up the head is a block");
        }
        twin_check_stored(&twin, db); /* reads go on */
        size += 300 << 10;
        fs_memory_limit(fs, size);
        for (int rounds = 0; failed(append_round(&twin, db, round)); rounds++) {
            cr_assert(rounds < 4, "it does not go on");
            (void)db_maintain(db);
        }
        round++;
        (void)db_maintain(db);
        cr_expect(metric_get(&metric_disk_full) == 0 && reserved(fs) == reserve_bytes);
        twin_check_stored(&twin, db);
    }
    if (reserve_bytes) {
        fixture_close(db);
    } else {
        fs_memory_crash(fs, CRASH_STRICT, 1);
        db_abandon(db);
    }
    twin_check_folder(fs);
    db = open_db(fs, reserve_bytes, 0);
    twin_check_stored(&twin, db);
    db_abandon(db);
    twin_release(&twin);
    fs_release(fs);
}

Test(db_space, a_full_disk_with_a_reserve)
{
    log_set_sink(fixture_quiet, NULL);
    fill_and_free(RESERVE);
}

Test(db_space, a_full_disk_without_a_reserve)
{
    log_set_sink(fixture_quiet, NULL);
    fill_and_free(0);
}

/* A start on a disk that others have filled in the meantime uses the reserve. */
Test(db_space, a_start_on_a_full_disk)
{
    struct fs *fs = fs_memory_new();
    struct twin twin;

    log_set_sink(fixture_quiet, NULL);
    twin_init(&twin, 6, SERIES);
    struct db *db = open_db(fs, RESERVE, 0);
    for (int i = 0; i < 50; i++) must(append_round(&twin, db, i));
    db_abandon(db);
    fs_memory_limit(fs, fs_memory_used(fs));
    db = open_db(fs, RESERVE, 0);
    twin_check_stored(&twin, db);
    status s = append_round(&twin, db, 50);
    cr_expect(s.code == STATUS_NO_SPACE, "%s", s.text);
    fs_memory_limit(fs, 0);
    must(db_maintain(db));
    must(append_round(&twin, db, 51));
    fixture_close(db);
    twin_release(&twin);
    fs_release(fs);
}

/* A freeze that finds the disk full has the reserve to be finished with. */
Test(db_space, a_freeze_on_a_full_disk)
{
    struct fs *fs = fs_memory_new();
    struct twin twin;

    log_set_sink(fixture_quiet, NULL);
    twin_init(&twin, 10, SERIES);
    struct db *db = open_db(fs, RESERVE, 0);
    for (int i = 0; i < 50; i++) must(append_round(&twin, db, i));
    fs_memory_limit(fs, fs_memory_used(fs));
    must(db_freeze(db));
    cr_expect(db->view->block_count == 1 && reserved(fs) == 0 && metric_get(&metric_disk_full) == 1);
    cr_expect(append_round(&twin, db, 50).code == STATUS_NO_SPACE);
    fs_memory_limit(fs, 0);
    must(db_maintain(db));
    must(append_round(&twin, db, 51));
    cr_expect(reserved(fs) == RESERVE);
    twin_check_stored(&twin, db);
    fixture_close(db);
    twin_release(&twin);
    fs_release(fs);
}

/* What a merge under way may write counts from its beginning, and what there is of it not once more. */
Test(db_space, merges_under_way_count)
{
    static const char part[3000];
    struct fs *fs = fs_memory_new();
    struct db *db = open_db(fs, 0, 0);
    struct folder_bytes before, after;
    char name[BLOCK_NAME_BYTES];

    log_set_sink(fixture_quiet, NULL);
    fixture_append(db, "up", 1000, 1);
    must(db_freeze(db));
    must(db_folder_bytes_locked(db, &before));
    db->merge_bytes = 5000;
    db->merge_first = db->state.next;
    db->merge_count = 2;
    block_name(name, db->merge_first + 1);
    must(fs_replace_file(fs, name, str_make(part, sizeof part)));
    must(db_folder_bytes_locked(db, &after));
    cr_expect(after.all == before.all + 5000, "%llu, %llu before", (unsigned long long)after.all,
              (unsigned long long)before.all);
    must(fs_unlink(fs, name));
    db->merge_bytes = 0;
    fixture_close(db);
    fs_release(fs);
}

/* The disk is exactly as large as the retention size: nothing ever fails, whatever is written, frozen and merged. */
Test(db_space, the_retention_size_is_never_passed)
{
    static const uint64_t sizes[] = {400 << 10, 800 << 10};

    log_set_sink(fixture_quiet, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct fs *fs = fs_memory_new();
        struct twin twin;
        struct db_stats stats;
        uint64_t most = 0;
        int64_t expired = metric_get(&metric_blocks_expired);
        twin_init(&twin, 7, SERIES);
        fs_memory_limit(fs, sizes[i]);
        struct db *db = open_db(fs, RESERVE, sizes[i]);
        for (int round = 0; round < 12000; round++) {
            must(append_round(&twin, db, round));
            uint64_t used = fs_memory_used(fs);
            if (used > most) most = used;
            if (round % 100 == 99) must(db_freeze(db));
            if (round % 250 == 249) must(db_maintain(db));
            cr_assert(!failed(wal_failure(db->wal)) && !atomic_load(&db->is_disk_full), "size %zu, round %d", i, round);
        }
        db_stats(db, &stats);
        cr_expect(most <= sizes[i] && metric_get(&metric_blocks_expired) > expired);
        cr_expect(stats.block_bytes > sizes[i] / 4, "%llu of %llu bytes are left",
                  (unsigned long long)stats.block_bytes, (unsigned long long)sizes[i]);
        fixture_close(db);
        twin_check_folder(fs);
        twin_release(&twin);
        fs_release(fs);
    }
}

/* What a reader still holds is on the disk, and counts. */
Test(db_space, pinned_blocks_count)
{
    struct fs *fs = fs_memory_new();
    struct twin twin;
    struct folder_bytes before, after;

    log_set_sink(fixture_quiet, NULL);
    twin_init(&twin, 8, SERIES);
    struct db *db = open_db(fs, 0, 0);
    for (int i = 0; i < 400; i++) must(append_round(&twin, db, i));
    must(db_freeze(db));
    struct snapshot *snapshot = db_snapshot(db, NULL);
    must(db_folder_bytes_locked(db, &before));
    db->options.retention_bytes = 1;
    must(db_maintain(db));
    cr_expect(db->view->block_count == 0);
    must(db_folder_bytes_locked(db, &after));
    cr_expect(after.all > before.all / 2 && after.all <= before.all, "%llu, %llu before", (unsigned long long)after.all,
              (unsigned long long)before.all);
    snapshot_release(snapshot);
    must(db_folder_bytes_locked(db, &after));
    cr_expect(after.all < before.all / 2);
    fixture_close(db);
    twin_release(&twin);
    fs_release(fs);
}

/* A merge needs room for what comes out of it; without it nothing is written and the blocks stay. */
Test(db_space, merges_wait_for_room)
{
    struct fs *fs = fs_memory_new();
    struct twin twin;
    bool done;

    log_set_sink(fixture_quiet, NULL);
    twin_init(&twin, 9, SERIES);
    struct db *db = open_db(fs, 0, 0);
    for (int i = 0; i < 800; i++) {
        must(append_round(&twin, db, i));
        if (i % 100 == 99) must(db_freeze(db));
    }
    uint32_t blocks = db->view->block_count;
    fs_memory_limit(fs, fs_memory_used(fs) + 10000);
    status s = db_compact_step(db, true, &done);
    cr_expect(!done && s.code == STATUS_NO_SPACE && strstr(s.text, "a merge of blocks needs"), "%s", s.text);
    cr_expect(db->view->block_count == blocks && !atomic_load(&db->is_disk_full));
    must(append_round(&twin, db, 800));
    fs_memory_limit(fs, 0);
    do {
        must(db_compact_step(db, true, &done));
    } while (done);
    cr_expect(db->view->block_count < blocks);
    twin_check_stored(&twin, db);
    fixture_close(db);
    twin_release(&twin);
    fs_release(fs);
}
