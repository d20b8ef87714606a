/* Writing chunks of native histograms; see prom_histogram_write.h. */
#include "prometheus/prom_histogram_write.h"

#include "prometheus/prom_bits.h"
#include "tsdb/samples.h"

#include <math.h>

enum { THRESHOLD_WRITTEN = 255, THRESHOLD_BIAS = 244 };

/* The largest thousandfold of a bound that is written as a number. */
#define BOUND_SCALED_MAX 33554430.0

struct field {
    uint64_t value, delta;
    struct bit_window window;
};

struct side {
    uint32_t count;
    int32_t *indexes; /* of all buckets that occur */
    struct field *buckets;
};

struct encoder {
    struct bit_writer to;
    bool is_integer;
    struct side positive, negative;
    struct field time, count, zero_count, sum;
    struct arena *arena;
};

static bool is_stale_sample(const struct rich_sample *sample)
{
    return is_stale(sample->value);
}

enum prom_counter prom_counter_between(const struct rich_sample *before, const struct rich_sample *sample)
{
    if (sample->histogram->hint == HISTOGRAM_GAUGE) return PROM_COUNTER_GAUGE;
    if (sample->histogram->hint == HISTOGRAM_RESET) return PROM_COUNTER_RESET;
    if (!before || !before->histogram || is_stale_sample(before) || is_stale_sample(sample) ||
        before->histogram->is_integer != sample->histogram->is_integer)
        return PROM_COUNTER_UNKNOWN;
    if (histogram_was_reset(sample->histogram, before->histogram)) return PROM_COUNTER_RESET;
    return rich_must_cut(before, sample) ? PROM_COUNTER_UNKNOWN : PROM_COUNTER_GOES_ON;
}

/* The buckets that occur in any sample, each once and in order. */
static void unite(struct encoder *encoder, const struct rich_sample *list, size_t count, bool is_positive,
                  struct side *out)
{
    int32_t *all = NULL;
    uint32_t have = 0;

    for (size_t i = 0; i < count; i++) {
        const struct histogram *h = list[i].histogram;
        const struct bucket_list *side = is_positive ? &h->positive : &h->negative;
        uint32_t a = 0, b = 0, merged = 0;
        if (side->count == have && (have == 0 || memcmp(side->indexes, all, have * sizeof *all) == 0)) continue;
        int32_t *next = arena_array(encoder->arena, int32_t, (size_t)have + side->count);
        while (a < have || b < side->count) {
            int32_t index = b == side->count || (a < have && all[a] <= side->indexes[b]) ? all[a] : side->indexes[b];
            a += a < have && all[a] == index;
            b += b < side->count && side->indexes[b] == index;
            next[merged++] = index;
        }
        all = next;
        have = merged;
    }
    *out = (struct side){have, all, arena_zarray(encoder->arena, struct field, have)};
}

static void write_threshold(struct bit_writer *to, double threshold)
{
    int exponent;

    if (threshold == 0) {
        bits_write(to, 0, 8);
    } else if (frexp(threshold, &exponent) == 0.5 && exponent >= -242 && exponent <= 11) {
        bits_write(to, (uint64_t)(exponent + THRESHOLD_BIAS - 1), 8);
    } else {
        bits_write(to, THRESHOLD_WRITTEN, 8);
        bits_write(to, double_bits(threshold), 64);
    }
}

/* Where the run of neighbouring indexes that begins at `first` ends. */
static uint32_t run_end(const struct side *side, uint32_t first)
{
    uint32_t end = first + 1;

    while (end < side->count && side->indexes[end] == side->indexes[end - 1] + 1) end++;
    return end;
}

static void write_spans(struct bit_writer *to, const struct side *side)
{
    uint64_t spans = 0;
    int64_t next = 0;

    for (uint32_t i = 0; i < side->count; i = run_end(side, i)) spans++;
    bits_write_varbit_unsigned(to, spans);
    for (uint32_t i = 0; i < side->count;) {
        uint32_t end = run_end(side, i);
        bits_write_varbit_unsigned(to, end - i);
        bits_write_varbit(to, side->indexes[i] - next);
        next = (int64_t)side->indexes[end - 1] + 1;
        i = end;
    }
}

static void write_bound(struct bit_writer *to, double bound)
{
    double scaled = round(bound * 1000);

    if (bound * 1000 >= 0 && bound * 1000 <= BOUND_SCALED_MAX && scaled / 1000 == bound && !signbit(bound)) {
        bits_write_varbit_unsigned(to, (uint64_t)scaled + 1);
    } else {
        bits_write(to, 0, 1);
        bits_write(to, double_bits(bound), 64);
    }
}

