/* Encoding of rich samples; see chunk_rich.h. */
#include "storage/chunk_rich.h"

#include <math.h>

enum {
    IS_HISTOGRAM = 1,
    IS_INTEGER = 2,
    HAS_START = 4,
    SAME_LAYOUT = 8, /* rows */
    IS_GAUGE = 8,    /* chunks */
    HINT_SHIFT = 4,
    RAW_COLUMN = 0x80,
    CHUNK_SAMPLES_MAX = 1024
};

#define STALE_BITS  0x7FF0000000000002ULL
#define INTEGER_MAX 9007199254740992.0 /* 2^53 */

static bool is_whole(double v)
{
    return v >= -INTEGER_MAX && v <= INTEGER_MAX && v == floor(v) && double_bits(v) != double_bits(-0.0);
}

static bool same_indexes(const struct bucket_list *a, const struct bucket_list *b)
{
    return a->count == b->count && (a->count == 0 || a->indexes == b->indexes ||
                                    memcmp(a->indexes, b->indexes, a->count * sizeof *a->indexes) == 0);
}

/* Schema, zero threshold and bounds: what all histograms of a chunk share. */
static bool same_frame(const struct histogram *a, const struct histogram *b)
{
    return a->schema == b->schema && a->zero_threshold == b->zero_threshold && histogram_same_bounds(a, b);
}

static bool same_layout(const struct histogram *a, const struct histogram *b)
{
    return same_frame(a, b) && same_indexes(&a->positive, &b->positive) && same_indexes(&a->negative, &b->negative);
}

static void write_indexes(const struct bucket_list *side, struct writer *out)
{
    writer_varint(out, side->count);
    for (uint32_t i = 0; i < side->count; i++) {
        if (i == 0) {
            writer_signed(out, side->indexes[0]);
        } else {
            writer_varint(out, (uint64_t)((int64_t)side->indexes[i] - side->indexes[i - 1] - 1));
        }
    }
}

static void write_layout(const struct histogram *h, struct writer *out)
{
    writer_u8(out, (uint8_t)h->schema);
    writer_u64(out, double_bits(h->zero_threshold));
    writer_varint(out, h->bound_count);
    for (uint32_t i = 0; i < h->bound_count; i++) writer_u64(out, double_bits(h->bounds[i]));
    write_indexes(&h->positive, out);
    write_indexes(&h->negative, out);
}

static bool read_indexes(struct reader *in, struct bucket_list *side, struct arena *arena)
{
    side->count = reader_varint32(in);
    side->indexes = NULL;
    side->counts = NULL;
    if (side->count > HISTOGRAM_BUCKETS_MAX || side->count > reader_left(in)) return false;
    int32_t *indexes = arena_array(arena, int32_t, side->count);
    int64_t index = 0;
    for (uint32_t i = 0; i < side->count; i++) {
        if (i == 0) {
            index = reader_signed(in);
        } else {
            uint64_t gap = reader_varint(in);
            if (gap > UINT32_MAX) return false;
            index += (int64_t)gap + 1;
        }
        if (index < INT32_MIN || index > INT32_MAX) return false;
        indexes[i] = (int32_t)index;
    }
    side->indexes = indexes;
    return true;
}

static bool read_layout(struct reader *in, struct histogram *h, struct arena *arena)
{
    h->schema = (int8_t)reader_u8(in);
    h->zero_threshold = double_from_bits(reader_u64(in));
    h->bound_count = reader_varint32(in);
    if (h->bound_count > HISTOGRAM_BUCKETS_MAX || h->bound_count * sizeof(double) > reader_left(in)) return false;
    double *bounds = arena_array(arena, double, h->bound_count);
    for (uint32_t i = 0; i < h->bound_count; i++) bounds[i] = double_from_bits(reader_u64(in));
    h->bounds = h->bound_count ? bounds : NULL;
    if (!read_indexes(in, &h->positive, arena) || !read_indexes(in, &h->negative, arena)) return false;
    bool is_known = histogram_is_custom(h) || (h->schema >= HISTOGRAM_SCHEMA_MIN && h->schema <= HISTOGRAM_SCHEMA_MAX);
    if (histogram_is_custom(h) && h->positive.count) {
        const int32_t *indexes = h->positive.indexes;
        if (indexes[0] < 0 || indexes[h->positive.count - 1] > (int32_t)h->bound_count) return false;
    }
    return is_known && !reader_failed(in);
}

/* The i-th number of a histogram: count, zero count, buckets. */
static double number_at(const struct histogram *h, uint32_t i)
{
    if (i == 0) return h->count;
    if (i == 1) return h->zero_count;
    return i - 2 < h->positive.count ? h->positive.counts[i - 2] : h->negative.counts[i - 2 - h->positive.count];
}

