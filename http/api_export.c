/* Raw samples as text; see api_export.h. */
#include "http/api_export.h"

#include "http/histogram_json.h"
#include "http/json.h"
#include "http/series_reader.h"
#include "http/time_layout.h"
#include "http/times.h"
#include "storage/base/number.h"

enum { COLUMNS_MAX = 256 };

static void put(struct writer *w, str text)
{
    writer_bytes(w, text.data, text.len);
}

static void put_number(struct writer *w, double value)
{
    w->count += number_format(value, NUMBER_JSON, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
}

/* The series that the request asks for, sorted. `match` is what VictoriaMetrics takes, too. */
static status open_series(struct request *request, struct series_reader *reader)
{
    const struct matcher_set *sets;
    int64_t start_ms = TIME_MIN_MS, end_ms = TIME_MAX_MS;
    size_t count;

    TRY(request_matchers(request, &sets, &count));
    if (count == 0) TRY(request_matchers_of(request, "match", &sets, &count));
    if (count == 0) return status_make(STATUS_INVALID, "no match[] parameter provided");
    TRY(request_time(request, "start", &start_ms));
    TRY(request_time(request, "end", &end_ms));
    for (size_t i = 0; i < count; i++)
        TRY(series_reader_add(reader, sets[i].matchers, sets[i].count, start_ms, end_ms));
    series_reader_sort(reader);
    return ok();
}

/* A null stands for the marker that a series has ended. */
static void put_json_sample(struct writer *w, double value, const struct histogram *h)
{
    if (is_stale(value)) {
        put(w, STR("null"));
    } else if (h) {
        histogram_json_write(h, w);
    } else {
        histogram_json_write_number(value, w);
    }
}

/* Samples of one kind; a series with both is told in two lines, and in more of them where lines have a length. */
struct line {
    const samples *found;
    bool has_histograms;
    size_t begin, end;
};

static bool next_of_line(const struct line *line, size_t *at)
{
    const samples *found = line->found;

    while (*at < line->end && (found->histograms && found->histograms[*at]) != line->has_histograms) ++*at;
    return *at < line->end;
}

/* Moves to the next samples of the kind, `rows_max` at most; false if there are no more. */
static bool next_line(struct line *line, uint64_t rows_max)
{
    uint64_t rows = 0;

    line->begin = line->end;
    line->end = line->found->count;
    if (!next_of_line(line, &line->begin)) return false;
    for (size_t at = line->begin; next_of_line(line, &at); at++) {
        if (rows++ == rows_max) line->end = at;
    }
    return true;
}

static bool has_starts(const struct line *line)
{
    if (!line->found->starts_ms) return false;
    for (size_t i = line->begin; next_of_line(line, &i); i++) {
        if (line->found->starts_ms[i]) return true;
    }
    return false;
}

enum { FLOW_EVERY = 4096 };

/* Now and then within a long series, too. */
static status flow(struct request *request, size_t i)
{
    return i % FLOW_EVERY == 0 ? request_flow(request) : ok();
}

static status put_times(struct request *request, const struct line *line, const int64_t *times)
{
    bool first = true;

    for (size_t i = line->begin; next_of_line(line, &i); i++) {
        struct writer *w = response_writer(&request->response);
        if (!first) writer_u8(w, ',');
        first = false;
        json_put_signed(w, times[i]);
        TRY(flow(request, i));
    }
    return ok();
}

static status put_line(struct request *request, const struct series_row *row, const struct line *line)
{
    struct response *response = &request->response;
    struct writer *w = response_writer(response);
    const samples *found = line->found;
    bool first = true;

    put(w, STR("{\"metric\":{"));
    for (size_t i = 0; i < row->pair_count; i++) {
        if (i) writer_u8(w, ',');
        json_put_string(w, row->pairs[i].name);
        writer_u8(w, ':');
        json_put_string(w, row->pairs[i].value);
    }
    put(w, line->has_histograms ? STR("},\"histograms\":[") : STR("},\"values\":["));
    for (size_t i = line->begin; next_of_line(line, &i); i++) {
        w = response_writer(response);
        if (!first) writer_u8(w, ',');
        first = false;
        put_json_sample(w, found->values[i], line->has_histograms ? found->histograms[i] : NULL);
        TRY(flow(request, i));
    }
    put(response_writer(response), STR("],\"timestamps\":["));
    TRY(put_times(request, line, found->times_ms));
    if (has_starts(line)) {
        put(response_writer(response), STR("],\"start_timestamps\":["));
        TRY(put_times(request, line, found->starts_ms));
    }
    put(response_writer(response), STR("]}\n"));
    return ok();
}

/* What a format does with a series that has samples. */
typedef status each_series(void *context, struct request *request, const struct series_row *row, const samples *found);

static status for_each(struct request *request, each_series *each, void *context)
{
    struct series_reader *reader = memory_alloc(sizeof *reader);
    const struct series_row *row = NULL;
    samples found;

    series_reader_open(reader, request);
    status s = open_series(request, reader);
    if (!failed(s)) s = series_reader_next(reader, &row);
    while (!failed(s) && row) {
        s = series_reader_read(reader, &found);
        if (!failed(s) && found.count) s = each(context, request, row, &found);
        if (!failed(s)) s = request_flow(request);
        if (!failed(s)) s = series_reader_next(reader, &row);
    }
    series_reader_close(reader);
    free(reader);
    return s;
}

static status each_as_json(void *context, struct request *request, const struct series_row *row, const samples *found)
{
    const uint64_t *rows_max = context;

    for (int kind = 0; kind < 2; kind++) {
        struct line line = {.found = found, .has_histograms = kind};
        while (next_line(&line, *rows_max)) TRY(put_line(request, row, &line));
    }
    return ok();
}

status api_export(struct request *request, struct response *response)
{
    str format = request_parameter(request, STR("format"));
    uint64_t rows_max = 0;

    if (format.len)
        return request_bad_parameter("format", "unknown format %.*s; there are JSON lines only, without this parameter",
                                     STR_ARG(request_quote(request, format)));
    TRY(request_count(request, "max_rows_per_line", &rows_max));
    if (rows_max == 0) rows_max = UINT64_MAX;
    response_text(response, 200, "application/stream+json", STR(""));
    return for_each(request, each_as_json, &rows_max);
}

struct csv {
    str columns[COLUMNS_MAX];
    size_t count;
};

static void put_csv_text(struct writer *w, str text)
{
    bool quotes = false;

    for (size_t i = 0; i < text.len; i++) quotes = quotes || strchr(",\"\r\n", text.data[i]);
    if (!quotes) {
        put(w, text);
        return;
    }
    writer_u8(w, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') writer_u8(w, '"');
        writer_u8(w, (uint8_t)text.data[i]);
    }
    writer_u8(w, '"');
}

static void put_csv_time(struct writer *w, str form, int64_t time_ms, struct arena *arena)
{
    if (str_starts_with(form, STR("custom:"))) {
        put_csv_text(w, time_layout_print(str_part(form, STR("custom:").len, form.len), time_ms, arena));
        return;
    }
    if (str_equal(form, STR("rfc3339"))) {
        put(w, times_print(time_ms, arena));
        return;
    }
    if (str_equal(form, STR("unix_s"))) {
        json_put_signed(w, time_ms / 1000);
        return;
    }
    json_put_signed(w, time_ms);
    if (str_equal(form, STR("unix_ns"))) put(w, STR("000000"));
}

static void put_csv_column(struct writer *w, str column, const struct series_row *row, double value, int64_t time_ms,
                           struct arena *scratch)
{
    str form = column, name = str_cut(&form, ':');

    if (str_equal(name, STR("__value__"))) {
        put_number(w, value);
    } else if (str_equal(name, STR("__timestamp__"))) {
        put_csv_time(w, form, time_ms, scratch);
    } else {
        for (size_t i = 0; i < row->pair_count; i++) {
            if (str_equal(row->pairs[i].name, name)) put_csv_text(w, row->pairs[i].value);
        }
    }
}

static status each_as_csv(void *context, struct request *request, const struct series_row *row, const samples *found)
{
    const struct csv *csv = context;
    struct arena scratch = {0};
    status s = ok();

    for (size_t i = 0; i < found->count && !failed(s); i++) {
        struct writer *w = response_writer(&request->response);
        if (found->histograms && found->histograms[i]) continue; /* a column holds a number */
        for (size_t j = 0; j < csv->count; j++) {
            if (j) writer_u8(w, ',');
            put_csv_column(w, csv->columns[j], row, found->values[i], found->times_ms[i], &scratch);
        }
        writer_u8(w, '\n');
        arena_reset(&scratch);
        s = flow(request, i);
    }
    arena_release(&scratch);
    return s;
}

static status read_columns(struct request *request, struct csv *csv)
{
    str text = request_parameter(request, STR("format"));

    if (text.len == 0) return status_make(STATUS_INVALID, "no format parameter provided");
    while (text.len) {
        str column = str_cut(&text, ','), form = column, name = str_cut(&form, ':');
        bool is_time = str_equal(name, STR("__timestamp__"));
        bool known = form.len == 0 || str_equal(form, STR("unix_s")) || str_equal(form, STR("unix_ms")) ||
                     str_equal(form, STR("unix_ns")) || str_equal(form, STR("rfc3339")) ||
                     (str_starts_with(form, STR("custom:")) && form.len > STR("custom:").len);
        if (name.len == 0 || (is_time ? !known : form.len > 0) || csv->count == COLUMNS_MAX)
            return status_make(STATUS_INVALID, "format: \"%.*s\" is no column", STR_ARG(column));
        csv->columns[csv->count++] = column;
    }
    return ok();
}

status api_export_csv(struct request *request, struct response *response)
{
    struct csv *csv = arena_zalloc(&request->arena, sizeof *csv);

    TRY(read_columns(request, csv));
    response_text(response, 200, "text/csv; charset=utf-8", STR(""));
    return for_each(request, each_as_csv, csv);
}
