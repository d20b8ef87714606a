/* Columns against arrays: merging, clipping, setting aside, decoding. */
#include "tsdb/columns.h"

#include "storage/chunk_gorilla.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

static void push(struct column_buffer *buffer, int64_t time_ms, double value)
{
    vec_push(&buffer->times, time_ms);
    vec_push(&buffer->values, value);
}

/* What a buffer should hold: the value of each of few times, 0 where there is none. */
enum { TIMES = 24 };

static void expect_times(const struct column_buffer *buffer, size_t first, const double *expected)
{
    size_t at = first;

    for (int64_t t = 0; t < TIMES; t++) {
        if (expected[t] == 0) continue;
        cr_assert(at < buffer->times.count && buffer->times.data[at] == t && buffer->values.data[at] == expected[t],
                  "time %lld", (long long)t);
        at++;
    }
    cr_assert(at == buffer->times.count && at == buffer->values.count, "%zu too many", buffer->times.count - at);
}

/* Merges samples as another source's. */
static void merge(struct column_buffer *buffer, size_t first, const int64_t *times, const double *values, size_t count)
{
    columns_clear_other(buffer);
    for (size_t i = 0; i < count; i++) {
        vec_push(&buffer->other_times, times[i]);
        vec_push(&buffer->other_values, values[i]);
    }
    columns_merge(buffer, first);
}

/* A histogram keeps its hint only behind the one that was before it. */
Test(columns, merged_histograms_lose_their_hints)
{
    struct column_buffer buffer = {0};
    struct histogram h = {.count = 1};
    static const struct {
        int64_t time_ms;
        bool is_other;
        enum histogram_hint hint, expected;
    } rows[] = {{0, false, HISTOGRAM_UNKNOWN, HISTOGRAM_UNKNOWN},
                {1, false, HISTOGRAM_NOT_RESET, HISTOGRAM_NOT_RESET},
                {2, true, HISTOGRAM_NOT_RESET, HISTOGRAM_UNKNOWN},
                {3, true, HISTOGRAM_NOT_RESET, HISTOGRAM_NOT_RESET},
                {4, false, HISTOGRAM_NOT_RESET, HISTOGRAM_UNKNOWN},
                {5, true, HISTOGRAM_GAUGE, HISTOGRAM_GAUGE},
                {6, false, HISTOGRAM_NOT_RESET, HISTOGRAM_UNKNOWN}};
    size_t count = sizeof rows / sizeof rows[0];

    for (int is_other = 0; is_other < 2; is_other++) {
        columns_clear_other(&buffer);
        for (size_t i = 0; i < count; i++) {
            struct rich_sample sample = {rows[i].time_ms, 7, 0, &h};
            if (rows[i].is_other == is_other) columns_push_other(&buffer, &sample, rows[i].hint);
        }
        columns_merge(&buffer, 0);
    }
    samples view = columns_view(&buffer);
    cr_assert(view.count == count && buffer.has_lost_hints);
    for (size_t i = 0; i < count; i++) {
        cr_expect(view.times_ms[i] == (int64_t)i && view.starts_ms[i] == 7);
        cr_expect(view.histograms[i]->hint == rows[i].expected, "sample %zu has hint %d", i, view.histograms[i]->hint);
    }
    columns_clear(&buffer);
    cr_expect(!buffer.has_lost_hints && columns_view(&buffer).histograms == NULL);
    column_buffer_release(&buffer);
}

/* Random sets of times on both sides, behind samples that must stay. */
Test(columns, merge_keeps_the_earlier_stored)
{
    struct column_buffer buffer = {0};
    uint64_t random = 1;

    for (int round = 0; round < 20000; round++) {
        uint64_t mine = random_next(&random), others = random_next(&random);
        int64_t times[TIMES];
        double values[TIMES], expected[TIMES] = {0};
        size_t count = 0, first = random_below(&random, 3);
        if (round % 5 == 0) others &= ~mine;
        if (round % 7 == 0) mine = 0;
        if (round % 11 == 0) others = mine;
        buffer.times.count = buffer.values.count = 0;
        for (size_t i = 0; i < first; i++) push(&buffer, 100, -7);
        for (int t = 0; t < TIMES; t++) {
            if (mine >> t & 1) push(&buffer, t, expected[t] = t + 1);
            if (!(others >> t & 1)) continue;
            times[count] = t;
            values[count++] = t + 1000;
            if (expected[t] == 0) expected[t] = t + 1000;
        }
        merge(&buffer, first, times, values, count);
        for (size_t i = 0; i < first; i++) cr_assert(buffer.times.data[i] == 100 && buffer.values.data[i] == -7);
        expect_times(&buffer, first, expected);
    }
    merge(&buffer, 0, NULL, NULL, 0);
    column_buffer_release(&buffer);
}

