/* Entropy coding of non-negative integers: tabled asymmetric numeral systems over bit-length classes.
 *
 * Jarek Duda, "Asymmetric numeral systems", arXiv:1311.2540; the spreading of symbols and the arithmetic of encoding
 * are those of Yann Collet's Finite State Entropy. A value's class is its bit length and its second bit; the bits below
 * follow as they are:
 *
 *     0, 1, 10, 11, 100-101, 110-111, 1000-1011, …      classes 0, 1, 2, 3, 4, 5, 6, …
 *
 * A model gives each class its share of ANS_SLOTS slots. A stream is
 *
 *     states         of the 4 coders that take turns, 10 bits each; of a short stream, of the only one, 16 bits
 *     then, for each value: the bits that lead to its coder's next state, the value's low bits
 *
 * as one string of bits, lowest first. Class and place of a value come from one look-up, both kinds of bits from one
 * load; that the four coders share one string costs nothing, because a step's bits are known from the look-ups alone.
 */
#ifndef VARVE_STORAGE_CHUNK_ANS_H
#define VARVE_STORAGE_CHUNK_ANS_H

#include "storage/base/bytes.h"

enum {
    ANS_CLASSES = 128,
    ANS_SLOT_BITS = 10,
    ANS_SLOTS = 1 << ANS_SLOT_BITS,
    ANS_VALUES_MAX = 2048,  /* of a stream */
    ANS_SHORT_VALUES = 256, /* streams of fewer values have one coder */
    ANS_SLACK_BYTES = 32    /* readable bytes that decoding needs behind its input */
};

struct ans_model {
    uint16_t slots[ANS_CLASSES]; /* sum: ANS_SLOTS */
};

struct ans_encoder {
    struct {
        uint32_t bits; /* to be added to the state; the upper half is then how many bits leave */
        int32_t place; /* of the class in `next`, minus its slots */
    } classes[ANS_CLASSES];
    uint16_t next[ANS_SLOTS];
};

/* What decoding does in each state, in columns: each is read by the state alone, without an address to compute. */
struct ans_decoder {
    uint8_t bits[ANS_SLOTS]; /* how many are added to the next state */
    uint8_t all[ANS_SLOTS];  /* these, and the low bits */
    uint16_t next[ANS_SLOTS];
    uint32_t base[ANS_SLOTS]; /* what the low bits are added to; where that does not fit, its leading bits */
    unsigned low_bits_max;
};

static inline unsigned ans_class(uint64_t value)
{
    if (value < 2) return (unsigned)value;
    unsigned top = 63 - (unsigned)__builtin_clzll(value);
    return 2 * top + (unsigned)(value >> (top - 1) & 1);
}

/* The bits of a value that its class does not tell. */
static inline unsigned ans_low_bits(unsigned class)
{
    return class < 2 ? 0 : class / 2 - 1;
}

/* Shares out the slots by how often each class occurs; at least one occurs. With `all`, every class gets a slot. */
void ans_model_fit(const uint32_t counts[ANS_CLASSES], bool all, struct ans_model *out);

void ans_model_write(const struct ans_model *model, struct writer *out);

/* False if it is malformed. */
bool ans_model_read(struct reader *in, struct ans_model *out);

void ans_encoder_init(struct ans_encoder *encoder, const struct ans_model *model);
void ans_decoder_init(struct ans_decoder *decoder, const struct ans_model *model);

/* Appends a stream of 1 to ANS_VALUES_MAX values, whose classes all have slots. */
void ans_encode(const struct ans_encoder *encoder, const uint64_t *values, size_t count, struct writer *out);

/* Decodes the first `wanted` values from a stream of `count` with slack behind it. False if it ends before. */
bool ans_decode(const struct ans_decoder *decoder, const uint8_t *in, size_t bytes, size_t count, size_t wanted,
                uint64_t *values);

#endif
