/* Chunks of floats, and the choice by encoding; see prom_chunk.h. */
#include "prometheus/prom_chunk.h"

#include "prometheus/prom_histogram.h"
#include "prometheus/prom_start.h"
#include "storage/chunk_gorilla.h"

static status malformed(const char *what)
{
    return status_make(STATUS_CORRUPT, "a chunk of %s is malformed", what);
}

static status decode_xor(const uint8_t *chunk, size_t bytes, struct column_buffer *out)
{
    if (bytes >= GORILLA_HEADER_BYTES && gorilla_count(chunk, bytes) == 0) return ok();
    if (bytes < GORILLA_HEADER_BYTES || !columns_decode(out, chunk, bytes, SIZE_MAX)) return malformed("XOR");
    return ok();
}

/* A float of XOR2; stale markers are told apart and do not change what later values are compared with. */
struct xor2 {
    struct bit_reader in;
    struct bit_window window;
    uint64_t value, delta_ms;
    int64_t time_ms;
};

static uint64_t change_value(struct xor2 *x, uint64_t change)
{
    x->value ^= change;
    return x->value;
}

/* 0 | 10 old window | 110 new window | 111 stale */
static uint64_t read_value(struct xor2 *x)
{
    if (!bits_flag(&x->in)) return x->value;
    if (!bits_flag(&x->in)) return change_value(x, bits_old_window(&x->in, &x->window));
    if (bits_flag(&x->in)) return STALE_NAN_BITS;
    return change_value(x, bits_new_window(&x->in, &x->window));
}

static void change_delta(struct xor2 *x, unsigned bits)
{
    x->delta_ms += (uint64_t)bits_signed(&x->in, bits);
}

/* Time and value of a sample after the first two: 0 same step and value | 10 same step, then 0 old window or 1 new
 * window | 110 step changed by 13 bits | 1110 by 20 | 11110 by 64, each with a value | 11111 same step, stale */
static uint64_t read_joint(struct xor2 *x)
{
    unsigned ones = 0;
    uint64_t value;

    while (ones < 5 && bits_flag(&x->in)) ones++;
    if (ones == 2) change_delta(x, 13);
    if (ones == 3) change_delta(x, 20);
    if (ones == 4) change_delta(x, 64);
    x->time_ms = (int64_t)((uint64_t)x->time_ms + x->delta_ms);
    switch (ones) {
    case 0: return x->value;
    case 1:
        value = bits_flag(&x->in) ? bits_new_window(&x->in, &x->window) : bits_old_window(&x->in, &x->window);
        return change_value(x, value);
    case 5: return STALE_NAN_BITS;
    default: return read_value(x);
    }
}

static uint64_t read_sample(struct xor2 *x, size_t i)
{
    uint64_t value;

    if (i > 1) return read_joint(x);
    if (i == 1) {
        x->delta_ms = bits_varint(&x->in);
        x->time_ms = (int64_t)((uint64_t)x->time_ms + x->delta_ms);
        return read_value(x);
    }
    x->time_ms = zigzag_decode(bits_varint(&x->in));
    value = bits_read(&x->in, 64);
    if (value != STALE_NAN_BITS) x->value = value;
    return value;
}

/* u16 number of samples, u8 of start times (prom_start.h), samples. */
static status decode_xor2(const uint8_t *chunk, size_t bytes, struct column_buffer *out)
{
    if (bytes < 3) return malformed("XOR2");
    size_t count = __builtin_bswap16(load_u16(chunk)), first = out->times.count;
    struct start_reader start = start_reader_make(chunk[2]);
    struct xor2 x = {.in = bit_reader_make(chunk + 3, bytes - 3)};

    columns_clear_other(out);
    for (size_t i = 0; i < count && !x.in.failed; i++) {
        int64_t before_ms = x.time_ms;
        uint64_t value = read_sample(&x, i);
        int64_t start_ms = start_read(&start, &x.in, i, x.time_ms, before_ms);
        struct rich_sample sample = {x.time_ms, start_ms, double_from_bits(value), NULL};
        columns_push_other(out, &sample, HISTOGRAM_UNKNOWN);
    }
    if (x.in.failed) return malformed("XOR2");
    columns_merge(out, first);
    return ok();
}

status prom_chunk_decode(unsigned encoding, const uint8_t *chunk, size_t bytes, struct column_buffer *out)
{
    switch (encoding) {
    case PROM_XOR: return decode_xor(chunk, bytes, out);
    case PROM_XOR2: return decode_xor2(chunk, bytes, out);
    case PROM_HISTOGRAM:
    case PROM_FLOAT_HISTOGRAM:
    case PROM_HISTOGRAM_START:
    case PROM_FLOAT_HISTOGRAM_START: return prom_histogram_decode(encoding, chunk, bytes, out);
    default:
        return status_make(STATUS_UNSUPPORTED, "a chunk has the encoding %u, which is none that Prometheus 3 writes",
                           encoding);
    }
}
