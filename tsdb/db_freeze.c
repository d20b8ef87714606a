/* How one head follows another; see db_internal.h.
 *
 * A freeze in order:
 *   1. `state` reserves numbers; the next head's log is made; `state` names it;
 *   2. the heads change places: the old log is synced and closed, requests go to the new head;
 *   3. what the old head registered is appended to the registry's file, if the new head shares it;
 *   4. the block is written and opened;
 *   5. `state` names the block and forgets the head;
 *   6. the block takes the head's place in the view, the old log is removed.
 * Each step can fail and be repeated; nothing is lost in between, because `state` names the old head until 5.
 */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tsdb/exemplars.h"
#include "tsdb/freeze.h"
#include "tsdb/metrics.h"

#include <assert.h>
#include <stdio.h>

enum {
    REPLAY_NS_MAX = 400 * 1000 * 1000, /* a start may take this long to read the log */
    REPLAY_SAMPLE_NS = 30,
    REPLAY_RICH_BYTE_NS = 10,
    REPLAY_SERIES_NS = 500,
    LOG_BYTES_MIN = 4 << 20,
    LOG_BLOCK_SHARE = 4, /* of the bytes of all blocks is what a log may take beyond that */
    LOG_SERIES_BYTES = 250,
    LOG_SHARE = 8, /* of the retention size is the most that a log may take */
    REGISTRY_RECORD_BYTES = 1 << 20
};

void registry_file_name(char *out, size_t size, uint32_t number)
{
    snprintf(out, size, "registry/%08u", number);
}

/* Young blocks keep index and data in proportion: small logs are frozen only when they are large beside the blocks. */
static bool log_is_large(struct db *db, uint32_t series)
{
    uint64_t bytes = wal_bytes(db->wal), most = db->options.retention_bytes / LOG_SHARE;

    if (db->options.retention_bytes && bytes > LOG_BYTES_MIN && bytes > most) return true;
    return bytes > LOG_BYTES_MIN + (uint64_t)series * LOG_SERIES_BYTES &&
           bytes > atomic_load(&db->block_bytes) / LOG_BLOCK_SHARE;
}

bool db_freeze_is_due(struct db *db)
{
    struct head_stats stats;

    head_stats(db->live, &stats);
    uint32_t registered = registry_series_count(head_registry(db->live)) - db->series_at_start;
    uint64_t replay_ns = stats.samples * REPLAY_SAMPLE_NS + stats.rich_log_bytes * REPLAY_RICH_BYTE_NS +
                         (uint64_t)registered * REPLAY_SERIES_NS;
    if (failed(wal_failure(db->wal))) return true;
    if (stats.samples == 0) return false;
    return replay_ns > REPLAY_NS_MAX || log_is_large(db, stats.series) || db_memory_is_short(db) ||
           (clock_monotonic_ns() - atomic_load(&db->live_since_ns)) / 1000000 > db->options.freeze_ms;
}

/* Whether the next head should go on with the live head's registry: at least half of its series are still in use, and
 * it leaves memory for samples. A log that failed may lack registrations that later logs would rest on. */
static bool may_share_registry(struct db *db)
{
    struct registry *registry = head_registry(db->live);
    struct head_stats stats;

    head_stats(db->live, &stats);
    return !failed(wal_failure(db->wal)) && stats.series >= registry_series_count(registry) / 2 &&
           db_may_keep_registry(db, registry);
}

/* The first record of a log: enough to rebuild a lost state. */
static void log_head(struct wal *wal, uint32_t registry, const struct hash_secret *secret,
                     void (*done)(void *context, status outcome), void *context)
{
    struct wal_batch batch = {0};
    uint8_t payload[4 + HASH_SECRET_BYTES];

    store_u32(payload, registry);
    memcpy(payload + 4, secret->bytes, HASH_SECRET_BYTES);
    wal_batch_add(&batch, LOG_HEAD, false, payload, sizeof payload);
    wal_commit(wal, &batch, done, context);
}

static void ignore_outcome(void *context, status outcome)
{
    (void)context; /* a log that failed says so at the next request */
    (void)outcome;
}

status db_save_state_locked(struct db *db, struct state *next)
{
    status s = state_save(db->fs, next);

    if (failed(s)) {
        state_release(next);
        return s;
    }
    state_release(&db->state);
    db->state = *next;
    return ok();
}

void db_drop_made(struct db *db, struct block *block)
{
    struct state found;
    bool is_named = failed(state_load(db->fs, &found));

    vec_each (entry, &found.blocks) is_named = is_named || entry->number == block_get_info(block)->number;
    state_release(&found);
    if (!is_named) block_drop(block);
}

/* Numbers are given out before there are files of them: a file with a number that the state has not given out proves
 * that the state is older than its folder. What was reserved for an attempt that failed is used by the next one. */
