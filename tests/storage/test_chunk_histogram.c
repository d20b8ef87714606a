/* Histogram chunks: bytes that Prometheus' own code has written, round trips of random histograms, hostile bytes. */
#include "storage/chunk_histogram.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>

enum { SAMPLES = 60, BUCKETS_MAX = 12, GOLDEN_SAMPLES = 5 };

#define STALE_BITS 0x7FF0000000000002ULL

static const int64_t golden_times[GOLDEN_SAMPLES] = {1700000000000, 1700000015000, 1700000030001, 1700000045000,
                                                     1700000060000};

/* Writes of tsdb/chunkenc of Prometheus 3.14, appended to one by one. */
static const struct {
    const char *name, *hex;
    enum { INTEGERS, FLOATS, CUSTOM, STALE } kind;
} golden[] = {
    {"ints",
     "000500ea9ca559d2318ff0000c5e7f2b4007d1183dd00a4000000000002585b7c88b84f0bf07531f804461987d60e385"
     "7c88b83191c43493ef0622d8842f06223884190620",
     INTEGERS},
    {"floats",
     "0005c0ff3f689374bc6a7efa9ca559d2318ff0000c5e7f2b40020808c2100000000200e0000000000002014800000000"
     "0002001000000000000200e800000000000200a80000000000020788baa0000000020788bc200000000200a000000000"
     "0007c1d4c6b5600027a82f583d80f50fbf50f9f3b1f0000f9d8f8007bd434b19179e1ac5ce927dfac5deb1f3eb1efc08"
     "b451022d1469239eda97e2f0a72617c4944635ab8b457d6ae2d12f58f2e3088cb0d247dc19991894444a6888945124",
     FLOATS},
    {"custom",
     "00058000ee5c6e597fe00000000000016e328ff55555555555557f7fffffc839b9aca00000001fc0003179fcad001950"
     "0000000000000002318c631f83a98c3b17dfeaaaaaaaaaaaaac4089006000000000000002c400aaaaaaaaaaaaa808900"
     "0aaaaaaaaaaaaa00",
     CUSTOM},
    {"stale", "000500001fc0003179fcad0003ff80000000000017c1d4c088b088", STALE},
};

static struct bucket_list spread_counts(int32_t first, const double *counts, uint32_t count, struct arena *arena)
{
    int32_t *indexes = arena_array(arena, int32_t, count);

    for (uint32_t i = 0; i < count; i++) indexes[i] = first + (int32_t)i;
    return (struct bucket_list){count, indexes, counts};
}

/* The k-th of the histograms that the bytes were made from. */
static struct rich_sample golden_sample(int kind, size_t i, struct arena *arena)
{
    static const double bounds[] = {-1, 0.005, 0.1, 1.0 / 3, 33554.43, 1e9};
    static const int32_t positive[] = {-3, -2, 3, 4, 5}, negative[] = {1};
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    double *counts = arena_array(arena, double, 8), k = (double)i + 1;

    h->is_integer = kind != FLOATS;
    if (kind == STALE) {
        h->sum = double_from_bits(STALE_BITS);
    } else if (kind == CUSTOM) {
        h->schema = HISTOGRAM_SCHEMA_CUSTOM;
        h->bounds = bounds;
        h->bound_count = 6;
        h->hint = i ? HISTOGRAM_UNKNOWN : HISTOGRAM_RESET;
        h->count = 7 * (double)i + 21;
        h->sum = (double)i / 3;
        for (size_t b = 0; b < 7; b++) counts[b] = (double)(i + b);
        h->positive = spread_counts(0, counts, 7, arena);
        const struct histogram *compact = histogram_compact(h, arena);
        return (struct rich_sample){.time_ms = golden_times[i], .value = h->sum, .histogram = compact};
    } else {
        double more = kind == FLOATS ? 0.25 : 0;
        h->schema = 3;
        h->zero_threshold = kind == FLOATS ? 0.003 : 1.0 / 1024;
        h->hint = kind == FLOATS ? HISTOGRAM_GAUGE : HISTOGRAM_UNKNOWN;
        h->zero_count = 7 * k;
        h->sum = 12.5 * k;
        counts[0] = 1 + k + more;
        counts[1] = 1 + 6 * k + more;
        counts[2] = 6 * k - 1 + more;
        counts[3] = 70006 * k - 1 + more;
        counts[4] = 70006 * k + 2 + more;
        counts[5] = 4 * k * k + 1;
        h->positive = (struct bucket_list){5, positive, counts};
        h->negative = (struct bucket_list){1, negative, counts + 5};
        h->count = h->zero_count + counts[5];
        for (int b = 0; b < 5; b++) h->count += counts[b];
    }
    return (struct rich_sample){.time_ms = golden_times[i], .value = h->sum, .histogram = h};
}

