/* Runs; see chunk_run.h. */
#include "storage/chunk_run.h"

#include "storage/chunk_lanes.h"

#include <assert.h>

enum { SCALE_MASK = 31, WITH_FACTOR = 32, WITH_EXCEPTIONS = 64, SHORT_FRAMES = 128 };
enum coder { CODER_ZERO, CODER_LANES, CODER_ANS };
enum { CODER_SHIFT = 3, PREDICTOR_MASK = 7 };

/* Values that are often exceptions, by tag; the next tag is any other. */
static const uint64_t known_exceptions[] = {0x7FF0000000000002, 0x7FF8000000000001, 0x8000000000000000};
enum { OTHER_EXCEPTION = 3 };

void run_encoder_release(struct run_encoder *encoder)
{
    vec_release(&encoder->integers);
    vec_release(&encoder->exceptions);
}

/* Counts of classes in a frame and in each of its groups. */
struct tally {
    struct class_counts frame;
    uint64_t low_bits;
    size_t lanes_bytes;
};

static void tally_up(const uint64_t *residuals, size_t count, struct tally *out)
{
    *out = (struct tally){0};
    for (size_t first = 0; first < count; first += LANES_GROUP) {
        size_t part = count - first < LANES_GROUP ? count - first : LANES_GROUP;
        uint16_t lengths[65] = {0};
        for (size_t i = first; i < first + part; i++) {
            unsigned class = ans_class(residuals[i]);
            out->frame.counts[class]++;
            out->low_bits += ans_low_bits(class);
            lengths[class < 2 ? class : class / 2 + 1]++;
        }
        out->lanes_bytes += lanes_cost_bytes(lengths, part);
    }
}

static void write_residuals(const struct run_encoder *encoder, const struct prediction *prediction, size_t count,
                            const uint64_t *residuals, size_t rest, const struct tally *tally, struct writer *out)
{
    enum coder coder = tally->frame.counts[0] == rest ? CODER_ZERO : CODER_LANES;
    unsigned model = 0;
    double bits = 0;

    if (coder == CODER_LANES && encoder->models && encoder->models->count) {
        model = models_choose(encoder->models, &tally->frame, &bits);
        double ans_bytes = 2 + (rest < ANS_SHORT_VALUES ? 2 : 5) + (bits + (double)tally->low_bits) / 8;
        if (ans_bytes * (1000 + encoder->packed_bonus_permille) < (double)tally->lanes_bytes * 1000) coder = CODER_ANS;
    }
    writer_u8(out, (uint8_t)(prediction->predictor | (unsigned)coder << CODER_SHIFT));
    prediction_write(prediction, count, out);
    if (coder == CODER_ANS) {
        writer_u8(out, (uint8_t)model);
        ans_encode(encoder->models->encoders[model], residuals, rest, out);
    } else if (coder == CODER_LANES) {
        for (size_t i = 0; i < rest; i += LANES_GROUP)
            lanes_write(residuals + i, rest - i < LANES_GROUP ? rest - i : LANES_GROUP, out);
    }
}

static void encode_frame(const struct run_encoder *encoder, const int64_t *integers, size_t count, bool times,
                         struct writer *out)
{
    uint64_t residuals[RUN_FRAME];
    struct prediction prediction;
    struct tally tally;
    size_t rest = predict_residuals(predict_choose(integers, count, times), integers, count, &prediction, residuals);

    tally_up(residuals, rest, &tally);
    if (!encoder->trainer) {
        write_residuals(encoder, &prediction, count, residuals, rest, &tally, out);
    } else if (tally.frame.counts[0] < rest) {
        models_trainer_add(encoder->trainer, &tally.frame);
    }
}

static void encode_frames(const struct run_encoder *encoder, size_t count, bool times, struct writer *out)
{
    const int64_t *integers = encoder->integers.data;
    struct writer frames = {0};

    for (size_t first = 0; first < count; first += RUN_FRAME) {
        size_t part = count - first < RUN_FRAME ? count - first : RUN_FRAME, start = frames.count;
        bool is_last = first + part == count;
        encode_frame(encoder, integers + first, part, times, first == 0 && is_last ? out : &frames);
        if (!is_last && !encoder->trainer) writer_varint(out, frames.count - start);
    }
    if (frames.count) writer_bytes(out, frames.data, frames.count);
    writer_release(&frames);
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0) return a | b;
    int shift = __builtin_ctzll(a | b);
    a >>= __builtin_ctzll(a);
    while (b) {
        b >>= __builtin_ctzll(b);
        if (a > b) {
            uint64_t swap = a;
            a = b;
            b = swap;
        }
        b -= a;
    }
    return a << shift;
}

