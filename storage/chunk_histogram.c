/* Chunks of native histograms; see chunk_histogram.h. */
#include "storage/chunk_histogram.h"

#include "storage/chunk_bits.h"

#include <math.h>

enum {
    RESET_UNKNOWN = 0x00,
    RESET_NONE = 0x40,
    RESET_FOUND = 0x80,
    RESET_GAUGE = 0xC0,
    RESET_MASK = 0xC0,
    THRESHOLD_BIAS = 243, /* of the exponent that frexp gives */
    THRESHOLD_EXPONENT_MIN = -242,
    THRESHOLD_EXPONENT_MAX = 11,
    THRESHOLD_RAW = 255,
    BOUND_SCALE = 1000,
    BOUND_MAX = 33554430, /* scaled; one more fills 25 bits */
    NUMBER_BYTES_MAX = 10,
    FIXED_NUMBERS = 4, /* time, count, zero count, sum */
    WIDTHS = 9
};

#define STALE_BITS 0x7FF0000000000002ULL

static const uint8_t widths[WIDTHS] = {0, 3, 6, 9, 12, 18, 25, 56, 64};

/* A number as it was told last: an integer with its change, or bits with their window. */
struct number {
    uint64_t value, change;
    uint8_t leading, trailing;
    bool has_window;
};

/* Numbers in the order of a chunk: count, zero count, sum, buckets. */
enum { COUNT, ZERO_COUNT, SUM, BUCKETS };

static bool is_stale(const struct rich_sample *sample)
{
    return double_bits(sample->value) == STALE_BITS;
}

static void pack_prefix(struct bit_packer *packer, unsigned ones)
{
    if (ones < WIDTHS - 1) {
        bits_pack(packer, ((uint64_t)1 << (ones + 1)) - 2, ones + 1);
    } else {
        bits_pack(packer, 0xFF, 8);
    }
}

static void pack_int(struct bit_packer *packer, uint64_t bits)
{
    int64_t v = (int64_t)bits;
    unsigned i = 0;

    if (v != 0) {
        for (i = 1; i < WIDTHS - 1 && !bits_fit(v, widths[i]);) i++;
    }
    pack_prefix(packer, i);
    if (i) bits_pack(packer, bits, widths[i]);
}

static void pack_uint(struct bit_packer *packer, uint64_t v)
{
    unsigned i = 0;

    if (v != 0) {
        for (i = 1; i < WIDTHS - 1 && v >> widths[i] != 0;) i++;
    }
    pack_prefix(packer, i);
    if (i) bits_pack(packer, v, widths[i]);
}

static void pack_change(struct bit_packer *packer, struct number *last, uint64_t value)
{
    uint64_t changed = value ^ last->value;

    last->value = value;
    if (changed == 0) {
        bits_pack(packer, 0, 1);
        return;
    }
    unsigned leading = (unsigned)__builtin_clzll(changed), trailing = (unsigned)__builtin_ctzll(changed);
    if (leading > 31) leading = 31;
    if (last->has_window && leading >= last->leading && trailing >= last->trailing) {
        bits_pack(packer, 2, 2);
        bits_pack(packer, changed >> last->trailing, 64U - last->leading - last->trailing);
        return;
    }
    unsigned bits = 64 - leading - trailing;
    bits_pack(packer, (uint64_t)3 << 11 | leading << 6 | (bits & 63), 13);
    bits_pack(packer, changed >> trailing, bits);
    last->leading = (uint8_t)leading;
    last->trailing = (uint8_t)trailing;
    last->has_window = true;
}

/* As the change of its change. */
static void pack_second(struct bit_packer *packer, struct number *last, uint64_t value)
{
    uint64_t change = value - last->value;

    pack_int(packer, change - last->change);
    last->value = value;
    last->change = change;
}

