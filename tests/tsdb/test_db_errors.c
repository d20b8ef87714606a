/* Every k-th call of the file system fails, with each error, once and for good, under load and while a folder is
 * opened: nothing that was answered well is lost, nothing hangs, and the engine goes on when the disk does. Calls that
 * come to less than was asked for are not even noticed. */
#include "tsdb/db_internal.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/metrics.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/faulty_calls.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"
#include "tsdb/metrics.h"

#include <errno.h>
#include <stdio.h>

enum { SERIES = 8, ROUNDS = 16 };

static const int64_t start_ms = 1700000000000;

static const int errors[] = {ENOSPC, EIO, EMFILE, ENOMEM, EDQUOT};
enum { ERRORS = sizeof errors / sizeof errors[0] };

static struct db_options options_for(struct fs *fs)
{
    struct db_options options = fixture_options(fs);

    options.reserve_bytes = 10000;
    options.retention_bytes = 10 << 20;
    return options;
}

/* One sample for each series; what was answered well goes into the twin. */
static status append_round(struct twin *twin, struct db *db, int round)
{
    struct twin_batch batch = {0};
    struct append_result result;
    int64_t time_ms = start_ms + round * 15000;
    uint64_t value = double_bits(round);

    vec_each (series, &twin->series) twin_batch_add(&batch, series, round % 3 == 0, &time_ms, &value, 1);
    struct append_batch view = twin_batch_view(&batch);
    status s = db_append_wait(db, &view, &result);
    if (!failed(s)) {
        cr_assert(result.stored + result.repeated == twin->series.count, "%s", result.error);
        vec_each (series, &twin->series) twin_store(series, time_ms, value);
    }
    twin_batch_release(&batch);
    return s;
}

static void load(struct twin *twin, struct db *db)
{
    for (int i = 0; i < ROUNDS; i++) {
        for (int attempt = 0; attempt < 3 && failed(append_round(twin, db, i)); attempt++) (void)db_maintain(db);
        if (i % 5 == 4) (void)db_freeze(db);
        if (i % 10 == 9) (void)db_compact(db);
    }
}

/* Two rounds of the background thread, which comes once a second, are enough after the disk has recovered. */
static void must_go_on(struct twin *twin, struct db *db, const char *what)
{
    for (int i = 0; i < 3; i++) {
        status s = append_round(twin, db, ROUNDS);
        for (int attempt = 0; failed(s); attempt++) {
            cr_assert(attempt < 2, "%s: it does not go on: %s", what, s.text);
            (void)db_maintain(db);
            s = append_round(twin, db, ROUNDS);
        }
    }
}

/* Returns whether a call failed: else k is beyond the last one. */
static bool fail_under_load(int error, uint64_t k, uint64_t repeat)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct db_options options = options_for(fs);
    struct twin twin;
    struct db *db;
    char what[64];

    snprintf(what, sizeof what, "errno %d, call %d, %s", error, (int)k, repeat ? "for good" : "once");
    twin_init(&twin, 11, SERIES);
    must(db_open(&options, &db));
    fs_faulty_plan(fs, FAULT_EVERY, k, error, repeat);
    load(&twin, db);
    bool has_failed = fs_faulty_count(fs) > 0;
    fs_faulty_heal(fs);
    must_go_on(&twin, db, what);
    twin_check_stored(&twin, db);
    if (k % 2) {
        fixture_close(db);
    } else {
        fs_memory_crash(disk, CRASH_STRICT, k);
        db_abandon(db);
    }
    twin_check_folder(disk);
    options.fs = disk;
    status s = db_open(&options, &db);
    cr_assert(!failed(s), "%s: %s", what, s.text);
    twin_check_stored(&twin, db);
    db_abandon(db);
    twin_release(&twin);
    fs_release(fs);
    fs_release(disk);
    return has_failed;
}

static void fail_all_under_load(uint64_t repeat)
{
    log_set_sink(fixture_quiet, NULL);
    for (size_t e = 0; e < TEST_REPEATS(ERRORS); e++) {
        /* Each kind of error meets each call, but not every one all of them. */
        for (uint64_t k = 1 + e; fail_under_load(errors[e], k, repeat); k += ERRORS + k / 32) {}
    }
}

Test(db_errors, one_call_fails_under_load)
{
    fail_all_under_load(0);
}

Test(db_errors, all_calls_fail_under_load)
{
    fail_all_under_load(UINT64_MAX);
}

