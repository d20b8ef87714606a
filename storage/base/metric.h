/* The program's own counters, gauges and histograms.
 *
 * A layer lists its metrics once, as rows of an X-macro in its metrics.h:
 *
 *     #define STORAGE_METRICS(X) \
 *         X(COUNTER, wal_bytes, "varve_wal_written_bytes_total", "", "Bytes written to the write-ahead log.") \
 *         X(SECONDS, wal_sync_seconds, "varve_wal_sync_duration_seconds", "", "Time of one sync.")
 *     METRICS_DECLARE(STORAGE_METRICS, storage_metrics)
 *
 * and its metrics.c says METRICS_DEFINE(STORAGE_METRICS, storage_metrics). Code then uses the struct by its name:
 * metric_add(&metric_wal_bytes, n). Rows of one name with different labels follow each other. The process has one set
 * of them, however many databases it opens. Thread-safe.
 */
#ifndef VARVE_STORAGE_BASE_METRIC_H
#define VARVE_STORAGE_BASE_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind {
    METRIC_KIND_COUNTER,
    METRIC_KIND_GAUGE,
    METRIC_KIND_SECONDS, /* histogram of durations: buckets 10 us, 30 us, 100 us, … 100 s */
    METRIC_KIND_BYTES    /* histogram of sizes: buckets 256, 1 Ki, 4 Ki, … 1 Gi */
};

enum { METRIC_BUCKETS_MAX = 16 };

struct metric {
    enum metric_kind kind;
    const char *name, *labels, *help;             /* labels: `reason="too_old"` or empty */
    _Atomic int64_t value;                        /* counter and gauge; the sum of a histogram in ns or bytes */
    _Atomic uint64_t buckets[METRIC_BUCKETS_MAX]; /* not cumulative; the last used one is +Inf */
};

static inline void metric_add(struct metric *metric, int64_t amount)
{
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

static inline void metric_set(struct metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

static inline int64_t metric_get(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* Adds one observation to a histogram, in nanoseconds or bytes. */
void metric_observe(struct metric *metric, int64_t amount);

/* Upper bounds of a histogram's buckets in seconds or bytes, +Inf left out; returns how many. */
size_t metric_bounds(enum metric_kind kind, const double **out);

struct metric_list {
    struct metric *const *metrics;
    size_t count;
};

#define METRIC_DECLARE_(kind, id, name, labels, help) extern struct metric metric_##id;
#define METRIC_DEFINE_(kind_, id, name, labels, help) \
    struct metric metric_##id = {METRIC_KIND_##kind_, name, labels, help, 0, {0}};
#define METRIC_POINTER_(kind, id, name, labels, help) &metric_##id,

#define METRICS_DECLARE(rows, list) rows(METRIC_DECLARE_) extern const struct metric_list list;
#define METRICS_DEFINE(rows, list)                                                            \
    rows(METRIC_DEFINE_) static struct metric *const list##_rows[] = {rows(METRIC_POINTER_)}; \
    const struct metric_list list = {list##_rows, sizeof list##_rows / sizeof list##_rows[0]};

#endif
