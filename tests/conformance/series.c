/* Series descriptions: `metric{a="b"} 0 1+2x3 _ stale {{…}}`; see script.h. */
#include "query/parse.h"
#include "storage/base/vec.h"
#include "tests/conformance/script.h"
#include "tsdb/samples.h"

#include <ctype.h>
#include <string.h>

/* A series while its items are read. */
struct reader_state {
    str rest;
    vec(struct item) items;
    struct arena *arena;
    str *error;
};

static bool fail(struct reader_state *r, const char *what)
{
    *r->error = arena_format(r->arena, "%s at \"%.*s\"", what, STR_ARG(str_part(r->rest, 0, 40)));
    return false;
}

static void skip_space(struct reader_state *r)
{
    while (r->rest.len && isspace((unsigned char)r->rest.data[0])) r->rest = str_part(r->rest, 1, r->rest.len);
}

static bool take(struct reader_state *r, const char *text)
{
    str s = str_from(text);

    if (!str_starts_with(r->rest, s)) return false;
    r->rest = str_part(r->rest, s.len, r->rest.len);
    return true;
}

/* Bytes of the unsigned number in front; hexadecimal is none, since x repeats. */
static size_t number_length(str s)
{
    static const char *const words[] = {"inf", "nan"};
    size_t at = 0;

    for (size_t w = 0; w < 2; w++) {
        if (str_equal_ignore_case(str_part(s, 0, 3), str_from(words[w]))) return 3;
    }
    while (at < s.len && (isdigit((unsigned char)s.data[at]) || s.data[at] == '.' || s.data[at] == '_')) at++;
    if (at > 0 && at < s.len && (s.data[at] == 'e' || s.data[at] == 'E')) {
        size_t digits = at + 1;
        if (digits < s.len && (s.data[digits] == '+' || s.data[digits] == '-')) digits++;
        if (digits < s.len && isdigit((unsigned char)s.data[digits])) {
            for (at = digits; at < s.len && isdigit((unsigned char)s.data[at]);) at++;
        }
    }
    return at;
}

bool script_number(str text, double *out)
{
    char digits[64];
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '_') continue;
        if (len == sizeof digits) return false;
        digits[len++] = text.data[i];
    }
    return str_to_double(str_make(digits, len), out);
}

static bool take_number(struct reader_state *r, double *out)
{
    size_t sign = r->rest.len && (r->rest.data[0] == '+' || r->rest.data[0] == '-');
    size_t len = number_length(str_part(r->rest, sign, r->rest.len));

    if (len == 0 || !script_number(str_part(r->rest, 0, sign + len), out)) return fail(r, "no number");
    r->rest = str_part(r->rest, sign + len, r->rest.len);
    return true;
}

/* xN: how many more; 0 if there is none. */
static bool take_times(struct reader_state *r, uint64_t *out)
{
    size_t len = 0;

    *out = 0;
    if (!take(r, "x")) return true;
    while (len < r->rest.len && isdigit((unsigned char)r->rest.data[len])) len++;
    if (!str_to_uint64(str_part(r->rest, 0, len), out) || *out > 1000000) return fail(r, "no count");
    r->rest = str_part(r->rest, len, r->rest.len);
    return true;
}

static void push_items(struct reader_state *r, struct item item, uint64_t count, double change)
{
    for (uint64_t i = 0; i < count; i++) {
        vec_push(&r->items, item);
        item.value += change;
    }
}

/* The text up to }}, and the histogram it says. */
static bool take_histogram(struct reader_state *r, struct item *out)
{
    for (size_t at = 0; at + 1 < r->rest.len; at++) {
        if (r->rest.data[at] != '}' || r->rest.data[at + 1] != '}') continue;
        str text = str_part(r->rest, 0, at);
        if (!histogram_item_parse(text, out, r->arena)) return fail(r, "no histogram");
        r->rest = str_part(r->rest, at + 2, r->rest.len);
        return true;
    }
    return fail(r, "a histogram without end");
}

static bool take_histograms(struct reader_state *r)
{
    struct item item, change;
    double factor = 0;
    uint64_t times;

    if (!take_histogram(r, &item)) return false;
    if (take(r, "+{{")) {
        factor = 1;
    } else if (take(r, "-{{")) {
        factor = -1;
    }
    if (factor != 0) {
        if (!take_histogram(r, &change)) return false;
        item.has_hint = change.has_hint; /* of the one that was read last */
    }
    if (!take_times(r, &times)) return false;
    for (uint64_t i = 0; i <= times; i++) {
        vec_push(&r->items, item);
        if (factor != 0 && i < times && !histogram_item_add(&item, &change, factor, r->arena))
            return fail(r, "histograms that can not be added");
    }
    return true;
}

