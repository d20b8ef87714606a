/* Rows of the log: round trips over all shapes of values, steps of series and of time; hostile bytes. */
#include "tsdb/sample_rows.h"

#include "tests/support/test.h"

struct row {
    uint32_t series;
    int64_t time_ms;
    uint64_t value;
};

struct expected {
    const struct row *rows;
    size_t at, count;
};

static uint64_t random_state = 7;

static uint64_t next_random(void)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

static void check_row(void *context, uint32_t series, int64_t time_ms, uint64_t value)
{
    struct expected *expected = context;
    const struct row *row = &expected->rows[expected->at++];

    cr_assert(expected->at <= expected->count);
    cr_assert(row->series == series && row->time_ms == time_ms && row->value == value, "row %zu differs",
              expected->at - 1);
}

static void ignore_row(void *context, uint32_t series, int64_t time_ms, uint64_t value)
{
    (void)context;
    (void)series;
    (void)time_ms;
    (void)value;
}

static struct row make_row(struct row last)
{
    struct row row = last;
    unsigned lead = (unsigned)(next_random() % 9), trail = (unsigned)(next_random() % 9);

    row.series = next_random() % 4 ? last.series + 1 : (uint32_t)next_random() >> next_random() % 32;
    row.time_ms = next_random() % 4 ? last.time_ms : (int64_t)next_random() >> next_random() % 64;
    row.value = lead + trail >= 8 ? 0 : next_random() >> 8 * (lead + trail) << 8 * trail;
    return row;
}

Test(sample_rows, round_trips)
{
    enum { ROWS = 5000 };
    static struct row rows[ROWS];
    struct writer out = {0};

    for (int round = 0; round < 50; round++) {
        struct row_writer writer;
        size_t count = round ? next_random() % ROWS : 0;
        out.count = 0;
        writer_reserve(&out, 5 + ROWS * SAMPLE_ROW_BYTES_MAX);
        rows_begin(&writer, &out);
        for (size_t i = 0; i < count; i++) {
            rows[i] = make_row(i ? rows[i - 1] : (struct row){UINT32_MAX, 0, 0});
            rows_add(&writer, rows[i].series, rows[i].time_ms, rows[i].value);
        }
        size_t start = rows_end(&writer);
        struct expected expected = {rows, 0, count};
        cr_assert(rows_each(out.data + start, out.count - start, check_row, &expected) && expected.at == count);
        cr_expect(!rows_each(out.data + start, out.count - start - 1, ignore_row, NULL), "a cut record decodes");
    }
    writer_release(&out);
}

/* The common row, the next series at the same time, is its value's bytes and one more. */
Test(sample_rows, are_small)
{
    struct writer out = {0};
    struct row_writer writer;

    writer_reserve(&out, 1000);
    rows_begin(&writer, &out);
    rows_add(&writer, 0, 1700000000000, double_bits(1));
    size_t before = out.count;
    rows_add(&writer, 1, 1700000000000, double_bits(2));
    cr_expect(out.count - before == 2);
    writer_release(&out);
}

Test(sample_rows, hostile_bytes)
{
    for (int round = 0; round < 50000; round++) {
        uint8_t bytes[64];
        size_t count = next_random() % sizeof bytes;
        for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)next_random();
        (void)rows_each(bytes, count, ignore_row, NULL);
    }
}
