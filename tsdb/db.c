/* The engine's life: open, close, maintenance, figures; see db.h and db_internal.h. */
#include "tsdb/db.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tsdb/db_internal.h"
#include "tsdb/exemplars.h"
#include "tsdb/metrics.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    MAINTENANCE_MS = 1000,
    RETRY_MS = 2000,
    COMPACTION_MS = 5000,
    COMPACTION_RETRY_MS = 60 * 1000,
    COMPACTION_NICENESS = 10 /* of its thread: whoever waits for an answer goes first */
};

struct db_options db_options_default(void)
{
    return (struct db_options){
        .retention_ms = (int64_t)15 * 24 * 3600 * 1000,
        .future_max_ms = 10 * 60 * 1000,
        .out_of_order_ms = -1,
        .reserve_bytes = 32 << 20,
        .freeze_ms = 2 * 3600 * 1000,
        .memory_bytes = (uint64_t)640 << 20,
        .exemplar_bytes = 16 << 20,
        .metadata_max = 100000,
        .delete_undo_ms = (int64_t)24 * 3600 * 1000,
        .tombstones_max = 1000,
        .label_limits = {.count_max = 128, .name_bytes_max = 1024, .value_bytes_max = 16384},
        .scrub_interval_ms = (int64_t)7 * 24 * 3600 * 1000,
        .background = true,
    };
}

void db_publish(struct db *db, struct block *const *blocks, uint32_t count, struct block *added)
{
    struct view *view = view_new(db->live, db->frozen, blocks, count, added, db->state.tombstones);
    uint64_t bytes = 0;

    view->broken = db->broken.data;
    view->broken_count = (uint32_t)db->broken.count;
    for (uint32_t i = 0; i < view->block_count; i++) bytes += block_bytes(view->blocks[i]);
    atomic_store(&db->block_bytes, bytes);
    metric_set(&metric_blocks, view->block_count);
    metric_set(&metric_block_bytes, (int64_t)bytes);
    pthread_mutex_lock(&db->view_mutex);
    struct view *old = db->view;
    db->view = view;
    pthread_mutex_unlock(&db->view_mutex);
    view_unref(old);
}

struct view *db_view(struct db *db)
{
    pthread_mutex_lock(&db->view_mutex);
    struct view *view = db->view;
    view_ref(view);
    pthread_mutex_unlock(&db->view_mutex);
    return view;
}

static status freeze_if_due_locked(struct db *db)
{
    if (db->frozen) TRY(db_write_frozen_locked(db));
    return db_freeze_is_due(db) ? db_freeze_locked(db, true) : ok();
}

static status freeze_now_locked(struct db *db)
{
    return db_freeze_locked(db, true);
}

static status freeze_for_good_locked(struct db *db)
{
    return db_freeze_locked(db, false);
}

static status retain_locked(struct db *db)
{
    return db_retain_locked(db, 0);
}

static status maintain_locked(struct db *db)
{
    if (wal_failure(db->wal).code == STATUS_NO_SPACE) (void)db_release_reserve_locked(db);
    status s = db_with_reserve_locked(db, freeze_if_due_locked);
    if (failed(s)) {
        atomic_store(&db->next_attempt_ns, clock_monotonic_ns() + (int64_t)RETRY_MS * 1000000);
        metric_add(&metric_freeze_failures, 1);
        log_error("the head can not be written as a block; trying again", "error=%s", LOG_QUOTED(str_from(s.text)));
    }
    status retained = db_with_reserve_locked(db, retain_locked);
    return failed(s) ? s : retained;
}

status db_maintain(struct db *db)
{
    pthread_mutex_lock(&db->maintenance);
    status s = maintain_locked(db);
    pthread_mutex_unlock(&db->maintenance);
    bool done;
    status merged = db_compact_step(db, false, &done);
    return failed(s) ? s : merged;
}

static void update_gauges(struct db *db)
{
    struct db_stats stats;

    db_stats(db, &stats);
    metric_set(&metric_exemplar_bytes, (int64_t)stats.exemplar_bytes);
    metric_set(&metric_head_series, stats.head_series);
    metric_set(&metric_head_samples, (int64_t)stats.head_samples);
    metric_set(&metric_head_bytes, (int64_t)stats.head_bytes);
}

