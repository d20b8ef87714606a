/* Statistics; see statistics.h. */
#include "query/statistics.h"

void statistics_init(struct query *query)
{
    size_t steps = query->grid.steps;

    if (!query->request.wants_step_stats || !query_has(query, FEATURE_PER_STEP_STATS)) return;
    query->step_queryable = arena_zarray(&query->text_arena, uint64_t, steps);
    query->step_read = arena_zarray(&query->text_arena, uint64_t, steps);
}

/* The query's step that a step of the stage's grid belongs to: for one inside a subquery the first that may need it. */
static size_t query_step(const struct stage *stage, const struct query *query, size_t step)
{
    int64_t from_start = grid_time(&stage->grid, step) - query->grid.start_ms;

    if (!stage->is_inner) return step;
    if (from_start <= 0) return 0;
    uint64_t found = ((uint64_t)from_start + (uint64_t)query->grid.step_ms - 1) / (uint64_t)query->grid.step_ms;
    return found < query->grid.steps ? (size_t)found : query->grid.steps - 1;
}

static void count_step(const struct stage *stage, struct query *query, size_t step, uint64_t queryable, uint64_t read)
{
    query->step_read[query_step(stage, query, step)] += read;
    if (stage->is_inner) return;
    for (size_t s = step; s < step + stage->repeats; s++) query->step_queryable[s] += queryable;
}

void statistics_count_tile(const struct stage *stage, struct task *task, const struct tile *tile)
{
    struct query *query = task->query;
    uint64_t weight = tile_weight(tile);

    query->samples_read += weight;
    if (!stage->is_inner) query->samples_queryable += weight * stage->repeats;
    if (!query->step_read) return;
    pthread_mutex_lock(&query->mutex);
    for (size_t row = 0; row < tile->rows; row++) {
        for (size_t s = 0; s < stage->grid.steps; s++) {
            size_t at = row * tile->stride + s;
            const struct histogram *h = tile_histogram(tile, at);
            uint64_t count = h ? histogram_weight(h) : bits_get(tile->present, at);
            if (count) count_step(stage, query, s, count, count);
        }
    }
    pthread_mutex_unlock(&query->mutex);
}

/* Samples before each one of a column, in floats. */
static const uint64_t *sum_weights(const samples *column, struct scratch *scratch)
{
    uint64_t *before = scratch_array(scratch, uint64_t, column->count + 1);

    before[0] = 0;
    for (size_t i = 0; i < column->count; i++) {
        const struct histogram *h = column->histograms[i];
        before[i + 1] = before[i] + (h ? histogram_weight(h) : 1);
    }
    return before;
}

/* Window by window, where the totals of the plan do not do. */
static void count_each(const struct stage *stage, struct task *task, const struct window_plan *plan,
                       const uint64_t *before)
{
    struct query *query = task->query;
    uint32_t seen = 0; /* samples before this one have been read */

    if (query->step_read) pthread_mutex_lock(&query->mutex);
    for (size_t s = 0; s < plan->steps; s++) {
        uint32_t first = plan->first[s], end = first + plan->length[s];
        uint32_t fresh = first > seen ? first : seen;
        if (plan->length[s] == 0) continue;
        if (fresh > end) fresh = end;
        seen = end > seen ? end : seen;
        uint64_t queryable = before ? before[end] - before[first] : end - first;
        uint64_t read = before ? before[end] - before[fresh] : end - fresh;
        query->samples_read += before ? read : 0;
        if (before && !stage->is_inner) query->samples_queryable += queryable * stage->repeats;
        if (query->step_read) count_step(stage, query, s, queryable, read);
    }
    if (query->step_read) pthread_mutex_unlock(&query->mutex);
}

void statistics_count_windows(const struct stage *stage, struct task *task, const struct window_plan *plan,
                              const samples *column)
{
    struct query *query = task->query;

    if (column->histograms) {
        count_each(stage, task, plan, sum_weights(column, &task->scratch));
        return;
    }
    query->samples_read += plan->distinct;
    if (!stage->is_inner) query->samples_queryable += plan->total * stage->repeats;
    if (query->step_read) count_each(stage, task, plan, NULL);
}