static uint32_t number_count(const struct histogram *h)
{
    return 2 + h->positive.count + h->negative.count;
}

static void write_numbers(const struct histogram *before, const struct histogram *h, struct writer *out)
{
    uint32_t passed = 0, count = number_count(h);

    for (uint32_t i = 0; i < count; i++) {
        double old = before ? number_at(before, i) : 0, number = number_at(h, i);
        if (double_bits(old) == double_bits(number)) {
            passed++;
            continue;
        }
        writer_varint(out, passed);
        passed = 0;
        if (is_whole(old) && is_whole(number)) {
            writer_varint(out, zigzag_encode((int64_t)number - (int64_t)old) + 1);
        } else {
            writer_varint(out, 0);
            writer_u64(out, double_bits(number));
        }
    }
    writer_varint(out, passed);
}

static bool read_numbers(struct reader *in, const struct histogram *before, struct histogram *h, struct arena *arena)
{
    uint32_t count = number_count(h);
    double *numbers = arena_array(arena, double, count);
    uint64_t at = 0;

    for (uint32_t i = 0; i < count; i++) numbers[i] = before ? number_at(before, i) : 0;
    for (;;) {
        uint64_t passed = reader_varint(in);
        if (passed > count - at) return false;
        at += passed;
        if (at == count) break;
        uint64_t change = reader_varint(in);
        if (change) {
            double sum = numbers[at] + (double)zigzag_decode(change - 1);
            numbers[at] = sum;
        } else {
            numbers[at] = double_from_bits(reader_u64(in));
        }
        if (++at == count) {
            if (reader_varint(in) != 0) return false;
            break;
        }
    }
    h->count = numbers[0];
    h->zero_count = numbers[1];
    h->positive.counts = numbers + 2;
    h->negative.counts = numbers + 2 + h->positive.count;
    return !reader_failed(in);
}

void rich_row_write(const struct rich_sample *before, const struct rich_sample *sample, struct writer *out)
{
    const struct histogram *h = sample->histogram, *old = before ? before->histogram : NULL;
    bool is_same = h && old && same_layout(old, h);
    unsigned flags = (sample->start_ms ? HAS_START : 0) | (is_same ? SAME_LAYOUT : 0);

    if (h) flags |= IS_HISTOGRAM | (h->is_integer ? IS_INTEGER : 0) | (unsigned)h->hint << HINT_SHIFT;
    writer_u8(out, (uint8_t)flags);
    writer_signed(out, (int64_t)((uint64_t)sample->time_ms - (before ? (uint64_t)before->time_ms : 0)));
    if (sample->start_ms) writer_signed(out, (int64_t)((uint64_t)sample->time_ms - (uint64_t)sample->start_ms));
    writer_u64(out, double_bits(sample->value));
    if (!h) return;
    if (!is_same) write_layout(h, out);
    write_numbers(is_same ? old : NULL, h, out);
}

bool rich_row_read(struct reader *in, const struct rich_sample *before, struct rich_sample *out, struct arena *arena)
{
    uint8_t flags = reader_u8(in);
    const struct histogram *old = before ? before->histogram : NULL;

    out->time_ms = (int64_t)((before ? (uint64_t)before->time_ms : 0) + (uint64_t)reader_signed(in));
    out->start_ms = 0;
    if (flags & HAS_START) out->start_ms = (int64_t)((uint64_t)out->time_ms - (uint64_t)reader_signed(in));
    out->value = double_from_bits(reader_u64(in));
    out->histogram = NULL;
    if (!(flags & IS_HISTOGRAM)) return !reader_failed(in);
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    bool is_same = flags & SAME_LAYOUT;
    if (is_same) {
        if (!old) return false;
        *h = *old;
    } else if (!read_layout(in, h, arena)) {
        return false;
    }
    h->is_integer = flags & IS_INTEGER;
    h->hint = flags >> HINT_SHIFT & 3;
    h->sum = out->value;
    out->histogram = h;
    return read_numbers(in, is_same ? old : NULL, h, arena);
}

static bool is_stale(const struct rich_sample *sample)
{
    return double_bits(sample->value) == STALE_BITS;
}

