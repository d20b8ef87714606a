#include "http/series_reader.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"

Test(series_reader, each_series_once_in_order)
{
    struct site site;
    struct request request;
    struct series_reader rows;
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
    cr_expect(str_equal(rows.list.data[0].pairs[0].value, STR("http_requests_total")));
    cr_expect(str_equal(rows.list.data[1].pairs[1].value, STR("a")));
    must(series_reader_read(&rows, &rows.list.data[2], &found));
    cr_expect(found.count == 1 && found.values[0] == 2 && found.times_ms[0] == 1000);
    series_reader_clear(&rows);
    must(series_reader_add(&rows, &job, 1, 1000, 1000));
    cr_assert(rows.list.count == 2);
    must(series_reader_read(&rows, &rows.list.data[0], &found));
    cr_expect(found.count == 1, "both ends belong to the interval");
    request_cancel(&request);
    cr_expect(series_reader_check(&rows).code == STATUS_CANCELED);
    series_reader_close(&rows);
    request_release(&request);
    site_close(&site);
}
