/* Any bytes as a run, with models from the input too: decoding reads nothing beyond the slack, and the two ways to ask
 * for the same values agree. Any values as input of the encoder: they come back.
 *
 * The first byte of the input chooses; then decoding takes the number of values (2 bytes), length of the models (1
 * byte), models, run. */
#include "storage/chunk_run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void decode(const uint8_t *data, size_t bytes)
{
    static double whole[65536], part[65536];

    if (bytes < 3) return;
    size_t count = (size_t)load_u16(data) + 1, models_bytes = data[2];
    if (models_bytes > bytes - 3) models_bytes = bytes - 3;
    struct model_decoders *models = model_decoders_read(str_make((const char *)data + 3, models_bytes));
    size_t run_bytes = bytes - 3 - models_bytes;
    uint8_t *copy = memory_zalloc(run_bytes + RUN_SLACK_BYTES);
    memcpy(copy, data + 3 + models_bytes, run_bytes);
    struct run run = {copy, run_bytes, count, models};
    if (run_decode_values(&run, 0, count, whole, NULL)) {
        size_t first = count / 3;
        if (!run_decode_values(&run, first, count - first, part, NULL)) abort();
        if (memcmp(whole + first, part, (count - first) * sizeof *part) != 0) abort();
    }
    free(copy);
    free(models);
}

static void encode(const uint8_t *data, size_t bytes)
{
    size_t count = bytes / sizeof(double);
    struct run_encoder encoder = {0};
    struct writer out = {0};

    if (count == 0) return;
    double *values = memory_alloc(count * sizeof *values), *decoded = memory_alloc(count * sizeof *decoded);
    memcpy(values, data, count * sizeof *values);
    run_encode_values(&encoder, values, count, &out);
    memset(writer_reserve(&out, RUN_SLACK_BYTES), 0, RUN_SLACK_BYTES);
    struct run run = {out.data, out.count, count, NULL};
    if (!run_decode_values(&run, 0, count, decoded, NULL)) abort();
    if (memcmp(values, decoded, count * sizeof *values) != 0) abort();
    free(values);
    free(decoded);
    run_encoder_release(&encoder);
    writer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0) return 0;
    if (data[0] % 2) {
        decode(data + 1, bytes - 1);
    } else {
        encode(data + 1, bytes - 1);
    }
    return 0;
}
