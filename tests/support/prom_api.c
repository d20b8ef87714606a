/* Queries to a server that speaks Prometheus' HTTP API; see prom_api.h. */
#include "tests/support/prom_api.h"

#include "storage/base/vec.h"

#include <curl/curl.h>
#include <jansson.h>
#include <math.h>

static str text_of(const json_t *json)
{
    return str_make(json_string_value(json), json_string_length(json));
}

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* {a="x", b="y"} of a JSON object. */
static str print_labels(json_t *metric, struct arena *arena)
{
    size_t count = json_object_size(metric), i = 0;
    str *pairs = arena_array(arena, str, count);
    const char *name;
    json_t *value;

    json_object_foreach(metric, name, value) pairs[i++] =
        arena_format(arena, "%s=\"%s\"", name, json_string_value(value));
    if (count) qsort(pairs, count, sizeof *pairs, compare_texts);
    str all = STR("{");
    for (i = 0; i < count; i++) all = arena_format(arena, "%.*s%s%.*s", STR_ARG(all), i ? ", " : "", STR_ARG(pairs[i]));
    return arena_format(arena, "%.*s}", STR_ARG(all));
}

static status read_point(json_t *pair, struct prom_point *out)
{
    const json_t *time = json_array_get(pair, 0), *value = json_array_get(pair, 1);

    if (json_array_size(pair) != 2 || !json_is_number(time) || !json_is_string(value) ||
        !str_to_double(text_of(value), &out->value))
        return status_make(STATUS_INVALID, "not a point: expected [time, \"value\"]");
    out->time_ms = llround(json_number_value(time) * 1000);
    return ok();
}

static status read_series(json_t *json, struct arena *arena, struct prom_series *out)
{
    json_t *values = json_object_get(json, "values"), *value = json_object_get(json, "value");
    size_t count = values ? json_array_size(values) : 1;

    if (json_object_get(json, "histogram") || json_object_get(json, "histograms"))
        return status_make(STATUS_UNSUPPORTED, "the answer holds native histograms");
    out->labels = print_labels(json_object_get(json, "metric"), arena);
    out->points = arena_array(arena, struct prom_point, count);
    out->point_count = count;
    for (size_t i = 0; i < count; i++) TRY(read_point(values ? json_array_get(values, i) : value, &out->points[i]));
    return ok();
}

static int compare_series(const void *a, const void *b)
{
    return str_compare(((const struct prom_series *)a)->labels, ((const struct prom_series *)b)->labels);
}

static status read_list(json_t *list, struct arena *arena, struct prom_result *out)
{
    if (!json_is_array(list)) return status_make(STATUS_INVALID, "the answer's result is not a list");
    out->series_count = json_array_size(list);
    out->series = arena_array(arena, struct prom_series, out->series_count);
    for (size_t i = 0; i < out->series_count; i++) TRY(read_series(json_array_get(list, i), arena, &out->series[i]));
    if (out->series_count) qsort(out->series, out->series_count, sizeof *out->series, compare_series);
    return ok();
}

static status read_scalar(json_t *pair, struct arena *arena, struct prom_result *out)
{
    out->series_count = 1;
    out->series = arena_zarray(arena, struct prom_series, 1);
    out->series->labels = STR("{}");
    out->series->points = arena_zarray(arena, struct prom_point, 1);
    out->series->point_count = 1;
    return read_point(pair, out->series->points);
}

static status read_data(json_t *data, struct arena *arena, struct prom_result *out)
{
    static const str kinds[] = {STR("vector"), STR("matrix"), STR("scalar"), STR("string")};
    str kind = text_of(json_object_get(data, "resultType"));
    json_t *result = json_object_get(data, "result");

    *out = (struct prom_result){0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!str_equal(kind, kinds[i])) continue;
        out->kind = (enum prom_kind)i;
        switch (out->kind) {
        case PROM_VECTOR:
        case PROM_MATRIX: return read_list(result, arena, out);
        case PROM_SCALAR: return read_scalar(result, arena, out);
        case PROM_STRING: out->text = arena_copy_str(arena, text_of(json_array_get(result, 1))); return ok();
        }
    }
    return status_make(STATUS_INVALID, "strange type of result \"%.*s\"", STR_ARG(kind));
}

