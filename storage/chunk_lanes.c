/* Integers packed to a fixed width; see chunk_lanes.h. */
#include "storage/chunk_lanes.h"

#include "storage/chunk_target.h"

#include <assert.h>

enum { ROWS = 32, PATCHED = 128 };

/* One word of all four lanes. */
typedef uint32_t row __attribute__((vector_size(16)));

CHUNK_INLINE row load_row(const uint8_t *at)
{
    row words;
    memcpy(&words, at, sizeof words);
    return words;
}

static uint64_t mask_of(unsigned width)
{
    return width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
}

static void pack_rows(const uint32_t *values, unsigned width, uint8_t *out)
{
    uint32_t words[ROWS * 4] = {0};

    for (unsigned i = 0; i < LANES_GROUP; i++) {
        unsigned lane = i % 4, bit = i / 4 * width, word = bit / 32, shift = bit % 32;
        words[word * 4 + lane] |= values[i] << shift;
        if (shift + width > 32) words[word * 4 + 4 + lane] |= values[i] >> (32 - shift);
    }
    memcpy(out, words, 16 * (size_t)width);
}

CHUNK_INLINE void unpack_row(const uint8_t *in, unsigned width, unsigned r, uint32_t *out)
{
    unsigned shift = r * width % 32;
    const uint8_t *at = in + (size_t)(r * width / 32) * 16;
    row value = load_row(at) >> shift;

    if (shift + width > 32) value |= load_row(at + 16) << (32 - shift);
    if (width < 32) value &= (1U << width) - 1;
    memcpy(out + (size_t)r * 4, &value, sizeof value);
}

/* Spelled out, so that for a width that is a constant all shifts are. */
CHUNK_INLINE void unpack_rows(const uint8_t *in, unsigned width, uint32_t *out)
{
#define FOUR(r)                        \
    unpack_row(in, width, r, out);     \
    unpack_row(in, width, r + 1, out); \
    unpack_row(in, width, r + 2, out); \
    unpack_row(in, width, r + 3, out)
    FOUR(0);
    FOUR(4);
    FOUR(8);
    FOUR(12);
    FOUR(16);
    FOUR(20);
    FOUR(24);
    FOUR(28);
#undef FOUR
}

CHUNK_INLINE void unpack_lanes(const uint8_t *in, unsigned width, uint32_t *out)
{
    switch (width) {
#define WIDTH(w)                 \
    case w:                      \
        unpack_rows(in, w, out); \
        break;
#define EIGHT(w) WIDTH(w) WIDTH(w + 1) WIDTH(w + 2) WIDTH(w + 3) WIDTH(w + 4) WIDTH(w + 5) WIDTH(w + 6) WIDTH(w + 7)
        EIGHT(1)
        EIGHT(9)
        EIGHT(17)
        EIGHT(25)
#undef EIGHT
#undef WIDTH
    }
}

static void pack_bits(const uint64_t *values, size_t count, unsigned width, uint8_t *out)
{
    uint64_t word = 0;
    unsigned used = 0;

    for (size_t i = 0; i < count; i++) {
        word |= values[i] << used;
        if (used + width >= 64) {
            store_u64(out, word);
            out += 8;
            word = used ? values[i] >> (64 - used) : 0;
            used = used + width - 64;
        } else {
            used += width;
        }
    }
    for (; used > 0; used = used > 8 ? used - 8 : 0, word >>= 8) *out++ = (uint8_t)word;
}

static void unpack_bits(const uint8_t *in, size_t count, unsigned width, uint64_t *values)
{
    const uint64_t mask = mask_of(width);

    for (size_t i = 0, bit = 0; i < count; i++, bit += width) {
        unsigned shift = bit & 7;
        uint64_t word = load_u64(in + bit / 8) >> shift;
        if (width > 56) word |= (uint64_t)in[bit / 8 + 8] << 1 << (63 - shift);
        values[i] = word & mask;
    }
}

void lanes_pack(const uint64_t *values, size_t count, unsigned width, struct writer *out)
{
    uint32_t low[LANES_GROUP];

    assert(count <= LANES_GROUP && width <= 64);
    uint8_t *at = writer_reserve(out, lanes_bytes(count, width) + 8);
    out->count += lanes_bytes(count, width);
    if (width == 0) return;
    if (count < LANES_GROUP) {
        pack_bits(values, count, width, at);
        return;
    }
    for (unsigned i = 0; i < LANES_GROUP; i++) low[i] = (uint32_t)values[i];
    if (width > 32) {
        memcpy(at, low, sizeof low);
        at += sizeof low;
        for (unsigned i = 0; i < LANES_GROUP; i++) low[i] = (uint32_t)(values[i] >> 32);
        width -= 32;
    }
    pack_rows(low, width, at);
}

