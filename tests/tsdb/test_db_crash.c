/* The whole engine with the power cut between any two changes of any operation: what was answered is there, what was
 * not is there whole or not at all. In some cuts a sync has failed before, and what was said to fail may be there.
 *
 * A run is a seed, which a failure names: VARVE_TEST_SEED repeats one, or begins with it if VARVE_TEST_ROUNDS says how
 * many there are to be. With VARVE_LONG they are a million steps. */
#include "tsdb/db_internal.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/wal_format.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"

#include <errno.h>
#include <stdlib.h>

enum { SERIES = 12, STEPS = 60, ROUNDS = 40, ROUNDS_LONG = 17000 };

static const int64_t start_ms = 1700000000000;

/* A request, with what it sends to each series. */
struct sent {
    struct twin_sample samples[SERIES];
    bool is_sent[SERIES];
};

/* One sample for some of the series: the next, or now and then one of the past. */
static struct sent choose_samples(struct twin *twin, int64_t *now_ms)
{
    struct sent sent = {0};

    *now_ms += (int64_t)(twin_random(twin) % 16 ? 15000 : twin_random(twin) % 40000000);
    for (size_t i = 0; i < SERIES; i++) {
        struct twin_sample *sample = &sent.samples[i];
        if (twin_random(twin) % 4 == 0) continue;
        sent.is_sent[i] = true;
        sample->time_ms = *now_ms + (int64_t)i;
        if (twin_random(twin) % 6 == 0) sample->time_ms -= (int64_t)(twin_random(twin) % 9000000);
        sample->value = double_bits((double)(twin_random(twin) % 1000));
        if (i % 4 == 3) twin_enrich(twin, &twin->series.data[i], sample);
    }
    return sent;
}

static status send(struct twin *twin, struct db *db, const struct sent *sent)
{
    struct twin_batch batch = {0};
    struct append_result result;

    for (size_t i = 0; i < SERIES; i++) {
        if (sent->is_sent[i])
            twin_batch_add_samples(&batch, &twin->series.data[i], twin_random(twin) % 2, &sent->samples[i], 1);
    }
    struct append_batch view = twin_batch_view(&batch);
    status s = db_append_wait(db, &view, &result);
    twin_batch_release(&batch);
    return s;
}

static void store(struct twin *twin, const struct sent *sent)
{
    for (size_t i = 0; i < SERIES; i++) {
        if (sent->is_sent[i]) (void)twin_store_sample(&twin->series.data[i], &sent->samples[i]);
    }
}

/* How many visible samples the db has. */
static size_t count_samples(struct db *db)
{
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct column_buffer buffer = {0};
    struct selection *selection;
    size_t count = 0;

    must(snapshot_select(snapshot, &request, &selection));
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        samples got;
        cr_assert(selection_read(selection, row, &buffer, &got), "%s", buffer.error.text);
        count += got.count;
    }
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
    return count;
}

static size_t count_twin(const struct twin *twin)
{
    size_t count = 0;

    vec_each (series, &twin->series) count += series->samples.count;
    return count;
}

enum operation { APPEND, FREEZE, COMPACT, DELETE, UNDELETE, PURGE, CLOSE, OPERATIONS };

struct run {
    struct twin twin;
    struct fs *disk, *fs;
    struct db *db;
    int64_t now_ms;
    struct sent sent;
};

static status operate(struct run *run, enum operation what)
{
    struct twin *twin = &run->twin;
    bool done;

    switch (what) {
    case APPEND:
        run->sent = choose_samples(twin, &run->now_ms);
        TRY(send(twin, run->db, &run->sent));
        store(twin, &run->sent);
        return ok();
    case FREEZE: return db_freeze(run->db);
    case COMPACT: return db_compact_step(run->db, twin_random(twin) % 3 == 0, &done);
    case DELETE: return twin_delete(twin, run->db, start_ms - 9000000, run->now_ms);
    case UNDELETE: return twin_undelete(twin, run->db);
    case PURGE: return twin_purge(twin, run->db);
    case CLOSE: {
        struct db *db = run->db;
        run->db = NULL;
        return db_close(db);
    }
    case OPERATIONS: break;
    }
    return ok();
}

static void open_again(struct run *run)
{
    run->db = fixture_open(run->fs);
}

/* The power goes at one of the operation's changes, or behind them; what is left is opened. */
static void operate_and_crash(struct run *run, enum operation what)
{
    static const enum crash_model models[] = {CRASH_STRICT, CRASH_PREFIX, CRASH_TORN, CRASH_ORDERED};
    struct twin *twin = &run->twin;

    bool is_sync_alone = twin_random(twin) % 4 == 0; /* one fails, all else goes on until the cut */
    fs_faulty_plan(run->fs, is_sync_alone ? FAULT_SYNC | FAULT_SYNC_FOLDER : FAULT_CHANGES | FAULT_OPEN | FAULT_UNLINK,
                   1 + twin_random(twin) % (is_sync_alone ? 8 : 24), EIO, is_sync_alone ? 0 : UINT64_MAX / 2);
    status s = operate(run, what);
    fs_memory_crash(run->disk, models[twin_random(twin) % 4], twin_random(twin));
    if (run->db) db_abandon(run->db);
    fs_faulty_heal(run->fs);
    wal_set_boot_id(2 + twin_random(twin) % 1000000);
    twin_check_folder(run->disk);
    fs_memory_crash(run->disk, CRASH_NONE, 0); /* gives up the lock */
    open_again(run);
    if (failed(s)) twin_settle(twin, run->db);
    if (failed(s) && what == APPEND && count_samples(run->db) != count_twin(twin)) store(twin, &run->sent);
}

static void run_seed(uint64_t seed)
{
    /* more appends than anything else */
    static const enum operation often[] = {APPEND,  APPEND,  APPEND, APPEND,   APPEND, FREEZE,
                                           COMPACT, COMPACT, DELETE, UNDELETE, PURGE,  CLOSE};
    struct run run = {.now_ms = start_ms, .disk = fs_memory_new()};

    wal_set_boot_id(1);
    run.fs = fs_faulty_new(run.disk);
    twin_init(&run.twin, seed, SERIES);
    open_again(&run);
    for (int step = 0; step < STEPS; step++) {
        enum operation what = often[twin_random(&run.twin) % (sizeof often / sizeof often[0])];
        if (twin_random(&run.twin) % 3 == 0) {
            operate_and_crash(&run, what);
        } else {
            status s = operate(&run, what);
            cr_assert(!failed(s), "seed %llu step %d: %s", (unsigned long long)seed, step, s.text);
            if (!run.db) {
                fs_memory_crash(run.disk, CRASH_NONE, 0);
                open_again(&run);
            }
        }
        if (step % 4 == 0) twin_check(&run.twin, run.db, start_ms - 9000000, run.now_ms);
    }
    twin_check(&run.twin, run.db, start_ms - 9000000, run.now_ms);
    fixture_close(run.db);
    twin_check_folder(run.disk);
    twin_release(&run.twin);
    fs_release(run.fs);
    fs_release(run.disk);
}

Test(db_crash, between_any_two_changes)
{
    const char *rounds = getenv("VARVE_TEST_ROUNDS"), *only = getenv("VARVE_TEST_SEED");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1, count = TEST_REPEATS(ROUNDS);

    if (getenv("VARVE_LONG")) count = ROUNDS_LONG;
    if (only) count = 1;
    if (rounds) count = strtoull(rounds, NULL, 10);
    log_set_sink(fixture_quiet, NULL);
    for (uint64_t seed = first; seed < first + count; seed++) run_seed(seed);
}
