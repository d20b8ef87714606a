/* Runs: every kind of series comes back to the bit, whole and in parts, with models and without; damaged runs decode to
 * something or are refused, in bounds. */
#include "storage/chunk_run.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <math.h>

enum { COUNT_MAX = 3 * RUN_FRAME_3 + 100 };

enum series {
    CONSTANT,
    COUNTER,
    DECIMAL_COUNTER,
    WALK,
    PAGES,
    NOISE,
    SUM,
    SPECIAL,
    STALE,
    WIDE,
    ANY_BITS,
    SERIES_KINDS
};

static const uint64_t special[] = {0,
                                   0x8000000000000000,
                                   0x7FF0000000000000,
                                   0xFFF0000000000000,
                                   0x7FF0000000000002,
                                   0x7FF8000000000001,
                                   0xFFFFFFFFFFFFFFFF,
                                   1};

static double values[COUNT_MAX], decoded[COUNT_MAX];
static int64_t times[COUNT_MAX], decoded_times[COUNT_MAX];
static uint64_t seed = 7;

static double next_value(enum series series, double last)
{
    switch (series) {
    case CONSTANT: return 17.25;
    case COUNTER: return last + random_below(&seed, 1000);
    case DECIMAL_COUNTER: return (round(last * 100) + random_below(&seed, 300)) / 100;
    case WALK: return last + random_below(&seed, 3) - 1 + 0.0;
    case PAGES: return last + 4096.0 * random_below(&seed, 50);
    case NOISE: return random_below(&seed, 1 << 30) / 1e9;
    case SUM: return last + random_below(&seed, 1 << 30) / 7e6;
    case SPECIAL: return double_from_bits(special[random_below(&seed, 8)]);
    case STALE: return random_below(&seed, 20) ? last + 1 : double_from_bits(0x7FF0000000000002);
    case WIDE: return 1e16 + 2 * (double)random_below(&seed, 1000);
    default: return double_from_bits(random_next(&seed));
    }
}

static void make_values(enum series series, size_t count)
{
    double last = series == STALE ? 5 : (double)random_below(&seed, 100000);

    for (size_t i = 0; i < count; i++) {
        values[i] = next_value(series, last);
        if (series != STALE || !isnan(values[i])) last = values[i];
    }
}

enum spacing { REGULAR, JITTER, GAPS, EXTREME, SPACINGS };

static void make_times(enum spacing spacing, size_t count)
{
    int64_t time = spacing == EXTREME ? INT64_MIN / 2 : 1700000000000, jitter;

    for (size_t i = 0; i < count; i++) {
        switch (spacing) {
        case REGULAR: time += 15000; break;
        case JITTER:
            jitter = random_below(&seed, 10) ? 0 : random_below(&seed, 9) - (int64_t)4;
            times[i] = 1700000000000 + (int64_t)i * 15000 + jitter;
            continue;
        case GAPS: time += random_below(&seed, 10) ? 15000 : 1 + random_below(&seed, 10000000); break;
        default: time += 1 + (int64_t)(random_next(&seed) >> (random_below(&seed, 40) + 20));
        }
        times[i] = time;
    }
}

struct codec {
    struct run_encoder encoder;
    struct models models;
    struct model_decoders *decoders;
    struct arena arena;
    struct writer out;
};

/* With models learnt from some of each kind, or without. */
static struct codec *codec_new(bool with_models)
{
    struct codec *codec = memory_zalloc(sizeof *codec);
    struct models_trainer trainer = {0};
    struct writer written = {0};

    arena_init(&codec->arena, NULL);
    if (!with_models) return codec;
    codec->encoder.trainer = &trainer;
    for (enum series series = 0; series < ANY_BITS; series++) {
        make_values(series, COUNT_MAX);
        run_encode_values(&codec->encoder, values, COUNT_MAX, NULL);
    }
    codec->encoder.trainer = NULL;
    models_train(&trainer, 16, &codec->models, &codec->arena);
    models_write(&codec->models, &written);
    codec->decoders = model_decoders_read(str_make((const char *)written.data, written.count));
    codec->encoder.models = &codec->models;
    models_trainer_release(&trainer);
    writer_release(&written);
    return codec;
}

