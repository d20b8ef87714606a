/* quantile over groups. */
#include "tests/query/fixture.h"

Test(group_quantile, quantiles)
{
    static const struct fixture_case cases[] = {
        {"quantile(0.5, c)", 20000, 0, 0, "{} 3@20\n"},
        {"quantile by (x) (2, c)", 20000, 0, 0,
         "{x=\"1\"} +Inf@20\n"
         "warning PromQL warning: quantile value should be between 0 and 1, got 2 (1:18)\n"},
        {"quantile(NaN, c)", 20000, 0, 0,
         "{} NaN@20\n"
         "warning PromQL warning: quantile value should be between 0 and 1, got NaN (1:10)\n"},
        {"quantile(0.25, a)", 0, 60000, 20000, "{} 3.25@0 9.75@20 5@40 22@60\n"},
        {"quantile(time() / 20, a)", 0, 20000, 20000, "{} 1@0 30@20\n"},
        {"quantile by (__name__) (0, {__name__=~\"a|b\"})", 20000, 0, 0,
         "{__name__=\"a\"} 3@20\n"
         "{__name__=\"b\"} 2@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
