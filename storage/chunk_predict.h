/* Predicting integers from those before them, so that only small residuals are left to code.
 *
 *     level    value minus one level
 *     delta    value minus the value before
 *     delta2   delta minus the delta before
 *     means    delta minus the mean delta of each 128: counters grow at a rate, and a rate drifts
 *     line     value minus a line through the first and the last: scrape times
 *
 * Residuals are zigzagged: 0, -1, 1, -2, … are 0, 1, 2, 3, …. All arithmetic is modulo 2^64, so any integers can be
 * predicted by any of them and come back.
 */
#ifndef VARVE_STORAGE_CHUNK_PREDICT_H
#define VARVE_STORAGE_CHUNK_PREDICT_H

#include "storage/base/bytes.h"

enum predictor { PREDICT_LEVEL, PREDICT_DELTA, PREDICT_DELTA2, PREDICT_MEANS, PREDICT_LINE, PREDICTORS };

enum {
    PREDICT_VALUES_MAX = 2048, /* at a time */
    PREDICT_MEANS_GROUP = 128,
    PREDICT_MEANS_MAX = PREDICT_VALUES_MAX / PREDICT_MEANS_GROUP
};

/* A predictor and what it starts with. */
struct prediction {
    enum predictor predictor;
    int64_t start; /* the level, or the first value */
    int64_t slope; /* of delta2 the first delta, of a line the delta of all */
    int64_t means[PREDICT_MEANS_MAX];
};

/* Values that need no residual: the first ones. */
static inline size_t predict_skips(enum predictor predictor, size_t count)
{
    size_t skips = predictor == PREDICT_LEVEL ? 0 : predictor == PREDICT_DELTA2 ? 2 : 1;
    return skips < count ? skips : count;
}

/* Finds what a predictor starts with, and the residuals of all values but the skipped ones; returns how many. */
size_t predict_residuals(enum predictor predictor, const int64_t *values, size_t count, struct prediction *out,
                         uint64_t *residuals);

/* The predictor that leaves the least to code, judged by two parts of the values. Lines are for `times` only. */
enum predictor predict_choose(const int64_t *values, size_t count, bool times);

/* Turns residuals, which lie in values[skips …], into values in place. */
void predict_restore(const struct prediction *prediction, size_t count, int64_t *values);

/* The start of a prediction, without the predictor itself. */
void prediction_write(const struct prediction *prediction, size_t count, struct writer *out);
bool prediction_read(struct reader *in, enum predictor predictor, size_t count, struct prediction *out);

#endif
