/* The command line's flags; see options.h. */
#include "http/options.h"

#include "query/parse.h"

#include <assert.h>
#include <stddef.h>

enum option_kind {
    KIND_TEXT,     /* str */
    KIND_MATCH,    /* str, added to the list of selectors; may be repeated */
    KIND_SWITCH,   /* bool */
    KIND_DURATION, /* int64_t, milliseconds */
    KIND_WINDOW,   /* as a duration; "any" is -1 */
    KIND_BYTES,    /* uint64_t */
    KIND_COUNT,    /* uint64_t */
    KIND_LEVEL,    /* enum log_level */
    KIND_FEATURES  /* unsigned */
};

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *fallback;
    unsigned commands;
    int64_t least, most; /* of durations, sizes and counts; 0, 0: any */
    const char *help;
};

#define FIELD(name) offsetof(struct settings, name)

enum {
    ASKING = COMMAND_SERVE | COMMAND_INSTANT | COMMAND_RANGE,
    WRITING = COMMAND_SERVE | COMMAND_IMPORT,
    ALL = ASKING | COMMAND_IMPORT | COMMAND_EXPORT
};

static const struct option options[] = {
    {"storage.tsdb.path", KIND_TEXT, FIELD(data_path), "data", ALL, 0, 0, "Folder that holds the data."},
    {"storage.tsdb.retention.time", KIND_DURATION, FIELD(retention_ms), "15d", COMMAND_SERVE, 0, 0,
     "How long samples are kept; 0 keeps them for ever."},
    {"storage.tsdb.retention.size", KIND_BYTES, FIELD(retention_bytes), "0", COMMAND_SERVE, 0, 0,
     "Bytes that the data folder may have; beyond that the oldest blocks go. 0: any number."},
    {"storage.reserve", KIND_BYTES, FIELD(reserve_bytes), "32MB", ALL, 0, 0,
     "Disk set aside in the data folder, so that what is in memory can be written when the disk is full; writes are "
     "refused while it is used up. 0: none."},
    {"storage.tsdb.out-of-order-time-window", KIND_WINDOW, FIELD(out_of_order_ms), "any", COMMAND_SERVE, 0, 0,
     "How far behind the newest sample of its series a sample may be; \"any\" takes all that the retention keeps."},
    {"storage.future-limit", KIND_DURATION, FIELD(future_max_ms), "10m", COMMAND_SERVE, 0, 0,
     "How far ahead of the clock a sample may be; 0 takes all."},
    {"storage.wal.sync-interval", KIND_DURATION, FIELD(sync_interval_ms), "0s", COMMAND_SERVE, 0, 60000,
     "0 answers a write when it is on disk. Otherwise the log is synced this often, and a power cut may take what was "
     "written since."},
    {"storage.memory", KIND_BYTES, FIELD(memory_bytes), "640MB", ALL, 64 << 10, 0,
     "Memory for samples that are not in a block yet, for pages of blocks, and for what writes blocks, together."},
    {"storage.cache", KIND_BYTES, FIELD(cache_bytes), "0", ALL, 0, 0,
     "Of that, memory for pages of blocks, at most half. 0: an eighth."},
    {"storage.series-limit", KIND_COUNT, FIELD(series_max), "0", COMMAND_SERVE, 0, UINT32_MAX,
     "Series in memory at a time; more new ones are refused. 0: any number."},
    {"storage.label-limit", KIND_COUNT, FIELD(labels_max), "128", WRITING, 0, 256,
     "Labels that a series may have; 0: as many as a block can hold, 256."},
    {"storage.label-name-length-limit", KIND_BYTES, FIELD(label_name_bytes_max), "1KB", WRITING, 0, 1 << 20,
     "Bytes of a label's name; 0: any number."},
    {"storage.label-value-length-limit", KIND_BYTES, FIELD(label_value_bytes_max), "64KB", WRITING, 0, 1 << 20,
     "Bytes of a label's value; 0: any number."},
    {"storage.metadata-limit", KIND_COUNT, FIELD(metadata_max), "100000", WRITING, 0, UINT32_MAX,
     "Metrics whose type, help and unit are remembered."},
    {"storage.delete-undo", KIND_DURATION, FIELD(delete_undo_ms), "1d", COMMAND_SERVE, 0, 0,
     "How long a delete can be taken back before its samples are removed from disk."},
    {"storage.delete-limit", KIND_COUNT, FIELD(tombstones_max), "1000", COMMAND_SERVE, 0, UINT32_MAX,
     "Deletes that are not yet removed from disk; more are refused."},
    {"storage.scrub-interval", KIND_DURATION, FIELD(scrub_interval_ms), "7d", COMMAND_SERVE, 0, 0,
     "How often all blocks are read whole, to find damage while there is a copy elsewhere; 0: never."},
    {"storage.exemplars", KIND_BYTES, FIELD(exemplar_bytes), "16MB", COMMAND_SERVE, 0, 0,
     "Memory for exemplars that are not in a block yet, of which the oldest go first; 0 keeps none."},
    {"web.listen-address", KIND_TEXT, FIELD(listen_address), "127.0.0.1:9090", COMMAND_SERVE, 0, 0,
     "HOST:PORT to listen on; \":9090\" is every address."},
    {"web.max-connections", KIND_COUNT, FIELD(connections_max), "512", COMMAND_SERVE, 8, 1 << 20,
     "Connections open at a time; further ones wait."},
    {"web.max-connections-per-address", KIND_COUNT, FIELD(address_connections_max), "256", COMMAND_SERVE, 0, 1 << 20,
     "Connections from one client address; further ones are closed. 0: any number."},
    {"web.read-timeout", KIND_DURATION, FIELD(read_timeout_ms), "5m", COMMAND_SERVE, 1000, 24 * 3600 * 1000,
     "A connection without traffic is closed after that time."},
    {"web.cors.origin", KIND_TEXT, FIELD(cors_origin), ".*", COMMAND_SERVE, 0, 0,
     "Regular expression, anchored, for the origins that browsers may use the API from."},
    {"web.external-url", KIND_TEXT, FIELD(external_url), "", COMMAND_SERVE, 0, 0,
     "URL under which the server is reached, for one behind a reverse proxy; its path is served, too."},
    {"web.route-prefix", KIND_TEXT, FIELD(route_prefix), "", COMMAND_SERVE, 0, 0,
     "What stands before all paths; by default the path of --web.external-url."},
    {"web.enable-lifecycle", KIND_SWITCH, FIELD(enable_lifecycle), "false", COMMAND_SERVE, 0, 0,
     "Lets POST /-/reload read the configuration again and POST /-/quit stop the server."},
    {"web.enable-admin-api", KIND_SWITCH, FIELD(enable_admin), "false", COMMAND_SERVE, 0, 0,
     "Lets /api/v1/admin/… change the data and end queries."},
    {"web.config.file", KIND_TEXT, FIELD(web_config_path), "", COMMAND_SERVE, 0, 0,
     "File with TLS, passwords and headers, as Prometheus has it; followed when it changes."},
    {"config.file", KIND_TEXT, FIELD(config_path), "", COMMAND_SERVE, 0, 0,
     "File with external labels, the query log and the translation of OTLP; read again on SIGHUP and POST /-/reload."},
    {"web.body-memory", KIND_BYTES, FIELD(body_bytes), "64MB", COMMAND_SERVE, 1 << 20, 0,
     "Memory for all request bodies; beyond that clients are told to come again."},
    {"web.answer-memory", KIND_BYTES, FIELD(answer_bytes), "256MB", COMMAND_SERVE, 1 << 20, 0,
     "Memory for all answers that are being sent."},
    {"query.lookback-delta", KIND_DURATION, FIELD(lookback_ms), "5m", ASKING, 1, 0,
     "How old the newest sample of a series may be to count as its present value."},
    {"query.timeout", KIND_DURATION, FIELD(query_timeout_ms), "2m", ASKING, 1, 0, "How long a query may take."},
    {"query.max-concurrency", KIND_COUNT, FIELD(query_concurrency), "20", COMMAND_SERVE, 1, 10000,
     "Queries evaluated at a time; further ones wait."},
    {"query.max-queue", KIND_COUNT, FIELD(query_queue), "200", COMMAND_SERVE, 1, 100000,
     "Queries that wait; further ones are told to come again."},
    {"query.max-length", KIND_BYTES, FIELD(query_text_bytes), "10MB", ASKING, 1, PARSE_TEXT_MAX,
     "Bytes of a query's text."},
    {"query.max-points", KIND_COUNT, FIELD(query_points_max), "11000", COMMAND_SERVE, 1, 999999,
     "Points of a range query in each series."},
    {"query.max-samples", KIND_COUNT, FIELD(query_samples_max), "50000000", ASKING, 1, 0,
     "Samples and points that one query may hold at a time."},
    {"query.memory", KIND_BYTES, FIELD(query_bytes), "128MB", ASKING, 1 << 20, 0, "Memory of one query."},
    {"query.total-memory", KIND_BYTES, FIELD(query_total_bytes), "256MB", ASKING, 1 << 20, 0,
     "Memory of all queries together."},
    {"query.threads", KIND_COUNT, FIELD(query_threads), "0", ASKING, 0, 1024,
     "Threads that evaluate queries; 0: one for each core."},
    {"storage.remote.read-sample-limit", KIND_COUNT, FIELD(read_samples_max), "50000000", COMMAND_SERVE, 0, 0,
     "Samples of one remote-read answer that is not streamed; 0: any number."},
    {"storage.remote.read-concurrent-limit", KIND_COUNT, FIELD(streams_max), "10", COMMAND_SERVE, 1, 1000,
     "Remote-reads, exports and federations answered at a time; further ones wait."},
    {"enable-feature", KIND_FEATURES, FIELD(features), "", ASKING, 0, 0,
     "Parts of PromQL that are off, separated by commas; `varve help features` lists them."},
    {"log.level", KIND_LEVEL, FIELD(log_level), "info", ALL, 0, 0, "debug, info, warn or error."},
    {"from", KIND_TEXT, FIELD(from), "", COMMAND_EXPORT, 0, 0,
     "First time: Unix seconds or RFC 3339; the oldest sample."},
    {"to", KIND_TEXT, FIELD(to), "", COMMAND_EXPORT, 0, 0, "Last time; the newest sample."},
    {"match", KIND_MATCH, FIELD(match), "", COMMAND_EXPORT, 0, 0,
     "Only series that match, as {job=\"api\"}; may be repeated for more of them. All series."},
    {"time", KIND_TEXT, FIELD(time), "", COMMAND_INSTANT, 0, 0, "When to evaluate: Unix seconds or RFC 3339; now."},
    {"start", KIND_TEXT, FIELD(start), "", COMMAND_RANGE, 0, 0, "First step; five minutes before the end."},
    {"end", KIND_TEXT, FIELD(end), "", COMMAND_RANGE, 0, 0, "Last step; now."},
    {"limit", KIND_COUNT, FIELD(limit), "10", COMMAND_INSPECT, 0, UINT32_MAX, "How long the lists are."},
    {"json", KIND_SWITCH, FIELD(json), "false", COMMAND_INSPECT, 0, 0, "Prints JSON for programs."},
    {"step", KIND_TEXT, FIELD(step), "", COMMAND_RANGE, 0, 0, "Distance of steps; a 250th of the range, at least 1s."},
    {"explain", KIND_SWITCH, FIELD(explain), "false", COMMAND_INSTANT | COMMAND_RANGE, 0, 0,
     "Shows the plan with what each operator would take, and evaluates nothing."},
};

