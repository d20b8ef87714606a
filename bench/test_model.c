/* The made-up fleets and the requests that carry them. */
#include "bench/model.h"
#include "bench/write_template.h"
#include "storage/base/hash.h"
#include "tests/support/test.h"
#include "tsdb/labels.h"

#include <math.h>
#include <snappy-c.h>

enum { HOSTS = 3, NODE_SERIES = 500, ROUNDS = 40 };

static const int64_t start_ms = 1700000000000;
static const struct label_limits no_limits = {0};

static struct model *make(enum model_kind kind, bool with_events)
{
    return model_new(&(struct model_options){.kind = kind,
                                             .hosts = HOSTS,
                                             .seed = 7,
                                             .start_ms = start_ms,
                                             .resets = with_events,
                                             .stale_markers = with_events});
}

/* Every series is valid, there are no two alike, and they have about the sizes that the header promises. */
Test(model, labels)
{
    struct model *model = make(MODEL_NODE, false);
    uint32_t count = model_series_count(model);
    uint64_t hashes[HOSTS * NODE_SERIES];
    struct arena arena;
    size_t bytes = 0, pairs = 0;

    cr_assert(count == HOSTS * NODE_SERIES, "%u series", count);
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct writer text = {0};
        label *parsed;
        size_t parsed_count;
        model_labels(model, i, &text);
        str raw = str_make((const char *)text.data, text.count);
        status s = labels_parse(raw, &no_limits, &parsed, &parsed_count, &arena);
        cr_assert(!failed(s), "series %u: %s", i, s.text);
        hashes[i] = hash_bytes(raw.data, raw.len);
        for (uint32_t j = 0; j < i; j++) cr_assert(hashes[j] != hashes[i], "series %u and %u are alike", j, i);
        bytes += raw.len;
        pairs += parsed_count;
        writer_release(&text);
    }
    cr_expect(bytes / count >= 270 && bytes / count <= 290, "%zu bytes of labels a series", bytes / count);
    cr_expect(pairs / count >= 9 && pairs / count <= 10, "%zu labels a series", pairs / count);
    arena_release(&arena);
    model_free(model);
}

/* Whoever reads which series in which pieces, the values are the same. */
Test(model, is_deterministic)
{
    struct model *whole = make(MODEL_NODE, true), *pieces = make(MODEL_NODE, true);
    uint32_t count = model_series_count(whole);
    struct model_sample expected[HOSTS * NODE_SERIES], found[HOSTS * NODE_SERIES];

    for (uint32_t round = 0; round < ROUNDS; round++) {
        model_read(whole, round, 0, count, expected);
        for (uint32_t end = count; end > 0;) {
            uint32_t piece = end < 77 ? end : 77;
            end -= piece;
            model_read(pieces, round, end, piece, found + end);
        }
        for (uint32_t i = 0; i < count; i++) {
            cr_assert(expected[i].time_ms == found[i].time_ms &&
                          double_bits(expected[i].value) == double_bits(found[i].value),
                      "series %u, round %u", i, round);
        }
    }
    model_free(whole);
    model_free(pieces);
}

/* Scrapes of a host follow each other by the step, give or take the jitter, and all its series share their time. */
Test(model, times)
{
    struct model *model = make(MODEL_NODE, false);
    struct model_sample samples[HOSTS * NODE_SERIES];
    int64_t before_ms[HOSTS] = {0};

    for (uint32_t round = 0; round < ROUNDS; round++) {
        model_read(model, round, 0, HOSTS * NODE_SERIES, samples);
        for (uint32_t i = 0; i < HOSTS * NODE_SERIES; i++) {
            int64_t time_ms = samples[i].time_ms, begin_ms = model_round_ms(model, round);
            uint32_t host = i / NODE_SERIES;
            cr_assert(time_ms >= begin_ms && time_ms < begin_ms + model_step_ms(model), "outside of its round");
            cr_assert(model_shares_time(model, i) == (i % NODE_SERIES != 0), "series %u", i);
            if (model_shares_time(model, i)) {
                cr_assert(time_ms == samples[i - 1].time_ms, "series %u has another time than its host", i);
            } else {
                cr_assert(round == 0 || llabs(time_ms - before_ms[host] - 15000) < 8, "jitter");
                before_ms[host] = time_ms;
            }
        }
    }
    model_free(model);
}

