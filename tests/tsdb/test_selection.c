/* Selections: rows joined over blocks and heads, what wins, the bounds of time, the newest sample; errors and threads.
 */
#include "storage/base/log.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/snapshot.h"

#include <errno.h>
#include <pthread.h>

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

static struct selection *select_all(struct snapshot *snapshot, const char *matchers, int64_t from_ms, int64_t to_ms)
{
    struct matcher *compiled = arena_array(&arena, struct matcher, 8);
    struct select_request request = {compiled, fixture_matchers(matchers, compiled, &arena), from_ms, to_ms};
    struct selection *selection;

    must(snapshot_select(snapshot, &request, &selection));
    return selection;
}

/* Series with the same scrapes tell so, over several blocks, and no others. */
Test(selection, shared_times, .init = init, .fini = fini)
{
    enum { SERIES = 5, SCRAPES = 300 };
    static const char *const names[SERIES] = {"a", "b", "c", "d", "e"};
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct column_buffer buffer = {0};
    uint64_t keys[SERIES];
    samples column;

    for (int scrape = 0; scrape < 2 * SCRAPES; scrape++) {
        for (int i = 0; i < SERIES; i++) {
            if (i == 2 && scrape == SCRAPES + 100) continue; /* c misses one */
            fixture_append(db, names[i], scrape * 1000, scrape * i);
        }
        if (scrape == SCRAPES - 1 || scrape == 2 * SCRAPES - 1) must(db_freeze(db));
        if (scrape == SCRAPES - 1) fixture_append(db, "d", 500, 1); /* d has a late one */
    }
    fixture_append(db, "e", 2 * SCRAPES * 1000, 1); /* e one in the head */
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct selection *selection = select_all(snapshot, "", -1, INT64_MAX);
    cr_assert(selection_count(selection) == SERIES);
    for (uint32_t row = 0; row < SERIES; row++) {
        cr_assert(selection_read(selection, row, &buffer, &column));
        keys[row] = column.column;
        cr_expect(column.count + (row == 2) == 2U * SCRAPES + (row == 3) + (row == 4), "%s", names[row]);
    }
    cr_expect(keys[0] != 0 && keys[0] == keys[1], "a and b");
    for (int row = 2; row < SERIES; row++) cr_expect(keys[row] == 0 || keys[row] != keys[0], "%s", names[row]);
    snapshot_release(snapshot);
    column_buffer_release(&buffer);
    must(db_close(db));
    fs_release(fs);
}

/* Series of which some are in a head alone, some in blocks alone, most in several: so many that the registry's own
 * table joins them. */
Test(selection, many_series, .init = init, .fini = fini)
{
    enum { SERIES = 6000, TIMES = 4 };
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct column_buffer buffer = {0};
    bool seen[SERIES] = {false};
    samples column;

    for (int t = 0; t < TIMES; t++) {
        for (int i = 0; i < SERIES; i++) {
            int number = (i * 7919 + t * 31) % SERIES; /* in another order each time */
            if (number % 5 == t || (t == TIMES - 1 && number % 7 == 0)) continue;
            fixture_append(db, arena_format(&arena, "m n=%d", number).data, 1000 * t, number);
        }
        if (t < TIMES - 1) must(db_freeze(db));
    }
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct selection *selection = select_all(snapshot, "", -1, INT64_MAX);
    cr_assert(selection_count(selection) == SERIES);
    for (uint32_t row = 0; row < SERIES; row++) {
        int64_t newest_ms;
        double value;
        cr_assert(selection_read(selection, row, &buffer, &column) && column.count > 0);
        int number = (int)column.values[0];
        cr_assert(!seen[number], "series %d twice", number);
        seen[number] = true;
        size_t at = 0;
        for (int t = 0; t < TIMES; t++) {
            if (number % 5 == t || (t == TIMES - 1 && number % 7 == 0)) continue;
            cr_assert(at < column.count && column.times_ms[at] == 1000 * t && column.values[at] == number);
            at++;
        }
        cr_assert(at == column.count);
        int64_t last_ms = column.times_ms[at - 1];
        cr_assert(selection_newest(selection, &row, 1, -1, INT64_MAX, &buffer,
                                   &(struct newest_samples){&newest_ms, &value, NULL, NULL}));
        cr_assert(newest_ms == last_ms && value == number);
        uint32_t id;
        must(selection_label_ids(selection, &row, 1, STR("n"), &id));
        str text = arena_format(&arena, "%d", number);
        cr_assert(str_equal(snapshot_string(snapshot, id), text));
    }
    snapshot_release(snapshot);
    column_buffer_release(&buffer);
    must(db_close(db));
    fs_release(fs);
}

