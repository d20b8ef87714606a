/* What the files of the db share.
 *
 * Lock order, outermost first: compacting → maintenance → switching → a registry's lock → the log's queue; view_mutex,
 * metadata and the scratch list are leaves. Nothing is written to disk under a lock that a reader takes.
 */
#ifndef VARVE_TSDB_DB_INTERNAL_H
#define VARVE_TSDB_DB_INTERNAL_H

#include "storage/page_cache.h"
#include "storage/wal.h"
#include "tsdb/db.h"
#include "tsdb/freeze.h"
#include "tsdb/log_record.h"
#include "tsdb/metadata.h"
#include "tsdb/state.h"
#include "tsdb/view.h"

#include <pthread.h>

/* Working memory of one append, kept for the next one. */
struct append_scratch {
    vec(uint32_t) ids;
    vec(hash128) hashes;
    struct writer rows, rich_rows, registration, canonical;
    struct arena arena;
    struct append_scratch *next;
};

/* A block that has no sample any more that a tombstone hides. */
struct purged_block {
    uint32_t tombstone, block;
};

/* How many series the blocks of a planned merge have together. */
struct weighed_merge {
    uint32_t first, last, count; /* numbers of the first and last block; how many they are */
    uint64_t series;
};

struct db {
    /* constant after open */
    struct db_options options;
    struct fs *fs;
    struct page_cache *cache;
    struct metadata_table *metadata;
    struct hash_secret secret;
    vec(struct broken_block) broken;

    /* held for reading while a request appends, for writing while one head follows another; guards the four below */
    pthread_rwlock_t switching;
    struct head *live, *frozen;
    struct wal *wal;          /* of the live head */
    uint32_t series_at_start; /* in the registry when the live head began */

    pthread_mutex_t view_mutex;
    struct view *view;

    /* held during a freeze and the retention; guards the rest of this group */
    pthread_mutex_t maintenance;
    struct state state;                /* as last saved */
    struct wal *next_wal;              /* log of the next head, made but not yet in use */
    uint32_t next_head;                /* its number, from when it is reserved until it is in use; else 0 */
    struct writer unsaved;             /* registrations on their way into the registry's file */
    bool is_registry_damaged;          /* the live head's: ids of its log may be of series that it does not have */
    struct block *written;             /* block of the frozen head, not yet in the state */
    uint32_t written_number;           /* number reserved for it */
    bool has_reserve;                  /* space is set aside for a full disk */
    uint64_t logged_at_look;           /* bytes ever logged when the retention by size last looked */
    uint64_t merge_bytes;              /* what the merge under way may write; 0: there is none */
    uint32_t merge_first, merge_count; /* numbers of the blocks that come out of it */

    _Atomic bool has_logged_metadata; /* in the log of the live head */
    _Atomic int64_t live_since_ns;    /* monotonic */
    _Atomic int64_t next_attempt_ns;  /* at a freeze that failed, monotonic */
    _Atomic int64_t newest_ms;        /* newest sample of all; INT64_MIN when there is none */
    _Atomic uint64_t block_bytes;
    _Atomic uint64_t logged_before; /* bytes of the logs before the live head's */
    _Atomic uint64_t log_room;      /* with more bytes logged the retention by size has to look again */
    _Atomic bool is_disk_full;
    struct account work; /* memory of merges */

    pthread_mutex_t compacting; /* held during a merge; guards the next one */
    vec(struct purged_block) purged;
    struct weighed_merge weighed;

    struct { /* owned by who scrubs */
        bool is_running;
        uint32_t last, end; /* numbers of the block read last, and of the last one to be read */
        int64_t done_ms;    /* when all had been read; 0: not known yet */
    } scrub;

    pthread_mutex_t wake_mutex; /* with it threads wait for stop and freeze_wanted */
    pthread_cond_t wake;
    atomic_bool stop;
    atomic_bool freeze_wanted;
    pthread_t background, compaction;

    pthread_mutex_t explain_mutex; /* guards what makes up most series, looked up at the time that follows */
    char explanation[200];
    int64_t explained_at_ns;

    pthread_mutex_t scratch_mutex;
    struct append_scratch *scratch;
};

/* Publishes a new view of live, frozen and the given blocks. */
void db_publish(struct db *db, struct block *const *blocks, uint32_t count, struct block *added);

/* The current view, referenced. */
struct view *db_view(struct db *db);

/* Whether the live head should be frozen now. */
bool db_freeze_is_due(struct db *db);

/* The page cache's share of the memory. */
uint64_t db_cache_bytes(const struct db_options *options);

/* What heads, registries, freezes and merges have. This and the questions below expect switching or maintenance. */
uint64_t db_memory_bytes(struct db *db);

