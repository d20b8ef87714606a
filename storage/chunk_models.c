/* The models of a block; see chunk_models.h. */
#include "storage/chunk_models.h"

#include <assert.h>
#include <math.h>

enum { ROUNDS = 6, NEIGHBOURS = 2 };

void models_trainer_add(struct models_trainer *trainer, const struct class_counts *frame)
{
    vec_push(&trainer->frames, *frame);
}

void models_trainer_release(struct models_trainer *trainer)
{
    vec_release(&trainer->frames);
}

static void fill_costs(struct models *models, unsigned index)
{
    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        unsigned slots = models->list[index].slots[c];
        models->costs[c][index] = slots ? (float)(ANS_SLOT_BITS - log2(slots)) : INFINITY;
    }
}

/* Classes next to those seen get a little too: a frame that was not among the teachers should find its classes. */
static void fit(struct models *models, unsigned index, uint32_t counts[ANS_CLASSES])
{
    uint32_t near[ANS_CLASSES];

    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        near[c] = counts[c];
        for (unsigned d = 1; d <= NEIGHBOURS && near[c] == 0; d++)
            near[c] = (c >= d && counts[c - d]) || (c + d < ANS_CLASSES && counts[c + d]) ? 1 : 0;
    }
    ans_model_fit(near, false, &models->list[index]);
    fill_costs(models, index);
}

unsigned models_choose(const struct models *models, const struct class_counts *frame, double *bits)
{
    float sums[MODELS_MAX] = {0};
    unsigned best = 0;

    assert(models->count > 0);
    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        if (frame->counts[c] == 0) continue;
        float count = frame->counts[c];
        for (unsigned m = 0; m < MODELS_MAX; m++) sums[m] += count * models->costs[c][m];
    }
    for (unsigned m = 1; m < models->count; m++) {
        if (sums[m] < sums[best]) best = m;
    }
    *bits = (double)sums[best];
    return best;
}

/* A frame's place on a line from short to long values, for the first division. */
static float mean_class(const struct class_counts *frame)
{
    float sum = 0, total = 0;

    for (unsigned c = 0; c < ANS_CLASSES; c++) {
        sum += (float)c * frame->counts[c];
        total += frame->counts[c];
    }
    return sum / total;
}

struct placed {
    float place;
    uint32_t frame;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Equal parts of the frames by mean class. */
static void divide(const struct models_trainer *trainer, unsigned parts, uint8_t *part_of)
{
    size_t count = trainer->frames.count;
    struct placed *placed = memory_alloc(count * sizeof *placed);

    for (size_t i = 0; i < count; i++) placed[i] = (struct placed){mean_class(&trainer->frames.data[i]), (uint32_t)i};
    qsort(placed, count, sizeof *placed, compare_placed);
    for (size_t i = 0; i < count; i++) part_of[placed[i].frame] = (uint8_t)(i * parts / count);
    free(placed);
}

/* Fits a model to each part that has frames; returns how many. */
static unsigned fit_parts(const struct models_trainer *trainer, const uint8_t *part_of, struct models *models)
{
    uint32_t(*sums)[ANS_CLASSES] = memory_zalloc(MODELS_MAX * sizeof *sums);
    bool used[MODELS_MAX] = {false};
    unsigned count = 0;

    for (size_t i = 0; i < trainer->frames.count; i++) {
        used[part_of[i]] = true;
        for (unsigned c = 0; c < ANS_CLASSES; c++) sums[part_of[i]][c] += trainer->frames.data[i].counts[c];
    }
    for (unsigned part = 0; part < MODELS_MAX; part++) {
        if (used[part]) fit(models, count++, sums[part]);
    }
    free(sums);
    return count;
}

static void add_general_model(const struct models_trainer *trainer, struct models *models)
{
    uint32_t counts[ANS_CLASSES] = {0};

    vec_each (frame, &trainer->frames) {
        for (unsigned c = 0; c < ANS_CLASSES; c++) counts[c] += frame->counts[c];
    }
    ans_model_fit(counts, true, &models->list[models->count]);
    fill_costs(models, models->count++);
}

void models_train(const struct models_trainer *trainer, unsigned count_max, struct models *out, struct arena *arena)
{
    size_t frames = trainer->frames.count;

    out->count = 0;
    if (frames == 0 || count_max == 0) return;
    if (count_max > MODELS_MAX) count_max = MODELS_MAX;
    unsigned parts = count_max - 1 < frames ? count_max - 1 : (unsigned)frames;
    if (parts) {
        uint8_t *part_of = memory_alloc(frames);
        divide(trainer, parts, part_of);
        out->count = fit_parts(trainer, part_of, out);
        for (int round = 1; round < ROUNDS && out->count > 1; round++) {
            double bits;
            for (size_t i = 0; i < frames; i++)
                part_of[i] = (uint8_t)models_choose(out, &trainer->frames.data[i], &bits);
            out->count = fit_parts(trainer, part_of, out);
        }
        free(part_of);
    }
    add_general_model(trainer, out);
    for (unsigned m = 0; m < out->count; m++) {
        out->encoders[m] = arena_alloc(arena, sizeof *out->encoders[m]);
        ans_encoder_init(out->encoders[m], &out->list[m]);
    }
}

void models_write(const struct models *models, struct writer *out)
{
    writer_u8(out, (uint8_t)models->count);
    for (unsigned m = 0; m < models->count; m++) ans_model_write(&models->list[m], out);
}

struct model_decoders *model_decoders_read(str written)
{
    struct reader in = reader_make(written.data, written.len);
    unsigned count = reader_u8(&in);

    if (reader_failed(&in) || count > MODELS_MAX) return NULL;
    struct model_decoders *decoders = memory_alloc(sizeof *decoders + count * sizeof decoders->list[0]);
    decoders->count = count;
    for (unsigned m = 0; m < count; m++) {
        struct ans_model model;
        if (!ans_model_read(&in, &model)) {
            free(decoders);
            return NULL;
        }
        ans_decoder_init(&decoders->list[m], &model);
    }
    return decoders;
}