/* The value at a time that is stored first stays, over blocks, heads and late samples. */
Test(selection, first_stored_wins, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    fixture_append(db, "m", 1000, 1);
    fixture_append(db, "m", 3000, 3);
    must(db_freeze(db));
    fixture_append(db, "m", 1000, -1); /* conflicts with a block */
    fixture_append(db, "m", 2000, 2);
    fixture_append(db, "m", 500, 5);
    must(db_freeze(db));
    fixture_append(db, "m", 4000, 4);
    fixture_append(db, "m", 2000, -2);
    fixture_append(db, "m", 3000, -3);
    fixture_append(db, "m", 3500, 35);
    static const char expected[] = "m 5@500 1@1000 2@2000 3@3000 35@3500 4@4000";
    for (int i = 0; i < 3; i++) {
        str text = fixture_read(db, "", INT64_MIN, INT64_MAX, &arena);
        cr_expect(str_equal(text, str_from(expected)), "\"%.*s\"", STR_ARG(text));
        if (i == 0) must(db_freeze(db));
        if (i == 1) {
            fixture_close(db);
            db = fixture_open(fs);
        }
    }
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct selection *selection = select_all(snapshot, "", INT64_MIN, INT64_MAX);
    struct column_buffer buffer = {0};
    static const struct {
        int64_t from, at, time;
        double value;
    } rows[] = {
        {INT64_MIN, 5000, 4000, 4},
        {0, 3000, 3000, 3},
        {0, 2999, 2000, 2},
        {0, 1000, 1000, 1},
        {0, 999, 500, 5},
        {0, 499, INT64_MIN, 0},
        {500, 999, INT64_MIN, 0},
        {499, 999, 500, 5},
        {3999, 4000, 4000, 4},
        {4000, 9000, INT64_MIN, 0},
        {4000, 4000, INT64_MIN, 0},
        {9, 3, INT64_MIN, 0},
        {INT64_MAX, INT64_MAX, INT64_MIN, 0},
        {INT64_MIN, INT64_MAX, 4000, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t row = 0;
        int64_t time_ms;
        double value;
        cr_assert(selection_newest(selection, &row, 1, rows[i].from, rows[i].at, &buffer,
                                   &(struct newest_samples){&time_ms, &value, NULL, NULL}));
        cr_expect(time_ms == rows[i].time && (time_ms == INT64_MIN || value == rows[i].value), "row %zu: %g at %lld", i,
                  value, (long long)time_ms);
    }
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
    fixture_close(db);
    fs_release(fs);
}

/* Samples in (from, to], whatever holds them. */
Test(selection, bounds, .init = init, .fini = fini)
{
    static const struct {
        int64_t from, to;
        const char *expected;
    } rows[] = {
        {INT64_MIN, INT64_MAX, "m 1@1000 2@2000 3@3000"},
        {1000, 3000, "m 2@2000 3@3000"},
        {999, 2999, "m 1@1000 2@2000"},
        {999, 1000, "m 1@1000"},
        {1000, 1000, ""},
        {2000, 1000, ""},
        {3000, INT64_MAX, ""},
        {INT64_MIN, 999, ""},
        {INT64_MAX, INT64_MIN, ""},
        {INT64_MIN, INT64_MIN, ""},
        {INT64_MAX - 1, INT64_MAX, ""},
    };
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    for (int i = 1; i <= 3; i++) fixture_append(db, "m", i * 1000, i);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            str text = fixture_read(db, "", rows[i].from, rows[i].to, &arena);
            cr_expect(str_equal(text, str_from(rows[i].expected)), "row %zu: \"%.*s\"", i, STR_ARG(text));
        }
        must(db_freeze(db));
    }
    fixture_close(db);
    fs_release(fs);
}

/* Three blocks and a head, each with other series, some in all. */
static struct db *make_db(struct fs *fs)
{
    struct db *db = fixture_open(fs);

    for (int part = 0; part < 4; part++) {
        for (int i = 0; i < 60; i++) {
            if ((i + part) % 4 == 3) continue;
            fixture_append(db, arena_format(&arena, "m%d i=%d%s", i % 3, i, i % 2 ? " odd=yes" : "").data,
                           1000 * part + i, part * 100 + i);
        }
        if (part < 3) must(db_freeze(db));
    }
    return db;
}

