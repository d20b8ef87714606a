/* Window plans and their cache; see window_plan.h. */
#include "query/window_plan.h"

#include "query/kernel.h"
#include "storage/base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void windows_span(const struct windows *windows, int64_t *from_ms, int64_t *to_ms)
{
    size_t last = windows->grid.steps ? windows->grid.steps - 1 : 0;

    *from_ms = time_minus(windows_start(windows, 0), windows->before_ms);
    *to_ms = time_plus(windows_reference(windows, last), windows->after_ms);
}

/* The first sample later than `time`, searched from `at` on: steps are near each other, so most walks are short. */
static uint32_t first_after(const samples *column, uint32_t at, int64_t time)
{
    uint32_t count = (uint32_t)column->count, stride = 1;

    while (at + stride < count && column->times_ms[at + stride - 1] <= time) {
        at += stride;
        stride *= 2;
    }
    uint32_t end = at + stride < count ? at + stride : count;
    while (at < end) {
        uint32_t middle = at + (end - at) / 2;
        if (column->times_ms[middle] <= time) {
            at = middle + 1;
        } else {
            end = middle;
        }
    }
    return at;
}

static void place_windows(struct window_plan *plan, const struct windows *windows, const samples *column)
{
    uint32_t first = 0, end = 0;

    for (uint32_t step = 0; step < plan->steps; step++) {
        uint32_t seen = end;
        first = first_after(column, first, time_minus(windows_start(windows, step), windows->before_ms));
        end = first_after(column, end, time_plus(windows_reference(windows, step), windows->after_ms));
        uint32_t length = end > first ? end - first : 0;
        plan->first[step] = first < plan->sample_count ? first : plan->sample_count - 1;
        plan->length[step] = length;
        plan->total += length;
        if (seen < first) seen = first;
        if (end > seen) plan->distinct += end - seen;
        if (length > plan->longest) plan->longest = length;
        if (length >= 1) bits_set(plan->some, step);
        if (length >= 2) bits_set(plan->many, step);
    }
}

/* Extrapolation reaches to an end of the window that is near, else half a sample distance beyond the samples. */
static void measure_distances(struct window_plan *plan, const struct windows *windows, const samples *column)
{
    for (uint32_t step = 0; step < plan->steps; step++) {
        int64_t end = windows_reference(windows, step), start = windows_start(windows, step);
        int64_t first = column->times_ms[plan->first[step]], last = column->times_ms[window_plan_last(plan, step)];
        double sampled = (double)(last - first) / 1000;
        double average = sampled / (double)(plan->length[step] - 1);
        double threshold = average * 1.1;
        double to_start = (double)time_minus(first, start) / 1000, to_end = (double)time_minus(end, last) / 1000;
        plan->sampled[step] = sampled;
        plan->to_start[step] = to_start >= threshold ? average / 2 : to_start;
        plan->to_end[step] = to_end >= threshold ? average / 2 : to_end;
    }
}

/* A plan and its arrays are one piece of memory. */
static size_t plan_bytes(const struct windows *windows, bool with_distances)
{
    size_t steps = (windows->grid.steps + 63) & ~63U;
    size_t each = 2 * sizeof(uint32_t) + (with_distances ? 3 * sizeof(double) : 0);

    return sizeof(struct window_plan) + 2 * steps / 8 + steps * each;
}

static struct window_plan *make_at(void *memory, const struct windows *windows, const samples *column,
                                   bool with_distances)
{
    struct window_plan *plan = memory;
    size_t steps = (windows->grid.steps + 63) & ~63U;

    assert(column->count > 0);
    memset(plan, 0, plan_bytes(windows, with_distances));
    plan->steps = windows->grid.steps;
    plan->sample_count = (uint32_t)column->count;
    double *doubles = (double *)(plan + 1);
    if (with_distances) {
        plan->sampled = doubles;
        plan->to_start = doubles + steps;
        plan->to_end = doubles + 2 * steps;
        doubles += 3 * steps;
    }
    plan->some = (uint64_t *)doubles;
    plan->many = plan->some + steps / 64;
    plan->first = (uint32_t *)(plan->many + steps / 64);
    plan->length = plan->first + steps;
    place_windows(plan, windows, column);
    if (with_distances) measure_distances(plan, windows, column);
    return plan;
}

struct window_plan *window_plan_make(const struct windows *windows, const samples *column, bool with_distances,
                                     struct scratch *scratch)
{
    return make_at(scratch_alloc(scratch, plan_bytes(windows, with_distances)), windows, column, with_distances);
}

