#include "http/series_reader.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"

static str names_of(struct series_reader *rows, struct arena *arena)
{
    const struct series_row *row;
    str text = STR("");

    must(series_reader_next(rows, &row));
    while (row) {
        text =
            arena_format(arena, "%.*s%.*s\n", STR_ARG(text), STR_ARG(labels_print(row->pairs, row->pair_count, arena)));
        must(series_reader_next(rows, &row));
    }
    return text;
}

Test(series_reader, each_series_once_in_order)
{
    struct site site;
    struct request request;
    struct series_reader rows;
    const struct series_row *row;
    struct matcher job, all;
    samples found;

    site_open(&site);
    site_load_few(&site);
    request_init(&request, STR("/"), &site.bodies, &site.answers);
    request.services = &site.services;
    must(matcher_compile(MATCH_EQUAL, STR("job"), STR("node"), &job, &request.arena));
    must(matcher_compile(MATCH_REGEX, STR("__name__"), STR(".+"), &all, &request.arena));
    series_reader_open(&rows, &request);
    must(series_reader_add(&rows, &job, 1, 0, 5000));
    must(series_reader_add(&rows, &all, 1, 0, 5000));
    cr_expect(rows.list.count == 5);
    series_reader_sort(&rows);
    cr_assert(rows.list.count == 3);
    must(series_reader_next(&rows, &row));
    cr_expect(str_equal(row->pairs[0].value, STR("http_requests_total")));
    must(series_reader_next(&rows, &row));
    cr_expect(str_equal(row->pairs[1].value, STR("a")));
    must(series_reader_next(&rows, &row));
    must(series_reader_read(&rows, &found));
    cr_expect(found.count == 1 && found.values[0] == 2 && found.times_ms[0] == 1000);
    must(series_reader_next(&rows, &row));
    cr_expect(!row);
    series_reader_clear(&rows);
    must(series_reader_add(&rows, &job, 1, 1000, 1000));
    cr_assert(rows.list.count == 2);
    must(series_reader_next(&rows, &row));
    must(series_reader_read(&rows, &found));
    cr_expect(found.count == 1, "both ends belong to the interval");
    request_cancel(&request);
    cr_expect(series_reader_next(&rows, &row).code == STATUS_CANCELED);
    series_reader_close(&rows);
    request_release(&request);
    site_close(&site);
}

/* With a new snapshot before each series the order goes on where it was, though series have come in between. */
Test(series_reader, new_snapshots)
{
    struct site site;
    struct request request;
    struct series_reader rows;
    const struct series_row *row;
    struct matcher all;
    int64_t usual = series_reader_snapshot_ns;

    site_open(&site);
    site_load_many(&site);
    request_init(&request, STR("/"), &site.bodies, &site.answers);
    request.services = &site.services;
    must(matcher_compile(MATCH_REGEX, STR("__name__"), STR(".+"), &all, &request.arena));
    series_reader_open(&rows, &request);
    must(series_reader_add(&rows, &all, 1, 0, 5000));
    series_reader_sort(&rows);
    str want = names_of(&rows, &site.arena);
    series_reader_clear(&rows);
    series_reader_snapshot_ns = -1;
    must(series_reader_add(&rows, &all, 1, 0, 5000));
    series_reader_sort(&rows);
    str got = names_of(&rows, &site.arena);
    cr_expect(want.len > 4000 && str_equal(got, want), "%.*s", STR_ARG(got));
    series_reader_clear(&rows);
    must(series_reader_add(&rows, &all, 1, 0, 5000));
    series_reader_sort(&rows);
    must(series_reader_next(&rows, &row));
    must(series_reader_next(&rows, &row));
    fixture_load(&site.fixture, 1000, "a 1\nmany{i=\"00\"} 1\nmany{i=\"10\",j=\"x\"} 1\nzzz 1\n");
    must(series_reader_next(&rows, &row));
    cr_expect(str_equal(row->pairs[1].value, STR("10")), "it goes on, not begins again");
    must(series_reader_next(&rows, &row));
    cr_expect(row->pair_count == 3, "a series that has come");
    size_t left = 0;
    for (; row; left++) must(series_reader_next(&rows, &row));
    cr_expect(left == SITE_MANY - 3 + 2, "%zu", left);
    series_reader_snapshot_ns = usual;
    series_reader_close(&rows);
    cr_expect(rows.account.used_bytes == 0, "all is given back");
    request_release(&request);
    site_close(&site);
}
