/* Snapshots and selections: what a reader sees.
 *
 * A snapshot pins the heads and blocks that exist and what is visible in them: whole requests only. It is taken for one
 * evaluation and released with it, never kept while an answer is sent. Label strings are ids in the snapshot's own
 * table: equal ids are equal strings, over all sources, and the reader may add strings of its own.
 *
 * A snapshot and its selections are set up by one thread; selection_read, selection_read_chunks and selection_newest
 * may then be called by many threads, each with its own column buffer.
 */
#ifndef VARVE_TSDB_SNAPSHOT_H
#define VARVE_TSDB_SNAPSHOT_H

#include "storage/base/arena.h"
#include "storage/base/public.h"
#include "storage/base/status.h"
#include "tsdb/columns.h"
#include "tsdb/exemplars.h"
#include "tsdb/labels.h"
#include "tsdb/matcher.h"

struct db;
struct snapshot;
struct selection;

/* Takes a snapshot. Its memory is charged to `account` (may be NULL). */
VARVE_PUBLIC struct snapshot *db_snapshot(struct db *db, struct account *account);
VARVE_PUBLIC void snapshot_release(struct snapshot *snapshot);

/* From here on damaged data is left out of what this snapshot gives, and told in its warnings, where it would be an
 * error otherwise: a chunk alone where its checksum is wrong, the block where its index can not be read. For readers
 * whose answers have a place for warnings. An I/O error stays an error. */
VARVE_PUBLIC void snapshot_tolerate_damage(struct snapshot *snapshot);

/* What was left out, a sentence for each block and, of many, one that counts the rest; in the snapshot's arena. */
enum { SNAPSHOT_WARNINGS_MAX = 5 };
VARVE_PUBLIC size_t snapshot_warnings(struct snapshot *snapshot, str lines[SNAPSHOT_WARNINGS_MAX]);

/* Whether a read failed because the labels of a series were found damaged. The block is then known to be unreadable,
 * and the next snapshot does without it: try again, for each damaged block, but not for ever. */
enum { SNAPSHOT_RETRIES_MAX = 16 };
VARVE_PUBLIC bool snapshot_met_damage(const struct snapshot *snapshot);

/* Whether any sample in it may be rich: a histogram, or with a start time. */
VARVE_PUBLIC bool snapshot_is_rich(const struct snapshot *snapshot);

/* No sample lies outside of these times; INT64_MAX and INT64_MIN if there is none. */
void snapshot_times(const struct snapshot *snapshot, int64_t *min_ms, int64_t *max_ms);

/* The snapshot's arena: for what lives as long as it does. */
VARVE_PUBLIC struct arena *snapshot_arena(struct snapshot *snapshot);

/* Id of a string, added if it is new; 0 is the empty string. The bytes are copied. */
VARVE_PUBLIC uint32_t snapshot_intern(struct snapshot *snapshot, str text);

/* The string of an id; lives as long as the snapshot. */
VARVE_PUBLIC str snapshot_string(const struct snapshot *snapshot, uint32_t id);

/* A label in ids. */
struct label_id {
    uint32_t name, value;
};

struct select_request {
    const struct matcher *matchers;
    size_t matcher_count;
    int64_t from_ms, to_ms; /* samples in (from, to] will be asked for */
};

/* The series that match all matchers, in the order of their sources: blocks before heads. Series of a source without
 * any sample near the interval may be left out; others may prove empty. The selection lives as long as the snapshot.
 * Fails with CORRUPT (see snapshot_tolerate_damage) or IO when an index can not be read. */
VARVE_PUBLIC status snapshot_select(struct snapshot *snapshot, const struct select_request *request,
                                    struct selection **out);

VARVE_PUBLIC uint32_t selection_count(const struct selection *selection);

/* About how many samples reading all of it gives, from the statistics of its sources. */
VARVE_PUBLIC uint64_t selection_samples_estimate(const struct selection *selection);

/* The value of one label for `count` rows, as ids; 0 = absent. Setting up only: it adds strings. */
VARVE_PUBLIC status selection_label_ids(struct selection *selection, const uint32_t *rows, uint32_t count, str name,
                                        uint32_t *ids);

/* All labels of one row, in the order of names as bytes, into pairs (room for LABELS_MAX); *count says how many.
 * Setting up only. */
VARVE_PUBLIC status selection_label_pairs(struct selection *selection, uint32_t row, struct label_id *pairs,
                                          size_t *count);

/* The samples of one row in (from, to] of the request, all sources merged, stale markers included. The earlier stored
 * value of a time wins. False on error (in buffer->error). */
VARVE_PUBLIC bool selection_read(const struct selection *selection, uint32_t row, struct column_buffer *buffer,
                                 samples *out);

/* The same samples, but of those that lie in Gorilla chunks (storage/chunk_gorilla.h) the chunks as they are stored,
 * wherever that is exact: all of the chunk's samples are wanted and seen, and no other lies between them. */
struct row_chunks {
    samples decoded;                   /* the other samples */
    const struct passed_chunk *chunks; /* in order; each comes before sample `at` of the decoded ones */
    size_t chunk_count;
    const uint8_t *bytes; /* in which the chunks lie */
};
bool selection_read_chunks(const struct selection *selection, uint32_t row, struct column_buffer *buffer,
                           struct row_chunks *out);

/* The newest sample at or before at_ms and after from_ms for each of `count` rows; time INT64_MIN where there is none.
 * Histograms are NULL for floats and lie in the buffer until it is used again. Decodes nothing for series whose newest
 * sample is in the live head, old enough and not rich. */
struct newest_samples {
    int64_t *times_ms;
    double *values;
    const struct histogram **histograms; /* may be NULL: not asked for */
    int64_t *starts_ms;                  /* may be NULL */
};
VARVE_PUBLIC bool selection_newest(const struct selection *selection, const uint32_t *rows, uint32_t count,
                                   int64_t from_ms, int64_t at_ms, struct column_buffer *buffer,
                                   struct newest_samples *out);

/* The exemplars in [from, to] of all series that are wanted, in the order of their labels; in the snapshot's arena.
 * What came after the snapshot was taken may be among them. */
status snapshot_exemplars(struct snapshot *snapshot, int64_t from_ms, int64_t to_ms, exemplar_filter *wanted,
                          void *context, exemplar_list *out);

/* Sorted label names, and sorted values of one label, of series that match (all series if there are no matchers) and
 * may have samples in [from, to]. Stops at `limit` strings (0: none) and sets *truncated. The strings live as long as
 * the snapshot. */
VARVE_PUBLIC status snapshot_label_names(struct snapshot *snapshot, const struct select_request *request, size_t limit,
                                         str **out, size_t *count, bool *truncated);
VARVE_PUBLIC status snapshot_label_values(struct snapshot *snapshot, str name, const struct select_request *request,
                                          size_t limit, str **out, size_t *count, bool *truncated);

#endif
