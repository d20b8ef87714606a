/* Label names and values: over blocks and heads, with matchers, times and limits. */
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/snapshot.h"

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

/* A block up to 1000, a block around 2000, a head around 3000. */
static struct db *make_db(struct fs *fs)
{
    struct db *db = fixture_open(fs);

    fixture_append(db, "up job=a instance=h1", 1000, 1);
    fixture_append(db, "up job=b old=x", 1000, 1);
    must(db_freeze(db));
    fixture_append(db, "up job=a instance=h2", 2000, 1);
    fixture_append(db, "cpu job=c mode=idle", 2000, 1);
    must(db_freeze(db));
    fixture_append(db, "up job=a instance=h1", 3000, 1);
    fixture_append(db, "cpu job=d mode=user Zone=z", 3000, 1);
    return db;
}

static str join(const str *strings, size_t count, bool truncated)
{
    str text = STR("");

    for (size_t i = 0; i < count; i++)
        text = arena_format(&arena, "%.*s%s%.*s", STR_ARG(text), i ? " " : "", STR_ARG(strings[i]));
    return truncated ? arena_format(&arena, "%.*s …", STR_ARG(text)) : text;
}

static const struct {
    const char *name, *matchers; /* no name: the names */
    int64_t from, to;
    size_t limit;
    const char *expected;
} rows[] = {
    {NULL, "", INT64_MIN, INT64_MAX, 0, "Zone __name__ instance job mode old"},
    {NULL, "", 1500, 2500, 0, "__name__ instance job mode"},
    {NULL, "", 2500, INT64_MAX, 0, "Zone __name__ instance job mode"},
    {NULL, "", 5000, 6000, 0, ""},
    {NULL, "", INT64_MIN, INT64_MAX, 3, "Zone __name__ instance …"},
    {NULL, "", INT64_MIN, INT64_MAX, 6, "Zone __name__ instance job mode old"},
    {NULL, "", INT64_MIN, INT64_MAX, 1, "Zone …"},
    {NULL, "job=b", INT64_MIN, INT64_MAX, 0, "__name__ job old"},
    {NULL, "__name__=cpu", INT64_MIN, 2500, 0, "__name__ job mode"},
    {NULL, "job=nope", INT64_MIN, INT64_MAX, 0, ""},
    {"job", "", INT64_MIN, INT64_MAX, 0, "a b c d"},
    {"job", "", INT64_MIN, INT64_MAX, 2, "a b …"},
    {"job", "", 0, 1000, 0, "a b"},
    {"job", "", 1000, 2000, 0, "a c"},
    {"job", "mode!=", INT64_MIN, INT64_MAX, 0, "c d"},
    {"job", "mode=", INT64_MIN, INT64_MAX, 0, "a b"},
    {"job", "__name__=~c.*|x mode!=idle", INT64_MIN, INT64_MAX, 0, "d"},
    {"instance", "job=a", INT64_MIN, INT64_MAX, 0, "h1 h2"},
    {"instance", "job=b", INT64_MIN, INT64_MAX, 0, ""},
    {"instance", "job=a", 1500, 2500, 0, "h2"},
    {"__name__", "", INT64_MIN, INT64_MAX, 0, "cpu up"},
    {"nothing", "", INT64_MIN, INT64_MAX, 0, ""},
    {"Zone", "", INT64_MIN, 2500, 0, ""},
};

static void check_rows(struct db *db)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct matcher matchers[8];
        struct select_request request = {matchers, fixture_matchers(rows[i].matchers, matchers, &arena), rows[i].from,
                                         rows[i].to};
        struct snapshot *snapshot = db_snapshot(db, NULL);
        bool truncated;
        size_t count;
        str *strings;
        if (rows[i].name) {
            must(snapshot_label_values(snapshot, str_from(rows[i].name), &request, rows[i].limit, &strings, &count,
                                       &truncated));
        } else {
            must(snapshot_label_names(snapshot, &request, rows[i].limit, &strings, &count, &truncated));
        }
        str text = join(strings, count, truncated);
        cr_expect(str_equal(text, str_from(rows[i].expected)), "row %zu: \"%.*s\"", i, STR_ARG(text));
        snapshot_release(snapshot);
    }
}

Test(label_values, table, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = make_db(fs);

    must(db_freeze(db)); /* all in blocks, so that times are told apart exactly */
    check_rows(db);
    fixture_close(db);
    db = fixture_open(fs);
    check_rows(db);
    fixture_close(db);
    fs_release(fs);
}

