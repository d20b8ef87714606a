/* /federate; see federate.h.
 *
 * Series are grouped by metric. External labels are added where a series lacks them, and an empty instance where it has
 * none, so that a scraper that honours labels adds none of its own.
 */
#include "http/federate.h"

#include "http/config.h"
#include "http/exposition.h"
#include "http/services.h"
#include "query/parse.h"
#include "storage/base/clock.h"
#include "storage/base/number.h"
#include "storage/base/vec.h"
#include "tsdb/samples.h"
#include "tsdb/snapshot.h"

enum { ROWS_AT_ONCE = 4096 };

struct row {
    str metric;
    const label *pairs; /* sorted by name, the metric's among them */
    size_t pair_count;
    int64_t time_ms;
    double value;
};

struct federation {
    struct request *request;
    struct snapshot *snapshot;
    struct account account;
    int64_t now_ms, lookback_ms;
    bool takes_utf8; /* the scraper reads names in quotes */
    vec(struct row) rows;
};

static status add_row(struct federation *federation, struct selection *selection, uint32_t index, int64_t time_ms,
                      double value)
{
    struct label_id ids[LABELS_MAX];
    struct row row = {.metric = STR(""), .time_ms = time_ms, .value = value};

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
            /* The text format has no native histograms. */
            if (times[i] != INT64_MIN && !is_stale(values[i]) && !histograms[i])
                s = add_row(federation, selection, first + i, times[i], values[i]);
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

static void put(struct writer *w, str text)
{
    writer_bytes(w, text.data, text.len);
}

static void put_quoted(struct writer *w, str text)
{
    writer_u8(w, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\\' || c == '"') writer_u8(w, '\\');
        if (c == '\n') {
            put(w, STR("\\n"));
        } else {
            writer_u8(w, (uint8_t)c);
        }
    }
    writer_u8(w, '"');
}

/* A name in quotes, or, for a scraper that does not read these, with underscores for what no identifier has. */
static void put_name(const struct federation *federation, struct writer *w, str name, bool is_plain)
{
    if (is_plain) {
        put(w, name);
    } else if (federation->takes_utf8) {
        put_quoted(w, name);
    } else {
        for (size_t i = 0; i < name.len; i++) {
            char c = name.data[i];
            bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9' && i > 0);
            if (((unsigned char)c & 0xC0) != 0x80) writer_u8(w, is_letter ? (uint8_t)c : '_');
        }
    }
}

static void put_label(const struct federation *federation, struct writer *w, bool *first, str name, str value)
{
    if (!*first) writer_u8(w, ',');
    *first = false;
    put_name(federation, w, name, labels_is_label_name(name));
    writer_u8(w, '=');
    put_quoted(w, value);
}

static bool has_label(const struct row *row, str name)
{
    for (size_t i = 0; i < row->pair_count; i++) {
        if (str_equal(row->pairs[i].name, name)) return true;
    }
    return false;
}

static void put_row(const struct federation *federation, const struct config *config, struct writer *w,
                    const struct row *row)
{
    char text[NUMBER_TEXT_MAX];
    bool first = true, has_instance = has_label(row, STR("instance"));
    bool is_plain = labels_is_metric_name(row->metric) || !federation->takes_utf8;

    if (is_plain) put_name(federation, w, row->metric, labels_is_metric_name(row->metric));
    writer_u8(w, '{');
    if (!is_plain) {
        put_quoted(w, row->metric);
        first = false;
    }
    for (size_t i = 0; i < row->pair_count; i++) {
        if (!str_equal(row->pairs[i].name, METRIC_NAME))
            put_label(federation, w, &first, row->pairs[i].name, row->pairs[i].value);
    }
    for (size_t i = 0; i < config->external_count; i++) {
        const label *pair = &config->external[i];
        if (has_label(row, pair->name)) continue;
        put_label(federation, w, &first, pair->name, pair->value);
        has_instance = has_instance || str_equal(pair->name, STR("instance"));
    }
    if (!has_instance) put_label(federation, w, &first, STR("instance"), STR(""));
    put(w, STR("} "));
    put(w, str_make(text, number_format(row->value, NUMBER_GENERAL, text)));
    writer_u8(w, ' ');
    put(w, arena_format(&federation->request->arena, "%lld", (long long)row->time_ms));
    writer_u8(w, '\n');
}

static void put_rows(struct federation *federation, struct response *response)
{
    struct config *config = config_holder_get(federation->request->services->config);
    const struct row *before = NULL;

    if (federation->rows.count)
        qsort(federation->rows.data, federation->rows.count, sizeof *federation->rows.data, compare_rows);
    vec_each (row, &federation->rows) {
        struct writer *w = response_writer(response);
        if (before && compare_rows(before, row) == 0) continue; /* of another set */
        if (!before || !str_equal(before->metric, row->metric)) {
            put(w, STR("# TYPE "));
            put_name(federation, w, row->metric, labels_is_metric_name(row->metric));
            put(w, STR(" untyped\n"));
        }
        put_row(federation, config, w, row);
        before = row;
    }
    config_unref(config);
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
    str accept = request->headers[HEADER_ACCEPT];
    struct federation federation = {.request = request, .now_ms = clock_now_ms(), .lookback_ms = options->lookback_ms};

    federation.takes_utf8 = accept.len && memmem(accept.data, accept.len, "escaping=allow-utf-8", 20);
    account_init(&federation.account, options->query_bytes_max, NULL);
    federation.snapshot = db_snapshot(request->services->db, &federation.account);
    status s = collect(&federation);
    if (!failed(s)) {
        response_text(response, 200, EXPOSITION_CONTENT_TYPE, STR(""));
        put_rows(&federation, response);
    }
    snapshot_release(federation.snapshot);
    vec_release(&federation.rows);
    return s;
}
