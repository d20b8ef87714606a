/* The models of a block: a few distributions of bit-length classes (chunk_ans.h) that all its frames share.
 *
 * A frame names the model that costs it least, so it pays one byte instead of a table of its own, and short frames are
 * coded nearly as well as long ones. The models are found by k-means over the class counts of a part of the frames,
 * where the distance of a frame from a model is the bits that the model would spend on it. One further model, the last,
 * knows every class.
 *
 * Written: number of models, then each as ans_model_write has it.
 */
#ifndef VARVE_STORAGE_CHUNK_MODELS_H
#define VARVE_STORAGE_CHUNK_MODELS_H

#include "storage/base/arena.h"
#include "storage/base/vec.h"
#include "storage/chunk_ans.h"

enum { MODELS_MAX = 64 };

/* How often each class occurs in a frame. */
struct class_counts {
    uint16_t counts[ANS_CLASSES];
};

/* Frames to learn from; zeroed is empty. */
struct models_trainer {
    vec(struct class_counts) frames;
};

void models_trainer_add(struct models_trainer *trainer, const struct class_counts *frame);
void models_trainer_release(struct models_trainer *trainer);

/* What encoding needs. Lives in an arena. */
struct models {
    unsigned count; /* 0: there are no models, nothing is entropy-coded */
    struct ans_model list[MODELS_MAX];
    float costs[ANS_CLASSES][MODELS_MAX]; /* bits; infinite where a model lacks a class */
    struct ans_encoder *encoders[MODELS_MAX];
};

/* Finds at most `count_max` models, none if there are no frames; the trainer keeps its frames. */
void models_train(const struct models_trainer *trainer, unsigned count_max, struct models *out, struct arena *arena);

/* The cheapest model for a frame, and the bits of its classes. There are models. */
unsigned models_choose(const struct models *models, const struct class_counts *frame, double *bits);

void models_write(const struct models *models, struct writer *out);

/* What decoding needs: one block, released with free(). */
struct model_decoders {
    unsigned count;
    struct ans_decoder list[];
};

/* NULL if the models are malformed. */
struct model_decoders *model_decoders_read(str written);

#endif
