/* Bits as the chunks of Prometheus pack them: from the most significant one of each byte on.
 *
 * Shared by the chunks of floats (chunk_gorilla) and of histograms (chunk_histogram). Reading looks at up to 16 bytes
 * behind the bit that it begins at; callers see to it that these are readable.
 */
#ifndef VARVE_STORAGE_CHUNK_BITS_H
#define VARVE_STORAGE_CHUNK_BITS_H

#include "storage/base/bytes.h"

/* Bits on their way into bytes: `used` of the word's upper bits are taken. */
struct bit_packer {
    uint8_t *at;
    uint64_t word;
    unsigned used;
};

/* Appends the low bits of a word, 1 to 64 of them; 8 bytes at `at` must have room. */
static inline void bits_pack(struct bit_packer *packer, uint64_t word, unsigned bits)
{
    unsigned room = 64 - packer->used;

    if (bits < 64) word &= ((uint64_t)1 << bits) - 1;
    if (bits < room) {
        packer->word |= word << (room - bits);
        packer->used += bits;
        return;
    }
    packer->word |= word >> (bits - room);
    store_u64(packer->at, __builtin_bswap64(packer->word));
    packer->at += 8;
    packer->used = bits - room;
    packer->word = packer->used ? word << (64 - packer->used) : 0;
}

/* 64 bits from bit `at` on, of which the first 57 are sure to be there. */
static inline uint64_t bits_peek(const uint8_t *bytes, uint64_t at)
{
    return __builtin_bswap64(load_u64(bytes + (at >> 3))) << (at & 7);
}

/* The next 1 to 64 bits. */
static inline uint64_t bits_take(const uint8_t *bytes, uint64_t *at, unsigned bits)
{
    uint64_t word = bits_peek(bytes, *at);

    if (bits > 57) word |= (uint64_t)bytes[(*at >> 3) + 8] >> (8 - (*at & 7));
    *at += bits;
    return word >> (64 - bits);
}

/* k bits hold -(2^(k-1) - 1) … 2^(k-1). */
static inline bool bits_fit(int64_t v, unsigned bits)
{
    int64_t half = (int64_t)1 << (bits - 1);
    return v > -half && v <= half;
}

static inline int64_t bits_sign_extend(uint64_t v, unsigned bits)
{
    return v > (uint64_t)1 << (bits - 1) ? (int64_t)(v - ((uint64_t)1 << bits)) : (int64_t)v;
}

/* Which bits of a value changed the last time that this was told. */
struct xor_window {
    unsigned trailing, bits; /* no bits: never */
};

/* The XOR with the last value: 0 | 10 + the bits inside the last window | 11 + 5 bits of leading zeros + 6 bits of
 * length (64 as 0) + the bits. */
static inline uint64_t bits_take_change(const uint8_t *bytes, uint64_t *at, struct xor_window *window)
{
    uint64_t word = bits_peek(bytes, *at);

    if (!(word >> 63)) {
        *at += 1;
        return 0;
    }
    if (word >> 62 == 2) {
        *at += 2;
    } else {
        unsigned leading = (unsigned)(word >> 57 & 31), bits = (unsigned)(word >> 51 & 63);
        if (bits == 0) bits = 64;
        if (leading + bits > 64) bits = 64 - leading; /* malformed; stays in range, the checksum is elsewhere */
        *window = (struct xor_window){64 - leading - bits, bits};
        *at += 13;
    }
    return window->bits ? bits_take(bytes, at, window->bits) << window->trailing : 0;
}

#endif