/* Waits for `ms`, or less if a freeze is wanted and this thread serves it; false when the db closes. */
static bool wait_a_round(struct db *db, int64_t ms, bool freezes)
{
    struct timespec until;
    int outcome = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&db->wake_mutex);
    while (!outcome && !atomic_load(&db->stop) && !(freezes && atomic_load(&db->freeze_wanted)))
        outcome = pthread_cond_timedwait(&db->wake, &db->wake_mutex, &until);
    pthread_mutex_unlock(&db->wake_mutex);
    return !atomic_load(&db->stop);
}

bool db_pause(struct db *db, int64_t ms)
{
    return wait_a_round(db, ms, false);
}

static void *run_background(void *context)
{
    struct db *db = context;

    pthread_setname_np(pthread_self(), "varve-maintain");
    while (wait_a_round(db, MAINTENANCE_MS, true)) {
        bool wanted = atomic_exchange(&db->freeze_wanted, false);
        if (!wanted || clock_monotonic_ns() >= atomic_load(&db->next_attempt_ns)) {
            pthread_mutex_lock(&db->maintenance);
            (void)maintain_locked(db); /* it has told the log */
            pthread_mutex_unlock(&db->maintenance);
        }
        update_gauges(db);
    }
    return NULL;
}

static void *run_compaction(void *context)
{
    struct db *db = context;
    status s = ok();

    pthread_setname_np(pthread_self(), "varve-compact");
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), COMPACTION_NICENESS); /* of this thread; a wish */
    while (wait_a_round(db, failed(s) ? COMPACTION_RETRY_MS : COMPACTION_MS, false)) {
        bool done = true;
        while (done) s = db_compact_step(db, false, &done);
        (void)db_scrub_step(db);
    }
    return NULL;
}

static void destroy(struct db *db)
{
    pthread_mutex_lock(&db->view_mutex);
    struct view *view = db->view;
    db->view = NULL;
    pthread_mutex_unlock(&db->view_mutex);
    view_unref(view);
    head_unref(db->live);
    head_unref(db->frozen);
    block_unref(db->written);
    while (db->scratch) {
        struct append_scratch *scratch = db->scratch;
        db->scratch = scratch->next;
        vec_release(&scratch->ids);
        vec_release(&scratch->hashes);
        writer_release(&scratch->rows);
        writer_release(&scratch->rich_rows);
        writer_release(&scratch->registration);
        writer_release(&scratch->canonical);
        arena_release(&scratch->arena);
        free(scratch);
    }
    state_release(&db->state);
    vec_release(&db->broken);
    vec_release(&db->purged);
    writer_release(&db->unsaved);
    metadata_table_free(db->metadata);
    page_cache_free(db->cache);
    pthread_rwlock_destroy(&db->switching);
    pthread_mutex_destroy(&db->view_mutex);
    pthread_mutex_destroy(&db->compacting);
    pthread_mutex_destroy(&db->maintenance);
    pthread_mutex_destroy(&db->wake_mutex);
    pthread_cond_destroy(&db->wake);
    pthread_mutex_destroy(&db->explain_mutex);
    pthread_mutex_destroy(&db->scratch_mutex);
    free(db);
}

static void stop_background(struct db *db)
{
    if (!db->options.background) return;
    pthread_mutex_lock(&db->wake_mutex);
    atomic_store(&db->stop, true);
    pthread_cond_broadcast(&db->wake);
    pthread_mutex_unlock(&db->wake_mutex);
    if (db->background) pthread_join(db->background, NULL);
    if (db->compaction) pthread_join(db->compaction, NULL);
}

