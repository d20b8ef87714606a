/* Where the samples of windows come from; see feed.h. */
#include "query/feed.h"

static bool is_same_request(const struct select_request *a, const struct select_request *b)
{
    if (a->from_ms != b->from_ms || a->to_ms != b->to_ms || a->matcher_count != b->matcher_count) return false;
    if (a->matchers == b->matchers) return true;
    for (size_t i = 0; i < a->matcher_count; i++) {
        const struct matcher *x = &a->matchers[i], *y = &b->matchers[i];
        if (x->type != y->type || !str_equal(x->name, y->name) || !str_equal(x->value, y->value)) return false;
        if (x->set != y->set && x->value.len == 0) return false; /* a set that was not made from text */
    }
    return true;
}

/* A selection for the request, the one that there is already if it was made before. */
static bool find_selection(struct query *query, const struct select_request *request, struct selection **out)
{
    for (struct known_selection *known = query->selections; known; known = known->next) {
        if (!is_same_request(&known->request, request)) continue;
        *out = known->selection;
        return true;
    }
    status s = snapshot_select(query->snapshot, request, out);
    if (failed(s)) return query_fail_storage(query, s);
    struct known_selection *known = arena_alloc(&query->arena, sizeof *known);
    *known = (struct known_selection){query->selections, *request, *out};
    query->selections = known;
    return true;
}

bool select_series(struct query *query, const struct selector *selector, const struct windows *windows,
                   struct selection **selection, struct shape *shape)
{
    struct select_request request = {.matchers = selector->matchers, .matcher_count = selector->matcher_count};
    bool has_one_name = false;

    windows_span(windows, &request.from_ms, &request.to_ms);
    if (!find_selection(query, &request, selection)) return false;
    for (size_t i = 0; i < request.matcher_count; i++) {
        if (request.matchers[i].type == MATCH_EQUAL && str_equal(request.matchers[i].name, METRIC_NAME))
            has_one_name = true;
    }
    shape_of_selection(shape, *selection, has_one_name);
    return true;
}

double select_samples_per_row(const struct selection *selection)
{
    uint32_t count = selection_count(selection);

    return count ? (double)selection_samples_estimate(selection) / count : 0;
}

bool feed_open(struct feed *feed, struct query *query)
{
    if (feed->points) {
        if (!stage_open(feed->points, query)) return false;
        feed->shape = feed->points->shape;
        feed->row_ns = feed->points->row_ns + feed->points->grid.steps;
        return true;
    }
    if (!select_series(query, feed->selector, &feed->windows, &feed->selection, &feed->shape)) return false;
    feed->row_ns = 100 + 2 * select_samples_per_row(feed->selection);
    return true;
}

uint32_t feed_batch_rows(const struct feed *feed)
{
    return feed->points ? tile_rows(&feed->points->grid) : TILE_ROWS_MAX;
}

bool feed_load(const struct feed *feed, struct task *task, const uint32_t *rows, uint32_t count, struct feed_batch *out)
{
    *out = (struct feed_batch){.feed = feed, .task = task, .rows = rows};
    if (!feed->points) return true;
    if (!query_has_room(task->query, count * grid_stride(&feed->points->grid) * sizeof(double))) return false;
    out->points = tile_make(&task->scratch, &feed->points->grid, count);
    return stage_fill(feed->points, task, rows, count, &out->points);
}

/* A histogram that comes out of a subquery tells nothing of counter resets. */
static const struct histogram *without_hint(const struct histogram *h, struct scratch *scratch)
{
    if (h->hint == HISTOGRAM_UNKNOWN || h->hint == HISTOGRAM_GAUGE) return h;
    struct histogram *copy = scratch_alloc(scratch, sizeof *copy);
    *copy = *h;
    copy->hint = HISTOGRAM_UNKNOWN;
    return copy;
}

/* The present points of a row as samples. */
static void point_samples(struct feed_batch *batch, uint32_t row, samples *out)
{
    const struct grid *grid = &batch->feed->points->grid;
    struct scratch *scratch = &batch->task->scratch;
    const struct tile *points = &batch->points;
    int64_t *times = scratch_array(scratch, int64_t, grid->steps);
    double *values = scratch_array(scratch, double, grid->steps);
    const struct histogram **histograms = NULL;
    const double *from = tile_values(points, row);
    size_t count = 0;

    if (points->histograms) histograms = scratch_array(scratch, const struct histogram *, grid->steps);
    for (uint32_t step = 0; step < grid->steps; step++) {
        const struct histogram *h = tile_histogram(points, row * points->stride + step);
        if (!h && !bits_get(points->present, row * points->stride + step)) continue;
        times[count] = grid_time(grid, step);
        if (histograms) histograms[count] = h ? without_hint(h, scratch) : NULL;
        values[count++] = h ? h->sum : from[step];
    }
    /* Rows with all their points share a column of times. */
    *out = (samples){.count = count,
                     .column = count == grid->steps ? 1 : 0,
                     .times_ms = times,
                     .values = values,
                     .histograms = histograms};
}

void samples_strip_buckets(samples *column, struct scratch *scratch)
{
    const struct histogram **stripped, *before = NULL;

    if (!column->histograms) return;
    stripped = scratch_array(scratch, const struct histogram *, column->count);
    for (size_t i = 0; i < column->count; i++) {
        const struct histogram *h = column->histograms[i];
        stripped[i] = NULL;
        if (!h) continue;
        struct histogram *copy = scratch_alloc(scratch, sizeof *copy);
        *copy = (struct histogram){.schema = h->schema, .hint = h->hint, .count = h->count, .sum = h->sum};
        if (h->hint == HISTOGRAM_UNKNOWN && before && !is_stale(h->sum))
            copy->hint = histogram_was_reset(h, before) ? HISTOGRAM_RESET : HISTOGRAM_NOT_RESET;
        if (!is_stale(h->sum)) before = h;
        stripped[i] = copy;
    }
    column->histograms = stripped;
}

/* Columns without any histogram or start time are none. */
static void drop_empty_columns(samples *column)
{
    bool has_histograms = false, has_starts = false;

    for (size_t i = 0; i < column->count && column->histograms; i++) has_histograms |= column->histograms[i] != NULL;
    for (size_t i = 0; i < column->count && column->starts_ms; i++) has_starts |= column->starts_ms[i] != 0;
    if (!has_histograms) column->histograms = NULL;
    if (!has_starts) column->starts_ms = NULL;
}

bool feed_samples(struct feed_batch *batch, uint32_t i, samples *out)
{
    struct task *task = batch->task;

    if (batch->feed->points) {
        if (!task_has_room(task, batch->feed->points->grid.steps)) return false;
        point_samples(batch, i, out);
    } else {
        if (!task_read(task, batch->feed->selection, batch->rows[i], out)) return false;
        task_remove_stale(task, out);
        if (batch->feed->without_buckets) samples_strip_buckets(out, &task->scratch);
    }
    drop_empty_columns(out);
    return true;
}
