/* Rich samples in the log: for each a varint of the series' id and a row (storage/chunk_rich.h) that stands for itself.
 */
#ifndef VARVE_TSDB_RICH_ROWS_H
#define VARVE_TSDB_RICH_ROWS_H

#include "storage/base/vec.h"
#include "storage/chunk_rich.h"

/* Appends a row to a record's payload. */
void rich_rows_add(struct writer *out, uint32_t series, const struct rich_sample *sample);

/* Rows of one record; zeroed is empty. Histograms lie in the arena. */
struct rich_row {
    uint32_t series;
    struct rich_sample sample;
};
struct rich_rows {
    vec(struct rich_row) rows;
    struct arena arena;
};
void rich_rows_release(struct rich_rows *rows);

/* Decodes a record's payload into rows, emptied before; false if it is malformed: then they hold the rows before the
 * fault. */
bool rich_rows_decode(const uint8_t *payload, size_t bytes, struct rich_rows *out);

#endif