/* The value of a label in a series' text. */
static str label_of(const struct model *model, uint32_t series, str name, struct writer *scratch)
{
    scratch->count = 0;
    model_labels(model, series, scratch);
    return labels_get((labels){str_make((const char *)scratch->data, scratch->count)}, name);
}

/* Buckets hold no more than the next one, and the last one as much as the count that follows it. */
Test(model, histograms_agree)
{
    struct model *model = make(MODEL_NODE, true);
    struct model_sample samples[HOSTS * NODE_SERIES];
    struct writer scratch = {0};
    unsigned compared = 0;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        model_read(model, round, 0, HOSTS * NODE_SERIES, samples);
        for (uint32_t i = 0; i + 1 < HOSTS * NODE_SERIES; i++) {
            str bound = label_of(model, i, STR("le"), &scratch);
            if (bound.len == 0 || isnan(samples[i].value)) continue;
            if (str_equal(bound, STR("+Inf"))) {
                cr_assert(samples[i].value == samples[i + 1].value, "series %u, round %u: not its count", i, round);
            } else {
                cr_assert(samples[i].value <= samples[i + 1].value, "series %u, round %u: more than the next", i,
                          round);
            }
            compared++;
        }
    }
    cr_expect(compared > 1000, "only %u buckets", compared);
    writer_release(&scratch);
    model_free(model);
}

Test(model, walks_stay_within_their_bounds)
{
    struct model *model = make(MODEL_CPU, false);
    struct model_sample samples[HOSTS * 10];

    for (uint32_t round = 0; round < 1000; round++) {
        model_read(model, round, 0, HOSTS * 10, samples);
        for (uint32_t i = 0; i < HOSTS * 10; i++) {
            cr_assert(samples[i].value >= 0 && samples[i].value <= 100, "%g", samples[i].value);
            cr_assert(samples[i].value == floor(samples[i].value), "%g", samples[i].value);
            cr_assert(samples[i].time_ms == start_ms + round * 10000, "not on the dot");
        }
    }
    model_free(model);
}

/* What the body holds, by libsnappy: one series after the other, with the labels and the sample that were put in. */
static void check_body(str body, const struct model *model, uint32_t first, uint32_t count,
                       const struct model_sample *samples)
{
    size_t bytes;
    cr_assert(snappy_uncompressed_length(body.data, body.len, &bytes) == SNAPPY_OK, "no length");
    char *message = memory_alloc(bytes);
    cr_assert(snappy_uncompress(body.data, body.len, message, &bytes) == SNAPPY_OK, "not snappy");
    struct reader r = reader_make(message, bytes);
    struct writer expected = {0};

    for (uint32_t i = 0; i < count; i++) {
        expected.count = 0;
        model_labels(model, first + i, &expected);
        cr_assert(reader_u8(&r) == 0x0A && reader_varint(&r) == expected.count + 18, "series %u: its frame", i);
        const uint8_t *text = reader_bytes(&r, expected.count);
        cr_assert(text && memcmp(text, expected.data, expected.count) == 0, "series %u: its labels", i);
        cr_assert(reader_u8(&r) == 0x12 && reader_u8(&r) == 16 && reader_u8(&r) == 0x09, "series %u: its sample", i);
        cr_assert(reader_u64(&r) == double_bits(samples[i].value), "series %u: its value", i);
        cr_assert(reader_u8(&r) == 0x10 && (int64_t)reader_varint(&r) == samples[i].time_ms, "series %u: its time", i);
    }
    cr_assert(!reader_failed(&r) && reader_left(&r) == 0, "more than was put in");
    writer_release(&expected);
    free(message);
}

Test(write_template, is_snappy_of_what_was_put_in)
{
    static const struct {
        enum model_kind kind;
        uint32_t first, count;
    } rows[] = {{MODEL_NODE, 0, 1},     {MODEL_NODE, 0, 500},  {MODEL_NODE, 499, 2},
                {MODEL_NODE, 250, 700}, {MODEL_NODE, 0, 1500}, {MODEL_CPU, 0, 30}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct model *model = make(rows[i].kind, true);
        struct write_template template = write_template_make(model, rows[i].first, rows[i].count);
        struct model_sample samples[HOSTS * NODE_SERIES];
        for (uint32_t round = 0; round < 3; round++) {
            model_read(model, round, rows[i].first, rows[i].count, samples);
            check_body(write_template_fill(&template, samples), model, rows[i].first, rows[i].count, samples);
        }
        write_template_release(&template);
        model_free(model);
    }
}
