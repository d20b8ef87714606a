/* Opening folders: lost and old states, missing and cut files, leftovers, disks that fail. */
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/wal_format.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"
#include "tsdb/db_internal.h"
#include "tsdb/metrics.h"

#include <errno.h>
#include <stdio.h>

static struct arena arena;

static void init(void)
{
    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    wal_set_boot_id(1);
}

static void fini(void)
{
    arena_release(&arena);
}

static const char all_samples[] = "m{i=\"1\"} 1@1000 4@4000\nm{i=\"2\"} 2@2000 5@5000\nm{i=\"3\"} 3@3000";

/* Two blocks, a registry's file that the live head rests on, a log. The db was killed. */
static struct fs *make_folder(void)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    fixture_append(db, "m i=1", 1000, 1);
    fixture_append(db, "m i=2", 2000, 2);
    must(db_freeze(db));
    fixture_append(db, "m i=3", 3000, 3);
    fixture_append(db, "m i=1", 4000, 4);
    must(db_freeze(db));
    fixture_append(db, "m i=2", 5000, 5);
    fs_memory_crash(fs, CRASH_NONE, 0);
    db_abandon(db);
    return fs;
}

static void expect_samples(struct fs *fs, const char *expected)
{
    struct db *db = fixture_open(fs);
    str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);

    cr_expect(str_equal(text, str_from(expected)), "\"%.*s\"", STR_ARG(text));
    fixture_close(db);
    twin_check_folder(fs);
}

static str first_file(struct fs *fs, const char *folder)
{
    str *names;
    size_t count;

    must(fs_list(fs, folder, &arena, &names, &count));
    cr_assert(count > 0, "no file in %s", folder);
    return arena_format(&arena, "%s/%.*s", folder, STR_ARG(names[0]));
}

static void cut(struct fs *fs, str name, uint64_t bytes)
{
    struct file *file;

    must(fs_open(fs, name.data, FS_WRITE, &file));
    must(file_truncate(file, bytes));
    must(file_sync(file));
    file_close(file);
}

Test(db_recover, the_state_is_lost, .init = init, .fini = fini)
{
    for (int i = 0; i < 3; i++) {
        struct fs *fs = make_folder();
        int64_t damages = metric_get(&metric_damages);
        if (i == 0) must(fs_unlink(fs, "state"));
        if (i == 1) must(fs_replace_file(fs, "state", STR("")));
        if (i == 2) fs_memory_flip(fs, "state", 100, 3);
        expect_samples(fs, all_samples);
        cr_expect(metric_get(&metric_damages) == damages + 1, "it is told");
        expect_samples(fs, all_samples);
        cr_expect(metric_get(&metric_damages) == damages + 1, "once");
        fs_release(fs);
    }
}

/* A state from before, as from a careless backup: files that it does not know are adopted. */
Test(db_recover, the_state_is_old, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    str old;

    fixture_append(db, "m i=1", 1000, 1);
    must(db_freeze(db));
    must(fs_read_file(fs, "state", 100000, &arena, &old));
    fixture_append(db, "m i=2", 2000, 2);
    must(db_freeze(db));
    fixture_append(db, "m i=3", 3000, 3);
    fs_memory_crash(fs, CRASH_NONE, 0);
    db_abandon(db);
    int64_t damages = metric_get(&metric_damages);
    must(fs_replace_file(fs, "state", old));
    db = fixture_open(fs);
    str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(text, STR("m{i=\"1\"} 1@1000\nm{i=\"2\"} 2@2000\nm{i=\"3\"} 3@3000")), "\"%.*s\"",
              STR_ARG(text));
    cr_expect(metric_get(&metric_damages) > damages);
    fixture_close(db);
    fs_release(fs);
}

static void write_file(struct fs *fs, const char *name)
{
    struct file *file;
    must(fs_open(fs, name, FS_REPLACE, &file));
    must(file_sync(file));
    file_close(file);
}

