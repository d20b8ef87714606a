/* Merging under the whole engine: answers stay, files and state follow, a crash anywhere loses nothing. */
#include "tsdb/db_internal.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"
#include "tsdb/metrics.h"

#include <errno.h>

static const int64_t hour = 60 * 60 * 1000;

/* Three days with late samples, a block every six hours. */
static void fill(struct db *db)
{
    for (int i = 0; i < 72; i++) {
        fixture_append(db, i % 2 ? "up job=a" : "up job=b", i * hour, i);
        fixture_append(db, "late", i * hour - (i % 7) * 10 * hour - i, i);
        if (i % 6 == 5) must(db_freeze(db));
    }
}

static unsigned damage_lines;

static void count_damage(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    damage_lines += memmem(line.data, line.len, "damaged", 7) != NULL;
}

static uint32_t block_files(struct fs *fs)
{
    struct arena arena;
    str *names;
    size_t count;

    arena_init(&arena, NULL);
    must(fs_list(fs, "block", &arena, &names, &count));
    arena_release(&arena);
    return (uint32_t)count;
}

Test(db_compact, leaves_one_block_a_day)
{
    struct fs *fs = fs_memory_new();
    struct db *db;
    struct arena arena;
    struct db_stats stats;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    db = fixture_open(fs);
    fill(db);
    str before = fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena);
    must(db_compact(db));
    str after = fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(before, after), "%.*s\n%.*s", STR_ARG(before), STR_ARG(after));
    db_stats(db, &stats);
    cr_expect(stats.blocks == 6 && block_files(fs) == 6, "%u blocks",
              stats.blocks); /* the late ones go back two days */
    fixture_close(db);
    twin_check_folder(fs);
    db = fixture_open(fs);
    after = fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(before, after));
    fixture_close(db);
    arena_release(&arena);
    fs_release(fs);
}

/* What a sink of log lines has seen of the merge under way: the line of a merge is written before it ends. */
static int64_t seen_bytes, seen_done_bytes;

static void look_at_progress(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    if (!memmem(line.data, line.len, "blocks merged", 13)) return;
    seen_bytes = metric_get(&metric_merging_bytes);
    seen_done_bytes = metric_get(&metric_merging_done_bytes);
}

Test(db_compact, tells_progress_and_cost)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct db *db = fixture_open(fs);
    struct db_stats before, after;
    bool done;

    log_set_sink(look_at_progress, NULL);
    fill(db);
    db_stats(db, &before);
    fs_faulty_plan(fs, FAULT_SYNC_FOLDER, 2, EIO, 0); /* the state's, then the merged block's */
    cr_expect(failed(db_compact_step(db, true, &done)) && metric_get(&metric_merge_failures) == 1);
    cr_expect(metric_get(&metric_merging_bytes) == 0 && metric_get(&metric_merging_done_bytes) == 0);
    must(db_compact(db));
    db_stats(db, &after);
    cr_expect(seen_bytes > 0 && seen_done_bytes == seen_bytes, "%lld of %lld bytes", (long long)seen_done_bytes,
              (long long)seen_bytes);
    cr_expect(metric_get(&metric_merging_bytes) == 0 && metric_get(&metric_merging_done_bytes) == 0);
    cr_expect(metric_get(&metric_merges) > 0 && metric_get(&metric_merged_samples) > 0);
    int64_t gone = metric_get(&metric_merge_read_bytes) - metric_get(&metric_merge_written_bytes);
    cr_expect(gone == (int64_t)before.block_bytes - (int64_t)after.block_bytes, "%lld", (long long)gone);
    fixture_close(db);
    twin_check_folder(disk);
    fs_release(fs);
    fs_release(disk);
}

/* A file system that does something when a merge has begun its block. */
static struct fs_class watched_class;
static const struct fs_class *inner_class;
static struct db *watched;
static void (*meanwhile)(struct db *db);

static status open_watched(struct fs *fs, const char *name, enum fs_mode mode, struct file **out)
{
    struct db *db = watched;

    if (db && mode == FS_REPLACE && str_starts_with(str_from(name), STR("block/"))) {
        watched = NULL; /* what is done may begin a block, too */
        meanwhile(db);
    }
    return inner_class->open(fs, name, mode, out);
}

static void watch(struct db *db, void (*what)(struct db *db))
{
    inner_class = db->fs->class;
    watched_class = *inner_class;
    watched_class.open = open_watched;
    db->fs->class = &watched_class;
    watched = db;
    meanwhile = what;
}

static void write_and_freeze(struct db *db)
{
    fixture_append(db, "up job=a", 80 * hour, 1);
    must(db_freeze(db));
    fixture_append(db, "up job=a", 80 * hour + 1, 1);
}

/* In the middle of a merge requests are answered and heads become blocks: it holds no lock that they need. */
Test(db_compact, nobody_waits_for_a_merge, .timeout = 60)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct arena arena;
    bool done;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    fill(db);
    watch(db, write_and_freeze);
    must(db_compact_step(db, true, &done));
    cr_expect(done && !watched, "the merge has begun a block");
    str found = fixture_read(db, "job=a", 79 * hour, INT64_MAX, &arena);
    cr_expect(str_equal(found, STR("up{job=\"a\"} 1@288000000 1@288000001")), "%.*s", STR_ARG(found));
    fixture_close(db);
    fs->class = inner_class;
    arena_release(&arena);
    fs_release(fs);
}

