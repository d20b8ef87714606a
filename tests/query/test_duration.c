/* Durations as text. */
#include "query/duration.h"

#include "tests/support/test.h"

#include <math.h>

static const struct {
    const char *text;
    int64_t ms;
    const char *canonical;
} rows[] = {
    {"0", 0, "0s"},
    {"0s", 0, "0s"},
    {"5m", 300000, "5m"},
    {"90s", 90000, "1m30s"},
    {"1h30m", 5400000, "1h30m"},
    {"60m", 3600000, "1h"},
    {"24h", 86400000, "1d"},
    {"7d", 604800000, "1w"},
    {"8d", 691200000, "8d"},
    {"90d", 7776000000, "90d"},
    {"365d", 31536000000, "1y"},
    {"366d", 31622400000, "366d"},
    {"1y1w", 32140800000, "372d"},
    {"14d1ms", 1209600001, "14d1ms"},
    {"1y2w3d4h5m6s7ms", 33019506007, "382d4h5m6s7ms"},
    {"1500ms", 1500, "1s500ms"},
    {"0y0w0d1ms", 1, "1ms"},
    {"292y", 9208512000000, "292y"},
    {"9223372036854ms", 9223372036854, "106751d23h47m16s854ms"},
};

Test(duration, rows)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        int64_t ms;

        arena_init(&arena, NULL);
        cr_assert(parse_duration(str_from(rows[i].text), &ms), "%s", rows[i].text);
        cr_expect(ms == rows[i].ms, "%s: %lld", rows[i].text, (long long)ms);
        str text = print_duration(ms, &arena);
        cr_expect(str_equal(text, str_from(rows[i].canonical)), "%s: %.*s", rows[i].text, STR_ARG(text));
        cr_expect(ms == 0 || print_duration(-ms, &arena).len == text.len + 1, "%s", rows[i].text);
        arena_release(&arena);
    }
}

static const struct {
    const char *text, *fault;
} faults[] = {
    {"", "empty duration string"},
    {"5", "not a valid duration string: \"5\""},
    {"00", "not a valid duration string: \"00\""},
    {"m", "not a valid duration string: \"m\""},
    {"-5m", "not a valid duration string: \"-5m\""},
    {" 5m", "not a valid duration string: \" 5m\""},
    {"5m ", "unknown unit \"m \" in duration \"5m \""},
    {"1.5h", "unknown unit \".\" in duration \"1.5h\""},
    {"5x", "unknown unit \"x\" in duration \"5x\""},
    {"1m1h", "not a valid duration string: \"1m1h\""},
    {"1m2m", "not a valid duration string: \"1m2m\""},
    {"1h5", "not a valid duration string: \"1h5\""},
    {"18446744073709551616s", "not a valid duration string: \"18446744073709551616s\""},
    {"293y", "duration out of range"},
    {"9223372036855ms", "duration out of range"},
    {"292y52w", "duration out of range"},
};

Test(duration, faults)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct arena arena;
        int64_t ms;

        arena_init(&arena, NULL);
        cr_expect(!parse_duration(str_from(faults[i].text), &ms), "%s", faults[i].text);
        str fault = duration_fault(str_from(faults[i].text), &arena);
        cr_expect(str_equal(fault, str_from(faults[i].fault)), "%s: %.*s", faults[i].text, STR_ARG(fault));
        arena_release(&arena);
    }
}

static const struct {
    double seconds;
    bool fits;
    int64_t ms;
} conversions[] = {
    {0, true, 0},
    {1.5, true, 1500},
    {-1.5, true, -1500},
    {0.0019, true, 1},
    {-0.0019, true, -1},
    {1.0009999999, true, 1001},
    {1.001, true, 1001},
    {9223372036.854775, true, 9223372036854},
    {9223372036.854776, true, 9223372036854},
    {-9223372036.854776, true, -9223372036854},
    {9223372036.9, false, 0},
    {-1e300, false, 0},
    {INFINITY, false, 0},
    {NAN, false, 0},
};

Test(duration, from_seconds)
{
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++) {
        int64_t ms = 0;
        bool fits = duration_from_seconds(conversions[i].seconds, &ms);
        cr_expect(fits == conversions[i].fits && ms == conversions[i].ms, "%.17g: %lld", conversions[i].seconds,
                  (long long)ms);
    }
}

Test(duration, extremes)
{
    struct arena arena;

    arena_init(&arena, NULL);
    cr_expect(str_equal(print_duration(INT64_MIN, &arena), STR("-106751991167d7h12m55s808ms")));
    cr_expect(str_equal(print_duration(INT64_MAX, &arena), STR("106751991167d7h12m55s807ms")));
    arena_release(&arena);
}
