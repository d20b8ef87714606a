/* Entropy coding of integers; see chunk_ans.h. */
#include "storage/chunk_ans.h"

#include "storage/chunk_target.h"

#include <assert.h>

enum {
    CODERS = 4,
    NARROW_LOW_BITS = 30,                            /* up to here, a step's bits come from one load of 57 */
    LOW_BITS_OF_2 = 18,                              /* and here those of two steps */
    LOW_BITS_OF_4 = 4,                               /* and of four */
    STATE_BYTES = 2,                                 /* of a short stream */
    STATES_BYTES = (CODERS * ANS_SLOT_BITS + 7) / 8, /* of a long one */
    STEP_BITS_MAX = ANS_SLOT_BITS + 62
};

/* Rounds down, but not to nothing; what is left over or missing goes to or comes from the largest. */
void ans_model_fit(const uint32_t counts[ANS_CLASSES], bool all, struct ans_model *out)
{
    uint64_t total = 0;
    int32_t left = ANS_SLOTS;

    for (unsigned c = 0; c < ANS_CLASSES; c++) total += counts[c];
    assert(total > 0);
    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        uint64_t share = ((uint64_t)counts[c] * ANS_SLOTS + total / 2) / total;
        out->slots[c] = (uint16_t)(share == 0 && (all || counts[c]) ? 1 : share);
        left -= out->slots[c];
    }
    while (left != 0) {
        unsigned largest = 0;
        for (unsigned c = 1; c < ANS_CLASSES; c++) {
            if (out->slots[c] > out->slots[largest]) largest = c;
        }
        int32_t change = left > 0 ? left : -1;
        out->slots[largest] = (uint16_t)(out->slots[largest] + change);
        left -= change;
    }
}

/* Number of classes up to the last one in use, then a varint for each. */
void ans_model_write(const struct ans_model *model, struct writer *out)
{
    unsigned used = ANS_CLASSES;

    while (model->slots[used - 1] == 0) used--;
    writer_u8(out, (uint8_t)used);
    for (unsigned c = 0; c < used; c++) writer_varint(out, model->slots[c]);
}

bool ans_model_read(struct reader *in, struct ans_model *out)
{
    unsigned used = reader_u8(in);
    uint64_t total = 0;

    *out = (struct ans_model){{0}};
    if (used > ANS_CLASSES) return false;
    for (unsigned c = 0; c < used; c++) {
        uint64_t slots = reader_varint(in);
        if (slots > ANS_SLOTS) return false;
        out->slots[c] = (uint16_t)slots;
        total += slots;
    }
    return total == ANS_SLOTS && !reader_failed(in);
}

/* The class of each slot: a step that is odd, and so meets every slot once, scatters those of a class evenly. */
static void spread(const struct ans_model *model, uint8_t class_of[ANS_SLOTS])
{
    const unsigned step = ANS_SLOTS / 2 + ANS_SLOTS / 8 + 3;
    unsigned at = 0;

    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        for (unsigned i = 0; i < model->slots[c]; i++) {
            class_of[at] = (uint8_t)c;
            at = (at + step) % ANS_SLOTS;
        }
    }
    assert(at == 0);
}

static unsigned floor_log2(uint32_t value)
{
    return 31 - (unsigned)__builtin_clz(value);
}

void ans_encoder_init(struct ans_encoder *encoder, const struct ans_model *model)
{
    uint8_t class_of[ANS_SLOTS];
    uint16_t place[ANS_CLASSES];
    unsigned total = 0;

    spread(model, class_of);
    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        unsigned slots = model->slots[c];
        place[c] = (uint16_t)total;
        encoder->classes[c].place = (int32_t)total - (int32_t)slots;
        /* The bits that leave are few for states below a bound, one more from there on. */
        unsigned most = slots > 1 ? ANS_SLOT_BITS - floor_log2(slots - 1) : ANS_SLOT_BITS;
        encoder->classes[c].bits = (most << 16) - (slots > 1 ? slots << most : ANS_SLOTS);
        total += slots;
    }
    for (unsigned i = 0; i < ANS_SLOTS; i++) encoder->next[place[class_of[i]]++] = (uint16_t)(ANS_SLOTS + i);
}

