/* Writing to the db; see append.h. */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "tsdb/exemplars.h"
#include "tsdb/metrics.h"

#include <stdio.h>

enum {
    EXPLAIN_AGAIN_MS = 1000,
    EXEMPLAR_LOG_BYTES_MAX = 16 << 20,
    ADD_AT_A_TIME = 256,          /* new series registered under one hold of the registry's lock */
    SCRATCH_KEPT_BYTES = 4 << 20, /* larger working memory is given back */
    CLOCK_BEHIND_MS = 3600 * 1000 /* a wall clock this far behind the data can not be trusted to judge */
};

static struct append_scratch *take_scratch(struct db *db)
{
    pthread_mutex_lock(&db->scratch_mutex);
    struct append_scratch *scratch = db->scratch;
    if (scratch) db->scratch = scratch->next;
    pthread_mutex_unlock(&db->scratch_mutex);
    return scratch ? scratch : memory_zalloc(sizeof *scratch);
}

static void free_scratch(struct append_scratch *scratch)
{
    vec_release(&scratch->ids);
    vec_release(&scratch->hashes);
    writer_release(&scratch->rows);
    writer_release(&scratch->rich_rows);
    writer_release(&scratch->registration);
    writer_release(&scratch->canonical);
    arena_release(&scratch->arena);
    free(scratch);
}

static void give_scratch(struct db *db, struct append_scratch *scratch)
{
    arena_reset(&scratch->arena);
    if (scratch->rows.capacity + scratch->rich_rows.capacity + scratch->ids.capacity * 4 +
            scratch->hashes.capacity * 16 >
        SCRATCH_KEPT_BYTES) {
        free_scratch(scratch);
        return;
    }
    pthread_mutex_lock(&db->scratch_mutex);
    scratch->next = db->scratch;
    db->scratch = scratch;
    pthread_mutex_unlock(&db->scratch_mutex);
}

static void reject_series(struct append_result *result, enum append_reason reason, uint32_t count, const char *why)
{
    if (!result->error[0]) snprintf(result->error, sizeof result->error, "%s", why);
    result->rejected[reason] += count ? count : 1;
}

static void ignore_outcome(void *context, status outcome)
{
    (void)context; /* samples that rest on the registration come later in the log and fail with it */
    (void)outcome;
}

/* A series of the batch that is not known yet, with its labels checked. */
struct candidate {
    size_t index; /* in the batch */
    label *pairs;
    size_t count;
    hash128 fingerprint;
};

static void log_registration(struct db *db, struct writer *registration)
{
    struct wal_batch batch = {0};

    if (registration->count == 0) return;
    wal_batch_add(&batch, LOG_REGISTRATION, true, registration->data, registration->count);
    wal_commit(db->wal, &batch, ignore_outcome, NULL);
    registration->count = 0;
}

static void reject_new(struct db *db, uint32_t held, bool is_over, uint32_t count, struct append_result *result)
{
    char why[160];

    if (is_over) {
        snprintf(why, sizeof why,
                 "the head has %u series, new ones beyond the limit of %u are refused "
                 "(--storage.series-limit)",
                 held, db->options.series_max);
    } else {
        snprintf(why, sizeof why, "the head has %u series and uses up the memory of --storage.memory, new ones wait",
                 held);
        result->retry = true;
    }
    reject_series(result, APPEND_SERIES_LIMIT, count, why);
}

static void add_candidates(struct db *db, const struct append_batch *batch, const struct candidate *candidates,
                           size_t count, struct append_scratch *scratch, struct append_result *result)
{
    struct registry *registry = head_registry(db->live);

    registry_write_lock(registry);
    uint32_t before = registry_series_count(registry);
    bool has_memory = !db_memory_is_used_up(db, true);
    for (size_t i = 0; i < count; i++) {
        const struct candidate *c = &candidates[i];
        uint32_t held = head_series_held(db->live);
        bool is_over = db->options.series_max && held >= db->options.series_max, may_add = has_memory && !is_over;
        uint32_t id = registry_add_locked(registry, c->pairs, c->count, c->fingerprint, scratch->hashes.data[c->index],
                                          may_add, &scratch->registration);
        scratch->ids.data[c->index] = id;
        if (id == SERIES_NONE) {
            reject_new(db, held, is_over, batch->series[c->index].count, result);
        }
    }
    metric_add(&metric_series_created, registry_series_count(registry) - before);
    log_registration(db, &scratch->registration);
    registry_write_unlock(registry);
}

