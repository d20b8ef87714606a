/* Sums of native histograms; see histogram_sum.h. */
#include "query/histogram_sum.h"

#include "query/kernel.h"

#include <assert.h>

static void side_release(struct histogram_side *side)
{
    vec_release(&side->indexes);
    vec_release(&side->counts);
    vec_release(&side->lost);
}

void histogram_sum_release(struct histogram_sum *sum)
{
    side_release(&sum->positive);
    side_release(&sum->negative);
    side_release(&sum->spare);
    vec_release(&sum->bounds);
}

static void side_push(struct histogram_side *side, int32_t index, double count, double lost)
{
    vec_push(&side->indexes, index);
    vec_push(&side->counts, count);
    vec_push(&side->lost, lost);
}

static void side_clear(struct histogram_side *side)
{
    side->indexes.count = side->counts.count = side->lost.count = 0;
}

static void side_set(struct histogram_side *side, const struct bucket_list *from)
{
    side_clear(side);
    for (uint32_t i = 0; i < from->count; i++) side_push(side, from->indexes[i], from->counts[i], 0);
}

static void set_bounds(struct histogram_sum *sum, const double *bounds, uint32_t count)
{
    sum->bounds.count = 0;
    for (uint32_t i = 0; i < count; i++) vec_push(&sum->bounds, bounds[i]);
}

void histogram_sum_set(struct histogram_sum *sum, const struct histogram *h)
{
    sum->schema = h->schema;
    sum->hint = h->hint;
    sum->zero_threshold = h->zero_threshold;
    sum->zero_count = h->zero_count;
    sum->count = h->count;
    sum->sum = h->sum;
    sum->zero_lost = sum->count_lost = sum->sum_lost = 0;
    side_set(&sum->positive, &h->positive);
    side_set(&sum->negative, &h->negative);
    set_bounds(sum, h->bounds, h->bound_count);
}

/* The sum seen as a histogram, rounding losses left out. */
static struct histogram view_of(const struct histogram_sum *sum)
{
    const struct histogram_side *p = &sum->positive, *n = &sum->negative;

    return (struct histogram){.schema = sum->schema,
                              .hint = sum->hint,
                              .bound_count = (uint32_t)sum->bounds.count,
                              .bounds = sum->bounds.data,
                              .zero_threshold = sum->zero_threshold,
                              .zero_count = sum->zero_count,
                              .count = sum->count,
                              .sum = sum->sum,
                              .positive = {(uint32_t)p->indexes.count, p->indexes.data, p->counts.data},
                              .negative = {(uint32_t)n->indexes.count, n->indexes.data, n->counts.data}};
}

static void add_to(double x, double *total, double *lost, bool is_compensated)
{
    if (is_compensated) {
        kahan_add(x, total, lost);
    } else {
        *total += x;
    }
}

static void swap_sides(struct histogram_side *a, struct histogram_side *b)
{
    struct histogram_side kept = *a;

    *a = *b;
    *b = kept;
}

static void side_reduce(struct histogram_side *side, int from_schema, int to_schema)
{
    size_t kept = 0;

    for (size_t i = 0; i < side->indexes.count; i++) {
        int32_t index = histogram_coarser_index(side->indexes.data[i], from_schema, to_schema);
        if (kept && side->indexes.data[kept - 1] == index) {
            side->counts.data[kept - 1] += side->counts.data[i];
            side->lost.data[kept - 1] += side->lost.data[i];
            continue;
        }
        side->indexes.data[kept] = index;
        side->counts.data[kept] = side->counts.data[i];
        side->lost.data[kept++] = side->lost.data[i];
    }
    side->indexes.count = side->counts.count = side->lost.count = kept;
}

void histogram_sum_reduce(struct histogram_sum *sum, int schema)
{
    if (schema >= sum->schema) return;
    side_reduce(&sum->positive, sum->schema, schema);
    side_reduce(&sum->negative, sum->schema, schema);
    sum->schema = (int8_t)schema;
}

