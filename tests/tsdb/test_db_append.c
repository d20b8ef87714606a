/* Appending to a db: what is refused and why, limits, clock rules, metadata, what an answer rests on. */
#include "storage/base/clock.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/db_internal.h"

#include <errno.h>
#include <stdio.h>

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

static struct db *open_with(struct db_options options)
{
    struct db *db;

    must(db_open(&options, &db));
    return db;
}

static void expect_rejected(struct db *db, const char *series, int64_t time_ms, enum append_reason reason,
                            const char *sentence)
{
    struct append_result result;

    must(fixture_try(db, series, time_ms, 1, &result));
    cr_expect(result.stored == 0 && result.rejected[reason] == 1, "%s at %lld: %s", series, (long long)time_ms,
              result.error);
    cr_expect(strstr(result.error, sentence), "%s", result.error);
}

Test(db_append, a_bad_series_does_not_harm_the_others, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    options.label_limits = (struct label_limits){3, 20, 20};
    struct db *db = open_with(options);
    static const int64_t times[] = {1, 2, 3, 4, 5, 6, 7};
    static const uint64_t values[7] = {0};
    struct append_series series[] = {
        {fixture_raw("up a=1", &arena), 0, 2},         {STR("\xFF\xFF"), 2, 2},
        {fixture_raw("up a=1 b=2 c=3", &arena), 4, 1}, {fixture_raw("up a=123456789012345678901", &arena), 5, 0},
        {fixture_raw("up a=2", &arena), 6, 1},
    };
    struct append_batch batch = {
        .series = series, .series_count = 5, .times_ms = times, .values = values, .sample_count = 7};
    struct append_result result;

    must(db_append_wait(db, &batch, &result));
    cr_expect(result.stored == 3 && result.rejected[APPEND_INVALID_LABELS] == 2 &&
              result.rejected[APPEND_LABEL_LIMIT] == 1 && result.error[0] && !result.retry);
    must(db_append_wait(db, &batch, &result));
    cr_expect(result.rejected[APPEND_DUPLICATE] == 0 && result.stored + result.repeated == 3);
    str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(text, STR("up{a=\"1\"} 0@1 0@2\nup{a=\"2\"} 0@7")), "%.*s", STR_ARG(text));
    must(db_append_wait(db, &(struct append_batch){0}, &result));
    cr_expect(result.stored == 0 && result.error[0] == 0);
    fixture_close(db);
    fs_release(fs);
}

/* Many new series in one request: the limit holds, and what is over it is refused by a sentence that names it. */
Test(db_append, series_limit, .init = init, .fini = fini)
{
    enum { SERIES = 1000, LIMIT = 300 };
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    options.series_max = LIMIT;
    struct db *db = open_with(options);
    struct append_series series[SERIES];
    int64_t times[SERIES];
    uint64_t values[SERIES] = {0};
    struct append_result result;
    struct db_stats stats;

    for (uint32_t i = 0; i < SERIES; i++) {
        series[i] = (struct append_series){fixture_raw(arena_format(&arena, "m i=%u", i).data, &arena), i, 1};
        times[i] = 1000;
    }
    struct append_batch batch = {
        .series = series, .series_count = SERIES, .times_ms = times, .values = values, .sample_count = SERIES};
    must(db_append_wait(db, &batch, &result));
    cr_expect(result.stored == LIMIT && result.rejected[APPEND_SERIES_LIMIT] == SERIES - LIMIT, "%zu stored, %s",
              result.stored, result.error);
    cr_expect(strstr(result.error, "limit of 300"), "%s", result.error);
    expect_rejected(db, "another", 1000, APPEND_SERIES_LIMIT, "limit of 300");
    fixture_append(db, "m i=7", 2000, 1);
    db_stats(db, &stats);
    cr_expect(stats.head_series == LIMIT);
    fixture_close(db);
    fs_release(fs);
}

/* Series whose samples are all refused count too: else a sender could register any number. */
Test(db_append, series_without_samples_count, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    options.series_max = 10;
    options.future_max_ms = 1000;
    struct db *db = open_with(options);
    int64_t far = clock_now_ms() + 1000000;
    struct append_result result;

    for (int i = 0; i < 30; i++) must(fixture_try(db, arena_format(&arena, "m i=%d", i).data, far, 1, &result));
    cr_expect(result.rejected[APPEND_SERIES_LIMIT] == 1, "%s", result.error);
    cr_expect(registry_series_count(head_registry(db->live)) == 10);
    fixture_close(db);
    fs_release(fs);
}