/* Says in an answer what there are so many series of; looked up once in a while. */
static void explain_limit(struct db *db, struct registry *registry, struct append_result *result)
{
    size_t len = strlen(result->error);
    int64_t now_ns = clock_monotonic_ns();

    pthread_mutex_lock(&db->explain_mutex);
    if (db->explained_at_ns == 0 || now_ns - db->explained_at_ns > (int64_t)EXPLAIN_AGAIN_MS * 1000000) {
        cardinality_explain(registry, db->explanation, sizeof db->explanation);
        db->explained_at_ns = now_ns;
    }
    snprintf(result->error + len, sizeof result->error - len, "; %s", db->explanation);
    pthread_mutex_unlock(&db->explain_mutex);
}

/* The slow path: series that were not found are parsed, checked and registered. */
static void register_missing(struct db *db, const struct append_batch *batch, struct append_scratch *scratch,
                             struct append_result *result)
{
    struct registry *registry = head_registry(db->live);
    struct candidate candidates[ADD_AT_A_TIME];
    size_t count = 0;

    for (size_t i = 0; i < batch->series_count; i++) {
        if (scratch->ids.data[i] != SERIES_NONE || batch->series[i].count == 0) continue;
        struct candidate *c = &candidates[count];
        c->index = i;
        status s =
            labels_parse(batch->series[i].labels, &db->options.label_limits, &c->pairs, &c->count, &scratch->arena);
        if (failed(s)) {
            reject_series(result, s.code == STATUS_LIMIT ? APPEND_LABEL_LIMIT : APPEND_INVALID_LABELS,
                          batch->series[i].count, s.text);
            continue;
        }
        c->fingerprint = registry_identify(registry, c->pairs, c->count, &scratch->canonical);
        if (++count == ADD_AT_A_TIME) {
            add_candidates(db, batch, candidates, count, scratch, result);
            arena_reset(&scratch->arena);
            count = 0;
        }
    }
    if (count) add_candidates(db, batch, candidates, count, scratch, result);
    if (result->rejected[APPEND_SERIES_LIMIT]) explain_limit(db, registry, result);
}

static bool find_series(struct db *db, const struct append_batch *batch, struct append_scratch *scratch)
{
    uint32_t guess = SERIES_NONE;

    scratch->ids.count = scratch->hashes.count = 0;
    vec_reserve(&scratch->ids, batch->series_count);
    vec_reserve(&scratch->hashes, batch->series_count);
    registry_resolve(head_registry(db->live), batch->series, batch->series_count, scratch->hashes.data,
                     scratch->ids.data, &guess);
    for (size_t i = 0; i < batch->series_count; i++) {
        if (scratch->ids.data[i] == SERIES_NONE) return false;
    }
    return true;
}

/* Which times are accepted, and whether too new ones may become acceptable: "now" is the newest sample where the wall
 * clock is behind it, and a clock that is far behind judges nothing. */
static struct head_limits limits_now(const struct db *db, bool *clock_is_behind)
{
    int64_t now = clock_now_ms(), newest = atomic_load(&db->newest_ms);
    struct head_limits limits = {db_horizon_ms(db), INT64_MAX, db->options.out_of_order_ms};

    *clock_is_behind = newest > INT64_MIN + CLOCK_BEHIND_MS && now < newest - CLOCK_BEHIND_MS;
    if (newest > now) now = newest;
    if (db->options.future_max_ms && now < INT64_MAX - db->options.future_max_ms)
        limits.newest_ms = now + db->options.future_max_ms;
    if (limits.oldest_ms == INT64_MIN) limits.oldest_ms++; /* nobody could ask for a sample of the first instant */
    return limits;
}

static void log_metadata(struct db *db, const struct append_batch *batch, struct wal_batch *log)
{
    struct writer changed = {0};

    for (size_t i = 0; i < batch->metadata_count; i++) {
        if (metadata_put(db->metadata, &batch->metadata[i])) metadata_encode(&batch->metadata[i], &changed);
    }
    if (changed.count) {
        wal_batch_add(log, LOG_METADATA, true, changed.data, changed.count);
        atomic_store(&db->has_logged_metadata, true);
    }
    writer_release(&changed);
}

/* Keeps the exemplars of a batch, and logs what is new. A head without samples never becomes a block: its log must not
 * grow by exemplars for ever. */
static void keep_exemplars(struct db *db, const struct append_batch *batch, struct wal_batch *log,
                           struct append_result *result)
{
    struct exemplars *exemplars = head_exemplars(db->live);
    struct writer added = {0};
    struct head_stats stats;

