/* A head; see head.h.
 *
 * Locks: `growth` for the capacity of the series table; `requests` for tickets; `stripes` for series, each lock for
 * runs of 64 neighbouring ids, so that a request which sends its series in order takes one lock for many. No two are
 * held together.
 */
#include "tsdb/head.h"

#include "tsdb/exemplars.h"
#include "tsdb/metrics.h"
#include "tsdb/sample_rows.h"

#include <assert.h>
#include <stdio.h>

enum { STRIPES = 256, STRIPE_SERIES_BITS = 6, PREFETCH_AHEAD = 8 };

_Static_assert(sizeof(struct series) << STRIPE_SERIES_BITS == 4096, "a stripe's run of series is a page of memory");

struct stripe {
    _Alignas(64) pthread_mutex_t mutex;
};

struct head {
    /* constant */
    uint32_t number;
    struct registry *registry;
    struct exemplars *exemplars;
    uint32_t inherited_end; /* series below were registered before the head began */
    _Atomic uint32_t references;

    struct paged series; /* grown under `growth`; items guarded by their stripe */
    struct paged begun;  /* for each run of series of a stripe, whether one was written to; as series */
    _Atomic uint32_t capacity;
    pthread_mutex_t growth;
    struct series_arena arena;
    struct stripe stripes[STRIPES];

    pthread_mutex_t requests; /* guards the three below */
    pthread_cond_t request_ended;
    uint32_t last_ticket;
    uint32_t open[HORIZON_REQUESTS_MAX], open_count;

    _Atomic uint64_t samples, rich_log_bytes;
    _Atomic uint32_t series_count, inherited_count; /* with samples; of them, those registered before */
    _Atomic int64_t min_ms, max_ms;
};

struct head *head_new(uint32_t number, struct registry *registry)
{
    struct head *head = aligned_alloc(64, (sizeof *head + 63) & ~(size_t)63);

    if (!head) head = memory_alloc(SIZE_MAX);
    memset(head, 0, sizeof *head);
    head->number = number;
    head->registry = registry;
    head->inherited_end = registry_series_count(registry);
    registry_ref(registry);
    head->exemplars = exemplars_new(0);
    atomic_init(&head->references, 1);
    paged_init(&head->series, sizeof(struct series));
    paged_init(&head->begun, sizeof(uint8_t));
    pthread_mutex_init(&head->growth, NULL);
    series_arena_init(&head->arena);
    for (int i = 0; i < STRIPES; i++) pthread_mutex_init(&head->stripes[i].mutex, NULL);
    pthread_mutex_init(&head->requests, NULL);
    pthread_cond_init(&head->request_ended, NULL);
    atomic_init(&head->min_ms, INT64_MAX);
    atomic_init(&head->max_ms, INT64_MIN);
    return head;
}

void head_ref(struct head *head)
{
    atomic_fetch_add(&head->references, 1);
}

void head_unref(struct head *head)
{
    if (!head || atomic_fetch_sub(&head->references, 1) > 1) return;
    paged_release(&head->series);
    paged_release(&head->begun);
    series_arena_release(&head->arena);
    for (int i = 0; i < STRIPES; i++) pthread_mutex_destroy(&head->stripes[i].mutex);
    pthread_mutex_destroy(&head->growth);
    pthread_mutex_destroy(&head->requests);
    pthread_cond_destroy(&head->request_ended);
    exemplars_free(head->exemplars);
    registry_unref(head->registry);
    free(head);
}

void head_keep_exemplars(struct head *head, uint64_t bytes_max)
{
    exemplars_free(head->exemplars);
    head->exemplars = exemplars_new(bytes_max);
}

struct exemplars *head_exemplars(struct head *head)
{
    return head->exemplars;
}

uint32_t head_number(const struct head *head)
{
    return head->number;
}

struct registry *head_registry(const struct head *head)
{
    return head->registry;
}

static struct series *series_at(const struct head *head, uint32_t id)
{
    return paged_at(&head->series, id);
}

/* Before a run of series is looked at to be appended to. Memory that is read before it is written to costs two page
 * faults, and the second interrupts every thread: a start with a million series spent a third of its time there. */
static void begin_run(struct head *head, uint32_t id)
{
    uint8_t *begun = paged_at(&head->begun, id >> STRIPE_SERIES_BITS);

    if (*begun) return;
    *begun = 1;
    series_at(head, id)->samples = 0; /* as it was */
}

