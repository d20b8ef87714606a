/* Functions over windows, from both kinds of feeds, with parameters that change. */
#include "tests/query/fixture.h"

Test(window, from_selectors_and_subqueries)
{
    static const struct fixture_case cases[] = {
        {"sum_over_time(a[20s])", 0, 60000, 20000,
         "{x=\"1\"} 1@0 5@20 9@40 6@60\n"
         "{x=\"2\"} 10@0 30@20 40@40 70@60\n"},
        {"sum_over_time(b[20s] @ 20)", 0, 60000, 30000,
         "{x=\"1\"} 4@0 4@30 4@60\n"
         "{x=\"3\"} 14@0 14@30 14@60\n"},
        {"sum_over_time(a[1m:10s])", 60000, 0, 0,
         "{x=\"1\"} 26@60\n"
         "{x=\"2\"} 150@60\n"},
        {"count_over_time(a[30s] offset 10s)", 0, 60000, 20000,
         "{x=\"1\"} 2@20 3@40 3@60\n"
         "{x=\"2\"} 1@20 2@40 1@60\n"},
        {"quantile_over_time(scalar(b{x=\"1\"}) / 4, a[30s])", 0, 60000, 20000,
         "{x=\"1\"} 1@0 2@20 4@40 5.5@60\n"
         "{x=\"2\"} 10@0 20@20 35@40 70@60\n"},
        {"predict_linear(a{x=\"1\"}[1m] @ 50, 10)", 0, 60000, 30000, "{x=\"1\"} 2@0 5@30 8@60\n"},
        {"last_over_time(a[30s])", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"first_over_time(a[30s])", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 1@20\n"
         "{__name__=\"a\", x=\"2\"} 10@20\n"},
        {"quantile_over_time(7, a[30s])", 20000, 0, 0,
         "{x=\"1\"} +Inf@20\n"
         "{x=\"2\"} +Inf@20\n"
         "warning PromQL warning: quantile value should be between 0 and 1, got 7 (1:20)\n"},
        {"double_exponential_smoothing(a[30s], 2, 0.5)", 20000, 0, 0,
         "error invalid smoothing factor. Expected: 0 < sf < 1, got: 2.000000\n"},
        {"double_exponential_smoothing(a[30s], 0.5, 1)", 20000, 0, 0,
         "error invalid trend factor. Expected: 0 < tf < 1, got: 1.000000\n"},
        {"double_exponential_smoothing(nothing[30s], 2, 0.5)", 20000, 0, 0, ""},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(window, counters_should_look_like_counters)
{
    static const struct fixture_case cases[] = {
        {"rate(a[30s])", 20000, 0, 0,
         "{x=\"1\"} 0.1@20\n"
         "{x=\"2\"} 1@20\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:6)\n"},
        {"increase((a)[30s:10s])", 20000, 0, 0,
         "{x=\"1\"} 3@20\n"
         "{x=\"2\"} 30@20\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:1)\n"},
        {"rate({__name__=~\"a|b\"}[30s])", 20000, 0, 0, "error vector cannot contain metrics with the same labelset\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
