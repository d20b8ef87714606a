/* Prometheus' text format 0.0.4 and OpenMetrics 1.0; see import.h.
 *
 *     # TYPE name counter
 *     name{label="value"} 1.5 1435781451781
 *     {"my.name","my.label"="value"} 1.5
 *     name_bucket{le="1"} 3 1435781451.781 # {trace_id="abc"} 0.7 1435781451.5        (OpenMetrics)
 */
#include "http/import.h"

#include <math.h>

struct cursor {
    str rest;
    struct arena *arena;
};

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->rest.len && (cursor->rest.data[0] == ' ' || cursor->rest.data[0] == '\t'))
        cursor->rest = str_part(cursor->rest, 1, cursor->rest.len);
}

static bool take(struct cursor *cursor, char c)
{
    skip_blanks(cursor);
    if (cursor->rest.len == 0 || cursor->rest.data[0] != c) return false;
    cursor->rest = str_part(cursor->rest, 1, cursor->rest.len);
    return true;
}

/* Up to a blank or one of the delimiters. */
static str take_word(struct cursor *cursor, const char *delimiters)
{
    size_t len = 0;

    skip_blanks(cursor);
    while (len < cursor->rest.len && cursor->rest.data[len] != ' ' && cursor->rest.data[len] != '\t' &&
           !strchr(delimiters, cursor->rest.data[len]))
        len++;
    str word = str_part(cursor->rest, 0, len);
    cursor->rest = str_part(cursor->rest, len, cursor->rest.len);
    return word;
}

/* The text between two quotes, of which the first is taken: \\, \" and \n are escapes. */
static bool take_quoted(struct cursor *cursor, str *out)
{
    str rest = cursor->rest;
    size_t end = 0, len = 0;
    bool escapes = false;

    while (end < rest.len && rest.data[end] != '"') {
        escapes = escapes || rest.data[end] == '\\';
        end += rest.data[end] == '\\' ? 2 : 1;
    }
    if (end >= rest.len) return false;
    cursor->rest = str_part(rest, end + 1, rest.len);
    *out = str_part(rest, 0, end);
    if (!escapes) return true;
    char *text = arena_alloc(cursor->arena, end);
    for (size_t i = 0; i < end; i++) {
        char c = rest.data[i];
        if (c == '\\' && ++i < end) c = rest.data[i] == 'n' ? '\n' : rest.data[i];
        text[len++] = c;
    }
    *out = str_make(text, len);
    return true;
}

/* What stands between braces, of which the first is taken. A name in quotes without a value is the metric's. */
static bool take_labels(struct cursor *cursor, label *pairs, size_t *count)
{
    while (!take(cursor, '}')) {
        label pair = {STR(""), STR("")};
        bool quoted = take(cursor, '"');
        if (quoted ? !take_quoted(cursor, &pair.name) : (pair.name = take_word(cursor, "=,}{\"")).len == 0)
            return false;
        if (take(cursor, '=')) {
            if (!take(cursor, '"') || !take_quoted(cursor, &pair.value)) return false;
        } else if (quoted) {
            pair = (label){METRIC_NAME, pair.name};
        } else {
            return false;
        }
        if (*count == IMPORT_LABELS_MAX) return false;
        pairs[(*count)++] = pair;
        skip_blanks(cursor);
        if (!take(cursor, ',') && !str_starts_with(cursor->rest, STR("}"))) return false;
    }
    return true;
}

static bool read_time(const struct import *import, str word, int64_t *out)
{
    double seconds;

    if (!import->is_openmetrics) return str_to_int64(word, out);
    if (!str_to_double(word, &seconds) || !(fabs(seconds) < 9e15)) return false;
    *out = (int64_t)llround(seconds * 1000);
    return true;
}

static status add_exemplar(struct import *import, struct cursor *cursor, str series, int64_t time_ms)
{
    struct append_exemplar exemplar = {.series = series, .time_ms = time_ms};
    label pairs[IMPORT_LABELS_MAX];
    size_t count = 0;

    bool good = take(cursor, '{') && take_labels(cursor, pairs, &count) &&
                str_to_double(take_word(cursor, ""), &exemplar.value);
    str time = take_word(cursor, "");
    if (!good || (time.len && !read_time(import, time, &exemplar.time_ms))) {
        import_reject(import, "the exemplar can not be read");
        return ok();
    }
    TRY(batch_labels(import->batch, pairs, count, &exemplar.labels));
    return batch_add_exemplar(import->batch, &exemplar);
}

