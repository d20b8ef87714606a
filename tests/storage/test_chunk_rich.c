/* Rich samples: rows and chunks of random histograms read back as they were, where chunks are cut, hostile bytes. */
#include "storage/chunk_rich.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <math.h>

enum { SAMPLES = 100, BUCKETS_MAX = 12 };

static struct bucket_list random_buckets(uint64_t *random, bool is_whole, struct arena *arena)
{
    int32_t *indexes = arena_array(arena, int32_t, BUCKETS_MAX), index = (int32_t)random_below(random, 40) - 20;
    double *counts = arena_array(arena, double, BUCKETS_MAX);
    uint32_t count = random_below(random, BUCKETS_MAX);

    for (uint32_t i = 0; i < count; i++) {
        indexes[i] = index += 1 + (int32_t)random_below(random, 3);
        counts[i] = 1 + (double)random_below(random, 1000) + (is_whole ? 0 : 0.25);
    }
    return (struct bucket_list){count, indexes, counts};
}

static const double custom_bounds[] = {0.1, 1, 5, 60};

static struct rich_sample random_sample(uint64_t *random, const struct rich_sample *before, struct arena *arena)
{
    struct rich_sample sample = {.time_ms = before ? before->time_ms + 15000 + random_below(random, 3) : 1700000000000};
    struct histogram *h = arena_zalloc(arena, sizeof *h);

    if (random_below(random, 3) == 0) sample.start_ms = 1699999000000 + random_below(random, 2);
    sample.value = random_below(random, 2) ? (double)random_below(random, 100) : (double)random_next(random) / 7;
    if (random_below(random, 8) == 0) return sample;
    sample.histogram = h;
    if (before && before->histogram && random_below(random, 4)) { /* mostly more of the same */
        *h = *before->histogram;
        double *counts = arena_array(arena, double, h->positive.count);
        for (uint32_t i = 0; i < h->positive.count; i++) counts[i] = h->positive.counts[i] + random_below(random, 4);
        h->positive.counts = counts;
        h->count += random_below(random, 5);
    } else {
        h->is_integer = random_below(random, 2);
        h->positive = random_buckets(random, h->is_integer, arena);
        h->negative = random_buckets(random, h->is_integer, arena);
        h->schema = (int8_t)((int)random_below(random, 13) - 4);
        h->zero_threshold = 0.001 * random_below(random, 3);
        h->zero_count = h->zero_threshold > 0 ? random_below(random, 9) : 0;
        h->count = (double)random_below(random, 100000) / (h->is_integer ? 1 : 3);
        h->hint = (uint8_t)random_below(random, 4);
        if (random_below(random, 4) == 0) {
            h->schema = HISTOGRAM_SCHEMA_CUSTOM;
            h->zero_threshold = h->zero_count = 0;
            h->negative.count = h->positive.count = 0;
            h->bounds = custom_bounds;
            h->bound_count = 4;
        }
    }
    h->sum = sample.value;
    return sample;
}

static bool same_sample(const struct rich_sample *a, const struct rich_sample *b)
{
    if (a->time_ms != b->time_ms || a->start_ms != b->start_ms || double_bits(a->value) != double_bits(b->value))
        return false;
    if (!a->histogram || !b->histogram) return a->histogram == b->histogram;
    return histogram_equal(a->histogram, b->histogram) && a->histogram->is_integer == b->histogram->is_integer;
}

Test(chunk_rich, rows_read_back)
{
    uint64_t random = 1;
    struct arena arena;
    struct writer out = {0};

    arena_init(&arena, NULL);
    for (int run = 0; run < 50; run++) {
        struct rich_sample samples[SAMPLES], got = {0};
        out.count = 0;
        for (int i = 0; i < SAMPLES; i++) {
            samples[i] = random_sample(&random, i ? &samples[i - 1] : NULL, &arena);
            rich_row_write(i ? &samples[i - 1] : NULL, &samples[i], &out);
        }
        struct reader in = reader_make(out.data, out.count);
        for (int i = 0; i < SAMPLES; i++) {
            struct rich_sample before = got;
            cr_assert(rich_row_read(&in, i ? &before : NULL, &got, &arena), "run %d row %d", run, i);
            cr_assert(same_sample(&got, &samples[i]), "run %d row %d", run, i);
            cr_assert(!got.histogram || got.histogram->hint == samples[i].histogram->hint);
        }
        cr_assert(reader_left(&in) == 0);
        arena_reset(&arena);
    }
    writer_release(&out);
    arena_release(&arena);
}

Test(chunk_rich, chunks_read_back)
{
    uint64_t random = 2;
    struct arena arena;
    struct writer out = {0};

    arena_init(&arena, NULL);
    for (int run = 0; run < 100; run++) {
        struct rich_sample samples[SAMPLES], got[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) samples[i] = random_sample(&random, i ? &samples[i - 1] : NULL, &arena);
        for (int first = 0, end; first < SAMPLES; first = end) {
            for (end = first + 1; end < SAMPLES && !rich_must_cut(&samples[end - 1], &samples[end]);) end++;
            size_t count = (size_t)(end - first);
            out.count = 0;
            rich_chunk_encode(samples + first, count, &out);
            cr_assert(rich_chunk_count(out.data, out.count) == count);
            cr_assert(rich_chunk_decode(out.data, out.count, got, &arena), "run %d", run);
            for (size_t i = 0; i < count; i++)
                cr_assert(same_sample(&got[i], &samples[(size_t)first + i]), "run %d sample %zu", run, i);
            cr_expect(!rich_chunk_decode(out.data, out.count - 1, got, &arena), "a cut chunk decodes");
        }
        arena_reset(&arena);
    }
    writer_release(&out);
    arena_release(&arena);
}

Test(chunk_rich, steady_histograms_are_small)
{
    struct rich_sample samples[SAMPLES];
    int32_t indexes[8];
    double counts[SAMPLES][8];
    struct histogram histograms[SAMPLES];
    struct writer out = {0};

    for (int i = 0; i < SAMPLES; i++) {
        for (int b = 0; b < 8; b++) {
            indexes[b] = b;
            counts[i][b] = b < 4 ? 1000 + 3 * i : 17;
        }
        histograms[i] = (struct histogram){.schema = 3,
                                           .is_integer = true,
                                           .count = 5000 + 12 * i,
                                           .sum = 1.5 * i,
                                           .positive = {8, indexes, counts[i]}};
        samples[i] = (struct rich_sample){15000 * (i + 1), 0, histograms[i].sum, &histograms[i]};
    }
    rich_chunk_encode(samples, SAMPLES, &out);
    cr_expect(out.count < 2 * SAMPLES + 400, "%zu bytes", out.count);
    writer_release(&out);
}

Test(chunk_rich, damaged_chunks_are_told_or_at_least_harmless)
{
    uint64_t random = 3;
    struct arena arena;
    struct writer out = {0};
    struct rich_sample sample, got[1024];

    arena_init(&arena, NULL);
    for (int run = 0; run < 3000; run++) {
        out.count = 0;
        do sample = random_sample(&random, NULL, &arena);
        while (!sample.histogram);
        rich_chunk_encode(&sample, 1, &out);
        for (int k = 0; k < 3; k++) out.data[random_below(&random, out.count)] = (uint8_t)random_next(&random);
        if (rich_chunk_count(out.data, out.count)) (void)rich_chunk_decode(out.data, out.count, got, &arena);
        struct reader in = reader_make(out.data, out.count);
        (void)rich_row_read(&in, NULL, got, &arena);
        arena_reset(&arena);
    }
    writer_release(&out);
    arena_release(&arena);
}