bool rich_must_cut(const struct rich_sample *before, const struct rich_sample *sample)
{
    const struct histogram *old = before->histogram, *h = sample->histogram;

    if (!old || !h) return old != h;
    if ((old->hint == HISTOGRAM_GAUGE) != (h->hint == HISTOGRAM_GAUGE) || old->is_integer != h->is_integer) return true;
    if (!same_frame(old, h) || is_stale(before) != is_stale(sample)) return true;
    if (h->hint == HISTOGRAM_GAUGE || is_stale(sample)) return false;
    if (h->hint == HISTOGRAM_RESET) return true;
    struct histogram unknown = *h; /* its numbers decide, whatever it says of itself */
    unknown.hint = HISTOGRAM_UNKNOWN;
    return histogram_was_reset(&unknown, old);
}

/* Bits packed from the lowest one of each byte on. */
struct bit_writer {
    struct writer *out;
    uint64_t pending;
    unsigned bits;
};

static void put_bits(struct bit_writer *w, uint64_t value, unsigned bits)
{
    while (bits) {
        unsigned take = 64 - w->bits < bits ? 64 - w->bits : bits;
        uint64_t part = take == 64 ? value : value & (((uint64_t)1 << take) - 1);
        w->pending |= part << w->bits;
        w->bits += take;
        bits -= take;
        value = take == 64 ? 0 : value >> take;
        if (w->bits == 64) {
            writer_u64(w->out, w->pending);
            w->pending = 0;
            w->bits = 0;
        }
    }
}

static void flush_bits(struct bit_writer *w)
{
    for (; w->bits; w->bits = w->bits > 8 ? w->bits - 8 : 0) {
        writer_u8(w->out, (uint8_t)w->pending);
        w->pending >>= 8;
    }
}

static uint64_t get_bits(const uint8_t *bytes, size_t at, unsigned bits)
{
    uint64_t value = 0;

    for (unsigned got = 0; got < bits;) {
        unsigned shift = (unsigned)(at & 7), take = 8 - shift < bits - got ? 8 - shift : bits - got;
        uint64_t part = (uint64_t)(bytes[at >> 3] >> shift) & ((1U << take) - 1);
        value |= part << got;
        got += take;
        at += take;
    }
    return value;
}

static unsigned bits_of(uint64_t v)
{
    return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

static void write_integers(const int64_t *v, size_t count, struct writer *out)
{
    struct bit_writer bits = {.out = out};
    uint64_t change = count > 1 ? (uint64_t)v[1] - (uint64_t)v[0] : 0, all = 0, last = change;

    for (size_t i = 2; i < count; i++) {
        uint64_t next = (uint64_t)v[i] - (uint64_t)v[i - 1];
        all |= zigzag_encode((int64_t)(next - last));
        last = next;
    }
    writer_u8(out, (uint8_t)bits_of(all));
    writer_signed(out, v[0]);
    if (count > 1) writer_signed(out, (int64_t)change);
    for (size_t i = 2; i < count; i++) {
        uint64_t next = (uint64_t)v[i] - (uint64_t)v[i - 1];
        put_bits(&bits, zigzag_encode((int64_t)(next - change)), bits_of(all));
        change = next;
    }
    flush_bits(&bits);
}

static bool read_packed(struct reader *in, unsigned width, size_t count, const uint8_t **bytes)
{
    *bytes = reader_bytes(in, (width * count + 7) / 8);
    return *bytes || width * count == 0;
}

static bool read_integers(struct reader *in, unsigned width, size_t count, int64_t *v)
{
    const uint8_t *bytes;

    v[0] = reader_signed(in);
    uint64_t change = count > 1 ? (uint64_t)reader_signed(in) : 0;
    if (count > 1) v[1] = (int64_t)((uint64_t)v[0] + change);
    if (width > 64 || (count > 2 && !read_packed(in, width, count - 2, &bytes))) return false;
    for (size_t i = 2; i < count; i++) {
        if (width) change += (uint64_t)zigzag_decode(get_bits(bytes, (i - 2) * width, width));
        v[i] = (int64_t)((uint64_t)v[i - 1] + change);
    }
    return !reader_failed(in);
}

/* Numbers, as integers if all are. */
static void write_column(const double *v, int64_t *scratch, size_t count, struct writer *out)
{
    uint64_t all = 0;
    bool are_whole = true;

    for (size_t i = 0; i < count && are_whole; i++) {
        are_whole = is_whole(v[i]);
        if (are_whole) scratch[i] = (int64_t)v[i];
    }
    if (are_whole) {
        write_integers(scratch, count, out);
        return;
    }
    struct bit_writer bits = {.out = out};
    for (size_t i = 1; i < count; i++) all |= double_bits(v[i]) ^ double_bits(v[i - 1]);
    unsigned low = all ? (unsigned)__builtin_ctzll(all) : 0, width = bits_of(all) - low;
    writer_u8(out, (uint8_t)(RAW_COLUMN | width));
    writer_u64(out, double_bits(v[0]));
    writer_u8(out, (uint8_t)low);
    for (size_t i = 1; i < count; i++) put_bits(&bits, (double_bits(v[i]) ^ double_bits(v[i - 1])) >> low, width);
    flush_bits(&bits);
}

static bool read_column(struct reader *in, size_t count, double *v, int64_t *scratch)
{
    uint8_t head = reader_u8(in);
    unsigned width = head & 0x7F;
    const uint8_t *bytes;

    if (!(head & RAW_COLUMN)) {
        if (!read_integers(in, width, count, scratch)) return false;
        for (size_t i = 0; i < count; i++) v[i] = (double)scratch[i];
        return true;
    }
    uint64_t number = reader_u64(in);
    unsigned low = reader_u8(in);
    if (width + low > 64 || !read_packed(in, width, count - 1, &bytes)) return false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && width) number ^= get_bits(bytes, (i - 1) * width, width) << low;
        v[i] = double_from_bits(number);
    }
    return !reader_failed(in);
}

