/* Quantiles and fractions of one classic histogram; see bucket_quantile.h. */
#include "query/bucket_quantile.h"

#include <float.h>
#include <math.h>

/* Relative differences below this come from rounding in sums, not from observations. */
#define TOLERANCE 1e-12

/* Adds up buckets of equal bounds; returns how many are left. */
static size_t join_equal(struct bucket *buckets, size_t count)
{
    size_t last = 0;

    for (size_t i = 1; i < count; i++) {
        if (buckets[i].bound == buckets[last].bound) {
            buckets[last].count += buckets[i].count;
        } else {
            buckets[++last] = buckets[i];
        }
    }
    return last + 1;
}

static bool almost_equal(double a, double b)
{
    double sum = fabs(a) + fabs(b), difference = fabs(a - b);

    if (isnan(a) && isnan(b)) return true;
    if (a == b) return true;
    if (a == 0 || b == 0 || sum < DBL_MIN) return difference < TOLERANCE * DBL_MIN;
    return difference / fmin(sum, DBL_MAX) < TOLERANCE;
}

/* Counts are cumulative: one below the count before it is raised to that. */
static void repair(struct bucket *buckets, size_t count, struct bucket_damage *damage)
{
    double previous = buckets[0].count;

    *damage = (struct bucket_damage){false, INFINITY, -INFINITY, 0};
    for (size_t i = 1; i < count; i++) {
        double current = buckets[i].count;
        if (current == previous) continue;
        if (almost_equal(previous, current)) {
            buckets[i].count = previous;
        } else if (current < previous) {
            buckets[i].count = previous;
            damage->is_found = true;
            damage->lowest = fmin(damage->lowest, buckets[i].bound);
            damage->highest = fmax(damage->highest, buckets[i].bound);
            damage->difference = fmax(damage->difference, previous - current);
        } else {
            previous = current;
        }
    }
}

/* The first bucket but the last that holds the rank, or the last. */
static size_t find_rank(const struct bucket *buckets, size_t count, double rank)
{
    size_t first = 0, end = count - 1;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (buckets[middle].count >= rank) {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    return first;
}

double bucket_quantile(struct bucket *buckets, size_t count, double q, struct bucket_damage *damage)
{
    *damage = (struct bucket_damage){0};
    if (isnan(q)) return NAN;
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    if (buckets[count - 1].bound != INFINITY) return NAN;
    count = join_equal(buckets, count);
    repair(buckets, count, damage);
    if (count < 2 || buckets[count - 1].count == 0) return NAN;

    double rank = q * buckets[count - 1].count;
    size_t at = find_rank(buckets, count, rank);
    if (at == count - 1) return buckets[count - 2].bound;
    if (at == 0 && buckets[0].bound <= 0) return buckets[0].bound;
    double start = 0, inside = buckets[at].count;
    if (at > 0) {
        start = buckets[at - 1].bound;
        inside -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    return start + (buckets[at].bound - start) * (rank / inside);
}

/* Observations below a limit that lies inside a bucket, given those below the bucket. Nothing can be said of a bucket
 * without lower bound: all of it counts. */
static double rank_inside(const struct bucket *bucket, double lower_bound, double below, double limit)
{
    if (lower_bound == -INFINITY) return bucket->count;
    return below + (bucket->count - below) * (limit - lower_bound) / (bucket->bound - lower_bound);
}

static double rank_of(const struct bucket *buckets, size_t count, double limit)
{
    double lower_bound = buckets[0].bound <= 0 ? -INFINITY : 0, below = 0, total = buckets[count - 1].count;

    for (size_t i = 0; i < count; i++) {
        if (i > 0) lower_bound = buckets[i - 1].bound;
        double rank = below;
        bool is_found = lower_bound >= limit;
        if (!is_found && buckets[i].bound > limit) {
            rank = rank_inside(&buckets[i], lower_bound, below, limit);
            is_found = true;
        }
        if (is_found) return rank > total ? total : rank;
        below = buckets[i].count;
    }
    return total;
}

double bucket_fraction(struct bucket *buckets, size_t count, double lower, double upper)
{
    if (buckets[count - 1].bound != INFINITY) return NAN;
    count = join_equal(buckets, count);
    double total = buckets[count - 1].count;
    if (total == 0 || isnan(lower) || isnan(upper)) return NAN;
    if (lower >= upper) return 0;
    double lower_rank = rank_of(buckets, count, lower), upper_rank = rank_of(buckets, count, upper);
    return (upper_rank - lower_rank) / total;
}