static void codec_free(struct codec *codec)
{
    run_encoder_release(&codec->encoder);
    arena_release(&codec->arena);
    writer_release(&codec->out);
    free(codec->decoders);
    free(codec);
}

static struct run finish(struct codec *codec, size_t count)
{
    memset(writer_reserve(&codec->out, RUN_SLACK_BYTES), 0xFF, RUN_SLACK_BYTES);
    return (struct run){codec->out.data, codec->out.count, count, codec->decoders};
}

/* What is said to be whole is. */
static void check_whole(const double *column, size_t count, unsigned bits)
{
    for (size_t i = 0; i < count; i++) {
        double amount = fabs(column[i]);
        bool is_whole = amount < 0x1p53 && floor(amount) == amount && !(column[i] == 0 && signbit(column[i]));
        cr_assert(is_whole && amount < ldexp(1, (int)bits), "%.17g of %u bits", column[i], bits);
    }
}

static void check_values(struct codec *codec, size_t count)
{
    unsigned bits;

    codec->out.count = 0;
    run_encode_values(&codec->encoder, values, count, &codec->out);
    struct run run = finish(codec, count);
    cr_assert(run_decode_values(&run, 0, count, decoded, &bits));
    cr_assert(memcmp(values, decoded, count * sizeof *values) == 0);
    if (bits) check_whole(decoded, count, bits);
    for (int i = 0; i < 3; i++) {
        size_t first = random_below(&seed, count), part = random_below(&seed, count - first + 1);
        cr_assert(run_decode_values(&run, first, part, decoded, &bits));
        cr_assert(memcmp(values + first, decoded, part * sizeof *values) == 0, "[%zu, +%zu) of %zu", first, part,
                  count);
        if (bits) check_whole(decoded, part, bits);
    }
}

static size_t pick_count(int round)
{
    if (round < 8) return (size_t)round + 1;
    return 1 + random_below(&seed, round % 3 ? 400 : COUNT_MAX);
}

Test(chunk_run, values_come_back)
{
    for (int with_models = 0; with_models < 2; with_models++) {
        struct codec *codec = codec_new(with_models);
        for (int round = 0; round < 60; round++) {
            for (enum series series = 0; series < SERIES_KINDS; series++) {
                size_t count = pick_count(round);
                make_values(series, count);
                codec->encoder.packed_bonus_permille = round % 2 ? 0 : 150;
                check_values(codec, count);
            }
        }
        codec_free(codec);
    }
}

Test(chunk_run, times_come_back)
{
    for (int with_models = 0; with_models < 2; with_models++) {
        struct codec *codec = codec_new(with_models);
        for (int round = 0; round < 60; round++) {
            for (enum spacing spacing = 0; spacing < SPACINGS; spacing++) {
                size_t count = pick_count(round);
                make_times(spacing, count);
                codec->out.count = 0;
                run_encode_times(&codec->encoder, times, count, &codec->out);
                struct run run = finish(codec, count);
                cr_assert(run_decode_times(&run, 0, count, decoded_times));
                cr_assert(memcmp(times, decoded_times, count * sizeof *times) == 0);
                size_t first = random_below(&seed, count);
                cr_assert(run_decode_times(&run, first, count - first, decoded_times));
                cr_assert(memcmp(times + first, decoded_times, (count - first) * sizeof *times) == 0);
            }
        }
        codec_free(codec);
    }
}