static status add_sample(struct import *import, str line)
{
    struct cursor cursor = {line, &import->batch->arena};
    int64_t time_ms = import->now_ms;
    double value;
    str series;

    import->pair_count = 0;
    str name = take_word(&cursor, "{");
    if (name.len) import_label(import, METRIC_NAME, name);
    if (take(&cursor, '{') && !take_labels(&cursor, import->pairs, &import->pair_count)) {
        import_reject(import, "the labels can not be read");
        return ok();
    }
    str word = take_word(&cursor, "#");
    if (!str_to_double(word, &value)) {
        import_reject(import, "the value is no number");
        return ok();
    }
    word = take_word(&cursor, "#");
    if (word.len && !read_time(import, word, &time_ms)) {
        import_reject(import, "the time is no number");
        return ok();
    }
    bool has_exemplar = import->is_openmetrics && take(&cursor, '#');
    if (!has_exemplar && take_word(&cursor, "").len) {
        import_reject(import, "there is more behind the time");
        return ok();
    }
    TRY(import_series(import, &series));
    TRY(batch_add_sample(import->batch, series, time_ms, double_bits(value)));
    return has_exemplar ? add_exemplar(import, &cursor, series, time_ms) : ok();
}

static enum metric_type type_of(str word)
{
    static const struct {
        str word;
        enum metric_type type;
    } types[] = {
        {STR("counter"), METRIC_COUNTER},
        {STR("gauge"), METRIC_GAUGE},
        {STR("histogram"), METRIC_HISTOGRAM},
        {STR("summary"), METRIC_SUMMARY},
        {STR("info"), METRIC_INFO},
        {STR("stateset"), METRIC_STATESET},
        {STR("gaugehistogram"), METRIC_GAUGE_HISTOGRAM},
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (str_equal(word, types[i].word)) return types[i].type;
    }
    return METRIC_UNKNOWN;
}

/* `# HELP`, `# TYPE` and `# UNIT` of one metric make one entry. */
static void note_comment(struct append_metadata *entry, struct cursor *cursor, bool *is_other)
{
    str word = take_word(cursor, "");
    bool is_help = str_equal(word, STR("HELP")), is_type = str_equal(word, STR("TYPE"));
    str name;

    *is_other = false;
    if (!is_help && !is_type && !str_equal(word, STR("UNIT"))) return;
    if (!take(cursor, '"')) {
        name = take_word(cursor, "");
    } else if (!take_quoted(cursor, &name)) {
        return;
    }
    skip_blanks(cursor);
    if (!str_equal(name, entry->metric)) {
        *is_other = true;
        return;
    }
    if (is_help) {
        entry->help = cursor->rest;
    } else if (is_type) {
        entry->type = type_of(str_trim(cursor->rest));
    } else {
        entry->unit = str_trim(cursor->rest);
    }
}

static status add_comment(struct import *import, struct append_metadata *entry, str line)
{
    struct cursor cursor = {str_part(line, 1, line.len), &import->batch->arena}, again = cursor;
    bool is_other;

    note_comment(entry, &cursor, &is_other);
    if (!is_other) return ok();
    TRY(batch_add_metadata(import->batch, entry));
    struct cursor name = again;
    take_word(&name, "");
    *entry = (struct append_metadata){METRIC_UNKNOWN, STR(""), STR(""), STR("")};
    if (!take(&name, '"')) {
        entry->metric = take_word(&name, "");
    } else if (!take_quoted(&name, &entry->metric)) {
        return ok();
    }
    note_comment(entry, &again, &is_other);
    return ok();
}

status import_text(struct import *import, str text)
{
    struct append_metadata entry = {METRIC_UNKNOWN, STR(""), STR(""), STR("")};

    while (text.len) {
        str line = str_trim(str_cut(&text, '\n'));
        import->line++;
        if (line.len == 0) continue;
        if (import->is_openmetrics && str_equal(line, STR("# EOF"))) break;
        if (line.data[0] == '#') {
            TRY(add_comment(import, &entry, line));
        } else {
            TRY(add_sample(import, line));
        }
    }
    return batch_add_metadata(import->batch, &entry);
}
