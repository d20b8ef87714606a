/* Operators with a scalar side. */
#include "tests/query/fixture.h"

Test(binary, sides)
{
    static const struct fixture_case cases[] = {
        {"a + 1", 20000, 0, 0,
         "{x=\"1\"} 4@20\n"
         "{x=\"2\"} 31@20\n"},
        {"1 - a", 20000, 0, 0,
         "{x=\"1\"} -2@20\n"
         "{x=\"2\"} -29@20\n"},
        {"a > 5", 20000, 0, 0, "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"5 < a", 20000, 0, 0, "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"a > bool 5", 20000, 0, 0,
         "{x=\"1\"} 0@20\n"
         "{x=\"2\"} 1@20\n"},
        {"5 < bool a", 20000, 0, 0,
         "{x=\"1\"} 0@20\n"
         "{x=\"2\"} 1@20\n"},
        {"a{x=\"1\"} > time() / 10", 0, 60000, 20000, "{__name__=\"a\", x=\"1\"} 1@0 3@20 5@40\n"},
        {"time() - a{x=\"1\"}", 0, 60000, 20000, "{x=\"1\"} -1@0 17@20 35@40 54@60\n"},
        {"a > bool 3", 0, 60000, 20000,
         "{x=\"1\"} 0@0 0@20 1@40 1@60\n"
         "{x=\"2\"} 1@0 1@20 1@60\n"},
        {"a % 2", 20000, 0, 0,
         "{x=\"1\"} 1@20\n"
         "{x=\"2\"} 0@20\n"},
        {"2 ^ a{x=\"1\"}", 20000, 0, 0, "{x=\"1\"} 8@20\n"},
        {"a{x=\"1\"} atan2 0", 20000, 0, 0, "{x=\"1\"} 1.5707963267948966@20\n"},
        {"a </ 1", 20000, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \"</\": float </ float (1:1)\n"},
        {"a == NaN", 20000, 0, 0, ""},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
