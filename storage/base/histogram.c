/* Native histograms; see histogram.h. */
#include "storage/base/histogram.h"

#include "storage/base/bytes.h"

#include <float.h>
#include <math.h>
#include <pthread.h>

enum { FRACTIONS = 1 << HISTOGRAM_SCHEMA_MAX };

/* 2^(i / 256 - 1), about: what bounds are made of, in every schema. Prometheus has them as a table whose last bits are
 * off by little. Bounds become labels and texts, so the same ones are needed: a digit is by how many units in the last
 * place a fraction lies below the nearest double, plus 1. */
static const char units_below[] = "1111112111211111112311222222222211211121122211221122102211221122"
                                  "1111112222332132112111211112111111121011213311221222112121332222"
                                  "2121223322322122222222323233323311221121223321332233212232332232"
                                  "2243223233433343333333444455435422322333324422333243223333543344";
static double fractions[FRACTIONS];
static pthread_once_t fractions_once = PTHREAD_ONCE_INIT;

static void make_fractions(void)
{
    for (int i = 0; i < FRACTIONS; i++) {
        double nearest = (double)exp2l((long double)i / FRACTIONS - 1);
        fractions[i] = nearest - (units_below[i] - '1') * (DBL_EPSILON / 2); /* all lie between 0.5 and 1 */
    }
}

double histogram_bound(int32_t index, int schema)
{
    if (schema < 0) {
        int64_t exponent = (int64_t)index * ((int64_t)1 << -schema);
        if (exponent == 1024) return DBL_MAX;
        return ldexp(1, exponent > 4096 ? 4096 : exponent < -4096 ? -4096 : (int)exponent);
    }
    pthread_once(&fractions_once, make_fractions);
    uint32_t part = (uint32_t)index & ((1U << schema) - 1);
    int exponent = (index >> schema) + 1;
    if (part == 0 && exponent == 1025) return DBL_MAX;
    return ldexp(fractions[part << (HISTOGRAM_SCHEMA_MAX - schema)], exponent);
}

void histogram_bucket_bounds(const struct histogram *h, int32_t index, double *lower, double *upper)
{
    if (histogram_is_custom(h)) {
        *lower = index > 0 ? h->bounds[index - 1] : -INFINITY;
        *upper = index < (int32_t)h->bound_count ? h->bounds[index] : INFINITY;
        return;
    }
    *lower = histogram_bound(index - 1, h->schema);
    *upper = histogram_bound(index, h->schema);
}

static status validate_custom(const struct histogram *h)
{
    for (uint32_t i = 0; i < h->bound_count; i++) {
        if (isnan(h->bounds[i]))
            return status_make(STATUS_INVALID, "custom buckets: histogram custom bounds must not be NaN");
        if (isinf(h->bounds[i]))
            return status_make(STATUS_INVALID,
                               "custom buckets: custom bound %g: histogram custom bounds must be finite", h->bounds[i]);
        if (i > 0 && h->bounds[i] <= h->bounds[i - 1])
            return status_make(STATUS_INVALID,
                               "custom buckets: previous bound is %g and current is %g: histogram custom bounds must "
                               "be in strictly increasing order",
                               h->bounds[i - 1], h->bounds[i]);
    }
    if (h->positive.count &&
        (h->positive.indexes[0] < 0 || h->positive.indexes[h->positive.count - 1] > (int32_t)h->bound_count))
        return status_make(STATUS_INVALID,
                           "custom buckets: only %u custom bounds defined which is insufficient to cover bucket %d: "
                           "histogram custom bounds are too few",
                           h->bound_count, h->positive.indexes[h->positive.count - 1]);
    if (h->zero_count != 0) return status_make(STATUS_INVALID, "custom buckets: must have zero count of 0");
    if (h->zero_threshold != 0) return status_make(STATUS_INVALID, "custom buckets: must have zero threshold of 0");
    if (h->negative.count) return status_make(STATUS_INVALID, "custom buckets: must not have negative buckets");
    return ok();
}

static status validate_side(const struct bucket_list *side, const char *name, double *total)
{
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->counts[i] < 0)
            return status_make(STATUS_INVALID,
                               "%s side: bucket number %u has observation count of %g: histogram has a bucket whose "
                               "observation count is negative",
                               name, i + 1, side->counts[i]);
        *total += side->counts[i];
    }
    return ok();
}