static status reserve_numbers(struct db *db)
{
    struct state next = state_copy(&db->state);
    uint32_t first = next.next;

    next.next += 3; /* the head, a new registry, the block of the frozen head */
    TRY(db_save_state_locked(db, &next));
    db->next_head = first;
    return ok();
}

/* Step 1. Repeats what failed before: a log that was made stays until the state names it. `registry` 0: a new one. */
static status prepare_next_head(struct db *db, uint32_t registry)
{
    if (db->next_head == 0) TRY(reserve_numbers(db));
    if (!db->next_wal) {
        struct wal_options options = {.fs = db->fs,
                                      .head = db->next_head,
                                      .first_sequence = 1,
                                      .sync_interval_ms = db->options.wal_sync_interval_ms,
                                      .segment_bytes = db->options.wal_segment_bytes};
        TRY(wal_open(&options, &db->next_wal));
    }
    struct state next = state_copy(&db->state);
    if (registry == 0) registry = db->next_head + 1;
    vec_push(&next.heads, (struct state_head){db->next_head, registry});
    state_registry(&next, registry, true);
    TRY(db_save_state_locked(db, &next));
    db->written_number = db->next_head + 2;
    return ok();
}

/* The live head is the one just prepared. */
static void install_head(struct db *db, struct registry *registry)
{
    db->live = head_new(db->next_head, registry);
    head_keep_exemplars(db->live, db->options.exemplar_bytes);
    db->wal = db->next_wal;
    db->next_wal = NULL;
    db->next_head = 0;
    db->series_at_start = registry_series_count(registry);
    atomic_store(&db->has_logged_metadata, false);
    atomic_store(&db->live_since_ns, clock_monotonic_ns());
    log_head(db->wal, registry_number(registry), &db->secret, ignore_outcome, NULL);
}

status db_start_head_locked(struct db *db)
{
    TRY(prepare_next_head(db, 0));
    struct registry *registry = registry_new(&db->secret, vec_last(&db->state.heads)->registry);
    install_head(db, registry);
    registry_unref(registry);
    return ok();
}

/* Step 2. */
static status switch_heads(struct db *db, bool share)
{
    struct registry *registry = head_registry(db->live);

    if (share) {
        registry_ref(registry);
    } else {
        registry = registry_new(&db->secret, vec_last(&db->state.heads)->registry);
    }
    pthread_rwlock_wrlock(&db->switching);
    /* Under the lock: no request may be logged in the new log before all that it rests on is durable in the old one. */
    atomic_fetch_add(&db->logged_before, wal_bytes(db->wal));
    status closed = wal_close(db->wal);
    db->wal = NULL;
    if (failed(closed) && share) {
        /* Registrations may be missing in the old log: nothing may rest on them. The new log says which registry it
         * has. */
        registry_unref(registry);
        registry = registry_new(&db->secret, db->next_head + 1);
        vec_last(&db->state.heads)->registry = registry_number(registry);
        state_registry(&db->state, registry_number(registry), true);
    }
    db->frozen = db->live;
    install_head(db, registry);
    db_publish(db, db->view->blocks, db->view->block_count, NULL); /* before the new head answers anybody */
    pthread_rwlock_unlock(&db->switching);
    registry_unref(registry);
    if (failed(closed))
        log_error("the log of a head failed; its samples are kept in memory until they are a block", "head=%u error=%s",
                  head_number(db->frozen), LOG_QUOTED(str_from(closed.text)));
    return ok();
}

/* Step 3. What was taken from the registry stays in db->unsaved until it is written. It is written twice: every later
 * log rests on it, so one damaged place must not take it away. */
static status save_registry(struct db *db, struct registry *registry, struct state *next)
{
    char name[32];
    struct file *file;
    struct writer payload = {0};

    if (db->unsaved.count == 0) {
        for (;;) {
            payload.count = 0;
            registry_unsaved(registry, REGISTRY_RECORD_BYTES, &payload);
            if (payload.count == 0) break;
            record_write(&db->unsaved, LOG_REGISTRATION, payload.data, payload.count);
        }
        writer_release(&payload);
    }
    struct state_registry *entry = state_registry(next, registry_number(registry), true);
    registry_file_name(name, sizeof name, registry_number(registry));
    TRY(fs_make_folder(db->fs, "registry"));
    TRY(fs_open(db->fs, name, entry->bytes ? FS_WRITE : FS_REPLACE, &file));
    struct fs_span twice[] = {{db->unsaved.data, db->unsaved.count}, {db->unsaved.data, db->unsaved.count}};
    status s = file_write(file, entry->bytes, twice, 2);
    if (!failed(s)) s = file_sync(file);
    file_close(file);
    if (!failed(s) && entry->bytes == 0) s = fs_sync_folder(db->fs, "registry");
    if (!failed(s)) entry->bytes += 2 * db->unsaved.count;
    return s;
}

