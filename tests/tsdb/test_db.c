/* The whole engine against a naive twin: random appends, freezes, merges, deletes, restarts and power cuts. */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/fs_memory.h"
#include "storage/wal_format.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { SERIES = 60, STEP_MS = 15000 };

static const int64_t start_ms = 1700000000000;

static uint64_t random_value(struct twin *twin, const struct twin_series *series)
{
    uint64_t r = twin_random(twin);

    switch (r % 8) {
    case 0: return series->samples.count ? vec_last(&series->samples)->value : double_bits(1);
    case 1: return 0x7FF0000000000002; /* stale */
    case 2: return twin_random(twin);
    case 3: return double_bits(-0.0);
    default: return double_bits((double)(r >> 20 & 0xFFFF) / 4);
    }
}

/* Sends one request of some series: mostly the next samples of each, sometimes old, repeated or conflicting ones. */
static void append_some(struct twin *twin, struct db *db, int64_t *now_ms)
{
    struct twin_batch batch = {0};
    struct append_result result;
    size_t accepted = 0, count = 0;

    *now_ms += STEP_MS;
    for (size_t i = 0; i < twin->series.count; i++) {
        struct twin_series *series = &twin->series.data[i];
        struct twin_sample rows[3] = {0};
        bool is_rich = i % 4 == 3 && twin_random(twin) % 10;
        uint32_t n = 1 + (uint32_t)(twin_random(twin) % 3);
        uint64_t mood = twin_random(twin) % 20;
        if (mood < 6) continue;
        for (uint32_t k = 0; k < n; k++) {
            struct twin_sample *row = &rows[k];
            row->time_ms = *now_ms + k * 100 + (int64_t)(twin_random(twin) % 7);
            if (mood == 19) row->time_ms = *now_ms - (int64_t)(twin_random(twin) % 4000000);
            row->value = random_value(twin, series);
            if (is_rich) twin_enrich(twin, series, row);
            if (mood == 18 && series->samples.count) {
                struct twin_sample *old = &series->samples.data[twin_random(twin) % series->samples.count];
                row->time_ms = old->time_ms;
                if (k % 2) *row = *old;
            }
            accepted += twin_store_sample(series, row);
            count++;
        }
        twin_batch_add_samples(&batch, series, mood % 4 == 0, rows, n);
    }
    struct append_batch view = twin_batch_view(&batch);
    status s = db_append_wait(db, &view, &result);
    cr_assert(!failed(s), "%s", s.text);
    size_t rejected = 0;
    for (int i = 0; i < APPEND_REASON_COUNT; i++) rejected += result.rejected[i];
    cr_assert(result.stored + result.repeated + rejected == count);
    cr_assert(rejected == result.rejected[APPEND_DUPLICATE] && (rejected == 0) == (result.error[0] == 0), "%s",
              result.error);
    cr_assert(result.stored >= accepted, "%zu stored, %zu were new", result.stored, accepted);
    twin_batch_release(&batch);
}

static void run_random(uint64_t seed, int steps)
{
    struct fs *fs = fs_memory_new();
    struct twin twin;
    int64_t now_ms = start_ms;
    static const enum crash_model models[] = {CRASH_NONE, CRASH_STRICT, CRASH_PREFIX, CRASH_TORN, CRASH_ORDERED};

    wal_set_boot_id(1);
    twin_init(&twin, seed, SERIES);
    struct db *db = fixture_open(fs);
    for (int step = 0; step < steps; step++) {
        uint64_t what = twin_random(&twin) % 26;
        if (what < 13) {
            if (twin_random(&twin) % 16 == 0) now_ms += (int64_t)(twin_random(&twin) % 90000000);
            append_some(&twin, db, &now_ms);
        } else if (what < 15) {
            status s = db_freeze(db);
            cr_assert(!failed(s), "%s", s.text);
        } else if (what == 22) {
            must(twin_delete(&twin, db, start_ms - 4000000, now_ms));
        } else if (what == 23) {
            must(twin_undelete(&twin, db));
        } else if (what == 24) {
            if (twin_random(&twin) % 3 == 0) must(twin_purge(&twin, db));
        } else if (what > 19) {
            bool done;
            status s = db_compact_step(db, twin_random(&twin) % 2, &done);
            cr_assert(!failed(s), "%s", s.text);
        } else if (what == 15) {
            status s = db_close(db);
            cr_assert(!failed(s), "%s", s.text);
            fs_memory_crash(fs, CRASH_NONE, 0);
            twin_check_folder(fs);
            db = fixture_open(fs);
        } else if (what == 16) {
            enum crash_model model = models[twin_random(&twin) % 5];
            fs_memory_crash(fs, model, twin_random(&twin));
            db_abandon(db);
            if (model != CRASH_NONE) wal_set_boot_id(2 + (uint64_t)step);
            twin_check_folder(fs);
            db = fixture_open(fs);
        } else {
            twin_check(&twin, db, start_ms - 4000000, now_ms);
        }
    }
    twin_check(&twin, db, start_ms - 4000000, now_ms);
    status s = db_close(db);
    cr_assert(!failed(s), "%s", s.text);
    twin_check_folder(fs);
    twin_release(&twin);
    fs_release(fs);
}

