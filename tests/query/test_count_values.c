/* count_values. */
#include "tests/query/fixture.h"

Test(count_values, values)
{
    static const struct fixture_case cases[] = {
        {"count_values(\"v\", {__name__=~\"b|c\"})", 20000, 0, 0,
         "{v=\"2\"} 1@20\n"
         "{v=\"7\"} 1@20\n"
         "{v=\"1\"} 1@20\n"
         "{v=\"5\"} 1@20\n"},
        {"count_values by (x) (\"v\", c)", 20000, 0, 0,
         "{v=\"1\", x=\"1\"} 1@20\n"
         "{v=\"5\", x=\"1\"} 1@20\n"},
        {"count_values without (x) (\"v\", c)", 20000, 0, 0,
         "{v=\"1\", y=\"p\"} 1@20\n"
         "{v=\"5\", y=\"q\"} 1@20\n"},
        {"count_values by (x) (\"x\", c)", 20000, 0, 0,
         "{x=\"1\"} 1@20\n"
         "{x=\"5\"} 1@20\n"},
        {"count_values without (v) (\"v\", c)", 20000, 0, 0,
         "{x=\"1\", y=\"p\"} 1@20\n"
         "{x=\"1\", y=\"q\"} 1@20\n"},
        {"count_values(\"v\", a)", 0, 60000, 20000,
         "{v=\"1\"} 1@0\n"
         "{v=\"10\"} 1@0\n"
         "{v=\"3\"} 1@20\n"
         "{v=\"30\"} 1@20\n"
         "{v=\"5\"} 1@40\n"
         "{v=\"6\"} 1@60\n"
         "{v=\"70\"} 1@60\n"},
        {"count_values(\"\", c)", 20000, 0, 0, "error invalid label name \"\"\n"},
        {"count_values(\"v\", c / 0)", 20000, 0, 0, "{v=\"+Inf\"} 2@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
