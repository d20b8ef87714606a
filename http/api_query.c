/* /api/v1/query and /api/v1/query_range; see api_query.h.
 *
 * The checks come in the order of Prometheus, so that a request with two faults hears of the same one. The result is
 * rendered in parts by the engine's workers and is complete, and the query's memory given back, before anything is
 * sent.
 */
#include "http/api_query.h"

#include "http/active_file.h"
#include "http/config.h"
#include "http/json.h"
#include "http/json_histogram.h"
#include "http/options.h"
#include "http/query_log.h"
#include "http/query_stats.h"
#include "http/services.h"
#include "http/times.h"
#include "storage/base/clock.h"
#include "tsdb/snapshot.h"

#include <stdio.h>

enum { NS_PER_MS = 1000000 };

/* What the parts of one result are rendered with. */
struct rendering {
    const struct json_grid *grid; /* the times that most points have */
    bool is_vector;
};

/* Milliseconds, rounded up: a timeout of nothing is over at once rather than never. */
static int64_t timeout_ms(int64_t ns)
{
    return ns <= 0 ? 1 : (ns - 1) / NS_PER_MS + 1;
}

static status read_options(struct request *request, struct query_request *query)
{
    int64_t timeout_ns = 0, lookback_ns = 0;
    str lookback = request_parameter(request, STR("lookback_delta"));

    TRY(request_duration(request, "timeout", &timeout_ns));
    if (request_parameter(request, STR("timeout")).len) query->timeout_ms = timeout_ms(timeout_ns);
    if (lookback.len) {
        status s = request_parse_duration(request, lookback, &lookback_ns);
        if (failed(s)) return status_make(s.code, "error parsing lookback delta duration: %s", s.text);
    }
    if (lookback_ns > 0) query->lookback_ms = lookback_ns / NS_PER_MS;
    query->text = request_parameter(request, STR("query"));
    query->wants_step_stats = str_equal(request_parameter(request, STR("stats")), STR("all"));
    return ok();
}

static void write_labels(struct writer *w, const struct query *query, const struct result_series *series)
{
    writer_u8(w, '{');
    for (size_t i = 0; i < series->label_count; i++) {
        if (i) writer_u8(w, ',');
        json_put_string(w, query_label(query, series->labels[i].name));
        writer_u8(w, ':');
        json_put_string(w, query_label(query, series->labels[i].value));
    }
    writer_u8(w, '}');
}

static void write_element(struct writer *out, const struct result_series *series)
{
    if (series->histograms && series->histograms[0]) {
        json_put_raw(out, ",\"histogram\":");
        json_put_histogram_point(out, series->times_ms[0], series->histograms[0]);
    } else {
        json_put_raw(out, ",\"value\":");
        json_put_point(out, series->times_ms[0], series->values[0]);
    }
}

/* Floats and histograms in lists of their own, each only if there are any. */
static void write_mixed_points(struct writer *out, const struct result_series *series)
{
    for (int histograms = 0; histograms < 2; histograms++) {
        bool has_any = false;
        for (size_t p = 0; p < series->point_count; p++) {
            if ((series->histograms[p] != NULL) != histograms) continue;
            if (has_any) {
                writer_u8(out, ',');
            } else if (histograms) {
                json_put_raw(out, ",\"histograms\":[");
            } else {
                json_put_raw(out, ",\"values\":[");
            }
            has_any = true;
            if (histograms) {
                json_put_histogram_point(out, series->times_ms[p], series->histograms[p]);
            } else {
                json_put_point(out, series->times_ms[p], series->values[p]);
            }
        }
        if (has_any) writer_u8(out, ']');
    }
}

static void render(void *context, const struct result_part *part, struct writer *out)
{
    const struct rendering *rendering = context;

    for (size_t i = 0; i < part->series_count; i++) {
        const struct result_series *series = &part->series[i];
        if (i) writer_u8(out, ',');
        json_put_raw(out, "{\"metric\":");
        write_labels(out, part->query, series);
        if (rendering->is_vector) {
            write_element(out, series);
        } else if (series->histograms) {
            write_mixed_points(out, series);
        } else {
            json_put_raw(out, ",\"values\":");
            json_put_points(out, rendering->grid, series->times_ms, series->values, series->point_count);
        }
        writer_u8(out, '}');
    }
}

