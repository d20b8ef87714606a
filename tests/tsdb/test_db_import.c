#include "tsdb/db_import.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"

#include <errno.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* A source of series given as text, with samples `step` apart. */
struct plain {
    const char *const *names;
    int64_t from_ms, step_ms;
    uint32_t count;
    double value;
    bool falls; /* times do */
};

static status plain_has(void *context, uint32_t series, int64_t from_ms, int64_t to_ms, bool *out, int64_t *next_ms)
{
    const struct plain *plain = context;

    (void)series;
    *out = false;
    for (uint32_t i = 0; i < plain->count; i++) {
        int64_t time_ms = plain->from_ms + i * plain->step_ms;
        *out = *out || (time_ms >= from_ms && time_ms <= to_ms);
        if (time_ms > to_ms && time_ms < *next_ms) *next_ms = time_ms;
    }
    return ok();
}

static status plain_labels(void *context, uint32_t series, struct writer *out)
{
    struct arena arena = {0};
    str raw = fixture_raw(((struct plain *)context)->names[series], &arena);

    writer_bytes(out, raw.data, raw.len);
    arena_release(&arena);
    return ok();
}

static status plain_read(void *context, uint32_t series, int64_t from_ms, int64_t to_ms, struct column_buffer *out)
{
    const struct plain *plain = context;

    for (uint32_t i = 0; i < plain->count; i++) {
        int64_t time_ms = plain->from_ms + (plain->falls ? plain->count - 1 - i : i) * plain->step_ms;
        if (time_ms < from_ms || time_ms > to_ms) continue;
        *columns_reserve(out, 1) = plain->value + series;
        columns_append(out, &time_ms, 1, 0, 0);
    }
    return ok();
}

static struct import_source source_of(struct plain *plain, uint32_t series)
{
    return (struct import_source){.context = plain,
                                  .series_count = series,
                                  .min_ms = plain->from_ms,
                                  .max_ms = plain->from_ms + (plain->count - 1) * plain->step_ms,
                                  .has = plain_has,
                                  .labels = plain_labels,
                                  .read = plain_read};
}

static const char *const names[] = {"up job=b", "up job=a", "down Job=c", "zero"};

/* Days become blocks; days without samples are passed over. */
Test(db_import, cuts_along_days)
{
    struct plain plain = {.names = names, .from_ms = 500, .step_ms = 10 * DAY_MS / 3, .count = 4, .value = 1};
    struct import_source source = source_of(&plain, 4);
    struct import_total total = {0};
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct arena arena = {0};

    must(db_import(db, &source, &total));
    cr_expect(total.blocks == 4 && total.samples == 16 && total.refused == 0 && total.bytes > 0);
    str all = fixture_read(db, "job=b", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(all, STR("up{job=\"b\"} 1@500 1@288000500 1@576000500 1@864000500")), "%.*s", STR_ARG(all));
    fixture_close(db);
    db = fixture_open(fs);
    cr_expect(str_equal(all, fixture_read(db, "job=b", INT64_MIN, INT64_MAX, &arena)));
    fixture_close(db);
    arena_release(&arena);
    fs_release(fs);
}

/* Where times meet, what was stored before wins: in the head, in blocks, and what comes later loses. */
Test(db_import, what_was_there_wins)
{
    struct plain plain = {.names = names, .from_ms = 1000, .step_ms = 1000, .count = 4, .value = 1};
    struct import_source source = source_of(&plain, 1);
    struct import_total total = {0};
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct arena arena = {0};

    fixture_append(db, "up job=b", 1000, 7);
    must(db_freeze(db));
    fixture_append(db, "up job=b", 2000, 8);
    must(db_import(db, &source, &total));
    plain.value = 5;
    must(db_import(db, &source, &total)); /* again, with other values */
    struct append_result result;
    must(fixture_try(db, "up job=b", 3000, 9, &result));
    must(fixture_try(db, "up job=b", 6000, 10, &result));
    for (int round = 0; round < 3; round++) {
        str all = fixture_read(db, "job=b", INT64_MIN, INT64_MAX, &arena);
        cr_expect(str_equal(all, STR("up{job=\"b\"} 7@1000 8@2000 1@3000 1@4000 10@6000")), "round %d: %.*s", round,
                  STR_ARG(all));
        if (round == 0) must(db_compact(db));
        if (round == 1) {
            fixture_close(db);
            db = fixture_open(fs);
        }
    }
    fixture_close(db);
    arena_release(&arena);
    fs_release(fs);
}

