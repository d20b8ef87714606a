/* Deletes: at once invisible, taken back, purged; what is sent later stays; a crash anywhere leaves one or the other.
 */
#include "tsdb/db_internal.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"

#include <errno.h>

static const int64_t hour = 60 * 60 * 1000;

static status try_delete(struct db *db, const char *text, int64_t from_ms, int64_t to_ms)
{
    struct matcher matchers[8];
    struct arena arena;

    arena_init(&arena, NULL);
    struct db_deletion deletion = {matchers, fixture_matchers(text, matchers, &arena), from_ms, to_ms};
    status s = db_delete(db, &deletion, 1);
    arena_release(&arena);
    return s;
}

static void expect(struct db *db, const char *matchers, const char *expected)
{
    struct arena arena;

    arena_init(&arena, NULL);
    str got = fixture_read(db, matchers, INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(got, str_from(expected)), "%s: %.*s, expected %s", matchers, STR_ARG(got), expected);
    arena_release(&arena);
}

/* Names, or values of a name, as text with commas. */
static void expect_labels(struct db *db, const char *name, const char *expected)
{
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct writer text = {0};
    str *found;
    size_t count;
    bool truncated;

    must(name[0] ? snapshot_label_values(snapshot, str_from(name), &request, 0, &found, &count, &truncated)
                 : snapshot_label_names(snapshot, &request, 0, &found, &count, &truncated));
    for (size_t i = 0; i < count; i++) {
        if (i) writer_u8(&text, ',');
        writer_bytes(&text, found[i].data, found[i].len);
    }
    cr_expect(str_equal(str_make((const char *)text.data, text.count), str_from(expected)), "%s: %.*s, expected %s",
              name, (int)text.count, (const char *)text.data, expected);
    writer_release(&text);
    snapshot_release(snapshot);
}

static struct db_tombstone only_tombstone(struct db *db, struct arena *arena)
{
    struct db_tombstone *tombstones;
    size_t count;

    db_tombstones(db, &tombstones, &count, arena);
    cr_assert(count == 1);
    return tombstones[0];
}

static size_t tombstone_count(struct db *db)
{
    struct db_tombstone *tombstones;
    struct arena arena;
    size_t count;

    arena_init(&arena, NULL);
    db_tombstones(db, &tombstones, &count, &arena);
    arena_release(&arena);
    return count;
}

Test(db_delete, hides_at_once_and_only_what_came_before)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    log_set_sink(fixture_quiet, NULL);
    fixture_append(db, "up job=a", 1000, 1);
    must(db_freeze(db));
    fixture_append(db, "up job=a", 2000, 2);
    fixture_append(db, "up job=b", 2000, 3);
    must(try_delete(db, "job=a", INT64_MIN, INT64_MAX));
    expect(db, "__name__=up", "up{job=\"b\"} 3@2000");
    expect_labels(db, "job", "b");
    /* to correct values: delete, then send again */
    fixture_append(db, "up job=a", 1000, 10);
    expect(db, "job=a", "up{job=\"a\"} 10@1000");
    fixture_close(db);
    db = fixture_open(fs);
    expect(db, "job=a", "up{job=\"a\"} 10@1000");
    must(db_compact(db));
    expect(db, "job=a", "up{job=\"a\"} 10@1000");
    must(db_purge(db));
    must(db_compact(db));
    expect(db, "__name__=up", "up{job=\"a\"} 10@1000\nup{job=\"b\"} 3@2000");
    cr_expect(tombstone_count(db) == 0);
    fixture_close(db);
    twin_check_folder(fs);
    fs_release(fs);
}

Test(db_delete, labels_go_with_their_last_sample)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    log_set_sink(fixture_quiet, NULL);
    fixture_append(db, "up job=a pod=x", 1000, 1);
    fixture_append(db, "up job=a", 1000, 1);
    fixture_append(db, "up job=a", 5000, 1);
    fixture_append(db, "down job=b", 9000, 1);
    /* of pod=x everything goes though the delete is of a part of the time */
    must(try_delete(db, "__name__=up", 500, 1500));
    expect_labels(db, "", "__name__,job");
    expect_labels(db, "job", "a,b");
    expect_labels(db, "pod", "");
    must(try_delete(db, "__name__=down", INT64_MIN, INT64_MAX));
    expect_labels(db, "__name__", "up");
    expect_labels(db, "job", "a");
    must(db_purge(db));
    expect_labels(db, "", "__name__,job");
    expect_labels(db, "job", "a");
    fixture_close(db);
    fs_release(fs);
}

