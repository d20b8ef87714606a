/* Predicting integers; see chunk_predict.h. */
#include "storage/chunk_predict.h"

#include "storage/chunk_ans.h"
#include "storage/chunk_lanes.h"
#include "storage/chunk_target.h"

#include <assert.h>

enum { PART = 160, PARTS = 2, MEAN_COST_BITS = 12 };

/* Differences wrap around; so do sums. */
CHUNK_INLINE int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

CHUNK_INLINE int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t nearest(double value)
{
    if (!(value > -0x1p62 && value < 0x1p62)) return 0;
    return (int64_t)(value < 0 ? value - 0.5 : value + 0.5);
}

static int64_t mean_level(const int64_t *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) sum += (double)minus(values[i], values[0]);
    return plus(values[0], nearest(sum / (double)count));
}

/* Of values[1 …] minus the ones before. */
static int64_t mean_delta(const int64_t *values, size_t deltas)
{
    return nearest((double)minus(values[deltas], values[0]) / (double)deltas);
}

CHUNK_HOT static void residuals_of_level(const int64_t *values, size_t count, int64_t level, uint64_t *out)
{
    for (size_t i = 0; i < count; i++) out[i] = zigzag_encode(minus(values[i], level));
}

CHUNK_HOT static void residuals_of_delta(const int64_t *values, size_t deltas, int64_t mean, uint64_t *out)
{
    for (size_t i = 0; i < deltas; i++) out[i] = zigzag_encode(minus(minus(values[i + 1], values[i]), mean));
}

CHUNK_HOT static void residuals_of_delta2(const int64_t *values, size_t count, uint64_t *out)
{
    for (size_t i = 2; i < count; i++)
        out[i - 2] = zigzag_encode(minus(minus(values[i], values[i - 1]), minus(values[i - 1], values[i - 2])));
}

static void residuals_of_line(const int64_t *values, size_t count, int64_t slope, uint64_t *out)
{
    for (size_t i = 1; i < count; i++)
        out[i - 1] = zigzag_encode(minus(minus(values[i], values[0]), (int64_t)((uint64_t)slope * i)));
}

size_t predict_residuals(enum predictor predictor, const int64_t *values, size_t count, struct prediction *out,
                         uint64_t *residuals)
{
    assert(count > 0 && count <= PREDICT_VALUES_MAX);
    out->predictor = predictor;
    out->start = values[0];
    out->slope = 0;
    switch (predictor) {
    case PREDICT_LEVEL:
        out->start = mean_level(values, count);
        residuals_of_level(values, count, out->start, residuals);
        break;
    case PREDICT_DELTA: residuals_of_delta(values, count - 1, 0, residuals); break;
    case PREDICT_DELTA2:
        if (count > 1) out->slope = minus(values[1], values[0]);
        residuals_of_delta2(values, count, residuals);
        break;
    case PREDICT_MEANS:
        for (size_t i = 0; i + 1 < count; i += PREDICT_MEANS_GROUP) {
            size_t deltas = count - 1 - i < PREDICT_MEANS_GROUP ? count - 1 - i : PREDICT_MEANS_GROUP;
            int64_t mean = mean_delta(values + i, deltas);
            out->means[i / PREDICT_MEANS_GROUP] = mean;
            residuals_of_delta(values + i, deltas, mean, residuals + i);
        }
        break;
    default:
        if (count > 1) out->slope = mean_delta(values, count - 1);
        residuals_of_line(values, count, out->slope, residuals);
    }
    return count - predict_skips(predictor, count);
}

/* log2 to 1 %: the exponent, and a parabola for the digits. */
static float rough_log2(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    float digits = (float)(bits & 0x7FFFFF) * 0x1p-23F;
    return (float)((int32_t)(bits >> 23) - 127) + digits * (1.3465F - 0.3465F * digits);
}

/* What an entropy coder would spend on the residuals, in bits. */
static float cost_of(const uint64_t *residuals, size_t count, uint16_t histogram[ANS_CLASSES])
{
    float bits = 0;
    unsigned last = 0;

    if (count == 0) return 0;
    for (size_t i = 0; i < count; i++) {
        unsigned class = ans_class(residuals[i]);
        histogram[class]++;
        if (class > last) last = class;
    }
    float all = rough_log2((float)count);
    for (unsigned c = 0; c <= last; c++) {
        if (histogram[c]) bits += (float)histogram[c] * (all - rough_log2(histogram[c]) + (float)ans_low_bits(c));
    }
    memset(histogram, 0, (last + 1) * sizeof *histogram);
    return bits;
}

enum predictor predict_choose(const int64_t *values, size_t count, bool times)
{
    uint64_t residuals[PREDICT_VALUES_MAX];
    uint16_t histogram[ANS_CLASSES] = {0};
    float costs[PREDICTORS] = {0};
    struct prediction unused;
    size_t parts = count <= PART * PARTS || times ? 1 : PARTS, length = parts == 1 ? count : PART;
    int64_t level = mean_level(values, count);

