/* Chunks of samples, in all encodings of Prometheus up to 3.x. */
#ifndef VARVE_PROMETHEUS_PROM_CHUNK_H
#define VARVE_PROMETHEUS_PROM_CHUNK_H

#include "tsdb/columns.h"

enum prom_encoding {
    PROM_XOR = 1, /* floats, in the bits of storage/chunk_gorilla.h */
    PROM_HISTOGRAM = 2,
    PROM_FLOAT_HISTOGRAM = 3,
    PROM_XOR2 = 4, /* floats, maybe with start times */
    PROM_HISTOGRAM_START = 5,
    PROM_FLOAT_HISTOGRAM_START = 6
};

enum { PROM_CHUNK_BYTES_MAX = 16 << 20 };

/* Appends the samples of a chunk to a buffer. PROM_SLACK_BYTES behind it are readable. UNSUPPORTED names an encoding or
 * a schema that is not known, CORRUPT says what is wrong; the buffer then holds any part of it. */
status prom_chunk_decode(unsigned encoding, const uint8_t *chunk, size_t bytes, struct column_buffer *out);

#endif
