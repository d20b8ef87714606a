/* Data points of OpenTelemetry's metrics; see otlp.h.
 *
 *     NumberDataPoint     2 fixed64 start  3 fixed64 time  4 double value  6 sfixed64 value  7 attributes  5 exemplars
 *                         8 flags
 *     HistogramDataPoint  2 start  3 time  4 fixed64 count  5 double sum  6 fixed64 bucket counts  7 double bounds
 *                         8 exemplars  9 attributes  10 flags
 *     ExponentialHistogramDataPoint
 *                         1 attributes  2 start  3 time  4 fixed64 count  5 double sum  6 sint32 scale
 *                         7 fixed64 zero count  8 positive  9 negative { 1 sint32 offset  2 uint64 counts }
 *                         10 flags  11 exemplars  14 double zero threshold
 *     SummaryDataPoint    2 start  3 time  4 count  5 sum  6 quantiles { 1 quantile  2 value }  7 attributes  8 flags
 *     Exemplar            2 time  3 double value  4 span id  5 trace id  6 sfixed64 value  7 attributes
 *     KeyValue            1 key   2 AnyValue
 *     AnyValue            1 string  2 bool  3 int64  4 double  5 array { 1 AnyValue* }  6 map { 1 KeyValue* }  7 bytes
 */
#include "http/otlp_internal.h"

#include "http/json.h"
#include "storage/base/number.h"
#include "tsdb/samples.h"

enum { POINT = PROTOBUF_TAG(1, PROTOBUF_BYTES), FLAG_NO_VALUE = 1, NS_PER_MS = 1000000 };

/* Of all labels of an exemplar. */
enum { EXEMPLAR_CHARACTERS_MAX = 128 };

static str text_of_double(struct otlp_walk *walk, double value, enum number_form form)
{
    char text[NUMBER_TEXT_MAX];

    return arena_copy_str(walk->arena, str_make(text, number_format(value, form, text)));
}

static void put_base64(struct writer *w, str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t word = (uint32_t)(uint8_t)bytes.data[i] << 16;
        if (left > 1) word |= (uint32_t)(uint8_t)bytes.data[i + 1] << 8;
        if (left > 2) word |= (uint8_t)bytes.data[i + 2];
        for (size_t j = 0; j < 4; j++)
            writer_u8(w, j <= left ? (uint8_t)digits[word >> (18 - 6 * j) & 63] : (uint8_t)'=');
    }
}

static status put_value(struct writer *w, str message, unsigned depth, bool inside);

/* `[…]` or `{…}`: the members of an array or a map as JSON. */
static status put_members(struct writer *w, str message, bool is_map, unsigned depth)
{
    struct otlp_fields fields = otlp_fields_of(message);
    bool first = true;

    writer_u8(w, is_map ? '{' : '[');
    while (otlp_next(&fields)) {
        if (fields.field.tag != PROTOBUF_TAG(1, PROTOBUF_BYTES)) continue;
        if (!first) writer_u8(w, ',');
        first = false;
        if (!is_map) {
            TRY(put_value(w, fields.field.bytes, depth, true));
            continue;
        }
        struct otlp_fields member = otlp_fields_of(fields.field.bytes);
        str key = STR(""), value = STR("");
        while (otlp_next(&member)) {
            if (member.field.tag == PROTOBUF_TAG(1, PROTOBUF_BYTES)) key = member.field.bytes;
            if (member.field.tag == PROTOBUF_TAG(2, PROTOBUF_BYTES)) value = member.field.bytes;
        }
        if (member.failed) return otlp_malformed();
        json_put_string(w, key);
        writer_u8(w, ':');
        TRY(put_value(w, value, depth, true));
    }
    writer_u8(w, is_map ? '}' : ']');
    return fields.failed ? otlp_malformed() : ok();
}