/* A head that goes on with the registry of the one before counts its own series only. */
Test(db_append, series_limit_of_the_next_head, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    options.series_max = 10;
    struct db *db = open_with(options);

    for (int i = 0; i < 10; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 1000, 1);
    expect_rejected(db, "m i=10", 1000, APPEND_SERIES_LIMIT, "limit of 10");
    must(db_freeze(db));
    for (int i = 0; i < 4; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 2000, 1);
    for (int i = 10; i < 16; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 2000, 1);
    expect_rejected(db, "m i=16", 2000, APPEND_SERIES_LIMIT, "limit of 10");
    fixture_close(db);
    fs_release(fs);
}

/* Times of all of time, with every clock rule, and no overflow. */
Test(db_append, extreme_times, .init = init, .fini = fini)
{
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, INT64_MIN + 1000, -1, 0, INT64_MAX - 1, INT64_MAX};
    enum { TIMES = sizeof times / sizeof times[0] };

    for (unsigned rules = 0; rules < 8; rules++) {
        for (size_t first = 0; first < TIMES; first++) {
            struct fs *fs = fs_memory_new();
            struct db_options options = fixture_options(fs);
            struct append_result result;
            if (rules & 1) options.retention_ms = 3600 * 1000;
            if (rules & 2) options.future_max_ms = 600 * 1000;
            if (rules & 4) options.out_of_order_ms = 1000;
            struct db *db = open_with(options);
            size_t stored = 0;
            for (size_t i = 0; i < TIMES; i++) {
                must(fixture_try(db, "m", times[(first + i) % TIMES], 1, &result));
                stored += result.stored;
                cr_assert(result.stored || result.error[0]);
                if (i == 3) must(db_freeze(db));
            }
            must(db_maintain(db));
            str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
            size_t shown = 0;
            for (size_t i = 0; i < text.len; i++) shown += text.data[i] == '@';
            cr_expect(shown == stored || (rules & 1), "rules %u: %zu of %zu are shown", rules, shown, stored);
            fixture_close(db);
            fs_release(fs);
        }
    }
}

Test(db_append, clock_rules, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct append_result result;
    options.future_max_ms = 600 * 1000;
    options.retention_ms = 3600 * 1000;
    struct db *db = open_with(options);
    int64_t now = clock_now_ms();

    fixture_append(db, "old", 5, 1); /* without data there is no horizon */
    fixture_append(db, "m", now + 590 * 1000, 1);
    expect_rejected(db, "m", now + 1300 * 1000, APPEND_TOO_NEW, "too far in the future");
    fixture_append(db, "m", now + 1100 * 1000, 1); /* the newest sample is now */
    must(fixture_try(db, "m", now + 2000 * 1000, 1, &result));
    cr_expect(!result.retry, "this clock is fine");
    expect_rejected(db, "m", now - 3700 * 1000, APPEND_TOO_OLD, "older than the retention time");
    fixture_append(db, "m", now - 3500 * 1000, 1);
    for (int i = 0; i < 3; i++) /* in whatever order: none comes in behind the others */
        expect_rejected(db, "m", now - (3800 - i) * 1000, APPEND_TOO_OLD, "older than the retention time");
    fixture_close(db);

    options.future_max_ms = 0;
    db = open_with(options);
    fixture_append(db, "m", now + 4000 * 1000, 1);
    fixture_close(db);
    options.future_max_ms = 600 * 1000;
    db = open_with(options);
    must(fixture_try(db, "m", now + 9000 * 1000, 1, &result)); /* the clock is an hour behind the data */
    cr_expect(result.rejected[APPEND_TOO_NEW] == 1 && result.retry);
    fixture_close(db);
    fs_release(fs);
}

struct outcome {
    int calls;
    status last;
};

static void note(void *context, status s)
{
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->last = s;
}