/* x with a * x = 1 modulo 2^64, for odd a: Newton's iteration doubles the good bits. */
static uint64_t inverse_of_odd(uint64_t a)
{
    uint64_t x = a;

    for (int i = 0; i < 5; i++) x *= 2 - a * x;
    return x;
}

/* Whether a multiple of `factor` = 2^shift / inverse; its quotient is then small. */
static bool divides(uint64_t distance, uint64_t factor, uint64_t inverse, unsigned shift)
{
    return (distance & (((uint64_t)1 << shift) - 1)) == 0 &&
           ((distance >> shift) * inverse) <= UINT64_MAX / (factor >> shift);
}

/* The largest factor of all distances from the first integer; 1 for equal ones. */
static uint64_t common_factor(const int64_t *integers, size_t count)
{
    uint64_t factor = 0, inverse = 0;
    unsigned shift = 0;

    for (size_t i = 1; i < count && factor != 1; i++) {
        uint64_t distance = magnitude((int64_t)((uint64_t)integers[i] - (uint64_t)integers[0]));
        if (distance == 0 || (factor && divides(distance, factor, inverse, shift))) continue;
        factor = greatest_common_divisor(factor, distance);
        shift = (unsigned)__builtin_ctzll(factor);
        inverse = inverse_of_odd(factor >> shift);
    }
    return factor ? factor : 1;
}

/* Makes the integers distances from the first one in units of their factor. */
static void normalise(int64_t *integers, size_t count, uint64_t factor)
{
    int64_t base = integers[0];
    unsigned shift = (unsigned)__builtin_ctzll(factor);
    uint64_t inverse = inverse_of_odd(factor >> shift);

    for (size_t i = 0; i < count; i++) {
        uint64_t distance = (uint64_t)integers[i] - (uint64_t)base;
        integers[i] = (int64_t)((uint64_t)((int64_t)distance >> shift) * inverse);
    }
}

/* Tens that all integers share need no decimal places. */
static unsigned drop_tens(unsigned scale, int64_t *base, uint64_t *factor)
{
    while (scale > 0 && scale <= DECIMAL_EXPONENT_MAX && *base % 10 == 0 && *factor % 10 == 0) {
        *base /= 10;
        *factor /= 10;
        scale--;
    }
    return scale;
}

static void write_exceptions(const struct run_encoder *encoder, const double *values, struct writer *out)
{
    int64_t last = -1;

    writer_varint(out, encoder->exceptions.count);
    vec_each (index, &encoder->exceptions) {
        uint64_t bits = double_bits(values[*index]);
        uint8_t tag = 0;
        while (tag < OTHER_EXCEPTION && known_exceptions[tag] != bits) tag++;
        writer_varint(out, (uint64_t)(*index - last));
        writer_u8(out, tag);
        if (tag == OTHER_EXCEPTION) writer_u64(out, bits);
        last = *index;
    }
}

static void write_run(struct run_encoder *encoder, const double *values, size_t count, unsigned scale,
                      struct writer *out)
{
    int64_t *integers = encoder->integers.data, base = integers[0];
    uint64_t factor = common_factor(integers, count), stored = factor;
    bool has_exceptions = values && encoder->exceptions.count;

    normalise(integers, count, factor);
    if (count > 1 && factor % 10 == 0) scale = drop_tens(scale, &base, &stored);
    if (!encoder->trainer) {
        writer_u8(out, (uint8_t)(scale | (stored != 1 ? WITH_FACTOR : 0U) | (has_exceptions ? WITH_EXCEPTIONS : 0U) |
                                 SHORT_FRAMES));
        if (stored != 1) writer_varint(out, stored);
        writer_signed(out, base);
        if (has_exceptions) write_exceptions(encoder, values, out);
    }
    if (values) encoder->scale = scale;
    encode_frames(encoder, count, !values, out);
}