/* Step 4. */
static status write_block(struct db *db)
{
    struct block_info info = {.number = db->written_number, .created_ms = clock_now_ms(), .secret = db->secret};
    struct writer metadata = {0};
    int64_t start = clock_monotonic_ns();

    metadata_section(db->metadata, &metadata);
    status s = freeze_head(db->fs, db->frozen, str_make((const char *)metadata.data, metadata.count), &info);
    writer_release(&metadata);
    TRY(s);
    TRY(block_open(db->fs, info.number, db->cache, &db->written));
    metric_add(&metric_freezes, 1);
    metric_observe(&metric_freeze_seconds, clock_monotonic_ns() - start);
    log_info("head frozen", "head=%u block=%u series=%u samples=%llu bytes=%llu seconds=%.3f", head_number(db->frozen),
             info.number, info.series, (unsigned long long)info.samples, (unsigned long long)block_bytes(db->written),
             (double)(clock_monotonic_ns() - start) / 1e9);
    return ok();
}

static void remove_registry_files(struct db *db, const struct state *before)
{
    vec_each (registry, &before->registries) {
        char name[32];
        if (registry->bytes == 0 || state_registry(&db->state, registry->number, false)) continue;
        registry_file_name(name, sizeof name, registry->number);
        (void)fs_unlink(db->fs, name); /* what is left over is removed at the next start */
    }
}

/* Step 5. */
static status name_block(struct db *db, struct state *next)
{
    struct state before = state_copy(&db->state);

    state_drop_head(next, head_number(db->frozen));
    state_drop_unused_registries(next);
    if (db->written) {
        const struct block_info *info = block_get_info(db->written);
        vec_push(&next->blocks, (struct state_block){info->number, info->min_ms, info->max_ms});
    }
    status s = db_save_state_locked(db, next);
    if (!failed(s)) {
        db->unsaved.count = 0;
        remove_registry_files(db, &before);
    }
    state_release(&before);
    return s;
}

/* Whether another head rests on the registry of this one. */
static bool is_shared(const struct state *state, const struct head *head)
{
    vec_each (other, &state->heads) {
        if (other->number != head_number(head) && other->registry == registry_number(head_registry(head))) return true;
    }
    return false;
}

/* Steps 3 to 6. */
status db_write_frozen_locked(struct db *db)
{
    struct head_stats stats;
    struct state next = state_copy(&db->state);
    status s = ok();

    head_stats(db->frozen, &stats);
    if (is_shared(&next, db->frozen)) s = save_registry(db, head_registry(db->frozen), &next);
    if (!failed(s) && stats.samples > 0 && !db->written) s = write_block(db);
    if (failed(s)) {
        state_release(&next);
        return s;
    }
    TRY(name_block(db, &next));

    struct head *frozen = db->frozen;
    pthread_rwlock_wrlock(&db->switching);
    db->frozen = NULL;
    pthread_rwlock_unlock(&db->switching);
    db_publish(db, db->view->blocks, db->view->block_count, db->written);
    block_unref(db->written);
    db->written = NULL;
    status removed = wal_remove(db->fs, head_number(frozen));
    if (failed(removed)) log_warn("an old log can not be removed", "error=%s", LOG_QUOTED(str_from(removed.text)));
    head_unref(frozen);
    memory_trim();
    return ok();
}

/* The last freeze: nobody appends any more, and no head follows. A head that has no samples makes no block that its
 * metadata and exemplars could go into: it stays with its log. */
static status freeze_for_good(struct db *db)
{
    struct head_stats stats;
    status closed = wal_close(db->wal);

    db->wal = NULL;
    head_stats(db->live, &stats);
    bool has_more = atomic_load(&db->has_logged_metadata) || exemplars_bytes(head_exemplars(db->live)) > 0;
    if (stats.samples == 0 && has_more) return closed;
    db->frozen = db->live;
    db->live = NULL;
    if (failed(closed)) log_error("the log failed while it was closed", "error=%s", LOG_QUOTED(str_from(closed.text)));
    struct state next = state_copy(&db->state);
    db->written_number = next.next++;
    TRY(db_save_state_locked(db, &next));
    return db_write_frozen_locked(db);
}

status db_freeze_locked(struct db *db, bool successor)
{
    struct head_stats stats;

    /* The block, what the registry's file gets and the next log are smaller together than the log. */
    if (db->options.retention_bytes && db->wal) (void)db_retain_locked(db, wal_bytes(db->wal));
    if (db->frozen) TRY(db_write_frozen_locked(db));
    if (!successor) return db->live ? freeze_for_good(db) : ok();
    head_stats(db->live, &stats);
    if (stats.samples == 0 && !failed(wal_failure(db->wal))) return ok();
    bool share = may_share_registry(db);
    TRY(prepare_next_head(db, share ? registry_number(head_registry(db->live)) : 0));
    TRY(switch_heads(db, share));
    return db_write_frozen_locked(db);
}

status db_replace_head_locked(struct db *db)
{
    assert(!db->frozen);
    TRY(prepare_next_head(db, 0));
    return switch_heads(db, false);
}
