/* The engine: open, append, select, close. This header is all that a program needs that embeds it (docs/example.c).
 *
 * Threads. A data folder belongs to one process at a time (a lock file says so). All calls may come from any thread and
 * together, but for open and close. A snapshot and what comes from it belong to one reader; tsdb/snapshot.h says which
 * of its calls many threads may make.
 *
 * Ownership. What a call takes is borrowed until it returns, unless its name or comment says otherwise; what it gives
 * belongs to the arena, snapshot or buffer it was given. A snapshot is released before the db is closed, the fs after.
 *
 * Units. Times are milliseconds since 1970, sizes bytes; both stand at the end of a name. Values are doubles, written
 * as their bits, so that any NaN comes back as it was.
 *
 * Errors are `status` values with a sentence. The engine reports what goes on as lines of log on standard error, or
 * where log_set_sink says. Memory that the machine does not have ends the process (storage/base/memory.h).
 */
#ifndef VARVE_TSDB_DB_H
#define VARVE_TSDB_DB_H

#include "storage/base/log.h"
#include "storage/base/public.h"
#include "storage/base/status.h"
#include "storage/fs.h"
#include "tsdb/append.h"
#include "tsdb/labels.h"
#include "tsdb/snapshot.h"

struct db_options {
    struct fs *fs;            /* the data folder; outlives the db */
    int64_t retention_ms;     /* samples older than this are dropped; 0: kept for ever */
    uint64_t retention_bytes; /* before the folder takes more than this the oldest blocks are dropped; 0: any number */
    uint64_t reserve_bytes;   /* set aside on the disk, so that a freeze can be finished when it is full; 0: none */
    int64_t future_max_ms;    /* samples further ahead of the clock are refused; 0: any is taken */
    int64_t out_of_order_ms;  /* how far behind the newest sample of its series one may be; negative: any */
    int64_t freeze_ms;        /* a head lives at most this long on the monotonic clock */
    uint64_t memory_bytes;    /* of heads, caches and what freezes and merges work with, together */
    uint64_t cache_bytes;     /* of these, verified index pages kept in memory; 0: an eighth. At most half */
    uint32_t wal_segment_bytes;    /* size of a log's first segment; 0: 1 MiB */
    uint32_t wal_sync_interval_ms; /* 0: an append is answered after its sync; else the log is synced this often */
    uint64_t exemplar_bytes;       /* of exemplars in a head, the oldest go first; 0: none are kept */
    uint32_t metadata_max;         /* metrics whose metadata is remembered */
    uint32_t series_max;           /* new series beyond this many in the head (with samples or not yet) are refused; 0:
                                      any number */
    int64_t delete_undo_ms;        /* how long a delete can be taken back before its samples are purged */
    uint32_t tombstones_max;       /* deletes that are not purged yet; further ones are refused */
    struct label_limits label_limits;
    int64_t scrub_interval_ms; /* all blocks are read whole this often, to find damage; 0: never */
    bool background;           /* run freezes, merges and retention in threads; without it call db_maintain */
};

/* Defaults for everything but fs. */
VARVE_PUBLIC struct db_options db_options_default(void);

/* Opens the folder, creating it when it is empty; replays what a crash left. Reports repaired and damaged files in the
 * log and in the counters; refuses only what it can not read at all. */
VARVE_PUBLIC status db_open(const struct db_options *options, struct db **out);

/* Freezes the head, so that the next start has nothing to replay, and closes. No other call may be running. The db is
 * gone also when an error is returned; whatever was acknowledged is then in the log. */
VARVE_PUBLIC status db_close(struct db *db);

/* Closes without freezing: leaves the folder as a killed process would (for tests). */
void db_abandon(struct db *db);

/* Freezes the live head now and waits for its block. */
VARVE_PUBLIC status db_freeze(struct db *db);

/* Freezes, and merges blocks until there is one for each day. Returns when all is done, which may take long. */
VARVE_PUBLIC status db_compact(struct db *db);

/* Makes `folder`, a name inside the data folder, a data folder of its own that has all blocks of now as hard links;
 * what is in memory is frozen before if `with_head`. If it fails, what is there of it is no data folder. */
VARVE_PUBLIC status db_checkpoint(struct db *db, const char *folder, bool with_head);

/* Deletes the samples in [from, to] of the series that match all matchers. They are invisible when this returns; what
 * is sent later is not touched, also at the same times. */
struct db_deletion {
    const struct matcher *matchers;
    size_t matcher_count;
    int64_t from_ms, to_ms;
};

/* Makes several deletions at once, all or none. LIMIT if there are too many of them. */
VARVE_PUBLIC status db_delete(struct db *db, const struct db_deletion *deletions, size_t count);

/* Takes a deletion back. NOT_FOUND if there is none of that number or its samples are being purged. */
VARVE_PUBLIC status db_undelete(struct db *db, uint32_t number);

/* Purges the samples of all deletions and waits until it is done, which may take long. */
VARVE_PUBLIC status db_purge(struct db *db);

/* A deletion that is not purged yet. */
struct db_tombstone {
    uint32_t number;
    str matchers; /* as tombstones.h writes them */
    int64_t from_ms, to_ms, created_ms;
    int64_t purge_ms; /* when the purge begins; 0: it has begun */
};

/* Those there are, in the order they were made; in the arena. */
VARVE_PUBLIC void db_tombstones(struct db *db, struct db_tombstone **out, size_t *count, struct arena *arena);

/* One round of what the background threads do: freezes if due, merges blocks if due, applies retention. */
VARVE_PUBLIC status db_maintain(struct db *db);

/* Calls each() for the received metadata of all metrics in order, or of one if `metric` is not empty. The strings are
 * valid in the call. */
VARVE_PUBLIC void db_metadata(struct db *db, str metric,
                              void (*each)(void *context, const struct append_metadata *entry), void *context);

struct db_stats {
    uint32_t head_series;
    uint64_t head_samples, head_chunks;
    int64_t head_min_ms, head_max_ms; /* INT64_MAX and INT64_MIN when empty */
    uint64_t exemplar_bytes;          /* memory of exemplars */
    uint64_t head_bytes;              /* memory of heads and registry */
    uint32_t label_pairs;
    uint32_t blocks;
    uint64_t block_bytes, wal_bytes;
    uint64_t block_samples;
    int64_t oldest_ms; /* of all data; INT64_MAX when empty */
};
VARVE_PUBLIC void db_stats(struct db *db, struct db_stats *out);

struct db_block {
    uint32_t number, heads, series;
    int64_t min_ms, max_ms, created_ms;
    uint64_t samples, bytes;
};

/* The blocks in the order of their heads; in the arena. */
VARVE_PUBLIC void db_blocks(struct db *db, struct db_block **out, size_t *count, struct arena *arena);

/* One entry of a top list. */
struct cardinality {
    str name;
    uint64_t value;
};

/* The four lists of /api/v1/status/tsdb over the live head, largest first, at most `limit` each; in the arena. */
struct cardinality_report {
    struct cardinality *series_by_metric, *values_by_label, *bytes_by_label, *series_by_pair;
    size_t series_by_metric_count, values_by_label_count, bytes_by_label_count, series_by_pair_count;
};
VARVE_PUBLIC void db_cardinality(struct db *db, size_t limit, struct cardinality_report *out, struct arena *arena);

#endif