/* What is plainly whole is said to be, in few bits, unless something else is among what was asked for. */
Test(chunk_run, whole_numbers)
{
    struct codec *codec = codec_new(false);
    unsigned bits;

    for (int i = 0; i < 5000; i++) values[i] = i % 3 == 0 ? -70000 + i : i * 20;
    values[4000] = double_from_bits(special[4]);
    run_encode_values(&codec->encoder, values, 5000, &codec->out);
    struct run run = finish(codec, 5000);
    cr_assert(run_decode_values(&run, 0, 4000, decoded, &bits));
    cr_expect(bits >= 17 && bits <= 20, "%u", bits);
    cr_assert(run_decode_values(&run, 4001, 999, decoded, &bits));
    cr_expect(bits >= 17 && bits <= 20, "%u", bits);
    cr_assert(run_decode_values(&run, 3000, 1001, decoded, &bits));
    cr_expect(bits == 0);
    codec->out.count = 0;
    for (int i = 0; i < 100; i++) values[i] = i * 0.25;
    run_encode_values(&codec->encoder, values, 100, &codec->out);
    run = finish(codec, 100);
    cr_assert(run_decode_values(&run, 0, 100, decoded, &bits));
    cr_expect(bits == 0);
    codec_free(codec);
}

Test(chunk_run, sizes)
{
    static const struct {
        enum series series;
        double bytes_max; /* a value */
    } rows[] = {{CONSTANT, 0.005}, {COUNTER, 1.4}, {DECIMAL_COUNTER, 1.2}, {WALK, 0.32}, {PAGES, 0.9}, {STALE, 0.2}};
    struct codec *codec = codec_new(true);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_values(rows[i].series, COUNT_MAX);
        check_values(codec, COUNT_MAX);
        cr_expect((double)codec->out.count < rows[i].bytes_max * COUNT_MAX, "%zu: %.3f B", i,
                  (double)codec->out.count / COUNT_MAX);
    }
    codec_free(codec);
}

Test(chunk_run, damaged_runs)
{
    struct codec *codec = codec_new(true);

    for (int round = 0; round < 4000; round++) {
        size_t count = pick_count(round);
        make_values((enum series)random_below(&seed, SERIES_KINDS), count);
        codec->out.count = 0;
        run_encode_values(&codec->encoder, values, count, &codec->out);
        size_t bytes = round % 4 == 0 ? random_below(&seed, codec->out.count) : codec->out.count;
        uint8_t *copy = malloc(bytes + RUN_SLACK_BYTES); /* so that the sanitizer sees its end */
        memcpy(copy, codec->out.data, bytes);
        memset(copy + bytes, 0xFF, RUN_SLACK_BYTES);
        for (size_t i = 0; bytes && i < 1 + (size_t)round % 3; i++)
            copy[random_below(&seed, round % 2 && bytes > 12 ? 12 : bytes)] = (uint8_t)random_next(&seed);
        struct run run = {copy, bytes, round % 5 ? count : 1 + random_below(&seed, COUNT_MAX), codec->decoders};
        struct run_summary unused;
        (void)run_decode_values(&run, 0, run.count, decoded, NULL);
        (void)run_decode_times(&run, run.count / 2, run.count - run.count / 2, decoded_times);
        (void)run_summarise(&run, &unused);
        free(copy);
    }
    codec_free(codec);
}

Test(chunk_run, random_bytes)
{
    struct codec *codec = codec_new(true);

    for (int round = 0; round < 50000; round++) {
        size_t bytes = random_below(&seed, 400);
        uint8_t *input = malloc(bytes + RUN_SLACK_BYTES);
        random_fill(&seed, input, bytes + RUN_SLACK_BYTES);
        if (bytes > 4 && round % 2) memcpy(input, (const uint8_t[]){2, 0, (uint8_t)(round % 24), 0}, 4);
        struct run run = {input, bytes, 1 + random_below(&seed, COUNT_MAX), round % 3 ? codec->decoders : NULL};
        (void)run_decode_values(&run, 0, run.count, decoded, NULL);
        free(input);
    }
    codec_free(codec);
}
