/* Remote-write 1.0 messages to batches: the walk of the ingest path.
 *
 * A WriteRequest is walked in place, once, and fills the columns of a batch; nothing is allocated per field, and a
 * batch's vectors are used again for the next request. A series whose label fields lie side by side, which is every
 * series of every known sender, hands on its labels as a span of the message; otherwise they are gathered in scratch.
 *
 * Fields come in any order; unknown ones are skipped; absent ones are zero. A field of a known number with a wrong type
 * makes the message malformed, as for the senders' own libraries. Labels are checked for their spelling only: whether
 * they make a series is decided by db_append.
 */
#ifndef VARVE_HTTP_REMOTE_WRITE_H
#define VARVE_HTTP_REMOTE_WRITE_H

#include "http/write_histogram.h"
#include "storage/base/arena.h"
#include "storage/base/bytes.h"
#include "storage/base/vec.h"
#include "tsdb/append.h"

/* Tiny messages can stand for much memory; beyond these counts a request is refused. */
enum {
    WRITE_SAMPLES_MAX = 2 << 20,
    WRITE_HISTOGRAMS_MAX = 1 << 18,
    WRITE_METADATA_MAX = 1 << 16,
    WRITE_EXEMPLARS_MAX = 1 << 16
};

/* What is no mere float among the samples: a histogram, or a float (NULL) with a start time. */
struct found_rich {
    size_t index;
    int64_t start_ms;
    const struct histogram *histogram;
};

/* One decoded request, of any protocol. Zeroed is valid. Its strings borrow from the message, from `scratch` and from
 * `arena`. */
struct write_batch {
    vec(struct append_series) series;
    vec(int64_t) times_ms;
    vec(uint64_t) values;
    vec(struct append_metadata) metadata;
    vec(const struct histogram *) histograms; /* NULL beside floats; empty when there are none */
    vec(int64_t) starts_ms;                   /* the same for start times */
    struct writer scratch; /* labels that had to be spelt anew; reserved for a whole message, so it never moves */
    struct arena arena;    /* histograms, and what protocols other than remote-write 1.0 make; see batch.h */
    size_t label_bytes;    /* of labels in the arena */
    vec(struct append_exemplar) exemplars;
    size_t malformed; /* series and histograms left out because they do not make sense */
    str complaint;    /* the first of them in words */

    vec(struct found_rich) found; /* where in the columns histograms and start times are */
    struct histogram_scratch histogram_scratch;
};

/* When all is found: puts histograms and start times beside the other columns. */
void write_batch_lay_out(struct write_batch *batch);

/* Makes it empty for the next request. */
void write_batch_reset(struct write_batch *batch);

/* Decodes a message into the emptied batch. INVALID or LIMIT with the offset of the trouble; the batch is then void. */
status write_decode(str message, struct write_batch *batch);

/* The batch as db_append takes it. */
struct append_batch write_batch_view(const struct write_batch *batch);

/* Bytes held; release or trim gives them back. */
size_t write_batch_bytes(const struct write_batch *batch);
void write_batch_release(struct write_batch *batch);

#endif