    head_stats(db->live, &stats);
    if (stats.samples == 0 && wal_bytes(db->wal) > EXEMPLAR_LOG_BYTES_MAX) return;
    for (size_t i = 0; i < batch->exemplar_count; i++) {
        const struct append_exemplar *entry = &batch->exemplars[i];
        struct exemplar exemplar = {entry->labels, entry->value, entry->time_ms};
        enum exemplar_outcome outcome = exemplars_add(exemplars, entry->series, &exemplar);
        if (outcome == EXEMPLAR_STORED && db->options.exemplar_bytes)
            exemplars_encode(entry->series, &exemplar, &added);
        result->exemplars_kept += outcome == EXEMPLAR_STORED || outcome == EXEMPLAR_REPEATED;
        result->exemplars_late += outcome == EXEMPLAR_OUT_OF_ORDER;
    }
    if (added.count) wal_batch_add(log, LOG_EXEMPLARS, true, added.data, added.count);
    writer_release(&added);
}

static void note_newest(struct db *db)
{
    struct head_stats stats;

    head_stats(db->live, &stats);
    int64_t seen = atomic_load(&db->newest_ms);
    while (stats.max_ms > seen && !atomic_compare_exchange_weak(&db->newest_ms, &seen, stats.max_ms)) {}
}

static void want_freeze(struct db *db)
{
    if (atomic_exchange(&db->freeze_wanted, true)) return;
    pthread_mutex_lock(&db->wake_mutex);
    pthread_cond_broadcast(&db->wake);
    pthread_mutex_unlock(&db->wake_mutex);
}

/* Appends under `switching`, held for reading: the head does not change before its log has the batch. */
static status append_switching(struct db *db, const struct append_batch *batch, struct append_scratch *scratch,
                               struct append_result *result, void (*done)(void *context, status outcome), void *context)
{
    struct wal_batch log = {0};
    bool clock_is_behind;
    int64_t start = clock_monotonic_ns();

    TRY(db_disk_failure(db));
    if (db_memory_is_used_up(db, false))
        return status_make(STATUS_UNAVAILABLE, "the head is full and has to be written to disk, or the one before it: "
                                               "the memory of --storage.memory is used up");
    TRY(wal_failure(db->wal));
    struct head_limits limits = limits_now(db, &clock_is_behind);
    if (!find_series(db, batch, scratch)) register_missing(db, batch, scratch, result);
    scratch->rows.count = scratch->rich_rows.count = 0;
    head_append(db->live, batch, scratch->ids.data, &limits, &scratch->rows, &scratch->rich_rows, result);
    if (scratch->rows.count) wal_batch_add(&log, LOG_SAMPLES, false, scratch->rows.data, scratch->rows.count);
    if (scratch->rich_rows.count)
        wal_batch_add(&log, LOG_RICH_SAMPLES, false, scratch->rich_rows.data, scratch->rich_rows.count);
    if (batch->metadata_count) log_metadata(db, batch, &log);
    if (batch->exemplar_count) keep_exemplars(db, batch, &log, result);
    if (result->stored) note_newest(db);
    metric_observe(&metric_append_seconds, clock_monotonic_ns() - start);
    result->retry = result->retry || (clock_is_behind && result->rejected[APPEND_TOO_NEW] > 0);
    wal_commit(db->wal, &log, done, context);
    return ok();
}

/* Makes room before the log takes more of the disk than the retention size allows. */
static void look_at_size(struct db *db)
{
    pthread_mutex_lock(&db->maintenance);
    if (db_logged_bytes(db) > atomic_load(&db->log_room)) (void)db_retain_locked(db, 0); /* else somebody else did */
    pthread_mutex_unlock(&db->maintenance);
}

status db_append(struct db *db, const struct append_batch *batch, struct append_result *result,
                 void (*done)(void *context, status outcome), void *context)
{
    struct append_scratch *scratch = take_scratch(db);

    memset(result->rejected, 0, sizeof result->rejected);
    result->stored = result->repeated = result->histograms = 0;
    result->exemplars_kept = result->exemplars_late = 0;
    result->retry = false;
    result->error[0] = 0;
    pthread_rwlock_rdlock(&db->switching);
    status s = append_switching(db, batch, scratch, result, done, context);
    bool due = db_freeze_is_due(db);
    bool may_pass_size = db->options.retention_bytes && db_logged_bytes(db) > atomic_load(&db->log_room);
    pthread_rwlock_unlock(&db->switching);
    give_scratch(db, scratch);
    if (due) want_freeze(db);
    if (may_pass_size) look_at_size(db);
    return s;
}

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool is_done;
    status outcome;
};

static void wake_waiting(void *context, status outcome)
{
    struct waiting *waiting = context;

    pthread_mutex_lock(&waiting->mutex);
    waiting->is_done = true;
    waiting->outcome = outcome;
    pthread_cond_signal(&waiting->done);
    pthread_mutex_unlock(&waiting->mutex);
}

status db_append_wait(struct db *db, const struct append_batch *batch, struct append_result *result)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, ok()};

    TRY(db_append(db, batch, result, wake_waiting, &waiting));
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.is_done) pthread_cond_wait(&waiting.done, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    return waiting.outcome;
}
