/* Backups: what they hold is what was frozen, the next one copies what is new, a crash leaves the one before, and
 * nothing that is no backup is overwritten. */
#include "tsdb/backup.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"
#include "tsdb/db_internal.h"

#include <errno.h>

static struct arena arena;

static void init(void)
{
    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
}

static void fini(void)
{
    arena_release(&arena);
}

/* What was told. */
struct told {
    uint32_t copied, findings, of;
    uint64_t bytes;
};

static void note_copied(void *context, uint32_t block, uint32_t done, uint32_t of, uint64_t bytes)
{
    struct told *told = context;

    cr_expect(block > 0 && done <= of && bytes > 0);
    told->copied++;
    told->bytes += bytes;
    told->of = of;
}

static void note_finding(void *context, str sentence)
{
    ((struct told *)context)->findings++;
    cr_expect(sentence.len > 0);
}

static str all_of(struct db *db)
{
    return fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena);
}

static str content_of(struct fs *fs)
{
    struct db *db = fixture_open(fs);
    str text = all_of(db);

    fixture_close(db);
    return text;
}

static void fill(struct db *db, int64_t from, int blocks)
{
    for (int64_t i = from; i < from + blocks; i++) {
        fixture_append(db, "up job=a", 1000 * i, (double)i);
        fixture_append(db, "up job=b", 1000 * i, (double)i);
        must(db_freeze(db));
    }
}

Test(backup, follows_a_folder_in_use, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new(), *copy = fs_memory_new(), *restored = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct told told = {0};
    struct backup_listener listener = {&told, note_copied, note_finding};
    struct backup_report report;

    fill(db, 1, 3);
    fixture_append(db, "memory", 1000, 1);
    must(backup_folder(fs, copy, &listener, &report));
    cr_expect(report.blocks == 3 && report.copied == 3 && report.removed == 0 && report.findings == 0);
    cr_expect(told.copied == 3 && told.bytes == report.bytes && told.of == 3 && told.findings == 0);
    must(restore_folder(copy, restored, &listener, &report));
    cr_expect(report.blocks == 3 && report.copied == 3);
    str expected = fixture_read(db, "__name__=up", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(content_of(restored), expected));

    fill(db, 4, 1);
    must(backup_folder(fs, copy, &listener, &report));
    cr_expect(report.blocks == 4 && report.copied == 1 && report.removed == 0);
    must(db_compact(db));
    must(backup_folder(fs, copy, &listener, &report));
    cr_expect(report.blocks == 1 && report.copied == 1 && report.removed == 4, "%u %u %u", report.blocks, report.copied,
              report.removed);
    must(backup_folder(fs, copy, &listener, &report));
    cr_expect(report.copied == 0 && report.removed == 0 && report.bytes == 0);
    str now = all_of(db);
    fixture_close(db);
    twin_check_folder(copy);
    fs_release(restored);
    restored = fs_memory_new();
    must(restore_folder(copy, restored, &listener, &report));
    cr_expect(str_equal(content_of(restored), now));
    fs_release(fs);
    fs_release(copy);
    fs_release(restored);
}

Test(backup, keeps_deletes, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new(), *copy = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct told told = {0};
    struct backup_listener listener = {&told, note_copied, note_finding};
    struct backup_report report;
    struct matcher matchers[8];

    fill(db, 1, 2);
    struct db_deletion deletion = {matchers, fixture_matchers("job=a", matchers, &arena), INT64_MIN, INT64_MAX};
    must(db_delete(db, &deletion, 1));
    str expected = all_of(db);
    must(backup_folder(fs, copy, &listener, &report));
    fixture_close(db);
    cr_expect(str_equal(content_of(copy), expected));
    /* also if its state is lost */
    must(fs_unlink(copy, "state"));
    cr_expect(str_equal(content_of(copy), expected));
    fs_release(fs);
    fs_release(copy);
}

