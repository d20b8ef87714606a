/* Native histograms of remote-write and remote-read messages; see write_histogram.h. */
#include "http/write_histogram.h"

#include "http/protobuf.h"

enum {
    COUNT_INTEGER = PROTOBUF_TAG(1, PROTOBUF_VARINT),
    COUNT_FLOAT = PROTOBUF_TAG(2, PROTOBUF_FIXED64),
    SUM = PROTOBUF_TAG(3, PROTOBUF_FIXED64),
    SCHEMA = PROTOBUF_TAG(4, PROTOBUF_VARINT),
    ZERO_THRESHOLD = PROTOBUF_TAG(5, PROTOBUF_FIXED64),
    ZERO_COUNT_INTEGER = PROTOBUF_TAG(6, PROTOBUF_VARINT),
    ZERO_COUNT_FLOAT = PROTOBUF_TAG(7, PROTOBUF_FIXED64),
    NEGATIVE_SPANS = 8,
    POSITIVE_SPANS = 11,
    NEGATIVE_SPAN = PROTOBUF_TAG(NEGATIVE_SPANS, PROTOBUF_BYTES),
    POSITIVE_SPAN = PROTOBUF_TAG(POSITIVE_SPANS, PROTOBUF_BYTES),
    RESET_HINT = PROTOBUF_TAG(14, PROTOBUF_VARINT),
    TIMESTAMP = PROTOBUF_TAG(15, PROTOBUF_VARINT),
    START_TIMESTAMP = PROTOBUF_TAG(17, PROTOBUF_VARINT),
    SPAN_OFFSET = PROTOBUF_TAG(1, PROTOBUF_VARINT),
    SPAN_LENGTH = PROTOBUF_TAG(2, PROTOBUF_VARINT),
    /* numbers of repeated fields, which come packed or one by one */
    NEGATIVE_DELTAS = 9,
    NEGATIVE_COUNTS = 10,
    POSITIVE_DELTAS = 12,
    POSITIVE_COUNTS = 13,
    CUSTOM_BOUNDS = 16,
    FIELDS = 17,
    FINEST_SCHEMA = 52 /* that may be sent */
};

static void side_release(struct side_scratch *side)
{
    vec_release(&side->spans);
    vec_release(&side->deltas);
    vec_release(&side->counts);
}

void histogram_scratch_release(struct histogram_scratch *scratch)
{
    side_release(&scratch->positive);
    side_release(&scratch->negative);
    vec_release(&scratch->bounds);
}

static void empty(struct histogram_scratch *scratch)
{
    scratch->positive.spans.count = scratch->positive.deltas.count = scratch->positive.counts.count = 0;
    scratch->negative.spans.count = scratch->negative.deltas.count = scratch->negative.counts.count = 0;
    scratch->bounds.count = 0;
}

static bool read_span(str message, struct side_scratch *side)
{
    const uint8_t *at = (const uint8_t *)message.data, *end = at + message.len;
    struct bucket_span span = {0};
    struct protobuf_field field;

    while (at < end) {
        at = protobuf_field(at, end, &field);
        if (!at) return false;
        if (field.tag == SPAN_OFFSET) {
            span.offset = (int32_t)zigzag_decode(field.value);
        } else if (field.tag == SPAN_LENGTH) {
            span.length = (uint32_t)field.value;
        } else if (field.tag >> 3 <= 2) {
            return false;
        }
    }
    vec_push(&side->spans, span);
    return true;
}

static bool read_deltas(const struct protobuf_field *field, struct side_scratch *side)
{
    if ((field->tag & 7) == PROTOBUF_VARINT) {
        vec_push(&side->deltas, zigzag_decode(field->value));
        return true;
    }
    if ((field->tag & 7) != PROTOBUF_BYTES) return false;
    const uint8_t *at = (const uint8_t *)field->bytes.data, *end = at + field->bytes.len;
    while (at < end) {
        uint64_t value;
        at = varint_get(at, end, &value);
        if (!at) return false;
        vec_push(&side->deltas, zigzag_decode(value));
    }
    return true;
}

struct doubles {
    double **data;
    size_t *count, *capacity;
};

#define DOUBLES(list) ((struct doubles){&(list)->data, &(list)->count, &(list)->capacity})

static bool read_doubles(const struct protobuf_field *field, struct doubles out)
{
    vec(double) list = {.data = *out.data, .count = *out.count, .capacity = *out.capacity};
    bool is_packed = (field->tag & 7) == PROTOBUF_BYTES, done = is_packed ? field->bytes.len % 8 == 0 : true;

    if (!is_packed) {
        done = (field->tag & 7) == PROTOBUF_FIXED64;
        if (done) vec_push(&list, double_from_bits(field->value));
    }
    for (size_t i = 0; is_packed && done && i < field->bytes.len; i += 8)
        vec_push(&list, double_from_bits(load_u64(field->bytes.data + i)));
    *out.data = list.data;
    *out.count = list.count;
    *out.capacity = list.capacity;
    return done;
}

