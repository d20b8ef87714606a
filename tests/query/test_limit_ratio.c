/* limit_ratio. */
#include "tests/query/fixture.h"

Test(limit_ratio, shares)
{
    static const struct fixture_case cases[] = {
        {"limit_ratio(1, c)", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"},
        {"limit_ratio(0, c)", 20000, 0, 0, ""},
        {"limit_ratio(2, c)", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"
         "warning PromQL warning: ratio value should be between -1 and 1, got 2, capping to 1 (1:13)\n"},
        {"limit_ratio(-3, c)", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"
         "warning PromQL warning: ratio value should be between -1 and 1, got -3, capping to -1 (1:13)\n"},
        {"limit_ratio(NaN, c)", 20000, 0, 0, "error Ratio value is NaN\n"},
        {"limit_ratio(0.5, {__name__=~\"a|b|c\"}) or limit_ratio(-0.5, {__name__=~\"a|b|c\"})", 20000, 0, 0,
         "{__name__=\"a\", x=\"2\"} 30@20\n"
         "{__name__=\"b\", x=\"1\"} 2@20\n"
         "{__name__=\"b\", x=\"3\"} 7@20\n"
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"},
        {"limit_ratio(time() / 20, c)", 0, 20000, 20000,
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
