/* Operators between vectors whose rows pair by signature. */
#include "tests/query/fixture.h"

Test(match, pairs)
{
    static const struct fixture_case cases[] = {
        {"a + b", 50000, 0, 0, "{x=\"1\"} 8@50\n"},
        {"a + on(x) b", 0, 60000, 20000, "{x=\"1\"} 3@0 5@20 7@40 8@60\n"},
        {"a / ignoring(y) b", 0, 60000, 20000, "{x=\"1\"} 0.5@0 1.5@20 2.5@40 3@60\n"},
        {"a > b", 20000, 0, 0, "{__name__=\"a\", x=\"1\"} 3@20\n"},
        {"a > bool b", 20000, 0, 0, "{x=\"1\"} 1@20\n"},
        {"b > a", 20000, 0, 0, ""},
        {"a == on(x) b", 0, 60000, 20000, ""},
        {"c * on(x) group_left() b", 20000, 0, 0,
         "{x=\"1\", y=\"p\"} 2@20\n"
         "{x=\"1\", y=\"q\"} 10@20\n"},
        {"b / on(x) group_right() c", 20000, 0, 0,
         "{x=\"1\", y=\"p\"} 2@20\n"
         "{x=\"1\", y=\"q\"} 0.4@20\n"},
        {"c - on(x) group_left(nope) b", 20000, 0, 0,
         "{x=\"1\", y=\"p\"} -1@20\n"
         "{x=\"1\", y=\"q\"} 3@20\n"},
        {"a >/ b", 20000, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \">/\": float >/ float (1:1)\n"},
        {"a + nothing", 20000, 0, 0, ""},
        {"b <= on(x) group_right() c", 20000, 0, 0, "{__name__=\"c\", x=\"1\", y=\"q\"} 2@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
