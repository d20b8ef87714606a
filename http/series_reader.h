/* Series with their raw samples, for what hands out data as it is: remote-read and the exports.
 *
 * Series of one or more selectors are collected as ids, and given in the order of their labels, each once. What is held
 * is charged to an account with the limit of one query, so it is known before the first byte whether they are too many.
 *
 * Clients may take their time, but a snapshot keeps heads in memory: it is taken anew now and then, between two series,
 * and the series after the last one are looked for again. So each series is seen whole, but not all at one moment.
 * Owned by one thread.
 */
#ifndef VARVE_HTTP_SERIES_READER_H
#define VARVE_HTTP_SERIES_READER_H

#include "http/request.h"
#include "storage/base/vec.h"
#include "tsdb/samples.h"
#include "tsdb/snapshot.h"

/* A series as it is collected. */
struct series_entry {
    struct selection *selection;
    const struct label_id *ids; /* by name */
    uint32_t index, count;
};

/* A series being read; valid until the next one. */
struct series_row {
    const label *pairs; /* sorted by name */
    size_t pair_count;
};

struct series_set {
    const struct matcher *matchers;
    size_t count;
    int64_t from_ms, to_ms;
};

struct series_reader {
    struct request *request;
    struct snapshot *snapshot;
    int64_t taken_ns; /* the snapshot */
    struct account account;
    struct column_buffer buffer;
    vec(struct series_set) sets;
    vec(struct series_entry) list;
    size_t next; /* of the list */
    struct series_row row;
    label pairs[LABELS_MAX]; /* of the row */
};

void series_reader_open(struct series_reader *rows, struct request *request);
void series_reader_close(struct series_reader *rows);

/* Adds the series that match; samples in [from, to] will be read. The matchers are borrowed. */
status series_reader_add(struct series_reader *rows, const struct matcher *matchers, size_t count, int64_t from_ms,
                         int64_t to_ms);

/* Sorts, and drops what several selectors have found. */
void series_reader_sort(struct series_reader *rows);

/* Forgets the series. */
void series_reader_clear(struct series_reader *rows);

/* The next series; NULL after the last one. An error when nobody waits for the answer any more. */
status series_reader_next(struct series_reader *rows, const struct series_row **out);

/* Its samples, stale markers included; valid until the next call. */
status series_reader_read(struct series_reader *rows, samples *out);

/* The same, with chunks as they are stored where that is possible; valid as long. */
status series_reader_read_chunks(struct series_reader *rows, struct row_chunks *out);

/* How old a snapshot may become; tests make it short. */
extern int64_t series_reader_snapshot_ns;

#endif