void lanes_unpack(const uint8_t *in, size_t count, unsigned width, uint64_t *values)
{
    uint32_t low[LANES_GROUP], high[LANES_GROUP];

    if (width == 0) {
        memset(values, 0, count * sizeof *values);
    } else if (count < LANES_GROUP) {
        unpack_bits(in, count, width, values);
    } else if (width <= 32) {
        unpack_lanes(in, width, low);
        for (unsigned i = 0; i < LANES_GROUP; i++) values[i] = low[i];
    } else {
        unpack_lanes(in + sizeof low, width - 32, high);
        for (unsigned i = 0; i < LANES_GROUP; i++)
            values[i] = load_u32(in + (size_t)i * sizeof *low) | (uint64_t)high[i] << 32;
    }
}

static unsigned bits_of(uint64_t value)
{
    return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* The cheapest width; *bytes is what the group takes then. */
static unsigned choose_width(const uint16_t histogram[65], size_t count, size_t *bytes)
{
    unsigned widest = 64, best;
    size_t wider = 0;

    while (widest > 0 && histogram[widest] == 0) widest--;
    best = widest;
    *bytes = 1 + lanes_bytes(count, widest);
    for (unsigned width = widest; width-- > 0;) {
        wider += histogram[width + 1];
        size_t cost = 3 + lanes_bytes(count, width) + wider + lanes_bytes(wider, widest - width);
        if (wider > count / 4) break;
        if (cost < *bytes) {
            *bytes = cost;
            best = width;
        }
    }
    return best;
}

size_t lanes_cost_bytes(const uint16_t histogram[65], size_t count)
{
    size_t bytes;

    choose_width(histogram, count, &bytes);
    return bytes;
}

void lanes_write(const uint64_t *values, size_t count, struct writer *out)
{
    uint16_t histogram[65] = {0};
    uint64_t low[LANES_GROUP], patches[LANES_GROUP], all = 0;
    uint8_t places[LANES_GROUP];
    size_t patch_count = 0, bytes;

    for (size_t i = 0; i < count; i++) {
        histogram[bits_of(values[i])]++;
        all |= values[i];
    }
    unsigned width = choose_width(histogram, count, &bytes);
    if (bits_of(all) == width) {
        writer_u8(out, (uint8_t)width);
        lanes_pack(values, count, width, out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        low[i] = values[i] & mask_of(width);
        if (low[i] == values[i]) continue;
        places[patch_count] = (uint8_t)i;
        patches[patch_count++] = values[i] >> width;
    }
    writer_u8(out, (uint8_t)(width | PATCHED));
    writer_u8(out, (uint8_t)(patch_count - 1));
    writer_u8(out, (uint8_t)(bits_of(all) - width));
    writer_bytes(out, places, patch_count);
    lanes_pack(patches, patch_count, bits_of(all) - width, out);
    lanes_pack(low, count, width, out);
}

static bool read_packed(struct reader *in, size_t count, unsigned width, uint64_t *values)
{
    const uint8_t *at = reader_bytes(in, lanes_bytes(count, width));

    if (at) lanes_unpack(at, count, width, values);
    return at;
}

static bool read_patched(struct reader *in, size_t count, unsigned width, uint64_t *values)
{
    uint64_t patches[LANES_GROUP];
    size_t patch_count = (size_t)reader_u8(in) + 1;
    unsigned patch_width = reader_u8(in);

    if (patch_count > count || patch_count == LANES_GROUP || width + patch_width > 64) return false;
    const uint8_t *places = reader_bytes(in, patch_count);
    if (!places || !read_packed(in, patch_count, patch_width, patches)) return false;
    if (!read_packed(in, count, width, values)) return false;
    for (size_t i = 0; i < patch_count; i++) {
        if (places[i] >= count) return false;
        values[places[i]] |= width < 64 ? patches[i] << width : 0;
    }
    return true;
}

bool lanes_read(struct reader *in, size_t count, uint64_t *values)
{
    unsigned head = reader_u8(in), width = head & (PATCHED - 1);

    assert(count <= LANES_GROUP);
    if (width > 64 || reader_failed(in)) return false;
    return head & PATCHED ? read_patched(in, count, width, values) : read_packed(in, count, width, values);
}
