/* Retention by time and by size: whole blocks go; see db_internal.h. What the folder takes: db_space.c. */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tsdb/metrics.h"

/* The horizon counts from the earlier of clock and newest sample: a jumping clock deletes nothing. */
int64_t db_horizon_ms(const struct db *db)
{
    int64_t now = clock_now_ms(), newest = atomic_load(&db->newest_ms);

    if (db->options.retention_ms == 0) return INT64_MIN;
    if (newest < now) now = newest;
    return now < INT64_MIN + db->options.retention_ms ? INT64_MIN : now - db->options.retention_ms;
}

/* Marks the blocks that end before the horizon. */
static uint32_t mark_old(const struct view *view, int64_t horizon_ms, bool *expired)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < view->block_count; i++) {
        expired[i] = block_get_info(view->blocks[i])->max_ms < horizon_ms;
        count += expired[i];
    }
    return count;
}

/* A file can be longer than what the disk has for it. */
static uint64_t without(uint64_t bytes, uint64_t part)
{
    return bytes > part ? bytes - part : 0;
}

/* Marks blocks, those that end first, until the rest fits with what is about to be written. The samples in memory stay.
 */
static uint32_t mark_surplus(struct db *db, const struct view *view, uint64_t bytes, bool *expired)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < view->block_count; i++)
        bytes = without(bytes, expired[i] ? block_bytes(view->blocks[i]) : 0);
    while (bytes > db->options.retention_bytes) {
        uint32_t oldest = UINT32_MAX;
        for (uint32_t i = 0; i < view->block_count; i++) {
            if (expired[i]) continue;
            if (oldest == UINT32_MAX ||
                block_get_info(view->blocks[i])->max_ms < block_get_info(view->blocks[oldest])->max_ms)
                oldest = i;
        }
        if (oldest == UINT32_MAX) break;
        expired[oldest] = true;
        bytes = without(bytes, block_bytes(view->blocks[oldest]));
        count++;
    }
    return count;
}

/* Blocks that can not be opened expire like others, by the times that the state has of them. */
static bool is_old(const struct broken_block *broken, int64_t horizon_ms)
{
    return broken->max_ms < horizon_ms && !atomic_load(&broken->is_expired);
}

static uint32_t count_broken(const struct db *db, int64_t horizon_ms)
{
    uint32_t count = 0;

    vec_each (broken, &db->broken) count += is_old(broken, horizon_ms);
    return count;
}

static void drop_broken(struct db *db, int64_t horizon_ms)
{
    vec_each (broken, &db->broken) {
        char name[BLOCK_NAME_BYTES];
        if (!is_old(broken, horizon_ms)) continue;
        atomic_store(&broken->is_expired, true);
        block_name(name, broken->number);
        (void)fs_unlink(db->fs, name); /* what is left over is removed at the next start */
        metric_add(&metric_blocks_expired, 1);
        metric_add(&metric_blocks_damaged, -1);
        log_info("damaged block expired", "block=%u", broken->number);
    }
}

static status drop_marked(struct db *db, struct view *view, int64_t horizon_ms, const bool *expired)
{
    struct block **kept = memory_alloc(((size_t)view->block_count + 1) * sizeof *kept);
    struct state next = state_copy(&db->state);
    uint32_t count = 0;

    vec_each (broken, &db->broken) {
        if (is_old(broken, horizon_ms)) state_drop_block(&next, broken->number);
    }
    for (uint32_t i = 0; i < view->block_count; i++) {
        if (expired[i]) {
            state_drop_block(&next, block_get_info(view->blocks[i])->number);
        } else {
            kept[count++] = view->blocks[i];
        }
    }
    status s = db_save_state_locked(db, &next);
    for (uint32_t i = 0; !failed(s) && i < view->block_count; i++) {
        const struct block_info *info = block_get_info(view->blocks[i]);
        if (!expired[i]) continue;
        block_drop(view->blocks[i]);
        metric_add(&metric_blocks_expired, 1);
        log_info("block expired", "block=%u samples=%llu", info->number, (unsigned long long)info->samples);
    }
    if (!failed(s)) drop_broken(db, horizon_ms);
    if (!failed(s)) db_publish(db, kept, count, NULL);
    free(kept);
    return s;
}

status db_retain_locked(struct db *db, uint64_t need_bytes)
{
    struct view *view = db_view(db);
    bool *expired = memory_zalloc((size_t)view->block_count + 1);
    int64_t horizon = db_horizon_ms(db);
    uint32_t count = mark_old(view, horizon, expired) + count_broken(db, horizon);
    struct folder_bytes folder;

    status s = db_folder_bytes_locked(db, &folder);
    if (!failed(s) && db->options.retention_bytes)
        count += mark_surplus(db, view, folder.all + need_bytes + db_log_room(db, folder.logs), expired);
    if (count) {
        status dropped = drop_marked(db, view, horizon, expired);
        if (!failed(s)) s = dropped;
    }
    free(expired);
    view_unref(view);
    return s;
}
