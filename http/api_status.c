/* /api/v1/status/…; see api_status.h. */
#include "http/api_status.h"

#include "http/config.h"
#include "http/json.h"
#include "http/options.h"
#include "http/process.h"
#include "http/services.h"
#include "http/times.h"
#include "http/version.h"
#include "query/ast.h"
#include "query/functions.h"
#include "query/parse.h"
#include "storage/base/clock.h"
#include "storage/metrics.h"
#include "tsdb/metrics.h"

#include <unistd.h>

/* `,"name":` or, for the first member, `{"name":`. */
static void open_member(struct writer *w, bool first, const char *name)
{
    writer_u8(w, first ? '{' : ',');
    json_put_string(w, str_from(name));
    writer_u8(w, ':');
}

static void write_text_member(struct writer *w, bool first, const char *name, str text)
{
    open_member(w, first, name);
    json_put_string(w, text);
}

static void write_number_member(struct writer *w, bool first, const char *name, int64_t value)
{
    open_member(w, first, name);
    json_put_signed(w, value);
}

static void put_bool(struct writer *w, bool value)
{
    str text = value ? STR("true") : STR("false");

    writer_bytes(w, text.data, text.len);
}

/* Clients take `version` for Prometheus' own and switch features by it, so it is the release whose API this is. */
void api_status_write_build(struct writer *w)
{
    write_text_member(w, true, "version", STR(VERSION_OF_API));
    write_text_member(w, false, "revision", str_from(version_revision));
    write_text_member(w, false, "branch", STR("varve"));
    write_text_member(w, false, "buildUser", str_from(version_text));
    write_text_member(w, false, "buildDate", STR(""));
    write_text_member(w, false, "goVersion", STR(""));
    writer_u8(w, '}');
}