static pthread_mutex_t *lock_of(struct head *head, uint32_t id)
{
    return &head->stripes[(id >> STRIPE_SERIES_BITS) % STRIPES].mutex;
}

/* Holds the lock of a series, and no other any more. Neighbours share one, which then is not taken anew. */
static void hold_lock_of(struct head *head, uint32_t id, pthread_mutex_t **held)
{
    pthread_mutex_t *lock = lock_of(head, id);

    if (lock == *held) return;
    if (*held) pthread_mutex_unlock(*held);
    pthread_mutex_lock(lock);
    *held = lock;
}

static void let_go(pthread_mutex_t *held)
{
    if (held) pthread_mutex_unlock(held);
}

/* Makes records for all series of the registry. */
static void cover_registry(struct head *head)
{
    uint32_t need = registry_series_count(head->registry);

    if (need <= atomic_load_explicit(&head->capacity, memory_order_acquire)) return;
    pthread_mutex_lock(&head->growth);
    if (need > atomic_load_explicit(&head->capacity, memory_order_relaxed)) {
        paged_reserve(&head->series, need);
        paged_reserve(&head->begun, (need >> STRIPE_SERIES_BITS) + 1);
        atomic_store_explicit(&head->capacity, need, memory_order_release);
    }
    pthread_mutex_unlock(&head->growth);
}

static uint32_t begin_request(struct head *head)
{
    pthread_mutex_lock(&head->requests);
    while (head->open_count == HORIZON_REQUESTS_MAX) pthread_cond_wait(&head->request_ended, &head->requests);
    uint32_t ticket = ++head->last_ticket;
    head->open[head->open_count++] = ticket;
    pthread_mutex_unlock(&head->requests);
    return ticket;
}

static void end_request(struct head *head, uint32_t ticket)
{
    pthread_mutex_lock(&head->requests);
    for (uint32_t i = 0; i < head->open_count; i++) {
        if (head->open[i] == ticket) head->open[i] = head->open[head->open_count - 1];
    }
    head->open_count--;
    pthread_cond_signal(&head->request_ended);
    pthread_mutex_unlock(&head->requests);
}

void head_horizon(struct head *head, struct horizon *out)
{
    pthread_mutex_lock(&head->requests);
    out->last = head->last_ticket;
    out->open_count = head->open_count;
    memcpy(out->open, head->open, head->open_count * sizeof *out->open);
    pthread_mutex_unlock(&head->requests);
}

static bool is_hidden(const struct horizon *horizon, uint32_t ticket)
{
    if ((int32_t)(ticket - horizon->last) > 0) return true;
    for (uint32_t i = 0; i < horizon->open_count; i++) {
        if (horizon->open[i] == ticket) return true;
    }
    return false;
}

static void widen(struct head *head, int64_t min_ms, int64_t max_ms)
{
    int64_t seen = atomic_load_explicit(&head->min_ms, memory_order_relaxed);
    while (min_ms < seen && !atomic_compare_exchange_weak(&head->min_ms, &seen, min_ms)) {}
    seen = atomic_load_explicit(&head->max_ms, memory_order_relaxed);
    while (max_ms > seen && !atomic_compare_exchange_weak(&head->max_ms, &seen, max_ms)) {}
}

/* What one request appends: figures are added to the shared ones once, at its end. */
struct request {
    struct head *head;
    const struct head_limits *limits;
    struct append_result *result;
    struct row_writer rows;
    struct writer *rich_rows;
    struct arena arena; /* of histograms without their empty buckets */
    uint32_t ticket, new_series, inherited, late, conflicting, plain, rich;
    int64_t min_ms, max_ms;
};

static void reject(struct request *request, enum append_reason reason, uint32_t id, int64_t time_ms, const char *why)
{
    struct append_result *result = request->result;

    if (result->rejected[reason]++ > 0 || result->error[0]) return;
    struct registry *registry = request->head->registry;
    struct series_labels set = registry_labels(registry, id);
    label pairs[LABELS_MAX];
    struct arena arena;
    for (uint32_t i = 0; i < set.count; i++)
        pairs[i] =
            (label){registry_name(registry, set.names[i]), registry_value(registry, set.names[i], set.values[i])};
    arena_init(&arena, NULL);
    str text = labels_print(pairs, set.count, &arena);
    snprintf(result->error, sizeof result->error, "%s: sample at %lld ms of series %.*s", why, (long long)time_ms,
             STR_ARG(str_part(text, 0, 256)));
    arena_release(&arena);
}