status histogram_validate(const struct histogram *h)
{
    double total = h->zero_count;

    if (histogram_is_custom(h)) {
        TRY(validate_custom(h));
    } else if (h->schema < HISTOGRAM_SCHEMA_MIN || h->schema > HISTOGRAM_SCHEMA_MAX) {
        return status_make(STATUS_INVALID,
                           "schema %d: histogram has an invalid schema, which must be between -4 and 8 for exponential "
                           "buckets, or -53 for custom buckets",
                           h->schema);
    } else if (h->bound_count) {
        return status_make(STATUS_INVALID, "histogram with exponential schema must not have custom bounds");
    }
    if (isnan(h->zero_threshold) || h->zero_threshold < 0)
        return status_make(STATUS_INVALID, "histogram has the zero threshold %g, which must not be negative",
                           h->zero_threshold);
    TRY(validate_side(&h->negative, "negative", &total));
    TRY(validate_side(&h->positive, "positive", &total));
    if (h->zero_count < 0)
        return status_make(STATUS_INVALID,
                           "zero bucket has observation count of %g: histogram has a bucket whose observation count is "
                           "negative",
                           h->zero_count);
    if (h->count < 0)
        return status_make(STATUS_INVALID, "observation count %g: histogram's observation count is negative", h->count);
    if (!h->is_integer) return ok();
    /* Rounding may disturb sums of floats, so only integers are compared. */
    if (isnan(h->sum) ? total > h->count : total != h->count)
        return status_make(STATUS_INVALID,
                           "%.0f observations found in buckets, but the Count field is %.0f: histogram's observation "
                           "count should %s the number of observations found in the buckets%s",
                           total, h->count, isnan(h->sum) ? "be at least" : "equal",
                           isnan(h->sum) ? "" : " (in absence of NaN)");
    return ok();
}

static struct bucket_list copy_buckets(const struct bucket_list *from, struct arena *arena)
{
    int32_t *indexes = arena_array(arena, int32_t, from->count);
    double *counts = arena_array(arena, double, from->count);

    if (from->count) memcpy(indexes, from->indexes, from->count * sizeof *indexes);
    if (from->count) memcpy(counts, from->counts, from->count * sizeof *counts);
    return (struct bucket_list){from->count, indexes, counts};
}

struct histogram *histogram_copy(const struct histogram *h, struct arena *arena)
{
    struct histogram *copy = arena_alloc(arena, sizeof *copy);

    *copy = *h;
    copy->positive = copy_buckets(&h->positive, arena);
    copy->negative = copy_buckets(&h->negative, arena);
    if (h->bound_count) {
        double *bounds = arena_array(arena, double, h->bound_count);
        copy->bounds = memcpy(bounds, h->bounds, h->bound_count * sizeof *bounds);
    }
    return copy;
}

static bool equal_buckets(const struct bucket_list *a, const struct bucket_list *b)
{
    return a->count == b->count &&
           (a->count == 0 || (memcmp(a->indexes, b->indexes, a->count * sizeof *a->indexes) == 0 &&
                              memcmp(a->counts, b->counts, a->count * sizeof *a->counts) == 0));
}

bool histogram_same_bounds(const struct histogram *a, const struct histogram *b)
{
    if (a->bound_count != b->bound_count) return false;
    for (uint32_t i = 0; i < a->bound_count; i++) {
        if (a->bounds[i] != b->bounds[i]) return false;
    }
    return true;
}

bool histogram_equal(const struct histogram *a, const struct histogram *b)
{
    return a->schema == b->schema && double_bits(a->count) == double_bits(b->count) &&
           double_bits(a->sum) == double_bits(b->sum) && double_bits(a->zero_count) == double_bits(b->zero_count) &&
           a->zero_threshold == b->zero_threshold && histogram_same_bounds(a, b) &&
           equal_buckets(&a->positive, &b->positive) && equal_buckets(&a->negative, &b->negative);
}

/* Adds the buckets of one side that begin below the threshold; true when the threshold fell into one that counts. */
static bool add_below(const struct histogram *h, const struct bucket_list *side, double *threshold, double *count)
{
    for (uint32_t i = 0; i < side->count; i++) {
        double lower, upper;
        histogram_bucket_bounds(h, side->indexes[i], &lower, &upper);
        if (lower >= *threshold) break;
        *count += side->counts[i];
        if (upper <= *threshold) continue;
        if (side->counts[i] == 0) break;
        *threshold = upper;
        return true;
    }
    return false;
}

double histogram_zero_count_at(const struct histogram *h, double *threshold)
{
    double count;

    if (*threshold <= h->zero_threshold) return h->zero_count;
    do {
        count = h->zero_count;
        add_below(h, &h->positive, threshold, &count);
    } while (add_below(h, &h->negative, threshold, &count));
    return count;
}

/* Buckets of one side as a coarser schema has them, those up to a threshold left out. */
struct walk {
    const struct histogram *h;
    const struct bucket_list *side;
    int schema;
    double threshold;
    uint32_t at;
    int32_t index;
    double count;
};