/* Files of a step that was interrupted go; files with other names stay. */
Test(db_recover, leftovers, .init = init, .fini = fini)
{
    static const char *const gone[] = {"block/00000000", "wal/00000000-0000", "registry/00000000"};
    static const char *const kept[] = {"block/notes", "wal/x-1", "registry/99999999999"};
    struct fs *fs = make_folder();
    struct file *file;

    for (int i = 0; i < 3; i++) {
        write_file(fs, gone[i]);
        write_file(fs, kept[i]);
    }
    int64_t damages = metric_get(&metric_damages);
    expect_samples(fs, all_samples);
    cr_expect(metric_get(&metric_damages) == damages);
    for (int i = 0; i < 3; i++) {
        cr_expect(fs_open(fs, gone[i], FS_READ, &file).code == STATUS_NOT_FOUND, "%s", gone[i]);
        must(fs_open(fs, kept[i], FS_READ, &file));
        file_close(file);
    }
    fs_release(fs);
}

/* A registry's file that is missing or cut costs the series that rest on it, and is told; the start goes on. */
Test(db_recover, a_registry_is_lost, .init = init, .fini = fini)
{
    for (int i = 0; i < 3; i++) {
        struct fs *fs = make_folder();
        str name = first_file(fs, "registry");
        if (i == 0) must(fs_unlink(fs, name.data));
        if (i == 1) cut(fs, name, 0);
        if (i == 2) cut(fs, name, 200);
        int64_t damages = metric_get(&metric_damages);
        struct db_options options = fixture_options(fs);
        struct db *db;
        status s = db_open(&options, &db);
        cr_assert(!failed(s), "way %d: %s", i, s.text);
        cr_expect(metric_get(&metric_damages) > damages, "it is told");
        str text = fixture_read(db, "", INT64_MIN, 4000, &arena);
        cr_expect(str_equal(text, STR("m{i=\"1\"} 1@1000 4@4000\nm{i=\"2\"} 2@2000\nm{i=\"3\"} 3@3000")), "\"%.*s\"",
                  STR_ARG(text));
        fixture_append(db, "m i=2", 6000, 6);
        for (int n = 0; n < 4; n++) fixture_append(db, arena_format(&arena, "n i=%d", n).data, 6000, 7);
        fs_memory_crash(fs, CRASH_NONE, 0);
        db_abandon(db);
        /* Ids of what is lost are not given to other series, whose samples the log's old ones would become. */
        str expected = arena_format(&arena,
                                    "m{i=\"2\"} %s6@6000\nn{i=\"0\"} 7@6000\nn{i=\"1\"} 7@6000\nn{i=\"2\"} 7@6000\n"
                                    "n{i=\"3\"} 7@6000",
                                    i == 2 ? "5@5000 " : ""); /* the cut file still has that series */
        for (int round = 0; round < 2; round++) {
            db = fixture_open(fs);
            text = fixture_read(db, "", 4000, 6000, &arena);
            cr_expect(str_equal(text, expected), "\"%.*s\"", STR_ARG(text));
            must(db_freeze(db));
            fixture_close(db);
        }
        twin_check_folder(fs);
        fs_release(fs);
    }
}

/* A registry's file with one copy cut off loses nothing. */
Test(db_recover, half_a_registry_is_enough, .init = init, .fini = fini)
{
    struct fs *fs = make_folder();
    str name = first_file(fs, "registry");
    struct file *file;
    uint64_t bytes;

    must(fs_open(fs, name.data, FS_READ, &file));
    must(file_size(file, &bytes));
    file_close(file);
    cut(fs, name, bytes - 9);
    struct db *db = fixture_open(fs);
    str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(text, str_from(all_samples)), "\"%.*s\"", STR_ARG(text));
    fixture_close(db);
    fs_release(fs);
}

/* A block that is missing: queries that need its time fail, others and writes go on. */
Test(db_recover, a_block_is_missing, .init = init, .fini = fini)
{
    struct fs *fs = make_folder();
    struct select_request request = {NULL, 0, 0, 2000};
    struct selection *selection;

    must(fs_unlink(fs, first_file(fs, "block").data));
    struct db *db = fixture_open(fs);
    struct snapshot *snapshot = db_snapshot(db, NULL);
    status s = snapshot_select(snapshot, &request, &selection);
    cr_expect(s.code == STATUS_CORRUPT && strstr(s.text, "block/0000000"), "%s", s.text);
    snapshot_release(snapshot);
    str text = fixture_read(db, "", 2000, INT64_MAX, &arena);
    cr_expect(str_equal(text, STR("m{i=\"1\"} 4@4000\nm{i=\"2\"} 5@5000\nm{i=\"3\"} 3@3000")), "\"%.*s\"",
              STR_ARG(text));
    fixture_append(db, "m i=9", 9000, 9);
    must(db_close(db));
    fs_release(fs);
}

