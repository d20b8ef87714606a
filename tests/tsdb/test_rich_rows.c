/* Rich samples in the log: they read back, and cut payloads are told. */
#include "tsdb/rich_rows.h"

#include "tests/support/test.h"

Test(rich_rows, read_back)
{
    static const int32_t indexes[] = {-3, 7};
    static const double counts[] = {2, 0.5};
    struct histogram h = {.schema = 2, .count = 2.5, .sum = 8, .positive = {2, indexes, counts}};
    struct rich_rows rows = {0};
    struct writer out = {0};

    rich_rows_add(&out, 7, &(struct rich_sample){1000, 0, 8, &h});
    size_t first = out.count;
    rich_rows_add(&out, 300, &(struct rich_sample){-5, -9, 1.5, NULL});
    cr_assert(rich_rows_decode(out.data, out.count, &rows) && rows.rows.count == 2);
    cr_expect(rows.rows.data[0].series == 7 && rows.rows.data[0].sample.time_ms == 1000);
    cr_expect(histogram_equal(rows.rows.data[0].sample.histogram, &h));
    cr_expect(rows.rows.data[1].series == 300 && rows.rows.data[1].sample.start_ms == -9);
    cr_expect(rows.rows.data[1].sample.value == 1.5 && !rows.rows.data[1].sample.histogram);
    for (size_t bytes = 1; bytes < out.count; bytes++)
        cr_expect(rich_rows_decode(out.data, bytes, &rows) == (bytes == first), "%zu bytes", bytes);
    writer_release(&out);
    rich_rows_release(&rows);
}
