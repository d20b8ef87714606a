/* absent and absent_over_time. */
#include "tests/query/fixture.h"

Test(absent, labels_and_steps)
{
    static const struct fixture_case cases[] = {
        {"absent(nothing{x=\"1\",y=~\"z\"})", 20000, 0, 0, "{x=\"1\"} 1@20\n"},
        {"absent(nothing{x=\"1\",x=\"2\"})", 20000, 0, 0, "{} 1@20\n"},
        {"absent(nothing{x=~\"1\",x=\"2\"})", 20000, 0, 0, "{x=\"2\"} 1@20\n"},
        {"absent(sum(nothing{x=\"1\"}))", 20000, 0, 0, "{} 1@20\n"},
        {"absent(a)", 20000, 0, 0, ""},
        {"absent(c)", 0, 400000, 100000, "{} 1@400\n"},
        {"absent_over_time(c[5s])", 0, 60000, 20000, "{} 1@40 1@60\n"},
        {"absent_over_time(nothing{z=\"1\"}[5s])", 0, 20000, 20000, "{z=\"1\"} 1@0 1@20\n"},
        {"absent_over_time(a{x=\"2\"}[5s:5s])", 0, 60000, 20000, "{} 1@40\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