#define OPTION_COUNT (sizeof options / sizeof options[0])
_Static_assert(OPTION_COUNT <= OPTIONS_MAX, "settings have room for each flag's text");

static const char *kind_name(enum option_kind kind)
{
    static const char *const names[] = {
        [KIND_MATCH] = "SELECTOR",    [KIND_TEXT] = "TEXT",       [KIND_SWITCH] = "",
        [KIND_DURATION] = "DURATION", [KIND_WINDOW] = "DURATION", [KIND_BYTES] = "BYTES",
        [KIND_COUNT] = "NUMBER",      [KIND_LEVEL] = "LEVEL",     [KIND_FEATURES] = "LIST",
    };
    return names[kind];
}

/* A number and a unit: 64MB, 64MiB, 65536. */
static bool parse_bytes(str text, uint64_t *out)
{
    static const char units[] = "KMGTPE";
    size_t digits = 0;

    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') digits++;
    str unit = str_part(text, digits, text.len);
    if (!str_to_uint64(str_part(text, 0, digits), out)) return false;
    if (unit.len == 0 || str_equal(unit, STR("B"))) return true;
    const char *found = unit.data[0] ? strchr(units, unit.data[0]) : NULL;
    str rest = str_part(unit, 1, unit.len);
    if (!found || (rest.len && !str_equal(rest, STR("B")) && !str_equal(rest, STR("iB")))) return false;
    return !__builtin_mul_overflow(*out, 1ULL << 10 * (found - units + 1), out);
}

