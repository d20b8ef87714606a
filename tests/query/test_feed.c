/* Range vectors as results: raw samples, subqueries, extended ones. */
#include "tests/query/fixture.h"

Test(feed, samples_of_windows)
{
    static const struct fixture_case cases[] = {
        {"a[30s]", 60000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 5@40 6@50\n"
         "{__name__=\"a\", x=\"2\"} 70@60\n"},
        {"a[30s] @ 20", 60000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 1@0 2@10 3@20\n"
         "{__name__=\"a\", x=\"2\"} 10@0 30@20\n"},
        {"a[20s] offset 10s", 40000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 3@20 4@30\n"
         "{__name__=\"a\", x=\"2\"} 30@20 40@30\n"},
        {"(a + 0)[30s:10s]", 60000, 0, 0,
         "{x=\"1\"} 5@40 6@50 6@60\n"
         "{x=\"2\"} 70@60\n"},
        {"a[25s:7s]", 60000, 0, 0, "{__name__=\"a\", x=\"1\"} 5@42 5@49 6@56\n"},
        {"a[20s] anchored", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 1@0 2@10 3@20\n"
         "{__name__=\"a\", x=\"2\"} 10@0 30@20\n"},
        {"a[20s] smoothed", 25000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 1.5@5 2@10 3@20 3.5@25\n"
         "{__name__=\"a\", x=\"2\"} 15@5 30@20 35@25\n"},
        {"a[5s]", 27000, 0, 0, ""},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXTENDED_RANGE_SELECTORS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
