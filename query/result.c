/* Results; see result.h. */
#include "query/result.h"

#include "query/histogram_sum.h"
#include "query/window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Rows that will be rendered, with their labels. */
struct result_rows {
    const uint32_t *rows; /* of the stage or feed */
    struct shape labels;  /* a table; row i is that of rows[i] */
    uint32_t count;
};

/* The labels of all rows as a table. Label strings may be fetched by one thread only, so this comes before rendering.
 */
static bool fetch_labels(struct query *query, const struct shape *shape, struct shape *out)
{
    struct shape_builder builder = {0};
    struct pairs pairs = {0};
    bool done = true;

    for (uint32_t row = 0; row < shape->count && done; row++) {
        done = (row % 4096 || query_may_go_on(query)) && shape_pairs(shape, query, row, &pairs);
        shape_builder_add(&builder, pairs.data, pairs.count);
    }
    vec_release(&pairs);
    shape_builder_finish(&builder, query, out);
    return done;
}

/* For comparing labels by number: the rank of each string that occurs among all of them. */
struct ranking {
    const struct query *query;
    const struct shape *labels;
    uint32_t *rank; /* by id */
};

static int compare_ids(const void *a, const void *b, void *context)
{
    const struct query *query = context;

    return str_compare(snapshot_string(query->snapshot, *(const uint32_t *)a),
                       snapshot_string(query->snapshot, *(const uint32_t *)b));
}

static void rank_strings(struct ranking *ranking, struct query *query)
{
    const struct label_id *pairs = ranking->labels->pairs;
    size_t pair_count = ranking->labels->first[ranking->labels->count], kept = 0;
    uint32_t highest = 0;

    for (size_t i = 0; i < pair_count; i++) {
        if (pairs[i].name > highest) highest = pairs[i].name;
        if (pairs[i].value > highest) highest = pairs[i].value;
    }
    ranking->rank = arena_zarray(&query->arena, uint32_t, (size_t)highest + 1);
    for (size_t i = 0; i < pair_count; i++) ranking->rank[pairs[i].name] = ranking->rank[pairs[i].value] = 1;
    uint32_t *ids = memory_alloc(((size_t)highest + 1) * sizeof *ids);
    for (uint32_t id = 0; id <= highest; id++) {
        if (ranking->rank[id]) ids[kept++] = id;
    }
    qsort_r(ids, kept, sizeof *ids, compare_ids, query);
    for (size_t i = 0; i < kept; i++) ranking->rank[ids[i]] = (uint32_t)i;
    free(ids);
}

static int compare_labels(const void *a, const void *b, void *context)
{
    const struct ranking *ranking = context;
    const uint32_t *first = ranking->labels->first;
    uint32_t x = first[*(const uint32_t *)a], x_end = first[*(const uint32_t *)a + 1];
    uint32_t y = first[*(const uint32_t *)b], y_end = first[*(const uint32_t *)b + 1];

    for (; x < x_end && y < y_end; x++, y++) {
        struct label_id p = ranking->labels->pairs[x], q = ranking->labels->pairs[y];
        if (p.name != q.name) return ranking->rank[p.name] < ranking->rank[q.name] ? -1 : 1;
        if (p.value != q.value) return ranking->rank[p.value] < ranking->rank[q.value] ? -1 : 1;
    }
    return (x < x_end) - (y < y_end);
}

/* All rows in the order of their labels. */
static bool sort_rows(struct query *query, const struct shape *shape, struct result_rows *out)
{
    struct ranking ranking = {.query = query, .labels = &out->labels};
    uint32_t *rows = arena_array(&query->arena, uint32_t, shape->count);

    *out = (struct result_rows){.rows = rows, .count = shape->count};
    if (!fetch_labels(query, shape, &out->labels)) return false;
    rank_strings(&ranking, query);
    for (uint32_t i = 0; i < shape->count; i++) rows[i] = i;
    qsort_r(rows, shape->count, sizeof *rows, compare_labels, &ranking);
    return query_may_go_on(query);
}

