/* OpenTelemetry's JSON as its protobuf; see otlp_json.h.
 *
 * The mapping of proto3, with a difference of OTLP: ids of traces and spans are hexadecimal. Enums are numbers, or
 * their names, which some write. Integers of 64 bits come as texts or as numbers; fields that are not known are left
 * out, and null is absence.
 */
#include "http/otlp_json.h"

#include "http/protobuf.h"

#include <jansson.h>

enum { DEPTH_MAX = 64 };

enum field_kind {
    KIND_STRING,
    KIND_HEX,    /* bytes in hexadecimal */
    KIND_BASE64, /* bytes */
    KIND_BOOL,
    KIND_TEMPORALITY, /* an enum */
    KIND_VARINT,
    KIND_ZIGZAG,
    KIND_FIXED64,
    KIND_DOUBLE,
    KIND_MESSAGE
};

enum message_kind {
    REQUEST,
    RESOURCE_METRICS,
    RESOURCE,
    SCOPE_METRICS,
    SCOPE,
    METRIC,
    GAUGE,
    SUM,
    HISTOGRAM,
    EXPONENTIAL,
    SUMMARY,
    NUMBER_POINT,
    HISTOGRAM_POINT,
    EXPONENTIAL_POINT,
    BUCKETS,
    SUMMARY_POINT,
    QUANTILE,
    EXEMPLAR,
    KEY_VALUE,
    ANY_VALUE,
    ARRAY_VALUE,
    MAP_VALUE
};