void run_encode_values(struct run_encoder *encoder, const double *values, size_t count, struct writer *out)
{
    unsigned scale = encoder->scale;

    assert(count > 0);
    encoder->integers.count = 0;
    vec_reserve(&encoder->integers, count);
    decimal_map(values, count, &scale, encoder->integers.data, &encoder->exceptions);
    write_run(encoder, values, count, scale, out);
}

void run_encode_times(struct run_encoder *encoder, const int64_t *times_ms, size_t count, struct writer *out)
{
    assert(count > 0);
    encoder->integers.count = 0;
    vec_reserve(&encoder->integers, count);
    memcpy(encoder->integers.data, times_ms, count * sizeof *times_ms);
    write_run(encoder, NULL, count, DECIMAL_BITS, out);
}

/* A run's header, read. */
struct opened {
    unsigned scale;
    int64_t base;
    uint64_t factor;
    struct reader exceptions; /* what is behind their number */
    uint64_t exception_count;
    size_t frame;        /* integers in each frame but the last */
    struct reader sizes; /* of frames */
    struct reader frames;
    unsigned whole_bits; /* of the values that were decoded, as run_decode_values tells them */
};

static bool skip_exceptions(struct reader *in, uint64_t count, size_t values)
{
    uint64_t left = values;

    if (count == 0 || count > values) return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t distance = reader_varint(in);
        uint8_t tag = reader_u8(in);
        if (distance == 0 || distance > left || tag > OTHER_EXCEPTION) return false;
        left -= distance;
        if (tag == OTHER_EXCEPTION) reader_u64(in);
    }
    return !reader_failed(in);
}

static bool open_run(const struct run *run, struct opened *out)
{
    struct reader in = reader_make(run->bytes, run->size);
    unsigned head = reader_u8(&in);

    out->scale = head & SCALE_MASK;
    out->frame = head & SHORT_FRAMES ? RUN_FRAME : RUN_FRAME_3;
    if (!decimal_scale_valid(out->scale)) return false;
    out->factor = head & WITH_FACTOR ? reader_varint(&in) : 1;
    out->base = reader_signed(&in);
    out->exception_count = head & WITH_EXCEPTIONS ? reader_varint(&in) : 0;
    out->exceptions = in;
    if (head & WITH_EXCEPTIONS && !skip_exceptions(&in, out->exception_count, run->count)) return false;
    out->sizes = in;
    for (size_t i = out->frame; i < run->count; i += out->frame) reader_varint(&in);
    out->frames = in;
    return !reader_failed(&in) && run->count > 0;
}

/* The next frame's bytes, of the frames that begin at `first`. */
static bool next_frame(const struct run *run, struct opened *opened, size_t first, struct reader *out)
{
    bool is_last = run->count - first <= opened->frame;
    uint64_t size = is_last ? reader_left(&opened->frames) : reader_varint(&opened->sizes);

    if (size > reader_left(&opened->frames)) return false;
    *out = reader_make(reader_bytes(&opened->frames, size), size);
    return size > 0;
}

/* The first `wanted` of `rest` residuals; there is room for all. */
static bool read_residuals(struct reader *in, unsigned coder, const struct model_decoders *models, size_t rest,
                           size_t wanted, uint64_t *residuals)
{
    if (coder == CODER_ZERO) {
        memset(residuals, 0, wanted * sizeof *residuals);
    } else if (coder == CODER_LANES) {
        for (size_t i = 0; i < wanted; i += LANES_GROUP) {
            if (!lanes_read(in, rest - i < LANES_GROUP ? rest - i : LANES_GROUP, residuals + i)) return false;
        }
    } else {
        unsigned model = reader_u8(in);
        if (coder != CODER_ANS || rest == 0 || reader_failed(in) || !models || model >= models->count) return false;
        return ans_decode(&models->list[model], in->at, reader_left(in), rest, wanted, residuals);
    }
    return true;
}