    if (count < 3) return count == 1 ? PREDICT_LEVEL : PREDICT_DELTA;
    for (size_t part = 0; part < parts; part++) {
        const int64_t *from = values + (parts == 1 ? 0 : (2 * part + 1) * count / (2 * PARTS) - PART / 2);
        residuals_of_level(from, length, level, residuals);
        costs[PREDICT_LEVEL] += cost_of(residuals, length, histogram);
        residuals_of_delta(from, length - 1, 0, residuals);
        costs[PREDICT_DELTA] += cost_of(residuals, length - 1, histogram);
        residuals_of_delta2(from, length, residuals);
        costs[PREDICT_DELTA2] += cost_of(residuals, length - 2, histogram);
        predict_residuals(PREDICT_MEANS, from, length, &unused, residuals);
        costs[PREDICT_MEANS] +=
            cost_of(residuals, length - 1, histogram) + MEAN_COST_BITS * (float)length / PREDICT_MEANS_GROUP;
        costs[PREDICT_LINE] = costs[PREDICT_LEVEL] * 2;
        if (!times) continue;
        predict_residuals(PREDICT_LINE, from, length, &unused, residuals);
        costs[PREDICT_LINE] = cost_of(residuals, length - 1, histogram);
    }
    enum predictor best = PREDICT_DELTA; /* the fastest to decode comes first among equals */
    for (enum predictor p = 0; p < PREDICTORS; p++) {
        if (costs[p] < costs[best]) best = p;
    }
    return best;
}

CHUNK_HOT static void undo_zigzag(int64_t *values, size_t count, int64_t plus_each)
{
    for (size_t i = 0; i < count; i++) values[i] = plus(zigzag_decode((uint64_t)values[i]), plus_each);
}

/* Sums in vectors of four: within one by two shifts, so that from vector to vector only one addition waits for another.
 */
typedef uint64_t quad __attribute__((vector_size(32)));

/* Turns zigzagged deltas, each of them `mean` too small, into sums that begin at `sum`; returns the last one. */
CHUNK_HOT static uint64_t sum_deltas(int64_t *values, size_t count, int64_t mean, uint64_t sum)
{
    const quad none = {0, 0, 0, 0}, means = none + (uint64_t)mean;
    quad before = none + sum, x;
    size_t i = 0;

    for (; i + 4 <= count; i += 4) {
        memcpy(&x, values + i, sizeof x);
        x = (x >> 1 ^ (none - (x & 1))) + means;
        x += __builtin_shufflevector(x, none, 4, 0, 1, 2);
        x += __builtin_shufflevector(x, none, 4, 4, 0, 1);
        quad sums = x + before;
        before += __builtin_shufflevector(x, x, 3, 3, 3, 3);
        memcpy(values + i, &sums, sizeof sums);
    }
    sum = before[0];
    for (; i < count; i++) values[i] = (int64_t)(sum += (uint64_t)plus(zigzag_decode((uint64_t)values[i]), mean));
    return sum;
}

static void sum_up(int64_t *values, size_t count, uint64_t sum)
{
    for (size_t i = 0; i < count; i++) values[i] = (int64_t)(sum += (uint64_t)values[i]);
}

static void restore_line(const struct prediction *prediction, size_t count, int64_t *values)
{
    for (size_t i = 1; i < count; i++)
        values[i] = plus(values[i], plus(prediction->start, (int64_t)((uint64_t)prediction->slope * i)));
}

static void restore_means(const struct prediction *prediction, size_t count, int64_t *values)
{
    uint64_t sum = (uint64_t)prediction->start;

    for (size_t i = 1; i < count; i += PREDICT_MEANS_GROUP) {
        size_t part = count - i < PREDICT_MEANS_GROUP ? count - i : PREDICT_MEANS_GROUP;
        sum = sum_deltas(values + i, part, prediction->means[(i - 1) / PREDICT_MEANS_GROUP], sum);
    }
}

void predict_restore(const struct prediction *prediction, size_t count, int64_t *values)
{
    uint64_t start = (uint64_t)prediction->start;

    if (prediction->predictor == PREDICT_LEVEL) {
        undo_zigzag(values, count, prediction->start);
        return;
    }
    values[0] = prediction->start;
    switch (prediction->predictor) {
    case PREDICT_DELTA: sum_deltas(values + 1, count - 1, 0, start); break;
    case PREDICT_MEANS: restore_means(prediction, count, values); break;
    case PREDICT_LINE:
        undo_zigzag(values + 1, count - 1, 0);
        restore_line(prediction, count, values);
        break;
    default:
        if (count == 1) break;
        values[1] = prediction->slope;
        sum_deltas(values + 2, count - 2, 0, (uint64_t)prediction->slope);
        sum_up(values + 1, count - 1, start);
    }
}

static size_t means_of(size_t count)
{
    return (count - 1 + PREDICT_MEANS_GROUP - 1) / PREDICT_MEANS_GROUP;
}

void prediction_write(const struct prediction *prediction, size_t count, struct writer *out)
{
    uint64_t means[PREDICT_MEANS_MAX];
    size_t groups = means_of(count);

    writer_signed(out, prediction->start);
    if (prediction->predictor == PREDICT_DELTA2 || prediction->predictor == PREDICT_LINE)
        writer_signed(out, prediction->slope);
    if (prediction->predictor != PREDICT_MEANS || groups == 0) return;
    for (size_t i = 0; i < groups; i++) means[i] = zigzag_encode(minus(prediction->means[i], prediction->means[0]));
    writer_signed(out, prediction->means[0]);
    lanes_write(means + 1, groups - 1, out);
}

bool prediction_read(struct reader *in, enum predictor predictor, size_t count, struct prediction *out)
{
    uint64_t means[PREDICT_MEANS_MAX];
    size_t groups = means_of(count);

    out->predictor = predictor;
    out->start = reader_signed(in);
    out->slope = 0;
    if (predictor == PREDICT_DELTA2 || predictor == PREDICT_LINE) out->slope = reader_signed(in);
    if (predictor != PREDICT_MEANS || groups == 0) return !reader_failed(in);
    out->means[0] = reader_signed(in);
    if (reader_failed(in) || !lanes_read(in, groups - 1, means)) return false;
    for (size_t i = 1; i < groups; i++) out->means[i] = plus(out->means[0], zigzag_decode(means[i - 1]));
    return true;
}
