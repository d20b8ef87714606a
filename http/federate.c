/* /federate; see federate.h.
 *
 * Series are grouped by metric. External labels are added where a series lacks them, and an empty instance where it has
 * none, so that a scraper that honours labels adds none of its own.
 */
#include "http/federate.h"

#include "http/config.h"
#include "http/federate_format.h"
#include "http/services.h"
#include "query/parse.h"
#include "storage/base/clock.h"
#include "storage/base/vec.h"
#include "tsdb/samples.h"
#include "tsdb/snapshot.h"

enum { ROWS_AT_ONCE = 4096, EXTERNAL_MAX = 64 };

struct row {
    str metric;
    const label *pairs; /* sorted by name, the metric's among them */
    size_t pair_count;
    int64_t time_ms;
    double value;
    const struct histogram *histogram; /* NULL: a float */
};

struct federation {
    struct request *request;
    struct snapshot *snapshot;
    struct account account;
    int64_t now_ms, lookback_ms;
    struct federate_output output;
    vec(struct row) rows;
};

static status add_row(struct federation *federation, struct selection *selection, uint32_t index, int64_t time_ms,
                      double value, const struct histogram *h)
{
    struct label_id ids[LABELS_MAX];
    struct row row = {.metric = STR(""), .time_ms = time_ms, .value = value};

    if (h) row.histogram = histogram_copy(h, snapshot_arena(federation->snapshot));

    TRY(selection_label_pairs(selection, index, ids, &row.pair_count));
    label *pairs = arena_array(snapshot_arena(federation->snapshot), label, row.pair_count);
    for (size_t i = 0; i < row.pair_count; i++) {
        pairs[i].name = snapshot_string(federation->snapshot, ids[i].name);
        pairs[i].value = snapshot_string(federation->snapshot, ids[i].value);
        if (str_equal(pairs[i].name, METRIC_NAME)) row.metric = pairs[i].value;
    }
    row.pairs = pairs;
    if (row.metric.len) vec_push(&federation->rows, row);
    return ok();
}

static status add_selection(struct federation *federation, struct selection *selection)
{
    struct arena *arena = snapshot_arena(federation->snapshot);
    uint32_t total = selection_count(selection), *rows = arena_array(arena, uint32_t, ROWS_AT_ONCE);
    int64_t *times = arena_array(arena, int64_t, ROWS_AT_ONCE);
    double *values = arena_array(arena, double, ROWS_AT_ONCE);
    const struct histogram **histograms = arena_array(arena, const struct histogram *, ROWS_AT_ONCE);
    struct newest_samples newest = {.times_ms = times, .values = values, .histograms = histograms};
    struct column_buffer buffer = {0};
    status s = ok();

    for (uint32_t first = 0; first < total && !failed(s); first += ROWS_AT_ONCE) {
        uint32_t count = total - first < ROWS_AT_ONCE ? total - first : ROWS_AT_ONCE;
        for (uint32_t i = 0; i < count; i++) rows[i] = first + i;
        if (!selection_newest(selection, rows, count, federation->now_ms - federation->lookback_ms - 1,
                              federation->now_ms, &buffer, &newest))
            s = buffer.error;
        for (uint32_t i = 0; i < count && !failed(s); i++) {
            if (times[i] != INT64_MIN && !is_stale(values[i]) && federate_can_tell(&federation->output, histograms[i]))
                s = add_row(federation, selection, first + i, times[i], values[i], histograms[i]);
        }
        if (!failed(s) && request_is_canceled(federation->request))
            s = status_make(STATUS_CANCELED, "the client closed the connection");
        if (!failed(s) && account_over(&federation->account))
            s = status_make(STATUS_LIMIT, "the answer needs more memory than --query.memory allows");
    }
    column_buffer_release(&buffer);
    return s;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = str_compare(x->metric, y->metric);

    return order ? order : labels_compare(x->pairs, x->pair_count, y->pairs, y->pair_count);
}

