/* The write-ahead log's writer; see wal.h and wal_format.h. */
#include "storage/wal.h"

#include "storage/base/clock.h"
#include "storage/base/vec.h"
#include "storage/metrics.h"
#include "storage/wal_format.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { IDLE_MS = 100 };

struct waiter {
    struct wal_batch batch;
    void (*done)(void *context, status outcome);
    void *context;
};

typedef vec(struct waiter) waiters;

struct wal {
    /* constant after open */
    struct wal_options options;
    uint64_t boot;
    pthread_t thread;

    /* guarded by mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    waiters queue;
    bool busy;      /* the committer has taken batches and not yet answered them */
    bool stop;      /* finish the queue and end */
    bool abandoned; /* end without writing */
    status failure;

    /* owned by the committer */
    struct file *file;
    uint32_t segment;
    uint64_t segment_bytes, at; /* allocated size and write position of the current segment */
    uint64_t sequence, synced;  /* of the last group written, of the last one synced */
    struct writer again;        /* records to repeat in the next group */
    bool vouched;               /* the last group written is vouched for by a later one, or is empty */
    int64_t synced_at_ns;

    _Atomic uint64_t bytes;
};

void wal_batch_add(struct wal_batch *batch, uint8_t type, bool again, const void *payload, size_t bytes)
{
    size_t start = batch->records.count;

    record_write(&batch->records, type, payload, bytes);
    if (again) writer_bytes(&batch->again, batch->records.data + start, batch->records.count - start);
}

void wal_batch_release(struct wal_batch *batch)
{
    writer_release(&batch->records);
    writer_release(&batch->again);
}

/* Sizes double from segment to segment, so that a quiet log stays small and a busy one makes few files. */
static uint64_t segment_size(const struct wal *wal, uint32_t segment, uint64_t need)
{
    uint64_t bytes = wal->options.segment_bytes ? wal->options.segment_bytes : WAL_SEGMENT_BYTES_MIN;

    bytes <<= segment < 16 ? segment : 16;

    if (bytes > WAL_SEGMENT_BYTES_MAX) bytes = WAL_SEGMENT_BYTES_MAX;
    need += WAL_SEGMENT_HEADER_BYTES;
    return bytes > need ? bytes : (need + 4095) & ~(uint64_t)4095;
}

/* Makes the segment complete and durable before anything is written to it. */
static status start_segment(struct wal *wal, uint32_t segment, uint64_t need)
{
    char name[WAL_NAME_BYTES];
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    struct file *file;
    uint64_t bytes = segment_size(wal, segment, need);

    wal_name(name, wal->options.head, segment);
    wal_segment_header(header, wal->options.head, segment, wal->boot);
    TRY(fs_open(wal->options.fs, name, FS_REPLACE, &file));
    status s = file_allocate(file, bytes);
    if (!failed(s)) s = file_write(file, 0, &(struct fs_span){header, sizeof header}, 1);
    if (!failed(s)) s = file_sync(file);
    if (!failed(s)) s = fs_sync_folder(wal->options.fs, "wal");
    if (failed(s)) {
        file_close(file);
        return s;
    }
    file_close(wal->file);
    wal->file = file;
    wal->segment = segment;
    wal->segment_bytes = bytes;
    wal->at = WAL_SEGMENT_HEADER_BYTES;
    return ok();
}

static status sync_file(struct wal *wal)
{
    int64_t start = clock_monotonic_ns();
    status s = file_sync(wal->file);

    wal->synced_at_ns = clock_monotonic_ns();
    metric_observe(&metric_wal_sync, wal->synced_at_ns - start);
    if (!failed(s)) wal->synced = wal->sequence;
    return s;
}