/* The distance of two times can pass 63 bits. */
static bool is_too_late(const struct head_limits *limits, int64_t newest_ms, int64_t time_ms)
{
    return limits->out_of_order_ms >= 0 && (uint64_t)newest_ms - (uint64_t)time_ms > (uint64_t)limits->out_of_order_ms;
}

/* What the batch has at index i. */
static struct rich_sample sample_at(const struct append_batch *batch, size_t i)
{
    return (struct rich_sample){batch->times_ms[i], batch->starts_ms ? batch->starts_ms[i] : 0,
                                double_from_bits(batch->values[i]), batch->histograms ? batch->histograms[i] : NULL};
}

static bool is_rich(const struct rich_sample *sample)
{
    return sample->histogram || sample->start_ms;
}

/* Refuses a histogram that contradicts itself; drops its empty buckets. */
static bool take_histogram(struct request *request, uint32_t id, struct rich_sample *sample)
{
    status s = ok();

    if (!is_stale(sample->histogram->sum)) s = histogram_validate(sample->histogram);
    if (failed(s)) {
        reject(request, APPEND_INVALID_HISTOGRAM, id, sample->time_ms, s.text);
        return false;
    }
    sample->histogram = histogram_compact(sample->histogram, &request->arena);
    sample->value = sample->histogram->sum;
    return true;
}

static enum series_verdict append_to(struct request *request, struct series *series, const struct rich_sample *sample)
{
    struct series_arena *arena = &request->head->arena;

    if (is_rich(sample)) return series_append_rich(series, arena, request->ticket, sample);
    return series_append(series, arena, request->ticket, sample->time_ms, double_bits(sample->value));
}

static enum series_verdict append_late_to(struct request *request, struct series *series,
                                          const struct rich_sample *sample)
{
    struct series_arena *arena = &request->head->arena;

    if (is_rich(sample)) return series_append_late_rich(series, arena, sample);
    return series_append_late(series, arena, sample->time_ms, double_bits(sample->value));
}

/* One more that is there now: stored, or repeated. */
static void count_sample(struct append_result *result, size_t *kind, const struct rich_sample *sample)
{
    ++*kind;
    result->histograms += sample->histogram != NULL;
}

static void append_one(struct request *request, struct series *series, uint32_t id, const struct append_batch *batch,
                       size_t index)
{
    const struct head_limits *limits = request->limits;
    struct append_result *result = request->result;
    struct rich_sample sample = sample_at(batch, index);
    int64_t time_ms = sample.time_ms;

    if (time_ms > limits->newest_ms) {
        reject(request, APPEND_TOO_NEW, id, time_ms, "too far in the future");
        return;
    }
    if (time_ms < limits->oldest_ms) {
        reject(request, APPEND_TOO_OLD, id, time_ms, "older than the retention time");
        return;
    }
    if (sample.histogram && !take_histogram(request, id, &sample)) return;
    bool was_empty = series_is_empty(series);
    enum series_verdict verdict = append_to(request, series, &sample);
    switch (verdict) {
    case SERIES_STORED:
        request->new_series += was_empty;
        request->inherited += was_empty && id < request->head->inherited_end;
        break;
    case SERIES_REPEATED: count_sample(result, &result->repeated, &sample); return;
    case SERIES_DUPLICATE:
        reject(request, APPEND_DUPLICATE, id, time_ms, "another value is stored for this time");
        return;
    case SERIES_LATE:
        if (is_too_late(limits, series_newest_ms(series, &request->head->arena), time_ms)) {
            reject(request, APPEND_TOO_OLD, id, time_ms, "older than the out-of-order window allows");
            return;
        }
        verdict = append_late_to(request, series, &sample);
        if (verdict != SERIES_STORED) {
            request->conflicting += verdict == SERIES_DUPLICATE;
            count_sample(result, &result->repeated, &sample);
            return;
        }
        request->late++;
        break;
    }
    count_sample(result, &result->stored, &sample);
    if (time_ms < request->min_ms) request->min_ms = time_ms;
    if (time_ms > request->max_ms) request->max_ms = time_ms;
    if (is_rich(&sample)) {
        rich_rows_add(request->rich_rows, id, &sample);
        request->rich++;
    } else {
        rows_add(&request->rows, id, time_ms, double_bits(sample.value));
        request->plain++;
    }
}