/* Makes room for the output of `count` parts. */
static void make_parts(struct query *query, uint32_t count)
{
    query->output = memory_zalloc(count * sizeof *query->output);
    query->output_count = count;
}

/* The labels of a row whose table row is `at`. */
static void set_labels(struct result_series *series, const struct shape *labels_of, uint32_t at)
{
    series->labels = labels_of->pairs + labels_of->first[at];
    series->label_count = labels_of->first[at + 1] - labels_of->first[at];
}

/* Renders series into a part of the output. */
static void render(const struct rendering *rendering, uint32_t number, const struct result_series *series, size_t count)
{
    struct query *query = rendering->query;
    struct result_part part = {query, series, count};

    if (count == 0) return;
    rendering->render(rendering->context, &part, &query->output[number]);
    account_charge(&query->account, query->output[number].capacity);
    pthread_mutex_lock(&query->mutex);
    query->series_count += count;
    pthread_mutex_unlock(&query->mutex);
}

/* A vector, which is known as a whole. */
struct vector {
    const struct rendering *rendering;
    struct shape labels;
    const double *values;
    const struct histogram *const *histograms; /* NULL: all are floats */
    uint32_t count;
};

static bool render_elements(void *context, struct task *task, uint32_t index)
{
    const struct vector *vector = context;
    uint32_t first = index * TILE_ROWS_MAX, left = vector->count - first;
    uint32_t count = left < TILE_ROWS_MAX ? left : TILE_ROWS_MAX;
    struct result_series *series = scratch_array(&task->scratch, struct result_series, count);

    for (uint32_t i = 0; i < count; i++) {
        series[i] = (struct result_series){.point_count = 1,
                                           .times_ms = &task->query->grid.start_ms,
                                           .values = &vector->values[first + i],
                                           .histograms = vector->histograms ? &vector->histograms[first + i] : NULL};
        set_labels(&series[i], &vector->labels, first + i);
    }
    render(vector->rendering, index, series, count);
    return true;
}

bool result_vector(struct rendering *rendering, struct stage *stage)
{
    struct query *query = rendering->query;
    struct vector vector = {.rendering = rendering};
    struct shape present;
    struct tile tile;

    if (!stage_materialise_rows(stage, query, NULL, stage->shape.count, &tile)) return false;
    uint32_t *rows = arena_array(&query->arena, uint32_t, tile.rows);
    const struct histogram **histograms = NULL;
    if (tile.histograms) histograms = arena_array(&query->arena, const struct histogram *, tile.rows);
    for (uint32_t row = 0; row < tile.rows; row++) {
        if (!tile_row_any(&tile, row)) continue;
        tile.values[vector.count] = tile.values[row];
        if (histograms) histograms[vector.count] = tile_histogram(&tile, row);
        rows[vector.count++] = row;
    }
    vector.histograms = histograms;
    if (query->request.limit && vector.count > query->request.limit) {
        vector.count = (uint32_t)query->request.limit;
        query->was_truncated = true;
    }
    vector.values = tile.values;
    shape_pick(&present, &stage->shape, query, rows, vector.count);
    if (!fetch_labels(query, &present, &vector.labels)) return false;
    uint32_t parts = vector.count / TILE_ROWS_MAX + (vector.count % TILE_ROWS_MAX != 0);
    make_parts(query, parts);
    return query_for(query, parts, render_elements, &vector);
}

/* A matrix, which is filled while it is rendered. */
struct matrix {
    const struct rendering *rendering;
    struct result_rows rows;
    const struct grid *grid;
    const int64_t *times_ms; /* of all steps */
};

/* The points of a row among which there may be histograms. */
static void gather_rich(const struct matrix *matrix, struct scratch *scratch, const struct tile *tile, size_t row,
                        struct result_series *out)
{
    size_t steps = matrix->grid->steps, count = 0;
    int64_t *times = scratch_array(scratch, int64_t, steps);
    double *values = scratch_array(scratch, double, steps);
    const struct histogram **histograms = scratch_array(scratch, const struct histogram *, steps);