/* The head is asked as well; its registry may know more than what has samples now. */
Test(label_values, of_a_head, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = make_db(fs);
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct matcher matchers[8];
    struct select_request request = {matchers, fixture_matchers("__name__=~.+", matchers, &arena), 2500, INT64_MAX};
    bool truncated;
    size_t count;
    str *strings;

    must(snapshot_label_values(snapshot, STR("job"), &request, 0, &strings, &count, &truncated));
    str text = join(strings, count, truncated);
    cr_expect(str_equal(text, STR("a d")), "with a matcher it is exact: \"%.*s\"", STR_ARG(text));
    request = (struct select_request){NULL, 0, INT64_MIN, INT64_MAX};
    must(snapshot_label_values(snapshot, STR("job"), &request, 0, &strings, &count, &truncated));
    text = join(strings, count, truncated);
    cr_expect(str_equal(text, STR("a b c d")), "\"%.*s\"", STR_ARG(text));
    snapshot_release(snapshot);
    fixture_close(db);
    fs_release(fs);
}

Test(label_values, many, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    bool truncated;
    size_t count;
    str *strings;

    for (int i = 0; i < 600; i++) {
        fixture_append(db, arena_format(&arena, "m v=%d n%d=x", i * 7919 % 1000, i % 300).data, i + 1, 1);
        if (i % 250 == 249) must(db_freeze(db));
    }
    struct snapshot *snapshot = db_snapshot(db, NULL);
    must(snapshot_label_values(snapshot, STR("v"), &request, 0, &strings, &count, &truncated));
    cr_expect(count == 600 && !truncated);
    for (size_t i = 1; i < count; i++) cr_expect(str_compare(strings[i - 1], strings[i]) < 0);
    must(snapshot_label_names(snapshot, &request, 301, &strings, &count, &truncated));
    cr_expect(count == 301 && truncated);
    must(snapshot_label_names(snapshot, &request, 302, &strings, &count, &truncated));
    cr_expect(count == 302 && !truncated);
    snapshot_release(snapshot);
    fixture_close(db);
    fs_release(fs);
}

/* Names and values of many series come from sets of series, those of few from the series: the same in a head, in a
 * block, and with a delete. */
Test(label_values, of_many_and_of_few_series, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    static const struct {
        const char *name, *matchers, *expected;
    } cases[] = {
        {"job", "__name__=m", "a b c"},
        {"job", "kind=even", "a b c"},
        {"job", "job!=b", "a c d"},
        {"job", "i=7", "b"},
        {"mode", "job=a", ""},
        {"mode", "job=~.*b|.*c", "x y"},
        {NULL, "__name__=m", "__name__ i job kind mode"},
        {NULL, "job=a", "__name__ i job kind"},
        {NULL, "i=7", "__name__ i job kind mode"},
    };

    for (int i = 0; i < 400; i++) {
        const char *text = i % 3 ? "m job=%c i=%d kind=%s mode=%s" : "m job=%c i=%d kind=%s";
        str series = arena_format(&arena, text, 'a' + i % 3, i, i % 2 ? "odd" : "even", i % 3 == 1 ? "x" : "y");
        fixture_append(db, series.data, 1000 + i, 1);
    }
    fixture_append(db, "other job=d mode=z", 1000, 1);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct matcher matchers[8];
            struct select_request request = {matchers, fixture_matchers(cases[i].matchers, matchers, &arena), INT64_MIN,
                                             INT64_MAX};
            struct snapshot *snapshot = db_snapshot(db, NULL);
            bool truncated;
            size_t count;
            str *strings;
            must(cases[i].name ? snapshot_label_values(snapshot, str_from(cases[i].name), &request, 0, &strings, &count,
                                                       &truncated)
                               : snapshot_label_names(snapshot, &request, 0, &strings, &count, &truncated));
            str text = join(strings, count, truncated);
            cr_expect(str_equal(text, str_from(cases[i].expected)), "round %d, case %zu: \"%.*s\"", round, i,
                      STR_ARG(text));
            snapshot_release(snapshot);
        }
        must(db_freeze(db));
    }
    fixture_close(db);
    fs_release(fs);
}

/* A block that can not be read is an error where its time is asked for. */
Test(label_values, of_damaged_blocks, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    bool truncated;
    size_t count;
    str *strings;

    must(db_close(make_db(fs)));
    must(fs_list(fs, "block", &arena, &strings, &count));
    must(fs_unlink(fs, arena_format(&arena, "block/%.*s", STR_ARG(strings[0])).data));
    struct db *db = fixture_open(fs);
    struct snapshot *snapshot = db_snapshot(db, NULL);
    cr_expect(snapshot_label_names(snapshot, &request, 0, &strings, &count, &truncated).code == STATUS_CORRUPT);
    cr_expect(snapshot_label_values(snapshot, STR("job"), &request, 0, &strings, &count, &truncated).code ==
              STATUS_CORRUPT);
    request.from_ms = 1500;
    must(snapshot_label_values(snapshot, STR("job"), &request, 0, &strings, &count, &truncated));
    snapshot_release(snapshot);
    must(db_close(db));
    fs_release(fs);
}