static void pack_threshold(struct bit_packer *packer, double threshold)
{
    int exponent;
    double fraction = frexp(threshold, &exponent);

    if (threshold == 0) {
        bits_pack(packer, 0, 8);
    } else if (fraction == 0.5 && exponent >= THRESHOLD_EXPONENT_MIN && exponent <= THRESHOLD_EXPONENT_MAX) {
        unsigned biased = (unsigned)(exponent + THRESHOLD_BIAS);
        bits_pack(packer, biased, 8);
    } else {
        bits_pack(packer, THRESHOLD_RAW, 8);
        bits_pack(packer, double_bits(threshold), 64);
    }
}

static void pack_bound(struct bit_packer *packer, double bound)
{
    double scaled = bound * BOUND_SCALE;

    if (scaled >= 0 && scaled <= BOUND_MAX && round(scaled) / BOUND_SCALE == bound) {
        pack_uint(packer, (uint64_t)round(scaled) + 1);
    } else {
        bits_pack(packer, 0, 1);
        bits_pack(packer, double_bits(bound), 64);
    }
}

static uint32_t span_end(const struct bucket_list *side, uint32_t first)
{
    uint32_t end = first + 1;

    while (end < side->count && side->indexes[end] == side->indexes[end - 1] + 1) end++;
    return end;
}

static void pack_spans(struct bit_packer *packer, const struct bucket_list *side)
{
    uint64_t spans = 0;
    int64_t next = 0;

    for (uint32_t first = 0; first < side->count; first = span_end(side, first)) spans++;
    pack_uint(packer, spans);
    for (uint32_t first = 0, end; first < side->count; first = end) {
        end = span_end(side, first);
        pack_uint(packer, end - first);
        pack_int(packer, (uint64_t)(side->indexes[first] - next));
        next = (int64_t)side->indexes[end - 1] + 1;
    }
}

/* The bits of one side's numbers: of integers the difference to the bucket before, of floats what they count. */
static void spread(const struct bucket_list *layout, const struct bucket_list *side, bool is_integer, uint64_t *out)
{
    uint64_t before = 0;

    for (uint32_t i = 0, at = 0; i < layout->count; i++) {
        bool is_there = at < side->count && side->indexes[at] == layout->indexes[i];
        double count = is_there ? side->counts[at++] : 0;
        if (is_integer) {
            out[i] = (uint64_t)(int64_t)count - before;
            before = (uint64_t)(int64_t)count;
        } else {
            out[i] = double_bits(count);
        }
    }
}

struct encoding {
    struct bit_packer packer;
    struct histogram layout;
    struct number time, *numbers;
    uint64_t *values; /* of one sample */
    uint32_t count;   /* of these */
};

static uint64_t count_bits(double count, bool is_integer)
{
    return is_integer ? (uint64_t)(int64_t)count : double_bits(count);
}

static void take_values(struct encoding *e, const struct rich_sample *sample, bool is_integer)
{
    static const struct histogram nothing;
    const struct histogram *h = is_stale(sample) ? &nothing : sample->histogram;

    e->values[COUNT] = count_bits(h->count, is_integer);
    e->values[ZERO_COUNT] = count_bits(h->zero_count, is_integer);
    e->values[SUM] = double_bits(sample->value);
    spread(&e->layout.positive, &h->positive, is_integer, e->values + BUCKETS);
    spread(&e->layout.negative, &h->negative, is_integer, e->values + BUCKETS + e->layout.positive.count);
}

static void pack_first(struct encoding *e, bool is_integer, int64_t time_ms)
{
    pack_int(&e->packer, (uint64_t)time_ms);
    e->time.value = (uint64_t)time_ms;
    for (uint32_t i = 0; i < e->count; i++) {
        e->numbers[i].value = e->values[i];
        if (!is_integer || i == SUM) {
            bits_pack(&e->packer, e->values[i], 64);
        } else if (i < SUM) {
            pack_uint(&e->packer, e->values[i]);
        } else {
            pack_int(&e->packer, e->values[i]);
        }
    }
}

static void pack_next(struct encoding *e, bool is_integer, int64_t time_ms)
{
    pack_second(&e->packer, &e->time, (uint64_t)time_ms);
    for (uint32_t i = 0; i < e->count; i++) {
        if (is_integer && i != SUM) {
            pack_second(&e->packer, &e->numbers[i], e->values[i]);
        } else {
            pack_change(&e->packer, &e->numbers[i], e->values[i]);
        }
    }
}