static bool same_indexes(const struct histogram_side *side, const struct bucket_list *from)
{
    return side->indexes.count == from->count &&
           (from->count == 0 || memcmp(side->indexes.data, from->indexes, from->count * sizeof(int32_t)) == 0);
}

/* How the buckets of a histogram are added: at which schema, without those that a zero bucket takes in. */
struct addition {
    const struct histogram *h;
    int schema;
    double threshold, factor;
    bool is_compensated;
};

static int32_t index_of(const struct addition *addition, int32_t index)
{
    return addition->h->schema == addition->schema
               ? index
               : histogram_coarser_index(index, addition->h->schema, addition->schema);
}

static void side_add(struct histogram_side *side, struct histogram_side *spare, const struct bucket_list *from,
                     const struct addition *addition)
{
    bool is_custom = histogram_is_custom(addition->h);
    size_t at = 0;

    bool none_skipped = is_custom || from->count == 0 ||
                        histogram_bound(index_of(addition, from->indexes[0]), addition->schema) > addition->threshold;
    if (addition->h->schema == addition->schema && none_skipped && same_indexes(side, from)) {
        for (size_t i = 0; i < from->count; i++)
            add_to(addition->factor * from->counts[i], &side->counts.data[i], &side->lost.data[i],
                   addition->is_compensated);
        return;
    }
    side_clear(spare);
    for (uint32_t i = 0; i < from->count; i++) {
        int32_t index = index_of(addition, from->indexes[i]);
        if (!is_custom && histogram_bound(index, addition->schema) <= addition->threshold) continue;
        for (; at < side->indexes.count && side->indexes.data[at] < index; at++)
            side_push(spare, side->indexes.data[at], side->counts.data[at], side->lost.data[at]);
        if (at < side->indexes.count && side->indexes.data[at] == index) {
            side_push(spare, index, side->counts.data[at], side->lost.data[at]);
            at++;
        } else if (spare->indexes.count == 0 || *vec_last(&spare->indexes) != index) {
            side_push(spare, index, 0, 0);
        }
        add_to(addition->factor * from->counts[i], vec_last(&spare->counts), vec_last(&spare->lost),
               addition->is_compensated);
    }
    for (; at < side->indexes.count; at++)
        side_push(spare, side->indexes.data[at], side->counts.data[at], side->lost.data[at]);
    swap_sides(side, spare);
}

/* Takes away the buckets that begin below the zero bucket's threshold. */
static void side_trim(struct histogram_sum *sum, struct histogram_side *side)
{
    size_t kept = 0;

    for (size_t i = 0; i < side->indexes.count; i++) {
        if (histogram_bound(side->indexes.data[i] - 1, sum->schema) < sum->zero_threshold) continue;
        side->indexes.data[kept] = side->indexes.data[i];
        side->counts.data[kept] = side->counts.data[i];
        side->lost.data[kept++] = side->lost.data[i];
    }
    side->indexes.count = side->counts.count = side->lost.count = kept;
}

/* Widens the narrower of two zero buckets until both are the same; returns the other's count. */
static double reconcile_zero_buckets(struct histogram_sum *sum, const struct histogram *h)
{
    double threshold = h->zero_threshold, count = h->zero_count;

    while (threshold != sum->zero_threshold) {
        if (sum->zero_threshold > threshold) {
            threshold = sum->zero_threshold;
            count = histogram_zero_count_at(h, &threshold);
        }
        if (threshold > sum->zero_threshold) {
            struct histogram view = view_of(sum);
            sum->zero_count = histogram_zero_count_at(&view, &threshold);
            sum->zero_threshold = threshold;
            side_trim(sum, &sum->positive);
            side_trim(sum, &sum->negative);
        }
    }
    return count;
}

/* The first bound not below the upper end of a bucket, in another list of bounds. */
static int32_t rebound(const double *bounds, size_t count, double upper, size_t at)
{
    while (at < count && bounds[at] < upper) at++;
    return (int32_t)at;
}

