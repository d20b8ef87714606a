/* Predictors: any integers come back, and each kind of series finds the one that suits it. */
#include "storage/chunk_predict.h"

#include "storage/chunk_lanes.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

static void check_round_trip(enum predictor predictor, const int64_t *values, size_t count)
{
    static uint64_t residuals[PREDICT_VALUES_MAX];
    static int64_t restored[PREDICT_VALUES_MAX];
    struct prediction prediction, again = {0};
    struct writer out = {0};

    size_t rest = predict_residuals(predictor, values, count, &prediction, residuals);
    size_t skips = predict_skips(predictor, count);
    cr_assert(rest + skips == count);
    prediction_write(&prediction, count, &out);
    size_t bytes = out.count;
    memset(writer_reserve(&out, LANES_SLACK_BYTES), 0xFF, LANES_SLACK_BYTES);
    struct reader in = reader_make(out.data, bytes);
    cr_assert(prediction_read(&in, predictor, count, &again) && reader_left(&in) == 0);
    memcpy(restored + skips, residuals, rest * sizeof *restored);
    predict_restore(&again, count, restored);
    cr_assert(memcmp(restored, values, count * sizeof *values) == 0, "predictor %d, %zu values", (int)predictor, count);
    in = reader_make(out.data, bytes - 1);
    cr_expect(!prediction_read(&in, predictor, count, &again));
    writer_release(&out);
}

Test(chunk_predict, any_integers_come_back)
{
    static int64_t values[PREDICT_VALUES_MAX];
    uint64_t seed = 1;

    for (int round = 0; round < 600; round++) {
        size_t count = round < 40 ? 1 + (size_t)round / 8 : 1 + random_below(&seed, PREDICT_VALUES_MAX);
        unsigned shift = random_below(&seed, 64);
        for (size_t i = 0; i < count; i++) {
            values[i] = (int64_t)random_next(&seed) >> shift;
            if (round % 7 == 0 && random_below(&seed, 5) == 0)
                values[i] = random_below(&seed, 2) ? INT64_MIN : INT64_MAX;
        }
        for (enum predictor p = 0; p < PREDICTORS; p++) check_round_trip(p, values, count);
        cr_assert(predict_choose(values, count, round % 2) < PREDICTORS);
    }
}

Test(chunk_predict, choices)
{
    static int64_t values[PREDICT_VALUES_MAX];
    static const struct {
        const char *what;
        bool times;
        enum predictor expected;
    } rows[] = {{"noise around a level", false, PREDICT_LEVEL},
                {"a walk", false, PREDICT_DELTA},
                {"a counter", false, PREDICT_MEANS},
                {"a smooth curve", false, PREDICT_DELTA2},
                {"jittering scrapes", true, PREDICT_LINE}};
    uint64_t seed = 2;

    for (int row = 0; row < 5; row++) {
        int64_t level = 0;
        for (size_t i = 0; i < PREDICT_VALUES_MAX; i++) {
            int64_t noise = random_below(&seed, 17) - (int64_t)8;
            switch (row) {
            case 0: values[i] = 500 + noise * 100; break;
            case 1: values[i] = level += noise; break;
            case 2: values[i] = level += 100000 + noise * 50; break;
            case 3: values[i] = (int64_t)(i * i * i) + noise % 2; break;
            default: values[i] = 1700000000000 + (int64_t)i * 15000 + (noise == 3 ? 4 : 0);
            }
        }
        enum predictor chosen = predict_choose(values, PREDICT_VALUES_MAX, rows[row].times);
        cr_expect(chosen == rows[row].expected, "%s: %d", rows[row].what, (int)chosen);
    }
}