static uint8_t reset_flags(const struct histogram *first)
{
    switch ((enum histogram_hint)first->hint) {
    case HISTOGRAM_RESET: return RESET_FOUND;
    case HISTOGRAM_NOT_RESET: return RESET_NONE;
    case HISTOGRAM_GAUGE: return RESET_GAUGE;
    case HISTOGRAM_UNKNOWN: break;
    }
    return RESET_UNKNOWN;
}

static void pack_layout(struct encoding *e)
{
    const struct histogram *h = &e->layout;

    pack_threshold(&e->packer, h->zero_threshold);
    pack_int(&e->packer, (uint64_t)(int64_t)h->schema);
    pack_spans(&e->packer, &h->positive);
    pack_spans(&e->packer, &h->negative);
    if (!histogram_is_custom(h)) return;
    pack_uint(&e->packer, h->bound_count);
    for (uint32_t i = 0; i < h->bound_count; i++) pack_bound(&e->packer, h->bounds[i]);
}

/* Makes room for some more numbers in the writer that the packer writes to. */
static void make_room(struct bit_packer *packer, struct writer *out, size_t *from, size_t numbers)
{
    out->count += (size_t)(packer->at - (out->data + *from));
    *from = out->count;
    packer->at = writer_reserve(out, numbers * NUMBER_BYTES_MAX + 2 * sizeof(uint64_t));
}

void histogram_chunk_encode(const struct rich_sample *samples, size_t count, struct writer *out)
{
    const struct histogram *first = samples[0].histogram;
    bool is_integer = first->is_integer;
    struct encoding e = {0};
    struct arena arena;

    assert(count > 0 && count <= HISTOGRAM_CHUNK_SAMPLES_MAX);
    arena_init(&arena, NULL);
    if (!is_stale(&samples[0])) {
        e.layout = *first;
        rich_unite_indexes(samples, count, true, &e.layout.positive, &arena);
        rich_unite_indexes(samples, count, false, &e.layout.negative, &arena);
    }
    uint32_t buckets = e.layout.positive.count + e.layout.negative.count;
    e.count = BUCKETS + buckets;
    e.numbers = arena_zalloc(&arena, e.count * sizeof *e.numbers);
    e.values = arena_array(&arena, uint64_t, e.count);
    writer_u8(out, (uint8_t)(count >> 8));
    writer_u8(out, (uint8_t)count);
    writer_u8(out, reset_flags(first));
    size_t from = out->count;
    e.packer.at = out->data + from;
    make_room(&e.packer, out, &from, 8 + 2 * (size_t)buckets + e.layout.bound_count);
    pack_layout(&e);
    for (size_t i = 0; i < count; i++) {
        make_room(&e.packer, out, &from, e.count + 1);
        take_values(&e, &samples[i], is_integer);
        if (i == 0) {
            pack_first(&e, is_integer, samples[i].time_ms);
        } else {
            pack_next(&e, is_integer, samples[i].time_ms);
        }
    }
    store_u64(e.packer.at, __builtin_bswap64(e.packer.word));
    out->count += (size_t)(e.packer.at - (out->data + from)) + (e.packer.used + 7) / 8;
    arena_release(&arena);
}

size_t histogram_chunk_count(const uint8_t *chunk, size_t bytes)
{
    return bytes < 3 ? 0 : (size_t)chunk[0] << 8 | chunk[1];
}

/* A chunk on its way out. */
struct decoding {
    const uint8_t *bytes;
    uint64_t at, end; /* bits */
    bool failed;      /* sticky */
};

/* Whether there is anything left; a number that begins inside the chunk stays inside the slack. */
static bool has_more(struct decoding *d)
{
    if (d->at >= d->end) d->failed = true;
    return !d->failed;
}

