/* One head after another: crashes and failures at every step, what is left on disk, registries, retention. */
#include "storage/base/clock.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/wal_format.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"
#include "tsdb/db_internal.h"
#include "tsdb/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static struct arena arena;

static char complaint[600]; /* the last line that warns of something but a failing disk */

static void keep_complaint(void *context, enum log_level level, str line)
{
    (void)context;
    if (level < LOG_WARN || memmem(line.data, line.len, "output error", 12)) return;
    snprintf(complaint, sizeof complaint, "%.*s", STR_ARG(line));
}

static void init(void)
{
    log_set_sink(keep_complaint, NULL);
    arena_init(&arena, NULL);
}

static void fini(void)
{
    arena_release(&arena);
}

static size_t files_in(struct fs *fs, const char *folder)
{
    str *names;
    size_t count;

    must(fs_list(fs, folder, &arena, &names, &count));
    return count;
}

static void expect_samples(struct db *db, const char *expected)
{
    str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(text, str_from(expected)), "\"%.*s\"", STR_ARG(text));
}

/* The disk stops at call k of a freeze and the power goes: all that was answered is there, and nothing is called
 * damaged. */
static bool cut_at(uint64_t k, enum crash_model model, bool share)
{
    wal_set_boot_id(1);
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct db *db = fixture_open(fs);

    fixture_append(db, "m i=1", 1000, 1);
    fixture_append(db, "m i=2", 1000, 2);
    if (!share) {
        must(db_freeze(db));
        fixture_append(db, "m i=3", 2000, 3);
        for (int i = 4; i < 9; i++)
            fixture_register(head_registry(db->live), arena_format(&arena, "m i=%d", i).data, NULL);
    }
    int64_t damages = metric_get(&metric_damages);
    fs_faulty_plan(fs, FAULT_CHANGES | FAULT_OPEN | FAULT_UNLINK, k, EIO, UINT64_MAX);
    status s = db_freeze(db);
    bool reached = fs_faulty_count(fs) > 0;
    cr_expect(failed(s) || !reached || k > 5, "call %d", (int)k);
    fs_memory_crash(disk, model, k);
    db_abandon(db);
    wal_set_boot_id(2);
    db = fixture_open(disk);
    cr_expect(metric_get(&metric_damages) == damages, "call %d, model %d: a power cut is told as damage: %s", (int)k,
              model, complaint);
    expect_samples(db, share ? "m{i=\"1\"} 1@1000\nm{i=\"2\"} 2@1000"
                             : "m{i=\"1\"} 1@1000\nm{i=\"2\"} 2@1000\nm{i=\"3\"} 3@2000");
    fixture_close(db);
    twin_check_folder(disk);
    fs_release(fs);
    fs_release(disk);
    return reached;
}

Test(db_freeze, power_cuts_at_every_step, .init = init, .fini = fini)
{
    for (int share = 0; share < 2; share++) {
        for (int model = CRASH_NONE; model <= CRASH_ORDERED; model++) {
            uint64_t k = 1;
            while (cut_at(k, (enum crash_model)model, share)) k++;
            cr_expect(k > 10, "%d steps", (int)k);
        }
    }
}

/* Each step fails once; the next maintenance goes on from there, and nothing superfluous is left. */
Test(db_freeze, every_step_can_be_repeated, .init = init, .fini = fini)
{
    for (uint64_t k = 1;; k++) {
        struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
        struct db *db = fixture_open(fs);
        fixture_append(db, "m i=1", 1000, 1);
        fs_faulty_plan(fs, FAULT_CHANGES | FAULT_OPEN, k, k % 2 ? EIO : ENOSPC, 0);
        (void)db_freeze(db);
        bool reached = fs_faulty_count(fs) > 0;
        struct append_result result;
        for (int i = 0; failed(fixture_try(db, "m i=2", 2000, 2, &result)); i++) {
            cr_assert(i < 3, "call %d: it does not recover", (int)k);
            (void)db_maintain(db);
        }
        fs_faulty_heal(fs); /* the call may not have come yet: the log works in a thread */
        for (int i = 0; i < 3; i++) must(db_freeze(db));
        cr_expect(db->frozen == NULL);
        expect_samples(db, "m{i=\"1\"} 1@1000\nm{i=\"2\"} 2@2000");
        cr_expect(files_in(disk, "wal") == 1 && db->state.heads.count == 1, "call %d: %zu logs", (int)k,
                  files_in(disk, "wal"));
        cr_expect(files_in(disk, "block") == db->state.blocks.count, "call %d", (int)k);
        cr_expect(files_in(disk, "registry") <= db->state.registries.count, "call %d", (int)k);
        fixture_close(db);
        cr_expect(files_in(disk, "wal") == 0 && files_in(disk, "registry") == 0, "call %d", (int)k);
        twin_check_folder(disk);
        fs_release(fs);
        fs_release(disk);
        if (!reached) break;
    }
}

