/* Quantiles by selection against sorting. */
#include "query/quantile.h"

#include "tests/query/fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    if (isnan(x) || isnan(y)) return isnan(y) - isnan(x);
    return (x > y) - (x < y);
}

static double by_sorting(double *values, size_t count, double q)
{
    qsort(values, count, sizeof *values, compare);
    double rank = q * ((double)count - 1), weight = rank - floor(rank);
    size_t low = (size_t)floor(rank), high = low + 1 < count ? low + 1 : low;
    return values[low] * (1 - weight) + values[high] * weight;
}

Test(quantile, against_sorting)
{
    struct random random = {11};

    for (int round = 0; round < 3000; round++) {
        double values[300], copy[300];
        size_t count = 1 + random_next(&random) % 300;
        uint64_t kinds = 1 + random_next(&random) % 1000;
        for (size_t i = 0; i < count; i++) {
            values[i] = (double)(random_next(&random) % kinds);
            if (random_next(&random) % 50 == 0) values[i] = random_next(&random) % 2 ? NAN : INFINITY;
        }
        memcpy(copy, values, sizeof copy);
        double q = random_next(&random) % 5 ? random_unit(&random) : (double)(random_next(&random) % 2);
        double got = quantile_of(values, count, q), expected = by_sorting(copy, count, q);
        cr_assert(got == expected || (isnan(got) && isnan(expected)), "%g of %zu: %g, expected %g", q, count, got,
                  expected);
    }
}

Test(quantile, beyond_the_range)
{
    double values[] = {1, 2, 3};

    cr_assert(isnan(quantile_of(values, 0, 0.5)));
    cr_assert(isnan(quantile_of(values, 3, NAN)));
    cr_assert(quantile_of(values, 3, -0.1) == -INFINITY);
    cr_assert(quantile_of(values, 3, 1.1) == INFINITY);
}
