/* varve query: evaluates an expression on a data folder and prints the result as text.
 *
 *     up{instance="a:9100", job="node"} => 1 @[1435781451.781]
 *
 * The folder is opened as the server opens it, so it must not be in use. A malformed expression is shown with a caret
 * under the place.
 */
#include "query/query.h"
#include "http/json.h"
#include "http/main/commands.h"
#include "http/options.h"
#include "http/times.h"
#include "query/cost.h"
#include "query/histogram_value.h"
#include "storage/base/clock.h"
#include "storage/base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { RANGE_DEFAULT_MS = 5 * 60 * 1000, STEPS_DEFAULT = 250, STEP_LEAST_MS = 1000 };

static void put(struct writer *w, str text)
{
    writer_bytes(w, text.data, text.len);
}

/* A name as it is written in an expression: in quotes unless it is an identifier. */
static void put_name(struct writer *w, str name, bool plain)
{
    if (plain) {
        put(w, name);
    } else {
        json_put_string(w, name);
    }
}

static void put_labels(struct writer *w, const struct query *query, const struct result_series *series)
{
    str metric = STR("");
    size_t shown = 0;

    for (size_t i = 0; i < series->label_count; i++) {
        if (str_equal(query_label(query, series->labels[i].name), METRIC_NAME))
            metric = query_label(query, series->labels[i].value);
    }
    bool before = metric.len && labels_is_metric_name(metric);
    if (before) put(w, metric);
    if (before && series->label_count == 1) return;
    writer_u8(w, '{');
    if (metric.len && !before) {
        put_name(w, metric, false);
        shown++;
    }
    for (size_t i = 0; i < series->label_count; i++) {
        str name = query_label(query, series->labels[i].name);
        if (str_equal(name, METRIC_NAME)) continue;
        if (shown++) put(w, STR(", "));
        put_name(w, name, labels_is_label_name(name));
        writer_u8(w, '=');
        json_put_string(w, query_label(query, series->labels[i].value));
    }
    writer_u8(w, '}');
}

static void put_histogram(struct writer *w, const struct histogram *h)
{
    struct arena arena;

    arena_init(&arena, NULL);
    put(w, histogram_text(h, &arena));
    arena_release(&arena);
}

