/* The entropy coder: streams of all shapes come back at about their entropy, hostile bytes stay in bounds. */
#include "storage/chunk_ans.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <math.h>

/* Values whose bit lengths are about geometric with this mean. */
static void make_values(uint64_t *seed, unsigned mean_bits, size_t count, uint64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        unsigned bits = 0;
        while (bits < 64 && random_below(seed, mean_bits + 1)) bits++;
        out[i] = bits ? random_next(seed) >> (64 - bits) : 0;
    }
}

static double count_classes(const uint64_t *values, size_t count, uint32_t counts[ANS_CLASSES])
{
    double bits = 0;

    memset(counts, 0, ANS_CLASSES * sizeof *counts);
    for (size_t i = 0; i < count; i++) {
        unsigned class = ans_class(values[i]);
        counts[class]++;
        bits += ans_low_bits(class);
    }
    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        if (counts[c]) bits += counts[c] * log2((double)count / counts[c]);
    }
    return bits;
}

Test(chunk_ans, classes)
{
    static const struct {
        uint64_t value;
        unsigned class, low_bits;
    } rows[] = {{0, 0, 0}, {1, 1, 0}, {2, 2, 0}, {3, 3, 0}, {5, 4, 1}, {6, 5, 1}, {15, 7, 2}, {UINT64_MAX, 127, 62}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(ans_class(rows[i].value) == rows[i].class);
        cr_expect(ans_low_bits(rows[i].class) == rows[i].low_bits);
    }
}

Test(chunk_ans, streams_come_back)
{
    static uint64_t values[ANS_VALUES_MAX], decoded[ANS_VALUES_MAX];
    static struct ans_encoder encoder;
    static struct ans_decoder decoder;
    uint64_t seed = 1;
    struct writer out = {0};

    for (int round = 0; round < 4000; round++) {
        size_t count = 1 + random_below(&seed, round % 2 ? ANS_VALUES_MAX : 300);
        uint32_t counts[ANS_CLASSES];
        struct ans_model model, again;
        make_values(&seed, random_below(&seed, 60), count, values);
        double ideal_bits = count_classes(values, count, counts);
        bool all = round % 5 == 0;
        ans_model_fit(counts, all, &model);
        out.count = 0;
        ans_model_write(&model, &out);
        struct reader in = reader_make(out.data, out.count);
        cr_assert(ans_model_read(&in, &again) && reader_left(&in) == 0 && memcmp(&model, &again, sizeof model) == 0);
        ans_encoder_init(&encoder, &model);
        ans_decoder_init(&decoder, &model);
        out.count = 0;
        ans_encode(&encoder, values, count, &out);
        size_t bytes = out.count;
        memset(writer_reserve(&out, ANS_SLACK_BYTES), 0xFF, ANS_SLACK_BYTES);
        cr_assert(ans_decode(&decoder, out.data, bytes, count, count, decoded));
        cr_assert(memcmp(values, decoded, count * sizeof *values) == 0);
        size_t wanted = random_below(&seed, count + 1);
        memset(decoded, 0xA5, sizeof decoded);
        cr_assert(ans_decode(&decoder, out.data, bytes, count, wanted, decoded));
        cr_assert(memcmp(values, decoded, wanted * sizeof *values) == 0);
        cr_assert(wanted == ANS_VALUES_MAX || decoded[wanted] == 0xA5A5A5A5A5A5A5A5, "beyond what is wanted");
        cr_expect(all || count < 1000 || (double)bytes * 8 < ideal_bits * 1.03 + 64,
                  "%zu values: %zu bytes for %.0f bits", count, bytes, ideal_bits);
        cr_expect(bytes <= count || !ans_decode(&decoder, out.data, bytes / 2, count, count, decoded),
                  "half a stream decodes");
    }
    writer_release(&out);
}

Test(chunk_ans, models_that_are_none)
{
    static const struct {
        uint8_t bytes[8];
        size_t count;
    } rows[] = {
        {{0}, 0},    {{0}, 1}, {{1, 5}, 2}, {{2, 0x80, 8, 1}, 4}, {{129, 0x80, 8}, 3}, {{1, 0xFF, 0xFF, 3}, 4},
        {{3, 1}, 2},
    };
    struct ans_model model;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reader in = reader_make(rows[i].bytes, rows[i].count);
        cr_expect(!ans_model_read(&in, &model), "row %zu", i);
    }
}

Test(chunk_ans, hostile_bytes)
{
    static uint64_t decoded[ANS_VALUES_MAX];
    static struct ans_decoder decoder;
    uint64_t seed = 2;

    for (int round = 0; round < 3000; round++) {
        uint32_t counts[ANS_CLASSES] = {0};
        struct ans_model model;
        unsigned first = random_below(&seed, ANS_CLASSES);
        for (unsigned c = first; c < ANS_CLASSES; c++) counts[c] = 1 + random_below(&seed, 100);
        ans_model_fit(counts, false, &model);
        ans_decoder_init(&decoder, &model);
        for (int i = 0; i < 20; i++) {
            size_t bytes = random_below(&seed, i % 2 ? 40 : 3000), count = 1 + random_below(&seed, ANS_VALUES_MAX);
            uint8_t *input = malloc(bytes + ANS_SLACK_BYTES);
            random_fill(&seed, input, bytes + ANS_SLACK_BYTES);
            (void)ans_decode(&decoder, input, bytes, count, 1 + random_below(&seed, count), decoded);
            free(input);
        }
    }
}