/* An AnyValue: as it is, or as JSON inside of another one. */
static status put_value(struct writer *w, str message, unsigned depth, bool inside)
{
    struct otlp_fields fields = otlp_fields_of(message);
    bool found = false;

    if (depth == OTLP_VALUE_DEPTH_MAX) return status_make(STATUS_INVALID, "an attribute is nested too deep");
    while (otlp_next(&fields)) {
        const struct protobuf_field *field = &fields.field;
        found = true;
        switch (field->tag) {
        case PROTOBUF_TAG(1, PROTOBUF_BYTES):
            if (inside) {
                json_put_string(w, field->bytes);
            } else {
                writer_bytes(w, field->bytes.data, field->bytes.len);
            }
            break;
        case PROTOBUF_TAG(2, PROTOBUF_VARINT): {
            str text = field->value ? STR("true") : STR("false");
            writer_bytes(w, text.data, text.len);
            break;
        }
        case PROTOBUF_TAG(3, PROTOBUF_VARINT): json_put_signed(w, (int64_t)field->value); break;
        case PROTOBUF_TAG(4, PROTOBUF_FIXED64):
            w->count +=
                number_format(double_from_bits(field->value), NUMBER_JSON, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
            break;
        case PROTOBUF_TAG(5, PROTOBUF_BYTES): TRY(put_members(w, field->bytes, false, depth + 1)); break;
        case PROTOBUF_TAG(6, PROTOBUF_BYTES): TRY(put_members(w, field->bytes, true, depth + 1)); break;
        case PROTOBUF_TAG(7, PROTOBUF_BYTES):
            if (inside) writer_u8(w, '"');
            put_base64(w, field->bytes);
            if (inside) writer_u8(w, '"');
            break;
        default: break;
        }
    }
    if (!found && inside) json_put_raw(w, "null");
    return fields.failed ? otlp_malformed() : ok();
}

status otlp_attribute(struct otlp_walk *walk, str message, label *out)
{
    struct otlp_fields fields = otlp_fields_of(message);
    struct writer text = {0};
    str value = STR("");

    out->name = STR("");
    while (otlp_next(&fields)) {
        if (fields.field.tag == PROTOBUF_TAG(1, PROTOBUF_BYTES)) out->name = fields.field.bytes;
        if (fields.field.tag == PROTOBUF_TAG(2, PROTOBUF_BYTES)) value = fields.field.bytes;
    }
    if (fields.failed) return otlp_malformed();
    status s = put_value(&text, value, 0, false);
    out->value = arena_copy_str(walk->arena, str_make((const char *)text.data, text.count));
    writer_release(&text);
    return s;
}

static status add_attribute(struct otlp_walk *walk, str message)
{
    label pair;

    if (walk->attributes.count == OTLP_ATTRIBUTES_MAX)
        return status_make(STATUS_INVALID, "a point has more than %d attributes", OTLP_ATTRIBUTES_MAX);
    TRY(otlp_attribute(walk, message, &pair));
    if (pair.name.len) vec_push(&walk->attributes, pair);
    return ok();
}

/* Numbers of 64 bits that were sent one by one, as if they had been packed. */
static str pack(struct otlp_walk *walk, str message, unsigned number)
{
    struct otlp_fields fields = otlp_fields_of(message);
    struct writer packed = {0};

    while (otlp_next(&fields)) {
        if (fields.field.tag == PROTOBUF_TAG(number, PROTOBUF_FIXED64)) writer_u64(&packed, fields.field.value);
    }
    str text = arena_copy_str(walk->arena, str_make((const char *)packed.data, packed.count));
    writer_release(&packed);
    return text;
}

/* Numbers of the fields that not all kinds of points have at the same place. */
struct layout {
    unsigned attributes, flags;
};

static struct layout layout_of(enum otlp_kind kind)
{
    switch (kind) {
    case OTLP_HISTOGRAM: return (struct layout){9, 10};
    case OTLP_EXPONENTIAL: return (struct layout){1, 10};
    case OTLP_GAUGE:
    case OTLP_SUM:
    case OTLP_COUNTER:
    case OTLP_SUMMARY: break;
    }
    return (struct layout){7, 8};
}

static void read_exponential_field(const struct protobuf_field *field, struct otlp_point *out)
{
    switch (field->tag) {
    case PROTOBUF_TAG(6, PROTOBUF_VARINT): out->scale = zigzag_decode(field->value); break;
    case PROTOBUF_TAG(7, PROTOBUF_FIXED64): out->zero_count = field->value; break;
    case PROTOBUF_TAG(8, PROTOBUF_BYTES): out->positive = field->bytes; break;
    case PROTOBUF_TAG(9, PROTOBUF_BYTES): out->negative = field->bytes; break;
    case PROTOBUF_TAG(14, PROTOBUF_FIXED64): out->zero_threshold = double_from_bits(field->value); break;
    default: break;
    }
}

static void read_number_field(const struct protobuf_field *field, enum otlp_kind kind, struct otlp_point *out)
{
    bool is_number = kind <= OTLP_COUNTER, is_histogram = kind == OTLP_HISTOGRAM;

    switch (field->tag) {
    case PROTOBUF_TAG(2, PROTOBUF_FIXED64): out->start_ms = (int64_t)(field->value / NS_PER_MS); break;
    case PROTOBUF_TAG(3, PROTOBUF_FIXED64): out->time_ms = (int64_t)(field->value / NS_PER_MS); break;
    case PROTOBUF_TAG(4, PROTOBUF_FIXED64):
        out->value = double_from_bits(field->value);
        out->count = field->value;
        break;
    case PROTOBUF_TAG(5, PROTOBUF_FIXED64):
        out->sum = double_from_bits(field->value);
        out->has_sum = true;
        break;
    case PROTOBUF_TAG(6, PROTOBUF_FIXED64):
        if (is_number) out->value = (double)(int64_t)field->value;
        break;
    case PROTOBUF_TAG(6, PROTOBUF_BYTES):
        if (is_histogram) out->counts = field->bytes;
        break;
    case PROTOBUF_TAG(7, PROTOBUF_BYTES):
        if (is_histogram) out->bounds = field->bytes;
        break;
    default: break;
    }
}

status otlp_read_point(struct otlp_walk *walk, str message, struct otlp_point *out)
{
    struct otlp_fields fields = otlp_fields_of(message);
    struct layout layout = layout_of(walk->kind);
    const str none = STR("");

    *out = (struct otlp_point){.counts = none, .bounds = none, .positive = none, .negative = none};
    walk->attributes.count = 0;
    while (otlp_next(&fields)) {
        const struct protobuf_field *field = &fields.field;
        if (field->tag == PROTOBUF_TAG(layout.attributes, PROTOBUF_BYTES)) {
            TRY(add_attribute(walk, field->bytes));
        } else if (field->tag == PROTOBUF_TAG(layout.flags, PROTOBUF_VARINT)) {
            out->has_no_value = field->value & FLAG_NO_VALUE;
        } else {
            read_number_field(field, walk->kind, out);
            if (walk->kind == OTLP_EXPONENTIAL) read_exponential_field(field, out);
        }
    }
    if (fields.failed) return otlp_malformed();
    if (!walk->config->keeps_starts) out->start_ms = 0;
    if (walk->kind == OTLP_HISTOGRAM && out->counts.len == 0) out->counts = pack(walk, message, 6);
    if (walk->kind == OTLP_HISTOGRAM && out->bounds.len == 0) out->bounds = pack(walk, message, 7);
    if (out->time_ms < walk->first_ms) walk->first_ms = out->time_ms;
    if (out->time_ms > walk->last_ms) walk->last_ms = out->time_ms;
    return otlp_make_labels(walk);
}

status otlp_add_sample(struct otlp_walk *walk, const struct otlp_point *point, str metric, label more, double value,
                       str *series)
{
    struct rich_sample sample = {.time_ms = point->time_ms, .start_ms = point->start_ms, .value = value};

    if (point->has_no_value) sample.value = double_from_bits(STALE_NAN_BITS);
    TRY(otlp_series(walk, metric, more.name, more.value, series));
    return batch_add_rich_sample(walk->batch, *series, &sample);
}

str otlp_with_suffix(struct otlp_walk *walk, const char *suffix)
{
    return arena_format(walk->arena, "%.*s%s", STR_ARG(walk->metric), suffix);
}

static str hex(struct otlp_walk *walk, str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(walk->arena, 2 * bytes.len);

    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = digits[(uint8_t)bytes.data[i] >> 4];
        text[2 * i + 1] = digits[(uint8_t)bytes.data[i] & 15];
    }
    return str_make(text, 2 * bytes.len);
}

