#include "http/time_layout.h"
#include "storage/base/hash.h"
#include "tests/support/test.h"

#include <stdlib.h>

/* 2006-01-02 15:04:05.678 UTC */
#define THEN 1136214245678

static const struct {
    const char *layout, *text;
    int64_t ms;      /* -1: it does not fit */
    const char *out; /* how `ms` is printed; NULL: as the text */
} cases[] = {
    {"2006-01-02 15:04:05", "2006-01-02 15:04:05", THEN - 678, NULL},
    {"2006-01-02 15:04:05.000", "2006-01-02 15:04:05.678", THEN, NULL},
    {"2006-01-02 15:04:05.000000", "2006-01-02 15:04:05.678000", THEN, NULL},
    {"2006-01-02T15:04:05.999Z07:00", "2006-01-02T15:04:05.6Z", THEN - 78, NULL},
    {"2006-01-02 15:04:05", "2006-01-02 15:04:05.678", THEN, "2006-01-02 15:04:05"},
    {"02/Jan/2006:15:04:05 -0700", "02/Jan/2006:08:04:05 -0700", THEN - 678, "02/Jan/2006:15:04:05 +0000"},
    {"Monday, January 2 2006 03:04:05 PM", "Monday, January 2 2006 03:04:05 PM", THEN - 678, NULL},
    {"Mon Jan _2 3:4:5pm 06 MST", "Mon Jan  2 3:4:5pm 06 UTC", THEN - 678, NULL},
    {"1/2/2006", "1/2/2006", 1136160000000, NULL},
    {"20060102", "20060102", 1136160000000, NULL},
    {"2006-01-02 03 PM", "2006-01-02 12 AM", 1136160000000, NULL},
    {"2006-01-02 03 PM", "2006-01-02 13 AM", -1, NULL},
    {"2006-01-02 -07", "2006-01-01 -01", 1136077200000, "2006-01-01 +00"},
    {"02.01.06", "31.12.69", -86400000, NULL},
    {"2006-01-02", "2006-02-29", -1, NULL},
    {"2006-01-02", "2006-1-02", -1, NULL},
    {"2006-01-02", "2006-01-02 ", -1, NULL},
    {"2006-01-02", "2006-01", -1, NULL},
    {"2006-01-02", "", -1, NULL},
    {"15:04", "24:00", -1, NULL},
    {"05,000", "05.", -1, NULL},
    {"Jan", "Jum", -1, NULL},
    {"2006 PM", "2006 XM", -1, NULL},
    {"2006 MST", "2006 X", -1, NULL},
    {"2006-07:00", "2006-0700", -1, NULL},
};

Test(time_layout, cases)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        int64_t ms = -1;
        str layout = str_from(cases[i].layout);
        bool fits = time_layout_parse(layout, str_from(cases[i].text), &ms);
        cr_expect(fits == (cases[i].ms != -1) && (!fits || ms == cases[i].ms), "%s as %s: %lld", cases[i].text,
                  cases[i].layout, (long long)ms);
        if (!fits) continue;
        str out = time_layout_print(layout, ms, &arena);
        cr_expect(str_equal(out, str_from(cases[i].out ? cases[i].out : cases[i].text)), "%s: %.*s", cases[i].layout,
                  STR_ARG(out));
        arena_release(&arena);
    }
}

/* Pieces of layouts in any order, with anything to read: nothing is read beyond the text. */
Test(time_layout, anything)
{
    static const char *const pieces[] = {"2006", "Jan", "January", "Mon", "MST", "Z07:00", "-07",  "01", "_2", "PM",
                                         "5",    "05",  ".000",    ".9",  " ",   "-",      "12:3", "+",  "Z",  "."};
    uint64_t seed = 1;

    for (int round = 0; round < 20000; round++) {
        struct arena arena = {0};
        str layout = STR(""), text = STR("");
        int64_t ms;
        for (int i = 0; i < 4; i++) {
            seed = hash_mix(seed, (uint64_t)round);
            layout = arena_format(&arena, "%.*s%s", STR_ARG(layout), pieces[seed % 20]);
            text = arena_format(&arena, "%.*s%s", STR_ARG(text), pieces[seed / 20 % 20]);
        }
        char *copy = memory_alloc(text.len);
        memcpy(copy, text.data, text.len);
        if (time_layout_parse(layout, str_make(copy, text.len), &ms)) time_layout_print(layout, ms, &arena);
        free(copy);
        arena_release(&arena);
    }
}