/* Writes one group of the records in the spans (the first is room for the header, the last for the trailer). */
static status write_group(struct wal *wal, struct fs_span *spans, size_t count, uint64_t bytes)
{
    uint64_t whole = WAL_GROUP_HEADER_BYTES + bytes + WAL_TRAILER_BYTES;
    uint64_t inverted = ~(wal->sequence + 1);
    uint8_t header[WAL_GROUP_HEADER_BYTES];

    if (wal->at + whole > wal->segment_bytes) {
        if (wal->synced != wal->sequence) TRY(sync_file(wal));
        TRY(start_segment(wal, wal->segment + 1, whole));
    }
    bool first = wal->sequence + 1 == wal->options.first_sequence;
    uint64_t synced = first ? wal->sequence - wal->options.torn_groups : wal->synced;
    wal_group_header(header, &(struct wal_group){wal->sequence + 1, synced, wal->boot, bytes});
    spans[0] = (struct fs_span){header, sizeof header};
    spans[count - 1] = (struct fs_span){&inverted, sizeof inverted};
    TRY(file_write(wal->file, wal->at, spans, count));
    wal->at += whole;
    wal->sequence++;
    atomic_fetch_add_explicit(&wal->bytes, whole, memory_order_relaxed);
    metric_add(&metric_wal_groups, 1);
    metric_add(&metric_wal_bytes, (int64_t)whole);
    return ok();
}

/* One group for all waiting batches, preceded by the records that the last group asked to be repeated. */
static status commit(struct wal *wal, const waiters *batch)
{
    vec(struct fs_span) spans = {0};
    uint64_t bytes = wal->again.count;
    int64_t start = clock_monotonic_ns();
    status s = ok();

    vec_push(&spans, (struct fs_span){NULL, 0});
    vec_push(&spans, (struct fs_span){wal->again.data, wal->again.count});
    vec_each (waiter, batch) {
        bytes += waiter->batch.records.count;
        vec_push(&spans, (struct fs_span){waiter->batch.records.data, waiter->batch.records.count});
    }
    vec_push(&spans, (struct fs_span){NULL, 0});

    bool relaxed = wal->options.sync_interval_ms > 0;
    if (bytes > wal->again.count || batch->count == 0) {
        s = write_group(wal, spans.data, spans.count, bytes);
        wal->vouched = bytes == 0;
        wal->again.count = 0;
        vec_each (waiter, batch) writer_bytes(&wal->again, waiter->batch.again.data, waiter->batch.again.count);
    }
    if (!failed(s) && !relaxed && wal->synced != wal->sequence) s = sync_file(wal);
    metric_observe(&metric_wal_commit, clock_monotonic_ns() - start);
    vec_release(&spans);
    return s;
}

static void answer(waiters *batch, status outcome)
{
    vec_each (waiter, batch) {
        waiter->done(waiter->context, outcome);
        wal_batch_release(&waiter->batch);
    }
    batch->count = 0;
}

static void fail_locked(struct wal *wal, status s)
{
    if (!failed(wal->failure)) wal->failure = s;
    metric_add(&metric_wal_failures, 1);
}

/* Waits for work. False when there is nothing and the log has been idle long enough for housekeeping (an empty group, a
 * sync that is due). */
static bool wait_for_work_locked(struct wal *wal)
{
    bool relaxed_due = wal->synced != wal->sequence;
    bool housekeeping = !failed(wal->failure) && (!wal->vouched || wal->again.count || relaxed_due);
    uint32_t wait_ms = relaxed_due && wal->options.sync_interval_ms < IDLE_MS ? wal->options.sync_interval_ms : IDLE_MS;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)wait_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (wal->queue.count == 0 && !wal->stop) {
        if (!housekeeping) {
            pthread_cond_wait(&wal->wake, &wal->mutex);
        } else if (pthread_cond_timedwait(&wal->wake, &wal->mutex, &until) != 0) {
            return false;
        }
    }
    return true;
}

static bool sync_is_due(const struct wal *wal)
{
    return wal->synced != wal->sequence &&
           clock_monotonic_ns() - wal->synced_at_ns >= (int64_t)wal->options.sync_interval_ms * 1000000;
}

static status keep_house(struct wal *wal)
{
    static const waiters nobody;

    if (!wal->vouched || wal->again.count) TRY(commit(wal, &nobody));
    return wal->synced != wal->sequence ? sync_file(wal) : ok();
}

