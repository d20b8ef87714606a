/* Models of a block: they fit what they were taught, know what they were not, and come back. */
#include "storage/chunk_models.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <math.h>

/* A frame of one of eight sources, whose classes differ. */
static void make_frame(uint64_t *seed, unsigned source, struct class_counts *out)
{
    *out = (struct class_counts){{0}};
    for (int i = 0; i < 1000; i++) out->counts[source * 10 + random_below(seed, 4) + random_below(seed, 4)]++;
}

Test(chunk_models, frames_find_their_model)
{
    struct models_trainer trainer = {0};
    struct models *models = memory_alloc(sizeof *models);
    struct class_counts frame;
    struct arena arena;
    uint64_t seed = 1;
    double bits, own_bits = 0;

    arena_init(&arena, NULL);
    for (int i = 0; i < 400; i++) {
        make_frame(&seed, random_below(&seed, 8), &frame);
        models_trainer_add(&trainer, &frame);
    }
    models_train(&trainer, 12, models, &arena);
    cr_assert(models->count > 8 && models->count <= 12, "%u models", models->count);
    for (unsigned source = 0; source < 8; source++) {
        make_frame(&seed, source, &frame);
        unsigned model = models_choose(models, &frame, &bits);
        own_bits = 0;
        for (unsigned c = 0; c < ANS_CLASSES; c++) {
            if (frame.counts[c]) own_bits += frame.counts[c] * log2(1000.0 / frame.counts[c]);
        }
        cr_expect(model + 1 < models->count, "a frame like those taught needs the model of all");
        cr_expect(bits < own_bits * 1.05, "%.0f bits, by itself %.0f", bits, own_bits);
    }
    memset(&frame, 0, sizeof frame);
    for (unsigned c = 0; c < ANS_CLASSES; c++) frame.counts[c] = 1;
    cr_expect(models_choose(models, &frame, &bits) == models->count - 1 && isfinite(bits));
    arena_release(&arena);
    models_trainer_release(&trainer);
    free(models);
}

Test(chunk_models, written_and_read)
{
    struct models_trainer trainer = {0};
    struct models *models = memory_alloc(sizeof *models);
    struct writer out = {0};
    struct arena arena;
    uint64_t seed = 2;

    arena_init(&arena, NULL);
    models_train(&trainer, MODELS_MAX, models, &arena);
    cr_expect(models->count == 0);
    for (unsigned frames = 1; frames < 200; frames += 13) {
        struct class_counts frame;
        make_frame(&seed, random_below(&seed, 8), &frame);
        models_trainer_add(&trainer, &frame);
        models_train(&trainer, 1 + random_below(&seed, MODELS_MAX), models, &arena);
        cr_assert(models->count > 0);
        out.count = 0;
        models_write(models, &out);
        struct model_decoders *decoders = model_decoders_read(str_make((const char *)out.data, out.count));
        cr_assert(decoders && decoders->count == models->count);
        free(decoders);
        size_t cut = random_below(&seed, out.count);
        decoders = model_decoders_read(str_make((const char *)out.data, cut));
        cr_expect(!decoders, "cut models are read");
        free(decoders);
    }
    writer_release(&out);
    arena_release(&arena);
    models_trainer_release(&trainer);
    free(models);
}