/* `1.5 @[1435781451.781]` */
static void put_point(struct writer *w, int64_t time_ms, double value, const struct histogram *h)
{
    if (h) {
        put_histogram(w, h);
    } else {
        w->count += number_format(value, NUMBER_GENERAL, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
    }
    put(w, STR(" @["));
    w->count += number_format((double)time_ms / 1000, NUMBER_FIXED, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
    put(w, STR("]\n"));
}

static void render(void *context, const struct result_part *part, struct writer *out)
{
    bool is_vector = *(const bool *)context;

    for (size_t i = 0; i < part->series_count; i++) {
        const struct result_series *series = &part->series[i];
        put_labels(out, part->query, series);
        put(out, is_vector ? STR(" => ") : STR(" =>\n"));
        for (size_t j = 0; j < series->point_count; j++)
            put_point(out, series->times_ms[j], series->values[j], series->histograms ? series->histograms[j] : NULL);
    }
}

static void print_result(const struct query *query)
{
    struct writer w = {0};

    switch (query_type(query)) {
    case VALUE_SCALAR:
        put(&w, STR("scalar: "));
        put_point(&w, query_time_ms(query), query_scalar(query), NULL);
        break;
    case VALUE_STRING:
        put(&w, query_string(query));
        writer_u8(&w, '\n');
        break;
    case VALUE_VECTOR:
    case VALUE_MATRIX:
    case VALUE_NONE: break;
    }
    if (w.count) fwrite(w.data, 1, w.count, stdout);
    for (size_t i = 0; i < query_output_count(query); i++) {
        str part = query_output(query, i);
        fwrite(part.data, 1, part.len, stdout);
    }
    fflush(stdout);
    for (size_t i = 0; i < query_warning_count(query); i++)
        fprintf(stderr, "warning: %.*s\n", STR_ARG(query_warning(query, i)));
    for (size_t i = 0; i < query_info_count(query); i++) fprintf(stderr, "info: %.*s\n", STR_ARG(query_info(query, i)));
    writer_release(&w);
}

/* Line and column of a byte, from 1 on. */
static void find_place(str text, uint64_t at, uint64_t *line, uint64_t *column)
{
    *line = *column = 1;
    for (uint64_t i = 0; i < at && i < text.len; i++) {
        *column = text.data[i] == '\n' ? 1 : *column + 1;
        *line += text.data[i] == '\n';
    }
}

/* Under an error that says where it is shows that line of the expression and a caret in that column. Parse errors name
 * line and column, `1:5: parse error: …`; those of durations the bytes of their expression, `4:9: …`. */
static void print_error(const struct query *query, str text)
{
    str error = query_error(query), rest = error, line = STR("");
    uint64_t line_number, column;

    fprintf(stderr, "varve: %.*s\n", STR_ARG(error));
    if (!str_to_uint64(str_cut(&rest, ':'), &line_number) || !str_to_uint64(str_cut(&rest, ':'), &column)) return;
    if (!str_starts_with(rest, STR(" parse error:"))) find_place(text, line_number, &line_number, &column);
    for (uint64_t i = 0; i < line_number; i++) line = str_cut(&text, '\n');
    if (column == 0 || column > line.len + 1) return;
    fprintf(stderr, "  %.*s\n  ", STR_ARG(line));
    for (uint64_t i = 1; i < column; i++) {
        unsigned char c = (unsigned char)line.data[i - 1];
        if ((c & 0xC0) != 0x80) fputc(c == '\t' ? '\t' : ' ', stderr); /* a column a character */
    }
    fprintf(stderr, "^\n");
}

static status read_time(const char *flag, str text, int64_t *out_ms)
{
    if (text.len == 0 || times_parse(text, out_ms)) return ok();
    return status_make(STATUS_INVALID, "--%s=%.*s: want Unix seconds or RFC 3339", flag, STR_ARG(text));
}

static status read_range(const struct settings *settings, struct query_request *out)
{
    int64_t step_ns;

    out->is_range = true;
    out->end_ms = clock_now_ms();
    TRY(read_time("end", settings->end, &out->end_ms));
    out->start_ms = out->end_ms - RANGE_DEFAULT_MS;
    TRY(read_time("start", settings->start, &out->start_ms));
    if (out->end_ms < out->start_ms) return status_make(STATUS_INVALID, "--end is before --start");
    out->step_ms = (out->end_ms - out->start_ms) / STEPS_DEFAULT;
    if (out->step_ms < STEP_LEAST_MS) out->step_ms = STEP_LEAST_MS;
    if (settings->step.len == 0) return ok();
    if (times_parse_duration(settings->step, &step_ns) != DURATION_OK || step_ns < 1000000)
        return status_make(STATUS_INVALID, "--step=%.*s: want seconds or a duration such as 15s",
                           STR_ARG(settings->step));
    out->step_ms = step_ns / 1000000;
    return ok();
}

static status read_request(enum command command, const struct settings *settings, struct query_request *out)
{
    if (command == COMMAND_RANGE) return read_range(settings, out);
    out->start_ms = clock_now_ms();
    return read_time("time", settings->time, &out->start_ms);
}

/* `12.3 MiB` */
static void put_size(char *out, size_t room, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;

    for (; value >= 1024; unit++) value /= 1024;
    snprintf(out, room, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* An operator with its operands below it, farther in. Trees are at most as high as those that the parser makes. */
static void print_operator(const struct cost *cost, int depth)
{
    char size[32];

    put_size(size, sizeof size, cost->bytes);
    printf("%12" PRIu64 " %8" PRIu64 " %12" PRIu64 " %11s%c  %*s%.*s\n", cost->series, cost->steps, cost->samples, size,
           cost->is_kept ? '*' : ' ', 2 * depth, "", STR_ARG(cost->expression));
    for (const struct cost *c = cost->first; c; c = c->next) print_operator(c, depth + 1);
}

static void print_plan(const struct query_cost *cost, const struct engine_options *options)
{
    char size[32], least[32], most[32];

    put_size(size, sizeof size, cost->bytes);
    put_size(least, sizeof least, cost->bytes_least);
    put_size(most, sizeof most, options->query_bytes_max);
    printf("%12s %8s %12s %11s   %s\n", "series", "steps", "samples read", "memory", "operator");
    print_operator(cost->root, 0);
    printf("* kept until the end of the query; the others are computed a tile at a time\n");
    printf("samples read: about %" PRIu64 "\n", cost->samples);
    printf("samples held: about %" PRIu64 ", at least %" PRIu64 "; --query.max-samples=%" PRIu64 "\n", cost->points,
           cost->points_least, options->samples_max);
    printf("memory: about %s, at least %s; --query.memory=%s\n", size, least, most);
}

static bool explain(struct engine *engine, struct query *query)
{
    struct query_cost cost;

    if (query_explain(query, &cost)) print_plan(&cost, engine_get_options(engine));
    fflush(stdout);
    return query_error_kind(query) == QUERY_OK;
}

static int evaluate(struct engine *engine, const struct query_request *request, bool is_to_explain)
{
    struct query *query = query_prepare(engine, request);

    if (is_to_explain) {
        bool is_fine = explain(engine, query);
        if (!is_fine) print_error(query, request->text);
        query_free(query);
        return is_fine ? 0 : 1;
    }
    if (query_error_kind(query) == QUERY_OK) {
        bool is_vector = !request->is_range && query_type(query) == VALUE_VECTOR;
        query_run(query, render, &is_vector);
    }
    bool is_fine = query_error_kind(query) == QUERY_OK;
    if (is_fine) {
        print_result(query);
    } else {
        print_error(query, request->text);
    }
    query_free(query);
    return is_fine ? 0 : 1;
}

static int run(const struct settings *settings, const struct query_request *request)
{
    struct fs *fs = NULL;
    struct db *db = NULL;
    struct engine *engine = NULL;
    struct stat folder;
    int code = 1;

    if (stat(settings->data_path.data, &folder) != 0) { /* opening it would make one */
        fprintf(stderr, "varve: %s: %s\n", settings->data_path.data, strerror(errno));
        return 1;
    }
    status s = fs_open_folder(settings->data_path.data, &fs);
    if (!failed(s)) {
        struct db_options options = options_for_db(settings, fs);
        options.background = false;
        options.retention_ms = 0; /* a look changes nothing */
        s = db_open(&options, &db);
    }
    if (!failed(s)) {
        struct engine_options options = options_for_engine(settings);
        s = engine_open(db, &options, &engine);
    }
    if (!failed(s)) code = evaluate(engine, request, settings->explain);
    if (engine) engine_close(engine);
    status closed = db ? db_close(db) : ok();
    fs_release(fs);
    if (failed(s)) return command_fail(s.text);
    return failed(closed) ? command_fail(closed.text) : code;
}

int command_query(int count, char *const *arguments)
{
    struct settings settings;
    struct query_request request = {0};
    size_t rest_count;

    str kind = count ? str_from(arguments[0]) : STR("");
    bool is_range = str_equal(kind, STR("range"));
    if (!is_range && !str_equal(kind, STR("instant")))
        return command_fail("say query instant or query range; see varve help query");
    enum command command = is_range ? COMMAND_RANGE : COMMAND_INSTANT;
    str *rest = memory_alloc((size_t)count * sizeof *rest);
    status s = options_parse(command, count - 1, arguments + 1, &settings, rest, &rest_count);
    if (!failed(s) && rest_count != 1) s = status_make(STATUS_INVALID, "query takes one expression, in quotes");
    if (!failed(s)) s = read_request(command, &settings, &request);
    request.text = rest_count ? rest[0] : STR("");
    free(rest);
    if (failed(s)) return command_fail(s.text);
    log_set_level(settings.log_level);
    return run(&settings, &request);
}