KERNEL static void pick_last(const double *restrict column, const uint32_t *restrict first,
                             const uint32_t *restrict length, double *restrict out, size_t steps)
{
    for (size_t s = 0; s < steps; s++) out[s] = column[first[s] + (length[s] ? length[s] - 1 : 0)];
}

void window_pick_last(const struct window_plan *plan, const double *column, double *out)
{
    pick_last(column, plan->first, plan->length, out, plan->steps);
}

enum { CACHE_ENTRIES_MAX = 64, CACHE_BYTES_MAX = 8 << 20 };

struct cached_plan {
    uint64_t column; /* 0: compare the times */
    uint64_t hash;
    size_t count;
    int64_t *times_ms;
    struct window_plan *plan;
};

struct window_cache {
    struct account *account;
    const struct windows *windows;
    bool with_distances;
    pthread_mutex_t mutex;
    struct cached_plan entries[CACHE_ENTRIES_MAX];
    uint32_t count;
    size_t bytes;
};

static void cache_free(void *context)
{
    struct window_cache *cache = context;

    for (uint32_t i = 0; i < cache->count; i++) {
        free(cache->entries[i].times_ms);
        free(cache->entries[i].plan);
    }
    account_return(cache->account, cache->bytes);
    pthread_mutex_destroy(&cache->mutex);
}

struct window_cache *window_cache_new(struct query *query, const struct windows *windows, bool with_distances)
{
    struct window_cache *cache = arena_zalloc(&query->arena, sizeof *cache);

    cache->account = &query->account;
    cache->windows = windows;
    cache->with_distances = with_distances;
    pthread_mutex_init(&cache->mutex, NULL);
    arena_defer(&query->arena, cache_free, cache);
    return cache;
}

static const struct window_plan *find_locked(const struct window_cache *cache, const samples *column, uint64_t hash)
{
    for (uint32_t i = 0; i < cache->count; i++) {
        const struct cached_plan *entry = &cache->entries[i];
        if (entry->column != column->column || entry->hash != hash || entry->count != column->count) continue;
        if (column->column || memcmp(entry->times_ms, column->times_ms, column->count * sizeof(int64_t)) == 0)
            return entry->plan;
    }
    return NULL;
}

/* Adds a plan made meanwhile; false if there is no room for it. */
static bool add_locked(struct window_cache *cache, const samples *column, uint64_t hash, struct window_plan *plan)
{
    size_t times_bytes = column->column ? 0 : column->count * sizeof(int64_t);
    size_t bytes = plan_bytes(cache->windows, cache->with_distances) + times_bytes;

    if (cache->count == CACHE_ENTRIES_MAX || cache->bytes + bytes > CACHE_BYTES_MAX) return false;
    struct cached_plan *entry = &cache->entries[cache->count++];
    *entry = (struct cached_plan){.column = column->column, .hash = hash, .count = column->count, .plan = plan};
    if (times_bytes) entry->times_ms = memcpy(memory_alloc(times_bytes), column->times_ms, times_bytes);
    cache->bytes += bytes;
    account_charge(cache->account, bytes);
    return true;
}

const struct window_plan *window_cache_plan(struct window_cache *cache, struct task *task, const samples *column)
{
    if (cache->windows->grid.steps == 1)
        return window_plan_make(cache->windows, column, cache->with_distances, &task->scratch);
    uint64_t hash = column->column ? 0 : hash_bytes(column->times_ms, column->count * sizeof(int64_t));

    pthread_mutex_lock(&cache->mutex);
    const struct window_plan *plan = find_locked(cache, column, hash);
    bool is_full = cache->count == CACHE_ENTRIES_MAX || cache->bytes > CACHE_BYTES_MAX / 2;
    pthread_mutex_unlock(&cache->mutex);
    if (plan) return plan;
    if (is_full) return window_plan_make(cache->windows, column, cache->with_distances, &task->scratch);

    struct window_plan *made = make_at(memory_alloc(plan_bytes(cache->windows, cache->with_distances)), cache->windows,
                                       column, cache->with_distances);
    pthread_mutex_lock(&cache->mutex);
    plan = find_locked(cache, column, hash);
    if (!plan && add_locked(cache, column, hash, made)) plan = made;
    pthread_mutex_unlock(&cache->mutex);
    if (plan == made) return plan;
    free(made);
    return plan ? plan : window_plan_make(cache->windows, column, cache->with_distances, &task->scratch);
}