Test(db_delete, is_taken_back_until_it_is_purged)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct arena arena;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    fixture_append(db, "up job=a", 1000, 1);
    must(try_delete(db, "job=a", 0, 1000));
    fixture_append(db, "up job=a", 1000, 7); /* what was stored first wins again after the undo */
    struct db_tombstone tombstone = only_tombstone(db, &arena);
    cr_expect(str_equal(tombstone.matchers, STR("{\"job\"=\"a\"}")) && tombstone.from_ms == 0 &&
              tombstone.to_ms == 1000);
    cr_expect(tombstone.created_ms > 0 && tombstone.purge_ms == tombstone.created_ms + 24 * hour);
    expect(db, "job=a", "up{job=\"a\"} 7@1000");
    cr_expect(db_undelete(db, tombstone.number + 1).code == STATUS_NOT_FOUND);
    must(db_undelete(db, tombstone.number));
    expect(db, "job=a", "up{job=\"a\"} 1@1000");
    cr_expect(db_undelete(db, tombstone.number).code == STATUS_NOT_FOUND);
    fixture_close(db);
    db = fixture_open(fs);
    expect(db, "job=a", "up{job=\"a\"} 1@1000");
    fixture_close(db);
    arena_release(&arena);
    fs_release(fs);
}

Test(db_delete, is_purged_when_its_time_has_come)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct db_stats stats;
    struct db *db;

    log_set_sink(fixture_quiet, NULL);
    options.delete_undo_ms = 0;
    must(db_open(&options, &db));
    fixture_append(db, "up job=a", 1000, 1);
    fixture_append(db, "up job=b", 1000, 1);
    must(db_freeze(db));
    fixture_append(db, "up job=a", 2000, 1);
    must(try_delete(db, "job=a", INT64_MIN, INT64_MAX));
    db_stats(db, &stats);
    cr_expect(stats.block_samples == 3 && tombstone_count(db) == 1);
    for (int i = 0; i < 4; i++) must(db_maintain(db));
    db_stats(db, &stats);
    cr_expect(stats.block_samples == 1 && stats.blocks == 1 && tombstone_count(db) == 0, "%llu samples, %u blocks",
              (unsigned long long)stats.block_samples, stats.blocks);
    fixture_close(db);
    twin_check_folder(fs);
    fs_release(fs);
}

/* A block that came between the last look for hidden samples and the end of a purge keeps the tombstone. */
Test(db_delete, a_purge_does_not_end_before_all_is_gone)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    log_set_sink(fixture_quiet, NULL);
    fixture_append(db, "up job=a", 1000, 1);
    must(db_freeze(db));
    must(try_delete(db, "job=a", INT64_MIN, INT64_MAX));
    pthread_mutex_lock(&db->maintenance);
    must(db_begin_purge_locked(db, true));
    pthread_mutex_unlock(&db->maintenance);
    struct view *view = db_view(db);
    must(db_end_purge(db, view));
    view_unref(view);
    cr_expect(tombstone_count(db) == 1);
    expect(db, "job=a", "");
    must(db_purge(db));
    cr_expect(tombstone_count(db) == 0);
    expect(db, "job=a", "");
    fixture_close(db);
    fs_release(fs);
}

/* Deletes stand in a second file, too: what they hide does not come back when the state is lost or old. */
Test(db_delete, outlives_the_state)
{
    for (int is_old = 0; is_old < 2; is_old++) {
        struct fs *fs = fs_memory_new();
        struct db *db = fixture_open(fs);
        struct arena arena;
        str old;

        log_set_sink(fixture_quiet, NULL);
        arena_init(&arena, NULL);
        fixture_append(db, "up job=a", 1000, 1);
        fixture_append(db, "up job=b", 1000, 2);
        must(db_freeze(db));
        must(fs_read_file(fs, "state", 1 << 20, &arena, &old));
        must(try_delete(db, "job=a", INT64_MIN, INT64_MAX));
        fixture_append(db, "up job=b", 2000, 3);
        fixture_close(db);
        must(is_old ? fs_replace_file(fs, "state", old) : fs_unlink(fs, "state"));
        db = fixture_open(fs);
        expect(db, "__name__=up", "up{job=\"b\"} 2@1000 3@2000");
        must(db_undelete(db, only_tombstone(db, &arena).number));
        expect(db, "job=a", "up{job=\"a\"} 1@1000");
        fixture_close(db);
        arena_release(&arena);
        fs_release(fs);
    }
}

