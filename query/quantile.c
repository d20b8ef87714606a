/* Quantiles by selection instead of sorting; see quantile.h. */
#include "query/quantile.h"

#include <math.h>

enum { SMALL = 16 };

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

static void sort_small(double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        double x = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > x; at--) values[at] = values[at - 1];
        values[at] = x;
    }
}

static double median_of_three(double a, double b, double c)
{
    double low = a < b ? a : b, high = a < b ? b : a;

    return c < low ? low : c > high ? high : c;
}

/* Moves the value of rank k to values[k], smaller or equal ones before it, larger or equal ones behind. No NaNs.
 * Values equal to the pivot go to the middle, so many equal values cost one pass. */
static void select_rank(double *values, size_t count, size_t k)
{
    size_t begin = 0, end = count;

    while (end - begin > SMALL) {
        double pivot = median_of_three(values[begin], values[begin + (end - begin) / 2], values[end - 1]);
        size_t below = begin, above = end;
        for (size_t at = begin; at < above;) {
            if (values[at] < pivot) {
                swap(&values[at++], &values[below++]);
            } else if (values[at] > pivot) {
                swap(&values[at], &values[--above]);
            } else {
                at++;
            }
        }
        if (k < below) {
            end = below;
        } else if (k >= above) {
            begin = above;
        } else {
            return;
        }
    }
    sort_small(values + begin, end - begin);
}

static size_t move_nans_first(double *values, size_t count)
{
    size_t nans = 0;

    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) swap(&values[i], &values[nans++]);
    }
    return nans;
}

static double smallest(const double *values, size_t count)
{
    double least = values[0];

    for (size_t i = 1; i < count; i++) least = values[i] < least ? values[i] : least;
    return least;
}

double quantile_of(double *values, size_t count, double q)
{
    if (count == 0 || isnan(q)) return NAN;
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;

    double rank = q * ((double)count - 1), weight = rank - floor(rank);
    size_t low = (size_t)floor(rank), nans = move_nans_first(values, count);
    if (low < nans) return NAN;
    select_rank(values + nans, count - nans, low - nans);
    double high = low + 1 < count ? smallest(values + low + 1, count - low - 1) : values[low];
    return values[low] * (1 - weight) + high * weight;
}
