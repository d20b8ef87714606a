/* Gorilla compression; see chunk_gorilla.h. */
#include "storage/chunk_gorilla.h"

#include "storage/chunk_bits.h"

#include <assert.h>

static void put(struct gorilla_bits *out, uint64_t word, unsigned bits)
{
    out->word[out->pieces] = word;
    out->bits[out->pieces++] = (uint8_t)bits;
}

/* A varint as one piece or, from 8 bytes on, two. */
static void put_varint(struct gorilla_bits *out, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    size_t count = (size_t)(varint_put(bytes, value) - bytes);
    uint64_t word = 0;

    for (size_t i = 0; i < count; i++) {
        word = word << 8 | bytes[i];
        if (i == 6 && count > 7) {
            put(out, word, 56);
            word = 0;
        }
    }
    put(out, word, (unsigned)(count > 7 ? count - 7 : count) * 8);
}

static uint64_t low_bits(int64_t v, unsigned bits)
{
    return (uint64_t)v & (((uint64_t)1 << bits) - 1);
}

static void put_delta_of_delta(struct gorilla_bits *out, int64_t d)
{
    if (d == 0) {
        put(out, 0, 1);
    } else if (bits_fit(d, 14)) {
        put(out, (uint64_t)2 << 14 | low_bits(d, 14), 16);
    } else if (bits_fit(d, 17)) {
        put(out, (uint64_t)6 << 17 | low_bits(d, 17), 20);
    } else if (bits_fit(d, 20)) {
        put(out, (uint64_t)14 << 20 | low_bits(d, 20), 24);
    } else {
        put(out, 15, 4);
        put(out, (uint64_t)d, 64);
    }
}

static void put_value(struct gorilla_state *state, uint64_t value, struct gorilla_bits *out)
{
    uint64_t changed = value ^ state->value;

    if (changed == 0) {
        put(out, 0, 1);
        return;
    }
    unsigned leading = (unsigned)__builtin_clzll(changed), trailing = (unsigned)__builtin_ctzll(changed);
    if (leading > 31) leading = 31;
    if (state->leading != GORILLA_NO_WINDOW && leading >= state->leading && trailing >= state->trailing) {
        unsigned bits = 64u - state->leading - state->trailing;
        put(out, 2, 2);
        put(out, changed >> state->trailing, bits);
        return;
    }
    unsigned bits = 64 - leading - trailing;
    put(out, (uint64_t)3 << 11 | leading << 6 | (bits & 63), 13);
    put(out, changed >> trailing, bits);
    state->leading = (uint8_t)leading;
    state->trailing = (uint8_t)trailing;
}

void gorilla_append(struct gorilla_state *state, int64_t time_ms, uint64_t value, struct gorilla_bits *out)
{
    assert(state->count == 0 || time_ms > state->time_ms);
    int64_t delta = (int64_t)((uint64_t)time_ms - (uint64_t)state->time_ms);

    out->pieces = 0;
    if (state->count == 0) {
        put_varint(out, zigzag_encode(time_ms));
        put(out, value, 64);
        delta = 0;
    } else {
        if (state->count == 1) {
            put_varint(out, (uint64_t)delta);
        } else {
            put_delta_of_delta(out, (int64_t)((uint64_t)delta - (uint64_t)state->delta_ms));
        }
        put_value(state, value, out);
    }
    state->time_ms = time_ms;
    state->value = value;
    state->delta_ms = delta;
    state->count++;
}

void gorilla_encode(const int64_t *times_ms, const uint64_t *values, size_t count, struct writer *out)
{
    assert(count > 0 && count <= UINT16_MAX);
    uint8_t *start = writer_reserve(out, GORILLA_HEADER_BYTES + (count * GORILLA_SAMPLE_BITS_MAX + 7) / 8 + 8);
    struct gorilla_state state = {.leading = GORILLA_NO_WINDOW};
    struct bit_packer packer = {start + GORILLA_HEADER_BYTES, 0, 0};
    struct gorilla_bits bits;

    store_u16(start, __builtin_bswap16((uint16_t)count));
    for (size_t i = 0; i < count; i++) {
        gorilla_append(&state, times_ms[i], values[i], &bits);
        for (unsigned k = 0; k < bits.pieces; k++) bits_pack(&packer, bits.word[k], bits.bits[k]);
    }
    store_u64(packer.at, __builtin_bswap64(packer.word));
    out->count += (size_t)(packer.at - start) + (packer.used + 7) / 8;
}

size_t gorilla_count(const uint8_t *chunk, size_t bytes)
{
    return bytes < GORILLA_HEADER_BYTES ? 0 : __builtin_bswap16(load_u16(chunk));
}

static bool take_varint(const uint8_t *bytes, size_t size, uint64_t *at, uint64_t *out)
{
    const uint8_t *from = bytes + (*at >> 3), *next = varint_get(from, bytes + size, out);

    if (!next) return false;
    *at += (uint64_t)(next - from) * 8;
    return true;
}

static inline int64_t take_delta_of_delta(const uint8_t *bytes, uint64_t *at)
{
    uint64_t word = bits_peek(bytes, *at);

    if (!(word >> 63)) {
        *at += 1;
        return 0;
    }
    switch (word >> 60) {
    case 8:
    case 9:
    case 10:
    case 11: *at += 2; return bits_sign_extend(bits_take(bytes, at, 14), 14);
    case 12:
    case 13: *at += 3; return bits_sign_extend(bits_take(bytes, at, 17), 17);
    case 14: *at += 4; return bits_sign_extend(bits_take(bytes, at, 20), 20);
    default: *at += 4; return (int64_t)bits_take(bytes, at, 64);
    }
}

bool gorilla_decode(const uint8_t *chunk, size_t bytes, int64_t *times_ms, double *values)
{
    size_t count = gorilla_count(chunk, bytes);
    uint64_t at = GORILLA_HEADER_BYTES * 8, end = (uint64_t)bytes * 8, raw;
    struct xor_window window = {0, 0};

    if (count == 0) return bytes >= GORILLA_HEADER_BYTES;
    if (!take_varint(chunk, bytes, &at, &raw) || at + 64 > end) return false;
    uint64_t time = (uint64_t)zigzag_decode(raw), value = bits_take(chunk, &at, 64), delta = 0;
    times_ms[0] = (int64_t)time;
    values[0] = double_from_bits(value);
    if (count == 1) return true;

    if (!take_varint(chunk, bytes, &at, &delta) || at >= end) return false;
    value ^= bits_take_change(chunk, &at, &window);
    times_ms[1] = (int64_t)(time += delta);
    values[1] = double_from_bits(value);
    for (size_t i = 2; i < count; i++) {
        if (at >= end) return false;
        delta += (uint64_t)take_delta_of_delta(chunk, &at);
        if (at > end) return false;
        value ^= bits_take_change(chunk, &at, &window);
        times_ms[i] = (int64_t)(time += delta);
        values[i] = double_from_bits(value);
    }
    return at <= end;
}