static bool read_repeated(const struct protobuf_field *field, struct histogram_scratch *scratch)
{
    switch (field->tag >> 3) {
    case NEGATIVE_DELTAS: return read_deltas(field, &scratch->negative);
    case POSITIVE_DELTAS: return read_deltas(field, &scratch->positive);
    case NEGATIVE_COUNTS: return read_doubles(field, DOUBLES(&scratch->negative.counts));
    case POSITIVE_COUNTS: return read_doubles(field, DOUBLES(&scratch->positive.counts));
    case CUSTOM_BOUNDS: return read_doubles(field, DOUBLES(&scratch->bounds));
    default: return field->tag >> 3 > FIELDS; /* unknown ones are skipped */
    }
}

/* What is read apart from the histogram's own members. */
struct reading {
    int32_t schema;
    uint64_t hint;
};

static bool read_field(const struct protobuf_field *field, struct histogram_scratch *scratch, struct histogram *h,
                       struct reading *reading, struct write_histogram *out)
{
    switch (field->tag) {
    case COUNT_INTEGER:
        h->count = (double)field->value;
        h->is_integer = true;
        return true;
    case COUNT_FLOAT:
        h->count = double_from_bits(field->value);
        h->is_integer = false;
        return true;
    case SUM: h->sum = double_from_bits(field->value); return true;
    case SCHEMA: reading->schema = (int32_t)zigzag_decode(field->value); return true;
    case ZERO_THRESHOLD: h->zero_threshold = double_from_bits(field->value); return true;
    case ZERO_COUNT_INTEGER: h->zero_count = (double)field->value; return true;
    case ZERO_COUNT_FLOAT: h->zero_count = double_from_bits(field->value); return true;
    case NEGATIVE_SPAN: return read_span(field->bytes, &scratch->negative);
    case POSITIVE_SPAN: return read_span(field->bytes, &scratch->positive);
    case RESET_HINT: reading->hint = field->value; return true;
    case TIMESTAMP: out->time_ms = (int64_t)field->value; return true;
    case START_TIMESTAMP: out->start_ms = (int64_t)field->value; return true;
    default: return read_repeated(field, scratch);
    }
}

/* Where a bucket of a resolution that is too fine goes. */
static int32_t kept_index(int64_t index, int schema)
{
    if (schema <= HISTOGRAM_SCHEMA_MAX) return (int32_t)index;
    return (int32_t)(((index - 1) >> (schema - HISTOGRAM_SCHEMA_MAX)) + 1);
}

/* Spans and what they span as buckets; a sentence if they do not go together. */
static const char *make_side(const struct side_scratch *side, bool is_integer, int schema, struct arena *arena,
                             struct bucket_list *out)
{
    size_t given = is_integer ? side->deltas.count : side->counts.count, total = 0, at = 0;
    int32_t *indexes = arena_array(arena, int32_t, given);
    double *counts = arena_array(arena, double, given);
    int64_t index = 0, running = 0;
    uint32_t kept = 0;

    if (given > HISTOGRAM_BUCKETS_MAX) return "histogram has too many buckets";
    for (size_t s = 0; s < side->spans.count; s++) {
        if (s > 0 && side->spans.data[s].offset < 0) return "histogram has a span whose offset is negative";
        total += side->spans.data[s].length;
    }
    if (total != given) return "histogram spans specify different number of buckets than provided";
    for (size_t s = 0; s < side->spans.count; s++) {
        index += side->spans.data[s].offset;
        for (uint32_t i = 0; i < side->spans.data[s].length; i++, index++, at++) {
            if (index < INT32_MIN || index > INT32_MAX) return "histogram has a bucket whose index is out of range";
            if (is_integer && __builtin_add_overflow(running, side->deltas.data[at], &running))
                return "histogram has a bucket whose observation count is out of range";
            double count = is_integer ? (double)running : side->counts.data[at];
            int32_t place = kept_index(index, schema);
            if (count == 0) continue;
            if (kept && indexes[kept - 1] == place) {
                counts[kept - 1] += count;
                continue;
            }
            indexes[kept] = place;
            counts[kept++] = count;
        }
    }
    *out = (struct bucket_list){kept, indexes, counts};
    return NULL;
}

static const char *make_histogram(const struct histogram_scratch *scratch, const struct reading *reading,
                                  struct histogram *h, struct arena *arena)
{
    int schema = reading->schema;
    const char *defect = make_side(&scratch->positive, h->is_integer, schema, arena, &h->positive);

    if (!defect) defect = make_side(&scratch->negative, h->is_integer, schema, arena, &h->negative);
    if (defect) return defect;
    if (scratch->bounds.count > HISTOGRAM_BUCKETS_MAX) return "histogram has too many custom bounds";
    if (schema > HISTOGRAM_SCHEMA_MAX && schema <= FINEST_SCHEMA) schema = HISTOGRAM_SCHEMA_MAX;
    /* Whether the schema is one at all is told when the histogram is stored. */
    h->schema = (int8_t)(schema < INT8_MIN || schema > INT8_MAX ? INT8_MAX : schema);
    h->hint = (uint8_t)(reading->hint <= HISTOGRAM_GAUGE ? reading->hint : HISTOGRAM_UNKNOWN);
    h->bound_count = (uint32_t)scratch->bounds.count;
    if (h->bound_count) {
        double *bounds = arena_array(arena, double, h->bound_count);
        h->bounds = memcpy(bounds, scratch->bounds.data, h->bound_count * sizeof *bounds);
    }
    return NULL;
}