static size_t count_characters(str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) count += ((uint8_t)text.data[i] & 0xC0) != 0x80;
    return count;
}

struct exemplar_labels {
    label pairs[OTLP_ATTRIBUTES_MAX + 2];
    size_t count, filtered; /* the filtered ones stand behind the trace and the span */
    size_t characters;
};

static void add_exemplar_label(struct exemplar_labels *set, label pair)
{
    if (pair.value.len == 0) return;
    set->pairs[set->count++] = pair;
    set->characters += count_characters(pair.name) + count_characters(pair.value);
}

static status add_filtered(struct otlp_walk *walk, str message, struct exemplar_labels *set)
{
    struct otlp_fields fields = otlp_fields_of(message);
    label pair;

    while (otlp_next(&fields)) {
        if (fields.field.tag != PROTOBUF_TAG(7, PROTOBUF_BYTES)) continue;
        if (set->filtered++ == OTLP_ATTRIBUTES_MAX)
            return status_make(STATUS_INVALID, "an exemplar has too many attributes");
        TRY(otlp_attribute(walk, fields.field.bytes, &pair));
        add_exemplar_label(set, pair);
    }
    return ok();
}

/* The filtered attributes, whose names stay as they are, are there if all labels are as short as OpenMetrics wants. */
status otlp_read_exemplar(struct otlp_walk *walk, str message, struct append_exemplar *out)
{
    struct otlp_fields fields = otlp_fields_of(message);
    struct exemplar_labels set = {.count = 0};
    str trace = STR(""), span = STR("");

    *out = (struct append_exemplar){.series = STR("")};
    while (otlp_next(&fields)) {
        const struct protobuf_field *field = &fields.field;
        switch (field->tag) {
        case PROTOBUF_TAG(2, PROTOBUF_FIXED64): out->time_ms = (int64_t)(field->value / NS_PER_MS); break;
        case PROTOBUF_TAG(3, PROTOBUF_FIXED64): out->value = double_from_bits(field->value); break;
        case PROTOBUF_TAG(6, PROTOBUF_FIXED64): out->value = (double)(int64_t)field->value; break;
        case PROTOBUF_TAG(4, PROTOBUF_BYTES): span = field->bytes; break;
        case PROTOBUF_TAG(5, PROTOBUF_BYTES): trace = field->bytes; break;
        default: break;
        }
    }
    if (fields.failed) return otlp_malformed();
    add_exemplar_label(&set, (label){STR("trace_id"), hex(walk, trace)});
    add_exemplar_label(&set, (label){STR("span_id"), hex(walk, span)});
    size_t ids = set.count;
    TRY(add_filtered(walk, message, &set));
    if (set.characters > EXEMPLAR_CHARACTERS_MAX) set.count = ids;
    return batch_labels(walk->batch, set.pairs, set.count, &out->labels);
}