static bool take_floats(struct reader_state *r)
{
    struct item item = {.kind = ITEM_FLOAT, .value = double_from_bits(STALE_NAN_BITS)};
    double change = 0;
    uint64_t times;

    if (!take(r, "stale")) {
        if (!take_number(r, &item.value)) return false;
        bool has_change = r->rest.len && (r->rest.data[0] == '+' || r->rest.data[0] == '-');
        if (has_change && !take_number(r, &change)) return false;
        if (has_change && !str_starts_with(r->rest, STR("x"))) return fail(r, "a change without count");
    }
    if (!take_times(r, &times)) return false;
    /* A stale marker must keep its bits. */
    for (uint64_t i = 0; i <= times; i++) {
        vec_push(&r->items, item);
        if (change != 0) item.value += change;
    }
    return true;
}

static bool take_item(struct reader_state *r)
{
    uint64_t times;

    if (take(r, "_")) {
        bool is_repeated = str_starts_with(r->rest, STR("x"));
        if (!take_times(r, &times)) return false;
        push_items(r, (struct item){.kind = ITEM_OMITTED}, is_repeated ? times : 1, 0);
    } else if (!(take(r, "{{") ? take_histograms(r) : take_floats(r))) {
        return false;
    }
    return r->rest.len == 0 || isspace((unsigned char)r->rest.data[0]) || fail(r, "no end of an item");
}

bool series_parse(str line, struct series *out, struct arena *arena, str *error)
{
    struct reader_state r = {.arena = arena, .error = error};
    struct parse_error parse_error;
    size_t used;
    bool done = true;

    *out = (struct series){0};
    if (!parse_series(line, arena, &out->labels, &out->label_count, &used, &parse_error)) {
        *error = parse_error_text(&parse_error, arena);
        return false;
    }
    r.rest = str_part(line, used, line.len);
    for (skip_space(&r); r.rest.len && done; skip_space(&r)) done = take_item(&r);
    out->items = arena_array(arena, struct item, r.items.count);
    out->item_count = r.items.count;
    if (r.items.count) memcpy(out->items, r.items.data, r.items.count * sizeof *out->items);
    vec_release(&r.items);
    return done;
}

/* A signed number of milliseconds, seconds, minutes, …: one unit. */
static bool take_offset(struct reader_state *r, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t sign = take(r, "-") ? -1 : 1;
    size_t len = 0;
    uint64_t number;

    if (sign == 1) (void)take(r, "+");
    while (len < r->rest.len && isdigit((unsigned char)r->rest.data[len])) len++;
    if (!str_to_uint64(str_part(r->rest, 0, len), &number)) return fail(r, "no offset");
    r->rest = str_part(r->rest, len, r->rest.len);
    *out = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!take(r, units[i].unit)) continue;
        *out = sign * (int64_t)number * units[i].ms;
        return true;
    }
    return number == 0 || fail(r, "no unit");
}

/* _xN, offset, offsetxN, offset+offsetxN */
static bool take_start_times(struct reader_state *r)
{
    struct item item = {.has_start = true};
    int64_t change = 0;
    uint64_t times;

    if (take(r, "_")) {
        bool is_repeated = str_starts_with(r->rest, STR("x"));
        if (!take_times(r, &times)) return false;
        push_items(r, (struct item){.kind = ITEM_OMITTED}, is_repeated ? times : 1, 0);
        return true;
    }
    if (!take_offset(r, &item.start_offset_ms)) return false;
    bool has_change = r->rest.len && (r->rest.data[0] == '+' || r->rest.data[0] == '-');
    if (has_change && !take_offset(r, &change)) return false;
    if (!take_times(r, &times)) return false;
    for (uint64_t i = 0; i <= times; i++) {
        vec_push(&r->items, item);
        item.start_offset_ms += change;
    }
    return true;
}

bool start_times_parse(str line, struct series *series, struct arena *arena, str *error)
{
    struct reader_state r = {.arena = arena, .error = error};
    size_t metric = 0;
    bool done = true;

    while (metric < line.len && !isspace((unsigned char)line.data[metric])) metric++;
    r.rest = str_part(line, metric, line.len);
    for (skip_space(&r); r.rest.len && done; skip_space(&r)) done = take_start_times(&r);
    if (done && r.items.count != series->item_count) done = fail(&r, "not as many start times as samples");
    for (size_t i = 0; i < series->item_count && done; i++) {
        series->items[i].has_start = r.items.data[i].has_start;
        series->items[i].start_offset_ms = r.items.data[i].start_offset_ms;
    }
    vec_release(&r.items);
    return done;
}
