/* The budget of memory: what counts, what a bomb of new series does to it and to those that were there before. */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"

#include <stdio.h>
#include <time.h>

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

Test(db_memory, the_cache_has_a_share)
{
    static const struct {
        uint64_t memory, cache, expected;
    } rows[] = {{800, 0, 100}, {800, 300, 300}, {800, 400, 400}, {800, 500, 400}, {800, UINT64_MAX, 400}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct db_options options = {.memory_bytes = rows[i].memory, .cache_bytes = rows[i].cache};
        cr_expect(db_cache_bytes(&options) == rows[i].expected, "row %zu", i);
    }
}

Test(db_memory, heads_registries_and_work_count, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    uint64_t last = db_memory_bytes(db);

    for (int i = 0; i < 100; i++) fixture_append(db, arena_format(&arena, "m%d i=%d j%d=x", i, i, i).data, 1000, 1);
    uint64_t some = db_memory_bytes(db);
    cr_expect(some - last > 100 * 4096, "each label name has a page: %llu bytes", (unsigned long long)(some - last));
    account_charge(&db->work, 12345);
    cr_expect(db_memory_bytes(db) == some + 12345);
    account_return(&db->work, 12345);
    must(db_freeze(db));
    cr_expect(db_memory_bytes(db) <= some && db_memory_bytes(db) > last, "the registry is handed on");
    cr_expect(account_over(&db->work) == false && atomic_load(&db->work.used_bytes) == 0);
    fixture_close(db);
    fs_release(fs);
}

enum { BOMB = 150000, REQUEST = 500, KNOWN = 20 };

static uint64_t memory_now(struct db *db)
{
    pthread_rwlock_rdlock(&db->switching);
    uint64_t bytes = db_memory_bytes(db);
    pthread_rwlock_unlock(&db->switching);
    return bytes;
}

/* Sends the request until all of it is stored, as a sender does that is told to come again. Returns how often that was.
 */
static int send_until_stored(struct db *db, const struct append_batch *batch, char *why)
{
    for (int times = 0;; times++) {
        struct append_result result;
        struct timespec wait = {0, 2000000};
        status s = db_append_wait(db, batch, &result);
        if (failed(s)) {
            cr_assert(s.code == STATUS_UNAVAILABLE && strstr(s.text, "--storage.memory"), "%s", s.text);
        } else if (result.rejected[APPEND_SERIES_LIMIT] == 0) {
            cr_assert(result.stored + result.repeated == batch->sample_count, "%s", result.error);
            return times;
        } else {
            cr_assert(result.retry && strstr(result.error, "--storage.memory"), "%s", result.error);
            snprintf(why, sizeof result.error, "%s", result.error);
        }
        cr_assert(times < 5000, "it never goes on");
        nanosleep(&wait, NULL);
    }
}

static void make_series(struct append_series *series, uint32_t first, uint32_t count, const char *format)
{
    for (uint32_t i = 0; i < count; i++) {
        str text = arena_format(&arena, format, first + i); /* NOLINT: the formats are below */
        series[i] = (struct append_series){fixture_raw(text.data, &arena), i, 1};
    }
}

/* Of all series, each time once. */
static uint64_t count_samples(struct db *db)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct column_buffer buffer = {0};
    struct selection *selection;
    samples column;
    uint64_t count = 0;

    must(snapshot_select(snapshot, &request, &selection));
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        cr_assert(selection_read(selection, row, &buffer, &column), "%s", buffer.error.text);
        count += column.count;
    }
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
    return count;
}

/* A sender makes a new series with each sample; another one has a few. The memory stays within its budget after every
 * request, and both get their samples in. */
Test(db_memory, a_bomb_of_series, .init = init, .fini = fini, .timeout = 120)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct append_series known[KNOWN], series[REQUEST];
    int64_t times[REQUEST];
    uint64_t values[REQUEST] = {0}, most = 0;
    char why[400] = "";
    struct db *db;
    struct db_stats stats;

    options.memory_bytes = 12 << 20;
    options.background = true;
    options.wal_segment_bytes = 1 << 20;
    must(db_open(&options, &db));
    make_series(known, 0, KNOWN, "known i=%u");
    for (uint32_t sent = 0; sent < BOMB; sent += REQUEST) {
        struct append_batch batch = {
            .series = series, .series_count = REQUEST, .times_ms = times, .values = values, .sample_count = REQUEST};
        for (uint32_t i = 0; i < REQUEST; i++) times[i] = 1000 + sent;
        make_series(series, sent, REQUEST, "bomb user=u%08u pod=abcdefgh");
        send_until_stored(db, &batch, why);
        batch = (struct append_batch){
            .series = known, .series_count = KNOWN, .times_ms = times, .values = values, .sample_count = KNOWN};
        send_until_stored(db, &batch, why);
        uint64_t now = memory_now(db);
        if (now > most) most = now;
        arena_reset(&arena);
        make_series(known, 0, KNOWN, "known i=%u");
    }
    uint64_t cache = db_cache_bytes(&options);
    cr_expect(most + cache <= options.memory_bytes, "%llu bytes", (unsigned long long)most);
    cr_expect(most > options.memory_bytes / 4, "the budget is used: %llu bytes", (unsigned long long)most);
    must(db_freeze(db));
    db_stats(db, &stats);
    uint64_t expected = BOMB + (uint64_t)BOMB / REQUEST * KNOWN, read = count_samples(db);
    cr_expect(read == expected, "%llu samples", (unsigned long long)read);
    cr_expect(stats.block_samples >= expected, "what was sent again may lie in two blocks");
    str first = fixture_read(db, "__name__=known i=7", INT64_MIN, INT64_MAX, &arena);
    cr_expect(memmem(first.data, first.len, "0@1000 ", 7) && memmem(first.data, first.len, "0@150500", 7), "%.*s",
              STR_ARG(first));
    fixture_close(db);
    fs_release(fs);
}

/* The error of a limit names what explodes. */
Test(db_memory, what_explodes_is_named, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct append_result result;
    struct db *db;

    options.series_max = 30;
    must(db_open(&options, &db));
    for (int i = 0; i < 5; i++) fixture_append(db, arena_format(&arena, "quiet i=%d", i % 3).data, i, 1);
    for (int i = 0; i < 27; i++) fixture_append(db, arena_format(&arena, "bomb user=%d i=0", i).data, 1, 1);
    must(fixture_try(db, "other", 1, 1, &result));
    cr_expect(result.rejected[APPEND_SERIES_LIMIT] == 1 && !result.retry);
    cr_expect(strcmp(result.error,
                     "the head has 30 series, new ones beyond the limit of 30 are refused "
                     "(--storage.series-limit); most series has the metric \"bomb\" (27), most values the "
                     "label \"user\" (27)") == 0,
              "%s", result.error);
    fixture_append(db, "quiet i=1", 100, 1);
    fixture_close(db);
    fs_release(fs);
}
