/* JSON lines as VictoriaMetrics exports them; see import.h.
 *
 *     {"metric":{"__name__":"up","job":"x"},"values":[1,0],"timestamps":[1435781451781,1435781466781]}
 *
 * A null is a marker that the series has ended; "NaN", "Infinity" and "-Infinity" come as texts. Two additions of our
 * own: a line has "histograms" (histogram_json.h) in place of values where the samples are native histograms, and
 * "start_timestamps" where samples have start times.
 */
#include "http/histogram_json.h"
#include "http/import.h"

#include "tsdb/samples.h"

#include <jansson.h>

static bool read_value(const json_t *value, double *out)
{
    if (!json_is_null(value)) return histogram_json_read_number(value, out);
    *out = double_from_bits(STALE_NAN_BITS);
    return true;
}

static const char *read_histogram(struct import *import, const json_t *value, const struct histogram **out)
{
    if (!json_is_null(value)) return histogram_json_read(value, &import->batch->arena, out);
    struct histogram *stale = arena_zalloc(&import->batch->arena, sizeof *stale);
    stale->is_integer = true;
    stale->sum = double_from_bits(STALE_NAN_BITS);
    *out = stale;
    return NULL;
}

static str copy_text(struct import *import, const char *text, size_t len)
{
    return arena_copy_str(&import->batch->arena, str_make(text, len));
}

/* The columns of a line. */
struct columns {
    const json_t *values, *histograms, *times, *starts;
};

static const char *find_columns(const json_t *root, struct columns *out)
{
    *out = (struct columns){json_object_get(root, "values"), json_object_get(root, "histograms"),
                            json_object_get(root, "timestamps"), json_object_get(root, "start_timestamps")};
    const json_t *samples_of = out->histograms ? out->histograms : out->values;
    if (out->histograms && out->values) return "there are both values and histograms";
    if (!json_is_array(samples_of) || !json_is_array(out->times)) return "values and timestamps must be lists";
    if (json_array_size(samples_of) != json_array_size(out->times)) return "there are not as many values as timestamps";
    if (out->starts && json_array_size(out->starts) != json_array_size(out->times))
        return "there are not as many start_timestamps as timestamps";
    return NULL;
}

static const char *read_sample(struct import *import, const struct columns *columns, size_t i, struct rich_sample *out)
{
    const json_t *time = json_array_get(columns->times, i), *start = json_array_get(columns->starts, i);

    if (!json_is_integer(time)) return "a timestamp is no integer";
    if (start && !json_is_integer(start)) return "a start timestamp is no integer";
    *out = (struct rich_sample){.time_ms = json_integer_value(time), .start_ms = json_integer_value(start)};
    if (!columns->histograms)
        return read_value(json_array_get(columns->values, i), &out->value) ? NULL : "a value is no number";
    const char *why = read_histogram(import, json_array_get(columns->histograms, i), &out->histogram);
    if (!why) out->value = out->histogram->sum;
    return why;
}

/* Why a line can not be taken, or NULL. It is taken as a whole or not at all. */
static const char *read_line(struct import *import, json_t *root, status *outcome)
{
    json_t *metric = json_object_get(root, "metric"), *value;
    struct write_batch *batch = import->batch;
    struct columns columns;
    const char *name, *why;
    str series;

    if (!json_is_object(metric)) return "metric must be an object";
    if ((why = find_columns(root, &columns))) return why;
    import->pair_count = 0;
    json_object_foreach(metric, name, value)
    {
        if (!json_is_string(value)) return "a label is no text";
        if (!import_label(import, copy_text(import, name, strlen(name)),
                          copy_text(import, json_string_value(value), json_string_length(value))))
            return "too many labels";
    }
    size_t count = json_array_size(columns.times);
    struct rich_sample *list = arena_array(&batch->arena, struct rich_sample, count);
    for (size_t i = 0; i < count; i++) {
        if ((why = read_sample(import, &columns, i, &list[i]))) return why;
    }
    *outcome = import_series(import, &series);
    for (size_t i = 0; i < count && !failed(*outcome); i++) *outcome = batch_add_rich_sample(batch, series, &list[i]);
    return NULL;
}

status import_json(struct import *import, str text)
{
    status s = ok();

    while (text.len && !failed(s)) {
        str line = str_trim(str_cut(&text, '\n'));
        json_error_t error;
        import->line++;
        if (line.len == 0) continue;
        json_t *root = json_loadb(line.data, line.len, 0, &error);
        const char *why = root ? read_line(import, root, &s) : "no JSON";
        if (why) import_reject(import, why);
        json_decref(root);
    }
    write_batch_lay_out(import->batch);
    return s;
}