static status read_answer(const struct http_answer *answer, struct arena *arena, struct prom_result *out)
{
    json_error_t error;
    json_t *root = json_loadb(answer->body.data ? answer->body.data : "", answer->body.len, 0, &error);
    status s;

    if (!root) {
        s = status_make(STATUS_INVALID, "answer %d is not JSON: %.*s", answer->code,
                        STR_ARG(str_part(answer->body, 0, 100)));
    } else if (answer->code != 200 || !str_equal(text_of(json_object_get(root, "status")), STR("success"))) {
        s = status_make(STATUS_INVALID, "answer %d, %.*s: %.*s", answer->code,
                        STR_ARG(text_of(json_object_get(root, "errorType"))),
                        STR_ARG(text_of(json_object_get(root, "error"))));
    } else {
        s = read_data(json_object_get(root, "data"), arena, out);
    }
    json_decref(root);
    return s;
}

static str escape(str text, struct arena *arena)
{
    char *escaped = curl_easy_escape(NULL, text.data, (int)text.len);
    str copy = arena_copy_str(arena, str_from(escaped));

    curl_free(escaped);
    return copy;
}

static status ask(struct http_client *client, str url, struct arena *arena, struct prom_result *out)
{
    struct http_answer answer;

    TRY(http_get(client, url.data, &answer));
    return read_answer(&answer, arena, out);
}

status prom_query(struct http_client *client, const char *base, str expression, int64_t time_ms, struct arena *arena,
                  struct prom_result *out)
{
    str url = arena_format(arena, "%s/api/v1/query?query=%.*s&time=%.3f", base, STR_ARG(escape(expression, arena)),
                           (double)time_ms / 1000);
    return ask(client, url, arena, out);
}

status prom_query_range(struct http_client *client, const char *base, str expression, struct prom_range range,
                        struct arena *arena, struct prom_result *out)
{
    str url = arena_format(arena, "%s/api/v1/query_range?query=%.*s&start=%.3f&end=%.3f&step=%.3f", base,
                           STR_ARG(escape(expression, arena)), (double)range.start_ms / 1000,
                           (double)range.end_ms / 1000, (double)range.step_ms / 1000);
    return ask(client, url, arena, out);
}

static bool values_agree(double a, double b, double tolerance)
{
    if (a == b || (isnan(a) && isnan(b))) return true;
    return isfinite(a) && isfinite(b) && fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

static str series_difference(const struct prom_series *left, const struct prom_series *right, double tolerance,
                             struct arena *arena)
{
    size_t common = left->point_count < right->point_count ? left->point_count : right->point_count;

    for (size_t i = 0; i < common; i++) {
        struct prom_point a = left->points[i], b = right->points[i];
        if (a.time_ms != b.time_ms)
            return arena_format(arena, "%.*s: point %zu is at %lld ms left, at %lld ms right", STR_ARG(left->labels), i,
                                (long long)a.time_ms, (long long)b.time_ms);
        if (!values_agree(a.value, b.value, tolerance))
            return arena_format(arena, "%.*s at %lld ms: %.17g left, %.17g right", STR_ARG(left->labels),
                                (long long)a.time_ms, a.value, b.value);
    }
    if (left->point_count != right->point_count)
        return arena_format(arena, "%.*s: %zu points left, %zu right", STR_ARG(left->labels), left->point_count,
                            right->point_count);
    return STR("");
}

str prom_difference(const struct prom_result *left, const struct prom_result *right, double tolerance,
                    struct arena *arena)
{
    if (left->kind != right->kind) return STR("the results are of different types");
    if (!str_equal(left->text, right->text))
        return arena_format(arena, "\"%.*s\" left, \"%.*s\" right", STR_ARG(left->text), STR_ARG(right->text));
    for (size_t i = 0; i < left->series_count || i < right->series_count; i++) {
        const struct prom_series *a = i < left->series_count ? &left->series[i] : NULL;
        const struct prom_series *b = i < right->series_count ? &right->series[i] : NULL;
        int order = !a ? 1 : !b ? -1 : str_compare(a->labels, b->labels);
        if (order != 0)
            return arena_format(arena, "%.*s is only %s (%zu series left, %zu right)",
                                STR_ARG(order < 0 ? a->labels : b->labels), order < 0 ? "left" : "right",
                                left->series_count, right->series_count);
        str difference = series_difference(a, b, tolerance, arena);
        if (difference.len) return difference;
    }
    return STR("");
}
