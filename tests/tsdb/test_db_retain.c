/* Retention: what goes by time and by size, and what stays. */
#include "tsdb/db_internal.h"

#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"

static const int64_t minute = 60 * 1000, hour = 60 * 60 * 1000, day = 24 * 60 * 60 * 1000;

/* Five blocks of a day each, the second written last; opened anew with the retention to test. */
static struct db *open_five_days(struct fs *fs, int64_t retention_ms, uint64_t retention_bytes)
{
    static const int days[] = {0, 2, 3, 4, 1};
    struct db_options options = fixture_options(fs);
    struct db *db = fixture_open(fs);

    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        for (int k = 0; k < 200; k++) fixture_append(db, "up", days[i] * day + k * minute, 1 / (k + 1.7));
        must(db_freeze(db));
    }
    fixture_close(db);
    options.retention_ms = retention_ms;
    options.retention_bytes = retention_bytes;
    must(db_open(&options, &db));
    return db;
}

static void expect_days(struct db *db, const char *expected)
{
    struct arena arena;
    str text = STR("");

    arena_init(&arena, NULL);
    for (int i = 0; i < 6; i++) {
        bool has = fixture_read(db, "__name__=up", i * day - 1, i * day + 23 * hour, &arena).len > 0;
        if (has) text = arena_format(&arena, "%.*s%d", STR_ARG(text), i);
    }
    cr_expect(str_equal(text, str_from(expected)), "days %.*s, expected %s", STR_ARG(text), expected);
    arena_release(&arena);
}

Test(db_retain, by_time)
{
    static const struct {
        int64_t retention_ms;
        const char *days;
    } cases[] = {{0, "01234"}, {100 * 24 * 60 * 60 * 1000LL, "01234"}, {2 * 24 * 60 * 60 * 1000LL, "234"}, {1, "4"}};

    log_set_sink(fixture_quiet, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fs *fs = fs_memory_new();
        struct db *db = open_five_days(fs, cases[i].retention_ms, 0);
        must(db_maintain(db));
        expect_days(db, cases[i].days);
        fixture_close(db);
        db = fixture_open(fs);
        expect_days(db, cases[i].days);
        fixture_close(db);
        fs_release(fs);
    }
}

Test(db_retain, by_size)
{
    struct fs *fs = fs_memory_new();
    struct db *db = open_five_days(fs, 0, 0);
    struct db_stats stats;
    struct folder_bytes folder;

    log_set_sink(fixture_quiet, NULL);
    db_stats(db, &stats);
    must(db_folder_bytes_locked(db, &folder));
    cr_expect(folder.all == fs_memory_used(fs) && folder.logs == 4096, "all files count");
    uint64_t one = stats.block_bytes / 5, others = folder.all - stats.block_bytes + db_log_room(db, folder.logs);
    fixture_close(db);
    fs_release(fs);
    for (uint64_t keep = 0; keep <= 5; keep++) {
        static const char *const days[] = {"", "4", "34", "234", "1234", "01234"};
        fs = fs_memory_new();
        db = open_five_days(fs, 0, others + keep * one + one / 2);
        must(db_maintain(db));
        expect_days(db, days[keep]);
        fixture_close(db);
        fs_release(fs);
    }
}

Test(db_retain, samples_in_memory_stay)
{
    struct fs *fs = fs_memory_new();
    struct db *db = open_five_days(fs, 0, 1);

    log_set_sink(fixture_quiet, NULL);
    fixture_append(db, "up", 5 * day, 5);
    must(db_maintain(db));
    expect_days(db, "5");
    fixture_close(db);
    fs_release(fs);
}