/* A merge across the line would let a tombstone hide what came after it. */
Test(db_delete, merges_keep_to_their_side)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct db_stats stats;

    log_set_sink(fixture_quiet, NULL);
    for (int i = 0; i < 8; i++) {
        fixture_append(db, "up job=a", 1000 * i, i);
        must(db_freeze(db));
        if (i == 3) must(try_delete(db, "job=b", INT64_MIN, INT64_MAX));
    }
    must(db_compact(db));
    db_stats(db, &stats);
    cr_expect(stats.blocks == 2, "%u", stats.blocks);
    must(db_purge(db));
    must(db_compact(db));
    db_stats(db, &stats);
    cr_expect(stats.blocks == 1 && stats.block_samples == 8);
    fixture_close(db);
    fs_release(fs);
}

Test(db_delete, too_many)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct db *db;

    log_set_sink(fixture_quiet, NULL);
    options.tombstones_max = 2;
    must(db_open(&options, &db));
    fixture_append(db, "up job=a", 1000, 1);
    must(try_delete(db, "job=x", 0, 1));
    must(try_delete(db, "job=x", 0, 1));
    status s = try_delete(db, "job=a", INT64_MIN, INT64_MAX);
    cr_expect(s.code == STATUS_LIMIT && strstr(s.text, "--storage.delete-limit"), "%s", s.text);
    expect(db, "job=a", "up{job=\"a\"} 1@1000");
    must(db_purge(db));
    must(try_delete(db, "job=a", INT64_MIN, INT64_MAX));
    expect(db, "job=a", "");
    must(db_delete(db, NULL, 0));
    fixture_close(db);
    fs_release(fs);
}

/* Days of data in blocks and in the head. */
static void fill(struct db *db)
{
    for (int i = 0; i < 30; i++) {
        fixture_append(db, i % 2 ? "up job=a" : "up job=b", i * hour, i);
        fixture_append(db, "late", i * hour - (i % 7) * 10 * hour - i, i);
        if (i % 6 == 5) must(db_freeze(db));
    }
    fixture_append(db, "up job=a", 40 * hour, 40);
}

/* Delete and purge, ended at each of their changes by an error or a power cut. */
Test(db_delete, every_call_may_fail)
{
    struct arena arena;
    bool finished = false;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    for (uint64_t k = 1; !finished; k++) {
        struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
        struct db *db = fixture_open(fs);
        fill(db);
        str before = fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena);
        str others = fixture_read(db, "job!=a", INT64_MIN, INT64_MAX, &arena);
        fs_faulty_plan(fs, FAULT_CHANGES | FAULT_SYNC | FAULT_SYNC_FOLDER, k, k % 2 ? EIO : ENOSPC, 0);
        bool deleted = !failed(try_delete(db, "job=a", INT64_MIN, INT64_MAX));
        finished = deleted && !failed(db_purge(db));
        str expected = deleted ? others : before;
        cr_assert(str_equal(fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena), expected), "call %d",
                  (int)k);
        if (k % 3) {
            fs_memory_crash(disk, k % 3 == 1 ? CRASH_STRICT : CRASH_TORN, k);
            db_abandon(db);
            db = fixture_open(disk);
            str got = fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena);
            /* one that was not answered may hold */
            cr_assert(str_equal(got, expected) || (!deleted && str_equal(got, others)), "call %d", (int)k);
        }
        fs_faulty_heal(fs);
        must(try_delete(db, "job=a", INT64_MIN, INT64_MAX));
        must(db_purge(db));
        must(db_compact(db));
        cr_assert(str_equal(fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena), others), "call %d", (int)k);
        cr_assert(tombstone_count(db) == 0);
        fixture_close(db);
        twin_check_folder(disk);
        fs_release(fs);
        fs_release(disk);
        arena_reset(&arena);
        cr_assert(k < 500);
    }
    arena_release(&arena);
}