static void append_all(struct request *request, const struct append_batch *batch, const uint32_t *ids)
{
    struct head *head = request->head;
    pthread_mutex_t *held = NULL;

    for (size_t i = 0; i < batch->series_count; i++) {
        const struct append_series *in = &batch->series[i];
        uint32_t id = ids[i];
        if (i + PREFETCH_AHEAD < batch->series_count && ids[i + PREFETCH_AHEAD] != SERIES_NONE)
            __builtin_prefetch(series_at(head, ids[i + PREFETCH_AHEAD]), 1);
        if (id == SERIES_NONE) continue;
        hold_lock_of(head, id, &held);
        begin_run(head, id);
        struct series *series = series_at(head, id);
        for (uint32_t k = 0; k < in->count; k++) append_one(request, series, id, batch, (size_t)in->first + k);
    }
    let_go(held);
}

void head_append(struct head *head, const struct append_batch *batch, const uint32_t *ids,
                 const struct head_limits *limits, struct writer *rows, struct writer *rich_rows,
                 struct append_result *result)
{
    struct request request = {.head = head,
                              .limits = limits,
                              .result = result,
                              .rich_rows = rich_rows,
                              .min_ms = INT64_MAX,
                              .max_ms = INT64_MIN};
    size_t stored_before = result->stored;

    cover_registry(head);
    writer_reserve(rows, 8 + batch->sample_count * SAMPLE_ROW_BYTES_MAX);
    rows_begin(&request.rows, rows);
    request.ticket = begin_request(head);
    append_all(&request, batch, ids);
    size_t stored = result->stored - stored_before;
    if (stored) widen(head, request.min_ms, request.max_ms);
    atomic_fetch_add_explicit(&head->rich_log_bytes, rich_rows->count, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->samples, stored, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->series_count, request.new_series, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->inherited_count, request.inherited, memory_order_relaxed);
    end_request(head, request.ticket);

    size_t start = rows_end(&request.rows);
    rows->count = request.plain ? rows->count - start : 0;
    arena_release(&request.arena);
    if (request.plain) memmove(rows->data, rows->data + start, rows->count);
    metric_add(&metric_samples_stored, (int64_t)stored);
    metric_add(&metric_samples_late, request.late);
    metric_add(&metric_samples_conflicting, request.conflicting);
    metric_add(&metric_samples_repeated, (int64_t)result->repeated);
}

/* Returns whether the sample is new. */
static bool replay_one(struct head *head, struct series *series, int64_t time_ms, uint64_t value)
{
    enum series_verdict verdict = series_append(series, &head->arena, 0, time_ms, value);

    if (verdict == SERIES_REPEATED) return false;
    if (verdict != SERIES_STORED) verdict = series_append_late(series, &head->arena, time_ms, value);
    return verdict == SERIES_STORED;
}

/* The series that a sample from the log belongs to; NULL if it is a hole. */
static struct series *find_replayed(struct head *head, uint32_t id, uint32_t known)
{
    if (id >= known) return NULL;
    begin_run(head, id);
    struct series *series = series_at(head, id);

    /* Holes never get samples, so a series with samples need not be looked up. */
    return series_is_empty(series) && registry_labels(head->registry, id).count == 0 ? NULL : series;
}

uint64_t head_replay_rich(struct head *head, const struct rich_rows *rows, size_t payload_bytes)
{
    uint32_t known = registry_series_count(head->registry), new_series = 0, inherited = 0;
    uint64_t orphans = 0, stored = 0;

    cover_registry(head);
    vec_each (row, &rows->rows) {
        struct series *series = find_replayed(head, row->series, known);
        if (!series) {
            orphans++;
            continue;
        }
        bool was_empty = series_is_empty(series);
        enum series_verdict verdict = series_append_rich(series, &head->arena, 0, &row->sample);
        if (verdict == SERIES_REPEATED) continue;
        if (verdict != SERIES_STORED) verdict = series_append_late_rich(series, &head->arena, &row->sample);
        if (verdict != SERIES_STORED) continue;
        new_series += was_empty;
        inherited += was_empty && row->series < head->inherited_end;
        stored++;
        widen(head, row->sample.time_ms, row->sample.time_ms);
    }
    atomic_fetch_add_explicit(&head->rich_log_bytes, payload_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->samples, stored, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->series_count, new_series, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->inherited_count, inherited, memory_order_relaxed);
    return orphans;
}