static status parse_features(str text, unsigned *out)
{
    *out = 0;
    while (text.len) {
        str name = str_trim(str_cut(&text, ','));
        unsigned feature;
        if (!feature_by_name(name, &feature))
            return status_make(STATUS_INVALID, "unknown feature \"%.*s\"; see varve help features", STR_ARG(name));
        *out |= feature;
    }
    return ok();
}

static status bad_value(const struct option *option, str text, const char *wanted)
{
    return status_make(STATUS_INVALID, "--%s=%.*s: %s", option->name, STR_ARG(text), wanted);
}

static status check_range(const struct option *option, str text, uint64_t value)
{
    bool fits =
        value <= INT64_MAX && (int64_t)value >= option->least && (option->most == 0 || (int64_t)value <= option->most);

    if (fits) return ok();
    return option->most ? status_make(STATUS_INVALID, "--%s=%.*s is not between %lld and %lld", option->name,
                                      STR_ARG(text), (long long)option->least, (long long)option->most)
                        : status_make(STATUS_INVALID, "--%s=%.*s is less than %lld", option->name, STR_ARG(text),
                                      (long long)option->least);
}

static status set_number(const struct option *option, str text, bool parsed, uint64_t value, void *field,
                         const char *wanted)
{
    if (!parsed) return bad_value(option, text, wanted);
    TRY(check_range(option, text, value));
    memcpy(field, &value, sizeof value);
    return ok();
}

