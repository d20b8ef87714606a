/* Quantiles and fractions of single histograms. */
#include "query/bucket_quantile.h"

#include "tests/query/fixture.h"

#include <math.h>

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

Test(bucket_quantile, quantiles)
{
    static const struct {
        struct bucket buckets[4];
        size_t count;
        double q, expected;
    } cases[] = {
        {{{1, 1}, {2, 3}, {INFINITY, 4}}, 3, 0.5, 1.5},
        {{{1, 1}, {2, 3}, {INFINITY, 4}}, 3, 0, 0},
        {{{1, 1}, {2, 3}, {INFINITY, 4}}, 3, 1, 2},     /* in the last: the bound before it */
        {{{-1, 1}, {2, 3}, {INFINITY, 4}}, 3, 0.1, -1}, /* no lower bound to interpolate from */
        {{{1, 1}, {2, 3}, {3, 4}}, 3, 0.5, NAN},        /* nothing up to infinity */
        {{{INFINITY, 4}}, 1, 0.5, NAN},
        {{{1, 0}, {INFINITY, 0}}, 2, 0.5, NAN},
        {{{1, 1}, {1, 1}, {2, 4}, {INFINITY, 4}}, 4, 0.5, 1}, /* equal bounds are added */
        {{{1, 1}, {2, 3}, {INFINITY, 4}}, 3, -1, -INFINITY},
        {{{1, 1}, {2, 3}, {INFINITY, 4}}, 3, 2, INFINITY},
        {{{1, 1}, {2, 3}, {INFINITY, 4}}, 3, NAN, NAN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bucket buckets[4];
        struct bucket_damage damage;
        for (size_t b = 0; b < 4; b++) buckets[b] = cases[i].buckets[b];
        double got = bucket_quantile(buckets, cases[i].count, cases[i].q, &damage);
        cr_expect(same(got, cases[i].expected) && !damage.is_found, "case %zu: %g", i, got);
    }
}

Test(bucket_quantile, falling_counts_are_raised)
{
    struct bucket buckets[] = {{1, 4}, {2, 3}, {3, 5}, {4, 2}, {INFINITY, 8}};
    struct bucket_damage damage;

    cr_expect(bucket_quantile(buckets, 5, 0.25, &damage) == 0.5);
    cr_expect(damage.is_found && damage.lowest == 2 && damage.highest == 4 && damage.difference == 3);
    struct bucket close[] = {{1, 1e15}, {2, 1e15 - 1}, {INFINITY, 1e15}};
    bucket_quantile(close, 3, 0.5, &damage);
    cr_expect(!damage.is_found);
}

Test(bucket_quantile, fractions)
{
    static const struct {
        double lower, upper, expected;
    } cases[] = {{0, 1, 0.25}, {0, INFINITY, 1}, {1, 2, 0.5}, {0.5, 1.5, 0.375},
                 {2, 1, 0},    {NAN, 1, NAN},    {2, 10, 0},  {2, INFINITY, 0.25}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bucket buckets[] = {{1, 1}, {2, 3}, {INFINITY, 4}};
        double got = bucket_fraction(buckets, 3, cases[i].lower, cases[i].upper);
        cr_expect(same(got, cases[i].expected), "case %zu: %g", i, got);
    }
}