static unsigned take_width(struct decoding *d)
{
    uint64_t ones = ~(bits_peek(d->bytes, d->at) >> 56) & 0xFF; /* zeros and ones change places */
    unsigned i = ones ? (unsigned)__builtin_clzll(ones << 56) : 8;

    d->at += i < 8 ? i + 1 : 8;
    return widths[i];
}

static uint64_t take_uint(struct decoding *d)
{
    if (!has_more(d)) return 0;
    unsigned width = take_width(d);
    return width ? bits_take(d->bytes, &d->at, width) : 0;
}

static int64_t take_int(struct decoding *d)
{
    if (!has_more(d)) return 0;
    unsigned width = take_width(d);
    if (width == 0) return 0;
    uint64_t bits = bits_take(d->bytes, &d->at, width);
    return width == 64 ? (int64_t)bits : bits_sign_extend(bits, width);
}

static uint64_t take_word(struct decoding *d, unsigned bits)
{
    return has_more(d) ? bits_take(d->bytes, &d->at, bits) : 0;
}

static double take_threshold(struct decoding *d)
{
    uint64_t byte = take_word(d, 8);

    if (byte == 0) return 0;
    if (byte == THRESHOLD_RAW) return double_from_bits(take_word(d, 64));
    return ldexp(0.5, (int)byte - THRESHOLD_BIAS);
}

static bool take_spans(struct decoding *d, struct bucket_list *side, struct arena *arena)
{
    uint64_t spans = take_uint(d), capacity = 0;
    int32_t *indexes = NULL;
    int64_t next = 0;

    *side = (struct bucket_list){0};
    for (uint64_t s = 0; s < spans; s++) {
        uint64_t length = take_uint(d);
        int64_t offset = take_int(d);
        if (d->failed || length > HISTOGRAM_BUCKETS_MAX - side->count) return false;
        if (offset < INT32_MIN || offset > INT32_MAX || (s > 0 && offset < 0)) return false;
        next += offset;
        if (next < INT32_MIN || next + (int64_t)length > INT32_MAX) return false;
        if (side->count + length > capacity) {
            capacity = 2 * (side->count + length);
            int32_t *grown = arena_array(arena, int32_t, capacity);
            if (side->count) memcpy(grown, indexes, side->count * sizeof *grown);
            indexes = grown;
        }
        for (uint64_t i = 0; i < length; i++) indexes[side->count++] = (int32_t)next++;
    }
    side->indexes = indexes;
    return !d->failed;
}

static bool take_bounds(struct decoding *d, struct histogram *layout, struct arena *arena)
{
    uint64_t count = take_uint(d);

    if (count > HISTOGRAM_BUCKETS_MAX || count > d->end - d->at) return false;
    double *bounds = arena_array(arena, double, count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t scaled = take_uint(d);
        bounds[i] = scaled ? (double)(scaled - 1) / BOUND_SCALE : double_from_bits(take_word(d, 64));
    }
    layout->bounds = bounds;
    layout->bound_count = (uint32_t)count;
    return !d->failed;
}

static bool take_layout(struct decoding *d, struct histogram *layout, struct arena *arena)
{
    layout->zero_threshold = take_threshold(d);
    int64_t schema = take_int(d);
    bool is_known =
        schema == HISTOGRAM_SCHEMA_CUSTOM || (schema >= HISTOGRAM_SCHEMA_MIN && schema <= HISTOGRAM_SCHEMA_MAX);
    if (d->failed || !is_known) return false;
    layout->schema = (int8_t)schema;
    if (!take_spans(d, &layout->positive, arena) || !take_spans(d, &layout->negative, arena)) return false;
    return !histogram_is_custom(layout) || take_bounds(d, layout, arena);
}

struct decoded_number {
    uint64_t value, change;
    struct xor_window window;
};

static void take_first(struct decoding *d, bool is_integer, struct decoded_number *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count && !d->failed; i++) {
        if (!is_integer || i == SUM) {
            numbers[i].value = take_word(d, 64);
        } else {
            numbers[i].value = i < SUM ? take_uint(d) : (uint64_t)take_int(d);
        }
    }
}