static status set_value(const struct option *option, str text, struct settings *settings)
{
    void *field = (char *)settings + option->offset;
    uint64_t number = 0;
    int64_t ms = 0;
    bool parsed;

    settings->texts[option - options] = text;
    switch (option->kind) {
    case KIND_TEXT: *(str *)field = text; return ok();
    case KIND_MATCH:
        if (text.len == 0) return ok();
        if (settings->match_count == MATCHES_MAX)
            return status_make(STATUS_INVALID, "--match is there more than %d times", MATCHES_MAX);
        settings->match[settings->match_count++] = text;
        return ok();
    case KIND_SWITCH:
        *(bool *)field = str_equal(text, STR("true"));
        return *(bool *)field || str_equal(text, STR("false")) ? ok() : bad_value(option, text, "want true or false");
    case KIND_WINDOW:
        if (str_equal(text, STR("any"))) return *(int64_t *)field = -1, ok();
        /* fall through */
    case KIND_DURATION:
        parsed = parse_duration(text, &ms);
        return set_number(option, text, parsed, (uint64_t)ms, field, "want a duration such as 15d or 1h30m");
    case KIND_BYTES:
        parsed = parse_bytes(text, &number);
        return set_number(option, text, parsed, number, field, "want a size such as 512MB");
    case KIND_COUNT:
        parsed = str_to_uint64(text, &number);
        return set_number(option, text, parsed, number, field, "want a number");
    case KIND_LEVEL:
        return log_parse_level(text, field) ? ok() : bad_value(option, text, "want debug, info, warn or error");
    case KIND_FEATURES: return parse_features(text, field);
    }
    assert(false && "every kind is handled");
    return ok();
}

/* Edits that make one text of the other: changed, added and removed bytes. */
static size_t distance(str a, str b)
{
    size_t row[64];

    if (a.len >= 64 || b.len >= 64) return 64;
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.data[i - 1] != b.data[j - 1]);
            if (best > row[j] + 1) best = row[j] + 1;
            if (best > row[j - 1] + 1) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.len];
}

str options_nearest(str text, const str *candidates, size_t count)
{
    str nearest = STR("");
    size_t least = text.len / 2 + 1;

    for (size_t i = 0; i < count; i++) {
        size_t edits = distance(text, candidates[i]);
        if (edits >= least) continue;
        least = edits;
        nearest = candidates[i];
    }
    return nearest;
}

static status unknown_flag(enum command command, str name)
{
    str names[OPTION_COUNT];
    size_t count = 0;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].commands & command) names[count++] = str_from(options[i].name);
    }
    str nearest = options_nearest(name, names, count);
    if (nearest.len == 0) return status_make(STATUS_INVALID, "unknown flag --%.*s; see --help", STR_ARG(name));
    return status_make(STATUS_INVALID, "unknown flag --%.*s; did you mean --%.*s?", STR_ARG(name), STR_ARG(nearest));
}

static const struct option *find(enum command command, str name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((options[i].commands & command) && str_equal(name, str_from(options[i].name))) return &options[i];
    }
    return NULL;
}

/* Reads the flag at arguments[*index], and its value, which may be the next argument. */
static status read_flag(enum command command, int argument_count, char *const *arguments, int *index,
                        struct settings *out)
{
    str text = str_from(arguments[*index] + 2);
    bool has_value = str_find(text, '=') < text.len;
    str name = str_cut(&text, '=');
    const struct option *option = find(command, name);