static bool same_sample(const struct rich_sample *a, const struct rich_sample *b)
{
    return a->time_ms == b->time_ms && double_bits(a->value) == double_bits(b->value) &&
           histogram_equal(a->histogram, b->histogram) && a->histogram->is_integer == b->histogram->is_integer;
}

Test(chunk_histogram, bytes_of_prometheus)
{
    struct arena arena;
    struct writer out = {0};

    arena_init(&arena, NULL);
    for (size_t g = 0; g < sizeof golden / sizeof *golden; g++) {
        struct rich_sample samples[GOLDEN_SAMPLES], got[GOLDEN_SAMPLES];
        char *hex = arena_alloc(&arena, 2 * 4096);
        for (size_t i = 0; i < GOLDEN_SAMPLES; i++) samples[i] = golden_sample(golden[g].kind, i, &arena);
        out.count = 0;
        histogram_chunk_encode(samples, GOLDEN_SAMPLES, &out);
        cr_assert(out.count < 4096);
        for (size_t i = 0; i < out.count; i++) snprintf(hex + 2 * i, 3, "%02x", out.data[i]);
        cr_expect(strcmp(hex, golden[g].hex) == 0, "%s:\n%s\n%s", golden[g].name, hex, golden[g].hex);
        memset(writer_reserve(&out, HISTOGRAM_CHUNK_SLACK_BYTES), 0, HISTOGRAM_CHUNK_SLACK_BYTES);
        cr_assert(histogram_chunk_count(out.data, out.count) == GOLDEN_SAMPLES);
        cr_assert(histogram_chunk_decode(out.data, out.count, golden[g].kind != FLOATS, got, &arena));
        for (size_t i = 0; i < GOLDEN_SAMPLES; i++) {
            cr_expect(same_sample(&samples[i], &got[i]), "%s: sample %zu", golden[g].name, i);
            unsigned hint = golden[g].kind == FLOATS ? HISTOGRAM_GAUGE : HISTOGRAM_NOT_RESET;
            if (i == 0) hint = samples[0].histogram->hint;
            cr_expect(got[i].histogram->hint == hint, "%s: sample %zu", golden[g].name, i);
        }
    }
    writer_release(&out);
    arena_release(&arena);
}

static double random_count(uint64_t *random, bool is_whole)
{
    unsigned bits = random_below(random, 53);
    double whole = 1 + floor(ldexp((double)(random_next(random) >> 11), (int)bits - 53));

    return is_whole ? whole : whole / 7;
}

static struct bucket_list random_buckets(uint64_t *random, bool is_whole, struct arena *arena)
{
    int32_t *indexes = arena_array(arena, int32_t, BUCKETS_MAX);
    int32_t index = (int32_t)random_below(random, 1 << random_below(random, 20)) - (int32_t)random_below(random, 4000);
    double *counts = arena_array(arena, double, BUCKETS_MAX);
    uint32_t count = random_below(random, BUCKETS_MAX);

    for (uint32_t i = 0; i < count; i++) {
        indexes[i] = index += 1 + (int32_t)(random_below(random, 2) * random_below(random, 1000));
        counts[i] = random_count(random, is_whole);
    }
    return (struct bucket_list){count, indexes, counts};
}

