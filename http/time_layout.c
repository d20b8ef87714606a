/* Times in Go's layouts; see time_layout.h. */
#include "http/time_layout.h"

#include "http/times.h"

#include <strings.h>
#include <time.h>

enum part {
    PART_TEXT, /* none of the others: itself */
    PART_YEAR,
    PART_YEAR_OF_CENTURY,
    PART_MONTH,
    PART_MONTH_NAME,
    PART_MONTH_SHORT,
    PART_WEEKDAY_NAME,
    PART_WEEKDAY_SHORT,
    PART_DAY,
    PART_HOUR,
    PART_HOUR_12,
    PART_MINUTE,
    PART_SECOND,
    PART_FRACTION,
    PART_HALF, /* of the day */
    PART_ZONE,
    PART_ZONE_NAME
};

/* Of two that fit, the one that stands before. */
static const struct token {
    str text;
    enum part part;
    int width; /* of numbers: digits, 0 for as many as there are */
} tokens[] = {
    {STR("2006"), PART_YEAR, 4},
    {STR("January"), PART_MONTH_NAME, 0},
    {STR("Jan"), PART_MONTH_SHORT, 0},
    {STR("Monday"), PART_WEEKDAY_NAME, 0},
    {STR("Mon"), PART_WEEKDAY_SHORT, 0},
    {STR("MST"), PART_ZONE_NAME, 0},
    {STR("Z07:00"), PART_ZONE, 0},
    {STR("Z0700"), PART_ZONE, 0},
    {STR("-07:00"), PART_ZONE, 0},
    {STR("-0700"), PART_ZONE, 0},
    {STR("-07"), PART_ZONE, 0},
    {STR("01"), PART_MONTH, 2},
    {STR("02"), PART_DAY, 2},
    {STR("03"), PART_HOUR_12, 2},
    {STR("04"), PART_MINUTE, 2},
    {STR("05"), PART_SECOND, 2},
    {STR("06"), PART_YEAR_OF_CENTURY, 2},
    {STR("15"), PART_HOUR, 2},
    {STR("_2"), PART_DAY, 0},
    {STR("PM"), PART_HALF, 0},
    {STR("pm"), PART_HALF, 0},
    {STR("1"), PART_MONTH, 0},
    {STR("2"), PART_DAY, 0},
    {STR("3"), PART_HOUR_12, 0},
    {STR("4"), PART_MINUTE, 0},
    {STR("5"), PART_SECOND, 0},
};

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

enum { SHORT_NAME = 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `.000` or `,999`, before which the seconds stand and behind which there is no other digit. */
static size_t fraction_len(str layout)
{
    size_t len = 1;

    if (layout.len < 2 || (layout.data[0] != '.' && layout.data[0] != ',')) return 0;
    if (layout.data[1] != '0' && layout.data[1] != '9') return 0;
    while (len < layout.len && layout.data[len] == layout.data[1]) len++;
    return len < layout.len && is_digit(layout.data[len]) ? 0 : len;
}

/* Cuts the first token off the layout, which is not empty. */
static struct token take_token(str *layout)
{
    size_t len = fraction_len(*layout);
    struct token token = {str_part(*layout, 0, len ? len : 1), len ? PART_FRACTION : PART_TEXT, 0};

    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0] && len == 0; i++) {
        if (!str_starts_with(*layout, tokens[i].text)) continue;
        token = tokens[i];
        break;
    }
    *layout = str_part(*layout, token.text.len, layout->len);
    return token;
}

/* A number of exactly `width` digits, or of one or two after a blank that there may be. */
static bool take_number(str *text, int width, int *out)
{
    int digits = 0, most = width ? width : 2;

    *out = 0;
    if (width == 0 && str_starts_with(*text, STR(" "))) *text = str_part(*text, 1, text->len);
    for (; digits < most && text->len && is_digit(text->data[0]); digits++) {
        *out = *out * 10 + (text->data[0] - '0');
        *text = str_part(*text, 1, text->len);
    }
    return width ? digits == width : digits > 0;
}

