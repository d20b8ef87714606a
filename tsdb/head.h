/* A head: recent samples in memory, beside a log.
 *
 * A head has the series of a registry, which it shares with its neighbours in time, and the samples that came since it
 * began. Samples go to their series under one of a few hundred locks; what a reader sees is fixed by a horizon: the
 * samples of requests that were under way or had not begun when it was taken are left out.
 *
 * A head is shared by reference: db holds one while it is live or being frozen, each snapshot another.
 */
#ifndef VARVE_TSDB_HEAD_H
#define VARVE_TSDB_HEAD_H

#include "tsdb/append.h"
#include "tsdb/block_build.h"
#include "tsdb/columns.h"
#include "tsdb/registry.h"
#include "tsdb/rich_rows.h"
#include "tsdb/sample_rows.h"
#include "tsdb/series.h"

struct exemplars;
struct head;

/* Takes a reference of the registry. */
struct head *head_new(uint32_t number, struct registry *registry);
void head_ref(struct head *head);
void head_unref(struct head *head); /* NULL is fine */

/* Exemplars that came with the head's samples: none until they are given a budget of bytes. Once, before it is shared.
 */
void head_keep_exemplars(struct head *head, uint64_t bytes_max);
struct exemplars *head_exemplars(struct head *head);

uint32_t head_number(const struct head *head);
struct registry *head_registry(const struct head *head);

/* Which times are accepted; in ms. */
struct head_limits {
    int64_t oldest_ms;       /* older samples are refused */
    int64_t newest_ms;       /* newer ones too */
    int64_t out_of_order_ms; /* how far behind its series' newest a sample may be; negative: any */
};

/* The samples of a batch whose series are known: ids[i] is the series of batch->series[i], or SERIES_NONE to pass it
 * over. Appends what is accepted to `rows` and, if it is rich, to `rich_rows`, as log payloads (empty if nothing was),
 * and what became of it to the result. */
void head_append(struct head *head, const struct append_batch *batch, const uint32_t *ids,
                 const struct head_limits *limits, struct writer *rows, struct writer *rich_rows,
                 struct append_result *result);

/* Samples read from the log: nothing is decided. Series that are holes in the registry are passed over; returns how
 * many samples that were. One thread at a time. */
uint64_t head_replay(struct head *head, const struct row_columns *rows);
uint64_t head_replay_rich(struct head *head, const struct rich_rows *rows, size_t payload_bytes);

/* What a reader sees. */
enum { HORIZON_REQUESTS_MAX = 64 };
struct horizon {
    uint32_t last; /* requests after this one are not seen */
    uint32_t open[HORIZON_REQUESTS_MAX];
    uint32_t open_count; /* nor are these */
};
void head_horizon(struct head *head, struct horizon *out);

/* The newest visible sample of each of some series, as it is in the series' record; the time is INT64_MIN if there is
 * none or the record can not say (then head_read can). Neighbouring ids one after the other cost least. */
void head_newest(struct head *head, const uint32_t *ids, uint32_t count, const struct horizon *horizon,
                 int64_t *times_ms, double *values);

/* Appends the visible samples of a series in [from, to] to the buffer's columns, sorted; chunks may be passed on if
 * that is asked for and the series has no late and no rich samples. Returns false if the series has no samples at all
 * in this head. */
bool head_read(struct head *head, uint32_t id, const struct horizon *horizon, int64_t from_ms, int64_t to_ms,
               struct column_buffer *buffer);

/* Which of some series may have samples in [from, to]: has[i] becomes true, or stays as it is. Cheap. */
void head_has(struct head *head, const uint32_t *ids, uint32_t count, int64_t from_ms, int64_t to_ms, bool *has);

/* All samples of a series as encoded chunks, oldest first, for the freeze; no request may be under way. */
void head_chunks(struct head *head, uint32_t id, struct column_buffer *buffer, struct series_data *out);

/* Thread-safe figures. */
struct head_stats {
    uint32_t series; /* with samples */
    uint64_t samples, chunks, bytes;
    uint64_t rich_log_bytes; /* of rich samples in its log, before compression */
    int64_t min_ms, max_ms;  /* INT64_MAX and INT64_MIN when empty */
};
void head_stats(const struct head *head, struct head_stats *out);

/* Whether any sample is rich. */
bool head_is_rich(const struct head *head);

/* Series that have samples here or were registered since the head began. */
uint32_t head_series_held(const struct head *head);

/* Every structural rule holds. No request may be under way. */
bool head_valid(struct head *head);

#endif