uint64_t head_replay(struct head *head, const struct row_columns *rows)
{
    uint32_t known = registry_series_count(head->registry), new_series = 0, inherited = 0;
    uint64_t orphans = 0, stored = 0;
    int64_t min_ms = INT64_MAX, max_ms = INT64_MIN;

    cover_registry(head);
    for (size_t i = 0; i < rows->series.count; i++) {
        uint32_t id = rows->series.data[i];
        int64_t time_ms = rows->times.data[i];
        if (i + PREFETCH_AHEAD < rows->series.count && rows->series.data[i + PREFETCH_AHEAD] < known)
            __builtin_prefetch(series_at(head, rows->series.data[i + PREFETCH_AHEAD]), 1);
        struct series *series = find_replayed(head, id, known);
        if (!series) {
            orphans++;
            continue;
        }
        bool was_empty = series_is_empty(series);
        if (!replay_one(head, series, time_ms, rows->values.data[i])) continue;
        new_series += was_empty;
        inherited += was_empty && id < head->inherited_end;
        stored++;
        if (time_ms < min_ms) min_ms = time_ms;
        if (time_ms > max_ms) max_ms = time_ms;
    }
    if (stored) widen(head, min_ms, max_ms);
    atomic_fetch_add_explicit(&head->samples, stored, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->series_count, new_series, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->inherited_count, inherited, memory_order_relaxed);
    return orphans;
}

static uint32_t visible_samples(const struct series *series, const struct horizon *horizon)
{
    return horizon && is_hidden(horizon, series->ticket) ? series->samples_before : series->samples;
}

void head_newest(struct head *head, const uint32_t *ids, uint32_t count, const struct horizon *horizon,
                 int64_t *times_ms, double *values)
{
    uint32_t capacity = atomic_load_explicit(&head->capacity, memory_order_acquire);
    pthread_mutex_t *held = NULL;

    for (uint32_t i = 0; i < count; i++) {
        times_ms[i] = INT64_MIN;
        if (ids[i] >= capacity) continue;
        hold_lock_of(head, ids[i], &held);
        const struct series *series = series_at(head, ids[i]);
        if (series->samples == 0 || series->rich || visible_samples(series, horizon) < series->samples) continue;
        times_ms[i] = series->open.time_ms;
        values[i] = double_from_bits(series->open.value);
    }
    let_go(held);
}

void head_has(struct head *head, const uint32_t *ids, uint32_t count, int64_t from_ms, int64_t to_ms, bool *has)
{
    uint32_t capacity = atomic_load_explicit(&head->capacity, memory_order_acquire);
    pthread_mutex_t *held = NULL;

    if (to_ms < atomic_load(&head->min_ms)) return;
    for (uint32_t i = 0; i < count; i++) {
        if (has[i] || ids[i] >= capacity) continue;
        hold_lock_of(head, ids[i], &held);
        const struct series *series = series_at(head, ids[i]);
        const struct rich_samples *rich = series_rich(series, &head->arena);
        has[i] = !series_is_empty(series) &&
                 (series_newest_ms(series, &head->arena) >= from_ms || series->late || (rich && rich->late.count));
    }
    let_go(held);
}

/* What of a series is copied under its lock: its record and the place of its open chunk here, the rest in the buffer.
 */
struct series_copy {
    struct series record;
    struct series_chunk open;
    bool has_open;
};

/* False if there is nothing of the series. */
static bool copy_series(struct head *head, uint32_t id, const struct horizon *horizon, int64_t from_ms,
                        struct column_buffer *buffer, struct series_copy *copy)
{
    pthread_mutex_t *lock = lock_of(head, id);