void ans_decoder_init(struct ans_decoder *decoder, const struct ans_model *model)
{
    uint8_t class_of[ANS_SLOTS];
    uint16_t next[ANS_CLASSES];

    spread(model, class_of);
    memcpy(next, model->slots, sizeof next);
    decoder->low_bits_max = 0;
    for (unsigned i = 0; i < ANS_SLOTS; i++) {
        unsigned class = class_of[i], low = ans_low_bits(class), lead = class < 2 ? class : 2 + class % 2;
        uint32_t state = next[class]++, bits = ANS_SLOT_BITS - floor_log2(state);
        decoder->bits[i] = (uint8_t)bits;
        decoder->all[i] = (uint8_t)(bits + low);
        decoder->next[i] = (uint16_t)((state << bits) - ANS_SLOTS);
        decoder->base[i] = low <= NARROW_LOW_BITS ? lead << low : lead;
        if (low > decoder->low_bits_max) decoder->low_bits_max = low;
    }
}

/* Bits on their way out, lowest first. */
struct bit_sink {
    uint8_t *at;
    uint64_t word;
    unsigned used; /* under 8 between puts */
};

/* At most 56 bits. */
static inline void put(struct bit_sink *sink, uint64_t word, unsigned bits)
{
    sink->word |= word << sink->used;
    sink->used += bits;
    store_u64(sink->at, sink->word);
    sink->at += sink->used / 8;
    sink->word >>= sink->used & ~7U;
    sink->used %= 8;
}

static inline void put_low(struct bit_sink *sink, uint64_t value, unsigned bits)
{
    if (bits > 32) {
        put(sink, value & UINT32_MAX, 32);
        value >>= 32;
        bits -= 32;
    }
    put(sink, value & (((uint64_t)1 << bits) - 1), bits);
}

/* Coders run backwards, so the bits between states are collected before any is written. */
CHUNK_HOT void ans_encode(const struct ans_encoder *encoder, const uint64_t *values, size_t count, struct writer *out)
{
    const unsigned coders = count < ANS_SHORT_VALUES ? 1 : CODERS;
    uint32_t states[CODERS] = {ANS_SLOTS, ANS_SLOTS, ANS_SLOTS, ANS_SLOTS};
    uint16_t leaving[ANS_VALUES_MAX];
    uint8_t leaving_bits[ANS_VALUES_MAX], low_bits[ANS_VALUES_MAX];

    assert(count > 0 && count <= ANS_VALUES_MAX);
    for (size_t i = count; i-- > 0;) {
        unsigned class = ans_class(values[i]);
        uint32_t *state = &states[i % coders];
        unsigned bits = (*state + encoder->classes[class].bits) >> 16;
        leaving[i] = (uint16_t)(*state & ((1U << bits) - 1));
        leaving_bits[i] = (uint8_t)bits;
        low_bits[i] = (uint8_t)ans_low_bits(class);
        *state = encoder->next[(int32_t)(*state >> bits) + encoder->classes[class].place];
    }
    uint8_t *start = writer_reserve(out, STATES_BYTES + (count * STEP_BITS_MAX + 7) / 8 + 16);
    struct bit_sink sink = {start, 0, 0};
    for (unsigned i = 0; i < coders; i++) put(&sink, states[i] - ANS_SLOTS, coders == 1 ? 16 : ANS_SLOT_BITS);
    for (size_t i = 0; i < count; i++) {
        put(&sink, leaving[i], leaving_bits[i]);
        put_low(&sink, values[i], low_bits[i]);
    }
    out->count += (size_t)(sink.at - start) + (sink.used > 0);
}

CHUNK_INLINE uint64_t low_mask(unsigned bits)
{
    return ((uint64_t)1 << bits) - 1;
}

/* The bits at a place, of which the first 57 are sure to be there. */
CHUNK_INLINE uint64_t peek(const uint8_t *in, uint64_t at)
{
    return load_u64(in + (at >> 3)) >> (at & 7);
}

/* The value of a state, whose bits are the lowest of *word; *used counts them. */
CHUNK_INLINE uint64_t take_value(const struct ans_decoder *decoder, uint64_t *word, unsigned *used, uint64_t *state)
{
    unsigned bits = decoder->bits[*state], all = decoder->all[*state];
    uint32_t value = decoder->base[*state] + (uint32_t)((*word & low_mask(all)) >> bits);

    *state = decoder->next[*state] + (*word & low_mask(bits));
    *word >>= all;
    *used += all;
    return value;
}