Test(db, agrees_with_its_twin)
{
    const char *rounds = getenv("VARVE_TEST_ROUNDS"), *only = getenv("VARVE_TEST_SEED");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1, count = getenv("VARVE_LONG") ? 8000 : TEST_REPEATS(12);

    if (only) count = 1;
    if (rounds) count = strtoull(rounds, NULL, 10);
    log_set_sink(fixture_quiet, NULL);
    for (uint64_t seed = first; seed < first + count; seed++) run_random(seed, 120);
}

enum { WRITERS = 3, GROUP = 40, ROUNDS = 150 };

struct shared {
    struct db *db;
    struct twin *twin;
    pthread_barrier_t round;           /* of the writers and the reader */
    _Atomic int64_t answered[WRITERS]; /* the time of the last answered request */
};

struct writer_task {
    struct shared *shared;
    int number;
};

/* Sends a request each round that gives all series of a group a sample of the same time. */
static void *write_groups(void *context)
{
    struct writer_task *task = context;
    struct shared *shared = task->shared;

    for (int i = 1; i <= ROUNDS; i++) {
        struct twin_batch batch = {0};
        struct append_result result;
        int64_t time_ms = start_ms + i * 1000;
        uint64_t value = double_bits(i);
        pthread_barrier_wait(&shared->round);
        for (int k = 0; k < GROUP; k++)
            twin_batch_add(&batch, &shared->twin->series.data[task->number * GROUP + k], false, &time_ms, &value, 1);
        struct append_batch view = twin_batch_view(&batch);
        status s = db_append_wait(shared->db, &view, &result);
        while (s.code == STATUS_UNAVAILABLE) { /* it has to wait for a freeze */
            sched_yield();
            s = db_append_wait(shared->db, &view, &result);
        }
        cr_assert(!failed(s), "%s", s.text);
        cr_assert(result.stored == GROUP, "%s", result.error);
        atomic_store(&shared->answered[task->number], time_ms);
        twin_batch_release(&batch);
    }
    return NULL;
}

/* A snapshot shows whole requests, as long as no series gets two while it is read, and all that were answered before it
 * was taken. */
static void check_snapshot(struct shared *shared)
{
    int64_t answered[WRITERS], newest[WRITERS] = {0};
    struct column_buffer buffer = {0};
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct selection *selection;
    size_t counts[WRITERS] = {0};

    for (int i = 0; i < WRITERS; i++) answered[i] = atomic_load(&shared->answered[i]);
    struct snapshot *snapshot = db_snapshot(shared->db, NULL);
    cr_assert(!failed(snapshot_select(snapshot, &request, &selection)));
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        struct label_id pairs[LABELS_MAX];
        size_t pair_count, number = 0;
        label text[LABELS_MAX];
        samples got;
        cr_assert(!failed(selection_label_pairs(selection, row, pairs, &pair_count)));
        for (size_t i = 0; i < pair_count; i++)
            text[i] = (label){snapshot_string(snapshot, pairs[i].name), snapshot_string(snapshot, pairs[i].value)};
        while (labels_compare(shared->twin->series.data[number].pairs, shared->twin->series.data[number].pair_count,
                              text, pair_count) != 0)
            number++;
        size_t writer = number / GROUP;
        cr_assert(selection_read(selection, row, &buffer, &got), "%s", buffer.error.text);
        for (size_t i = 0; i < got.count; i++)
            cr_assert(got.times_ms[i] == start_ms + (int64_t)(i + 1) * 1000 && got.values[i] == (double)(i + 1));
        int64_t last = got.count ? got.times_ms[got.count - 1] : start_ms;
        cr_assert(counts[writer] == 0 || newest[writer] == last, "half a request is seen");
        newest[writer] = last;
        counts[writer]++;
    }
    for (int i = 0; i < WRITERS; i++) {
        cr_assert(answered[i] == 0 || newest[i] >= answered[i], "an answered request is not seen");
        cr_assert(counts[i] == 0 || newest[i] == start_ms || counts[i] == GROUP);
    }
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
}

Test(db, shows_whole_requests_under_load)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct twin twin;
    struct shared shared = {.twin = &twin};
    struct writer_task tasks[WRITERS];
    pthread_t threads[WRITERS];

    log_set_sink(fixture_quiet, NULL);
    options.background = true;
    options.memory_bytes = 100000; /* freezes all the time */
    twin_init(&twin, 1, WRITERS * GROUP);
    status s = db_open(&options, &shared.db);
    cr_assert(!failed(s), "%s", s.text);
    pthread_barrier_init(&shared.round, NULL, WRITERS + 1);
    for (int i = 0; i < WRITERS; i++) {
        tasks[i] = (struct writer_task){&shared, i};
        pthread_create(&threads[i], NULL, write_groups, &tasks[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&shared.round);
        check_snapshot(&shared);
        if (twin_random(&twin) % 3 == 0) cr_assert(!failed(db_freeze(shared.db)));
        if (twin_random(&twin) % 5 == 0) cr_assert(!failed(db_compact(shared.db)));
    }
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    check_snapshot(&shared);
    fixture_close(shared.db);
    options.background = false;
    cr_assert(!failed(db_open(&options, &shared.db)));
    check_snapshot(&shared);
    fixture_close(shared.db);
    twin_release(&twin);
    fs_release(fs);
}