/* A reader that comes when the heads have just changed places sees what the new head has answered. */
struct at_switch {
    struct db *db;
    unsigned seen;
};

static void look_at_switch(void *context, enum log_level level, str line)
{
    struct at_switch *at = context;

    (void)level;
    if (!memmem(line.data, line.len, "the log of a head failed", 24)) return;
    fixture_append(at->db, "m", 3000, 3);
    str text = fixture_read(at->db, "", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(text, STR("m 1@1000 2@2000 3@3000")), "\"%.*s\"", STR_ARG(text));
    at->seen++;
}

Test(db_freeze, answered_samples_are_seen_at_once, .init = init, .fini = fini)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct db *db = fixture_open(fs);
    struct at_switch at = {db, 0};
    struct append_result result;

    fixture_append(db, "m", 1000, 1);
    fs_faulty_plan(fs, FAULT_SYNC, 1, EIO, 0);
    cr_assert(failed(fixture_try(db, "m", 2000, 2, &result)));
    log_set_sink(look_at_switch, &at);
    must(db_freeze(db));
    cr_expect(at.seen == 1);
    log_set_sink(fixture_quiet, NULL);
    fixture_close(db);
    fs_release(fs);
    fs_release(disk);
}

/* A registry is handed on while half of its series are in use. */
Test(db_freeze, registry_is_handed_on, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct registry *first = head_registry(db->live);

    for (int i = 0; i < 10; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 1000, 1);
    must(db_freeze(db));
    cr_expect(head_registry(db->live) == first && files_in(fs, "registry") == 1);
    for (int i = 0; i < 5; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 2000, 1);
    must(db_freeze(db));
    cr_expect(head_registry(db->live) == first, "half of its series are in use");
    for (int i = 0; i < 4; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 3000, 1);
    must(db_freeze(db));
    cr_expect(head_registry(db->live) != first && files_in(fs, "registry") == 0, "less than half are");
    cr_expect(registry_series_count(head_registry(db->live)) == 0);
    must(db_freeze(db));
    cr_expect(db->state.blocks.count == 3, "an empty head makes no block");
    fixture_close(db);
    fs_release(fs);
}

Test(db_freeze, when_it_is_due, .init = init, .fini = fini)
{
    static const struct {
        int64_t freeze_ms;
        uint64_t memory_bytes;
        bool append, due;
    } rows[] = {
        {3600 * 1000, 100 << 20, true, false}, {-1, 100 << 20, true, true},         {-1, 100 << 20, false, false},
        {3600 * 1000, 1, true, true},          {INT64_MAX, 100 << 20, true, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fs *fs = fs_memory_new();
        struct db_options options = fixture_options(fs);
        struct db *db;
        options.freeze_ms = rows[i].freeze_ms;
        options.memory_bytes = rows[i].memory_bytes;
        must(db_open(&options, &db));
        if (rows[i].append) fixture_append(db, "m", 1000, 1);
        cr_expect(db_freeze_is_due(db) == rows[i].due, "row %zu", i);
        must(db_maintain(db));
        cr_expect(db->state.blocks.count == rows[i].due, "row %zu", i);
        fixture_close(db);
        fs_release(fs);
    }
}

/* While a full head waits for its block, a second full one takes no more; reading goes on. */
Test(db_freeze, one_head_may_wait, .init = init, .fini = fini)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct db_options options = fixture_options(fs);
    struct append_result result;
    struct db *db;

    options.memory_bytes = 20000;
    options.wal_segment_bytes = 1 << 20;
    must(db_open(&options, &db));
    fixture_append(db, "m", 1, 1);
    for (uint64_t k = 1; !db->frozen; k++) { /* until it is the block that fails */
        fs_faulty_plan(fs, FAULT_OPEN, k, ENOSPC, UINT64_MAX);
        cr_assert(failed(db_freeze(db)));
    }
    fs_faulty_plan(fs, FAULT_OPEN, 1, ENOSPC, UINT64_MAX);
    cr_assert(db->frozen != NULL);
    status s = ok();
    for (int i = 0; i < 400 && !failed(s); i++)
        s = fixture_try(db, arena_format(&arena, "n i=%d", i).data, 1, 1, &result);
    cr_expect(s.code == STATUS_UNAVAILABLE && strstr(s.text, "the head is full"), "%s", s.text);
    cr_expect(str_equal(fixture_read(db, "__name__=m", INT64_MIN, INT64_MAX, &arena), STR("m 1@1")));
    fs_faulty_heal(fs);
    must(db_maintain(db));
    must(fixture_try(db, "another", 1, 1, &result));
    cr_expect(result.stored == 1);
    fixture_close(db);
    fs_release(fs);
    fs_release(disk);
}

