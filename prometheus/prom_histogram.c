/* Reading chunks of native histograms; see prom_histogram.h. */
#include "prometheus/prom_histogram.h"

#include "prometheus/prom_start.h"

#include <math.h>

enum { HEADER_BYTES = 3, FLAGS_GAUGE = 3, THRESHOLD_WRITTEN = 255, THRESHOLD_BIAS = 244 };

/* A number that changes from sample to sample. */
struct field {
    uint64_t value, delta;    /* an integer: itself and its last change */
    struct bit_window window; /* of a float's bits */
};

struct side {
    uint32_t count;
    int32_t *indexes;
    struct field *buckets;
};

struct decoder {
    struct bit_reader in;
    struct start_reader start;
    bool is_integer, is_gauge, has_starts;
    size_t samples;
    struct histogram layout;
    struct side positive, negative;
    struct field time, count, zero_count, sum;
    struct column_buffer *out;
};

static status malformed(void)
{
    return status_make(STATUS_CORRUPT, "a chunk of native histograms is malformed");
}

static void read_header(struct decoder *decoder, unsigned encoding, const uint8_t *chunk)
{
    uint16_t count = __builtin_bswap16(load_u16(chunk));
    uint8_t flags = chunk[2] >> 6;

    decoder->is_integer = encoding == PROM_HISTOGRAM || encoding == PROM_HISTOGRAM_START;
    decoder->has_starts = encoding == PROM_HISTOGRAM_START || encoding == PROM_FLOAT_HISTOGRAM_START;
    decoder->samples = count;
    if (decoder->has_starts) {
        flags = (uint8_t)(count >> 14);
        decoder->samples = count & 0x3FFF;
        decoder->start = start_reader_make(chunk[2]);
    }
    decoder->is_gauge = flags == FLAGS_GAUGE;
}

static double read_threshold(struct bit_reader *in)
{
    unsigned byte = (unsigned)bits_read(in, 8);

    if (byte == 0) return 0;
    if (byte == THRESHOLD_WRITTEN) return double_from_bits(bits_read(in, 64));
    return ldexp(1, (int)byte - THRESHOLD_BIAS);
}

/* The indexes of all buckets that a side's spans cover. */
static bool read_spans(struct decoder *decoder, struct side *side)
{
    struct bit_reader *in = &decoder->in;
    uint64_t spans = bits_varbit_unsigned(in);
    vec(int32_t) indexes = {0};
    int64_t next = 0;

    for (uint64_t i = 0; i < spans && !in->failed; i++) {
        uint64_t length = bits_varbit_unsigned(in);
        int64_t offset = bits_varbit(in);
        if (length > HISTOGRAM_BUCKETS_MAX - indexes.count || offset < INT32_MIN || offset > INT32_MAX ||
            (i > 0 && offset < 0)) {
            in->failed = true;
            break;
        }
        next += offset;
        if (next < INT32_MIN || next > INT32_MAX - HISTOGRAM_BUCKETS_MAX) in->failed = true;
        for (uint64_t k = 0; k < length && !in->failed; k++) vec_push(&indexes, (int32_t)next++);
    }
    side->count = (uint32_t)indexes.count;
    side->indexes = arena_array(&decoder->out->arena, int32_t, indexes.count);
    side->buckets = arena_zarray(&decoder->out->arena, struct field, indexes.count);
    if (indexes.count) memcpy(side->indexes, indexes.data, indexes.count * sizeof *indexes.data);
    vec_release(&indexes);
    return !in->failed;
}

static bool read_bounds(struct decoder *decoder)
{
    struct bit_reader *in = &decoder->in;
    uint64_t count = bits_varbit_unsigned(in);

    if (count > HISTOGRAM_BUCKETS_MAX || in->failed) return false;
    double *bounds = arena_array(&decoder->out->arena, double, count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t scaled = bits_varbit_unsigned(in);
        bounds[i] = scaled ? (double)(scaled - 1) / 1000 : double_from_bits(bits_read(in, 64));
    }
    decoder->layout.bounds = bounds;
    decoder->layout.bound_count = (uint32_t)count;
    return !in->failed;
}

static status read_layout(struct decoder *decoder)
{
    struct histogram *layout = &decoder->layout;

    layout->zero_threshold = read_threshold(&decoder->in);
    int64_t schema = bits_varbit(&decoder->in);
    if (decoder->in.failed) return malformed();
    if (schema != HISTOGRAM_SCHEMA_CUSTOM && (schema < HISTOGRAM_SCHEMA_MIN || schema > HISTOGRAM_SCHEMA_MAX))
        return status_make(STATUS_UNSUPPORTED, "a chunk of native histograms has the schema %lld", (long long)schema);
    layout->schema = (int8_t)schema;
    layout->is_integer = decoder->is_integer;
    if (!read_spans(decoder, &decoder->positive) || !read_spans(decoder, &decoder->negative)) return malformed();
    return histogram_is_custom(layout) && !read_bounds(decoder) ? malformed() : ok();
}