/* The fields of all messages. Lists of numbers are packed. */
static const struct json_field {
    enum message_kind of;
    const char *name;
    unsigned number;
    enum field_kind kind;
    enum message_kind message; /* of KIND_MESSAGE */
} fields[] = {
    {REQUEST, "resourceMetrics", 1, KIND_MESSAGE, RESOURCE_METRICS},
    {RESOURCE_METRICS, "resource", 1, KIND_MESSAGE, RESOURCE},
    {RESOURCE_METRICS, "scopeMetrics", 2, KIND_MESSAGE, SCOPE_METRICS},
    {RESOURCE, "attributes", 1, KIND_MESSAGE, KEY_VALUE},
    {SCOPE_METRICS, "scope", 1, KIND_MESSAGE, SCOPE},
    {SCOPE_METRICS, "metrics", 2, KIND_MESSAGE, METRIC},
    {SCOPE_METRICS, "schemaUrl", 3, KIND_STRING, 0},
    {SCOPE, "name", 1, KIND_STRING, 0},
    {SCOPE, "version", 2, KIND_STRING, 0},
    {SCOPE, "attributes", 3, KIND_MESSAGE, KEY_VALUE},
    {METRIC, "name", 1, KIND_STRING, 0},
    {METRIC, "description", 2, KIND_STRING, 0},
    {METRIC, "unit", 3, KIND_STRING, 0},
    {METRIC, "gauge", 5, KIND_MESSAGE, GAUGE},
    {METRIC, "sum", 7, KIND_MESSAGE, SUM},
    {METRIC, "histogram", 9, KIND_MESSAGE, HISTOGRAM},
    {METRIC, "exponentialHistogram", 10, KIND_MESSAGE, EXPONENTIAL},
    {METRIC, "summary", 11, KIND_MESSAGE, SUMMARY},
    {GAUGE, "dataPoints", 1, KIND_MESSAGE, NUMBER_POINT},
    {SUM, "dataPoints", 1, KIND_MESSAGE, NUMBER_POINT},
    {SUM, "aggregationTemporality", 2, KIND_TEMPORALITY, 0},
    {SUM, "isMonotonic", 3, KIND_BOOL, 0},
    {HISTOGRAM, "dataPoints", 1, KIND_MESSAGE, HISTOGRAM_POINT},
    {HISTOGRAM, "aggregationTemporality", 2, KIND_TEMPORALITY, 0},
    {EXPONENTIAL, "dataPoints", 1, KIND_MESSAGE, EXPONENTIAL_POINT},
    {EXPONENTIAL, "aggregationTemporality", 2, KIND_TEMPORALITY, 0},
    {SUMMARY, "dataPoints", 1, KIND_MESSAGE, SUMMARY_POINT},
    {NUMBER_POINT, "startTimeUnixNano", 2, KIND_FIXED64, 0},
    {NUMBER_POINT, "timeUnixNano", 3, KIND_FIXED64, 0},
    {NUMBER_POINT, "asDouble", 4, KIND_DOUBLE, 0},
    {NUMBER_POINT, "exemplars", 5, KIND_MESSAGE, EXEMPLAR},
    {NUMBER_POINT, "asInt", 6, KIND_FIXED64, 0},
    {NUMBER_POINT, "attributes", 7, KIND_MESSAGE, KEY_VALUE},
    {NUMBER_POINT, "flags", 8, KIND_VARINT, 0},
    {HISTOGRAM_POINT, "startTimeUnixNano", 2, KIND_FIXED64, 0},
    {HISTOGRAM_POINT, "timeUnixNano", 3, KIND_FIXED64, 0},
    {HISTOGRAM_POINT, "count", 4, KIND_FIXED64, 0},
    {HISTOGRAM_POINT, "sum", 5, KIND_DOUBLE, 0},
    {HISTOGRAM_POINT, "bucketCounts", 6, KIND_FIXED64, 0},
    {HISTOGRAM_POINT, "explicitBounds", 7, KIND_DOUBLE, 0},
    {HISTOGRAM_POINT, "exemplars", 8, KIND_MESSAGE, EXEMPLAR},
    {HISTOGRAM_POINT, "attributes", 9, KIND_MESSAGE, KEY_VALUE},
    {HISTOGRAM_POINT, "flags", 10, KIND_VARINT, 0},
    {HISTOGRAM_POINT, "min", 11, KIND_DOUBLE, 0},
    {HISTOGRAM_POINT, "max", 12, KIND_DOUBLE, 0},
    {EXPONENTIAL_POINT, "attributes", 1, KIND_MESSAGE, KEY_VALUE},
    {EXPONENTIAL_POINT, "startTimeUnixNano", 2, KIND_FIXED64, 0},
    {EXPONENTIAL_POINT, "timeUnixNano", 3, KIND_FIXED64, 0},
    {EXPONENTIAL_POINT, "count", 4, KIND_FIXED64, 0},
    {EXPONENTIAL_POINT, "sum", 5, KIND_DOUBLE, 0},
    {EXPONENTIAL_POINT, "scale", 6, KIND_ZIGZAG, 0},
    {EXPONENTIAL_POINT, "zeroCount", 7, KIND_FIXED64, 0},
    {EXPONENTIAL_POINT, "positive", 8, KIND_MESSAGE, BUCKETS},
    {EXPONENTIAL_POINT, "negative", 9, KIND_MESSAGE, BUCKETS},
    {EXPONENTIAL_POINT, "flags", 10, KIND_VARINT, 0},
    {EXPONENTIAL_POINT, "exemplars", 11, KIND_MESSAGE, EXEMPLAR},
    {EXPONENTIAL_POINT, "zeroThreshold", 14, KIND_DOUBLE, 0},
    {BUCKETS, "offset", 1, KIND_ZIGZAG, 0},
    {BUCKETS, "bucketCounts", 2, KIND_VARINT, 0},
    {SUMMARY_POINT, "startTimeUnixNano", 2, KIND_FIXED64, 0},
    {SUMMARY_POINT, "timeUnixNano", 3, KIND_FIXED64, 0},
    {SUMMARY_POINT, "count", 4, KIND_FIXED64, 0},
    {SUMMARY_POINT, "sum", 5, KIND_DOUBLE, 0},
    {SUMMARY_POINT, "quantileValues", 6, KIND_MESSAGE, QUANTILE},
    {SUMMARY_POINT, "attributes", 7, KIND_MESSAGE, KEY_VALUE},
    {SUMMARY_POINT, "flags", 8, KIND_VARINT, 0},
    {QUANTILE, "quantile", 1, KIND_DOUBLE, 0},
    {QUANTILE, "value", 2, KIND_DOUBLE, 0},
    {EXEMPLAR, "timeUnixNano", 2, KIND_FIXED64, 0},
    {EXEMPLAR, "asDouble", 3, KIND_DOUBLE, 0},
    {EXEMPLAR, "spanId", 4, KIND_HEX, 0},
    {EXEMPLAR, "traceId", 5, KIND_HEX, 0},
    {EXEMPLAR, "asInt", 6, KIND_FIXED64, 0},
    {EXEMPLAR, "filteredAttributes", 7, KIND_MESSAGE, KEY_VALUE},
    {KEY_VALUE, "key", 1, KIND_STRING, 0},
    {KEY_VALUE, "value", 2, KIND_MESSAGE, ANY_VALUE},
    {ANY_VALUE, "stringValue", 1, KIND_STRING, 0},
    {ANY_VALUE, "boolValue", 2, KIND_BOOL, 0},
    {ANY_VALUE, "intValue", 3, KIND_VARINT, 0},
    {ANY_VALUE, "doubleValue", 4, KIND_DOUBLE, 0},
    {ANY_VALUE, "arrayValue", 5, KIND_MESSAGE, ARRAY_VALUE},
    {ANY_VALUE, "kvlistValue", 6, KIND_MESSAGE, MAP_VALUE},
    {ANY_VALUE, "bytesValue", 7, KIND_BASE64, 0},
    {ARRAY_VALUE, "values", 1, KIND_MESSAGE, ANY_VALUE},
    {MAP_VALUE, "values", 1, KIND_MESSAGE, KEY_VALUE},
};

