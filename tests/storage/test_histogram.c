/* Native histograms: bounds, what may be stored, equality, counter resets. */
#include "storage/base/histogram.h"

#include "tests/support/test.h"

#include <float.h>
#include <math.h>

#define SIDE(...)                                                                                                     \
    {                                                                                                                 \
        sizeof((double[]){__VA_ARGS__}) / sizeof(double), (const int32_t[]){0, 1, 2, 3, 4, 5, 6, 7}, (const double[]) \
        {                                                                                                             \
            __VA_ARGS__                                                                                               \
        }                                                                                                             \
    }

Test(histogram, bounds)
{
    cr_expect(histogram_bound(0, 0) == 1 && histogram_bound(1, 0) == 2 && histogram_bound(-1, 0) == 0.5);
    cr_expect(histogram_bound(1, -4) == 65536 && histogram_bound(-1, -1) == 0.25);
    cr_expect(histogram_bound(1, 1) == 1.414213562373095 && histogram_bound(1, 2) == 1.189207115002721);
    cr_expect(histogram_bound(1, 8) == 1.0027112750502025 && histogram_bound(6, 8) == 1.0163783149109529);
    cr_expect(histogram_bound(53, 8) == 1.1543104205902162 && histogram_bound(255, 8) == 1.9945921121709396);
    cr_expect(histogram_bound(1024, 0) == DBL_MAX && isinf(histogram_bound(1025, 0)));
    cr_expect(histogram_bound(64, -4) == DBL_MAX && isinf(histogram_bound(65, -4)));
    cr_expect(histogram_coarser_index(3, 1, 0) == 2 && histogram_coarser_index(-3, 1, 0) == -1);
    cr_expect(histogram_coarser_index(0, 4, 0) == 0 && histogram_coarser_index(1, 4, 0) == 1);
}

static const double bounds[] = {1, 2, 2}, good_bounds[] = {1, 2}, infinite[] = {1, (double)INFINITY};

static const struct {
    struct histogram histogram;
    const char *text; /* part of the message; NULL: it is fine */
} validations[] = {
    {{.count = 3, .positive = SIDE(1, 2)}, NULL},
    {{.schema = 9}, "invalid schema"},
    {{.schema = -5}, "must be between -4 and 8"},
    {{.count = 3, .positive = SIDE(1, -2)}, "positive side: bucket number 2 has observation count of -2"},
    {{.count = 3, .negative = SIDE(-1)}, "negative side: bucket number 1"},
    {{.count = -1}, "observation count is negative"},
    {{.count = 3, .is_integer = true, .positive = SIDE(1, 1)},
     "2 observations found in buckets, but the Count field is 3"},
    {{.count = 3, .sum = (double)NAN, .is_integer = true, .positive = SIDE(1, 1)}, NULL},
    {{.count = 1, .sum = (double)NAN, .is_integer = true, .positive = SIDE(1, 1)}, "should be at least"},
    {{.count = 5, .positive = SIDE(1, 1)}, NULL},
    {{.schema = -53, .bound_count = 2, .bounds = good_bounds, .positive = SIDE(1, 1, 1)}, NULL},
    {{.schema = -53, .bound_count = 2, .bounds = good_bounds, .positive = SIDE(1, 1, 1, 1)}, "bounds are too few"},
    {{.schema = -53, .bound_count = 3, .bounds = bounds}, "strictly increasing"},
    {{.schema = -53, .bound_count = 2, .bounds = infinite}, "must be finite"},
    {{.schema = -53, .zero_count = 1}, "zero count of 0"},
    {{.schema = -53, .zero_threshold = 1}, "zero threshold of 0"},
    {{.schema = -53, .negative = SIDE(1)}, "must not have negative buckets"},
    {{.bound_count = 2, .bounds = good_bounds}, "must not have custom bounds"},
};

Test(histogram, validation)
{
    for (size_t i = 0; i < sizeof validations / sizeof validations[0]; i++) {
        status s = histogram_validate(&validations[i].histogram);
        const char *text = validations[i].text;
        cr_expect(text ? failed(s) && strstr(s.text, text) : !failed(s), "case %zu: %s", i, s.text);
    }
}

