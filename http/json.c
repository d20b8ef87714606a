/* JSON as a stream of bytes; see json.h. */
#include "http/json.h"

#include "storage/base/number.h"

#include <math.h>

#define ONES  0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* Whether any of eight bytes is a control character, a quote, a backslash or not ASCII. Borrows of the subtractions may
 * report a clean byte after a special one; never the other way round. */
static bool has_special(uint64_t eight)
{
    uint64_t quotes = eight ^ ONES * '"', backslashes = eight ^ ONES * '\\';

    return ((eight | (eight - ONES * 0x20) | (quotes - ONES) | (backslashes - ONES)) & HIGHS) != 0;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static size_t plain_run(const char *text, size_t len)
{
    size_t at = 0;

    while (len - at >= 8 && !has_special(load_u64(text + at))) at += 8;
    while (at < len && is_plain((unsigned char)text[at])) at++;
    return at;
}

/* Writes the character at the front of `rest`, which is not plain; returns its bytes. */
static size_t write_special(struct writer *w, str rest)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_escapes[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    unsigned char c = (unsigned char)rest.data[0];

    if (c >= 0x80) {
        size_t len = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        if (len <= rest.len && str_is_utf8(str_part(rest, 0, len))) return writer_bytes(w, rest.data, len), len;
        json_put_raw(w, "\\ufffd");
        return 1;
    }
    if (c == '"' || c == '\\') {
        uint8_t escaped[] = {'\\', c};
        writer_bytes(w, escaped, sizeof escaped);
    } else if (short_escapes[c]) {
        uint8_t escaped[] = {'\\', (uint8_t)short_escapes[c]};
        writer_bytes(w, escaped, sizeof escaped);
    } else {
        uint8_t escaped[] = {'\\', 'u', '0', '0', (uint8_t)hex[c >> 4], (uint8_t)hex[c & 15]};
        writer_bytes(w, escaped, sizeof escaped);
    }
    return 1;
}

void json_put_string(struct writer *w, str text)
{
    writer_u8(w, '"');
    while (text.len) {
        size_t plain = plain_run(text.data, text.len);
        writer_bytes(w, text.data, plain);
        if (plain < text.len) plain += write_special(w, str_part(text, plain, text.len));
        text = str_part(text, plain, text.len);
    }
    writer_u8(w, '"');
}

static char *put_unsigned(char *at, uint64_t value)
{
    char digits[20];
    size_t count = 0;

    do digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count) *at++ = digits[--count];
    return at;
}

void json_put_unsigned(struct writer *w, uint64_t value)
{
    char *start = (char *)writer_reserve(w, 20);
    w->count += (size_t)(put_unsigned(start, value) - start);
}