static void *run_committer(void *context)
{
    struct wal *wal = context;
    waiters batch = {0};

    pthread_setname_np(pthread_self(), "varve-wal");
    pthread_mutex_lock(&wal->mutex);
    for (;;) {
        bool work = wait_for_work_locked(wal);
        bool ending = wal->stop && wal->queue.count == 0;
        status s = wal->failure;

        waiters empty = batch;
        batch = wal->queue;
        wal->queue = empty;
        bool abandoned = wal->abandoned;
        if (abandoned) s = status_make(STATUS_CANCELED, "the log was abandoned");
        wal->busy = true;
        pthread_mutex_unlock(&wal->mutex);

        if (!failed(s)) {
            if (batch.count) {
                s = commit(wal, &batch);
                if (!failed(s) && sync_is_due(wal)) s = sync_file(wal);
            } else if (!work || ending) {
                s = keep_house(wal);
            }
        }
        if (failed(s) && !abandoned) {
            pthread_mutex_lock(&wal->mutex);
            fail_locked(wal, s);
            pthread_mutex_unlock(&wal->mutex);
        }
        answer(&batch, s);
        pthread_mutex_lock(&wal->mutex);
        wal->busy = false;
        if (ending) break;
    }
    pthread_mutex_unlock(&wal->mutex);
    vec_release(&batch);
    return NULL;
}

status wal_open(const struct wal_options *options, struct wal **out)
{
    struct wal *wal = memory_zalloc(sizeof *wal);
    pthread_condattr_t monotonic;

    wal->options = *options;
    wal->boot = wal_boot_id();
    wal->sequence = wal->synced = options->first_sequence - 1;
    wal->vouched = true;
    status s = fs_make_folder(options->fs, "wal");
    if (!failed(s)) s = start_segment(wal, options->first_segment, 0);
    if (failed(s)) {
        free(wal);
        return s;
    }
    pthread_mutex_init(&wal->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&wal->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int error = pthread_create(&wal->thread, NULL, run_committer, wal);
    if (error) {
        file_close(wal->file);
        free(wal);
        return status_errno(error, "start the committer of the write-ahead log");
    }
    *out = wal;
    return ok();
}

static void stop(struct wal *wal, bool abandon)
{
    pthread_mutex_lock(&wal->mutex);
    wal->stop = true;
    wal->abandoned = abandon;
    pthread_cond_signal(&wal->wake);
    pthread_mutex_unlock(&wal->mutex);
    pthread_join(wal->thread, NULL);
}

static void destroy(struct wal *wal)
{
    pthread_cond_destroy(&wal->wake);
    pthread_mutex_destroy(&wal->mutex);
    file_close(wal->file);
    vec_release(&wal->queue);
    writer_release(&wal->again);
    free(wal);
}

status wal_close(struct wal *wal)
{
    stop(wal, false);
    status s = wal->failure;
    destroy(wal);
    return s;
}

void wal_abandon(struct wal *wal)
{
    stop(wal, true);
    destroy(wal);
}

void wal_commit(struct wal *wal, struct wal_batch *take_batch, void (*done)(void *context, status outcome),
                void *context)
{
    struct waiter waiter = {*take_batch, done, context};

    *take_batch = (struct wal_batch){0};
    pthread_mutex_lock(&wal->mutex);
    bool nothing = waiter.batch.records.count == 0 && wal->queue.count == 0 && !wal->busy;
    status s = wal->failure;
    if (!nothing && !failed(s)) {
        vec_push(&wal->queue, waiter);
        pthread_cond_signal(&wal->wake);
    }
    pthread_mutex_unlock(&wal->mutex);
    if (nothing || failed(s)) {
        done(context, s);
        wal_batch_release(&waiter.batch);
    }
}

status wal_failure(struct wal *wal)
{
    pthread_mutex_lock(&wal->mutex);
    status s = wal->failure;
    pthread_mutex_unlock(&wal->mutex);
    return s;
}

uint64_t wal_bytes(const struct wal *wal)
{
    return atomic_load_explicit(&((struct wal *)(uintptr_t)wal)->bytes, memory_order_relaxed);
}

status wal_remove(struct fs *fs, uint32_t head)
{
    struct arena arena;
    str *names;
    size_t count;
    status s, first = ok();

    arena_init(&arena, NULL);
    s = fs_list(fs, "wal", &arena, &names, &count);
    for (size_t i = 0; !failed(s) && i < count; i++) {
        char name[WAL_NAME_BYTES];
        uint32_t of, segment;
        if (!wal_parse_name(names[i], &of, &segment) || of != head) continue;
        wal_name(name, of, segment);
        status removed = fs_unlink(fs, name);
        if (failed(removed) && !failed(first)) first = removed;
    }
    arena_release(&arena);
    return failed(s) ? s : first;
}
