/* Sums of histograms: resolutions, zero buckets and bounds meet, hints are combined, rounding is made up for. */
#include "query/histogram_sum.h"

#include "query/histogram_value.h"
#include "tests/query/fixture.h"

#include <math.h>

#define INDEXES          \
    (const int32_t[])    \
    {                    \
        0, 1, 2, 3, 4, 5 \
    }
#define SIDE(...)                                                                   \
    {                                                                               \
        sizeof((double[]){__VA_ARGS__}) / sizeof(double), INDEXES, (const double[]) \
        {                                                                           \
            __VA_ARGS__                                                             \
        }                                                                           \
    }

static const double low_bounds[] = {1, 2, 3}, high_bounds[] = {2, 3, 4};

static const struct {
    struct histogram a, b;
    double factor;
    unsigned notes;
    const char *text;
    int schema;
} sums[] = {
    {{.count = 3, .sum = 1, .positive = SIDE(1, 2)},
     {.count = 3, .sum = 2, .positive = SIDE(0, 1, 2)},
     1,
     0,
     "{count:6, sum:3, (0.5,1]:1, (1,2]:3, (2,4]:2}",
     0},
    {{.count = 3, .positive = SIDE(1, 2)}, {.count = 3, .positive = SIDE(1, 2)}, -1, 0, "{count:0, sum:0}", 0},
    {{.schema = 1, .count = 6, .positive = SIDE(1, 2, 3)},
     {.count = 1, .positive = SIDE(0, 1)},
     1,
     0,
     "{count:7, sum:0, (0.5,1]:1, (1,2]:6}",
     0},
    {{.count = 1, .positive = SIDE(0, 1)},
     {.schema = 1, .count = 6, .positive = SIDE(1, 2, 3)},
     1,
     0,
     "{count:7, sum:0, (0.5,1]:1, (1,2]:6}",
     0},
    {{.count = 3, .positive = SIDE(1, 2)},
     {.count = 4, .zero_threshold = 1, .zero_count = 4},
     1,
     0,
     "{count:7, sum:0, [-1,1]:5, (1,2]:2}",
     0},
    {{.count = 4, .zero_threshold = 1, .zero_count = 4},
     {.count = 3, .positive = SIDE(1, 2)},
     1,
     0,
     "{count:7, sum:0, [-1,1]:5, (1,2]:2}",
     0},
    /* a threshold inside a bucket that counts takes in the whole of it */
    {{.count = 3, .positive = SIDE(1, 2)},
     {.count = 4, .zero_threshold = 1.5, .zero_count = 4},
     1,
     0,
     "{count:7, sum:0, [-2,2]:7}",
     0},
    {{.count = 1, .negative = SIDE(1)},
     {.count = 2, .negative = SIDE(0, 2)},
     1,
     0,
     "{count:3, sum:0, [-2,-1):2, [-1,-0.5):1}",
     0},
    {{.schema = -53, .bound_count = 3, .bounds = low_bounds, .count = 10, .positive = SIDE(1, 2, 3, 4)},
     {.schema = -53, .bound_count = 3, .bounds = high_bounds, .count = 10, .positive = SIDE(1, 2, 3, 4)},
     1,
     HISTOGRAM_RECONCILED,
     "{count:20, sum:0, [-Inf,2]:4, (2,3]:5, (3,+Inf]:11}",
     -53},
    {{.schema = -53}, {.schema = 0}, 1, HISTOGRAM_INCOMPATIBLE, "{count:0, sum:0}", -53},
    {{.hint = HISTOGRAM_RESET}, {.hint = HISTOGRAM_NOT_RESET}, 1, HISTOGRAM_COLLISION, "{count:0, sum:0}", 0},
};

Test(histogram_sum, additions)
{
    struct histogram_sum sum = {0};
    struct scratch scratch = {0};
    struct arena arena;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        histogram_sum_set(&sum, &sums[i].a);
        unsigned notes = histogram_sum_add(&sum, &sums[i].b, sums[i].factor, i % 2);
        const struct histogram *h = histogram_sum_take(&sum, &scratch);
        str text = histogram_text(h, &arena);
        cr_expect(notes == sums[i].notes && h->schema == sums[i].schema && str_equal(text, str_from(sums[i].text)),
                  "case %zu: %.*s", i, STR_ARG(text));
    }
    histogram_sum_release(&sum);
    scratch_release(&scratch);
    arena_release(&arena);
}

Test(histogram_sum, hints)
{
    static const uint8_t expected[4][4] = {
        {HISTOGRAM_UNKNOWN, HISTOGRAM_UNKNOWN, HISTOGRAM_UNKNOWN, HISTOGRAM_GAUGE},
        {HISTOGRAM_UNKNOWN, HISTOGRAM_RESET, HISTOGRAM_UNKNOWN, HISTOGRAM_GAUGE},
        {HISTOGRAM_UNKNOWN, HISTOGRAM_UNKNOWN, HISTOGRAM_NOT_RESET, HISTOGRAM_GAUGE},
        {HISTOGRAM_GAUGE, HISTOGRAM_GAUGE, HISTOGRAM_GAUGE, HISTOGRAM_GAUGE},
    };
    struct histogram_sum sum = {0};

    for (uint8_t a = 0; a < 4; a++) {
        for (uint8_t b = 0; b < 4; b++) {
            histogram_sum_set(&sum, &(struct histogram){.hint = a});
            histogram_sum_add(&sum, &(struct histogram){.hint = b}, 1, false);
            cr_expect(sum.hint == expected[a][b], "%d + %d", a, b);
        }
    }
    histogram_sum_release(&sum);
}

Test(histogram_sum, compensated_additions_lose_nothing)
{
    static const double numbers[] = {1e100, 1, -1e100, 1};
    struct histogram_sum sum = {0};
    struct scratch scratch = {0};

    for (int is_compensated = 0; is_compensated < 2; is_compensated++) {
        histogram_sum_set(&sum, &(struct histogram){0});
        for (size_t i = 0; i < 4; i++) {
            struct histogram h = {.sum = numbers[i], .positive = {1, INDEXES, &numbers[i]}};
            histogram_sum_add(&sum, &h, 1, is_compensated);
        }
        const struct histogram *h = histogram_sum_take(&sum, &scratch);
        cr_expect(h->sum == (is_compensated ? 2 : 1), "%g", h->sum);
        if (is_compensated) cr_expect(h->positive.counts[0] == 2);
    }
    histogram_sum_release(&sum);
    scratch_release(&scratch);
}

Test(histogram_sum, means_that_would_overflow)
{
    struct histogram h = {.count = 4, .sum = 1.5e308, .positive = SIDE(1, 3)};
    struct scratch scratch = {0};

    for (int is_careful = 0; is_careful < 2; is_careful++) {
        struct histogram_mean mean = {.is_careful = is_careful};
        for (int i = 0; i < 4; i++) histogram_mean_add(&mean, &h);
        cr_expect(histogram_sum_is_infinite(&mean.sum) == !is_careful);
        const struct histogram *got = histogram_mean_take(&mean, &scratch);
        cr_expect(got->count == 4 && got->positive.counts[1] == 3);
        if (is_careful) cr_expect(fabs(got->sum / 1.5e308 - 1) < 1e-12, "%g", got->sum);
        histogram_mean_release(&mean);
    }
    scratch_release(&scratch);
}