/* Four blocks of one day, and a sample three days later. */
static void fill_a_day(struct db *db)
{
    for (int i = 0; i < 4; i++) {
        fixture_append(db, "up", i * hour, i);
        must(db_freeze(db));
    }
    fixture_append(db, "up", 72 * hour, 72);
}

/* The first of them. */
static void expire_the_oldest(struct db *db)
{
    uint32_t before = db->view->block_count;

    db->options.retention_ms = 72 * hour - 1;
    pthread_mutex_lock(&db->maintenance);
    must(db_retain_locked(db, 0));
    pthread_mutex_unlock(&db->maintenance);
    cr_assert(db->view->block_count == before - 1);
}

/* A merge of a block that expires meanwhile was in vain: nothing of it comes back, and nothing else goes with it. */
Test(db_compact, what_expires_meanwhile_stays_away)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct arena arena;
    bool done;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    fill_a_day(db);
    watch(db, expire_the_oldest);
    must(db_compact_step(db, true, &done));
    cr_expect(done && !watched, "the merge has begun a block");
    str found = fixture_read(db, "__name__=up", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(found, STR("up 1@3600000 2@7200000 3@10800000 72@259200000")), "%.*s", STR_ARG(found));
    cr_expect(db->view->block_count == 1, "what is left was merged then");
    fixture_close(db);
    fs->class = inner_class;
    arena_release(&arena);
    fs_release(fs);
}

Test(db_compact, readers_keep_what_they_have)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct column_buffer buffer = {0};
    struct selection *selection;
    size_t total = 0;

    log_set_sink(fixture_quiet, NULL);
    fill(db);
    struct snapshot *snapshot = db_snapshot(db, NULL);
    must(db_compact(db));
    must(snapshot_select(snapshot, &request, &selection));
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        samples got;
        cr_assert(selection_read(selection, row, &buffer, &got), "%s", buffer.error.text);
        total += got.count;
    }
    cr_expect(total == 144, "%zu", total);
    snapshot_release(snapshot);
    column_buffer_release(&buffer);
    fixture_close(db);
    cr_expect(block_files(fs) == 6);
    fs_release(fs);
}

/* One block of twelve is damaged: all others become blocks of days, it stays and is told of once. */
Test(db_compact, leaves_damaged_blocks_alone)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct db_stats stats;
    struct arena arena;
    int64_t before = metric_get(&metric_blocks_damaged), failures = metric_get(&metric_merge_failures);

    log_set_sink(count_damage, NULL);
    arena_init(&arena, NULL);
    damage_lines = 0;
    fill(db);
    uint32_t number = block_get_info(db->view->blocks[5])->number;
    char name[BLOCK_NAME_BYTES];
    block_name(name, number);
    cr_assert(fs_memory_flip(fs, name, BLOCK_HEADER_BYTES + 8, 3)); /* in the data of the first series */
    for (int i = 0; i < 3; i++) must(db_compact(db));
    must(db_maintain(db));
    db_stats(db, &stats);
    cr_expect(stats.blocks < 12, "%u blocks", stats.blocks);
    bool is_there = false;
    for (uint32_t i = 0; i < db->view->block_count; i++)
        is_there = is_there || block_get_info(db->view->blocks[i])->number == number;
    cr_expect(is_there);
    cr_expect(damage_lines == 1, "%u lines", damage_lines);
    cr_expect(metric_get(&metric_blocks_damaged) == before + 1);
    cr_expect(metric_get(&metric_merge_failures) == failures);
    must(db_close(db));
    cr_expect(metric_get(&metric_blocks_damaged) == before);
    arena_release(&arena);
    fs_release(fs);
}

/* A merge that ends at each of its changes, by an error, the end of the process or a power cut. */
static void fail_everywhere(enum crash_model model)
{
    struct arena arena;
    bool finished = false;

    arena_init(&arena, NULL);
    for (uint64_t k = 1; !finished; k++) {
        struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
        struct db *db = fixture_open(fs);
        fill(db);
        str before = fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena);
        fs_faulty_plan(fs, FAULT_CHANGES | FAULT_SYNC | FAULT_SYNC_FOLDER, k, k % 2 ? EIO : ENOSPC, 0);
        finished = !failed(db_compact(db));
        cr_assert(str_equal(fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena), before), "call %d", (int)k);
        if (k % 4) {
            fs_memory_crash(disk, model, k);
            db_abandon(db);
            twin_check_folder(disk);
            fs_memory_crash(disk, CRASH_NONE, 0); /* gives up the lock */
            db = fixture_open(disk);
            cr_assert(str_equal(fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena), before), "call %d",
                      (int)k);
        }
        fs_faulty_heal(fs);
        must(db_compact(db));
        cr_assert(str_equal(fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, &arena), before), "call %d", (int)k);
        fixture_close(db);
        twin_check_folder(disk);
        db = fixture_open(disk); /* removes what could not be removed */
        cr_assert(block_files(disk) == 6, "call %d: %u files", (int)k, block_files(disk));
        fixture_close(db);
        fs_release(fs);
        fs_release(disk);
        arena_reset(&arena);
        cr_assert(k < 500);
    }
    arena_release(&arena);
}

Test(db_compact, every_call_may_fail)
{
    static const enum crash_model models[] = {CRASH_NONE, CRASH_STRICT, CRASH_TORN};

    log_set_sink(fixture_quiet, NULL);
    for (size_t i = 0; i < TEST_REPEATS(sizeof models / sizeof models[0]); i++) fail_everywhere(models[i]);
}