static size_t files_in(struct fs *fs, const char *folder)
{
    str *names;
    size_t count;

    must(fs_list(fs, folder, &arena, &names, &count));
    return count;
}

/* Every call fails once: the start may fail, nothing is taken for lost, and the next start has everything. */
Test(db_recover, a_disk_that_fails, .init = init, .fini = fini)
{
    static const unsigned kinds[] = {FAULT_READ, FAULT_OPEN, FAULT_CHANGES | FAULT_UNLINK};
    unsigned failures = 0;

    for (size_t kind = 0; kind < 3; kind++) {
        for (uint64_t k = 1;; k++) {
            struct fs *disk = make_folder(), *fs = fs_faulty_new(disk);
            struct db_options options = fixture_options(fs);
            struct db *db;
            size_t blocks = files_in(disk, "block"), registries = files_in(disk, "registry");
            int64_t damages = metric_get(&metric_damages);
            fs_faulty_plan(fs, kinds[kind], k, EIO, 0);
            status s = db_open(&options, &db);
            bool reached = fs_faulty_count(fs) > 0;
            cr_expect(!failed(s) || s.code == STATUS_IO, "call %d: %s", (int)k, s.text);
            cr_expect(metric_get(&metric_damages) == damages, "call %d: an I/O error is told as damage", (int)k);
            cr_expect(files_in(disk, "block") == blocks && files_in(disk, "registry") == registries);
            if (!failed(s)) db_abandon(db);
            failures += failed(s);
            fs_release(fs);
            fs_memory_crash(disk, CRASH_NONE, 0);
            expect_samples(disk, all_samples);
            fs_release(disk);
            if (!reached) break;
        }
    }
    cr_expect(failures > 8, "%u starts failed", failures);
}

/* Restarts again and again, each killed at once: nothing piles up. */
Test(db_recover, many_restarts, .init = init, .fini = fini)
{
    struct fs *fs = make_folder();

    for (int i = 0; i < 12; i++) {
        struct db *db = fixture_open(fs);
        if (i % 3 == 0) fixture_append(db, "n", 1000 * i, i);
        fs_memory_crash(fs, i % 2 ? CRASH_NONE : CRASH_STRICT, (uint64_t)i);
        db_abandon(db);
        wal_set_boot_id(2 + (uint64_t)i);
    }
    struct db *db = fixture_open(fs);
    must(db_freeze(db));
    cr_expect(files_in(fs, "wal") == 1 && db->state.heads.count == 1);
    str text = fixture_read(db, "__name__=n", -1, INT64_MAX, &arena);
    cr_expect(str_starts_with(text, STR("n 0@0 3@3000 6@6000")) && str_ends_with(text, STR(" 9@9000")), "%.*s",
              STR_ARG(text));
    fixture_close(db);
    fs_release(fs);
}

/* The head goes on where it was: with its registry, not told again, and its series found by their hashes. */
Test(db_recover, the_head_goes_on, .init = init, .fini = fini)
{
    struct fs *fs = make_folder();
    struct db *db = fixture_open(fs);
    struct db_stats stats;

    cr_expect(registry_series_count(head_registry(db->live)) == 3 && registry_valid(head_registry(db->live)));
    fixture_append(db, "m i=3", 7000, 7);
    cr_expect(registry_series_count(head_registry(db->live)) == 3);
    db_stats(db, &stats);
    cr_expect(stats.head_series == 2 && stats.head_samples == 2 && stats.blocks == 2 && stats.block_samples == 4);
    cr_expect(stats.oldest_ms == 1000 && stats.head_min_ms == 5000 && stats.head_max_ms == 7000);
    fixture_close(db);
    fs_release(fs);
}