/* The same where low bits may be too many for one load. */
CHUNK_INLINE uint64_t take_wide(const struct ans_decoder *decoder, const uint8_t *in, uint64_t *at, uint64_t *state)
{
    uint64_t word = peek(in, *at), base = decoder->base[*state];
    unsigned bits = decoder->bits[*state], low = decoder->all[*state] - bits;

    *state = decoder->next[*state] + (word & low_mask(bits));
    *at += bits;
    word >>= bits;
    if (low > NARROW_LOW_BITS) {
        base <<= low;
        word = peek(in, *at) | (uint64_t)in[(*at >> 3) + 8] << 1 << (63 - (*at & 7));
    }
    *at += low;
    return base + (word & low_mask(low));
}

/* Whole rounds of the coders, one load for `share` values; returns how many values that were, or count + 1 if the input
 * ends before. What is read ahead of a check stays in the slack. */
CHUNK_INLINE size_t decode_rounds(const struct ans_decoder *decoder, const uint8_t *in, uint64_t end, uint64_t *place,
                                  size_t count, uint64_t states[CODERS], uint64_t *values, unsigned share)
{
    uint64_t at = *place, a = states[0], b = states[1], c = states[2], d = states[3];
    size_t i = 0;

    for (; i + CODERS <= count; i += CODERS) {
        if (at > end) return count + 1;
        uint64_t word = peek(in, at);
        unsigned used = 0;
        values[i] = take_value(decoder, &word, &used, &a);
        if (share == 1) word = peek(in, at += used), used = 0;
        values[i + 1] = take_value(decoder, &word, &used, &b);
        if (share <= 2) word = peek(in, at += used), used = 0;
        values[i + 2] = take_value(decoder, &word, &used, &c);
        if (share == 1) word = peek(in, at += used), used = 0;
        values[i + 3] = take_value(decoder, &word, &used, &d);
        at += used;
    }
    *place = at;
    states[0] = a;
    states[1] = b;
    states[2] = c;
    states[3] = d;
    return i;
}

static size_t decode_wide_rounds(const struct ans_decoder *decoder, const uint8_t *in, uint64_t end, uint64_t *at,
                                 size_t count, uint64_t states[CODERS], uint64_t *values)
{
    size_t i = 0;

    for (; i + CODERS <= count; i++) {
        if (*at > end) return count + 1;
        values[i] = take_wide(decoder, in, at, &states[i % CODERS]);
    }
    return i;
}

CHUNK_INLINE bool decode_long(const struct ans_decoder *decoder, const uint8_t *in, size_t bytes, size_t wanted,
                              uint64_t *values)
{
    uint64_t packed = load_u64(in), at = CODERS * ANS_SLOT_BITS, end = (uint64_t)bytes * 8, states[CODERS];
    size_t i;

    for (unsigned k = 0; k < CODERS; k++) states[k] = (packed >> k * ANS_SLOT_BITS) % ANS_SLOTS;
    if (decoder->low_bits_max <= LOW_BITS_OF_4) {
        i = decode_rounds(decoder, in, end, &at, wanted, states, values, 4);
    } else if (decoder->low_bits_max <= LOW_BITS_OF_2) {
        i = decode_rounds(decoder, in, end, &at, wanted, states, values, 2);
    } else if (decoder->low_bits_max <= NARROW_LOW_BITS) {
        i = decode_rounds(decoder, in, end, &at, wanted, states, values, 1);
    } else {
        i = decode_wide_rounds(decoder, in, end, &at, wanted, states, values);
    }
    for (; i < wanted; i++) {
        if (at > end) return false;
        values[i] = take_wide(decoder, in, &at, &states[i % CODERS]);
    }
    return i == wanted && at <= end;
}

static bool decode_short(const struct ans_decoder *decoder, const uint8_t *in, size_t bytes, size_t wanted,
                         uint64_t *values)
{
    uint64_t at = STATE_BYTES * 8, end = (uint64_t)bytes * 8;
    uint64_t state = load_u16(in) % ANS_SLOTS;

    for (size_t i = 0; i < wanted; i++) {
        if (at > end) return false;
        values[i] = take_wide(decoder, in, &at, &state);
    }
    return at <= end;
}

CHUNK_HOT bool ans_decode(const struct ans_decoder *decoder, const uint8_t *in, size_t bytes, size_t count,
                          size_t wanted, uint64_t *values)
{
    if (count < ANS_SHORT_VALUES) return bytes >= STATE_BYTES && decode_short(decoder, in, bytes, wanted, values);
    if (bytes < STATES_BYTES) return false;
    return decode_long(decoder, in, bytes, wanted, values);
}
