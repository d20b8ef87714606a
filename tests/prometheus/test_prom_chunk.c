#include "prometheus/prom_chunk.h"

#include "prometheus/prom_bits.h"
#include "storage/chunk_gorilla.h"
#include "tests/prometheus/fixture.h"
#include "tests/storage/random.h"

#include <stdio.h>

/* Numbers of every width come back, signed and unsigned. */
Test(prom_chunk, varbits)
{
    struct writer out = {0};
    struct bit_writer to = {.out = &out};
    uint64_t seed = 5;
    int64_t numbers[2000];

    for (size_t i = 0; i < 2000; i++) numbers[i] = (int64_t)random_next(&seed) >> random_below(&seed, 64);
    for (size_t i = 0; i < 64; i++) numbers[i] = (int64_t)((uint64_t)1 << i);
    for (size_t i = 0; i < 64; i++) numbers[64 + i] = (int64_t)(1 - ((uint64_t)1 << i));
    for (size_t i = 0; i < 2000; i++) {
        bits_write_varbit(&to, numbers[i]);
        bits_write_varbit_unsigned(&to, (uint64_t)numbers[i]);
        bits_write(&to, (uint64_t)numbers[i], 1 + i % 64);
    }
    bits_flush(&to);
    uint8_t *copy = fixture_slack(out.data, out.count);
    struct bit_reader in = bit_reader_make(copy, out.count);
    for (size_t i = 0; i < 2000; i++) {
        unsigned bits = 1 + i % 64;
        cr_assert(bits_varbit(&in) == numbers[i], "%zu", i);
        cr_assert(bits_varbit_unsigned(&in) == (uint64_t)numbers[i], "%zu", i);
        cr_assert(bits_read(&in, bits) == (uint64_t)numbers[i] << (64 - bits) >> (64 - bits), "%zu", i);
    }
    cr_expect(!in.failed);
    bits_read(&in, 64);
    cr_expect(in.failed && bits_read(&in, 1) == 0);
    free(copy);
    writer_release(&out);
}

/* XOR2 as it is described, written bit by bit. */
struct xor2_row {
    int64_t time_ms, start_ms;
    uint64_t value;
};

static void put_value(struct bit_writer *to, uint64_t *last, uint64_t value, struct bit_window *window, bool known)
{
    uint64_t change = value ^ *last;

    if (value == STALE_NAN_BITS) {
        bits_write(to, 7, 3);
        return;
    }
    *last = value;
    if (change == 0) {
        bits_write(to, 0, 1);
        return;
    }
    unsigned leading = (unsigned)__builtin_clzll(change), trailing = (unsigned)__builtin_ctzll(change);
    if (leading > 31) leading = 31;
    if (window->bits && leading >= 64u - window->trailing - window->bits && trailing >= window->trailing) {
        bits_write(to, known ? 0 : 2, known ? 1 : 2);
    } else {
        *window = (struct bit_window){(uint8_t)trailing, (uint8_t)(64 - leading - trailing)};
        bits_write(to, known ? 1 : 6, known ? 1 : 3);
        bits_write(to, leading, 5);
        bits_write(to, window->bits, 6);
    }
    bits_write(to, change >> window->trailing, window->bits);
}

static void put_joint(struct bit_writer *to, int64_t dod, uint64_t *last, uint64_t value, struct bit_window *window)
{
    if (dod == 0 && value == STALE_NAN_BITS) {
        bits_write(to, 31, 5);
    } else if (dod == 0 && value == *last) {
        bits_write(to, 0, 1);
    } else if (dod == 0) {
        bits_write(to, 2, 2);
        put_value(to, last, value, window, true);
    } else {
        if (dod >= -4096 && dod <= 4095) {
            bits_write(to, 6, 3);
            bits_write(to, (uint64_t)dod, 13);
        } else if (dod >= -524288 && dod <= 524287) {
            bits_write(to, 14, 4);
            bits_write(to, (uint64_t)dod, 20);
        } else {
            bits_write(to, 30, 5);
            bits_write(to, (uint64_t)dod, 64);
        }
        put_value(to, last, value, window, false);
    }
}

static void put_varint(struct bit_writer *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) bits_write(to, v | 0x80, 8);
    bits_write(to, v, 8);
}

static void write_xor2(const struct xor2_row *rows, size_t count, bool first_start, uint8_t change_on,
                       struct writer *out)
{
    struct bit_writer to = {.out = out};
    struct bit_window window = {0};
    uint64_t last = 0;
    int64_t delta = 0, difference = 0;

    bits_write(&to, count, 16);
    bits_write(&to, (first_start ? 0x80u : 0) | change_on, 8);
    for (size_t i = 0; i < count; i++) {
        int64_t step = i ? rows[i].time_ms - rows[i - 1].time_ms : 0;
        if (i == 0) {
            put_varint(&to, zigzag_encode(rows[0].time_ms));
            bits_write(&to, rows[0].value, 64);
            if (rows[0].value != STALE_NAN_BITS) last = rows[0].value;
            if (first_start) put_varint(&to, zigzag_encode(rows[0].time_ms - rows[0].start_ms));
        } else if (i == 1) {
            put_varint(&to, (uint64_t)step);
            put_value(&to, &last, rows[1].value, &window, false);
        } else {
            put_joint(&to, step - delta, &last, rows[i].value, &window);
        }
        delta = step;
        if (i == 0 || change_on == 0 || i < change_on) continue;
        int64_t now = rows[i - 1].time_ms - rows[i].start_ms;
        bits_write_varbit(&to, i == change_on ? now : now - difference);
        difference = now;
    }
    bits_flush(&to);
}

