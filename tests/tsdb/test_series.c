/* A series in a head against arrays: verdicts, chunks of any content, late samples, an arena shared by threads. */
#include "tsdb/series.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

/* The samples of a series in order, as they should be. */
struct model {
    vec(int64_t) times;
    vec(uint64_t) values;
};

static void model_release(struct model *model)
{
    vec_release(&model->times);
    vec_release(&model->values);
}

static void append_ok(struct series *series, struct series_arena *arena, struct model *model, int64_t time_ms,
                      uint64_t value)
{
    cr_assert(series_append(series, arena, 1, time_ms, value) == SERIES_STORED, "at %lld", (long long)time_ms);
    vec_push(&model->times, time_ms);
    vec_push(&model->values, value);
}

static void check_chunk(const struct series_arena *arena, const struct series_chunk *chunk, const struct model *model,
                        size_t first)
{
    int64_t times[SERIES_CHUNK_SAMPLES];
    double values[SERIES_CHUNK_SAMPLES];
    struct writer bytes = {0};

    cr_assert(chunk->min_ms == model->times.data[first]);
    series_copy_chunk(arena, chunk, &bytes);
    cr_assert(bytes.count == GORILLA_HEADER_BYTES + (chunk->bits + 7u) / 8);
    cr_assert(gorilla_count(bytes.data, bytes.count) == chunk->count);
    cr_assert(gorilla_decode(bytes.data, bytes.count, times, values));
    for (size_t i = 0; i < chunk->count; i++) {
        cr_assert(times[i] == model->times.data[first + i], "sample %zu", first + i);
        cr_assert(double_bits(values[i]) == model->values.data[first + i], "sample %zu", first + i);
    }
    writer_release(&bytes);
}

/* All chunks, from the newest to the oldest. */
static void check_series(const struct series *series, const struct series_arena *arena, const struct model *model)
{
    struct series_chunk chunk;
    size_t left = model->times.count;

    cr_assert(series_valid(series, arena) && series->samples == left && series_is_empty(series) == (left == 0));
    cr_assert(series_open_chunk(series, arena, &chunk) == (left > 0));
    if (left == 0) return;
    cr_assert(chunk.count == (left - 1) % SERIES_CHUNK_SAMPLES + 1);
    for (;;) {
        uint64_t gap =
            left < model->times.count ? (uint64_t)model->times.data[left] - (uint64_t)model->times.data[left - 1] : 0;
        cr_assert(left >= chunk.count && chunk.gap_ms == (gap <= UINT16_MAX ? gap : 0));
        check_chunk(arena, &chunk, model, left -= chunk.count);
        if (chunk.before == 0) break;
        series_full_chunk(arena, chunk.before, &chunk);
        cr_assert(chunk.count == SERIES_CHUNK_SAMPLES);
    }
    cr_assert(left == 0, "%zu samples are in no chunk", left);
}

static uint64_t make_value(uint64_t *random, uint64_t last)
{
    switch (random_below(random, 6)) {
    case 0: return last;
    case 1: return random_next(random); /* the longest there are */
    case 2: return double_bits((double)random_below(random, 1000));
    case 3: return 0x7FF0000000000002; /* stale */
    default: return double_bits(double_from_bits(last) + 1);
    }
}

/* Several series grow in turns, so that the lines of their chunks lie mixed in the arena. */
Test(series, chunks_hold_what_was_appended)
{
    enum { SERIES = 20 };
    struct series series[SERIES] = {0};
    struct model models[SERIES] = {0};
    struct series_arena arena;
    uint64_t random = 1;

    series_arena_init(&arena);
    for (int round = 0; round < 9000; round++) {
        uint32_t i = random_below(&random, SERIES);
        struct model *m = &models[i];
        size_t count = m->times.count;
        int64_t last = count ? m->times.data[count - 1] : 1700000000000;
        int64_t step = i % 4 ? 15000 + (random_below(&random, 8) ? 0 : random_below(&random, 100))
                             : 1 + (int64_t)(random_next(&random) >> (20 + random_below(&random, 40)));
        append_ok(&series[i], &arena, m, last + step, make_value(&random, count ? m->values.data[count - 1] : 0));
        if (round % 500 == 0) check_series(&series[i], &arena, m);
    }
    for (size_t i = 0; i < SERIES; i++) {
        check_series(&series[i], &arena, &models[i]);
        model_release(&models[i]);
    }
    cr_expect(series_arena_bytes(&arena) == (uint64_t)atomic_load(&arena.line_count) * SERIES_LINE_BYTES);
    series_arena_release(&arena);
}

