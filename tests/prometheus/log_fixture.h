/* Logs as Prometheus writes them, built record by record. */
#ifndef VARVE_TESTS_PROMETHEUS_LOG_FIXTURE_H
#define VARVE_TESTS_PROMETHEUS_LOG_FIXTURE_H

#include "storage/base/bytes.h"
#include "storage/fs.h"
#include "tsdb/samples.h"

enum log_compression { LOG_PLAIN, LOG_SNAPPY, LOG_ZSTD };

/* Appends a record to a segment, in fragments that fill its pages. */
void log_put(struct writer *segment, const void *record, size_t bytes, enum log_compression compression);

/* Records; each empties the writer first. Labels are "name a=b c=d". */
void log_series(struct writer *record, uint64_t id, const char *labels);
void log_tombstone(struct writer *record, uint64_t id, int64_t min_ms, int64_t max_ms);
void log_metadata(struct writer *record, uint64_t id, uint8_t type, const char *unit, const char *help);

/* One exemplar; its labels are "a=b c=d", or none. */
void log_exemplar(struct writer *record, uint64_t id, int64_t time_ms, double value, const char *labels);

/* All samples of one kind (floats, or histograms of integers or floats), of one series, as version 1 or 2. */
void log_samples(struct writer *record, uint64_t id, const samples *from, bool is_second);

/* Files of the head's chunks. */
void log_begin_chunks(struct writer *file);
void log_chunk(struct writer *file, uint64_t id, int64_t min_ms, int64_t max_ms, unsigned encoding, const void *data,
               size_t bytes);

#endif
