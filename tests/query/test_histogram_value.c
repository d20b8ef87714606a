/* Quantiles, fractions, variance, parts and texts of histograms. */
#include "query/histogram_value.h"

#include "tests/query/fixture.h"

#include <math.h>

#define INDEXES       \
    (const int32_t[]) \
    {                 \
        0, 1, 2, 3    \
    }
#define SIDE(...)                                                                   \
    {                                                                               \
        sizeof((double[]){__VA_ARGS__}) / sizeof(double), INDEXES, (const double[]) \
        {                                                                           \
            __VA_ARGS__                                                             \
        }                                                                           \
    }

static const double bounds[] = {5, 10};
static const struct histogram positive = {.count = 12, .sum = 20, .positive = SIDE(4, 4, 4)};
static const struct histogram both = {
    .count = 12, .zero_threshold = 0.25, .zero_count = 4, .positive = SIDE(4), .negative = SIDE(4)};
static const struct histogram custom = {
    .schema = -53, .count = 4, .sum = 20, .bound_count = 2, .bounds = bounds, .positive = SIDE(1, 2, 1)};
static const struct histogram with_nan = {.count = 8, .sum = (double)NAN, .positive = SIDE(2, 2)};

static const struct {
    const struct histogram *histogram;
    double q, expected;
    enum nan_note note;
} quantiles[] = {
    {&positive, -1, -INFINITY, NAN_NONE},
    {&positive, 2, INFINITY, NAN_NONE},
    {&positive, NAN, NAN, NAN_NONE},
    {&positive, 0, 0.5, NAN_NONE},
    {&positive, 1, 4, NAN_NONE},
    {&positive, 0.5, M_SQRT2, NAN_NONE},
    {&both, 0.5, 0, NAN_NONE},
    {&both, 0, -1, NAN_NONE},
    {&both, 1, 1, NAN_NONE},
    {&custom, 0.25, 5, NAN_NONE},
    {&custom, 0.5, 7.5, NAN_NONE},
    {&custom, 1, 10, NAN_NONE},
    {&custom, 0.125, 2.5, NAN_NONE},
    {&with_nan, 0.9, NAN, NAN_RESULT},
    {&with_nan, 0.25, 1, NAN_SKEWED},
};

Test(histogram_value, quantiles)
{
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        enum nan_note note = NAN_NONE;
        double got = histogram_quantile(quantiles[i].histogram, quantiles[i].q, &note),
               expected = quantiles[i].expected;
        bool same = isnan(expected) ? isnan(got) : got == expected || fabs(got - expected) < 1e-12;
        cr_expect(same && note == quantiles[i].note, "case %zu: %g", i, got);
    }
}

static const struct {
    const struct histogram *histogram;
    double lower, upper, expected;
} fractions[] = {
    {&positive, 1, 2, 1.0 / 3},
    {&positive, 0, M_SQRT2, 0.5},
    {&positive, -INFINITY, INFINITY, 1},
    {&positive, 2, 1, 0},
    {&positive, NAN, 1, NAN},
    {&both, -0.25, 0, 1.0 / 6},
    {&both, -1, 1, 1},
    {&custom, 5, 10, 0.5},
    {&custom, 0, 2.5, 0.125},
    {&custom, 10, INFINITY, 0.25},
};

Test(histogram_value, fractions)
{
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) {
        enum nan_note note = NAN_NONE;
        double got = histogram_fraction(fractions[i].histogram, fractions[i].lower, fractions[i].upper, &note);
        double expected = fractions[i].expected;
        cr_expect((isnan(expected) ? isnan(got) : fabs(got - expected) < 1e-12) && note == NAN_NONE, "case %zu: %g", i,
                  got);
    }
}

Test(histogram_value, variances)
{
    struct histogram one = {.count = 2, .sum = 2 * M_SQRT2, .positive = SIDE(0, 2)};
    struct histogram two = {
        .schema = -53, .count = 2, .sum = 15, .bound_count = 2, .bounds = bounds, .positive = SIDE(0, 2)};

    cr_expect(fabs(histogram_variance(&one)) < 1e-12 && histogram_variance(&two) == 0);
    cr_expect(fabs(histogram_variance(&both) - 4 * (0.5 + 0.5) / 12) < 1e-12);
}

static const struct histogram reaching = {
    .count = -1, .sum = 2, .zero_count = -2, .zero_threshold = 0.75, .positive = SIDE(1)};

static const struct {
    const struct histogram *histogram;
    double limit;
    bool keeps_below;
    const char *text;
} trims[] = {
    {&positive, 1, true, "{count:4, sum:2.8284271247461903, (0.5,1]:4}"},
    {&positive, 2, false, "{count:4, sum:11.313708498984761, (2,4]:4}"},
    {&positive, INFINITY, true, "{count:12, sum:20, (0.5,1]:4, (1,2]:4, (2,4]:4}"},
    {&positive, -1, true, "{count:0, sum:0}"},
    {&both, 0, true, "{count:6, sum:-3.0784271247461903, [-1,-0.5):4, [-0.25,0.25]:2}"},
    {&custom, 7.5, true, "{count:2, sum:8.75, [-Inf,5]:1, (5,10]:1}"},
    {&custom, 10, false, "{count:1, sum:10, (10,+Inf]:1}"},
    {&positive, NAN, true, "{count:0, sum:0}"},
    {&positive, NAN, false, "{count:0, sum:0}"},
    {&both, NAN, false, "{count:NaN, sum:NaN, [-0.25,0.25]:NaN}"},
    {&custom, NAN, true, "{count:0, sum:0}"},
    {&custom, NAN, false, "{count:0, sum:0}"},
    /* A text shows buckets as they are stored. */
    {&reaching, 9, true, "{count:-1, sum:2, [-0.75,0.75]:-2, (0.5,1]:1}"},
};

Test(histogram_value, trims)
{
    struct scratch scratch = {0};
    struct arena arena;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof trims / sizeof trims[0]; i++) {
        const struct histogram *h = histogram_trim(trims[i].histogram, trims[i].limit, trims[i].keeps_below, &scratch);
        str text = histogram_text(h, &arena);
        cr_expect(str_equal(text, str_from(trims[i].text)), "case %zu: %.*s", i, STR_ARG(text));
    }
    scratch_release(&scratch);
    arena_release(&arena);
}

Test(histogram_value, buckets_come_in_order_both_ways)
{
    struct bucket_walk forward = {.h = &both}, backward = {.h = &both, .is_backward = true};
    struct bucket_view view;
    double lowers[3];
    size_t count = 0;

    while (bucket_walk_next(&forward, &view)) lowers[count++] = view.lower;
    cr_assert(count == 3);
    cr_expect(lowers[0] == -1 && lowers[1] == -0.25 && lowers[2] == 0.5);
    while (bucket_walk_next(&backward, &view)) cr_expect(view.lower == lowers[--count]);
    cr_expect(count == 0);
}
