/* Memory: one budget for heads, their registries, the page cache and what freezes and merges work with; see
 * db_internal.h.
 *
 * The cache has a share of its own. Of the rest a live head may take so much that freezing it still fits, with some
 * room for what is written meanwhile: then it is frozen. A registry that has half of the rest is not handed on, so what
 * explodes goes with its head. When the rest is nearly used up all the same, new series have to wait until a head is on
 * disk, and then all samples.
 */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"

#include <stdio.h>

enum {
    CACHE_SHARE = 8,     /* of the budget, unless the options say otherwise */
    MEANWHILE_SHARE = 4, /* of the rest, for samples that come while a head is frozen */
    MERGE_SHARE = 4,     /* of the rest is the most that a merge may take, right after a freeze if not before */
    NEW_SERIES_SHARE = 6 /* of the rest, kept for samples of known series and for tables that double */
};

uint64_t db_cache_bytes(const struct db_options *options)
{
    uint64_t bytes = options->cache_bytes ? options->cache_bytes : options->memory_bytes / CACHE_SHARE;

    return bytes < options->memory_bytes / 2 ? bytes : options->memory_bytes / 2;
}

static uint64_t budget(const struct db *db)
{
    return db->options.memory_bytes - db_cache_bytes(&db->options);
}

/* A head that is frozen takes what that takes from the beginning: nobody may have used it up when it starts. */
static uint64_t head_bytes(const struct head *head, bool is_frozen)
{
    struct head_stats stats;

    head_stats(head, &stats);
    return stats.bytes + (is_frozen ? freeze_memory(stats.series) : 0);
}

uint64_t db_memory_bytes(struct db *db)
{
    uint64_t bytes = atomic_load_explicit(&db->work.used_bytes, memory_order_relaxed);

    if (db->live) bytes += head_bytes(db->live, false) + registry_bytes(head_registry(db->live));
    if (!db->frozen) return bytes;
    bytes += head_bytes(db->frozen, true);
    bool is_shared = db->live && head_registry(db->live) == head_registry(db->frozen);
    return is_shared ? bytes : bytes + registry_bytes(head_registry(db->frozen));
}

/* What there will be when the next freeze begins, if none is under way. */
static uint64_t bytes_to_come(struct db *db)
{
    struct head_stats stats;

    head_stats(db->live, &stats);
    return db_memory_bytes(db) + (db->frozen ? 0 : freeze_memory(stats.series));
}

bool db_memory_is_short(struct db *db)
{
    return bytes_to_come(db) > budget(db) - budget(db) / MEANWHILE_SHARE;
}

bool db_memory_is_used_up(struct db *db, bool for_new_series)
{
    uint64_t most = budget(db) - (for_new_series ? budget(db) / NEW_SERIES_SHARE : 0);
    struct head_stats stats;

    head_stats(db->live, &stats);
    bool will_shrink = db->frozen || (db->options.background && stats.samples > 0);
    return will_shrink && bytes_to_come(db) > most;
}

bool db_may_keep_registry(struct db *db, const struct registry *registry)
{
    return registry_bytes(registry) < budget(db) / 2;
}

bool db_may_merge(struct db *db, uint64_t bytes)
{
    pthread_rwlock_rdlock(&db->switching);
    uint64_t others = bytes_to_come(db);
    pthread_rwlock_unlock(&db->switching);
    return bytes <= budget(db) / MERGE_SHARE && others + bytes <= budget(db) - budget(db) / MEANWHILE_SHARE;
}