Test(series, every_length)
{
    struct series series = {0};
    struct series_arena arena;
    struct model model = {0};

    series_arena_init(&arena);
    check_series(&series, &arena, &model);
    for (int i = 0; i < 3 * SERIES_CHUNK_SAMPLES + 1; i++) {
        append_ok(&series, &arena, &model, i * 15000, double_bits(i % 7));
        check_series(&series, &arena, &model);
    }
    model_release(&model);
    series_arena_release(&arena);
}

Test(series, all_of_time)
{
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -5, 0, 7, INT64_MAX - 1, INT64_MAX};
    enum { TIMES = sizeof times / sizeof times[0] };

    for (size_t first = 0; first < TIMES; first++) {
        for (size_t second = first + 1; second < TIMES; second++) {
            struct series series = {0};
            struct series_arena arena;
            struct model model = {0};
            series_arena_init(&arena);
            append_ok(&series, &arena, &model, times[first], 1);
            for (size_t i = second; i < TIMES; i++) append_ok(&series, &arena, &model, times[i], ~(uint64_t)i);
            check_series(&series, &arena, &model);
            model_release(&model);
            series_arena_release(&arena);
        }
    }
}

Test(series, verdicts)
{
    static const struct {
        int64_t time_ms;
        uint64_t value;
        enum series_verdict verdict;
    } rows[] = {
        {1000, 5, SERIES_STORED},
        {1000, 5, SERIES_REPEATED},
        {1000, 6, SERIES_DUPLICATE},
        {999, 5, SERIES_LATE},
        {INT64_MIN, 5, SERIES_LATE},
        {1001, 0x8000000000000000, SERIES_STORED}, /* -0 */
        {1001, 0, SERIES_DUPLICATE},
        {1001, 0x8000000000000000, SERIES_REPEATED},
        {1002, 0x7FF8000000000001, SERIES_STORED}, /* a NaN equals itself, and no other one */
        {1002, 0x7FF8000000000001, SERIES_REPEATED},
        {1002, 0x7FF0000000000002, SERIES_DUPLICATE},
        {INT64_MAX, 1, SERIES_STORED},
        {INT64_MAX, 1, SERIES_REPEATED},
        {INT64_MAX - 1, 1, SERIES_LATE},
    };
    struct series series = {0};
    struct series_arena arena;
    uint32_t stored = 0;

    series_arena_init(&arena);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum series_verdict got = series_append(&series, &arena, 1, rows[i].time_ms, rows[i].value);
        cr_expect(got == rows[i].verdict, "row %zu: %d", i, got);
        stored += got == SERIES_STORED;
        cr_expect(series.samples == stored);
    }
    series_arena_release(&arena);
}

/* The count before a request is what a reader sees who must not see that request. */
Test(series, remembers_what_was_before_a_request)
{
    static const struct {
        uint32_t ticket;
        int64_t time_ms;
        uint32_t before;
    } rows[] = {{1, 10, 0}, {1, 20, 0}, {4, 30, 2}, {4, 30, 2}, {4, 25, 2}, {4, 40, 2}, {5, 40, 2}, {5, 50, 4}};
    struct series series = {0};
    struct series_arena arena;

    series_arena_init(&arena);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)series_append(&series, &arena, rows[i].ticket, rows[i].time_ms, 1);
        cr_expect(series.samples_before == rows[i].before, "row %zu: %u", i, series.samples_before);
    }
    series_arena_release(&arena);
}

