/* Series with their raw samples, for what hands out data as it is: remote-read and the exports.
 *
 * A collection takes one snapshot, collects the series of one or more selectors, and gives them in the order of their
 * labels, each once. What it holds is charged to an account with the limit of one query. Owned by one thread; it keeps
 * the snapshot, so it is released before an answer is sent.
 */
#ifndef VARVE_HTTP_SERIES_READER_H
#define VARVE_HTTP_SERIES_READER_H

#include "http/request.h"
#include "storage/base/vec.h"
#include "tsdb/samples.h"
#include "tsdb/snapshot.h"

struct series_row {
    const label *pairs; /* sorted by name */
    size_t pair_count;
    struct selection *selection;
    uint32_t index;
};

struct series_reader {
    struct request *request;
    struct snapshot *snapshot;
    struct account account;
    struct column_buffer buffer;
    vec(struct series_row) list;
};

void series_reader_open(struct series_reader *rows, struct request *request);
void series_reader_close(struct series_reader *rows);

/* Adds the series that match; samples in [from, to] will be read. */
status series_reader_add(struct series_reader *rows, const struct matcher *matchers, size_t count, int64_t from_ms,
                         int64_t to_ms);

/* Sorts, and drops what several selectors have found. */
void series_reader_sort(struct series_reader *rows);

/* Forgets the series; the snapshot stays. */
void series_reader_clear(struct series_reader *rows);

/* The samples of a series, stale markers included; valid until the next call. */
status series_reader_read(struct series_reader *rows, const struct series_row *row, samples *out);

/* An error when nobody waits for the answer any more, or it has become too large; to be asked now and then. */
status series_reader_check(struct series_reader *rows);

#endif