static bool take_name(str *text, const char *const *names, int count, bool is_short, int *out)
{
    for (*out = 0; *out < count; ++*out) {
        size_t len = is_short ? SHORT_NAME : strlen(names[*out]);
        if (text->len < len || strncasecmp(text->data, names[*out], len) != 0) continue;
        *text = str_part(*text, len, text->len);
        return true;
    }
    return false;
}

/* What is below a millisecond is cut. */
static bool take_fraction(str *text, int *out_ms)
{
    int unit = 100;
    size_t len = 1;

    *out_ms = 0;
    for (; len < text->len && is_digit(text->data[len]); len++) {
        *out_ms += (text->data[len] - '0') * unit;
        unit /= 10;
    }
    *text = str_part(*text, len, text->len);
    return len > 1;
}

static bool take_zone(str *text, str form, int *out_minutes)
{
    bool has_z = form.data[0] == 'Z', has_colon = form.data[form.len - 3] == ':';
    int hours, minutes = 0;

    *out_minutes = 0;
    if (text->len == 0) return false;
    char sign = text->data[0];
    *text = str_part(*text, 1, text->len);
    if (has_z && sign == 'Z') return true;
    if ((sign != '+' && sign != '-') || !take_number(text, 2, &hours)) return false;
    if (has_colon && !str_starts_with(*text, STR(":"))) return false;
    if (has_colon) *text = str_part(*text, 1, text->len);
    if (form.len > 3 && !take_number(text, 2, &minutes)) return false;
    *out_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

/* Names of zones are not known; they are taken for UTC, as Go does. */
static bool take_zone_name(str *text)
{
    size_t len = 0;

    while (len < text->len && text->data[len] >= 'A' && text->data[len] <= 'Z') len++;
    *text = str_part(*text, len, text->len);
    return len >= 3;
}

struct parsing {
    struct time_parts parts;
    str text, layout;
    int half; /* 0: none, 1: AM, 2: PM */
};

static bool take_second(struct parsing *parsing, const struct token *token)
{
    str *text = &parsing->text;

    if (!take_number(text, token->width, &parsing->parts.second)) return false;
    bool follows = text->len > 1 && (text->data[0] == '.' || text->data[0] == ',') && is_digit(text->data[1]);
    return !follows || fraction_len(parsing->layout) || take_fraction(text, &parsing->parts.ms);
}

static bool take_half(str *text, int *out)
{
    *out = str_starts_with(*text, STR("AM")) || str_starts_with(*text, STR("am"))   ? 1
           : str_starts_with(*text, STR("PM")) || str_starts_with(*text, STR("pm")) ? 2
                                                                                    : 0;
    *text = str_part(*text, 2, text->len);
    return *out != 0;
}

static bool take_part(struct parsing *parsing, const struct token *token)
{
    struct time_parts *parts = &parsing->parts;
    str *text = &parsing->text;
    int width = token->width, weekday;
    bool good = true;

    switch (token->part) {
    case PART_TEXT:
        good = text->len && text->data[0] == token->text.data[0];
        *text = str_part(*text, 1, text->len);
        return good;
    case PART_YEAR: return take_number(text, width, &parts->year);
    case PART_YEAR_OF_CENTURY:
        good = take_number(text, width, &parts->year);
        parts->year += parts->year >= 69 ? 1900 : 2000;
        return good;
    case PART_MONTH: return take_number(text, width, &parts->month);
    case PART_MONTH_NAME:
    case PART_MONTH_SHORT:
        good = take_name(text, months, 12, token->part == PART_MONTH_SHORT, &parts->month);
        parts->month++;
        return good;
    case PART_WEEKDAY_NAME: return take_name(text, weekdays, 7, false, &weekday);
    case PART_WEEKDAY_SHORT: return take_name(text, weekdays, 7, true, &weekday);
    case PART_DAY: return take_number(text, width, &parts->day);
    case PART_HOUR:
    case PART_HOUR_12: return take_number(text, width, &parts->hour);
    case PART_MINUTE: return take_number(text, width, &parts->minute);
    case PART_SECOND: return take_second(parsing, token);
    case PART_FRACTION:
        return text->len && (text->data[0] == '.' || text->data[0] == ',') && take_fraction(text, &parts->ms);
    case PART_HALF: return take_half(text, &parsing->half);
    case PART_ZONE: return take_zone(text, token->text, &parts->zone_minutes);
    case PART_ZONE_NAME: return take_zone_name(text);
    }
    return good;
}

bool time_layout_parse(str layout, str text, int64_t *out_ms)
{
    struct parsing parsing = {.parts = {.month = 1, .day = 1}, .text = text, .layout = layout};

    while (parsing.layout.len) {
        struct token token = take_token(&parsing.layout);
        if (!take_part(&parsing, &token)) return false;
    }
    if (parsing.half && (parsing.parts.hour < 1 || parsing.parts.hour > 12)) return false;
    if (parsing.half) parsing.parts.hour = parsing.parts.hour % 12 + (parsing.half == 2 ? 12 : 0);
    return parsing.text.len == 0 && times_from_parts(&parsing.parts, out_ms);
}

static str print_number(const struct token *token, int number, struct arena *arena)
{
    if (token->text.data[0] == '_') return arena_format(arena, "%2d", number);
    return arena_format(arena, "%0*d", token->width, number);
}

/* `.999` leaves zeros at the end out, `.000` does not. */
static str print_fraction(str form, int ms, struct arena *arena)
{
    str digits = arena_format(arena, "%c%03d000000", form.data[0], ms);

    digits = str_part(digits, 0, form.len);
    if (form.data[1] == '0') return digits;
    while (digits.len > 1 && digits.data[digits.len - 1] == '0') digits.len--;
    return digits.len > 1 ? digits : STR("");
}

static str print_part(const struct token *token, const struct tm *utc, int ms, struct arena *arena)
{
    int hour_12 = utc->tm_hour % 12 ? utc->tm_hour % 12 : 12;

    switch (token->part) {
    case PART_TEXT: return token->text;
    case PART_YEAR: return print_number(token, utc->tm_year + 1900, arena);
    case PART_YEAR_OF_CENTURY: return print_number(token, utc->tm_year % 100, arena);
    case PART_MONTH: return print_number(token, utc->tm_mon + 1, arena);
    case PART_MONTH_NAME: return str_from(months[utc->tm_mon]);
    case PART_MONTH_SHORT: return str_make(months[utc->tm_mon], SHORT_NAME);
    case PART_WEEKDAY_NAME: return str_from(weekdays[utc->tm_wday]);
    case PART_WEEKDAY_SHORT: return str_make(weekdays[utc->tm_wday], SHORT_NAME);
    case PART_DAY: return print_number(token, utc->tm_mday, arena);
    case PART_HOUR: return print_number(token, utc->tm_hour, arena);
    case PART_HOUR_12: return print_number(token, hour_12, arena);
    case PART_MINUTE: return print_number(token, utc->tm_min, arena);
    case PART_SECOND: return print_number(token, utc->tm_sec, arena);
    case PART_FRACTION: return print_fraction(token->text, ms, arena);
    case PART_HALF:
        if (token->text.data[0] == 'P') return utc->tm_hour < 12 ? STR("AM") : STR("PM");
        return utc->tm_hour < 12 ? STR("am") : STR("pm");
    case PART_ZONE:
        if (token->text.data[0] == 'Z') return STR("Z");
        return token->text.len == 3 ? STR("+00") : token->text.len == 5 ? STR("+0000") : STR("+00:00");
    case PART_ZONE_NAME: return STR("UTC");
    }
    return STR("");
}

str time_layout_print(str layout, int64_t ms, struct arena *arena)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    time_t t = (time_t)seconds;
    struct tm utc = {.tm_sec = 0};
    str out = STR("");

    gmtime_r(&t, &utc);
    while (layout.len) {
        struct token token = take_token(&layout);
        str part = print_part(&token, &utc, (int)(ms - seconds * 1000), arena);
        out = arena_format(arena, "%.*s%.*s", STR_ARG(out), STR_ARG(part));
    }
    return out;
}
