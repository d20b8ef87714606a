/* The lists of /api/v1/status/tsdb: largest first, by name where equal, cut to the limit. */
#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

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

static void expect(const struct cardinality *list, size_t count, const char *expected)
{
    str text = STR("");

    for (size_t i = 0; i < count; i++)
        text = arena_format(&arena, "%.*s%s%.*s %d", STR_ARG(text), i ? ", " : "", STR_ARG(list[i].name),
                            (int)list[i].value);
    cr_expect(str_equal(text, str_from(expected)), "\"%.*s\"", STR_ARG(text));
}

Test(cardinality, lists, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct cardinality_report report;

    db_cardinality(db, 10, &report, &arena);
    cr_expect(report.series_by_metric_count + report.values_by_label_count + report.bytes_by_label_count +
                  report.series_by_pair_count ==
              0);
    for (int i = 0; i < 6; i++) fixture_append(db, arena_format(&arena, "cpu i=%d job=node", i).data, 1, 1);
    for (int i = 0; i < 3; i++) fixture_append(db, arena_format(&arena, "up i=%d job=b", i).data, 1, 1);
    for (int i = 0; i < 3; i++) fixture_append(db, arena_format(&arena, "aa i=%d", i).data, 1, 1);

    db_cardinality(db, 10, &report, &arena);
    expect(report.series_by_metric, report.series_by_metric_count, "cpu 6, aa 3, up 3");
    expect(report.values_by_label, report.values_by_label_count, "i 6, __name__ 3, job 2");
    expect(report.bytes_by_label, report.bytes_by_label_count, "__name__ 7, i 6, job 5");
    cr_expect(report.series_by_pair_count == 10);
    expect(report.series_by_pair, 3, "__name__=cpu 6, job=node 6, __name__=aa 3");

    db_cardinality(db, 2, &report, &arena);
    expect(report.series_by_metric, report.series_by_metric_count, "cpu 6, aa 3");
    expect(report.values_by_label, report.values_by_label_count, "i 6, __name__ 3");
    expect(report.series_by_pair, report.series_by_pair_count, "__name__=cpu 6, job=node 6");

    db_cardinality(db, 0, &report, &arena);
    cr_expect(report.series_by_metric_count + report.values_by_label_count + report.bytes_by_label_count +
                  report.series_by_pair_count ==
              0);
    fixture_close(db);
    fs_release(fs);
}

/* Many names, so that lists are cut on the way; the result outlives the db. */
Test(cardinality, the_largest_of_many, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct cardinality_report report;

    for (int metric = 0; metric < 40; metric++) {
        int series = 1 + metric * 17 % 40;
        for (int i = 0; i < series; i++)
            fixture_append(db, arena_format(&arena, "metric_%02d l%02d=%d", metric, metric, i).data, 1, 1);
    }
    db_cardinality(db, 5, &report, &arena);
    fixture_close(db);
    fs_release(fs);
    cr_assert(report.series_by_metric_count == 5 && report.values_by_label_count == 5 &&
              report.series_by_pair_count == 5);
    for (size_t i = 0; i < 5; i++) {
        cr_expect(report.series_by_metric[i].value == 40 - i && report.series_by_pair[i].value == 40 - i);
        cr_expect(str_ends_with(report.series_by_pair[i].name, report.series_by_metric[i].name));
        cr_expect(report.values_by_label[i].value == (i ? 41 - i : 40)); /* one is __name__ */
    }
}
