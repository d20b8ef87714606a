/* JSON lines as VictoriaMetrics exports them; see import.h.
 *
 *     {"metric":{"__name__":"up","job":"x"},"values":[1,0],"timestamps":[1435781451781,1435781466781]}
 *
 * A null is a marker that the series has ended; "NaN", "Infinity" and "-Infinity" come as texts.
 */
#include "http/import.h"

#include "tsdb/samples.h"

#include <jansson.h>

static bool read_value(const json_t *value, uint64_t *bits)
{
    double number = 0;

    if (json_is_null(value)) {
        *bits = STALE_NAN_BITS;
        return true;
    }
    bool good = json_is_number(value) ||
                (json_is_string(value) &&
                 str_to_double(str_make(json_string_value(value), json_string_length(value)), &number));
    if (json_is_number(value)) number = json_number_value(value);
    *bits = double_bits(number);
    return good;
}

static str copy_text(struct import *import, const char *text, size_t len)
{
    return arena_copy_str(&import->batch->arena, str_make(text, len));
}

/* Why a line can not be taken, or NULL. */
static const char *read_line(struct import *import, json_t *root, status *outcome)
{
    json_t *metric = json_object_get(root, "metric"), *values = json_object_get(root, "values");
    json_t *times = json_object_get(root, "timestamps"), *value;
    const char *name;
    str series;

    if (!json_is_object(metric)) return "metric must be an object";
    if (!json_is_array(values) || !json_is_array(times)) return "values and timestamps must be lists";
    if (json_array_size(values) != json_array_size(times)) return "there are not as many values as timestamps";
    import->pair_count = 0;
    json_object_foreach(metric, name, value)
    {
        if (!json_is_string(value)) return "a label is no text";
        if (!import_label(import, copy_text(import, name, strlen(name)),
                          copy_text(import, json_string_value(value), json_string_length(value))))
            return "too many labels";
    }
    for (size_t i = 0; i < json_array_size(values); i++) {
        uint64_t bits;
        if (!read_value(json_array_get(values, i), &bits)) return "a value is no number";
        if (!json_is_integer(json_array_get(times, i))) return "a timestamp is no integer";
    }
    *outcome = import_series(import, &series);
    for (size_t i = 0; i < json_array_size(values) && !failed(*outcome); i++) {
        uint64_t bits;
        read_value(json_array_get(values, i), &bits);
        *outcome = batch_add_sample(import->batch, series, json_integer_value(json_array_get(times, i)), bits);
    }
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
    return s;
}