/* Decodes the first `wanted` of a frame's `count` integers; the others are left undefined. */
static bool decode_frame(struct reader *in, const struct model_decoders *models, size_t count, size_t wanted,
                         int64_t *integers)
{
    unsigned head = reader_u8(in), predictor = head & PREDICTOR_MASK;
    struct prediction prediction;

    if (predictor >= PREDICTORS || !prediction_read(in, (enum predictor)predictor, count, &prediction)) return false;
    if (head >> CODER_SHIFT == CODER_ZERO && predictor == PREDICT_DELTA) { /* of a constant: the most frequent frame */
        for (size_t i = 0; i < wanted; i++) integers[i] = prediction.start;
        return true;
    }
    size_t skips = predict_skips(prediction.predictor, count), residuals = wanted > skips ? wanted - skips : 0;
    if (!read_residuals(in, head >> CODER_SHIFT, models, count - skips, residuals, (uint64_t *)integers + skips))
        return false;
    predict_restore(&prediction, wanted, integers);
    return true;
}

static void restore_times(const struct opened *opened, const int64_t *integers, size_t count, int64_t *times_ms)
{
    for (size_t i = 0; i < count; i++)
        times_ms[i] = (int64_t)((uint64_t)opened->base + opened->factor * (uint64_t)integers[i]);
}

/* Bits enough for two ranges of values; 0: not known. */
static unsigned join_bits(unsigned a, unsigned b)
{
    return a == 0 || b == 0 ? 0 : a > b ? a : b;
}

/* Decodes the frames that overlap the range, each up to the range's end, to one of the two columns. */
static bool decode_range(const struct run *run, struct opened *opened, size_t first, size_t count, double *values,
                         int64_t *times_ms)
{
    int64_t integers[RUN_FRAME_3];
    struct reader in;

    opened->whole_bits = 1;
    for (size_t start = 0; start < first + count; start += opened->frame) {
        size_t part = run->count - start < opened->frame ? run->count - start : opened->frame;
        if (!next_frame(run, opened, start, &in)) return false;
        if (start + part <= first) continue;
        size_t from = first > start ? first - start : 0,
               to = first + count - start < part ? first + count - start : part;
        if (!decode_frame(&in, run->models, part, to, integers)) return false;
        size_t place = start + from - first;
        if (values) {
            opened->whole_bits =
                join_bits(opened->whole_bits, decimal_restore(integers + from, to - from, opened->scale, opened->base,
                                                              opened->factor, values + place));
        } else {
            restore_times(opened, integers + from, to - from, times_ms + place);
        }
    }
    return true;
}

/* Exceptions are no whole numbers. */
static void patch(struct opened *opened, size_t first, size_t count, double *values)
{
    size_t index = SIZE_MAX;

    for (uint64_t i = 0; i < opened->exception_count; i++) {
        index += reader_varint(&opened->exceptions);
        uint8_t tag = reader_u8(&opened->exceptions);
        uint64_t bits = tag < OTHER_EXCEPTION ? known_exceptions[tag] : reader_u64(&opened->exceptions);
        if (index < first || index >= first + count) continue;
        values[index - first] = double_from_bits(bits);
        opened->whole_bits = 0;
    }
}

bool run_decode_values(const struct run *run, size_t first, size_t count, double *values, unsigned *whole_bits)
{
    struct opened opened;

    assert(first <= run->count && count <= run->count - first);
    if (!open_run(run, &opened) || !decode_range(run, &opened, first, count, values, NULL)) return false;
    patch(&opened, first, count, values);
    if (whole_bits) *whole_bits = opened.whole_bits;
    return true;
}

bool run_decode_times(const struct run *run, size_t first, size_t count, int64_t *times_ms)
{
    struct opened opened;

    assert(first <= run->count && count <= run->count - first);
    return open_run(run, &opened) && decode_range(run, &opened, first, count, NULL, times_ms);
}

bool run_summarise(const struct run *run, struct run_summary *out)
{
    struct opened opened;
    struct reader in;

    *out = (struct run_summary){0};
    if (!open_run(run, &opened)) return false;
    out->scale = opened.scale;
    out->exceptions = (uint32_t)opened.exception_count;
    for (size_t start = 0; start < run->count; start += opened.frame) {
        if (!next_frame(run, &opened, start, &in)) return false;
        unsigned head = reader_u8(&in);
        if ((head >> CODER_SHIFT) > CODER_ANS || (head & PREDICTOR_MASK) >= PREDICTORS) return false;
        out->frames_by_coder[head >> CODER_SHIFT]++;
        out->frames_by_predictor[head & PREDICTOR_MASK]++;
    }
    return true;
}
