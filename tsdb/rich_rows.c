/* Rich samples in the log; see rich_rows.h. */
#include "tsdb/rich_rows.h"

void rich_rows_add(struct writer *out, uint32_t series, const struct rich_sample *sample)
{
    writer_varint(out, series);
    rich_row_write(NULL, sample, out);
}

void rich_rows_release(struct rich_rows *rows)
{
    vec_release(&rows->rows);
    arena_release(&rows->arena);
}

bool rich_rows_decode(const uint8_t *payload, size_t bytes, struct rich_rows *out)
{
    struct reader in = reader_make(payload, bytes);

    out->rows.count = 0;
    arena_reset(&out->arena);
    while (reader_left(&in)) {
        struct rich_row row = {.series = reader_varint32(&in)};
        if (!rich_row_read(&in, NULL, &row.sample, &out->arena) || reader_failed(&in)) return false;
        vec_push(&out->rows, row);
    }
    return true;
}
