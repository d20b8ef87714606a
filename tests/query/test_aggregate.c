/* Aggregations over groups. */
#include "tests/query/fixture.h"

Test(aggregate, groups)
{
    static const struct fixture_case cases[] = {
        {"sum by (x) ({__name__=~\"a|b|c\"})", 20000, 0, 0,
         "{x=\"1\"} 11@20\n"
         "{x=\"2\"} 30@20\n"
         "{x=\"3\"} 7@20\n"},
        {"sum without (y) (c)", 20000, 0, 0, "{x=\"1\"} 6@20\n"},
        {"sum(a)", 20000, 0, 0, "{} 33@20\n"},
        {"avg(c)", 20000, 0, 0, "{} 3@20\n"},
        {"min by (nope) (c)", 20000, 0, 0, "{} 1@20\n"},
        {"max without (x, y) ({__name__=~\"a|b\"})", 20000, 0, 0, "{} 30@20\n"},
        {"count by (__name__) ({__name__=~\"a|b|c\"})", 20000, 0, 0,
         "{__name__=\"a\"} 2@20\n"
         "{__name__=\"b\"} 2@20\n"
         "{__name__=\"c\"} 2@20\n"},
        {"group(c)", 20000, 0, 0, "{} 1@20\n"},
        {"stddev(c)", 20000, 0, 0, "{} 2@20\n"},
        {"stdvar by (x) (c)", 20000, 0, 0, "{x=\"1\"} 4@20\n"},
        {"sum by (x) (a)", 0, 60000, 20000,
         "{x=\"1\"} 1@0 3@20 5@40 6@60\n"
         "{x=\"2\"} 10@0 30@20 70@60\n"},
        {"count(a)", 0, 60000, 20000, "{} 2@0 2@20 1@40 2@60\n"},
        {"sum(nothing)", 20000, 0, 0, ""},
        {"sum by () (c)", 20000, 0, 0, "{} 6@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