/* Adds buckets that end at one list of bounds to buckets that end at another. */
static void add_rebound(struct histogram_side *side, const struct histogram *from, const double *bounds, size_t count,
                        double factor)
{
    for (uint32_t i = 0; i < from->positive.count; i++) {
        double lower, upper, x = factor * from->positive.counts[i];
        histogram_bucket_bounds(from, from->positive.indexes[i], &lower, &upper);
        int32_t index = rebound(bounds, count, upper, 0);
        size_t at = 0;
        while (at < side->indexes.count && side->indexes.data[at] < index) at++;
        if (x == 0) continue;
        if (at == side->indexes.count || side->indexes.data[at] != index) {
            side_push(side, 0, 0, 0);
            size_t moved = side->indexes.count - 1 - at;
            memmove(side->indexes.data + at + 1, side->indexes.data + at, moved * sizeof(int32_t));
            memmove(side->counts.data + at + 1, side->counts.data + at, moved * sizeof(double));
            memmove(side->lost.data + at + 1, side->lost.data + at, moved * sizeof(double));
            side->indexes.data[at] = index;
            side->counts.data[at] = side->lost.data[at] = 0;
        }
        kahan_add(x, &side->counts.data[at], &side->lost.data[at]);
    }
}

/* Adds custom buckets with other bounds: those that both have remain. */
static void add_reconciled(struct histogram_sum *sum, const struct histogram *h, double factor)
{
    struct histogram view = view_of(sum);
    vec(double) common = {0};
    struct histogram_side *spare = &sum->spare;

    for (uint32_t i = 0, k = 0; i < view.bound_count && k < h->bound_count;) {
        if (view.bounds[i] == h->bounds[k]) {
            vec_push(&common, view.bounds[i]);
            i++;
            k++;
        } else if (view.bounds[i] < h->bounds[k]) {
            i++;
        } else {
            k++;
        }
    }
    for (size_t i = 0; i < sum->positive.counts.count; i++) {
        sum->positive.counts.data[i] += sum->positive.lost.data[i];
        sum->positive.lost.data[i] = 0;
    }
    side_clear(spare);
    add_rebound(spare, &view, common.data, common.count, 1);
    add_rebound(spare, h, common.data, common.count, factor);
    swap_sides(&sum->positive, spare);
    set_bounds(sum, common.data, (uint32_t)common.count);
    vec_release(&common);
}

/* The hint of a sum; true if the two contradict each other. */
static bool combine_hints(uint8_t *hint, uint8_t other)
{
    uint8_t old = *hint;

    if (old == other) return false;
    if (old == HISTOGRAM_GAUGE || other == HISTOGRAM_GAUGE) {
        *hint = HISTOGRAM_GAUGE;
        return false;
    }
    *hint = HISTOGRAM_UNKNOWN;
    return old != HISTOGRAM_UNKNOWN && other != HISTOGRAM_UNKNOWN;
}

unsigned histogram_sum_add(struct histogram_sum *sum, const struct histogram *h, double factor, bool is_compensated)
{
    bool is_custom = histogram_is_custom(h);
    unsigned notes = 0;

    if (is_custom != (sum->schema == HISTOGRAM_SCHEMA_CUSTOM)) return HISTOGRAM_INCOMPATIBLE;
    if (combine_hints(&sum->hint, h->hint)) notes |= HISTOGRAM_COLLISION;
    if (is_custom) {
        struct histogram view = view_of(sum);
        struct addition addition = {h, h->schema, 0, factor, is_compensated};
        if (histogram_same_bounds(&view, h)) {
            side_add(&sum->positive, &sum->spare, &h->positive, &addition);
        } else {
            add_reconciled(sum, h, factor);
            notes |= HISTOGRAM_RECONCILED;
        }
    } else {
        double zero_count = reconcile_zero_buckets(sum, h);
        add_to(factor * zero_count, &sum->zero_count, &sum->zero_lost, is_compensated);
        histogram_sum_reduce(sum, h->schema);
        struct addition addition = {h, sum->schema, sum->zero_threshold, factor, is_compensated};
        side_add(&sum->positive, &sum->spare, &h->positive, &addition);
        side_add(&sum->negative, &sum->spare, &h->negative, &addition);
    }
    add_to(factor * h->count, &sum->count, &sum->count_lost, is_compensated);
    add_to(factor * h->sum, &sum->sum, &sum->sum_lost, is_compensated);
    return notes;
}