Test(columns, merge_of_extreme_times)
{
    static const int64_t mine[] = {INT64_MIN, 0, INT64_MAX}, others[] = {INT64_MIN, -1, 1, INT64_MAX};
    static const double other_values[] = {9, 9, 9, 9};
    static const int64_t expected[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    struct column_buffer buffer = {0};

    for (size_t i = 0; i < 3; i++) push(&buffer, mine[i], 1);
    merge(&buffer, 0, others, other_values, 4);
    cr_assert(buffer.times.count == 5);
    for (size_t i = 0; i < 5; i++) cr_expect(buffer.times.data[i] == expected[i]);
    cr_expect(buffer.values.data[0] == 1 && buffer.values.data[1] == 9 && buffer.values.data[4] == 1);
    column_buffer_release(&buffer);
}

Test(columns, clip)
{
    static const struct {
        int64_t from, to;
        size_t left;
        int64_t first;
    } rows[] = {
        {INT64_MIN, INT64_MAX, 5, 10},
        {10, 50, 5, 10},
        {11, 49, 3, 20},
        {20, 20, 1, 20},
        {21, 29, 0, 0},
        {51, 99, 0, 0},
        {INT64_MIN, 9, 0, 0},
        {50, INT64_MAX, 1, 50},
        {30, 20, 0, 0},
        {10, 10, 1, 10},
        {INT64_MAX, 50, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct column_buffer buffer = {0};
        push(&buffer, 30, -1); /* before `first`: stays */
        for (int64_t t = 10; t <= 50; t += 10) push(&buffer, t, (double)t);
        columns_clip(&buffer, 1, rows[i].from, rows[i].to);
        cr_expect(buffer.times.count == 1 + rows[i].left && buffer.values.count == buffer.times.count, "row %zu", i);
        cr_expect(buffer.times.data[0] == 30 && buffer.values.data[0] == -1, "row %zu", i);
        for (size_t k = 0; k < rows[i].left; k++) {
            int64_t expected = rows[i].first + 10 * (int64_t)k;
            cr_expect(buffer.times.data[1 + k] == expected && buffer.values.data[1 + k] == (double)expected);
        }
        column_buffer_release(&buffer);
    }
}

Test(columns, set_aside)
{
    struct column_buffer buffer = {0};

    columns_set_aside(&buffer, 0);
    cr_expect(buffer.other_times.count == 0 && buffer.times.count == 0);
    for (int i = 0; i < 30; i++) push(&buffer, i, i * 2);
    columns_set_aside(&buffer, 10);
    cr_expect(buffer.times.count == 10 && buffer.values.count == 10);
    cr_assert(buffer.other_times.count == 20 && buffer.other_values.count == 20);
    for (int i = 0; i < 20; i++)
        cr_expect(buffer.other_times.data[i] == 10 + i && buffer.other_values.data[i] == (10 + i) * 2);
    columns_set_aside(&buffer, 10);
    cr_expect(buffer.other_times.count == 0 && buffer.times.count == 10);
    column_buffer_release(&buffer);
}

Test(columns, decode)
{
    enum { SAMPLES = 130 };
    static const size_t keeps[] = {0, 1, 129, 130, 131, SIZE_MAX};
    int64_t times[SAMPLES];
    uint64_t values[SAMPLES];
    struct writer chunk = {0};
    struct column_buffer buffer = {0};

    for (int i = 0; i < SAMPLES; i++) {
        times[i] = 1700000000000 + i * 15000;
        values[i] = i % 9 ? double_bits(i) : 0x7FF0000000000002;
    }
    gorilla_encode(times, values, SAMPLES, &chunk);
    memset(writer_reserve(&chunk, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
    for (size_t i = 0; i < sizeof keeps / sizeof keeps[0]; i++) {
        size_t before = buffer.times.count, kept = keeps[i] < SAMPLES ? keeps[i] : SAMPLES;
        cr_assert(columns_decode(&buffer, chunk.data, chunk.count, keeps[i]));
        cr_assert(buffer.times.count == before + kept && buffer.values.count == before + kept);
        for (size_t k = 0; k < kept; k++) {
            cr_expect(buffer.times.data[before + k] == times[k]);
            cr_expect(double_bits(buffer.values.data[before + k]) == values[k]);
        }
    }
    size_t before = buffer.times.count;
    cr_expect(!columns_decode(&buffer, chunk.data, chunk.count - 4, SIZE_MAX), "a cut chunk decodes");
    cr_expect(buffer.times.count == before && buffer.values.count == before, "a bad chunk adds nothing");
    writer_release(&chunk);
    column_buffer_release(&buffer);
}

/* All ranges over all samples from each index on; the hint of what follows a gap is lost. */
Test(columns, removes_ranges)
{
    struct column_buffer buffer = {0};

    for (size_t first = 0; first <= 6; first++) {
        for (int64_t from = -1; from <= 6; from++) {
            for (int64_t to = from - 1; to <= 6; to++) {
                double expected[TIMES] = {0};
                columns_clear(&buffer);
                for (int64_t t = 0; t < 6; t++) {
                    push(&buffer, t, 1 + (double)t);
                    if (t < (int64_t)first || t < from || t > to) expected[t] = 1 + (double)t;
                }
                columns_remove(&buffer, first, from, to);
                expect_times(&buffer, 0, expected);
            }
        }
    }
    columns_clear(&buffer);
    columns_clear_other(&buffer);
    struct histogram h = {.count = 1, .hint = HISTOGRAM_NOT_RESET};
    for (int64_t t = 0; t < 4; t++)
        columns_push_other(&buffer, &(struct rich_sample){.time_ms = t, .histogram = &h}, HISTOGRAM_NOT_RESET);
    columns_merge(&buffer, 0);
    columns_remove(&buffer, 0, 1, 1);
    cr_assert(buffer.times.count == 3 && buffer.histograms.count == 3);
    cr_expect(buffer.histograms.data[1]->hint == HISTOGRAM_UNKNOWN &&
              buffer.histograms.data[2]->hint == HISTOGRAM_NOT_RESET);
    column_buffer_release(&buffer);
}

/* A key stands for all times of the result, or there is none. */
Test(columns, keys_of_times)
{
    static const int64_t early[] = {1, 2, 3}, late[] = {4, 5};
    struct column_buffer buffer = {0};

    columns_reserve(&buffer, 5);
    columns_append(&buffer, early, 3, 7, 0);
    cr_expect(columns_view(&buffer).column == 7);
    columns_append(&buffer, late, 2, 8, 0);
    uint64_t both = columns_view(&buffer).column;
    cr_expect(both != 0 && both != 7 && both != 8);
    columns_clip(&buffer, 0, 1, 5);
    columns_join(&buffer, 3);
    columns_remove(&buffer, 0, 6, 9);
    cr_expect(columns_view(&buffer).column == both, "the times are the same");
    columns_clip(&buffer, 0, 2, 5);
    cr_expect(columns_view(&buffer).column == 0, "cut");

    columns_clear(&buffer);
    columns_append(&buffer, early, 3, 7, 0);
    columns_append(&buffer, late, 2, 8, 0);
    cr_expect(columns_view(&buffer).column == both, "the same parts again");
    columns_remove(&buffer, 0, 2, 2);
    cr_expect(columns_view(&buffer).column == 0, "a gap");

    columns_clear(&buffer);
    columns_append(&buffer, early, 3, 0, 0);
    columns_append(&buffer, late, 2, 8, 0);
    cr_expect(columns_view(&buffer).column == 0, "a part is not known");

    columns_clear(&buffer);
    columns_append(&buffer, late, 2, 8, 0);
    columns_append(&buffer, early, 3, 7, 0);
    columns_join(&buffer, 2);
    cr_expect(columns_view(&buffer).column == 0 && buffer.times.data[0] == 1, "merged");
    column_buffer_release(&buffer);
}

/* Times that lie there from the read before are not copied again, and are right whatever came between. */
Test(columns, times_that_lie_there)
{
    enum { PIECES = 5, PIECE = 4, MOST = 6 };
    struct column_buffer buffer = {0};
    struct writer gorilla = {0};
    uint64_t random = 1;
    int64_t pieces[PIECES][PIECE], model[MOST * PIECE];
    const uint64_t values[PIECE] = {0};
    size_t count = 0;

    for (int i = 0; i < PIECES * PIECE; i++) pieces[i / PIECE][i % PIECE] = i / PIECE * 100 + i;
    for (int round = 0; round < 20000; round++) {
        uint32_t kind = random_below(&random, 8), piece = random_below(&random, PIECES);
        size_t some = 1 + random_below(&random, PIECE);
        if (kind < 3 || count + PIECE > MOST * PIECE) {
            columns_clear(&buffer);
            count = 0;
        }
        if (kind == 7) {
            gorilla.count = 0;
            gorilla_encode(pieces[piece], values, some, &gorilla);
            memset(writer_reserve(&gorilla, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
            cr_assert(columns_decode(&buffer, gorilla.data, gorilla.count, SIZE_MAX));
        } else if (kind == 6 && count) {
            columns_cut(&buffer, count -= 1);
            continue;
        } else {
            columns_reserve(&buffer, some);
            if (kind == 5) continue; /* what could not be decoded */
            columns_append(&buffer, pieces[piece], some, kind == 4 ? 0 : piece * 10 + some, 0);
        }
        memcpy(model + count, pieces[piece], some * sizeof *model);
        count += some;
        cr_assert(buffer.times.count == count && memcmp(buffer.times.data, model, count * sizeof *model) == 0,
                  "round %d", round);
    }
    writer_release(&gorilla);
    column_buffer_release(&buffer);
}

/* That values are whole is known of the result if it is known of all that was put together. */
Test(columns, whole_bits)
{
    static const int64_t early[] = {1, 2, 3}, late[] = {4, 5};
    struct column_buffer buffer = {0};
    struct writer gorilla = {0};

    columns_reserve(&buffer, 5);
    columns_append(&buffer, early, 3, 0, 7);
    columns_reserve(&buffer, 2);
    columns_append(&buffer, late, 2, 0, 9);
    cr_expect(columns_view(&buffer).whole_bits == 9);
    columns_clip(&buffer, 0, 2, 4);
    cr_expect(columns_view(&buffer).whole_bits == 9, "less of the same");
    columns_clear(&buffer);
    columns_append(&buffer, early, 3, 0, 9);
    columns_append(&buffer, late, 2, 0, 7);
    cr_expect(columns_view(&buffer).whole_bits == 9);
    columns_clear(&buffer);
    columns_append(&buffer, early, 3, 0, 9);
    columns_append(&buffer, late, 2, 0, 0);
    cr_expect(columns_view(&buffer).whole_bits == 0);
    columns_clear(&buffer);
    columns_append(&buffer, early, 3, 0, 0);
    columns_append(&buffer, late, 2, 0, 9);
    cr_expect(columns_view(&buffer).whole_bits == 0);

    columns_clear(&buffer);
    columns_append(&buffer, early, 3, 0, 9);
    gorilla_encode(late, (const uint64_t[]){0, 0}, 2, &gorilla);
    memset(writer_reserve(&gorilla, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
    cr_assert(columns_decode(&buffer, gorilla.data, gorilla.count, SIZE_MAX));
    cr_expect(columns_view(&buffer).whole_bits == 0, "a chunk is not known");
    columns_clear(&buffer);
    columns_append(&buffer, late, 2, 0, 9);
    columns_set_aside(&buffer, 1);
    columns_merge(&buffer, 0);
    cr_expect(columns_view(&buffer).whole_bits == 0, "nor is what is merged in");
    writer_release(&gorilla);
    column_buffer_release(&buffer);
}

/* Chunks are passed on only if that is asked for and they lie in the interval; clipping moves their places. */
Test(columns, passed_chunks)
{
    enum { SAMPLES = 10 };
    struct column_buffer buffer = {0};
    struct writer chunk = {0};
    int64_t times[SAMPLES];
    uint64_t values[SAMPLES];

    for (int part = 0; part < 3; part++) {
        for (int i = 0; i < SAMPLES; i++) {
            times[i] = 1000 * part + i;
            values[i] = double_bits(i);
        }
        chunk.count = 0;
        gorilla_encode(times, values, SAMPLES, &chunk);
        memset(writer_reserve(&chunk, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
        cr_assert(columns_take(&buffer, chunk.data, chunk.count, INT64_MIN, INT64_MAX));
        cr_expect(buffer.passed.count == 0 && buffer.times.count == SAMPLES, "nobody asked");
        columns_clear(&buffer);
        cr_expect(!columns_take(&buffer, chunk.data, chunk.count / 2, INT64_MIN, INT64_MAX));
        columns_clear(&buffer);
    }
    buffer.passes_chunks = true;
    for (int part = 0; part < 3; part++) {
        for (int i = 0; i < SAMPLES; i++) times[i] = 1000 * part + i;
        chunk.count = 0;
        gorilla_encode(times, values, SAMPLES, &chunk);
        memset(writer_reserve(&chunk, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
        cr_assert(columns_take(&buffer, chunk.data, chunk.count, 4, 2005));
    }
    columns_clip(&buffer, 0, 4, 2005);
    cr_assert(buffer.passed.count == 1 && buffer.times.count == 6 + 6);
    const struct passed_chunk *passed = &buffer.passed.data[0];
    cr_expect(passed->at == 6 && passed->min_ms == 1000 && passed->max_ms == 1009 && passed->offset == 0);
    cr_expect(buffer.times.data[0] == 4 && buffer.times.data[5] == 9 && buffer.times.data[6] == 2000);
    cr_expect(gorilla_count(buffer.passed_bytes.data, passed->bytes) == SAMPLES);
    columns_clear(&buffer);
    cr_expect(buffer.passed.count == 0 && buffer.passed_bytes.count == 0);
    writer_release(&chunk);
    column_buffer_release(&buffer);
}
