/* Influx' line protocol; see import.h.
 *
 *     measurement,tag=value,tag=value field=1,other=2i,flag=t,text="not kept" 1435781451000000000
 *
 * A field becomes the metric measurement_field; tags are labels. Texts are no numbers and are passed over. Commas,
 * blanks and `=` in names are escaped by a backslash. */
#include "http/import.h"

enum { NS_PER_MS = 1000000 };

/* Cuts up to one of the delimiters, which stays; undoes escapes. */
static str take(str *rest, const char *delimiters, struct arena *arena)
{
    size_t end = 0, len = 0;
    bool escapes = false;

    while (end < rest->len && !strchr(delimiters, rest->data[end])) {
        bool escape = rest->data[end] == '\\' && end + 1 < rest->len;
        escapes = escapes || escape;
        end += escape ? 2 : 1;
    }
    str raw = str_part(*rest, 0, end);
    *rest = str_part(*rest, end, rest->len);
    if (!escapes) return raw;
    char *text = arena_alloc(arena, raw.len);
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] == '\\' && i + 1 < raw.len && strchr(", =\"\\", raw.data[i + 1])) i++;
        text[len++] = raw.data[i];
    }
    return str_make(text, len);
}

static bool take_byte(str *rest, char byte)
{
    if (rest->len == 0 || rest->data[0] != byte) return false;
    *rest = str_part(*rest, 1, rest->len);
    return true;
}

/* Passes over a text in quotes, of which the first is taken; false if it does not end. */
static bool skip_text(str *rest)
{
    size_t i = 0;

    while (i < rest->len && rest->data[i] != '"') i += rest->data[i] == '\\' ? 2 : 1;
    if (i >= rest->len) return false;
    *rest = str_part(*rest, i + 1, rest->len);
    return true;
}

/* 1.5, 2i, 3u, t, true, F … */
static bool read_value(str text, double *out)
{
    static const char *const yes[] = {"t", "T", "true", "True", "TRUE"}, *const no[] = {"f", "F", "false", "False",
                                                                                        "FALSE"};

    for (size_t i = 0; i < 5; i++) {
        if (str_equal(text, str_from(yes[i]))) return *out = 1, true;
        if (str_equal(text, str_from(no[i]))) return *out = 0, true;
    }
    if (str_ends_with(text, STR("i")) || str_ends_with(text, STR("u"))) text.len--;
    return str_to_double(text, out);
}

struct line_fields {
    str names[IMPORT_LABELS_MAX];
    double values[IMPORT_LABELS_MAX];
    size_t count;
};

static const char *read_fields(str *rest, struct line_fields *out, struct arena *arena)
{
    out->count = 0;
    do {
        str name = take(rest, "= ", arena);
        double value;
        if (name.len == 0 || !take_byte(rest, '=')) return "a field has no value";
        if (take_byte(rest, '"')) {
            if (!skip_text(rest)) return "a text does not end";
            continue;
        }
        if (!read_value(take(rest, ", ", arena), &value)) return "a field is no number";
        if (out->count == IMPORT_LABELS_MAX) return "too many fields";
        out->names[out->count] = name;
        out->values[out->count++] = value;
    } while (take_byte(rest, ','));
    return NULL;
}

/* The tags, which follow the measurement, and the database. */
static const char *read_tags(struct import *import, str *rest)
{
    struct arena *arena = &import->batch->arena;
    bool has_db = import->influx_db.len == 0;

    while (take_byte(rest, ',')) {
        str name = take(rest, "=, ", arena);
        if (name.len == 0 || !take_byte(rest, '=')) return "a tag has no value";
        if (!import_label(import, name, take(rest, ", ", arena))) return "too many tags";
        has_db = has_db || str_equal(name, STR("db"));
    }
    return has_db || import_label(import, STR("db"), import->influx_db) ? NULL : "too many tags";
}

/* Why a line can not be taken, or NULL. */
static const char *read_line(struct import *import, str rest, struct line_fields *fields, str *measurement,
                             int64_t *time_ms)
{
    struct arena *arena = &import->batch->arena;
    int64_t number, unit = import->influx_ns ? import->influx_ns : 1;

    import->pair_count = 0;
    *measurement = take(&rest, ", ", arena);
    if (measurement->len == 0) return "there is no measurement";
    const char *why = read_tags(import, &rest);
    if (why) return why;
    if (!take_byte(&rest, ' ')) return "there are no fields";
    if ((why = read_fields(&rest, fields, arena))) return why;
    rest = str_trim(rest);
    if (rest.len == 0) return NULL;
    __int128 ns = str_to_int64(rest, &number) ? (__int128)number * unit : 0;
    if (ns == 0 && !str_equal(rest, STR("0"))) return "the time is no number";
    if (ns / NS_PER_MS > INT64_MAX || ns / NS_PER_MS < INT64_MIN) return "the time is out of range";
    *time_ms = (int64_t)(ns / NS_PER_MS);
    return NULL;
}

static status add_line(struct import *import, str line)
{
    struct line_fields fields;
    int64_t time_ms = import->now_ms;
    str measurement, series;

    const char *why = read_line(import, line, &fields, &measurement, &time_ms);
    if (why) {
        import_reject(import, why);
        return ok();
    }
    size_t base = import->pair_count;
    for (size_t i = 0; i < fields.count; i++) {
        str name = arena_format(&import->batch->arena, "%.*s_%.*s", STR_ARG(measurement), STR_ARG(fields.names[i]));
        import->pair_count = base;
        if (!import_label(import, METRIC_NAME, name)) {
            import_reject(import, "too many tags");
            return ok();
        }
        TRY(import_series(import, &series));
        TRY(batch_add_sample(import->batch, series, time_ms, double_bits(fields.values[i])));
    }
    return ok();
}

status import_influx(struct import *import, str text)
{
    while (text.len) {
        str line = str_trim(str_cut(&text, '\n'));
        import->line++;
        if (line.len && line.data[0] != '#') TRY(add_line(import, line));
    }
    return ok();
}