const uint8_t *write_histogram_decode(str message, struct histogram_scratch *scratch, struct arena *arena,
                                      struct write_histogram *out)
{
    const uint8_t *at = (const uint8_t *)message.data, *end = at + message.len;
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    struct reading reading = {0};
    struct protobuf_field field;

    *out = (struct write_histogram){0};
    empty(scratch);
    h->is_integer = true; /* a count of zero is not sent */
    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at || !read_field(&field, scratch, h, &reading, out)) return start;
    }
    if (scratch->positive.counts.count || scratch->negative.counts.count) h->is_integer = false;
    out->defect = make_histogram(scratch, &reading, h, arena);
    if (!out->defect) out->histogram = h;
    return NULL;
}

static void put_number(struct writer *out, uint32_t tag, uint64_t value)
{
    if (value == 0) return;
    writer_varint(out, tag);
    writer_varint(out, value);
}

static void put_double(struct writer *out, uint32_t tag, double value)
{
    if (double_bits(value) == 0) return;
    writer_varint(out, tag);
    writer_u64(out, double_bits(value));
}

void write_histogram_spans(const struct bucket_list *side, uint32_t field, struct writer *out)
{
    int64_t next = 0;

    for (uint32_t first = 0, end; first < side->count; first = end) {
        uint8_t text[2 * (1 + VARINT_BYTES_MAX)], *at = text;
        for (end = first + 1; end < side->count && side->indexes[end] == side->indexes[end - 1] + 1;) end++;
        *at++ = SPAN_OFFSET;
        at = varint_put(at, zigzag_encode(side->indexes[first] - next));
        *at++ = SPAN_LENGTH;
        at = varint_put(at, end - first);
        writer_varint(out, PROTOBUF_TAG(field, PROTOBUF_BYTES));
        writer_varint(out, (uint64_t)(at - text));
        writer_bytes(out, text, (size_t)(at - text));
        next = (int64_t)side->indexes[end - 1] + 1;
    }
}

void write_histogram_counts(const struct bucket_list *side, uint32_t field, struct writer *out)
{
    if (side->count == 0) return;
    writer_varint(out, PROTOBUF_TAG(field, PROTOBUF_BYTES));
    writer_varint(out, side->count * sizeof(double));
    for (uint32_t i = 0; i < side->count; i++) writer_u64(out, double_bits(side->counts[i]));
}

static void put_deltas(struct writer *out, uint32_t field, const struct bucket_list *side)
{
    struct writer deltas = {0};
    int64_t before = 0;

    for (uint32_t i = 0; i < side->count; i++) {
        writer_signed(&deltas, (int64_t)side->counts[i] - before);
        before = (int64_t)side->counts[i];
    }
    if (side->count) {
        writer_varint(out, PROTOBUF_TAG(field, PROTOBUF_BYTES));
        writer_varint(out, deltas.count);
        writer_bytes(out, deltas.data, deltas.count);
    }
    writer_release(&deltas);
}

void write_histogram_encode(const struct histogram *h, int64_t time_ms, struct writer *out)
{
    out->count = 0;
    if (h->is_integer) {
        put_number(out, COUNT_INTEGER, (uint64_t)h->count);
        put_number(out, ZERO_COUNT_INTEGER, (uint64_t)h->zero_count);
    } else {
        writer_varint(out, COUNT_FLOAT); /* also zero: it says that these are floats */
        writer_u64(out, double_bits(h->count));
        put_double(out, ZERO_COUNT_FLOAT, h->zero_count);
    }
    put_double(out, SUM, h->sum);
    put_number(out, SCHEMA, zigzag_encode(h->schema));
    put_double(out, ZERO_THRESHOLD, h->zero_threshold);
    write_histogram_spans(&h->negative, NEGATIVE_SPANS, out);
    write_histogram_spans(&h->positive, POSITIVE_SPANS, out);
    if (h->is_integer) {
        put_deltas(out, NEGATIVE_DELTAS, &h->negative);
        put_deltas(out, POSITIVE_DELTAS, &h->positive);
    } else {
        write_histogram_counts(&h->negative, NEGATIVE_COUNTS, out);
        write_histogram_counts(&h->positive, POSITIVE_COUNTS, out);
    }
    put_number(out, RESET_HINT, h->hint);
    put_number(out, TIMESTAMP, (uint64_t)time_ms);
    if (h->bound_count == 0) return;
    writer_varint(out, PROTOBUF_TAG(CUSTOM_BOUNDS, PROTOBUF_BYTES));
    writer_varint(out, h->bound_count * sizeof(double));
    for (uint32_t i = 0; i < h->bound_count; i++) writer_u64(out, double_bits(h->bounds[i]));
}