    for (size_t s = 0; s < steps; s++) {
        size_t at = row * tile->stride + s;
        const struct histogram *h = tile_histogram(tile, at);
        if (!h && !bits_get(tile->present, at)) continue;
        times[count] = matrix->times_ms[s];
        histograms[count] = h;
        values[count++] = h ? 0 : tile->values[at];
    }
    *out = (struct result_series){.labels = out->labels,
                                  .label_count = out->label_count,
                                  .point_count = count,
                                  .times_ms = times,
                                  .values = values,
                                  .histograms = histograms};
}

/* The points of a row: the tile's own if all are there. */
static void gather_points(const struct matrix *matrix, struct scratch *scratch, const struct tile *tile, size_t row,
                          struct result_series *out)
{
    size_t steps = matrix->grid->steps, count = 0;
    const double *from = tile_values(tile, row);

    out->point_count = 1;
    out->times_ms = matrix->times_ms;
    out->values = from;
    if (tile->histograms) {
        gather_rich(matrix, scratch, tile, row, out);
        return;
    }
    if (steps == 1) return;
    const uint64_t *present = tile_present(tile, row);
    out->point_count = bits_count(present, bits_words(steps));
    if (out->point_count == steps) return;
    int64_t *times = scratch_array(scratch, int64_t, out->point_count);
    double *values = scratch_array(scratch, double, out->point_count);
    bits_each(s, present, steps)
    {
        times[count] = matrix->times_ms[s];
        values[count++] = from[s];
    }
    out->times_ms = times;
    out->values = values;
}

static bool render_piece(void *context, struct task *task, const struct piece *piece)
{
    const struct matrix *matrix = context;
    struct result_series *series = scratch_array(&task->scratch, struct result_series, piece->count);
    size_t count = 0, points = 0;

    for (uint32_t i = 0; i < piece->count; i++) {
        if (!tile_row_any(&piece->tile, i)) continue;
        series[count] = (struct result_series){0};
        set_labels(&series[count], &matrix->rows.labels, piece->rows[i]);
        gather_points(matrix, &task->scratch, &piece->tile, i, &series[count]);
        count++;
    }
    points = tile_weight(&piece->tile);
    query_hold(task->query, points);
    render(matrix->rendering, piece->number, series, count);
    return true;
}

/* Marks rows that have any point. */
struct presence {
    uint64_t *rows;
    pthread_mutex_t mutex;
};

static bool note_rows(void *context, struct task *task, const struct piece *piece)
{
    struct presence *presence = context;

    (void)task;
    pthread_mutex_lock(&presence->mutex);
    for (uint32_t i = 0; i < piece->count; i++) {
        if (tile_row_any(&piece->tile, i)) bits_set(presence->rows, piece->rows[i]);
    }
    pthread_mutex_unlock(&presence->mutex);
    return true;
}

/* Which rows are left under the request's limit can be known only when all were evaluated. */
static bool apply_limit(struct query *query, struct stage *stage, struct result_rows *rows)
{
    struct presence presence = {.rows = arena_zarray(&query->arena, uint64_t, bits_words(rows->count))};
    uint32_t *kept = arena_array(&query->arena, uint32_t, rows->count), count = 0;

    pthread_mutex_init(&presence.mutex, NULL);
    bool done = stage_visit(stage, query, NULL, rows->count, note_rows, &presence);
    pthread_mutex_destroy(&presence.mutex);
    for (uint32_t i = 0; i < rows->count && done; i++) {
        if (!bits_get(presence.rows, rows->rows[i])) continue;
        if (count == query->request.limit) {
            query->was_truncated = true;
            break;
        }
        kept[count++] = rows->rows[i];
    }
    rows->rows = kept;
    rows->count = count;
    return done;
}

bool result_matrix(struct rendering *rendering, struct stage *stage)
{
    struct query *query = rendering->query;
    struct matrix matrix = {.rendering = rendering, .grid = &stage->grid};
    int64_t *times = arena_array(&query->arena, int64_t, stage->grid.steps);

    for (uint32_t s = 0; s < stage->grid.steps; s++) times[s] = grid_time(&stage->grid, s);
    matrix.times_ms = times;
    if (!sort_rows(query, &stage->shape, &matrix.rows)) return false;
    if (query->request.limit && matrix.rows.count > query->request.limit && !apply_limit(query, stage, &matrix.rows))
        return false;
    make_parts(query, stage_pieces(stage, matrix.rows.count));
    return stage_visit(stage, query, matrix.rows.rows, matrix.rows.count, render_piece, &matrix);
}

