/* Element-wise functions: names, parameters, dates, times. */
#include "tests/query/fixture.h"

Test(elementwise, values_and_names)
{
    static const struct fixture_case cases[] = {
        {"abs(-a)", 20000, 0, 0,
         "{x=\"1\"} 3@20\n"
         "{x=\"2\"} 30@20\n"},
        {"-a", 20000, 0, 0,
         "{x=\"1\"} -3@20\n"
         "{x=\"2\"} -30@20\n"},
        {"+a", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"clamp(a, 2, 5)", 20000, 0, 0,
         "{x=\"1\"} 3@20\n"
         "{x=\"2\"} 5@20\n"},
        {"clamp(a, 5, 2)", 20000, 0, 0, ""},
        {"clamp_min(a, 5)", 20000, 0, 0,
         "{x=\"1\"} 5@20\n"
         "{x=\"2\"} 30@20\n"},
        {"clamp_max(a, NaN)", 20000, 0, 0,
         "{x=\"1\"} NaN@20\n"
         "{x=\"2\"} NaN@20\n"},
        {"clamp_max(a{x=\"1\"}, time() / 20)", 0, 60000, 20000, "{x=\"1\"} 0@0 1@20 2@40 3@60\n"},
        {"round(a / 7, 0.1)", 20000, 0, 0,
         "{x=\"1\"} 0.4@20\n"
         "{x=\"2\"} 4.3@20\n"},
        {"round(a / 7)", 20000, 0, 0,
         "{x=\"1\"} 0@20\n"
         "{x=\"2\"} 4@20\n"},
        {"timestamp(a)", 25000, 0, 0,
         "{x=\"1\"} 20@25\n"
         "{x=\"2\"} 20@25\n"},
        {"timestamp(a + 0)", 25000, 0, 0,
         "{x=\"1\"} 25@25\n"
         "{x=\"2\"} 25@25\n"},
        {"month()", 0, 20000, 10000, "{} 1@0 1@10 1@20\n"},
        {"minute(a * 60)", 20000, 0, 0,
         "{x=\"1\"} 3@20\n"
         "{x=\"2\"} 30@20\n"},
        {"histogram_count(a)", 20000, 0, 0, ""},
        {"start_timestamp(a)", 20000, 0, 0, ""},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(elementwise, names_that_go_later)
{
    static const struct fixture_case cases[] = {
        {"abs(a)", 20000, 0, 0,
         "{x=\"1\"} 3@20\n"
         "{x=\"2\"} 30@20\n"},
        {"label_replace(abs(a), \"__name__\", \"kept\", \"\", \"\")", 20000, 0, 0,
         "{__name__=\"kept\", x=\"1\"} 3@20\n"
         "{__name__=\"kept\", x=\"2\"} 30@20\n"},
        {"sum by (__name__) (abs(a))", 20000, 0, 0, "{} 33@20\n"},
        {"sum by (__name__) (a)", 20000, 0, 0, "{__name__=\"a\"} 33@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_DELAYED_NAME_REMOVAL);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
