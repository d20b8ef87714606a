/* Rich samples of one series: chunks are cut where hints have to begin anew, late samples stay sorted. */
#include "tsdb/rich.h"

#include "tests/support/test.h"

static const struct {
    double count;
    enum histogram_hint hint;
    enum histogram_hint read_back;
} rows[] = {
    {1, HISTOGRAM_UNKNOWN, HISTOGRAM_UNKNOWN},   {2, HISTOGRAM_UNKNOWN, HISTOGRAM_NOT_RESET},
    {2, HISTOGRAM_RESET, HISTOGRAM_UNKNOWN},     {3, HISTOGRAM_NOT_RESET, HISTOGRAM_NOT_RESET},
    {1, HISTOGRAM_NOT_RESET, HISTOGRAM_UNKNOWN}, {5, HISTOGRAM_GAUGE, HISTOGRAM_GAUGE},
    {2, HISTOGRAM_GAUGE, HISTOGRAM_GAUGE},       {9, HISTOGRAM_UNKNOWN, HISTOGRAM_UNKNOWN},
};

struct read_back {
    size_t count;
    int64_t times[200];
};

static void check_hint(void *context, const struct rich_sample *sample, enum histogram_hint hint)
{
    struct read_back *back = context;

    if (back->count < sizeof rows / sizeof rows[0])
        cr_expect(hint == rows[back->count].read_back, "row %zu has hint %d", back->count, hint);
    back->times[back->count++] = sample->time_ms;
}

Test(rich, hints_begin_anew_where_prometheus_cuts_chunks)
{
    struct rich_samples rich = {0};
    struct writer in_order = {0}, late = {0};
    struct read_back back = {0};
    struct arena arena;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct histogram h = {.count = rows[i].count, .hint = (uint8_t)rows[i].hint};
        rich_append(&rich, &(struct rich_sample){(int64_t)i, 0, 0, &h}, false);
    }
    rich_copy(&rich, INT64_MIN, rich.count, &in_order, &late);
    rich_read_copy(&in_order, &arena, check_hint, &back);
    cr_expect(back.count == sizeof rows / sizeof rows[0]);
    rich_copy(&rich, INT64_MIN, 3, &in_order, &late);
    back.count = 0;
    rich_read_copy(&in_order, &arena, check_hint, &back);
    cr_expect(back.count == 3);
    writer_release(&in_order);
    writer_release(&late);
    arena_release(&arena);
    rich_release(&rich);
}

static void note_time(void *context, const struct rich_sample *sample, enum histogram_hint hint)
{
    struct read_back *back = context;

    (void)hint;
    back->times[back->count++] = sample->time_ms;
}

Test(rich, late_samples_are_sorted_and_the_first_of_a_time_stays)
{
    struct rich_samples rich = {0};
    struct writer in_order = {0}, late = {0};
    struct read_back back = {0};
    struct arena arena;
    size_t bytes;

    arena_init(&arena, NULL);
    for (int i = 0; i < 100; i++) {
        int64_t time = i * 37 % 101;
        struct rich_sample sample = {time, 1, 2.5, NULL};
        cr_expect(!rich_has_late(&rich, time) && rich_append_late(&rich, &sample, &bytes) == RICH_STORED);
        cr_expect(rich_has_late(&rich, time) && rich_append_late(&rich, &sample, &bytes) == RICH_REPEATED);
        sample.value = 3;
        cr_expect(rich_append_late(&rich, &sample, &bytes) == RICH_DUPLICATE);
    }
    rich_copy(&rich, INT64_MIN, 0, &in_order, &late);
    rich_read_copy(&late, &arena, note_time, &back);
    cr_expect(back.count == 100 && in_order.count == 0);
    for (size_t i = 1; i < back.count; i++) cr_expect(back.times[i - 1] < back.times[i]);
    writer_release(&in_order);
    writer_release(&late);
    arena_release(&arena);
    rich_release(&rich);
}
