/* Any bytes as a remote-read request, as a chunk of histograms, and as one in JSON: the first byte chooses. Chunks that
 * decode to histograms that may be stored are encoded again, and come back the same. */
#include "http/histogram_json.h"
#include "http/read_request.h"
#include "storage/chunk_histogram.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { SAMPLES_MAX = 1000 };

static void read_request(str text, struct arena *arena)
{
    const label external[] = {{STR("a"), STR("b")}};
    const struct config config = {.external = external, .external_count = 1};
    struct read_request request;

    if (failed(read_request_decode(text, &config, arena, &request))) return;
    for (size_t i = 0; i < request.count; i++) {
        if (request.queries[i].matcher_count > READ_MATCHERS_MAX) abort();
    }
}

static bool may_be_stored(const struct rich_sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (failed(histogram_validate(samples[i].histogram))) return false;
        if (i && (samples[i].time_ms <= samples[i - 1].time_ms || rich_must_cut(&samples[i - 1], &samples[i])))
            return false;
    }
    return true;
}

static void chunk(str text, bool is_integer, struct arena *arena)
{
    static struct rich_sample samples[SAMPLES_MAX], again[SAMPLES_MAX];
    uint8_t *copy = arena_zalloc(arena, text.len + HISTOGRAM_CHUNK_SLACK_BYTES);
    struct writer out = {0};

    memcpy(copy, text.data, text.len);
    size_t count = histogram_chunk_count(copy, text.len);
    if (count == 0 || count > SAMPLES_MAX) return;
    if (!histogram_chunk_decode(copy, text.len, is_integer, samples, arena) || !may_be_stored(samples, count)) return;
    histogram_chunk_encode(samples, count, &out);
    memset(writer_reserve(&out, HISTOGRAM_CHUNK_SLACK_BYTES), 0, HISTOGRAM_CHUNK_SLACK_BYTES);
    if (!histogram_chunk_decode(out.data, out.count, is_integer, again, arena)) abort();
    for (size_t i = 0; i < count; i++) {
        if (samples[i].time_ms != again[i].time_ms || !histogram_equal(samples[i].histogram, again[i].histogram))
            abort();
    }
    writer_release(&out);
}

static void json(str text, struct arena *arena)
{
    const struct histogram *h;
    json_t *root = json_loadb(text.data, text.len, 0, NULL);
    struct writer out = {0};

    if (root && !histogram_json_read(root, arena, &h)) histogram_json_write(h, &out);
    json_decref(root);
    writer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena arena = {0};

    if (bytes == 0) return 0;
    str text = str_make((const char *)data + 1, bytes - 1);
    switch (*data % 4) {
    case 0: read_request(text, &arena); break;
    case 1: json(text, &arena); break;
    default: chunk(text, *data % 4 == 2, &arena); break;
    }
    arena_release(&arena);
    return 0;
}