void rich_unite_indexes(const struct rich_sample *samples, size_t count, bool is_positive, struct bucket_list *out,
                        struct arena *arena)
{
    int32_t *all = NULL;
    uint32_t have = 0;

    for (size_t i = 0; i < count; i++) {
        const struct histogram *h = samples[i].histogram;
        const struct bucket_list *side = is_positive ? &h->positive : &h->negative;
        uint32_t a = 0, b = 0, merged = 0;
        if (side->count == have && (have == 0 || memcmp(side->indexes, all, have * sizeof *all) == 0)) continue;
        int32_t *next = arena_array(arena, int32_t, have + side->count);
        while (a < have || b < side->count) {
            int32_t index = b == side->count || (a < have && all[a] <= side->indexes[b]) ? all[a] : side->indexes[b];
            a += a < have && all[a] == index;
            b += b < side->count && side->indexes[b] == index;
            next[merged++] = index;
        }
        all = next;
        have = merged;
    }
    *out = (struct bucket_list){.count = have, .indexes = all};
}

/* A bucket's counts over all samples; `places` says how far each sample was read. */
static void write_bucket(const struct rich_sample *samples, size_t count, bool is_positive, int32_t index,
                         uint32_t *places, double *column, int64_t *scratch, struct writer *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct histogram *h = samples[i].histogram;
        const struct bucket_list *side = is_positive ? &h->positive : &h->negative;
        bool is_there = places[i] < side->count && side->indexes[places[i]] == index;
        column[i] = is_there ? side->counts[places[i]++] : 0;
    }
    write_column(column, scratch, count, out);
}

static void write_histograms(const struct rich_sample *samples, size_t count, double *column, int64_t *scratch,
                             struct writer *out, struct arena *arena)
{
    struct histogram layout = *samples[0].histogram;
    uint32_t *places = arena_array(arena, uint32_t, count);

    rich_unite_indexes(samples, count, true, &layout.positive, arena);
    rich_unite_indexes(samples, count, false, &layout.negative, arena);
    write_layout(&layout, out);
    for (size_t i = 0; i < count; i++) column[i] = samples[i].histogram->count;
    write_column(column, scratch, count, out);
    for (size_t i = 0; i < count; i++) column[i] = samples[i].histogram->zero_count;
    write_column(column, scratch, count, out);
    memset(places, 0, count * sizeof *places);
    for (uint32_t b = 0; b < layout.positive.count; b++)
        write_bucket(samples, count, true, layout.positive.indexes[b], places, column, scratch, out);
    memset(places, 0, count * sizeof *places);
    for (uint32_t b = 0; b < layout.negative.count; b++)
        write_bucket(samples, count, false, layout.negative.indexes[b], places, column, scratch, out);
}

void rich_chunk_encode(const struct rich_sample *samples, size_t count, struct writer *out)
{
    const struct histogram *first = samples[0].histogram;
    struct arena arena;
    unsigned flags = 0;

    assert(count > 0 && count <= CHUNK_SAMPLES_MAX);
    arena_init(&arena, NULL);
    double *column = arena_array(&arena, double, count);
    int64_t *scratch = arena_array(&arena, int64_t, count), *offsets = arena_array(&arena, int64_t, count);
    if (first) flags |= IS_HISTOGRAM | (first->is_integer ? IS_INTEGER : 0);
    if (first && first->hint == HISTOGRAM_GAUGE) flags |= IS_GAUGE;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].start_ms) flags |= HAS_START;
        column[i] = samples[i].value;
        scratch[i] = samples[i].time_ms;
        offsets[i] = (int64_t)((uint64_t)samples[i].time_ms - (uint64_t)samples[i].start_ms);
    }
    writer_u8(out, (uint8_t)flags);
    writer_varint(out, count);
    write_integers(scratch, count, out);
    if (flags & HAS_START) write_integers(offsets, count, out);
    write_column(column, scratch, count, out);
    if (first) write_histograms(samples, count, column, scratch, out, &arena);
    arena_release(&arena);
}