Test(db_import, series_that_can_not_be_are_counted)
{
    static const char *const odd[] = {"up job=b", " job=b", "up job=a"};
    struct plain plain = {.names = odd, .from_ms = 1000, .step_ms = 1000, .count = 4, .value = 1};
    struct import_source source = source_of(&plain, 3);
    struct import_total total = {0};
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    must(db_import(db, &source, &total));
    cr_expect(total.samples == 8 && total.refused == 1 && total.refusal[0], "%s", total.refusal);
    fixture_close(db);
    fs_release(fs);
}

Test(db_import, bad_sources_are_refused)
{
    static const char *const twice[] = {"up job=b", "up job=b"};
    struct plain plains[] = {
        {.names = twice, .from_ms = 1000, .step_ms = 1000, .count = 4},
        {.names = names, .from_ms = 1000, .step_ms = 1000, .count = 4, .falls = true},
    };
    static const char *const says[] = {"has the labels of series 0", "times of a series do not rise"};

    for (size_t i = 0; i < 2; i++) {
        struct import_source source = source_of(&plains[i], 2);
        struct import_total total = {0};
        struct fs *fs = fs_memory_new();
        struct db *db = fixture_open(fs);
        struct arena arena = {0};
        status s = db_import(db, &source, &total);
        cr_expect(s.code == STATUS_CORRUPT && strstr(s.text, says[i]), "%zu: %s", i, s.text);
        cr_expect(fixture_read(db, "__name__=~.+", INT64_MIN, INT64_MAX, &arena).len == 0);
        fixture_close(db);
        arena_release(&arena);
        fs_release(fs);
    }
}

/* Whatever fails, and wherever power is cut, each day is there as a whole or not at all, and the folder is sound. */
static void fail_everywhere(enum crash_model model)
{
    struct plain plain = {.names = names, .from_ms = 1000, .step_ms = DAY_MS / 2, .count = 4, .value = 1};
    struct import_source source = source_of(&plain, 4);

    for (uint64_t k = 1;; k++) {
        struct fs *memory = fs_memory_new(), *fs = fs_faulty_new(memory);
        struct import_total total = {0};
        struct arena arena = {0};
        struct db *db = fixture_open(fs);
        fixture_append(db, "up job=b", 1000, 7);
        fs_faulty_plan(fs, FAULT_OPEN | FAULT_CHANGES, k, k % 2 ? ENOSPC : EIO, 0);
        status s = db_import(db, &source, &total);
        bool was_hit = fs_faulty_count(fs) > 0;
        fs_faulty_heal(fs);
        db_abandon(db);
        fs_memory_crash(memory, model, k);
        twin_check_folder(memory);
        fs_memory_crash(memory, CRASH_NONE, 0); /* gives up the lock */
        db = fixture_open(memory);
        str found = fixture_read(db, "job=a", INT64_MIN, INT64_MAX, &arena);
        size_t days = 0;
        for (size_t i = 0; i < found.len; i++) days += found.data[i] == '@';
        cr_expect(days % 2 == 0 && days >= 2 * total.blocks, "fault %llu: %.*s", (unsigned long long)k, STR_ARG(found));
        cr_expect(failed(s) || days == 4);
        fixture_close(db);
        twin_check_folder(memory);
        arena_release(&arena);
        fs_release(fs);
        fs_release(memory);
        if (!was_hit) break;
    }
}

Test(db_import, survives_faults, .timeout = 120)
{
    log_set_sink(fixture_quiet, NULL);
    for (int model = CRASH_NONE; model < TEST_REPEATS(CRASH_TORN + 1); model++)
        fail_everywhere((enum crash_model)model);
    log_set_sink(NULL, NULL);
}