/* A folder with blocks, a registry, and a head that has more registrations in its log. */
static struct fs *make_folder(struct twin *twin)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = options_for(fs);
    struct db *db;

    twin_init(twin, 12, SERIES);
    must(db_open(&options, &db));
    load(twin, db);
    db_abandon(db);
    return fs;
}

/* Opens a copy of the folder while calls fail: it may be refused, with an error of the system; what it answers is
 * right; and afterwards all is there. */
static bool fail_at_start(struct fs *folder, struct twin *twin, int error, uint64_t k, uint64_t repeat)
{
    struct fs *disk = fs_memory_copy(folder), *fs = fs_faulty_new(disk);
    struct db_options options = options_for(fs);
    struct db *db;
    int64_t damages = metric_get(&metric_damages);

    fs_faulty_plan(fs, FAULT_EVERY, k, error, repeat);
    status s = db_open(&options, &db);
    bool has_failed = fs_faulty_count(fs) > 0;
    if (failed(s)) {
        cr_expect(s.code == STATUS_IO || s.code == STATUS_NO_SPACE || s.code == STATUS_UNAVAILABLE, "errno %d: %s",
                  error, s.text);
    } else {
        (void)append_round(twin, db, ROUNDS); /* it can have been stored without an answer: the same again */
        fs_faulty_heal(fs);
        must_go_on(twin, db, "after the start");
        twin_check_stored(twin, db);
        db_abandon(db);
    }
    cr_expect(metric_get(&metric_damages) == damages, "errno %d, call %d is taken for damage", error, (int)k);
    options.fs = disk;
    fs_memory_crash(disk, CRASH_STRICT, k);
    twin_check_folder(disk);
    must(db_open(&options, &db));
    twin_check_stored(twin, db);
    fixture_close(db);
    fs_release(fs);
    fs_release(disk);
    return has_failed;
}

static void fail_all_at_start(uint64_t repeat)
{
    log_set_sink(fixture_quiet, NULL);
    for (size_t e = 0; e < TEST_REPEATS(ERRORS); e++) {
        for (uint64_t k = 1;; k++) {
            struct twin twin;
            struct fs *folder = make_folder(&twin);
            bool has_failed = fail_at_start(folder, &twin, errors[e], k, repeat);
            twin_release(&twin);
            fs_release(folder);
            if (!has_failed) break;
        }
    }
}

Test(db_errors, one_call_fails_at_start)
{
    fail_all_at_start(0);
}

Test(db_errors, all_calls_fail_at_start)
{
    fail_all_at_start(UINT64_MAX);
}

/* On the real file system: whatever is interrupted or short is simply done again. */
static void come_to_less(enum faulty_kind kind)
{
    int64_t log_failures = metric_get(&metric_wal_failures), freeze_failures = metric_get(&metric_freeze_failures);
    struct arena arena;

    arena_init(&arena, NULL);
    log_set_sink(fixture_quiet, NULL);
    for (uint64_t every = 2; every < 6; every++) {
        const char *path;
        struct fs *fs;
        struct twin twin;
        struct db *db;
        must(folder_make_temporary(&arena, &path));
        twin_init(&twin, every, SERIES);
        uint64_t before = faulty_calls_count();
        faulty_calls_plan(kind, every);
        for (int start = 0; start < 3; start++) {
            must(fs_open_folder(path, &fs));
            struct db_options options = options_for(fs);
            must(db_open(&options, &db));
            load(&twin, db);
            twin_check_stored(&twin, db);
            if (start % 2) {
                must(db_close(db));
            } else {
                db_abandon(db);
            }
            fs_release(fs);
        }
        faulty_calls_plan(kind, 0);
        cr_expect(faulty_calls_count() > before + 50, "only %d calls", (int)(faulty_calls_count() - before));
        must(fs_open_folder(path, &fs));
        struct db_options options = options_for(fs);
        must(db_open(&options, &db));
        twin_check_stored(&twin, db);
        must(db_close(db));
        fs_release(fs);
        must(fs_open_folder(path, &fs));
        twin_check_folder(fs);
        twin_release(&twin);
        fs_release(fs);
    }
    cr_expect(metric_get(&metric_wal_failures) == log_failures &&
              metric_get(&metric_freeze_failures) == freeze_failures);
    arena_release(&arena);
}

Test(db_errors, interrupted_calls_are_not_noticed)
{
    come_to_less(CALL_INTERRUPTED);
}

Test(db_errors, short_calls_are_not_noticed)
{
    come_to_less(CALL_SHORT);
}