static const int64_t hour_ms = 3600 * 1000;

Test(db_freeze, retention, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct db *db;
    int64_t now = clock_now_ms() / (24 * hour_ms) * (24 * hour_ms) - hour_ms; /* what stays is of one day: no merge */

    options.retention_ms = 10 * hour_ms;
    must(db_open(&options, &db));
    for (int i = 30; i > 0; i -= 5) {
        fixture_append(db, "m", now - i * hour_ms, i);
        if (i % 2) fixture_append(db, "m", now - (i + 1) * hour_ms, i); /* late: the block is wide */
        must(db_freeze(db));
    }
    cr_expect(db->state.blocks.count == 6);
    struct snapshot *reader = db_snapshot(db, NULL);
    must(db_maintain(db));
    cr_expect(db->state.blocks.count == 3, "%zu", db->state.blocks.count); /* up to 10 h before the newest */
    cr_expect(files_in(fs, "block") == 6, "a reader has them");
    snapshot_release(reader);
    cr_expect(files_in(fs, "block") == db->state.blocks.count);
    fixture_close(db);
    must(db_open(&options, &db));
    must(db_maintain(db));
    fixture_close(db);
    twin_check_folder(fs);
    fs_release(fs);
}

/* A block that can not be opened hides its time from queries, until the retention takes it. */
Test(db_freeze, retention_of_damaged_blocks, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct selection *selection;
    struct db *db;
    int64_t now = clock_now_ms();
    char name[BLOCK_NAME_BYTES];

    must(db_open(&options, &db));
    fixture_append(db, "m", now - 20 * hour_ms, 1);
    must(db_freeze(db));
    block_name(name, db->state.blocks.data[0].number);
    fixture_append(db, "m", now, 2);
    must(db_close(db));
    must(fs_unlink(fs, name));
    must(db_open(&options, &db));
    struct snapshot *snapshot = db_snapshot(db, NULL);
    cr_expect(snapshot_select(snapshot, &request, &selection).code == STATUS_CORRUPT);
    request.from_ms = now - 10;
    must(snapshot_select(snapshot, &request, &selection));
    request.from_ms = INT64_MIN;
    snapshot_release(snapshot);
    must(db_maintain(db));
    cr_expect(db->state.blocks.count == 2);
    must(db_close(db));
    options.retention_ms = 10 * hour_ms;
    must(db_open(&options, &db));
    must(db_maintain(db));
    cr_expect(db->state.blocks.count == 1);
    snapshot = db_snapshot(db, NULL);
    status s = snapshot_select(snapshot, &request, &selection);
    cr_expect(!failed(s), "%s", s.text);
    snapshot_release(snapshot);
    must(db_close(db));
    must(db_open(&options, &db));
    cr_expect(files_in(fs, "block") == 1);
    must(db_close(db));
    fs_release(fs);
}

enum { ROUNDS = 200 };

struct shared {
    struct db *db;
    _Atomic bool stop;
};

static void *freeze_all_the_time(void *context)
{
    struct shared *shared = context;

    while (!atomic_load(&shared->stop)) {
        must(db_freeze(shared->db));
        struct db_stats stats;
        struct cardinality_report report;
        struct arena scratch;
        arena_init(&scratch, NULL);
        db_stats(shared->db, &stats);
        db_cardinality(shared->db, 5, &report, &scratch);
        arena_release(&scratch);
    }
    return NULL;
}

/* Freezes follow each other while requests and readers come; whoever was answered reads what he wrote. */
Test(db_freeze, under_load, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct shared shared = {fixture_open(fs), false};
    pthread_t thread;

    pthread_create(&thread, NULL, freeze_all_the_time, &shared);
    for (int i = 1; i <= ROUNDS; i++) {
        struct arena scratch;
        char series[32];
        arena_init(&scratch, NULL);
        snprintf(series, sizeof series, "m i=%d", i % 20);
        fixture_append(shared.db, series, i, i);
        snprintf(series, sizeof series, "i=%d", i % 20);
        str text = fixture_read(shared.db, series, i - 1, i, &scratch);
        str expected = arena_format(&scratch, "m{i=\"%d\"} %d@%d", i % 20, i, i);
        cr_assert(str_equal(text, expected), "\"%.*s\"", STR_ARG(text));
        arena_release(&scratch);
    }
    atomic_store(&shared.stop, true);
    pthread_join(thread, NULL);
    fixture_close(shared.db);
    twin_check_folder(fs);
    fs_release(fs);
}