static status wrong(const struct json_field *field, const char *wanted)
{
    return status_make(STATUS_INVALID, "%s must be %s", field->name, wanted);
}

static status read_integer(const struct json_field *field, const json_t *value, uint64_t *out)
{
    int64_t number;

    if (json_is_integer(value)) {
        *out = (uint64_t)json_integer_value(value);
        return ok();
    }
    if (json_is_real(value) && json_real_value(value) == (double)(int64_t)json_real_value(value)) {
        *out = (uint64_t)(int64_t)json_real_value(value);
        return ok();
    }
    str text = str_make(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || (!str_to_uint64(text, out) && !str_to_int64(text, &number)))
        return wrong(field, "an integer");
    if (text.data[0] == '-' && str_to_int64(text, &number)) *out = (uint64_t)number;
    return ok();
}

static status read_temporality(const struct json_field *field, const json_t *value, uint64_t *out)
{
    static const char *const names[] = {"AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA",
                                        "AGGREGATION_TEMPORALITY_CUMULATIVE"};

    for (*out = 0; *out < 3; ++*out) {
        if (json_is_string(value) && strcmp(json_string_value(value), names[*out]) == 0) return ok();
    }
    return read_integer(field, value, out);
}

static status read_double(const struct json_field *field, const json_t *value, double *out)
{
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return ok();
    }
    if (json_is_string(value) && str_to_double(str_make(json_string_value(value), json_string_length(value)), out))
        return ok();
    return wrong(field, "a number");
}

static int digit_of(char c, bool is_hex)
{
    if (is_hex) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    }
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Digits of 4 or 6 bits to bytes. */
static status read_bytes(const struct json_field *field, const json_t *value, struct writer *out)
{
    bool is_hex = field->kind == KIND_HEX;
    unsigned width = is_hex ? 4 : 6, count = 0;
    uint32_t bits = 0;

    if (!json_is_string(value)) return wrong(field, "a text");
    str text = str_make(json_string_value(value), json_string_length(value));
    while (!is_hex && str_ends_with(text, STR("="))) text.len--;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.data[i], is_hex);
        if (digit < 0) return wrong(field, is_hex ? "hexadecimal" : "base64");
        bits = bits << width | (uint32_t)digit;
        count += width;
        if (count < 8) continue;
        count -= 8;
        writer_u8(out, (uint8_t)(bits >> count));
    }
    return ok();
}