/* Returns whether it is no stale marker; that has no buckets. */
static bool take_next(struct decoding *d, bool is_integer, struct decoded_number *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count && !d->failed; i++) {
        if (i == BUCKETS && numbers[SUM].value == STALE_BITS) return false;
        if (is_integer && i != SUM) {
            numbers[i].change += (uint64_t)take_int(d);
            numbers[i].value += numbers[i].change;
        } else if (has_more(d)) {
            numbers[i].value ^= bits_take_change(d->bytes, &d->at, &numbers[i].window);
        }
    }
    return numbers[SUM].value != STALE_BITS;
}

static double count_of(uint64_t value, bool is_integer)
{
    return is_integer ? (double)(int64_t)value : double_from_bits(value);
}

/* One side of one histogram; empty buckets are left out. */
static struct bucket_list gather(const struct bucket_list *layout, const struct decoded_number *numbers,
                                 bool is_integer, struct arena *arena)
{
    double *counts = arena_array(arena, double, layout->count);
    int32_t *indexes = arena_array(arena, int32_t, layout->count);
    uint64_t running = 0;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < layout->count; i++) {
        running = is_integer ? running + numbers[i].value : numbers[i].value;
        double count = count_of(running, is_integer);
        if (count == 0) continue;
        indexes[kept] = layout->indexes[i];
        counts[kept++] = count;
    }
    return (struct bucket_list){kept, indexes, counts};
}

static struct histogram *make_histogram(const struct histogram *layout, const struct decoded_number *numbers,
                                        bool is_stale, struct arena *arena)
{
    struct histogram *h = arena_zalloc(arena, sizeof *h);

    if (is_stale) {
        h->is_integer = layout->is_integer;
    } else {
        *h = *layout;
        h->count = count_of(numbers[COUNT].value, h->is_integer);
        h->zero_count = count_of(numbers[ZERO_COUNT].value, h->is_integer);
        h->positive = gather(&layout->positive, numbers + BUCKETS, h->is_integer, arena);
        h->negative = gather(&layout->negative, numbers + BUCKETS + layout->positive.count, h->is_integer, arena);
    }
    h->sum = double_from_bits(numbers[SUM].value);
    return h;
}

static uint8_t hint_of(uint8_t flags, bool is_first)
{
    if ((flags & RESET_MASK) == RESET_GAUGE) return HISTOGRAM_GAUGE;
    if (!is_first) return HISTOGRAM_NOT_RESET;
    if ((flags & RESET_MASK) == RESET_FOUND) return HISTOGRAM_RESET;
    return (flags & RESET_MASK) == RESET_NONE ? HISTOGRAM_NOT_RESET : HISTOGRAM_UNKNOWN;
}

bool histogram_chunk_decode(const uint8_t *chunk, size_t bytes, bool is_integer, struct rich_sample *out,
                            struct arena *arena)
{
    size_t count = histogram_chunk_count(chunk, bytes);
    struct decoding d = {.bytes = chunk, .at = 24, .end = (uint64_t)bytes * 8};
    struct histogram layout = {.is_integer = is_integer};
    uint64_t time = 0, change = 0;

    if (count == 0) return bytes >= 3;
    if (!take_layout(&d, &layout, arena)) return false;
    uint32_t numbers_count = BUCKETS + layout.positive.count + layout.negative.count;
    struct decoded_number *numbers = arena_zalloc(arena, numbers_count * sizeof *numbers);
    for (size_t i = 0; i < count; i++) {
        bool is_stale = false;
        if (i == 0) {
            time = (uint64_t)take_int(&d);
            take_first(&d, is_integer, numbers, numbers_count);
        } else {
            change += (uint64_t)take_int(&d);
            time += change;
            is_stale = !take_next(&d, is_integer, numbers, numbers_count);
        }
        if (d.failed || d.at > d.end) return false;
        struct histogram *h = make_histogram(&layout, numbers, is_stale, arena);
        h->hint = hint_of(chunk[2], i == 0);
        out[i] = (struct rich_sample){.time_ms = (int64_t)time, .value = h->sum, .histogram = h};
    }
    return true;
}