static const struct {
    struct histogram before, now;
    bool was_reset;
} resets[] = {
    {{.count = 3, .positive = SIDE(1, 2)}, {.count = 4, .positive = SIDE(1, 3)}, false},
    {{.count = 3, .positive = SIDE(1, 2)}, {.count = 2, .positive = SIDE(1, 2)}, true},
    {{.count = 3, .positive = SIDE(1, 2)}, {.count = 4, .positive = SIDE(2, 1)}, true},
    {{.count = 3, .positive = SIDE(1, 2)}, {.count = 4, .positive = SIDE(2)}, true},
    {{.count = 3, .positive = SIDE(1, 0)}, {.count = 4, .positive = SIDE(2)}, false},
    {{.count = 3, .positive = SIDE(1, 2)}, {.count = 4, .hint = HISTOGRAM_RESET, .positive = SIDE(1, 3)}, true},
    {{.count = 3, .positive = SIDE(1, 2)}, {.count = 2, .hint = HISTOGRAM_NOT_RESET}, false},
    {{.count = 3, .negative = SIDE(1, 2)}, {.count = 4, .negative = SIDE(1, 1)}, true},
    {{.count = 3, .zero_count = 2}, {.count = 4, .zero_count = 1}, true},
    {{.count = 3, .schema = 0}, {.count = 3, .schema = 1}, true},
    /* buckets 1 and 2 of schema 1 are bucket 1 of schema 0 */
    {{.count = 3, .schema = 1, .positive = SIDE(0, 1, 2)}, {.count = 3, .positive = SIDE(0, 3)}, false},
    {{.count = 3, .schema = 1, .positive = SIDE(0, 1, 2)}, {.count = 3, .positive = SIDE(0, 2)}, true},
    {{.count = 3, .zero_threshold = 0.5}, {.count = 3, .zero_threshold = 0.25}, true},
    /* the zero bucket takes in bucket 0, (0.5, 1] */
    {{.count = 3, .positive = SIDE(3)}, {.count = 3, .zero_threshold = 1, .zero_count = 3}, false},
    {{.count = 3, .positive = SIDE(3)}, {.count = 3, .zero_threshold = 1, .zero_count = 2}, true},
    {{.count = 3, .positive = SIDE(3)}, {.count = 3, .zero_threshold = 0.75, .zero_count = 3}, true},
    {{.count = 3, .schema = -53, .bound_count = 2, .bounds = good_bounds, .positive = SIDE(1, 2)},
     {.count = 3, .schema = -53, .bound_count = 1, .bounds = good_bounds, .positive = SIDE(1, 2)},
     false},
    {{.count = 3, .schema = -53, .bound_count = 2, .bounds = good_bounds, .positive = SIDE(1, 2)},
     {.count = 3, .schema = -53, .bound_count = 1, .bounds = good_bounds + 1, .positive = SIDE(2, 2)},
     true},
    {{.count = 3}, {.count = 3, .schema = -53}, true},
    {{.count = 3, .schema = -53}, {.count = 3}, true},
};

Test(histogram, counter_resets)
{
    for (size_t i = 0; i < sizeof resets / sizeof resets[0]; i++)
        cr_expect(histogram_was_reset(&resets[i].now, &resets[i].before) == resets[i].was_reset, "case %zu", i);
}

Test(histogram, copies_are_equal_and_compact_ones_hold_no_zero)
{
    struct histogram h = {.count = 3, .sum = 1.5, .positive = SIDE(0, 1, 0, 2), .negative = SIDE(3)};
    struct arena arena;

    arena_init(&arena, NULL);
    const struct histogram *copy = histogram_copy(&h, &arena), *compact = histogram_compact(&h, &arena);
    cr_expect(histogram_equal(copy, &h) && copy->positive.counts != h.positive.counts);
    cr_expect(compact->positive.count == 2 && compact->positive.indexes[1] == 3 && compact->positive.counts[1] == 2);
    cr_expect(!histogram_equal(compact, &h) && histogram_compact(compact, &arena) == compact);
    cr_expect(histogram_weight(&h) > histogram_weight(compact));
    arena_release(&arena);
}