static bool next_bucket(struct walk *walk)
{
    const struct bucket_list *side = walk->side;

    while (walk->at < side->count) {
        walk->index = histogram_coarser_index(side->indexes[walk->at], walk->h->schema, walk->schema);
        walk->count = 0;
        for (; walk->at < side->count &&
               histogram_coarser_index(side->indexes[walk->at], walk->h->schema, walk->schema) == walk->index;
             walk->at++)
            walk->count += side->counts[walk->at];
        if (histogram_bound(walk->index, walk->schema) > walk->threshold) return true;
    }
    return false;
}

static bool side_was_reset(const struct histogram *now, const struct bucket_list *now_side,
                           const struct histogram *before, const struct bucket_list *before_side)
{
    struct walk a = {.h = now, .side = now_side, .schema = now->schema, .threshold = now->zero_threshold};
    struct walk b = {.h = before, .side = before_side, .schema = now->schema, .threshold = now->zero_threshold};
    bool has_a = next_bucket(&a);

    while (next_bucket(&b)) {
        while (has_a && a.index < b.index) has_a = next_bucket(&a);
        double count = has_a && a.index == b.index ? a.count : 0;
        if (b.count != 0 && count < b.count) return true;
    }
    return false;
}

/* Counts of custom buckets that end at or before a bound, from *at on. */
static double roll_up(const struct histogram *h, uint32_t *at, double bound)
{
    double sum = 0;

    for (; *at < h->positive.count; ++*at) {
        double lower, upper;
        histogram_bucket_bounds(h, h->positive.indexes[*at], &lower, &upper);
        if (upper > bound) break;
        sum += h->positive.counts[*at];
    }
    return sum;
}

static bool custom_was_reset(const struct histogram *now, const struct histogram *before)
{
    uint32_t a = 0, b = 0, i = 0, k = 0;

    while (i < now->bound_count && k < before->bound_count) {
        if (now->bounds[i] < before->bounds[k]) {
            i++;
        } else if (now->bounds[i] > before->bounds[k]) {
            k++;
        } else {
            double sum = roll_up(now, &a, now->bounds[i]);
            if (sum < roll_up(before, &b, now->bounds[i])) return true;
            i++;
            k++;
        }
    }
    double sum = roll_up(now, &a, INFINITY);
    return sum < roll_up(before, &b, INFINITY);
}

static bool custom_side_was_reset(const struct bucket_list *now, const struct bucket_list *before)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < before->count; i++) {
        while (at < now->count && now->indexes[at] < before->indexes[i]) at++;
        double count = at < now->count && now->indexes[at] == before->indexes[i] ? now->counts[at] : 0;
        if (before->counts[i] != 0 && count < before->counts[i]) return true;
    }
    return false;
}

bool histogram_was_reset(const struct histogram *now, const struct histogram *before)
{
    if (now->hint == HISTOGRAM_RESET) return true;
    if (now->hint == HISTOGRAM_NOT_RESET) return false;
    if (now->count < before->count) return true;
    if (histogram_is_custom(now)) {
        if (!histogram_is_custom(before)) return true;
        if (!histogram_same_bounds(now, before)) return custom_was_reset(now, before);
        return custom_side_was_reset(&now->positive, &before->positive);
    }
    if (now->schema > before->schema || histogram_is_custom(before)) return true;
    if (now->zero_threshold < before->zero_threshold) return true;
    double threshold = now->zero_threshold, zero_count = histogram_zero_count_at(before, &threshold);
    if (threshold != now->zero_threshold || now->zero_count < zero_count) return true;
    return side_was_reset(now, &now->positive, before, &before->positive) ||
           side_was_reset(now, &now->negative, before, &before->negative);
}

static struct bucket_list without_empty(const struct bucket_list *from, struct arena *arena)
{
    int32_t *indexes = arena_array(arena, int32_t, from->count);
    double *counts = arena_array(arena, double, from->count);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < from->count; i++) {
        if (from->counts[i] == 0) continue;
        indexes[kept] = from->indexes[i];
        counts[kept++] = from->counts[i];
    }
    return (struct bucket_list){kept, indexes, counts};
}

static bool has_empty(const struct bucket_list *side)
{
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->counts[i] == 0) return true;
    }
    return false;
}

const struct histogram *histogram_compact(const struct histogram *h, struct arena *arena)
{
    if (!has_empty(&h->positive) && !has_empty(&h->negative)) return h;
    struct histogram *compact = arena_alloc(arena, sizeof *compact);
    *compact = *h;
    compact->positive = without_empty(&h->positive, arena);
    compact->negative = without_empty(&h->negative, arena);
    return compact;
}

size_t histogram_bytes(const struct histogram *h)
{
    return sizeof *h + (h->positive.count + h->negative.count) * (sizeof(int32_t) + sizeof(double)) +
           h->bound_count * sizeof(double);
}