/* A change of the change. */
static void read_integer(struct bit_reader *in, struct field *field)
{
    field->delta += (uint64_t)bits_varbit(in);
    field->value += field->delta;
}

static void read_float(struct bit_reader *in, struct field *field)
{
    field->value ^= bits_xor(in, &field->window);
}

static void read_side(struct decoder *decoder, struct side *side, bool is_first)
{
    struct bit_reader *in = &decoder->in;

    for (uint32_t i = 0; i < side->count && !in->failed; i++) {
        struct field *bucket = &side->buckets[i];
        if (is_first) {
            bucket->value = decoder->is_integer ? (uint64_t)bits_varbit(in) : bits_read(in, 64);
        } else if (decoder->is_integer) {
            read_integer(in, bucket);
        } else {
            read_float(in, bucket);
        }
    }
}

static void read_first(struct decoder *decoder)
{
    struct bit_reader *in = &decoder->in;

    decoder->time.value = (uint64_t)bits_varbit(in);
    decoder->count.value = decoder->is_integer ? bits_varbit_unsigned(in) : bits_read(in, 64);
    decoder->zero_count.value = decoder->is_integer ? bits_varbit_unsigned(in) : bits_read(in, 64);
    decoder->sum.value = bits_read(in, 64);
}

static void read_next(struct decoder *decoder)
{
    struct bit_reader *in = &decoder->in;

    read_integer(in, &decoder->time);
    if (decoder->is_integer) {
        read_integer(in, &decoder->count);
        read_integer(in, &decoder->zero_count);
    } else {
        read_float(in, &decoder->count);
        read_float(in, &decoder->zero_count);
    }
    read_float(in, &decoder->sum);
}

static double number_of(const struct decoder *decoder, uint64_t value)
{
    return decoder->is_integer ? (double)value : double_from_bits(value);
}

/* The buckets that are not empty. */
static struct bucket_list take_side(const struct decoder *decoder, const struct side *side)
{
    int32_t *indexes = arena_array(&decoder->out->arena, int32_t, side->count);
    double *counts = arena_array(&decoder->out->arena, double, side->count);
    uint64_t sum = 0;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < side->count; i++) {
        sum += side->buckets[i].value;
        double count = decoder->is_integer ? (double)(int64_t)sum : double_from_bits(side->buckets[i].value);
        if (count == 0) continue;
        indexes[kept] = side->indexes[i];
        counts[kept++] = count;
    }
    return (struct bucket_list){kept, indexes, counts};
}

static void take_sample(struct decoder *decoder, size_t i, int64_t start_ms, bool stale)
{
    struct histogram h = {.is_integer = decoder->is_integer};
    enum histogram_hint hint = i == 0 ? HISTOGRAM_UNKNOWN : HISTOGRAM_NOT_RESET;

    if (!stale) {
        h = decoder->layout;
        h.count = number_of(decoder, decoder->count.value);
        h.zero_count = number_of(decoder, decoder->zero_count.value);
        h.positive = take_side(decoder, &decoder->positive);
        h.negative = take_side(decoder, &decoder->negative);
    }
    h.sum = double_from_bits(decoder->sum.value);
    struct rich_sample sample = {(int64_t)decoder->time.value, start_ms, h.sum, &h};
    columns_push_other(decoder->out, &sample, decoder->is_gauge ? HISTOGRAM_GAUGE : hint);
}

status prom_histogram_decode(unsigned encoding, const uint8_t *chunk, size_t bytes, struct column_buffer *out)
{
    struct decoder decoder = {.out = out};
    size_t first = out->times.count;

    if (bytes < HEADER_BYTES) return malformed();
    decoder.in = bit_reader_make(chunk + HEADER_BYTES, bytes - HEADER_BYTES);
    read_header(&decoder, encoding, chunk);
    columns_clear_other(out);
    if (decoder.samples) TRY(read_layout(&decoder));
    for (size_t i = 0; i < decoder.samples; i++) {
        int64_t before_ms = (int64_t)decoder.time.value;
        if (i == 0) {
            read_first(&decoder);
        } else {
            read_next(&decoder);
        }
        bool stale = decoder.sum.value == STALE_NAN_BITS;
        if (i == 0 || !stale) {
            read_side(&decoder, &decoder.positive, i == 0);
            read_side(&decoder, &decoder.negative, i == 0);
        }
        int64_t start_ms = 0;
        if (decoder.has_starts)
            start_ms = start_read(&decoder.start, &decoder.in, i, (int64_t)decoder.time.value, before_ms);
        if (decoder.in.failed) return malformed();
        take_sample(&decoder, i, start_ms, stale);
    }
    columns_merge(out, first);
    return ok();
}
