/* Native histograms of remote-write messages: every field, packed and not, what does not go together, malformed bytes.
 */
#include "http/write_histogram.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

/* An integer histogram: count 6, sum 2.5, schema 1, zero threshold 0.5, zero count 1; positive spans (-1, 2), (1, 1)
 * with deltas 1 1 -1; a gauge at 1000. */
#define USUAL                                                  \
    "\x08\x06\x19\x00\x00\x00\x00\x00\x00\x04\x40\x20\x02\x29" \
    "\x00\x00\x00\x00\x00\x00\xE0\x3F\x30\x01"                 \
    "\x5A\x04\x08\x01\x10\x02\x5A\x04\x08\x02\x10\x01"         \
    "\x62\x03\x02\x02\x01\x70\x03\x78\xE8\x07"

Test(write_histogram, usual)
{
    struct histogram_scratch scratch = {0};
    struct write_histogram out;
    struct arena arena;

    arena_init(&arena, NULL);
    cr_assert(!write_histogram_decode(STR(USUAL), &scratch, &arena, &out) && out.histogram);
    const struct histogram *h = out.histogram;
    cr_expect(h->is_integer && h->count == 6 && h->sum == 2.5 && h->schema == 1 && h->hint == HISTOGRAM_GAUGE);
    cr_expect(h->zero_threshold == 0.5 && h->zero_count == 1 && out.time_ms == 1000 && out.start_ms == 0);
    cr_assert(h->positive.count == 3 && h->negative.count == 0);
    cr_expect(h->positive.indexes[0] == -1 && h->positive.indexes[1] == 0 && h->positive.indexes[2] == 2);
    cr_expect(h->positive.counts[0] == 1 && h->positive.counts[1] == 2 && h->positive.counts[2] == 1);
    histogram_scratch_release(&scratch);
    arena_release(&arena);
}

#define ONE "\x00\x00\x00\x00\x00\x00\xF0\x3F"
#define TWO "\x00\x00\x00\x00\x00\x00\x00\x40"

static const struct {
    const char *name;
    str message;
    const char *defect; /* or … */
    int schema;
    uint32_t positive, negative, bounds;
    double first; /* count of the first bucket */
} cases[] = {
    {"empty", STR(""), NULL, 0, 0, 0, 0, 0},
    {"floats, packed", STR("\x11" ONE "\x5A\x02\x10\x02\x6A\x10" TWO ONE), NULL, 0, 2, 0, 0, 2},
    {"floats, one by one", STR("\x11" ONE "\x5A\x02\x10\x02\x69" TWO "\x69" ONE), NULL, 0, 2, 0, 0, 2},
    {"deltas one by one", STR("\x5A\x02\x10\x02\x60\x04\x60\x02"), NULL, 0, 2, 0, 0, 2},
    {"negative", STR("\x42\x02\x10\x01\x4A\x01\x02"), NULL, 0, 0, 1, 0, 0},
    {"custom bounds", STR("\x20\x69\x82\x01\x10" ONE TWO "\x5A\x02\x10\x01\x62\x01\x02"), NULL, -53, 1, 0, 2, 1},
    {"too fine is made coarser", STR("\x20\x14\x5A\x04\x08\x02\x10\x04\x62\x04\x02\x00\x00\x00"), NULL, 8, 1, 0, 0, 4},
    {"empty buckets go", STR("\x5A\x02\x10\x03\x62\x03\x00\x02\x01"), NULL, 0, 1, 0, 0, 1},
    {"no such schema", STR("\x20\xC8\x01"), NULL, 100, 0, 0, 0, 0},
    {"unknown field", STR("\x92\x01\x00"), NULL, 0, 0, 0, 0, 0},
    {"fewer buckets", STR("\x5A\x02\x10\x02\x62\x01\x02"), "different number of buckets", 0, 0, 0, 0, 0},
    {"more buckets", STR("\x62\x01\x02"), "different number of buckets", 0, 0, 0, 0, 0},
    {"negative gap", STR("\x5A\x02\x10\x01\x5A\x04\x08\x01\x10\x01\x62\x02\x02\x02"), "offset is negative", 0, 0, 0, 0,
     0},
    {"long spans", STR("\x5A\x06\x10\xFF\xFF\xFF\xFF\x0F"), "different number of buckets", 0, 0, 0, 0, 0},
};

