/* Building a batch from what is no remote-write 1.0 message: series by series, with labels as pairs.
 *
 * What is made here lies in the batch's arena. All that a request can grow is counted against a limit, whose breach is
 * a LIMIT that names it.
 */
#ifndef VARVE_HTTP_BATCH_H
#define VARVE_HTTP_BATCH_H

#include "http/remote_write.h"
#include "storage/chunk_rich.h"
#include "tsdb/labels.h"

/* Labels of a request, spelt out. */
enum { BATCH_LABEL_BYTES_MAX = 128 << 20 };

/* The pairs as raw label fields, in the order given. */
status batch_labels(struct write_batch *batch, const label *pairs, size_t count, str *out);

/* Appends a sample. It joins the last series of the batch if that has these very labels (the same bytes in memory). */
status batch_add_sample(struct write_batch *batch, str series, int64_t time_ms, uint64_t value_bits);

/* The same for a sample that may be a histogram (else NULL; its value is then the sum) or have a start time (else 0).
 */
status batch_add_rich_sample(struct write_batch *batch, str series, const struct rich_sample *sample);

status batch_add_exemplar(struct write_batch *batch, const struct append_exemplar *exemplar);

/* Appends metadata unless it repeats the entry before. */
status batch_add_metadata(struct write_batch *batch, const struct append_metadata *entry);

/* Counts a series that is left out; the first reason is kept. */
void batch_reject(struct write_batch *batch, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