static void write_layout(struct encoder *encoder, const struct histogram *layout)
{
    write_threshold(&encoder->to, layout->zero_threshold);
    bits_write_varbit(&encoder->to, layout->schema);
    write_spans(&encoder->to, &encoder->positive);
    write_spans(&encoder->to, &encoder->negative);
    if (!histogram_is_custom(layout)) return;
    bits_write_varbit_unsigned(&encoder->to, layout->bound_count);
    for (uint32_t i = 0; i < layout->bound_count; i++) write_bound(&encoder->to, layout->bounds[i]);
}

static uint64_t number_of(const struct encoder *encoder, double v)
{
    if (!encoder->is_integer) return double_bits(v);
    return v < (double)UINT64_MAX ? (uint64_t)v : UINT64_MAX;
}

static void write_integer(struct encoder *encoder, struct field *field, uint64_t value)
{
    uint64_t delta = value - field->value;

    bits_write_varbit(&encoder->to, (int64_t)(delta - field->delta));
    field->delta = delta;
    field->value = value;
}

static void write_float(struct encoder *encoder, struct field *field, uint64_t bits)
{
    bits_write_xor(&encoder->to, field->value ^ bits, &field->window);
    field->value = bits;
}

static void write_number(struct encoder *encoder, struct field *field, uint64_t value, bool is_first)
{
    if (!is_first && encoder->is_integer) {
        write_integer(encoder, field, value);
    } else if (!is_first) {
        write_float(encoder, field, value);
    } else {
        field->value = value;
        if (encoder->is_integer) {
            bits_write_varbit_unsigned(&encoder->to, value);
        } else {
            bits_write(&encoder->to, value, 64);
        }
    }
}

/* The buckets of one side; those of integers as differences between neighbours, the empty ones included. */
static void write_buckets(struct encoder *encoder, struct side *side, const struct bucket_list *buckets, bool is_first)
{
    uint64_t before = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < side->count; i++) {
        bool is_there = at < buckets->count && buckets->indexes[at] == side->indexes[i];
        uint64_t number = number_of(encoder, is_there ? buckets->counts[at++] : 0);
        if (!encoder->is_integer) {
            write_number(encoder, &side->buckets[i], number, is_first);
            continue;
        }
        uint64_t difference = number - before;
        before = number;
        if (is_first) {
            side->buckets[i].value = difference;
            bits_write_varbit(&encoder->to, (int64_t)difference);
        } else {
            write_integer(encoder, &side->buckets[i], difference);
        }
    }
}

/* A stale marker changes no count. */
static void write_sample(struct encoder *encoder, const struct rich_sample *sample, bool is_first)
{
    const struct histogram *h = sample->histogram;
    bool stale = is_stale_sample(sample);

    if (is_first) {
        encoder->time.value = (uint64_t)sample->time_ms;
        bits_write_varbit(&encoder->to, sample->time_ms);
    } else {
        write_integer(encoder, &encoder->time, (uint64_t)sample->time_ms);
    }
    if (stale && !is_first) {
        bits_write(&encoder->to, 0, 2); /* no change of the change, or the same bits */
    } else {
        write_number(encoder, &encoder->count, number_of(encoder, h->count), is_first);
        write_number(encoder, &encoder->zero_count, number_of(encoder, h->zero_count), is_first);
    }
    if (is_first) {
        encoder->sum.value = double_bits(h->sum);
        bits_write(&encoder->to, encoder->sum.value, 64);
    } else {
        write_float(encoder, &encoder->sum, double_bits(h->sum));
    }
    if (stale && !is_first) return;
    write_buckets(encoder, &encoder->positive, &h->positive, is_first);
    write_buckets(encoder, &encoder->negative, &h->negative, is_first);
}

void prom_histogram_encode(const struct rich_sample *list, size_t count, enum prom_counter counter, struct writer *out,
                           struct arena *arena)
{
    struct encoder encoder = {.to = {.out = out}, .is_integer = list[0].histogram->is_integer, .arena = arena};

    writer_u16(out, __builtin_bswap16((uint16_t)count));
    writer_u8(out, (uint8_t)(counter << 6));
    unite(&encoder, list, count, true, &encoder.positive);
    unite(&encoder, list, count, false, &encoder.negative);
    write_layout(&encoder, list[0].histogram);
    for (size_t i = 0; i < count; i++) write_sample(&encoder, &list[i], i == 0);
    bits_flush(&encoder.to);
}