static void write_result(struct response *response, const struct query *query)
{
    static const str names[] = {
        [VALUE_NONE] = STR("none"),     [VALUE_SCALAR] = STR("scalar"), [VALUE_VECTOR] = STR("vector"),
        [VALUE_MATRIX] = STR("matrix"), [VALUE_STRING] = STR("string"),
    };
    enum value_type type = query_type(query);
    struct writer *w = response_open_data(response);

    json_put_raw(w, "{\"resultType\":");
    json_put_string(w, names[type]);
    json_put_raw(w, ",\"result\":");
    if (type == VALUE_SCALAR) {
        json_put_scalar_point(w, query_time_ms(query), query_scalar(query));
    } else if (type == VALUE_STRING) {
        json_put_string_point(w, query_time_ms(query), query_string(query));
    } else {
        json_put_raw(w, "[");
        for (size_t i = 0; i < query_output_count(query); i++) {
            if (i) response_append(response, STR(","));
            response_append(response, query_output(query, i));
        }
        response_append(response, STR("]"));
    }
}

static void close_result(struct request *request, struct response *response, const struct query *query)
{
    struct arena *arena = &request->arena;
    str wanted = request_parameter(request, STR("stats"));
    bool odd_stats = wanted.len && !str_equal(wanted, STR("true")) && !str_equal(wanted, STR("all"));
    size_t warning_count = query_warning_count(query), info_count = query_info_count(query);
    str *warnings = arena_array(arena, str, warning_count + 2), *infos = arena_array(arena, str, info_count);

    if (wanted.len) json_put_raw(response_writer(response), ",");
    if (wanted.len) query_stats_put(response_writer(response), query);
    json_put_raw(response_writer(response), "}");
    for (size_t i = 0; i < warning_count; i++) warnings[i] = query_warning(query, i);
    for (size_t i = 0; i < info_count; i++) infos[i] = query_info(query, i);
    if (query_was_truncated(query)) warnings[warning_count++] = STR(RESPONSE_TRUNCATED);
    if (odd_stats) {
        warnings[warning_count++] =
            arena_format(arena,
                         "value %.*s for parameter \"stats\" is deprecated and will be rejected in the next major "
                         "release, use \"true\" or \"all\"",
                         STR_ARG(request_quote(request, wanted)));
    }
    response_close_data(response, warnings, warning_count, infos, info_count);
}

void api_query_fail(struct request *request, struct response *response, const struct query *query)
{
    enum query_error_kind kind = query_error_kind(query);
    str message = query_error(query);

    if (kind == QUERY_BAD_DATA)
        message = arena_format(&request->arena, "invalid parameter \"query\": %.*s", STR_ARG(message));
    response_fail_query(response, kind, message);
}

static void cancel(void *query)
{
    query_cancel(query);
}

/* Points of an instant query's matrix have their own times: its grid is empty. */
static void make_grid(struct json_grid *grid, const struct query_request *asked, struct arena *arena)
{
    uint64_t span_ms = (uint64_t)asked->end_ms - (uint64_t)asked->start_ms;
    size_t count = asked->is_range ? span_ms / (uint64_t)asked->step_ms + 1 : 0;

    json_grid_make(grid, asked->start_ms, asked->step_ms, count, arena);
}

/* *ran says whether it came to an evaluation. */
static struct query *evaluate(struct request *request, const struct query_request *asked, bool *ran)
{
    struct query *query = query_prepare(request->services->engine, asked);
    struct json_grid grid;