/* Calls for every number and what it lost. */
static void each_number(struct histogram_sum *sum, void (*change)(double *number, double by), double by)
{
    struct histogram_side *sides[] = {&sum->positive, &sum->negative};
    double *numbers[] = {&sum->zero_count, &sum->count, &sum->sum, &sum->zero_lost, &sum->count_lost, &sum->sum_lost};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) change(numbers[i], by);
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < sides[s]->counts.count; i++) {
            change(&sides[s]->counts.data[i], by);
            change(&sides[s]->lost.data[i], by);
        }
    }
}

static void multiply(double *number, double by)
{
    *number *= by;
}

static void divide(double *number, double by)
{
    *number /= by;
}

/* What was lost would turn infinite and absurd numbers into NaN. */
static void settle(struct histogram_sum *sum, double by)
{
    if (isfinite(by) && by != 0) return;
    sum->zero_lost = sum->count_lost = sum->sum_lost = 0;
    for (size_t i = 0; i < sum->positive.lost.count; i++) sum->positive.lost.data[i] = 0;
    for (size_t i = 0; i < sum->negative.lost.count; i++) sum->negative.lost.data[i] = 0;
}

void histogram_sum_multiply(struct histogram_sum *sum, double factor)
{
    each_number(sum, multiply, factor);
    settle(sum, factor);
    if (factor < 0) sum->hint = HISTOGRAM_GAUGE;
}

/* Nothing is left in buckets that were divided by nothing. */
void histogram_sum_divide(struct histogram_sum *sum, double divisor)
{
    each_number(sum, divide, divisor);
    settle(sum, divisor);
    if (divisor < 0) sum->hint = HISTOGRAM_GAUGE;
    if (divisor != 0) return;
    side_clear(&sum->positive);
    side_clear(&sum->negative);
}

static bool side_is_infinite(const struct histogram_side *side)
{
    for (size_t i = 0; i < side->counts.count; i++) {
        if (isinf(side->counts.data[i])) return true;
    }
    return false;
}

bool histogram_sum_is_infinite(const struct histogram_sum *sum)
{
    return isinf(sum->zero_count) || isinf(sum->count) || isinf(sum->sum) || side_is_infinite(&sum->positive) ||
           side_is_infinite(&sum->negative);
}

static struct bucket_list take_side(const struct histogram_side *side, struct scratch *scratch)
{
    int32_t *indexes = scratch_array(scratch, int32_t, side->indexes.count);
    double *counts = scratch_array(scratch, double, side->indexes.count);
    uint32_t kept = 0;

    for (size_t i = 0; i < side->indexes.count; i++) {
        double count = side->counts.data[i] + side->lost.data[i];
        if (count == 0) continue;
        indexes[kept] = side->indexes.data[i];
        counts[kept++] = count;
    }
    return (struct bucket_list){kept, indexes, counts};
}

static const double *take_bounds(const double *bounds, size_t count, struct scratch *scratch)
{
    if (count == 0) return NULL;
    return memcpy(scratch_array(scratch, double, count), bounds, count * sizeof *bounds);
}