    buffer->bytes.count = buffer->late.count = buffer->rich.count = buffer->rich_late.count = 0;
    pthread_mutex_lock(lock);
    const struct series *series = series_at(head, id);
    copy->record = *series;
    copy->has_open = series_open_chunk(series, &head->arena, &copy->open);
    if (copy->has_open) series_copy_chunk(&head->arena, &copy->open, &buffer->bytes);
    const struct late_samples *late = series_late(series, &head->arena);
    if (late) writer_bytes(&buffer->late, late->rows, late->count * sizeof *late->rows);
    const struct rich_samples *rich = series_rich(series, &head->arena);
    if (rich) {
        bool is_after = horizon && is_hidden(horizon, series->ticket);
        rich_copy(rich, from_ms, is_after ? rich->count_before : rich->count, &buffer->rich, &buffer->rich_late);
    }
    pthread_mutex_unlock(lock);
    return !series_is_empty(&copy->record);
}

/* Lists the first lines of the full chunks that may hold samples from from_ms on, newest first, in buffer->chunks. */
static void list_full_chunks(struct head *head, const struct series_chunk *open, int64_t from_ms,
                             struct column_buffer *buffer)
{
    struct series_chunk chunk = *open;

    buffer->chunks.count = 0;
    while (chunk.before && chunk.min_ms > from_ms) {
        vec_push(&buffer->chunks, chunk.before);
        series_full_chunk(&head->arena, chunk.before, &chunk);
    }
}

/* The i-th newest chunk: the open one, then those listed. */
static struct series_chunk chunk_at(struct head *head, const struct series_copy *copy,
                                    const struct column_buffer *buffer, size_t i)
{
    struct series_chunk chunk = copy->open;

    if (i > 0) series_full_chunk(&head->arena, buffer->chunks.data[i - 1], &chunk);
    return chunk;
}

/* Takes the first `keep` samples of a full chunk, before the chunk `next`. */
static void read_full(struct head *head, const struct series_chunk *chunk, const struct series_chunk *next, size_t keep,
                      int64_t from_ms, int64_t to_ms, struct column_buffer *buffer)
{
    struct writer *bytes = &buffer->chunk;
    bool is_whole = keep >= chunk->count;

    bytes->count = 0;
    series_copy_chunk(&head->arena, chunk, bytes);
    if (is_whole && chunk->gap_ms &&
        columns_pass(buffer, bytes->data, bytes->count, chunk->min_ms, next->min_ms - chunk->gap_ms, from_ms, to_ms))
        return;
    bool good = is_whole ? columns_take(buffer, bytes->data, bytes->count, from_ms, to_ms)
                         : columns_decode(buffer, bytes->data, bytes->count, keep);
    assert(good);
    (void)good;
}

/* Takes the first `keep` samples of the open chunk. */
static void read_open(const struct series_copy *copy, size_t keep, int64_t from_ms, int64_t to_ms,
                      struct column_buffer *buffer)
{
    const struct writer *bytes = &buffer->bytes;

    if (keep == copy->open.count &&
        columns_pass(buffer, bytes->data, bytes->count, copy->open.min_ms, copy->record.open.time_ms, from_ms, to_ms))
        return;
    bool good = columns_decode(buffer, bytes->data, bytes->count, keep);
    assert(good);
    (void)good;
}

/* The floats in order. */
static void read_chunks(struct head *head, const struct series_copy *copy, const struct horizon *horizon,
                        int64_t from_ms, int64_t to_ms, struct column_buffer *buffer)
{
    size_t visible = visible_samples(&copy->record, horizon);
    size_t full = (copy->record.samples - copy->open.count) / SERIES_CHUNK_SAMPLES; /* chunks before the open one */

    list_full_chunks(head, &copy->open, from_ms, buffer);
    for (size_t i = buffer->chunks.count; i > 0; i--) {
        size_t before = (full - i) * SERIES_CHUNK_SAMPLES;
        struct series_chunk chunk = chunk_at(head, copy, buffer, i), next = chunk_at(head, copy, buffer, i - 1);
        if (before >= visible || chunk.min_ms > to_ms) return;
        read_full(head, &chunk, &next, visible - before, from_ms, to_ms, buffer);
    }
    size_t before = full * SERIES_CHUNK_SAMPLES;
    if (before < visible && copy->open.min_ms <= to_ms) read_open(copy, visible - before, from_ms, to_ms, buffer);
}

static void take_rich(void *context, const struct rich_sample *sample, enum histogram_hint hint)
{
    columns_push_other(context, sample, hint);
}

