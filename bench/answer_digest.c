/* A digest of a Prometheus API answer; see answer_digest.h. */
#include "bench/answer_digest.h"

#include "storage/base/hash.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t hash_text(const json_t *text)
{
    return hash_bytes(json_string_value(text), json_string_length(text));
}

/* A sum, so the order of the labels does not matter. */
static uint64_t hash_labels(json_t *labels)
{
    uint64_t sum = 0;
    const char *name;
    json_t *value;

    json_object_foreach(labels, name, value) sum += hash_mix(hash_bytes(name, strlen(name)), hash_text(value));
    return hash_mix(sum, json_object_size(labels));
}

static uint64_t hash_point(const json_t *point)
{
    char text[64];
    const char *value = json_string_value(json_array_get(point, 1));
    int len = snprintf(text, sizeof text, "%.3f %.6g", json_number_value(json_array_get(point, 0)),
                       value ? strtod(value, NULL) : 0);

    return hash_bytes(text, (size_t)len);
}

static uint64_t hash_series(json_t *series, size_t *points)
{
    json_t *values = json_object_get(series, "values"), *value = json_object_get(series, "value");
    uint64_t hash = hash_labels(json_object_get(series, "metric"));

    if (value) hash = hash_mix(hash, hash_point(value));
    for (size_t i = 0; i < json_array_size(values); i++) hash = hash_mix(hash, hash_point(json_array_get(values, i)));
    *points += json_array_size(values) + (value != NULL);
    return hash;
}

/* The items of a list come in any order: a sum again. */
static void add_items(json_t *list, struct answer_digest *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        out->hash += json_is_string(item)              ? hash_text(item)
                     : json_object_get(item, "metric") ? hash_series(item, &out->points)
                                                       : hash_labels(item);
    }
    out->items = json_array_size(list);
}

status answer_digest_make(str body, struct answer_digest *out)
{
    json_error_t error;
    json_t *root = json_loadb(body.data, body.len, 0, &error), *data = json_object_get(root, "data");
    const char *outcome = json_string_value(json_object_get(root, "status"));

    *out = (struct answer_digest){0};
    if (!outcome || strcmp(outcome, "success") != 0) {
        json_decref(root);
        return status_make(STATUS_INVALID, "not a successful answer: %.*s", STR_ARG(str_part(body, 0, 200)));
    }
    if (json_is_array(data)) {
        add_items(data, out);
    } else if (json_is_string(json_array_get(json_object_get(data, "result"), 1))) { /* scalar or string */
        out->hash = hash_point(json_object_get(data, "result"));
    } else {
        add_items(json_object_get(data, "result"), out);
    }
    json_decref(root);
    return ok();
}