status api_buildinfo(struct request *request, struct response *response)
{
    (void)request;
    api_status_write_build(response_open_data(response));
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

/* The names are those of a Go program; its settings that have no meaning here are empty, as there when they are unset.
 */
status api_runtimeinfo(struct request *request, struct response *response)
{
    const struct services *services = request->services;
    struct arena *arena = &request->arena;
    struct writer *w = response_open_data(response);
    struct process_stats process;
    char folder[4096] = "", host[256] = "";

    process_read(&process);
    if (!getcwd(folder, sizeof folder)) folder[0] = 0;
    gethostname(host, sizeof host - 1);
    str started = times_print(services->started_ms, arena);
    write_text_member(w, true, "startTime", started);
    write_text_member(w, false, "CWD", str_from(folder));
    write_text_member(w, false, "hostname", str_from(host));
    write_text_member(w, false, "serverTime", times_print(clock_now_ms(), arena));
    int64_t loaded_ms;
    bool is_good = config_holder_is_good(services->config, &loaded_ms);
    open_member(w, false, "reloadConfigSuccess");
    put_bool(w, is_good);
    write_text_member(w, false, "lastConfigTime", times_print(loaded_ms, arena));
    write_number_member(w, false, "corruptionCount", metric_get(&metric_damages) + metric_get(&metric_wal_damages));
    write_number_member(w, false, "goroutineCount", (int64_t)process.threads);
    write_number_member(w, false, "GOMAXPROCS", sysconf(_SC_NPROCESSORS_ONLN));
    json_put_raw(w, ",\"GOMEMLIMIT\":9223372036854775807"); /* Go's word for none */
    write_text_member(w, false, "GOGC", STR(""));
    write_text_member(w, false, "GODEBUG", STR(""));
    int64_t retention_ms = services->settings->retention_ms;
    write_text_member(w, false, "storageRetention", retention_ms ? print_duration(retention_ms, arena) : STR(""));
    writer_u8(w, '}');
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

status api_flags(struct request *request, struct response *response)
{
    struct writer *w = response_open_data(response);
    bool first = true;

    for (size_t i = 0; i < options_count(); i++) {
        if (!options_is_of(i, COMMAND_SERVE)) continue;
        writer_u8(w, first ? '{' : ',');
        json_put_string(w, options_name(i));
        writer_u8(w, ':');
        json_put_string(w, options_text(request->services->settings, i));
        first = false;
    }
    writer_u8(w, '}');
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

static void write_top_list(struct writer *w, const char *name, const struct cardinality *entries, size_t count)
{
    open_member(w, false, name);
    writer_u8(w, '[');
    for (size_t i = 0; i < count; i++) {
        if (i) writer_u8(w, ',');
        write_text_member(w, true, "name", entries[i].name);
        open_member(w, false, "value");
        json_put_unsigned(w, entries[i].value);
        writer_u8(w, '}');
    }
    writer_u8(w, ']');
}

static status read_top_limit(struct request *request, size_t *out)
{
    str text = request_parameter(request, STR("limit"));
    int64_t limit = 10;

    if (text.len && (!str_to_int64(text, &limit) || limit < 1))
        return status_make(STATUS_INVALID, "limit must be a positive number");
    if (limit > 10000) return status_make(STATUS_INVALID, "limit must not exceed 10000");
    *out = (size_t)limit;
    return ok();
}

status api_tsdb(struct request *request, struct response *response)
{
    struct cardinality_report top;
    struct db_stats stats;
    size_t limit = 0;

    TRY(read_top_limit(request, &limit));
    db_stats(request->services->db, &stats);
    db_cardinality(request->services->db, limit, &top, &request->arena);
    struct writer *w = response_open_data(response);
    json_put_raw(w, "{\"headStats\":");
    write_number_member(w, true, "numSeries", stats.head_series);
    write_number_member(w, false, "numLabelPairs", stats.label_pairs);
    write_number_member(w, false, "chunkCount", (int64_t)stats.head_chunks);
    write_number_member(w, false, "minTime", stats.head_min_ms);
    write_number_member(w, false, "maxTime", stats.head_max_ms);
    writer_u8(w, '}');
    write_top_list(w, "seriesCountByMetricName", top.series_by_metric, top.series_by_metric_count);
    write_top_list(w, "labelValueCountByLabelName", top.values_by_label, top.values_by_label_count);
    write_top_list(w, "memoryInBytesByLabelName", top.bytes_by_label, top.bytes_by_label_count);
    write_top_list(w, "seriesCountByLabelValuePair", top.series_by_pair, top.series_by_pair_count);
    writer_u8(w, '}');
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

status api_config(struct request *request, struct response *response)
{
    struct config *config = config_holder_get(request->services->config);

    write_text_member(response_open_data(response), true, "yaml", config->text);
    writer_u8(response_writer(response), '}');
    response_close_data(response, NULL, 0, NULL, 0);
    config_unref(config);
    return ok();
}

/* The server answers only when the log has been read. */
status api_walreplay(struct request *request, struct response *response)
{
    (void)request;
    json_put_raw(response_open_data(response), "{\"min\":0,\"max\":0,\"current\":0}");
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

/* The form of the identifiers that clients expect: 26 digits of base 32, the time in the first ten. */
static str make_ulid(int64_t time_ms, uint32_t number, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char text[26];
    uint64_t time = (uint64_t)time_ms, rest = number;

    for (int i = 9; i >= 0; i--, time >>= 5) text[i] = digits[time & 31];
    for (int i = 25; i >= 10; i--, rest >>= 5) text[i] = digits[rest & 31];
    return arena_copy_str(arena, str_make(text, sizeof text));
}

static void write_block(struct writer *w, const struct db_block *block, struct arena *arena)
{
    str ulid = make_ulid(block->created_ms, block->number, arena);

    write_text_member(w, true, "ulid", ulid);
    write_number_member(w, false, "minTime", block->min_ms);
    write_number_member(w, false, "maxTime", block->max_ms + 1); /* exclusive there */
    open_member(w, false, "stats");
    write_number_member(w, true, "numSamples", (int64_t)block->samples);
    write_number_member(w, false, "numSeries", block->series);
    writer_u8(w, '}');
    open_member(w, false, "compaction");
    write_number_member(w, true, "level", block->heads > 1 ? 2 : 1);
    open_member(w, false, "sources");
    json_put_strings(w, &ulid, 1);
    json_put_raw(w, "},\"version\":1}");
}

status api_tsdb_blocks(struct request *request, struct response *response)
{
    struct db_block *blocks;
    size_t count;

    db_blocks(request->services->db, &blocks, &count, &request->arena);
    json_put_raw(response_open_data(response), "{\"blocks\":[");
    for (size_t i = 0; i < count; i++) {
        if (i) writer_u8(response_writer(response), ',');
        write_block(response_writer(response), &blocks[i], &request->arena);
    }
    json_put_raw(response_writer(response), "]}");
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

static void write_feature(struct writer *w, bool first, str name, bool value)
{
    if (!first) writer_u8(w, ',');
    json_put_string(w, name);
    writer_u8(w, ':');
    put_bool(w, value);
}

/* Features of PromQL under their short names, as in Prometheus: without `promql-` and with underscores. */
static void write_promql_features(struct writer *w, unsigned features, struct arena *arena)
{
    static const struct {
        str name;
        unsigned feature;
    } rows[] = {
#define X(code, bit, name) {STR(name), FEATURE_##code},
        FEATURES(X)
#undef X
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        str name = rows[i].name;
        if (str_starts_with(name, STR("promql-"))) name = str_part(name, 7, name.len);
        str copy = arena_copy_str(arena, name);
        char *text = arena_alloc(arena, copy.len);
        for (size_t j = 0; j < copy.len; j++) text[j] = copy.data[j] == '-' ? '_' : copy.data[j];
        write_feature(w, i == 0, str_make(text, copy.len), (features & rows[i].feature) != 0);
    }
}

/* The words of the language; behind the features. */
static void write_keywords(struct writer *w, unsigned features)
{
    static const struct {
        str name;
        unsigned feature; /* 0: always there */
    } rows[] = {{STR("anchored"), FEATURE_EXTENDED_RANGE_SELECTORS},
                {STR("bool"), 0},
                {STR("by"), 0},
                {STR("fill"), FEATURE_FILL_MODIFIERS},
                {STR("fill_left"), FEATURE_FILL_MODIFIERS},
                {STR("fill_right"), FEATURE_FILL_MODIFIERS},
                {STR("group_left"), 0},
                {STR("group_right"), 0},
                {STR("ignoring"), 0},
                {STR("offset"), 0},
                {STR("on"), 0},
                {STR("smoothed"), FEATURE_EXTENDED_RANGE_SELECTORS},
                {STR("without"), 0}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        write_feature(w, false, rows[i].name, rows[i].feature == 0 || features & rows[i].feature);
}

static void write_operators(struct writer *w, unsigned features)
{
    for (int i = OP_ADD; i <= OP_UNLESS; i++) write_feature(w, i == OP_ADD, operator_text((enum operator_kind)i), true);
    for (int i = AGGREGATE_SUM; i <= AGGREGATE_LIMIT_RATIO; i++) {
        bool is_experimental = i == AGGREGATE_LIMITK || i == AGGREGATE_LIMIT_RATIO;
        write_feature(w, false, aggregate_text((enum aggregate_kind)i),
                      !is_experimental || features & FEATURE_EXPERIMENTAL_FUNCTIONS);
    }
}

status api_features(struct request *request, struct response *response)
{
    unsigned features = engine_get_options(request->services->engine)->features;
    struct writer *w = response_open_data(response);
    size_t count;
    const struct function *functions = functions_all(&count);

    open_member(w, true, "api");
    json_put_raw(w, "{\"admin\":");
    put_bool(w, request->services->settings->enable_admin);
    json_put_raw(w, ",\"exclude_alerts\":true,\"label_values_match\":true,\"lifecycle\":");
    put_bool(w, request->services->settings->enable_lifecycle);
    json_put_raw(w, ",\"openapi_3.1\":true,\"openapi_3.2\":true,\"otlp_write_receiver\":true,\"query_stats\":true,"
                    "\"query_warnings\":true,\"remote_write_receiver\":true,\"search\":true,"
                    "\"search_fuzz_alg_jarowinkler\":true,\"search_fuzz_alg_subsequence\":true,"
                    "\"time_range_labels\":true,\"time_range_series\":true}");
    open_member(w, false, "otlp_receiver");
    struct config *config = config_holder_get(request->services->config);
    json_put_raw(w, "{\"delta_conversion\":false,\"native_delta_ingestion\":");
    put_bool(w, config->otlp.takes_delta);
    config_unref(config);
    writer_u8(w, '}');
    open_member(w, false, "promql");
    writer_u8(w, '{');
    write_promql_features(w, features, &request->arena);
    write_keywords(w, features);
    writer_u8(w, '}');
    open_member(w, false, "promql_operators");
    writer_u8(w, '{');
    write_operators(w, features);
    writer_u8(w, '}');
    open_member(w, false, "promql_functions");
    writer_u8(w, '{');
    for (size_t i = 0; i < count; i++)
        write_feature(w, i == 0, str_from(functions[i].name),
                      !functions[i].experimental || features & FEATURE_EXPERIMENTAL_FUNCTIONS);
    json_put_raw(w, "}}");
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

status api_notifications(struct request *request, struct response *response)
{
    struct writer *w = response_open_data(response);
    int64_t since_ms;

    writer_u8(w, '[');
    if (config_holder_has_failed(request->services->config, &since_ms)) {
        write_text_member(w, true, "text", STR("Configuration reload has failed."));
        write_text_member(w, false, "date", times_print(since_ms, &request->arena));
        json_put_raw(w, ",\"active\":true}");
    }
    writer_u8(w, ']');
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}
