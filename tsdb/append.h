/* Writing: one batch is one request, committed as a whole.
 *
 * Times and values are columns; a series names the part of them that is its own. Labels come as raw label fields in
 * protobuf spelling (tsdb/labels.h) in any order: a batch of series seen before costs one hash each.
 */
#ifndef VARVE_TSDB_APPEND_H
#define VARVE_TSDB_APPEND_H

#include "storage/base/histogram.h"
#include "storage/base/public.h"
#include "storage/base/status.h"
#include "storage/base/str.h"

struct db;

struct append_series {
    str labels;            /* raw label fields */
    uint32_t first, count; /* its samples in the columns */
};

enum metric_type {
    METRIC_UNKNOWN,
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
    METRIC_GAUGE_HISTOGRAM,
    METRIC_SUMMARY,
    METRIC_INFO,
    METRIC_STATESET
};

struct append_metadata {
    enum metric_type type;
    str metric, help, unit;
};

/* An exemplar; both label sets as raw label fields. */
struct append_exemplar {
    str series, labels;
    double value;
    int64_t time_ms;
};

/* Borrowed until db_append returns. */
struct append_batch {
    const struct append_series *series;
    size_t series_count;
    const int64_t *times_ms;
    const uint64_t *values;                    /* bit patterns of doubles; of a histogram nothing */
    const struct histogram *const *histograms; /* NULL where a sample is a float; NULL: all are */
    const int64_t *starts_ms;                  /* start times, 0 where none is set; NULL: none is */
    size_t sample_count;
    const struct append_metadata *metadata;
    size_t metadata_count;
    const struct append_exemplar *exemplars;
    size_t exemplar_count;
};

/* Reasons why a sample or series was not stored; each has a counter. */
#define APPEND_REASONS(X)                                                                   \
    X(INVALID_LABELS, "invalid_labels", "labels that no series may have")                   \
    X(LABEL_LIMIT, "label_limit", "more or longer labels than allowed")                     \
    X(INVALID_HISTOGRAM, "invalid_histogram", "a native histogram that contradicts itself") \
    X(DUPLICATE, "duplicate_timestamp", "another value for the newest time of the series")  \
    X(TOO_OLD, "too_old", "older than the retention or the out-of-order window")            \
    X(TOO_NEW, "too_far_in_future", "further ahead of the clock than allowed")              \
    X(SERIES_LIMIT, "series_limit", "a new series beyond the limit")

enum append_reason {
#define X(code, name, sentence) APPEND_##code,
    APPEND_REASONS(X)
#undef X
        APPEND_REASON_COUNT
};

/* What became of a batch. */
struct append_result {
    size_t stored;   /* samples newly stored */
    size_t repeated; /* samples that were there already, or late ones for whose time another value was stored before */
    size_t histograms;                    /* native ones among `stored` and `repeated` */
    size_t rejected[APPEND_REASON_COUNT]; /* samples not stored, by reason; a bad series counts each of its samples */
    size_t exemplars_kept;                /* stored now, or there already */
    size_t exemplars_late;                /* older than the newest of their series */
    bool retry;                           /* some of what was rejected may be accepted later: answer 503, not 400 */
    char error[400];                      /* the first rejection in words; empty if there was none */
};

/* Appends a batch and returns when its samples are visible to new snapshots. `done` is called exactly once, from
 * another thread or from within this call, when everything this answer rests on is durable, with OK, or when that
 * failed, with the reason: then the sender must repeat the batch. What the result says of rejections holds only if done
 * says OK.
 *
 * Returns OK if the batch was taken (done is or will be called), else nothing was stored and done is not called:
 * UNAVAILABLE while a full head waits for its block, NO_SPACE, IO. */
VARVE_PUBLIC status db_append(struct db *db, const struct append_batch *batch, struct append_result *result,
                              void (*done)(void *context, status outcome), void *context);

/* As db_append, waiting for durability. */
VARVE_PUBLIC status db_append_wait(struct db *db, const struct append_batch *batch, struct append_result *result);

#endif