Test(backup, refuses_what_is_none, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new(), *other = fs_memory_new(), *copy = fs_memory_new(), *empty = fs_memory_new();
    struct db *db = fixture_open(fs), *others = fixture_open(other);
    struct told told = {0};
    struct backup_listener listener = {&told, note_copied, note_finding};
    struct backup_report report;

    fill(db, 1, 2);
    fill(others, 1, 1);
    fixture_append(others, "up job=c", 1, 1);
    db_abandon(others);
    fs_memory_crash(other, CRASH_NONE, 0);
    cr_expect(backup_folder(empty, copy, &listener, &report).code == STATUS_INVALID, "no state");
    cr_expect(backup_folder(fs, other, &listener, &report).code == STATUS_INVALID, "a data folder");
    cr_expect(restore_folder(other, empty, &listener, &report).code == STATUS_INVALID, "it has a log");
    must(backup_folder(fs, copy, &listener, &report));
    fs_memory_crash(other, CRASH_NONE, 0); /* gives up the lock */
    others = fixture_open(other);
    fixture_close(others);
    fs_memory_crash(copy, CRASH_NONE, 0);
    cr_expect(backup_folder(other, copy, &listener, &report).code == STATUS_INVALID, "another folder's backup");
    fs_memory_crash(other, CRASH_NONE, 0);
    fs_memory_crash(copy, CRASH_NONE, 0);
    cr_expect(restore_folder(copy, other, &listener, &report).code == STATUS_EXISTS, "the target has data");
    fixture_close(db);
    fs_release(fs);
    fs_release(other);
    fs_release(copy);
    fs_release(empty);
}

Test(backup, tells_damage, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new(), *copy = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct told told = {0};
    struct backup_listener listener = {&told, note_copied, note_finding};
    struct backup_report report;
    struct db_block *blocks;
    char name[BLOCK_NAME_BYTES];
    size_t count;

    fill(db, 1, 2);
    db_blocks(db, &blocks, &count, &arena);
    block_name(name, blocks[0].number);
    fs_memory_flip(fs, name, 70, 3);
    must(backup_folder(fs, copy, &listener, &report));
    cr_expect(report.copied == 2 && report.findings > 0 && told.findings == report.findings);
    must(db_close(db));
    fs_release(fs);
    fs_release(copy);
}

/* Each change of a second backup fails, or the power is cut there: the first or the second one is there. */
Test(backup, every_call_may_fail, .init = init, .fini = fini)
{
    bool finished = false;

    for (uint64_t k = 1; !finished; k++) {
        struct fs *fs = fs_memory_new(), *disk = fs_memory_new(), *copy = fs_faulty_new(disk);
        struct db *db = fixture_open(fs);
        struct told told = {0};
        struct backup_listener listener = {&told, note_copied, note_finding};
        struct backup_report report;
        fill(db, 1, 2);
        must(backup_folder(fs, copy, &listener, &report));
        str before = all_of(db);
        fill(db, 3, 1);
        must(db_compact(db));
        str after = all_of(db);
        fs_memory_crash(disk, CRASH_NONE, 0);
        fs_faulty_plan(copy, FAULT_CHANGES | FAULT_SYNC | FAULT_SYNC_FOLDER, k, k % 2 ? EIO : ENOSPC, 0);
        finished = !failed(backup_folder(fs, copy, &listener, &report));
        fs_memory_crash(disk, k % 3 == 1 ? CRASH_STRICT : k % 3 ? CRASH_TORN : CRASH_NONE, k);
        struct fs *restored = fs_memory_new();
        must(restore_folder(disk, restored, &listener, &report));
        str got = content_of(restored);
        cr_assert(str_equal(got, after) || (!finished && str_equal(got, before)), "call %d", (int)k);
        cr_assert(told.findings == 0);
        fs_memory_crash(disk, CRASH_NONE, 0);
        fs_faulty_heal(copy);
        must(backup_folder(fs, copy, &listener, &report));
        fs_memory_crash(disk, CRASH_NONE, 0);
        cr_assert(str_equal(content_of(disk), after), "call %d", (int)k);
        fixture_close(db);
        fs_release(restored);
        fs_release(copy);
        fs_release(disk);
        fs_release(fs);
        arena_reset(&arena);
        cr_assert(k < 200);
    }
}