static status add_number(struct otlp_walk *walk, str message)
{
    struct otlp_fields fields = otlp_fields_of(message);
    struct append_exemplar exemplar;
    struct otlp_point point;
    str series;

    TRY(otlp_read_point(walk, message, &point));
    TRY(otlp_add_sample(walk, &point, walk->metric, (label){STR(""), STR("")}, point.value, &series));
    while (otlp_next(&fields)) {
        if (fields.field.tag != PROTOBUF_TAG(5, PROTOBUF_BYTES)) continue;
        TRY(otlp_read_exemplar(walk, fields.field.bytes, &exemplar));
        exemplar.series = series;
        TRY(batch_add_exemplar(walk->batch, &exemplar));
    }
    return ok();
}

str otlp_bound_text(struct otlp_walk *walk, double bound)
{
    return text_of_double(walk, bound, NUMBER_FIXED);
}

static status add_summary(struct otlp_walk *walk, str message)
{
    struct otlp_fields fields = otlp_fields_of(message);
    const label none = {STR(""), STR("")};
    struct otlp_point point;
    str series;

    TRY(otlp_read_point(walk, message, &point));
    TRY(otlp_add_sample(walk, &point, otlp_with_suffix(walk, "_sum"), none, point.sum, &series));
    TRY(otlp_add_sample(walk, &point, otlp_with_suffix(walk, "_count"), none, (double)point.count, &series));
    while (otlp_next(&fields)) {
        double quantile = 0, value = 0;
        if (fields.field.tag != PROTOBUF_TAG(6, PROTOBUF_BYTES)) continue;
        struct otlp_fields member = otlp_fields_of(fields.field.bytes);
        while (otlp_next(&member)) {
            if (member.field.tag == PROTOBUF_TAG(1, PROTOBUF_FIXED64)) quantile = double_from_bits(member.field.value);
            if (member.field.tag == PROTOBUF_TAG(2, PROTOBUF_FIXED64)) value = double_from_bits(member.field.value);
        }
        if (member.failed) return otlp_malformed();
        label pair = {STR("quantile"), otlp_bound_text(walk, quantile)};
        TRY(otlp_add_sample(walk, &point, walk->metric, pair, value, &series));
    }
    return ok();
}

status otlp_points(struct otlp_walk *walk, str data)
{
    struct otlp_fields fields = otlp_fields_of(data);

    while (otlp_next(&fields)) {
        if (fields.field.tag != POINT) continue;
        switch (walk->kind) {
        case OTLP_GAUGE:
        case OTLP_SUM:
        case OTLP_COUNTER: TRY(add_number(walk, fields.field.bytes)); break;
        case OTLP_HISTOGRAM: TRY(otlp_add_histogram(walk, fields.field.bytes)); break;
        case OTLP_EXPONENTIAL: TRY(otlp_add_exponential(walk, fields.field.bytes)); break;
        case OTLP_SUMMARY: TRY(add_summary(walk, fields.field.bytes)); break;
        }
    }
    return fields.failed ? otlp_malformed() : ok();
}