size_t rich_chunk_count(const uint8_t *chunk, size_t bytes)
{
    struct reader in = reader_make(chunk, bytes);

    reader_u8(&in);
    uint64_t count = reader_varint(&in);
    return reader_failed(&in) || count > CHUNK_SAMPLES_MAX ? 0 : (size_t)count;
}

/* One side of all histograms, from columns; empty buckets are left out of each. */
static bool read_side(struct reader *in, const struct bucket_list *all, struct histogram *histograms, size_t count,
                      bool is_positive, struct arena *arena)
{
    struct arena columns_arena;
    bool good = true;

    arena_init(&columns_arena, NULL);
    double *columns = arena_array(&columns_arena, double, all->count *count);
    int64_t *scratch = arena_array(&columns_arena, int64_t, count);
    for (uint32_t b = 0; b < all->count && good; b++) good = read_column(in, count, columns + b * count, scratch);
    for (size_t i = 0; i < count && good; i++) {
        struct bucket_list *side = is_positive ? &histograms[i].positive : &histograms[i].negative;
        uint32_t kept = 0;
        for (uint32_t b = 0; b < all->count; b++) kept += columns[b * count + i] != 0;
        double *counts = arena_array(arena, double, kept);
        int32_t *indexes = kept == all->count ? NULL : arena_array(arena, int32_t, kept);
        kept = 0;
        for (uint32_t b = 0; b < all->count; b++) {
            if (columns[b * count + i] == 0) continue;
            if (indexes) indexes[kept] = all->indexes[b];
            counts[kept++] = columns[b * count + i];
        }
        *side = (struct bucket_list){kept, indexes ? indexes : all->indexes, counts};
    }
    arena_release(&columns_arena);
    return good;
}

static bool read_histograms(struct reader *in, unsigned flags, struct rich_sample *samples, size_t count,
                            double *column, int64_t *scratch, struct arena *arena)
{
    struct histogram layout = {0};

    if (!read_layout(in, &layout, arena)) return false;
    if ((layout.positive.count + (uint64_t)layout.negative.count) > reader_left(in)) return false;
    struct histogram *histograms = arena_array(arena, struct histogram, count);
    for (size_t i = 0; i < count; i++) {
        histograms[i] = layout;
        histograms[i].is_integer = flags & IS_INTEGER;
        histograms[i].hint = flags & IS_GAUGE ? HISTOGRAM_GAUGE : i ? HISTOGRAM_NOT_RESET : HISTOGRAM_UNKNOWN;
        histograms[i].sum = samples[i].value;
        samples[i].histogram = &histograms[i];
    }
    if (!read_column(in, count, column, scratch)) return false;
    for (size_t i = 0; i < count; i++) histograms[i].count = column[i];
    if (!read_column(in, count, column, scratch)) return false;
    for (size_t i = 0; i < count; i++) histograms[i].zero_count = column[i];
    return read_side(in, &layout.positive, histograms, count, true, arena) &&
           read_side(in, &layout.negative, histograms, count, false, arena);
}

bool rich_chunk_decode(const uint8_t *chunk, size_t bytes, struct rich_sample *out, struct arena *arena)
{
    struct reader in = reader_make(chunk, bytes);
    unsigned flags = reader_u8(&in);
    size_t count = rich_chunk_count(chunk, bytes);

    reader_varint(&in);
    if (count == 0) return false;
    double *column = arena_array(arena, double, count);
    int64_t *scratch = arena_array(arena, int64_t, count);
    if (!read_integers(&in, reader_u8(&in), count, scratch)) return false;
    for (size_t i = 0; i < count; i++) out[i] = (struct rich_sample){.time_ms = scratch[i], .start_ms = scratch[i]};
    if (flags & HAS_START) {
        if (!read_integers(&in, reader_u8(&in), count, scratch)) return false;
    }
    for (size_t i = 0; i < count; i++) out[i].start_ms = (int64_t)((uint64_t)out[i].start_ms - (uint64_t)scratch[i]);
    if (!read_column(&in, count, column, scratch)) return false;
    for (size_t i = 0; i < count; i++) out[i].value = column[i];
    if ((flags & IS_HISTOGRAM) && !read_histograms(&in, flags, out, count, column, scratch, arena)) return false;
    return !reader_failed(&in) && reader_left(&in) == 0;
}