static status put_message(const json_t *object, enum message_kind kind, unsigned depth, struct writer *out);

/* The value without its tag. */
static status put_value(const struct json_field *field, const json_t *value, unsigned depth, struct writer *out)
{
    uint64_t integer = 0;
    double number = 0;

    switch (field->kind) {
    case KIND_STRING:
        if (!json_is_string(value)) return wrong(field, "a text");
        writer_bytes(out, json_string_value(value), json_string_length(value));
        return ok();
    case KIND_HEX:
    case KIND_BASE64: return read_bytes(field, value, out);
    case KIND_MESSAGE: return put_message(value, field->message, depth, out);
    case KIND_BOOL:
        if (!json_is_boolean(value)) return wrong(field, "true or false");
        writer_varint(out, json_is_true(value));
        return ok();
    case KIND_TEMPORALITY:
        TRY(read_temporality(field, value, &integer));
        writer_varint(out, integer);
        return ok();
    case KIND_DOUBLE:
        TRY(read_double(field, value, &number));
        writer_u64(out, double_bits(number));
        return ok();
    case KIND_VARINT:
    case KIND_ZIGZAG:
    case KIND_FIXED64: break;
    }
    TRY(read_integer(field, value, &integer));
    if (field->kind == KIND_FIXED64) {
        writer_u64(out, integer);
    } else {
        writer_varint(out, field->kind == KIND_ZIGZAG ? zigzag_encode((int64_t)integer) : integer);
    }
    return ok();
}

static bool has_length(enum field_kind kind)
{
    return kind <= KIND_BASE64 || kind == KIND_MESSAGE;
}

static status put_one(const struct json_field *field, const json_t *value, unsigned depth, struct writer *out)
{
    struct writer content = {0};
    enum protobuf_wire wire = has_length(field->kind)                                     ? PROTOBUF_BYTES
                              : field->kind == KIND_FIXED64 || field->kind == KIND_DOUBLE ? PROTOBUF_FIXED64
                                                                                          : PROTOBUF_VARINT;
    status s = put_value(field, value, depth, &content);

    writer_varint(out, PROTOBUF_TAG(field->number, wire));
    if (wire == PROTOBUF_BYTES) writer_varint(out, content.count);
    writer_bytes(out, content.data, content.count);
    writer_release(&content);
    return s;
}

static status put_list(const struct json_field *field, const json_t *list, unsigned depth, struct writer *out)
{
    struct writer packed = {0};
    status s = ok();

    for (size_t i = 0; i < json_array_size(list) && !failed(s); i++) {
        s = has_length(field->kind) ? put_one(field, json_array_get(list, i), depth, out)
                                    : put_value(field, json_array_get(list, i), depth, &packed);
    }
    if (packed.count) {
        writer_varint(out, PROTOBUF_TAG(field->number, PROTOBUF_BYTES));
        writer_varint(out, packed.count);
        writer_bytes(out, packed.data, packed.count);
    }
    writer_release(&packed);
    return s;
}

static status put_message(const json_t *object, enum message_kind kind, unsigned depth, struct writer *out)
{
    if (!json_is_object(object)) return status_make(STATUS_INVALID, "a message must be an object");
    if (depth == DEPTH_MAX) return status_make(STATUS_INVALID, "nested more than %d deep", DEPTH_MAX);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].of != kind) continue;
        const json_t *value = json_object_get(object, fields[i].name);
        if (!value || json_is_null(value)) continue;
        if (json_is_array(value)) {
            TRY(put_list(&fields[i], value, depth + 1, out));
        } else {
            TRY(put_one(&fields[i], value, depth + 1, out));
        }
    }
    return ok();
}

status otlp_json_translate(str text, struct writer *out)
{
    json_error_t error;
    json_t *root = json_loadb(text.data, text.len, 0, &error);

    if (!root) return status_make(STATUS_INVALID, "the body is no JSON: line %d: %s", error.line, error.text);
    status s = put_message(root, REQUEST, 0, out);
    json_decref(root);
    return s;
}