Test(series, late_samples)
{
    enum { TIMES = 400 };
    uint64_t stored[TIMES] = {0}, random = 3;
    struct series series = {0};
    struct series_arena arena;
    uint32_t count = 0;

    series_arena_init(&arena);
    cr_assert(series_late(&series, &arena) == NULL);
    cr_assert(series_append(&series, &arena, 1, TIMES, 1) == SERIES_STORED);
    uint64_t before = series_arena_bytes(&arena);
    for (int round = 0; round < 3 * TIMES; round++) {
        uint32_t at = random_below(&random, TIMES);
        uint64_t value = random_next(&random) | 1;
        enum series_verdict expected = stored[at] ? SERIES_DUPLICATE : SERIES_STORED;
        cr_assert(series_append_late(&series, &arena, at, value) == expected);
        if (stored[at]) cr_assert(series_append_late(&series, &arena, at, stored[at]) == SERIES_REPEATED);
        if (stored[at] == 0) {
            stored[at] = value;
            count++;
        }
        const struct late_samples *late = series_late(&series, &arena);
        cr_assert(late && late->count == count && series_valid(&series, &arena));
        cr_assert(series_arena_bytes(&arena) == before + late->capacity * sizeof *late->rows, "memory is counted");
    }
    const struct late_samples *late = series_late(&series, &arena);
    for (uint32_t i = 0; i < count; i++) cr_assert(late->rows[i].value == stored[late->rows[i].time_ms]);
    cr_expect(series.samples == 1, "they are not in order");
    series_arena_release(&arena);
}

Test(series, invalid_ones_are_told)
{
    struct series series = {0}, broken;
    struct series_arena arena;

    series_arena_init(&arena);
    for (int i = 0; i < 200; i++) (void)series_append(&series, &arena, 1, i, (uint64_t)i);
    cr_assert(series_append_late(&series, &arena, -2, 1) == SERIES_STORED);
    cr_assert(series_append_late(&series, &arena, -1, 1) == SERIES_STORED);
    cr_assert(series_valid(&series, &arena));
    broken = series;
    broken.samples++;
    cr_expect(!series_valid(&broken, &arena));
    broken = series;
    broken.samples_before = 201;
    cr_expect(!series_valid(&broken, &arena));
    broken = series;
    broken.open.time_ms = 100; /* the open chunk begins at 120 */
    cr_expect(!series_valid(&broken, &arena));
    struct late_samples *late = paged_at(&arena.lates, series.late - 1);
    late->rows[1].time_ms = -2;
    cr_expect(!series_valid(&series, &arena));
    series_arena_release(&arena);
}

enum { THREADS = 4, PER_THREAD = 60, ROUNDS = 300 };

struct grower {
    struct series_arena *arena;
    struct series series[PER_THREAD];
    struct model models[PER_THREAD];
    uint64_t seed;
};

static void *grow(void *context)
{
    struct grower *grower = context;
    uint64_t random = grower->seed;

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < PER_THREAD; i++) {
            append_ok(&grower->series[i], grower->arena, &grower->models[i], round * 1000 + 1000, random_next(&random));
            if (round % 50 == 7) (void)series_append_late(&grower->series[i], grower->arena, -round, 1);
        }
    }
    return NULL;
}

/* Each series has one writer; the arena has all of them. */
Test(series, arena_is_shared_by_threads)
{
    static struct grower growers[THREADS];
    struct series_arena arena;
    pthread_t threads[THREADS];

    series_arena_init(&arena);
    for (int i = 0; i < THREADS; i++) {
        growers[i].arena = &arena;
        growers[i].seed = (uint64_t)i + 1;
        pthread_create(&threads[i], NULL, grow, &growers[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        for (size_t k = 0; k < PER_THREAD; k++) {
            check_series(&growers[i].series[k], &arena, &growers[i].models[k]);
            const struct late_samples *late = series_late(&growers[i].series[k], &arena);
            cr_assert(late && late->count == ROUNDS / 50 && late->rows[0].time_ms == -257);
            model_release(&growers[i].models[k]);
        }
    }
    series_arena_release(&arena);
}