const struct histogram *histogram_sum_take(const struct histogram_sum *sum, struct scratch *scratch)
{
    struct histogram *h = scratch_alloc(scratch, sizeof *h);

    *h = view_of(sum);
    h->zero_count += sum->zero_lost;
    h->count += sum->count_lost;
    h->sum += sum->sum_lost;
    h->bounds = take_bounds(sum->bounds.data, sum->bounds.count, scratch);
    h->positive = take_side(&sum->positive, scratch);
    h->negative = take_side(&sum->negative, scratch);
    return h;
}

static struct bucket_list keep_side(const struct bucket_list *side, struct scratch *scratch)
{
    int32_t *indexes = scratch_array(scratch, int32_t, side->count);
    double *counts = scratch_array(scratch, double, side->count);

    if (side->count) memcpy(indexes, side->indexes, side->count * sizeof *indexes);
    if (side->count) memcpy(counts, side->counts, side->count * sizeof *counts);
    return (struct bucket_list){side->count, indexes, counts};
}

const struct histogram *histogram_keep(const struct histogram *h, struct scratch *scratch)
{
    struct histogram *kept = scratch_alloc(scratch, sizeof *kept);

    *kept = *h;
    kept->bounds = take_bounds(h->bounds, h->bound_count, scratch);
    kept->positive = keep_side(&h->positive, scratch);
    kept->negative = keep_side(&h->negative, scratch);
    return kept;
}

static void side_copy(struct histogram_side *to, const struct histogram_side *from)
{
    side_clear(to);
    for (size_t i = 0; i < from->indexes.count; i++)
        side_push(to, from->indexes.data[i], from->counts.data[i], from->lost.data[i]);
}

static void sum_copy(struct histogram_sum *to, const struct histogram_sum *from)
{
    struct histogram_sum kept = *to;

    *to = *from;
    to->positive = kept.positive;
    to->negative = kept.negative;
    to->spare = kept.spare;
    to->bounds.data = kept.bounds.data;
    to->bounds.count = kept.bounds.count;
    to->bounds.capacity = kept.bounds.capacity;
    side_copy(&to->positive, &from->positive);
    side_copy(&to->negative, &from->negative);
    set_bounds(to, from->bounds.data, (uint32_t)from->bounds.count);
}

/* mean = mean * (n - 1) / n + h / n */
static unsigned add_running(struct histogram_mean *mean, const struct histogram *h)
{
    struct histogram_sum share = {0};
    struct scratch scratch = {0};

    histogram_sum_set(&share, h);
    uint8_t hint = mean->sum.hint;
    histogram_sum_divide(&share, mean->count);
    histogram_sum_multiply(&mean->sum, (mean->count - 1) / mean->count);
    mean->sum.hint = hint;
    unsigned notes = histogram_sum_add(&mean->sum, histogram_sum_take(&share, &scratch), 1, true);
    scratch_release(&scratch);
    histogram_sum_release(&share);
    return notes;
}

unsigned histogram_mean_add(struct histogram_mean *mean, const struct histogram *h)
{
    unsigned notes;

    if (mean->count++ == 0) {
        histogram_sum_set(&mean->sum, h);
        return 0;
    }
    if (mean->is_running) return add_running(mean, h);
    if (mean->is_careful) sum_copy(&mean->before, &mean->sum);
    notes = histogram_sum_add(&mean->sum, h, 1, true);
    if (!mean->is_careful || !histogram_sum_is_infinite(&mean->sum)) return notes;
    sum_copy(&mean->sum, &mean->before);
    mean->is_running = true;
    histogram_sum_divide(&mean->sum, mean->count - 1);
    return add_running(mean, h);
}

const struct histogram *histogram_mean_take(struct histogram_mean *mean, struct scratch *scratch)
{
    if (!mean->is_running && mean->count > 1) {
        uint8_t hint = mean->sum.hint;
        histogram_sum_divide(&mean->sum, mean->count);
        mean->sum.hint = hint;
    }
    return histogram_sum_take(&mean->sum, scratch);
}

void histogram_mean_release(struct histogram_mean *mean)
{
    histogram_sum_release(&mean->sum);
    histogram_sum_release(&mean->before);
}