    if (!option && !has_value && str_starts_with(name, STR("no-"))) {
        option = find(command, str_part(name, 3, name.len));
        if (option && option->kind == KIND_SWITCH) return set_value(option, STR("false"), out);
        option = NULL;
    }
    if (!option) return unknown_flag(command, name);
    if (has_value) return set_value(option, text, out);
    if (option->kind == KIND_SWITCH) return set_value(option, STR("true"), out);
    if (*index + 1 == argument_count) return status_make(STATUS_INVALID, "--%s needs a value", option->name);
    return set_value(option, str_from(arguments[++*index]), out);
}

status options_parse(enum command command, int argument_count, char *const *arguments, struct settings *out, str *rest,
                     size_t *rest_count)
{
    bool flags_ended = false;

    *out = (struct settings){0};
    *rest_count = 0;
    for (size_t i = 0; i < OPTION_COUNT; i++) TRY(set_value(&options[i], str_from(options[i].fallback), out));
    for (int i = 0; i < argument_count; i++) {
        str argument = str_from(arguments[i]);
        if (flags_ended || !str_starts_with(argument, STR("--"))) {
            rest[(*rest_count)++] = argument;
        } else if (argument.len == 2) {
            flags_ended = true;
        } else {
            TRY(read_flag(command, argument_count, arguments, &i, out));
        }
    }
    return ok();
}

/* The text in lines of at most 74 columns, indented by 6. */
static void print_wrapped(str text, FILE *out)
{
    size_t column = 0;

    while (text.len) {
        str word = str_cut(&text, ' ');
        if (column && column + 1 + word.len > 74) column = 0;
        fprintf(out, "%s%.*s", column ? " " : "\n      ", STR_ARG(word));
        column += word.len + 1;
    }
    fputc('\n', out);
}

void options_print(enum command command, FILE *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];
        if (!(option->commands & command)) continue;
        fprintf(out, "  --%s", option->name);
        if (option->kind != KIND_SWITCH) fprintf(out, "=%s", kind_name(option->kind));
        if (option->fallback[0] && option->kind != KIND_SWITCH) fprintf(out, "  (%s)", option->fallback);
        print_wrapped(str_from(option->help), out);
    }
}

size_t options_count(void)
{
    return OPTION_COUNT;
}

bool options_is_of(size_t index, enum command command)
{
    return (options[index].commands & command) != 0;
}

str options_name(size_t index)
{
    return str_from(options[index].name);
}

str options_text(const struct settings *settings, size_t index)
{
    return settings->texts[index];
}

struct db_options options_for_db(const struct settings *settings, struct fs *fs)
{
    struct db_options db = db_options_default();

    db.fs = fs;
    db.retention_ms = settings->retention_ms;
    db.retention_bytes = settings->retention_bytes;
    db.reserve_bytes = settings->reserve_bytes;
    db.future_max_ms = settings->future_max_ms;
    db.out_of_order_ms = settings->out_of_order_ms;
    db.memory_bytes = settings->memory_bytes;
    db.cache_bytes = settings->cache_bytes;
    db.wal_sync_interval_ms = (uint32_t)settings->sync_interval_ms;
    db.series_max = (uint32_t)settings->series_max;
    db.metadata_max = (uint32_t)settings->metadata_max;
    db.exemplar_bytes = settings->exemplar_bytes;
    db.scrub_interval_ms = settings->scrub_interval_ms;
    db.delete_undo_ms = settings->delete_undo_ms;
    db.tombstones_max = (uint32_t)settings->tombstones_max;
    db.label_limits = (struct label_limits){
        .count_max = (uint32_t)settings->labels_max,
        .name_bytes_max = (uint32_t)settings->label_name_bytes_max,
        .value_bytes_max = (uint32_t)settings->label_value_bytes_max,
    };
    return db;
}

struct engine_options options_for_engine(const struct settings *settings)
{
    struct engine_options engine = engine_options_default();

    engine.lookback_ms = settings->lookback_ms;
    engine.timeout_ms = settings->query_timeout_ms;
    engine.samples_max = settings->query_samples_max;
    engine.query_bytes_max = settings->query_bytes;
    engine.total_bytes_max = settings->query_total_bytes;
    engine.concurrency_max = (uint32_t)settings->query_concurrency;
    engine.queue_max = (uint32_t)settings->query_queue;
    engine.text_bytes_max = settings->query_text_bytes;
    engine.threads = (uint32_t)settings->query_threads;
    engine.features = settings->features;
    return engine;
}
