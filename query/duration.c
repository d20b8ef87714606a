/* Durations as text; see duration.h. */
#include "query/duration.h"

#include "query/quote.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

enum { MS_PER_SECOND = 1000, MS_PER_MINUTE = 60 * MS_PER_SECOND, MS_PER_HOUR = 60 * MS_PER_MINUTE };

/* From the largest on. Years and weeks are printed only where nothing remains: 90d reads better than 12w6d. */
static const struct unit {
    str name;
    int64_t ms;
    bool only_whole;
} units[] = {
    {STR("y"), 365LL * 24 * MS_PER_HOUR, true},
    {STR("w"), 7LL * 24 * MS_PER_HOUR, true},
    {STR("d"), 24LL * MS_PER_HOUR, false},
    {STR("h"), MS_PER_HOUR, false},
    {STR("m"), MS_PER_MINUTE, false},
    {STR("s"), MS_PER_SECOND, false},
    {STR("ms"), 1, false},
};

enum { UNIT_COUNT = sizeof units / sizeof units[0] };

static const int64_t duration_ms_max = INT64_MAX / 1000000; /* what fits 64 bits of nanoseconds */

enum fault { FAULT_NONE, FAULT_EMPTY, FAULT_SYNTAX, FAULT_UNIT, FAULT_RANGE };

static str cut_run(str *rest, bool digits)
{
    size_t len = 0;

    while (len < rest->len && (rest->data[len] >= '0' && rest->data[len] <= '9') == digits) len++;
    str run = str_part(*rest, 0, len);
    *rest = str_part(*rest, len, rest->len);
    return run;
}

static size_t find_unit(str name)
{
    size_t i = 0;

    while (i < UNIT_COUNT && !str_equal(units[i].name, name)) i++;
    return i;
}

/* *unit becomes the unit read last. */
static enum fault scan(str text, int64_t *out_ms, str *unit)
{
    int64_t total = 0;
    size_t next = 0; /* units from here on may still come */

    if (text.len == 0) return FAULT_EMPTY;
    for (str rest = text; rest.len;) {
        uint64_t count;
        if (!str_to_uint64(cut_run(&rest, true), &count)) return FAULT_SYNTAX;
        *unit = cut_run(&rest, false);
        if (unit->len == 0 && !str_equal(text, STR("0"))) return FAULT_SYNTAX;
        if (unit->len == 0) break;
        size_t i = find_unit(*unit);
        if (i == UNIT_COUNT) return FAULT_UNIT;
        if (i < next) return FAULT_SYNTAX;
        next = i + 1;
        if (count > (uint64_t)((duration_ms_max - total) / units[i].ms)) return FAULT_RANGE;
        total += (int64_t)count * units[i].ms;
    }
    *out_ms = total;
    return FAULT_NONE;
}

bool parse_duration(str text, int64_t *out_ms)
{
    str unit;

    *out_ms = 0;
    return scan(text, out_ms, &unit) == FAULT_NONE;
}

str duration_fault(str text, struct arena *arena)
{
    int64_t ms;
    str unit, quoted = quote_text(text, arena);

    switch (scan(text, &ms, &unit)) {
    case FAULT_EMPTY: return STR("empty duration string");
    case FAULT_RANGE: return STR("duration out of range");
    case FAULT_UNIT:
        return arena_format(arena, "unknown unit %.*s in duration %.*s", STR_ARG(quote_text(unit, arena)),
                            STR_ARG(quoted));
    case FAULT_SYNTAX: return arena_format(arena, "not a valid duration string: %.*s", STR_ARG(quoted));
    case FAULT_NONE: break;
    }
    assert(false);
    return STR("");
}

void duration_write(int64_t ms, struct writer *out)
{
    uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

    if (ms == 0) writer_bytes(out, "0s", 2);
    if (ms < 0) writer_u8(out, '-');
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        char text[24];
        uint64_t unit_ms = (uint64_t)units[i].ms, count = rest / unit_ms;
        if (count == 0 || (units[i].only_whole && rest % unit_ms)) continue;
        rest -= count * unit_ms;
        writer_bytes(out, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)count));
        writer_bytes(out, units[i].name.data, units[i].name.len);
    }
}

str print_duration(int64_t ms, struct arena *arena)
{
    struct writer w = {0};

    duration_write(ms, &w);
    str text = arena_copy_str(arena, str_make((const char *)w.data, w.count));
    writer_release(&w);
    return text;
}

bool duration_from_seconds(double seconds, int64_t *out_ms)
{
    double ns = round(seconds * 1e9);

    if (!(fabs(ns) <= 0x1p63)) return false;
    *out_ms = fabs(ns) == 0x1p63 ? (int64_t)copysign((double)duration_ms_max, ns) : (int64_t)ns / 1000000;
    return true;
}