/* Histograms that may share a chunk: one layout in what all of it must share, anything else at will. */
static void random_chunk(uint64_t *random, struct rich_sample *samples, size_t count, struct arena *arena)
{
    static const double bounds[] = {-4, 0, 0.001, 7, 33554.430, 33554.431, 1e300};
    static const double thresholds[] = {0, 0x1p-128, 0x1p-243, 0x1p-244, 0x1p10, 0x1p11, 0.003};
    struct histogram frame = {.is_integer = random_below(random, 2),
                              .schema = (int8_t)((int)random_below(random, 13) - 4)};
    bool is_custom = random_below(random, 4) == 0;
    int64_t time = (int64_t)(random_next(random) >> random_below(random, 63)) / 2;

    frame.zero_threshold = thresholds[random_below(random, 7)];
    frame.hint = (uint8_t)random_below(random, 4);
    if (is_custom) {
        frame.schema = HISTOGRAM_SCHEMA_CUSTOM;
        frame.zero_threshold = 0;
        frame.bounds = bounds;
        frame.bound_count = 7;
    }
    for (size_t i = 0; i < count; i++) {
        struct histogram *h = arena_alloc(arena, sizeof *h);
        *h = frame;
        if (is_custom) {
            double *counts = arena_array(arena, double, 8);
            for (int b = 0; b < 8; b++) counts[b] = random_count(random, h->is_integer);
            h->positive = spread_counts(0, counts, 1 + random_below(random, 8), arena);
        } else {
            h->positive = random_buckets(random, h->is_integer, arena);
            h->negative = random_buckets(random, h->is_integer, arena);
            h->zero_count = random_count(random, h->is_integer);
        }
        h->count = random_count(random, h->is_integer);
        h->sum = random_below(random, 2) ? (double)random_below(random, 100) : (double)random_next(random) / 7;
        samples[i] = (struct rich_sample){.time_ms = time, .value = h->sum, .histogram = h};
        time += 1 + (int64_t)random_below(random, 1 << random_below(random, 30));
    }
}

Test(chunk_histogram, chunks_read_back)
{
    uint64_t random = 7;
    struct arena arena;
    struct writer out = {0};

    arena_init(&arena, NULL);
    for (int run = 0; run < 400; run++) {
        struct rich_sample samples[SAMPLES], got[SAMPLES];
        size_t count = 1 + random_below(&random, SAMPLES);
        random_chunk(&random, samples, count, &arena);
        out.count = 0;
        writer_u8(&out, 42); /* what was there before stays */
        histogram_chunk_encode(samples, count, &out);
        cr_assert(out.data[0] == 42);
        size_t bytes = out.count - 1;
        uint8_t *chunk = out.data + 1;
        memset(writer_reserve(&out, HISTOGRAM_CHUNK_SLACK_BYTES), 0xA5, HISTOGRAM_CHUNK_SLACK_BYTES);
        chunk = out.data + 1;
        cr_assert(histogram_chunk_count(chunk, bytes) == count);
        cr_assert(histogram_chunk_decode(chunk, bytes, samples[0].histogram->is_integer, got, &arena), "run %d", run);
        for (size_t i = 0; i < count; i++)
            cr_assert(same_sample(&samples[i], &got[i]), "run %d sample %zu of %zu", run, i, count);
        cr_expect(!histogram_chunk_decode(chunk, bytes - 1, samples[0].histogram->is_integer, got, &arena));
        arena_reset(&arena);
    }
    writer_release(&out);
    arena_release(&arena);
}

Test(chunk_histogram, hostile_bytes)
{
    uint64_t random = 11;
    struct arena arena;
    struct writer out = {0};

    arena_init(&arena, NULL);
    for (int run = 0; run < 20000; run++) {
        uint8_t bytes[160 + HISTOGRAM_CHUNK_SLACK_BYTES];
        struct rich_sample got[65535 / 100];
        size_t length = 3 + random_below(&random, 157);
        random_fill(&random, bytes, sizeof bytes);
        bytes[0] = (uint8_t)random_below(&random, 3);
        if (run % 2) { /* a good one, damaged */
            struct rich_sample samples[3];
            random_chunk(&random, samples, 3, &arena);
            out.count = 0;
            histogram_chunk_encode(samples, 3, &out);
            length = out.count < 160 ? out.count : 160;
            memcpy(bytes, out.data, length);
            bytes[1 + random_below(&random, length - 1)] ^= (uint8_t)(1 << random_below(&random, 8));
        }
        if (histogram_chunk_count(bytes, length) > sizeof got / sizeof *got) continue;
        histogram_chunk_decode(bytes, length, random_below(&random, 2), got, &arena);
        arena_reset(&arena);
    }
    for (size_t length = 0; length < 3; length++)
        cr_expect(histogram_chunk_count((const uint8_t *)"\0\1\0", length) == 0);
    writer_release(&out);
    arena_release(&arena);
}
