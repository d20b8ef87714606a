/* CSV as VictoriaMetrics imports it; see import.h.
 *
 * The format names the columns, from 1 on, in any order:
 *
 *     1:metric:temperature    the values of a metric; at least one
 *     2:label:room            a label
 *     3:time:unix_s           the time: unix_s, unix_ms, unix_ns, rfc3339 or custom:LAYOUT; without it, now
 *
 * Fields may stand in double quotes, a doubled one inside stands for one. */
#include "http/import.h"

#include "http/time_layout.h"
#include "http/times.h"

enum column_kind { COLUMN_NONE, COLUMN_METRIC, COLUMN_LABEL, COLUMN_TIME };

struct column {
    enum column_kind kind;
    str name; /* of the metric or label; form of the time */
};

struct format {
    struct column columns[IMPORT_COLUMNS_MAX];
    size_t count;
};

static bool is_time_form(str text)
{
    if (str_starts_with(text, STR("custom:"))) return text.len > STR("custom:").len;
    return str_equal(text, STR("unix_s")) || str_equal(text, STR("unix_ms")) || str_equal(text, STR("unix_ns")) ||
           str_equal(text, STR("rfc3339"));
}

static status read_format(str text, struct format *out)
{
    bool has_metric = false, has_time = false;

    *out = (struct format){.count = 0};
    while (text.len) {
        str rest = str_cut(&text, ','), whole = rest;
        uint64_t index;
        bool good = str_to_uint64(str_cut(&rest, ':'), &index) && index >= 1 && index <= IMPORT_COLUMNS_MAX;
        str kind = str_cut(&rest, ':');
        struct column column = {COLUMN_NONE, rest};
        if (str_equal(kind, STR("metric"))) column.kind = COLUMN_METRIC;
        if (str_equal(kind, STR("label"))) column.kind = COLUMN_LABEL;
        if (str_equal(kind, STR("time")) && !has_time && is_time_form(rest)) column.kind = COLUMN_TIME;
        if (!good || column.kind == COLUMN_NONE || rest.len == 0 || out->columns[index - 1].kind != COLUMN_NONE)
            return status_make(STATUS_INVALID,
                               "format: \"%.*s\" is no column; there are N:metric:NAME, N:label:NAME, N:time:unix_s, "
                               "unix_ms, unix_ns, rfc3339 and custom:LAYOUT",
                               STR_ARG(whole));
        out->columns[index - 1] = column;
        has_metric = has_metric || column.kind == COLUMN_METRIC;
        has_time = has_time || column.kind == COLUMN_TIME;
        if (index > out->count) out->count = index;
    }
    return has_metric ? ok() : status_make(STATUS_INVALID, "format: there is no column of kind metric");
}

/* Cuts a field off the line; false if its quotes do not end. */
static bool take_field(str *line, struct arena *arena, str *out)
{
    if (!str_starts_with(*line, STR("\""))) {
        *out = str_trim(str_cut(line, ','));
        return true;
    }
    char *text = arena_alloc(arena, line->len);
    size_t len = 0, i = 1;
    for (;; i++) {
        if (i >= line->len) return false;
        if (line->data[i] == '"' && (i + 1 == line->len || line->data[i + 1] != '"')) break;
        if (line->data[i] == '"') i++;
        text[len++] = line->data[i];
    }
    *line = str_part(*line, i + 1, line->len);
    *out = str_make(text, len);
    bool ends = line->len == 0 || line->data[0] == ',';
    *line = str_part(*line, 1, line->len);
    return ends;
}

static bool read_time(str form, str text, int64_t *out)
{
    int64_t number;

    if (str_starts_with(form, STR("custom:")))
        return time_layout_parse(str_part(form, STR("custom:").len, form.len), text, out);
    if (str_equal(form, STR("rfc3339"))) return str_find(text, '-') < text.len && times_parse(text, out);
    if (str_equal(form, STR("unix_s"))) return str_find(text, '-') == text.len && times_parse(text, out);
    if (!str_to_int64(text, &number)) return false;
    *out = str_equal(form, STR("unix_ns")) ? number / 1000000 : number;
    return true;
}

static status add_line(struct import *import, const struct format *format, str line)
{
    str values[IMPORT_COLUMNS_MAX], series;
    int64_t time_ms = import->now_ms;
    size_t base;

    import->pair_count = 0;
    for (size_t i = 0; i < format->count; i++) {
        const struct column *column = &format->columns[i];
        if (!take_field(&line, &import->batch->arena, &values[i]))
            return import_reject(import, "quotes that do not end"), ok();
        if (column->kind == COLUMN_LABEL && values[i].len && !import_label(import, column->name, values[i]))
            return import_reject(import, "too many labels"), ok();
        if (column->kind == COLUMN_TIME && !read_time(column->name, values[i], &time_ms))
            return import_reject(import, "the time can not be read"), ok();
    }
    base = import->pair_count;
    for (size_t i = 0; i < format->count; i++) {
        double value;
        if (format->columns[i].kind != COLUMN_METRIC || values[i].len == 0) continue;
        if (!str_to_double(values[i], &value)) {
            import_reject(import, "a value is no number");
            continue;
        }
        import->pair_count = base;
        import_label(import, METRIC_NAME, format->columns[i].name);
        TRY(import_series(import, &series));
        TRY(batch_add_sample(import->batch, series, time_ms, double_bits(value)));
    }
    return ok();
}

status import_csv(struct import *import, str text)
{
    struct format format;

    TRY(read_format(import->format, &format));
    while (text.len) {
        str line = str_trim(str_cut(&text, '\n'));
        import->line++;
        if (line.len) TRY(add_line(import, &format, line));
    }
    return ok();
}
