/* Runs: one column of one series, its values or its times, compressed as integers.
 *
 *     1 byte   scale (chunk_decimal.h; of times DECIMAL_BITS); 32: with a factor; 64: with exceptions; 128: frames are
 *              of RUN_FRAME integers, else, before block format 4, of RUN_FRAME_3
 *     varint   factor, if there is one
 *     varint   base, zigzag; a value is (base + factor * integer) / 10^scale
 *     if there are exceptions: their number, and of each: varint distance from the one before (the first: from -1),
 *              1 byte 0 stale marker, 1 NaN, 2 -0, or 3 and the 8 bytes of the value
 *     varints  bytes of each frame but the last
 *     frames   of so many integers, the last one of fewer
 *
 * A frame decodes without the others:
 *
 *     1 byte   predictor (chunk_predict.h); coder times 8
 *     ...      what the prediction starts with
 *     ...      the residuals, by coder:
 *              0  all are zero
 *              1  in groups of 128, as lanes_write packs them
 *              2  1 byte model, then a stream of chunk_ans.h
 *
 * How many values a run has, and where it ends, is known from elsewhere; checksums are the owner's. Encoders verify
 * that every value comes back, bit for bit; decoders take any bytes, read nothing beyond the slack, and say whether it
 * made sense.
 */
#ifndef VARVE_STORAGE_CHUNK_RUN_H
#define VARVE_STORAGE_CHUNK_RUN_H

#include "storage/chunk_decimal.h"
#include "storage/chunk_models.h"
#include "storage/chunk_predict.h"

enum {
    RUN_FRAME = 1024,
    RUN_FRAME_3 = 2048,
    RUN_SLACK_BYTES = 32 /* readable bytes that decoding needs behind a run */
};

/* What encoding keeps from run to run: the last choice is the first one tried. Zeroed is valid, without models. */
struct run_encoder {
    const struct models *models;    /* NULL: residuals are packed */
    struct models_trainer *trainer; /* not NULL: frames are shown to it, and nothing is encoded */
    unsigned packed_bonus_permille; /* how much larger packed residuals may be and still be chosen */
    unsigned scale;
    vec(int64_t) integers;
    exceptions exceptions;
};

void run_encoder_release(struct run_encoder *encoder);

/* Append a run of at least one value. */
void run_encode_values(struct run_encoder *encoder, const double *values, size_t count, struct writer *out);
void run_encode_times(struct run_encoder *encoder, const int64_t *times_ms, size_t count, struct writer *out);

/* A stored run. `models` may be NULL if its encoder had none. */
struct run {
    const uint8_t *bytes;
    size_t size, count;
    const struct model_decoders *models;
};

/* Decodes values [first, first + count) of a run. False if it is malformed. *whole_bits, unless it is NULL, becomes a
 * number of bits that is enough for the amount of each value, if all are sure to be whole numbers of at most 53; else
 * 0. */
bool run_decode_values(const struct run *run, size_t first, size_t count, double *values, unsigned *whole_bits);
bool run_decode_times(const struct run *run, size_t first, size_t count, int64_t *times_ms);

/* What a run is made of, for statistics. */
struct run_summary {
    unsigned scale;
    uint32_t exceptions;
    uint32_t frames_by_coder[3], frames_by_predictor[PREDICTORS];
};
bool run_summarise(const struct run *run, struct run_summary *out);

#endif
