/* Samples in the log: rows of series id, time, value.
 *
 *     varint                number of rows
 *     for each row:
 *     1 byte                bits 0-5: how many zero bytes the value's bits begin and end with; bit 6: the series is the
 * one after the last row's; bit 7: the time is the last row's zigzag varint         unless bit 6: series id minus the
 * last row's zigzag varint         unless bit 7: time minus the last row's (ms) 0-8 bytes             the value's other
 * bytes, lowest first
 *
 * The first row follows series -1 and time 0.
 */
#ifndef VARVE_TSDB_SAMPLE_ROWS_H
#define VARVE_TSDB_SAMPLE_ROWS_H

#include "storage/base/bytes.h"

enum { SAMPLE_ROW_BYTES_MAX = 1 + 5 + 10 + 8 };

struct row_writer {
    struct writer *out;
    size_t count_at; /* where the number of rows goes */
    uint32_t rows, series;
    int64_t time_ms;
};

/* Starts a record in an empty writer. */
void rows_begin(struct row_writer *rows, struct writer *out);

/* Appends a row; the writer must have room for SAMPLE_ROW_BYTES_MAX. */
void rows_add(struct row_writer *rows, uint32_t series, int64_t time_ms, uint64_t value);

/* Ends the record: the payload is from the returned offset on. */
size_t rows_end(struct row_writer *rows);

/* Decodes a record and calls row() for each; false if it is malformed. */
bool rows_each(const uint8_t *payload, size_t bytes,
               void (*row)(void *context, uint32_t series, int64_t time_ms, uint64_t value), void *context);

#endif