void json_put_signed(struct writer *w, int64_t value)
{
    if (value < 0) writer_u8(w, '-');
    json_put_unsigned(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_put_seconds(struct writer *w, double seconds)
{
    w->count +=
        number_format(isfinite(seconds) ? seconds : 0, NUMBER_FIXED, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
}

void json_put_strings(struct writer *w, const str *texts, size_t count)
{
    writer_u8(w, '[');
    for (size_t i = 0; i < count; i++) {
        if (i) writer_u8(w, ',');
        json_put_string(w, texts[i]);
    }
    writer_u8(w, ']');
}

/* Milliseconds as seconds. At most 22 characters. */
static char *put_time(char *at, int64_t ms)
{
    uint64_t magnitude = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    unsigned fraction = (unsigned)(magnitude % 1000);

    if (ms < 0) *at++ = '-';
    at = put_unsigned(at, magnitude / 1000);
    if (fraction) {
        *at++ = '.';
        *at++ = (char)('0' + fraction / 100);
        *at++ = (char)('0' + fraction / 10 % 10);
        *at++ = (char)('0' + fraction % 10);
    }
    return at;
}

static void make_stamp(struct json_stamp *stamp, int64_t ms)
{
    char *at = stamp->text;

    *at++ = ',';
    *at++ = '[';
    at = put_time(at, ms);
    *at++ = ',';
    *at++ = '"';
    stamp->len = (uint8_t)(at - stamp->text);
}

/* Appends the stamp, the value and the end of a point. */
static void write_point(struct writer *w, const struct json_stamp *stamp, double value)
{
    char *at = (char *)writer_reserve(w, sizeof *stamp + NUMBER_TEXT_MAX + 2);
    char *start = at;

    memcpy(at, stamp->text, sizeof stamp->text); /* a fixed size costs less than the exact one */
    at += stamp->len;
    at += number_format(value, NUMBER_JSON, at);
    *at++ = '"';
    *at++ = ']';
    w->count += (size_t)(at - start);
}

void json_put_point(struct writer *w, int64_t time_ms, double value)
{
    struct json_stamp stamp;
    size_t start = w->count;

    make_stamp(&stamp, time_ms);
    write_point(w, &stamp, value);
    memmove(w->data + start, w->data + start + 1, --w->count - start); /* no comma */
}

void json_put_time(struct writer *w, int64_t time_ms)
{
    struct json_stamp stamp;

    make_stamp(&stamp, time_ms);
    writer_bytes(w, stamp.text + 2, (size_t)stamp.len - 4); /* without what stands around it */
}

static void open_scalar_point(struct writer *w, int64_t time_ms)
{
    writer_u8(w, '[');
    w->count += number_format((double)time_ms / 1000, NUMBER_FIXED, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
    writer_u8(w, ',');
}

void json_put_scalar_point(struct writer *w, int64_t time_ms, double value)
{
    open_scalar_point(w, time_ms);
    writer_u8(w, '"');
    w->count += number_format(value, NUMBER_FIXED, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
    json_put_raw(w, "\"]");
}

void json_put_string_point(struct writer *w, int64_t time_ms, str value)
{
    open_scalar_point(w, time_ms);
    json_put_string(w, value);
    writer_u8(w, ']');
}

void json_grid_make(struct json_grid *grid, int64_t start_ms, int64_t step_ms, size_t count, struct arena *arena)
{
    struct json_stamp *stamps = arena_array(arena, struct json_stamp, count);

    for (size_t i = 0; i < count; i++) make_stamp(&stamps[i], start_ms + (int64_t)i * step_ms);
    *grid = (struct json_grid){start_ms, step_ms, count, stamps};
}

/* Position of a time on the grid, or grid->count. `next` is where it is if no step was left out. */
static size_t grid_find(const struct json_grid *grid, int64_t time_ms, size_t next)
{
    if (next < grid->count && grid->start_ms + (int64_t)next * grid->step_ms == time_ms) return next;
    if (grid->step_ms <= 0 || time_ms < grid->start_ms) return grid->count;
    uint64_t distance = (uint64_t)time_ms - (uint64_t)grid->start_ms;
    uint64_t index = distance / (uint64_t)grid->step_ms;
    return index < grid->count && index * (uint64_t)grid->step_ms == distance ? (size_t)index : grid->count;
}

void json_put_points(struct writer *w, const struct json_grid *grid, const int64_t *times_ms, const double *values,
                     size_t count)
{
    static const struct json_grid no_grid;
    size_t start = w->count, next = 0;

    if (count == 0) {
        json_put_raw(w, "[]");
        return;
    }
    if (!grid) grid = &no_grid;
    for (size_t i = 0; i < count; i++) {
        size_t found = grid_find(grid, times_ms[i], next);
        if (found < grid->count) {
            write_point(w, &grid->stamps[found], values[i]);
            next = found + 1;
        } else {
            struct json_stamp stamp;
            make_stamp(&stamp, times_ms[i]);
            write_point(w, &stamp, values[i]);
        }
    }
    w->data[start] = '['; /* instead of the first point's comma */
    writer_u8(w, ']');
}