/* A log that fails: the answer is an error, later ones too, and after maintenance all is well, nothing twice. */
Test(db_append, a_log_that_fails, .init = init, .fini = fini)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct db *db = open_with(fixture_options(fs));
    struct append_result result;

    fixture_append(db, "m", 1000, 1);
    fs_faulty_plan(fs, FAULT_WRITE | FAULT_SYNC, 1, EIO, 0);
    cr_expect(fixture_try(db, "m", 2000, 2, &result).code == STATUS_IO);
    cr_expect(failed(fixture_try(db, "m", 2000, 2, &result)));
    must(db_maintain(db));
    must(fixture_try(db, "m", 2000, 2, &result));
    cr_expect(result.stored + result.repeated == 1);
    fixture_append(db, "m", 3000, 3);
    str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(text, STR("m 1@1000 2@2000 3@3000")), "%.*s", STR_ARG(text));
    fs_memory_crash(disk, CRASH_STRICT, 1);
    db_abandon(db);
    db = open_with(fixture_options(disk));
    text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(text, STR("m 1@1000 2@2000 3@3000")), "%.*s", STR_ARG(text));
    fixture_close(db);
    fs_release(fs);
    fs_release(disk);
}

/* done() is called once for each batch that was taken, and for none that was not. */
Test(db_append, done_is_called_once, .init = init, .fini = fini)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct db *db = open_with(fixture_options(fs));
    struct append_series series = {fixture_raw("m", &arena), 0, 1};
    struct outcome outcomes[40] = {0};
    int taken = 0;

    fs_faulty_plan(fs, FAULT_SYNC, 3, EIO, UINT64_MAX);
    for (int i = 0; i < 40; i++) {
        int64_t time_ms = i;
        uint64_t value = 0;
        struct append_batch batch = {
            .series = &series, .series_count = 1, .times_ms = &time_ms, .values = &value, .sample_count = 1};
        struct append_result result;
        bool took = !failed(db_append(db, &batch, &result, note, &outcomes[i]));
        taken += took;
        if (!took) cr_expect(result.stored == 0);
        if (i > 20) cr_expect(!took, "a log that failed takes nothing");
        for (int k = 0; i == 20 && !failed(fixture_try(db, "other", k, 1, &result)); k++) {} /* until it has failed */
    }
    db_abandon(db);
    int calls = 0;
    for (int i = 0; i < 40; i++) {
        cr_expect(outcomes[i].calls <= 1);
        calls += outcomes[i].calls;
    }
    cr_expect(calls == taken && taken > 0, "%d of %d", calls, taken);
    fs_release(fs);
    fs_release(disk);
}

static void print_entry(void *context, const struct append_metadata *e)
{
    str *text = context;
    *text = arena_format(&arena, "%.*s%.*s/%d/%.*s ", STR_ARG(*text), STR_ARG(e->metric), e->type, STR_ARG(e->help));
}

static void put_metadata(struct db *db, const char *metric, const char *help)
{
    struct append_metadata entry = {METRIC_GAUGE, str_from(metric), str_from(help), STR("")};
    struct append_batch batch = {.metadata = &entry, .metadata_count = 1};
    struct append_result result;

    must(db_append_wait(db, &batch, &result));
}

static void expect_metadata(struct db *db, const char *expected)
{
    str text = STR("");

    db_metadata(db, STR(""), print_entry, &text);
    cr_expect(str_equal(text, str_from(expected)), "\"%.*s\"", STR_ARG(text));
}

/* Metadata outlives restarts of both kinds, also without any sample. */
Test(db_append, metadata_is_kept, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    put_metadata(db, "up", "1");
    fixture_close(db);
    db = fixture_open(fs);
    expect_metadata(db, "up/2/1 ");
    fixture_append(db, "up", 1, 1);
    put_metadata(db, "up", "2");
    fs_memory_crash(fs, CRASH_STRICT, 1);
    db_abandon(db);
    db = fixture_open(fs);
    expect_metadata(db, "up/2/2 ");
    must(db_freeze(db));
    put_metadata(db, "a", "3");
    fixture_close(db);
    db = fixture_open(fs);
    expect_metadata(db, "a/2/3 up/2/2 ");
    fixture_close(db);
    fs_release(fs);
}

/* Long label values are memory too: the head is due before they pass its budget. */
Test(db_append, long_labels_count_as_memory, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    options.memory_bytes = 1 << 20;
    struct db *db = open_with(options);
    char series[4200];

    for (int i = 0; i < 300; i++) {
        snprintf(series, sizeof series, "m v=%04000d", i);
        fixture_append(db, series, 1000, 1);
    }
    cr_expect(db_freeze_is_due(db));
    fixture_close(db);
    fs_release(fs);
}