status db_open(const struct db_options *options, struct db **out)
{
    struct db *db = memory_zalloc(sizeof *db);
    pthread_rwlockattr_t attributes;

    db->options = *options;
    db->fs = options->fs;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&db->switching, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&db->view_mutex, NULL);
    pthread_mutex_init(&db->compacting, NULL);
    pthread_mutex_init(&db->maintenance, NULL);
    pthread_mutex_init(&db->wake_mutex, NULL);
    pthread_cond_init(&db->wake, NULL);
    pthread_mutex_init(&db->explain_mutex, NULL);
    pthread_mutex_init(&db->scratch_mutex, NULL);
    atomic_init(&db->newest_ms, INT64_MIN);
    account_init(&db->work, 0, NULL);
    db->cache = page_cache_new(db_cache_bytes(options));
    db->metadata = metadata_table_new(options->metadata_max);

    status s = fs_lock(db->fs, "lock");
    if (!failed(s)) {
        pthread_mutex_lock(&db->maintenance);
        db_find_reserve_locked(db);
        s = db_recover(db);
        if (!failed(s)) db_keep_reserve_locked(db);
        pthread_mutex_unlock(&db->maintenance);
    }
    if (!failed(s) && options->background) {
        int error = pthread_create(&db->background, NULL, run_background, db);
        if (!error) error = pthread_create(&db->compaction, NULL, run_compaction, db);
        if (error) s = status_errno(error, "start the maintenance threads");
    }
    if (failed(s)) {
        stop_background(db);
        if (db->wal) wal_abandon(db->wal);
        if (db->next_wal) wal_abandon(db->next_wal);
        destroy(db);
        return s;
    }
    update_gauges(db);
    *out = db;
    return ok();
}

status db_close(struct db *db)
{
    stop_background(db);
    pthread_mutex_lock(&db->maintenance);
    status s = db_with_reserve_locked(db, freeze_for_good_locked);
    pthread_mutex_unlock(&db->maintenance);
    if (db->wal) {
        status closed = wal_close(db->wal);
        if (!failed(s)) s = closed;
    }
    if (db->next_wal) (void)wal_close(db->next_wal);
    destroy(db);
    return s;
}

void db_abandon(struct db *db)
{
    stop_background(db);
    if (db->wal) wal_abandon(db->wal);
    if (db->next_wal) wal_abandon(db->next_wal);
    destroy(db);
}

status db_freeze(struct db *db)
{
    pthread_mutex_lock(&db->maintenance);
    status s = db_with_reserve_locked(db, freeze_now_locked);
    pthread_mutex_unlock(&db->maintenance);
    return s;
}

void db_metadata(struct db *db, str metric, void (*each)(void *context, const struct append_metadata *entry),
                 void *context)
{
    metadata_each(db->metadata, metric, each, context);
}

void db_stats(struct db *db, struct db_stats *out)
{
    struct view *view = db_view(db);
    struct head_stats live;

    *out = (struct db_stats){.head_min_ms = INT64_MAX, .head_max_ms = INT64_MIN, .oldest_ms = INT64_MAX};
    head_stats(view->live, &live);
    out->head_series = live.series;
    out->head_samples = live.samples;
    out->head_chunks = live.chunks;
    out->exemplar_bytes = exemplars_bytes(head_exemplars(view->live));
    out->head_min_ms = live.min_ms;
    out->head_max_ms = live.max_ms;
    out->head_bytes = live.bytes + registry_bytes(head_registry(view->live));
    out->label_pairs = registry_pair_count(head_registry(view->live));
    out->oldest_ms = live.min_ms;
    if (view->frozen) {
        struct head_stats frozen;
        head_stats(view->frozen, &frozen);
        out->head_bytes += frozen.bytes;
        out->exemplar_bytes += exemplars_bytes(head_exemplars(view->frozen));
        if (head_registry(view->frozen) != head_registry(view->live))
            out->head_bytes += registry_bytes(head_registry(view->frozen));
        if (frozen.min_ms < out->oldest_ms) out->oldest_ms = frozen.min_ms;
    }
    out->blocks = view->block_count;
    for (uint32_t i = 0; i < view->block_count; i++) {
        const struct block_info *info = block_get_info(view->blocks[i]);
        out->block_bytes += block_bytes(view->blocks[i]);
        out->block_samples += info->samples;
        if (info->min_ms < out->oldest_ms) out->oldest_ms = info->min_ms;
    }
    pthread_rwlock_rdlock(&db->switching);
    if (db->wal) out->wal_bytes = wal_bytes(db->wal);
    pthread_rwlock_unlock(&db->switching);
    view_unref(view);
}