Test(write_histogram, fields)
{
    struct histogram_scratch scratch = {0};
    struct write_histogram out;
    struct arena arena;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert(!write_histogram_decode(cases[i].message, &scratch, &arena, &out), "%s", cases[i].name);
        if (cases[i].defect) {
            cr_expect(!out.histogram && strstr(out.defect, cases[i].defect), "%s: %s", cases[i].name,
                      out.histogram ? "no defect" : out.defect);
            continue;
        }
        const struct histogram *h = out.histogram;
        cr_assert(h, "%s: %s", cases[i].name, out.defect);
        cr_expect(h->schema == cases[i].schema && h->positive.count == cases[i].positive &&
                      h->negative.count == cases[i].negative && h->bound_count == cases[i].bounds,
                  "%s", cases[i].name);
        if (h->positive.count) cr_expect(h->positive.counts[0] == cases[i].first, "%s", cases[i].name);
    }
    histogram_scratch_release(&scratch);
    arena_release(&arena);
}

Test(write_histogram, malformed)
{
    static const str messages[] = {STR("\x08"),         STR("\x10\x01"),
                                   STR("\x5A\x02\x10"), STR("\x5A\x02\x12\x00"),
                                   STR("\x62\x01\x80"), STR("\x6A\x07" ONE),
                                   STR("\x0A\x00")};
    struct histogram_scratch scratch = {0};
    struct write_histogram out;
    struct arena arena;
    uint64_t random = 1;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        cr_expect(write_histogram_decode(messages[i], &scratch, &arena, &out) == (const uint8_t *)messages[i].data,
                  "message %zu", i);
    for (int round = 0; round < 20000; round++) {
        char bytes[sizeof USUAL - 1];
        memcpy(bytes, USUAL, sizeof bytes);
        for (int k = 0; k < 3; k++) bytes[random_below(&random, sizeof bytes)] = (char)random_next(&random);
        str message = str_make(bytes, 1 + random_below(&random, sizeof bytes));
        (void)write_histogram_decode(message, &scratch, &arena, &out);
        arena_reset(&arena);
    }
    histogram_scratch_release(&scratch);
    arena_release(&arena);
}

/* Random histograms, written and read back. */
Test(write_histogram, written_ones_read_back)
{
    static const double bounds[] = {0.5, 1, 2.5};
    struct histogram_scratch scratch = {0};
    struct write_histogram out;
    struct writer message = {0};
    struct arena arena;
    uint64_t random = 5;

    arena_init(&arena, NULL);
    for (int round = 0; round < 2000; round++) {
        int32_t indexes[6], index = (int32_t)random_below(&random, 20) - 10;
        double counts[6];
        uint32_t count = random_below(&random, 7);
        bool is_custom = round % 5 == 0, is_integer = round % 2;
        if (is_custom) index = 0;
        for (uint32_t i = 0; i < count && i < 6; i++) {
            indexes[i] = index;
            index += 1 + (int32_t)random_below(&random, is_custom ? 1 : 3);
            counts[i] = 1 + random_below(&random, 1000) + (is_integer ? 0 : 0.5);
        }
        if (count > (is_custom ? 4 : 6)) count = is_custom ? 4 : 6;
        struct histogram h = {.schema = is_custom ? -53 : (int8_t)random_below(&random, 9),
                              .is_integer = is_integer,
                              .hint = (uint8_t)random_below(&random, 4),
                              .bound_count = is_custom ? 3 : 0,
                              .bounds = is_custom ? bounds : NULL,
                              .zero_threshold = is_custom ? 0 : 0.25,
                              .zero_count = random_below(&random, 3),
                              .count = random_below(&random, 5000),
                              .sum = random_below(&random, 2) ? 1.25 : -7,
                              .positive = {count, indexes, counts}};
        if (!is_custom && round % 3 == 0) h.negative = h.positive;
        write_histogram_encode(&h, 1000 + round, &message);
        str text = str_make((const char *)message.data, message.count);
        cr_assert(!write_histogram_decode(text, &scratch, &arena, &out) && out.histogram, "round %d", round);
        cr_expect(histogram_equal(out.histogram, &h) && out.histogram->hint == h.hint &&
                      out.histogram->is_integer == h.is_integer && out.time_ms == 1000 + round,
                  "round %d", round);
        arena_reset(&arena);
    }
    histogram_scratch_release(&scratch);
    writer_release(&message);
    arena_release(&arena);
}
