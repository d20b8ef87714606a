/* Times and durations as parameters; see times.h. */
#include "http/times.h"

#include "query/parse.h"

#include <math.h>
#include <time.h>

/* Days from 1970-01-01 to a date of the Gregorian calendar; years start in March here, so that leap days come last. */
static int64_t days_of_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Exactly `digits` digits at the front of *rest. */
static bool take_number(str *rest, size_t digits, int *out)
{
    *out = 0;
    if (rest->len < digits) return false;
    for (size_t i = 0; i < digits; i++) {
        if (rest->data[i] < '0' || rest->data[i] > '9') return false;
        *out = *out * 10 + (rest->data[i] - '0');
    }
    *rest = str_part(*rest, digits, rest->len);
    return true;
}

static bool take_byte(str *rest, char byte)
{
    if (rest->len == 0 || rest->data[0] != byte) return false;
    *rest = str_part(*rest, 1, rest->len);
    return true;
}

/* A fraction of any length; what is below a millisecond is cut. */
static bool take_fraction(str *rest, int *out_ms)
{
    int unit = 100;
    size_t digits = 0;

    *out_ms = 0;
    if (!take_byte(rest, '.') && !take_byte(rest, ',')) return true;
    for (; digits < rest->len && rest->data[digits] >= '0' && rest->data[digits] <= '9'; digits++) {
        *out_ms += (rest->data[digits] - '0') * unit;
        unit /= 10;
    }
    *rest = str_part(*rest, digits, rest->len);
    return digits > 0;
}

static bool take_zone(str *rest, int *out_minutes)
{
    int hours, minutes, sign = 1;

    *out_minutes = 0;
    if (take_byte(rest, 'Z')) return true;
    if (take_byte(rest, '-')) {
        sign = -1;
    } else if (!take_byte(rest, '+')) {
        return false;
    }
    if (!take_number(rest, 2, &hours) || !take_byte(rest, ':') || !take_number(rest, 2, &minutes)) return false;
    *out_minutes = sign * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

bool times_from_parts(const struct time_parts *parts, int64_t *out_ms)
{
    if (parts->month < 1 || parts->month > 12 || parts->day < 1 ||
        parts->day > days_of_month(parts->year, parts->month))
        return false;
    if (parts->hour < 0 || parts->hour > 23 || parts->minute > 59 || parts->second > 59) return false;
    int64_t hours = days_of_date(parts->year, parts->month, parts->day) * 24 + parts->hour;
    *out_ms = ((hours * 60 + parts->minute - parts->zone_minutes) * 60 + parts->second) * 1000 + parts->ms;
    return true;
}

static bool parse_rfc3339(str text, int64_t *out_ms)
{
    struct time_parts parts;

    if (!take_number(&text, 4, &parts.year) || !take_byte(&text, '-') || !take_number(&text, 2, &parts.month) ||
        !take_byte(&text, '-') || !take_number(&text, 2, &parts.day) || !take_byte(&text, 'T') ||
        !take_number(&text, 2, &parts.hour) || !take_byte(&text, ':') || !take_number(&text, 2, &parts.minute) ||
        !take_byte(&text, ':') || !take_number(&text, 2, &parts.second))
        return false;
    if (!take_fraction(&text, &parts.ms) || !take_zone(&text, &parts.zone_minutes) || text.len) return false;
    return times_from_parts(&parts, out_ms);
}

/* Rounding in the steps that the API is defined by: the fraction to thousandths, these to nanoseconds, cut. */
static bool milliseconds_of_seconds(double seconds, int64_t *out_ms)
{
    const int64_t most = TIME_MAX_MS / 1000;
    double whole, fraction = modf(seconds, &whole);

    if (!(fabs(whole) <= (double)most)) return false; /* also not a number */
    int64_t ns = (int64_t)(round(fraction * 1000) / 1000 * 1e9);
    int64_t ms = ns / 1000000 - (ns % 1000000 < 0);
    return !__builtin_add_overflow((int64_t)whole * 1000, ms, out_ms);
}

bool times_parse(str text, int64_t *out_ms)
{
    double seconds;

    if (str_to_double(text, &seconds)) return milliseconds_of_seconds(seconds, out_ms);
    if (str_equal(text, STR("-292273086-05-16T16:47:06Z"))) return *out_ms = TIME_MIN_MS, true;
    if (str_equal(text, STR("292277025-08-18T07:12:54.999999999Z"))) return *out_ms = TIME_MAX_MS, true;
    return parse_rfc3339(text, out_ms);
}

enum times_duration times_parse_duration(str text, int64_t *out_ns)
{
    double seconds;
    int64_t ms;

    if (str_to_double(text, &seconds)) {
        double ns = seconds * 1e9;
        if (isnan(ns)) return DURATION_MALFORMED;
        if (ns >= 0x1p63 || ns < -0x1p63) return DURATION_OVERFLOW;
        *out_ns = (int64_t)ns;
        return DURATION_OK;
    }
    if (!parse_duration(text, &ms) || __builtin_mul_overflow(ms, 1000000, out_ns)) return DURATION_MALFORMED;
    return DURATION_OK;
}

str times_print(int64_t ms, struct arena *arena)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    time_t t = (time_t)seconds;
    struct tm utc;
    char text[64];

    gmtime_r(&t, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return arena_format(arena, "%s.%03dZ", text, (int)(ms - seconds * 1000));
}
