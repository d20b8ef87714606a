/* Vector matching where signatures repeat or gaps are filled. */
#include "tests/query/fixture.h"

Test(match_steps, errors_and_filling)
{
    static const struct fixture_case cases[] = {
        {"a + on() b", 50000, 0, 0,
         "error found duplicate series for the match group {} on the right hand-side of the operation: "
         "[{__name__=\"b\", x=\"1\"}, {__name__=\"b\", x=\"3\"}];many-to-many matching not allowed: matching labels "
         "must be unique on one side\n"},
        {"c * on(x) a", 20000, 0, 0,
         "error multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)\n"},
        {"a * on(x) group_right(y) c", 20000, 0, 0,
         "error multiple matches for labels: grouping labels must ensure unique matches\n"},
        {"a * on() group_right() c", 20000, 0, 0,
         "error found duplicate series for the match group {} on the left hand-side of the operation: "
         "[{__name__=\"a\", x=\"1\"}, {__name__=\"a\", x=\"2\"}];many-to-many matching not allowed: matching labels "
         "must be unique on one side\n"},
        {"c + on(y) group_left() c", 20000, 0, 0,
         "{x=\"1\", y=\"p\"} 2@20\n"
         "{x=\"1\", y=\"q\"} 10@20\n"},
        {"a{x=\"2\"} + on() group_left() a{x=\"1\"}", 0, 60000, 20000, "{x=\"2\"} 11@0 33@20 76@60\n"},
        {"b * on() {__name__=~\"a|c\"}", 30000, 60000, 30000,
         "error found duplicate series for the match group {} on the right hand-side of the operation: "
         "[{__name__=\"a\", x=\"1\"}, {__name__=\"a\", x=\"2\"}];many-to-many matching not allowed: matching labels "
         "must be unique on one side\n"},
        {"a + fill(100) b", 20000, 0, 0,
         "{x=\"1\"} 5@20\n"
         "{x=\"2\"} 130@20\n"
         "{x=\"3\"} 107@20\n"},
        {"a + fill_left(1) b", 20000, 0, 0,
         "{x=\"1\"} 5@20\n"
         "{x=\"3\"} 8@20\n"},
        {"a + fill_right(1) b", 20000, 0, 0,
         "{x=\"1\"} 5@20\n"
         "{x=\"2\"} 31@20\n"},
        {"a > bool fill(0) b", 20000, 0, 0,
         "{x=\"1\"} 1@20\n"
         "{x=\"2\"} 1@20\n"
         "{x=\"3\"} 0@20\n"},
        {"a * on(x) group_right() fill_right(2) c", 20000, 0, 0,
         "{x=\"1\", y=\"p\"} 3@20\n"
         "{x=\"1\", y=\"q\"} 15@20\n"},
        {"c * on(x) group_left() fill_left(2) a", 20000, 0, 0,
         "{x=\"1\", y=\"p\"} 3@20\n"
         "{x=\"1\", y=\"q\"} 15@20\n"
         "{x=\"2\"} 60@20\n"},
        {"b * on(x) a{x=\"2\"}", 0, 60000, 20000, ""},
        {"a{x=\"2\"} + on(x) fill_right(0) b", 0, 60000, 20000, "{x=\"2\"} 10@0 30@20 70@60\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_FILL_MODIFIERS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