static void merge_rich(struct column_buffer *buffer, size_t first, const struct writer *copied)
{
    if (copied->count == 0) return;
    columns_clear_other(buffer);
    rich_read_copy(copied, &buffer->arena, take_rich, buffer);
    columns_merge(buffer, first);
}

static void merge_late(struct column_buffer *buffer, size_t first)
{
    struct late_sample *rows = (void *)buffer->late.data;
    uint32_t count = (uint32_t)(buffer->late.count / sizeof *rows);

    if (count == 0) return;
    late_sort(rows, count);
    columns_clear_other(buffer);
    for (uint32_t i = 0; i < count; i++) {
        vec_push(&buffer->other_times, rows[i].time_ms);
        vec_push(&buffer->other_values, double_from_bits(rows[i].value));
    }
    columns_merge(buffer, first);
}

bool head_read(struct head *head, uint32_t id, const struct horizon *horizon, int64_t from_ms, int64_t to_ms,
               struct column_buffer *buffer)
{
    struct series_copy copy;
    size_t first = buffer->times.count;

    if (id >= atomic_load_explicit(&head->capacity, memory_order_acquire)) return false;
    if (!copy_series(head, id, horizon, from_ms, buffer, &copy)) return false;
    if (buffer->late.count || buffer->rich.count || buffer->rich_late.count) buffer->passes_chunks = false;
    if (copy.has_open) read_chunks(head, &copy, horizon, from_ms, to_ms, buffer);
    merge_rich(buffer, first, &buffer->rich);
    merge_late(buffer, first);
    merge_rich(buffer, first, &buffer->rich_late);
    columns_clip(buffer, first, from_ms, to_ms);
    return true;
}

/* Chunks as they lie, unless late samples have to be merged in or there are rich ones. */
void head_chunks(struct head *head, uint32_t id, struct column_buffer *buffer, struct series_data *out)
{
    struct series_copy copy;
    struct series_chunk chunk;

    series_data_clear(out);
    if (id >= atomic_load(&head->capacity) || !copy_series(head, id, NULL, INT64_MIN, buffer, &copy)) return;
    if (buffer->late.count || buffer->rich.count || buffer->rich_late.count) {
        columns_clear(buffer);
        head_read(head, id, NULL, INT64_MIN, INT64_MAX, buffer);
        series_data_encode_columns(out, buffer, SERIES_CHUNK_SAMPLES);
        return;
    }
    list_full_chunks(head, &copy.open, INT64_MIN, buffer);
    for (size_t i = buffer->chunks.count; i-- > 0;) {
        struct series_chunk next = chunk_at(head, &copy, buffer, i);
        chunk = chunk_at(head, &copy, buffer, i + 1);
        buffer->chunk.count = 0;
        series_copy_chunk(&head->arena, &chunk, &buffer->chunk);
        series_data_add(out, CHUNK_GORILLA, chunk.count, chunk.min_ms, next.min_ms - 1, buffer->chunk.data,
                        buffer->chunk.count);
    }
    series_data_add(out, CHUNK_GORILLA, copy.open.count, copy.open.min_ms, copy.record.open.time_ms, buffer->bytes.data,
                    buffer->bytes.count);
}

void head_stats(const struct head *head, struct head_stats *out)
{
    out->series = atomic_load(&head->series_count);
    out->samples = atomic_load(&head->samples);
    out->rich_log_bytes = atomic_load(&head->rich_log_bytes);
    out->chunks = out->samples / SERIES_CHUNK_SAMPLES + out->series; /* an upper bound */
    out->min_ms = atomic_load(&head->min_ms);
    out->max_ms = atomic_load(&head->max_ms);
    out->bytes = series_arena_bytes(&head->arena) + (uint64_t)atomic_load(&head->capacity) * sizeof(struct series);
}

bool head_is_rich(const struct head *head)
{
    return atomic_load_explicit(&head->arena.rich_count, memory_order_relaxed) > 0;
}

uint32_t head_series_held(const struct head *head)
{
    return atomic_load(&head->inherited_count) + registry_series_count(head->registry) - head->inherited_end;
}

bool head_valid(struct head *head)
{
    bool valid = true;

    for (uint32_t id = 0; valid && id < atomic_load(&head->capacity); id++) {
        pthread_mutex_lock(lock_of(head, id));
        valid = series_valid(series_at(head, id), &head->arena);
        pthread_mutex_unlock(lock_of(head, id));
    }
    return valid;
}
