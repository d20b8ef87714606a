/* Bits as Prometheus' chunks have them, from the most significant one on.
 *
 * A reader's failure is sticky, as that of base/bytes: past the end it gives zeros. PROM_SLACK_BYTES behind the bits
 * are readable. The variable widths ("varbit") are those of Prometheus' native histograms: as many ones as say which
 * width, a zero but after eight, then the number; k bits hold -(2^(k-1) - 1) … 2^(k-1). */
#ifndef VARVE_PROMETHEUS_PROM_BITS_H
#define VARVE_PROMETHEUS_PROM_BITS_H

#include "storage/base/bytes.h"

struct bit_reader {
    const uint8_t *data;
    uint64_t at, end; /* in bits */
    bool failed;
};

static inline struct bit_reader bit_reader_make(const uint8_t *data, size_t bytes)
{
    return (struct bit_reader){data, 0, (uint64_t)bytes * 8, false};
}

/* The next 1 to 64 bits. */
static inline uint64_t bits_read(struct bit_reader *in, unsigned bits)
{
    if (in->end - in->at < bits) {
        in->failed = true;
        in->at = in->end;
        return 0;
    }
    const uint8_t *from = in->data + (in->at >> 3);
    unsigned skip = in->at & 7;
    uint64_t word = __builtin_bswap64(load_u64(from)) << skip;
    if (skip) word |= (uint64_t)from[8] >> (8 - skip);
    in->at += bits;
    return word >> (64 - bits);
}

static inline bool bits_flag(struct bit_reader *in)
{
    return bits_read(in, 1) != 0;
}

/* A number of `bits` bits that may be negative; exactly -(2^(bits-1)) … 2^(bits-1) - 1. */
static inline int64_t bits_signed(struct bit_reader *in, unsigned bits)
{
    uint64_t v = bits_read(in, bits);
    return bits < 64 && v >> (bits - 1) ? (int64_t)(v - ((uint64_t)1 << bits)) : (int64_t)v;
}

/* The width of the next number: as its prefix says, which is passed over; 0: it is 0. */
static inline unsigned bits_width(struct bit_reader *in)
{
    static const uint8_t widths[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
    unsigned ones = 0;

    while (ones < 8 && bits_flag(in)) ones++;
    return widths[ones];
}

static inline int64_t bits_varbit(struct bit_reader *in)
{
    unsigned width = bits_width(in);
    uint64_t v = width ? bits_read(in, width) : 0;

    if (width && width < 64 && v > (uint64_t)1 << (width - 1)) v -= (uint64_t)1 << width;
    return (int64_t)v;
}

static inline uint64_t bits_varbit_unsigned(struct bit_reader *in)
{
    unsigned width = bits_width(in);
    return width ? bits_read(in, width) : 0;
}

/* A varint of bytes, which need not begin where a byte does. */
static inline uint64_t bits_varint(struct bit_reader *in)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint64_t byte = bits_read(in, 8);
        v |= (byte & 0x7F) << (shift & 63);
        if (byte < 0x80) return v;
    }
    in->failed = true;
    return 0;
}

/* A value that is XORed with the one before: 0 | 10 and the bits inside the last window | 11, 5 bits of leading zeros,
 * 6 bits of length (64 as 0), the bits. */
struct bit_window {
    uint8_t trailing, bits; /* 0 bits: there was none yet */
};

/* The bits of a new window. */
static inline uint64_t bits_new_window(struct bit_reader *in, struct bit_window *window)
{
    unsigned leading = (unsigned)bits_read(in, 5), bits = (unsigned)bits_read(in, 6);

    if (bits == 0) bits = 64;
    if (leading + bits > 64) {
        in->failed = true;
        return 0;
    }
    *window = (struct bit_window){(uint8_t)(64 - leading - bits), (uint8_t)bits};
    return bits_read(in, bits) << window->trailing;
}

static inline uint64_t bits_old_window(struct bit_reader *in, const struct bit_window *window)
{
    return bits_read(in, window->bits ? window->bits : 64) << window->trailing;
}

static inline uint64_t bits_xor(struct bit_reader *in, struct bit_window *window)
{
    if (!bits_flag(in)) return 0;
    return bits_flag(in) ? bits_new_window(in, window) : bits_old_window(in, window);
}

/* Bits on their way into bytes; zeroed, but for `out`, is empty. */
struct bit_writer {
    struct writer *out;
    uint64_t word; /* the upper `used` bits are taken */
    unsigned used;
};

/* The lowest 1 to 64 bits of a word. */
static inline void bits_write(struct bit_writer *to, uint64_t word, unsigned bits)
{
    unsigned room = 64 - to->used;

    if (bits < 64) word &= ((uint64_t)1 << bits) - 1;
    if (bits < room) {
        to->word |= word << (room - bits);
        to->used += bits;
        return;
    }
    writer_u64(to->out, __builtin_bswap64(to->word | word >> (bits - room)));
    to->used = bits - room;
    to->word = to->used ? word << (64 - to->used) : 0;
}

/* Writes what is left, filled up with zeros to a byte. */
static inline void bits_flush(struct bit_writer *to)
{
    uint64_t word = __builtin_bswap64(to->word);

    writer_bytes(to->out, &word, (to->used + 7) / 8);
    to->word = to->used = 0;
}

static inline void bits_write_varbit(struct bit_writer *to, int64_t v)
{
    static const uint8_t widths[] = {3, 6, 9, 12, 18, 25, 56};

    if (v == 0) {
        bits_write(to, 0, 1);
        return;
    }
    for (unsigned i = 0; i < sizeof widths; i++) {
        int64_t half = (int64_t)1 << (widths[i] - 1);
        if (v < 1 - half || v > half) continue;
        bits_write(to, ((uint64_t)1 << (i + 2)) - 2, i + 2);
        bits_write(to, (uint64_t)v, widths[i]);
        return;
    }
    bits_write(to, 0xFF, 8);
    bits_write(to, (uint64_t)v, 64);
}

static inline void bits_write_varbit_unsigned(struct bit_writer *to, uint64_t v)
{
    static const uint8_t widths[] = {3, 6, 9, 12, 18, 25, 56};

    if (v == 0) {
        bits_write(to, 0, 1);
        return;
    }
    for (unsigned i = 0; i < sizeof widths; i++) {
        if (v >> widths[i]) continue;
        bits_write(to, ((uint64_t)1 << (i + 2)) - 2, i + 2);
        bits_write(to, v, widths[i]);
        return;
    }
    bits_write(to, 0xFF, 8);
    bits_write(to, v, 64);
}

/* What bits_xor reads. */
static inline void bits_write_xor(struct bit_writer *to, uint64_t v, struct bit_window *window)
{
    if (v == 0) {
        bits_write(to, 0, 1);
        return;
    }
    unsigned leading = (unsigned)__builtin_clzll(v), trailing = (unsigned)__builtin_ctzll(v);
    if (leading > 31) leading = 31;
    unsigned old_leading = 64u - window->trailing - window->bits;
    if (window->bits && leading >= old_leading && trailing >= window->trailing) {
        bits_write(to, 2, 2);
    } else {
        *window = (struct bit_window){(uint8_t)trailing, (uint8_t)(64 - leading - trailing)};
        bits_write(to, 3, 2);
        bits_write(to, leading, 5);
        bits_write(to, window->bits, 6);
    }
    bits_write(to, v >> window->trailing, window->bits);
}

#endif