static bool has_label(const struct row *row, str name)
{
    for (size_t i = 0; i < row->pair_count; i++) {
        if (str_equal(row->pairs[i].name, name)) return true;
    }
    return false;
}

/* The labels that a row is told with: its own, then external ones that it lacks. */
static void put_row(struct federation *federation, const struct config *config, const struct row *row)
{
    label pairs[LABELS_MAX + EXTERNAL_MAX + 1];
    struct federate_metric metric = {.pairs = pairs,
                                     .time_ms = row->time_ms,
                                     .value = row->value,
                                     .histogram = row->histogram};
    bool has_instance = has_label(row, STR("instance"));

    for (size_t i = 0; i < row->pair_count; i++) {
        if (!str_equal(row->pairs[i].name, METRIC_NAME)) pairs[metric.pair_count++] = row->pairs[i];
    }
    for (size_t i = 0; i < config->external_count && i < EXTERNAL_MAX; i++) {
        const label *pair = &config->external[i];
        if (has_label(row, pair->name)) continue;
        pairs[metric.pair_count++] = *pair;
        has_instance = has_instance || str_equal(pair->name, STR("instance"));
    }
    if (!has_instance) pairs[metric.pair_count++] = (label){STR("instance"), STR("")};
    federate_put(&federation->output, &metric);
}

static enum federate_type type_of(const struct row *row)
{
    if (!row->histogram) return FEDERATE_UNTYPED;
    return row->histogram->hint == HISTOGRAM_GAUGE ? FEDERATE_GAUGE_HISTOGRAM : FEDERATE_HISTOGRAM;
}

static status put_rows(struct federation *federation)
{
    struct config *config = config_holder_get(federation->request->services->config);
    const struct row *before = NULL;
    status s = ok();

    if (federation->rows.count)
        qsort(federation->rows.data, federation->rows.count, sizeof *federation->rows.data, compare_rows);
    vec_each (row, &federation->rows) {
        if (failed(s)) break;
        if (before && compare_rows(before, row) == 0) continue; /* of another set */
        if (!before || !str_equal(before->metric, row->metric) || type_of(before) != type_of(row)) {
            if (before) federate_end(&federation->output);
            federate_begin(&federation->output, row->metric, type_of(row));
        }
        put_row(federation, config, row);
        before = row;
        s = request_flow(federation->request);
    }
    if (before) federate_end(&federation->output);
    config_unref(config);
    return s;
}

static status collect(struct federation *federation)
{
    struct request *request = federation->request;
    struct parse_error error;
    struct selection *selection;
    str *texts;
    size_t count = form_all(request_form(request), STR("match[]"), &texts, &request->arena);

    for (size_t i = 0; i < count; i++) {
        struct select_request select = {.from_ms = federation->now_ms - federation->lookback_ms - 1,
                                        .to_ms = federation->now_ms};
        if (!parse_selector(texts[i], &request->arena, &select.matchers, &select.matcher_count, &error))
            return status_make(STATUS_INVALID, "%.*s", STR_ARG(parse_error_text(&error, &request->arena)));
        TRY(snapshot_select(federation->snapshot, &select, &selection));
        TRY(add_selection(federation, selection));
    }
    return ok();
}

status page_federate(struct request *request, struct response *response)
{
    const struct engine_options *options = engine_get_options(request->services->engine);
    struct federation federation = {.request = request,
                                    .now_ms = clock_now_ms(),
                                    .lookback_ms = options->lookback_ms,
                                    .output = {.response = response}};

    federate_accept(&federation.output, request->headers[HEADER_ACCEPT]);
    account_init(&federation.account, options->query_bytes_max, NULL);
    federation.snapshot = db_snapshot(request->services->db, &federation.account);
    status s = collect(&federation);
    if (!failed(s)) s = put_rows(&federation);
    federate_output_release(&federation.output);
    snapshot_release(federation.snapshot);
    vec_release(&federation.rows);
    return s;
}
