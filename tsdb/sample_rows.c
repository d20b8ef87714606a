/* Samples in the log; see sample_rows.h. */
#include "tsdb/sample_rows.h"

#include <assert.h>

enum { COUNT_BYTES = 5, SAME_TIME = 0x80, NEXT_SERIES = 0x40 };

/* Zero bytes at the upper end (first index) and at the lower end to the six bits, and back. */
static const uint8_t shape_of[9][9] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8},
    {9, 10, 11, 12, 13, 14, 15, 16},
    {17, 18, 19, 20, 21, 22, 23},
    {24, 25, 26, 27, 28, 29},
    {30, 31, 32, 33, 34},
    {35, 36, 37, 38},
    {39, 40, 41},
    {42, 43},
    {44},
};

struct shape {
    uint8_t shift; /* in bits */
    uint8_t bytes;
};

static const struct shape shapes[64] = {
    {0, 8},  {8, 7},  {16, 6}, {24, 5}, {32, 4}, {40, 3}, {48, 2}, {56, 1}, {0, 0},  {0, 7},  {8, 6},  {16, 5},
    {24, 4}, {32, 3}, {40, 2}, {48, 1}, {0, 0},  {0, 6},  {8, 5},  {16, 4}, {24, 3}, {32, 2}, {40, 1}, {0, 0},
    {0, 5},  {8, 4},  {16, 3}, {24, 2}, {32, 1}, {0, 0},  {0, 4},  {8, 3},  {16, 2}, {24, 1}, {0, 0},  {0, 3},
    {8, 2},  {16, 1}, {0, 0},  {0, 2},  {8, 1},  {0, 0},  {0, 1},  {0, 0},  {0, 0},
};

/* The number of rows is written as a varint of fixed length, so that it can be filled in at the end. */
void rows_begin(struct row_writer *rows, struct writer *out)
{
    *rows = (struct row_writer){.out = out, .count_at = out->count, .series = UINT32_MAX};
    writer_reserve(out, COUNT_BYTES);
    out->count += COUNT_BYTES;
}

void rows_add(struct row_writer *rows, uint32_t series, int64_t time_ms, uint64_t value)
{
    assert(rows->out->capacity - rows->out->count >= SAMPLE_ROW_BYTES_MAX);
    uint8_t *start = rows->out->data + rows->out->count, *at = start + 1;
    unsigned leading = value ? (unsigned)__builtin_clzll(value) / 8 : 8;
    unsigned trailing = value ? (unsigned)__builtin_ctzll(value) / 8 : 0;
    uint8_t control = shape_of[leading][trailing];

    if (series == rows->series + 1) {
        control |= NEXT_SERIES;
    } else {
        at = varint_put(at, zigzag_encode((int64_t)series - (int64_t)(int32_t)rows->series));
    }
    if (time_ms == rows->time_ms) {
        control |= SAME_TIME;
    } else {
        at = varint_put(at, zigzag_encode((int64_t)((uint64_t)time_ms - (uint64_t)rows->time_ms)));
    }
    store_u64(at, value >> (value ? 8 * trailing : 0));
    *start = control;
    rows->out->count += (size_t)(at - start) + (8 - leading - trailing);
    rows->series = series;
    rows->time_ms = time_ms;
    rows->rows++;
}

size_t rows_end(struct row_writer *rows)
{
    uint8_t count[VARINT_BYTES_MAX];
    size_t bytes = (size_t)(varint_put(count, rows->rows) - count);
    size_t start = rows->count_at + COUNT_BYTES - bytes;

    memcpy(rows->out->data + start, count, bytes);
    return start;
}

/* The value's bytes by one load where eight can be read, else byte by byte. */
static uint64_t take_value(const uint8_t *at, const uint8_t *end, struct shape shape)
{
    uint64_t value = 0;

    if (shape.bytes == 0) return 0;
    if (end - at >= 8) {
        value = load_u64(at) & (UINT64_MAX >> (64 - 8 * shape.bytes));
    } else {
        memcpy(&value, at, shape.bytes);
    }
    return value << shape.shift;
}

bool rows_each(const uint8_t *payload, size_t bytes,
               void (*row)(void *context, uint32_t series, int64_t time_ms, uint64_t value), void *context)
{
    const uint8_t *end = payload + bytes;
    uint64_t rows, raw;
    const uint8_t *at = varint_get(payload, end, &rows);
    uint64_t series = UINT32_MAX, time = 0;

    if (!at) return false;
    for (; rows > 0; rows--) {
        if (at == end) return false;
        uint8_t control = *at++;
        struct shape shape = shapes[control & 63];
        if (control & NEXT_SERIES) {
            series = (uint32_t)(series + 1);
        } else {
            if (!(at = varint_get(at, end, &raw))) return false;
            series = (uint32_t)((uint64_t)(int64_t)(int32_t)series + (uint64_t)zigzag_decode(raw));
        }
        if (!(control & SAME_TIME)) {
            if (!(at = varint_get(at, end, &raw))) return false;
            time += (uint64_t)zigzag_decode(raw);
        }
        if ((size_t)(end - at) < shape.bytes) return false;
        row(context, (uint32_t)series, (int64_t)time, take_value(at, end, shape));
        at += shape.bytes;
    }
    return at == end;
}
