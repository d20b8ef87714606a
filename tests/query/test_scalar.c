/* Scalars, and vectors made of them. */
#include "tests/query/fixture.h"

Test(scalar, kinds)
{
    static const struct fixture_case cases[] = {
        {"1 + 2", 20000, 0, 0, "scalar 3\n"},
        {"time()", 20000, 0, 0, "scalar 20\n"},
        {"time()", 0, 60000, 20000, "{} 0@0 20@20 40@40 60@60\n"},
        {"pi()", 20000, 0, 0, "scalar 3.141592653589793\n"},
        {"scalar(a)", 20000, 0, 0, "scalar NaN\n"},
        {"scalar(b{x=\"1\"})", 20000, 0, 0, "scalar 2\n"},
        {"scalar(a{x=\"2\"})", 0, 60000, 20000, "{} 10@0 30@20 NaN@40 70@60\n"},
        {"vector(3)", 20000, 0, 0, "{} 3@20\n"},
        {"min_of(1, 2)", 20000, 0, 0, "scalar 1\n"},
        {"max_of(1, NaN)", 20000, 0, 0, "scalar NaN\n"},
        {"max_of(Inf, NaN)", 20000, 0, 0, "scalar +Inf\n"},
        {"max_of(time(), 30)", 0, 60000, 20000, "{} 30@0 30@20 40@40 60@60\n"},
        {"\"text\"", 20000, 0, 0, "string text\n"},
        {"start() + end() + range() + step()", 10000, 70000, 30000, "{} 170@10 170@40 170@70\n"},
        {"1 > bool 2", 20000, 0, 0, "scalar 0\n"},
        {"7", 0, 60000, 20000, "{} 7@0 7@20 7@40 7@60\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
