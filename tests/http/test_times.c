#include "http/times.h"
#include "tests/support/test.h"

static const struct {
    const char *text;
    int64_t ms;
} times[] = {
    {"0", 0},
    {"4", 4000},
    {"1435781451.781", 1435781451781},
    {"1435781451.7814", 1435781451781},
    {"1435781451.7815", 1435781451782},
    {"1435781451.0009999", 1435781451001},
    {"-1.5", -1500},
    {"-0.0005", -1},
    {"1.7e9", 1700000000000},
    {"0x1p4", 16000},
    {"2015-07-01T20:10:51.781Z", 1435781451781},
    {"2015-07-01T20:10:51Z", 1435781451000},
    {"2015-07-01T20:10:51.7819999Z", 1435781451781},
    {"2015-07-01T22:10:51+02:00", 1435781451000},
    {"2015-07-01T15:40:51-04:30", 1435781451000},
    {"2016-02-29T00:00:00Z", 1456704000000},
    {"1969-12-31T23:59:59.5Z", -500},
    {"0001-01-01T00:00:00Z", -62135596800000},
    {"9999-12-31T23:59:59Z", 253402300799000},
    {"-292273086-05-16T16:47:06Z", TIME_MIN_MS},
    {"292277025-08-18T07:12:54.999999999Z", TIME_MAX_MS},
};

static const char *const no_times[] = {
    "",
    " ",
    "x",
    "NaN",
    "+Inf",
    "-inf",
    "1e300",
    "0x10",
    "1 ",
    "2015-07-01",
    "2015-07-01T20:10:51",
    "2015-07-01 20:10:51Z",
    "2015-07-01t20:10:51Z",
    "2015-07-01T20:10:51z",
    "2015-7-01T20:10:51Z",
    "2015-13-01T20:10:51Z",
    "2015-02-29T20:10:51Z",
    "2015-07-00T20:10:51Z",
    "2015-07-01T24:10:51Z",
    "2015-07-01T20:60:51Z",
    "2015-07-01T20:10:60Z",
    "2015-07-01T20:10:51.Z",
    "2015-07-01T20:10:51+2:00",
    "2015-07-01T20:10:51+24:00",
    "2015-07-01T20:10:51Zx",
};

Test(times, are_parsed)
{
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t ms = -1;
        bool fine = times_parse(str_from(times[i].text), &ms);
        cr_expect(fine && ms == times[i].ms, "%s: %lld", times[i].text, (long long)ms);
    }
    for (size_t i = 0; i < sizeof no_times / sizeof no_times[0]; i++) {
        int64_t ms;
        cr_expect(!times_parse(str_from(no_times[i]), &ms), "%s is no time", no_times[i]);
    }
}

static const struct {
    const char *text;
    enum times_duration outcome;
    int64_t ns;
} durations[] = {
    {"15", DURATION_OK, 15000000000},      {"0.001", DURATION_OK, 1000000},
    {"-3", DURATION_OK, -3000000000},      {"1e3", DURATION_OK, 1000000000000},
    {"1h30m", DURATION_OK, 5400000000000}, {"2m0s", DURATION_OK, 120000000000},
    {"100ms", DURATION_OK, 100000000},     {"0", DURATION_OK, 0},
    {"1e11", DURATION_OVERFLOW, 0},        {"-1e300", DURATION_OVERFLOW, 0},
    {"Inf", DURATION_OVERFLOW, 0},         {"NaN", DURATION_MALFORMED, 0},
    {"1000y", DURATION_MALFORMED, 0},      {"x", DURATION_MALFORMED, 0},
    {"", DURATION_MALFORMED, 0},           {"1m1h", DURATION_MALFORMED, 0},
};

Test(times, durations_are_parsed)
{
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t ns = 0;
        enum times_duration outcome = times_parse_duration(str_from(durations[i].text), &ns);
        cr_expect(outcome == durations[i].outcome, "%s: %d", durations[i].text, outcome);
        if (outcome == DURATION_OK) cr_expect(ns == durations[i].ns, "%s: %lld", durations[i].text, (long long)ns);
    }
}

Test(times, are_printed)
{
    struct arena arena = {0};

    cr_expect(str_equal(times_print(1435781451781, &arena), STR("2015-07-01T20:10:51.781Z")));
    cr_expect(str_equal(times_print(0, &arena), STR("1970-01-01T00:00:00.000Z")));
    cr_expect(str_equal(times_print(-1, &arena), STR("1969-12-31T23:59:59.999Z")));
    arena_release(&arena);
}

/* Every day of four centuries, against the C library. */
Test(times, calendar_agrees_with_the_library)
{
    struct arena arena = {0};

    for (int64_t day = -80000; day < 80000; day++) {
        int64_t ms = day * 86400000 + 12345678, back = 0;
        str text = times_print(ms, &arena);
        if (!times_parse(text, &back) || back != ms) cr_assert(false, "%.*s", STR_ARG(text));
        if (day % 1000 == 0) arena_reset(&arena);
    }
    arena_release(&arena);
}
