/* Instant selectors: lookback, staleness, offsets, fixed times, smoothing. */
#include "tests/query/fixture.h"

Test(select, newest_sample)
{
    static const struct fixture_case cases[] = {
        {"a", 50000, 0, 0, "{__name__=\"a\", x=\"1\"} 6@50\n"},
        {"a", 60000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 6@60\n"
         "{__name__=\"a\", x=\"2\"} 70@60\n"},
        {"a", 310000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 6@310\n"
         "{__name__=\"a\", x=\"2\"} 70@310\n"},
        {"a", 360000, 0, 0, ""},
        {"a offset 10s", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 2@20\n"
         "{__name__=\"a\", x=\"2\"} 10@20\n"},
        {"a offset -10s", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 4@20\n"
         "{__name__=\"a\", x=\"2\"} 40@20\n"},
        {"a{x=\"1\"} @ 10", 50000, 0, 0, "{__name__=\"a\", x=\"1\"} 2@50\n"},
        {"a", 0, 60000, 20000,
         "{__name__=\"a\", x=\"1\"} 1@0 3@20 5@40 6@60\n"
         "{__name__=\"a\", x=\"2\"} 10@0 30@20 70@60\n"},
        {"a offset 20s", 0, 60000, 20000,
         "{__name__=\"a\", x=\"1\"} 1@20 3@40 5@60\n"
         "{__name__=\"a\", x=\"2\"} 10@20 30@40\n"},
        {"a{x=\"1\"} @ 30", 0, 60000, 20000, "{__name__=\"a\", x=\"1\"} 4@0 4@20 4@40 4@60\n"},
        {"a{x=\"1\"} @ end()", 0, 60000, 20000, "{__name__=\"a\", x=\"1\"} 6@0 6@20 6@40 6@60\n"},
        {"a smoothed", 25000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 3.5@25\n"
         "{__name__=\"a\", x=\"2\"} 35@25\n"},
        {"a{x=\"2\"} smoothed", 0, 60000, 15000, "{__name__=\"a\", x=\"2\"} 10@0 25@15 40@30 55@45 70@60\n"},
        {"nothing", 20000, 0, 0, ""},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXTENDED_RANGE_SELECTORS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