static void make_rows(struct xor2_row *rows, size_t count, bool first_start, uint8_t change_on, uint64_t seed)
{
    int64_t time_ms = 1700000000000, start_ms = first_start ? time_ms - 12345 : 0;

    for (size_t i = 0; i < count; i++) {
        static const int64_t steps[] = {15000, 15000, 15000, 15007, 19000, 700000, 90000000000};
        time_ms += steps[random_below(&seed, 7)];
        if (change_on && i >= change_on && random_below(&seed, 3) == 0) start_ms = time_ms - random_below(&seed, 1000);
        rows[i] = (struct xor2_row){time_ms, start_ms, double_bits((double)random_below(&seed, 5))};
        if (random_below(&seed, 6) == 0) rows[i].value = STALE_NAN_BITS;
        if (random_below(&seed, 6) == 0) rows[i].value = random_next(&seed);
    }
}

Test(prom_chunk, xor2)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        size_t count = seed % 140;
        bool first_start = seed % 3 == 0;
        uint8_t change_on = seed % 4 == 0 ? 0 : (uint8_t)(1 + seed % 20);
        struct xor2_row rows[140];
        struct column_buffer buffer = {0};
        struct writer out = {0};
        make_rows(rows, count, first_start, change_on, seed);
        write_xor2(rows, count, first_start, change_on, &out);
        uint8_t *copy = fixture_slack(out.data, out.count);
        must(prom_chunk_decode(PROM_XOR2, copy, out.count, &buffer));
        samples found = columns_view(&buffer);
        cr_assert(found.count == count);
        for (size_t i = 0; i < count; i++) {
            int64_t start_ms = found.starts_ms ? found.starts_ms[i] : 0;
            cr_assert(found.times_ms[i] == rows[i].time_ms && double_bits(found.values[i]) == rows[i].value &&
                          start_ms == rows[i].start_ms,
                      "seed %llu, sample %zu", (unsigned long long)seed, i);
        }
        free(copy);
        writer_release(&out);
        column_buffer_release(&buffer);
    }
}

/* Cut anywhere, or with any bit flipped, a chunk is decoded to something or refused with words. */
static void damage(unsigned encoding, const struct writer *chunk)
{
    for (size_t at = 0; at < chunk->count; at++) {
        for (int flip = 0; flip < 2; flip++) {
            struct column_buffer buffer = {0};
            size_t bytes = flip ? chunk->count : at;
            uint8_t *copy = fixture_slack(chunk->data, bytes);
            if (flip) copy[at] = (uint8_t)(copy[at] ^ 1 << at % 8);
            status s = prom_chunk_decode(encoding, copy, bytes, &buffer);
            cr_assert(!failed(s) || s.text[0]);
            cr_assert(flip || failed(s), "encoding %u cut at %zu", encoding, at);
            free(copy);
            column_buffer_release(&buffer);
        }
    }
}

Test(prom_chunk, damage_is_refused)
{
    struct writer out = {0};
    int64_t times[100];
    uint64_t values[100], seed = 3;
    struct xor2_row rows[100];

    for (int i = 0; i < 100; i++) {
        times[i] = 1000 + i * 15000 + random_below(&seed, 100);
        values[i] = random_next(&seed);
    }
    gorilla_encode(times, values, 100, &out);
    damage(PROM_XOR, &out);
    out.count = 0;
    make_rows(rows, 100, true, 5, 9);
    write_xor2(rows, 100, true, 5, &out);
    damage(PROM_XOR2, &out);
    writer_release(&out);
}

/* A chunk without samples is no chunk that anybody writes, and harmless. */
Test(prom_chunk, empty)
{
    for (unsigned encoding = PROM_XOR; encoding <= PROM_FLOAT_HISTOGRAM_START; encoding++) {
        struct column_buffer buffer = {0};
        uint8_t chunk[64] = {0};
        must(prom_chunk_decode(encoding, chunk, 3, &buffer));
        cr_expect(buffer.times.count == 0);
        cr_expect(failed(prom_chunk_decode(encoding, chunk, 1, &buffer)));
        column_buffer_release(&buffer);
    }
}

Test(prom_chunk, unknown_encodings_are_named)
{
    struct column_buffer buffer = {0};
    uint8_t chunk[64] = {0};

    for (unsigned encoding = 0; encoding < 256; encoding++) {
        if (encoding >= PROM_XOR && encoding <= PROM_FLOAT_HISTOGRAM_START) continue;
        char name[32];
        snprintf(name, sizeof name, "encoding %u,", encoding);
        status s = prom_chunk_decode(encoding, chunk, 4, &buffer);
        cr_expect(s.code == STATUS_UNSUPPORTED && strstr(s.text, name), "%s", s.text);
    }
}