    *ran = query_error_kind(query) == QUERY_OK;
    if (!*ran) return query;
    /* A range query's result is a matrix, whatever its expression is. */
    struct rendering rendering = {&grid, !asked->is_range && query_type(query) == VALUE_VECTOR};
    make_grid(&grid, asked, &request->arena);
    int entry = active_file_add(request->services->active_file, asked->text);
    request_on_cancel(request, cancel, query);
    query_run(query, render, &rendering);
    request_end_cancel(request);
    active_file_remove(request->services->active_file, entry);
    return query;
}

/* One that meets damage is evaluated again: each time another block is left out. */
static struct query *evaluate_around_damage(struct request *request, const struct query_request *asked, bool *ran)
{
    struct query *query = evaluate(request, asked, ran);

    for (int i = 0; query_met_damage(query) && i < SNAPSHOT_RETRIES_MAX; i++) {
        query_free(query);
        query = evaluate(request, asked, ran);
    }
    return query;
}

static void log_query(const struct request *request, const struct query_request *asked, const struct query *query)
{
    struct config *config = config_holder_get(request->services->config);

    if (config->query_log) query_log_write(config->query_log, request, asked, query);
    config_unref(config);
}

static status run(struct request *request, struct response *response, struct query_request *asked)
{
    asked->client = request->client;
    asked->arrived_ns = request->started_ns;
    bool ran;
    struct query *query = evaluate_around_damage(request, asked, &ran);

    if (ran) log_query(request, asked, query);
    if (query_error_kind(query) == QUERY_OK) {
        write_result(response, query);
        close_result(request, response, query);
    } else {
        api_query_fail(request, response, query);
    }
    query_free(query);
    return ok();
}

status api_query_read(struct request *request, struct query_request *out)
{
    *out = (struct query_request){.start_ms = clock_now_ms()};
    TRY(request_limit(request, &out->limit));
    TRY(request_time(request, "time", &out->start_ms));
    return read_options(request, out);
}

status api_query(struct request *request, struct response *response)
{
    struct query_request query;

    TRY(api_query_read(request, &query));
    return run(request, response, &query);
}

/* start and end are required; their errors lack the words that `time` has. */
static status read_bound(struct request *request, const char *name, int64_t *out_ms)
{
    status s = request_parse_time(request, request_parameter(request, str_from(name)), out_ms);

    return failed(s) ? request_bad_parameter(name, "%s", s.text) : ok();
}

/* In Prometheus' words, which has no setting for it. */
static status too_many_points(uint64_t most)
{
    char number[24];

    snprintf(number, sizeof number, most < 1000 ? "%llu" : "%llu,%03llu",
             (unsigned long long)(most < 1000 ? most : most / 1000), (unsigned long long)(most % 1000));
    return status_make(STATUS_INVALID,
                       "exceeded maximum resolution of %s points per timeseries. Try decreasing the query resolution "
                       "(?step=XX), or allow more by --query.max-points",
                       number);
}

static status read_step(struct request *request, const struct query_request *query, int64_t *out_ms)
{
    int64_t step_ns;
    status s = request_parse_duration(request, request_parameter(request, STR("step")), &step_ns);

    if (failed(s)) return request_bad_parameter("step", "%s", s.text);
    if (step_ns < NS_PER_MS)
        return request_bad_parameter(
            "step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
    __int128 span_ns = ((__int128)query->end_ms - query->start_ms) * NS_PER_MS; /* the whole of time fits */
    if (span_ns / step_ns > request->services->settings->query_points_max)
        return too_many_points(request->services->settings->query_points_max);
    *out_ms = step_ns / NS_PER_MS;
    return ok();
}

status api_query_read_range(struct request *request, struct query_request *out)
{
    *out = (struct query_request){.is_range = true};
    TRY(request_limit(request, &out->limit));
    TRY(read_bound(request, "start", &out->start_ms));
    TRY(read_bound(request, "end", &out->end_ms));
    if (out->end_ms < out->start_ms) return request_bad_parameter("end", "end timestamp must not be before start time");
    TRY(read_step(request, out, &out->step_ms));
    return read_options(request, out);
}

status api_query_range(struct request *request, struct response *response)
{
    struct query_request query;

    TRY(api_query_read_range(request, &query));
    return run(request, response, &query);
}
