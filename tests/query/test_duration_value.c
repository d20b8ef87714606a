/* Durations that are computed for each query. */
#include "tests/query/fixture.h"

Test(duration_value, expressions)
{
    static const struct fixture_case cases[] = {
        {"a[10s + 10s]", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 2@10 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"a offset (2 * 5)", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 2@20\n"
         "{__name__=\"a\", x=\"2\"} 10@20\n"},
        {"sum_over_time(a[2 ^ 4])", 20000, 0, 0,
         "{x=\"1\"} 5@20\n"
         "{x=\"2\"} 30@20\n"},
        {"sum_over_time(b[step()])", 0, 60000, 20000,
         "{x=\"1\"} 2@0 4@20 4@40 2@60\n"
         "{x=\"3\"} 7@0 14@20 14@40 7@60\n"},
        {"count_over_time(b[range() / 2])", 0, 60000, 20000,
         "{x=\"1\"} 1@0 3@20 3@40 2@60\n"
         "{x=\"3\"} 1@0 3@20 3@40 2@60\n"},
        {"count_over_time(a[max_of(10s, 20s) : min_of(5s, 7s)])", 20000, 0, 0,
         "{x=\"1\"} 4@20\n"
         "{x=\"2\"} 4@20\n"},
        {"a[5m:(1-1)]", 20000, 0, 0, "error 6:9: duration must be greater than 0\n"},
        {"a[0 / 0]", 20000, 0, 0, "error 1:5: parse error: division by zero\n"},
        {"a[1 % 0]", 20000, 0, 0, "error 1:5: parse error: modulo by zero\n"},
        {"a[-5s + 1s]", 20000, 0, 0, "error 2:10: duration must be greater than 0\n"},
        {"a offset (1e300)", 20000, 0, 0, "error 1:11: parse error: duration out of range\n"},
        {"a offset -(10s)", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 4@20\n"
         "{__name__=\"a\", x=\"2\"} 40@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
