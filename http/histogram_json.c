/* Native histograms in JSON lines; see histogram_json.h. */
#include "http/histogram_json.h"

#include "http/json.h"
#include "storage/base/number.h"

#include <jansson.h>
#include <math.h>

static const str hints[] = {
    [HISTOGRAM_UNKNOWN] = STR("unknown"),
    [HISTOGRAM_RESET] = STR("reset"),
    [HISTOGRAM_NOT_RESET] = STR("not_reset"),
    [HISTOGRAM_GAUGE] = STR("gauge"),
};

void histogram_json_write_number(double value, struct writer *w)
{
    if (isnan(value)) {
        json_put_raw(w, "\"NaN\"");
    } else if (isinf(value)) {
        if (value > 0) {
            json_put_raw(w, "\"Infinity\"");
        } else {
            json_put_raw(w, "\"-Infinity\"");
        }
    } else {
        w->count += number_format(value, NUMBER_JSON, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
    }
}

static void put_buckets(const struct bucket_list *side, struct writer *w)
{
    for (uint32_t i = 0; i < side->count; i++) {
        writer_u8(w, i ? ',' : '[');
        writer_u8(w, '[');
        json_put_signed(w, side->indexes[i]);
        writer_u8(w, ',');
        histogram_json_write_number(side->counts[i], w);
        writer_u8(w, ']');
    }
    writer_u8(w, ']');
}

void histogram_json_write(const struct histogram *h, struct writer *w)
{
    json_put_raw(w, "{\"integer\":");
    if (h->is_integer) {
        json_put_raw(w, "true,\"schema\":");
    } else {
        json_put_raw(w, "false,\"schema\":");
    }
    json_put_signed(w, h->schema);
    json_put_raw(w, ",\"count\":");
    histogram_json_write_number(h->count, w);
    json_put_raw(w, ",\"sum\":");
    histogram_json_write_number(h->sum, w);
    if (h->zero_threshold != 0) {
        json_put_raw(w, ",\"z_bucket_w\":");
        histogram_json_write_number(h->zero_threshold, w);
    }
    if (h->zero_count != 0) {
        json_put_raw(w, ",\"z_bucket\":");
        histogram_json_write_number(h->zero_count, w);
    }
    if (h->positive.count) {
        json_put_raw(w, ",\"buckets\":");
        put_buckets(&h->positive, w);
    }
    if (h->negative.count) {
        json_put_raw(w, ",\"n_buckets\":");
        put_buckets(&h->negative, w);
    }
    for (uint32_t i = 0; i < h->bound_count; i++) {
        if (i) {
            writer_u8(w, ',');
        } else {
            json_put_raw(w, ",\"custom_values\":[");
        }
        histogram_json_write_number(h->bounds[i], w);
    }
    if (h->bound_count) writer_u8(w, ']');
    if (h->hint != HISTOGRAM_UNKNOWN) {
        json_put_raw(w, ",\"counter_reset_hint\":");
        json_put_string(w, hints[h->hint]);
    }
    writer_u8(w, '}');
}

bool histogram_json_read_number(const json_t *value, double *out)
{
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    return json_is_string(value) && str_to_double(str_make(json_string_value(value), json_string_length(value)), out);
}

static bool read_member(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);

    *out = 0;
    return !value || histogram_json_read_number(value, out);
}

static bool read_buckets(const json_t *list, struct arena *arena, struct bucket_list *out)
{
    size_t count = json_array_size(list);

    if (list && (!json_is_array(list) || count > HISTOGRAM_BUCKETS_MAX)) return false;
    int32_t *indexes = arena_array(arena, int32_t, count);
    double *counts = arena_array(arena, double, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i), *index = json_array_get(pair, 0);
        if (json_array_size(pair) != 2 || !json_is_integer(index)) return false;
        json_int_t at = json_integer_value(index);
        if (at < INT32_MIN || at > INT32_MAX || (i && at <= indexes[i - 1])) return false;
        indexes[i] = (int32_t)at;
        if (!histogram_json_read_number(json_array_get(pair, 1), &counts[i])) return false;
    }
    *out = (struct bucket_list){(uint32_t)count, indexes, counts};
    return true;
}

static bool read_bounds(const json_t *list, struct arena *arena, struct histogram *h)
{
    size_t count = json_array_size(list);

    if (list && (!json_is_array(list) || count > HISTOGRAM_BUCKETS_MAX)) return false;
    double *bounds = arena_array(arena, double, count);
    for (size_t i = 0; i < count; i++) {
        if (!histogram_json_read_number(json_array_get(list, i), &bounds[i])) return false;
    }
    h->bounds = count ? bounds : NULL;
    h->bound_count = (uint32_t)count;
    return true;
}

static bool read_hint(const json_t *hint, struct histogram *h)
{
    if (!hint) return true;
    str text = str_make(json_string_value(hint), json_string_length(hint));
    for (uint8_t i = 0; json_is_string(hint) && i < sizeof hints / sizeof *hints; i++) {
        if (!str_equal(text, hints[i])) continue;
        h->hint = i;
        return true;
    }
    return false;
}

static bool is_whole(const struct bucket_list *side)
{
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->counts[i] != floor(side->counts[i])) return false;
    }
    return true;
}

const char *histogram_json_read(const json_t *object, struct arena *arena, const struct histogram **out)
{
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    const json_t *schema = json_object_get(object, "schema");

    if (!json_is_object(object)) return "a histogram is no object";
    if (schema && !json_is_integer(schema)) return "a histogram's schema is no integer";
    json_int_t number = json_integer_value(schema);
    h->schema = (int8_t)(number < INT8_MIN || number > INT8_MAX ? INT8_MAX : number);
    h->is_integer = json_is_true(json_object_get(object, "integer"));
    if (!read_member(object, "count", &h->count) || !read_member(object, "sum", &h->sum) ||
        !read_member(object, "z_bucket", &h->zero_count) || !read_member(object, "z_bucket_w", &h->zero_threshold))
        return "a number of a histogram is none";
    if (!read_buckets(json_object_get(object, "buckets"), arena, &h->positive) ||
        !read_buckets(json_object_get(object, "n_buckets"), arena, &h->negative))
        return "the buckets of a histogram are no pairs of rising indexes and counts";
    if (!read_bounds(json_object_get(object, "custom_values"), arena, h)) return "custom_values is no list of numbers";
    if (!read_hint(json_object_get(object, "counter_reset_hint"), h)) return "counter_reset_hint is none";
    if (h->is_integer && (h->count != floor(h->count) || h->zero_count != floor(h->zero_count) ||
                          !is_whole(&h->positive) || !is_whole(&h->negative)))
        return "a histogram of integers has a count that is none";
    *out = histogram_compact(h, arena);
    return NULL;
}
