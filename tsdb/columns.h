/* Columns of samples being put together, and the scratch of a reading thread. */
#ifndef VARVE_TSDB_COLUMNS_H
#define VARVE_TSDB_COLUMNS_H

#include "storage/base/bytes.h"
#include "storage/base/status.h"
#include "storage/base/vec.h"
#include "tsdb/samples.h"

/* Scratch of one reading thread; zeroed is valid. What a read returns lies here until the next one. Errors are sticky:
 * after a failure reads give nothing. */
struct column_buffer {
    vec(int64_t) times; /* the result */
    vec(double) values;
    status error;

    /* what readers of one source work with */
    vec(int64_t) other_times;
    vec(double) other_values;
    vec(uint32_t) chunks;
    struct writer bytes, chunk;
};

void column_buffer_release(struct column_buffer *buffer);

/* Decodes a Gorilla chunk (with its slack behind it) and appends at most `keep` of its samples. False if it is
 * malformed. */
bool columns_decode(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, size_t keep);

/* Merges sorted samples into those of the buffer from index `first` on. At equal times the buffer's stay. */
void columns_merge(struct column_buffer *buffer, size_t first, const int64_t *times_ms, const double *values,
                   size_t count);

/* Puts samples from index `first` on, which were appended by a later source, in order with those before, which stay at
 * equal times. */
void columns_join(struct column_buffer *buffer, size_t first);

/* Keeps of the samples from `first` on those in [from, to]. */
void columns_clip(struct column_buffer *buffer, size_t first, int64_t from_ms, int64_t to_ms);

/* Moves the samples from `first` on to other_times and other_values, emptied before. */
void columns_set_aside(struct column_buffer *buffer, size_t first);

#endif