/* A range vector's raw samples. */
struct raw {
    const struct rendering *rendering;
    const struct feed *feed;
    struct result_rows rows;
    uint32_t part_rows;
};

/* Histograms that outlive the next read. */
static const struct histogram *const *keep_histograms(const samples *column, struct task *task)
{
    const struct histogram **kept = scratch_array(&task->scratch, const struct histogram *, column->count);

    for (size_t i = 0; i < column->count; i++)
        kept[i] = column->histograms[i] ? histogram_keep(column->histograms[i], &task->cells) : NULL;
    return kept;
}

/* The samples of the i-th row of a batch that are in the window. */
static bool window_samples(const struct feed *feed, struct feed_batch *batch, uint32_t i, struct result_series *out)
{
    const struct windows *windows = &feed->windows;
    int64_t end = windows_reference(windows, 0);
    struct scratch *scratch = &batch->task->scratch;
    samples column;

    if (!feed_samples(batch, i, &column)) return false;
    if ((windows->before_ms || windows->after_ms) && column.histograms)
        return query_fail(batch->task->query, (struct error_key){0}, "%s modifier is not supported with histograms",
                          windows->after_ms > 0 ? "smoothed" : "anchored");
    if (windows->before_ms || windows->after_ms)
        extended_samples(&column, windows_start(windows, 0), end, windows->after_ms > 0, scratch, &column);
    int64_t *times = scratch_array(scratch, int64_t, column.count);
    double *values = scratch_array(scratch, double, column.count);
    if (column.count) memcpy(times, column.times_ms, column.count * sizeof *times);
    if (column.count) memcpy(values, column.values, column.count * sizeof *values);
    out->point_count = column.count;
    out->times_ms = times;
    out->values = values;
    if (column.histograms) out->histograms = keep_histograms(&column, batch->task);
    return true;
}

/* There is only one step. */
static void count_points(struct query *query, uint64_t points)
{
    pthread_mutex_lock(&query->mutex);
    query->step_read[0] += points;
    query->step_queryable[0] += points;
    pthread_mutex_unlock(&query->mutex);
}

static bool render_raw(void *context, struct task *task, uint32_t index)
{
    const struct raw *raw = context;
    uint32_t first = index * raw->part_rows, left = raw->rows.count - first, count = 0;
    uint32_t most = left < raw->part_rows ? left : raw->part_rows;
    struct result_series *series = scratch_array(&task->scratch, struct result_series, most);
    struct feed_batch batch;
    size_t points = 0;

    if (!feed_load(raw->feed, task, raw->rows.rows + first, most, &batch)) return false;
    for (uint32_t i = 0; i < most; i++) {
        series[count] = (struct result_series){0};
        if (!window_samples(raw->feed, &batch, i, &series[count])) return false;
        if (series[count].point_count == 0) continue;
        points += series[count].point_count;
        set_labels(&series[count++], &raw->rows.labels, raw->rows.rows[first + i]);
    }
    query_hold(task->query, points);
    task->query->samples_read += points;
    task->query->samples_queryable += points;
    if (task->query->step_read) count_points(task->query, points);
    render(raw->rendering, index, series, count);
    return true;
}

bool result_range(struct rendering *rendering, const struct feed *feed)
{
    struct query *query = rendering->query;
    struct raw raw = {.rendering = rendering, .feed = feed, .part_rows = feed_batch_rows(feed)};

    if (!sort_rows(query, &feed->shape, &raw.rows)) return false;
    if (raw.part_rows > 16) raw.part_rows = 16;
    uint32_t parts = raw.rows.count / raw.part_rows + (raw.rows.count % raw.part_rows != 0);
    make_parts(query, parts);
    return query_for(query, parts, render_raw, &raw);
}