Test(selection, rows_and_labels, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = make_db(fs);
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct selection *selection = select_all(snapshot, "", INT64_MIN, INT64_MAX);
    uint32_t count = selection_count(selection), rows[60], odd[60], metric[60], nothing[60];
    bool seen[60] = {false};
    struct column_buffer buffer = {0};
    uint64_t total = 0;

    cr_assert(count == 60);
    for (uint32_t row = 0; row < count; row++) rows[row] = count - 1 - row;
    must(selection_label_ids(selection, rows, count, STR("odd"), odd));
    must(selection_label_ids(selection, rows, count, METRIC_NAME, metric));
    must(selection_label_ids(selection, rows, count, STR("nothing"), nothing));
    for (uint32_t k = 0; k < count; k++) {
        struct label_id pairs[LABELS_MAX];
        size_t pair_count;
        int64_t number = -1;
        samples got;
        must(selection_label_pairs(selection, rows[k], pairs, &pair_count));
        for (size_t i = 0; i < pair_count; i++) {
            if (str_equal(snapshot_string(snapshot, pairs[i].name), STR("i")))
                cr_assert(str_to_int64(snapshot_string(snapshot, pairs[i].value), &number));
            if (i)
                cr_expect(str_compare(snapshot_string(snapshot, pairs[i - 1].name),
                                      snapshot_string(snapshot, pairs[i].name)) < 0);
        }
        cr_assert(number >= 0 && number < 60 && !seen[number], "a series has one row");
        seen[number] = true;
        cr_expect(pair_count == (number % 2 ? 3u : 2u) && nothing[k] == 0);
        cr_expect(str_equal(snapshot_string(snapshot, odd[k]), number % 2 ? STR("yes") : STR("")));
        cr_expect(snapshot_string(snapshot, metric[k]).data[1] == '0' + number % 3);
        cr_assert(selection_read(selection, rows[k], &buffer, &got) && got.count == 3);
        for (size_t i = 1; i < got.count; i++) cr_expect(got.times_ms[i - 1] < got.times_ms[i]);
        total += got.count;
    }
    cr_expect(selection_samples_estimate(selection) >= total && selection_samples_estimate(selection) <= 4 * total);
    column_buffer_release(&buffer);
    cr_expect(selection_count(select_all(snapshot, "i=nope", 0, 9)) == 0);
    cr_expect(selection_samples_estimate(select_all(snapshot, "i=nope", 0, 9)) == 0);
    cr_expect(selection_count(select_all(snapshot, "odd=yes", 1000, 1059)) == 30);
    snapshot_release(snapshot);
    fixture_close(db);
    fs_release(fs);
}

/* Reads that fail say so, and the buffer remembers. */
Test(selection, a_disk_that_fails, .init = init, .fini = fini)
{
    struct fs *disk = fs_memory_new();
    must(db_close(make_db(disk)));
    struct fs *fs = fs_faulty_new(disk);
    unsigned failures = 0;

    for (uint64_t k = 1;; k++) {
        struct db *db = fixture_open(fs);
        struct snapshot *snapshot = db_snapshot(db, NULL);
        struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
        struct column_buffer buffer = {0};
        struct selection *selection;
        uint64_t before = fs_faulty_count(fs);
        samples got;
        fs_faulty_plan(fs, FAULT_READ, k, EIO, 0);
        status s = snapshot_select(snapshot, &request, &selection);
        for (uint32_t row = 0; !failed(s) && row < selection_count(selection); row++) {
            if (selection_read(selection, row, &buffer, &got)) {
                cr_expect(got.count == 3);
                continue;
            }
            s = buffer.error;
            cr_expect(!selection_read(selection, row, &buffer, &got) && got.count == 0, "errors stay");
            int64_t time_ms;
            double value;
            cr_expect(!selection_newest(selection, &row, 1, 0, 10, &buffer,
                                        &(struct newest_samples){&time_ms, &value, NULL, NULL}));
            buffer.error = ok();
            cr_expect(selection_read(selection, row, &buffer, &got) && got.count == 3, "the disk is well again");
        }
        bool reached = fs_faulty_count(fs) > before;
        fs_faulty_heal(fs);
        cr_expect(failed(s) == reached && (!reached || s.code == STATUS_IO), "call %d: %s", (int)k, s.text);
        failures += reached;
        column_buffer_release(&buffer);
        snapshot_release(snapshot);
        fixture_close(db);
        if (!reached) break;
    }
    cr_expect(failures > 10);
    fs_release(fs);
    fs_release(disk);
}

static void *read_rows(void *context)
{
    struct selection *selection = context;
    struct column_buffer buffer = {0};

    for (int round = 0; round < 20; round++) {
        for (uint32_t row = 0; row < selection_count(selection); row++) {
            samples got;
            int64_t time_ms;
            double value;
            cr_assert(selection_read(selection, row, &buffer, &got) && got.count == 3);
            cr_assert(selection_newest(selection, &row, 1, INT64_MIN, 100000, &buffer,
                                       &(struct newest_samples){&time_ms, &value, NULL, NULL}));
            cr_assert(time_ms >= 2000 && time_ms < 3060);
        }
    }
    column_buffer_release(&buffer);
    return NULL;
}

/* Several threads read one selection while samples come and heads are frozen. */
Test(selection, threads, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = make_db(fs);
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct selection *selection = select_all(snapshot, "", INT64_MIN, INT64_MAX);
    pthread_t threads[3];

    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, read_rows, selection);
    for (int i = 0; i < 60; i++) {
        fixture_append(db, arena_format(&arena, "m%d i=%d%s", i % 3, i, i % 2 ? " odd=yes" : "").data, 50000 + i, 1);
        if (i % 20 == 9) must(db_freeze(db));
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    snapshot_release(snapshot);
    fixture_close(db);
    fs_release(fs);
}