/* Whether the live head has to be frozen for its memory; whether a sample, or a new series, has to wait until
 * one is on disk. */
bool db_memory_is_short(struct db *db);
bool db_memory_is_used_up(struct db *db, bool for_new_series);

/* Whether the registry leaves memory for a further head. */
bool db_may_keep_registry(struct db *db, const struct registry *registry);

/* Whether there is memory for a merge that takes so many bytes. Takes switching. */
bool db_may_merge(struct db *db, uint64_t bytes);

/* Makes `next` the state, durably; it is released on failure. Expects maintenance. */
status db_save_state_locked(struct db *db, struct state *next);

/* Drops a block that was made and could not be installed, unless the state on disk may name it: saving a state can fail
 * behind its rename, when the folder is synced, and then both the old and the new one may be what the next start finds.
 * The file that stays is removed by the start that does not find it named. */
void db_drop_made(struct db *db, struct block *block);

/* Freezes the live head, if it holds anything; without a successor when the db closes. Expects maintenance. */
status db_freeze_locked(struct db *db, bool successor);

/* Writes the frozen head, if there is one. Expects maintenance. */
status db_write_frozen_locked(struct db *db);

/* Makes a new head with an empty registry the live one; no other may be frozen. Expects maintenance. */
status db_replace_head_locked(struct db *db);

/* Starts the first head of a db that has none. Expects maintenance. */
status db_start_head_locked(struct db *db);

/* Drops blocks that are older than the retention time, and the oldest until `need_bytes` more would not pass the
 * retention size. Expects maintenance. */
status db_retain_locked(struct db *db, uint64_t need_bytes);

/* What the data folder has of the disk: logs with what is allocated ahead, blocks that readers still hold, files that
 * are being written (what a merge may write counts from its beginning). Expects maintenance. */
struct folder_bytes {
    uint64_t all, logs;
};
status db_folder_bytes_locked(struct db *db, struct folder_bytes *out);

/* Bytes logged since the db was opened. Expects maintenance or switching. */
uint64_t db_logged_bytes(const struct db *db);

/* How many bytes the logs, which have `log_bytes` of the disk, may take before the retention by size looks again, for
 * which it sets log_room. Expects maintenance. */
uint64_t db_log_room(struct db *db, uint64_t log_bytes);

/* Makes room for a merge that reads so many bytes; NO_SPACE if there is none, CANCELED if blocks went for it. Expects
 * maintenance. */
status db_find_merge_room_locked(struct db *db, uint64_t bytes);

/* The reserve: finds or drops the file of the last run, before anything is written; sets space aside, if it is not and
 * can be, or calls the disk full; gives it up, true if there was any, and calls the disk full. Expect maintenance. */
void db_find_reserve_locked(struct db *db);
void db_keep_reserve_locked(struct db *db);
bool db_release_reserve_locked(struct db *db);

/* Does a work that frees space in the end; again without the reserve when the disk turns out to be full. Expects
 * maintenance. */
status db_with_reserve_locked(struct db *db, status (*work)(struct db *db));

/* What a write is answered while the disk is full, else OK. */
status db_disk_failure(const struct db *db);

/* One merge of blocks, if one is due by the rules of compaction.h; `all` is explained there. Says in *done whether
 * there was one, or another plan is to be made because a block proved to be damaged. Takes maintenance for moments
 * only; one merge runs at a time. */
status db_compact_step(struct db *db, bool all, bool *done);

/* Begins the purge of tombstones that are due, of all if `all`. Expects maintenance. */
status db_begin_purge_locked(struct db *db, bool all);

/* Finds a block of the view that has samples to be purged: *index is UINT32_MAX if there is none. Expects compacting.
 */
status db_find_purge(struct db *db, const struct view *view, uint32_t *index);

/* Remembers that a block has nothing of what is being purged. Expects compacting. */
void db_note_purged(struct db *db, const struct tombstones *tombstones, uint32_t block);

/* Forgets the tombstones of which nothing is left in the view. Expects compacting. */
status db_end_purge(struct db *db, const struct view *view);

/* Reads the next block whole, if a scrub is due or under way; false if there was none to read. For one thread. */
bool db_scrub_step(struct db *db);

/* Waits that long; false when the db closes. */
bool db_pause(struct db *db, int64_t ms);

/* Reads state, blocks, registries and logs. */
status db_recover(struct db *db);

/* Oldest time that is kept, by the clock rules; INT64_MIN without a retention. */
int64_t db_horizon_ms(const struct db *db);

/* One sentence: the metric that has most series, and the label that has most values. */
void cardinality_explain(struct registry *registry, char *out, size_t size);

void registry_file_name(char *out, size_t size, uint32_t number);

#endif
