/* What is computed from a native histogram; see histogram_value.h. */
#include "query/histogram_value.h"

#include "query/kernel.h"
#include "storage/base/bytes.h"
#include "storage/base/number.h"

bool bucket_walk_next(struct bucket_walk *walk, struct bucket_view *out)
{
    const struct histogram *h = walk->h;
    uint32_t negatives = h->negative.count, total = negatives + 1 + h->positive.count, at;

    do {
        if (walk->at == total) return false;
        at = walk->is_backward ? total - 1 - walk->at : walk->at;
        walk->at++;
    } while (at == negatives && !(walk->is_plain ? h->zero_count != 0 : h->zero_count > 0));
    *out = (struct bucket_view){.is_zero = at == negatives};
    if (out->is_zero) {
        out->lower = -h->zero_threshold;
        out->upper = h->zero_threshold;
        out->count = h->zero_count;
    } else if (at < negatives) {
        uint32_t i = negatives - 1 - at;
        histogram_bucket_bounds(h, h->negative.indexes[i], &out->upper, &out->lower);
        out->lower = -out->lower;
        out->upper = -out->upper;
        if (!walk->is_plain && out->upper > -h->zero_threshold) out->upper = -h->zero_threshold;
        out->count = h->negative.counts[i];
    } else {
        uint32_t i = at - negatives - 1;
        histogram_bucket_bounds(h, h->positive.indexes[i], &out->lower, &out->upper);
        if (!walk->is_plain && !histogram_is_custom(h) && out->lower < h->zero_threshold)
            out->lower = h->zero_threshold;
        out->is_first_custom = histogram_is_custom(h) && h->positive.indexes[i] == 0;
        out->count = h->positive.counts[i];
    }
    return true;
}

/* The zero bucket of a histogram of one sign ends at 0. */
static void clip_at_zero(const struct histogram *h, struct bucket_view *bucket)
{
    if (h->negative.count == 0 && h->positive.count > 0) {
        bucket->lower = 0;
    } else if (h->positive.count == 0 && h->negative.count > 0) {
        bucket->upper = 0;
    }
}

static double within(const struct histogram *h, const struct bucket_view *bucket, double fraction)
{
    double lower = bucket->lower, upper = bucket->upper;

    if (histogram_is_custom(h) || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
    double log_lower = log2(fabs(lower)), log_upper = log2(fabs(upper));
    if (lower > 0) return exp2(log_lower + (log_upper - log_lower) * fraction);
    return -exp2(log_upper + (log_lower - log_upper) * (1 - fraction));
}

double histogram_quantile(const struct histogram *h, double q, enum nan_note *note)
{
    struct bucket_walk walk = {.h = h};
    struct bucket_view bucket = {0}, other;
    double count = 0;

    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    if (h->count == 0 || isnan(q)) return NAN;
    /* NaN observations are in no bucket, but counted: only from below the rank is right. */
    bool has_nan = isnan(h->sum), is_forward = has_nan || q < 0.5;
    double rank = (is_forward ? q : 1 - q) * h->count;
    walk.is_backward = !is_forward;
    while (bucket_walk_next(&walk, &other)) {
        bucket = other;
        if (bucket.count == 0) continue;
        count += bucket.count;
        if (count >= rank) break;
    }
    if (!histogram_is_custom(h)) {
        if (bucket.lower < 0 && bucket.upper > 0) clip_at_zero(h, &bucket);
    } else if (bucket.lower == -INFINITY) {
        if (bucket.upper <= 0) return bucket.upper;
        bucket.lower = 0;
    } else if (bucket.upper == INFINITY) {
        return bucket.lower;
    }
    if (count > h->count) count = h->count;
    if (count < rank) {
        if (!has_nan) return bucket.upper;
        *note = NAN_RESULT;
        return NAN;
    }
    rank = is_forward ? rank - (count - bucket.count) : count - rank;
    if (has_nan) {
        while (bucket_walk_next(&walk, &other)) count += other.count;
        if (count < h->count && *note == NAN_NONE) *note = NAN_SKEWED;
    }
    return within(h, &bucket, rank / bucket.count);
}

/* Observations of a bucket below v, which is inside it. */
static double count_below(const struct histogram *h, const struct bucket_view *bucket, bool is_linear, double v)
{
    double lower = bucket->lower, upper = bucket->upper;

    if (histogram_is_custom(h) || is_linear) {
        if (isinf(lower)) return bucket->count;
        return bucket->count * (v - lower) / (upper - lower);
    }
    double log_lower = log2(fabs(lower)), log_upper = log2(fabs(upper)), log_v = log2(fabs(v));
    double fraction =
        v > 0 ? (log_v - log_lower) / (log_upper - log_lower) : 1 - (log_v - log_upper) / (log_lower - log_upper);
    return bucket->count * fraction;
}

/* A limit whose rank is looked for. */
struct limit {
    double value, rank;
    bool is_found;
};

static void seek_limit(const struct histogram *h, const struct bucket_view *bucket, bool is_linear, double rank,
                       struct limit *limit)
{
    if (limit->is_found) return;
    if (bucket->lower >= limit->value) {
        limit->rank = rank;
        limit->is_found = true;
    } else if (bucket->upper > limit->value) {
        limit->rank = rank + count_below(h, bucket, is_linear, limit->value);
        limit->is_found = true;
    }
}

double histogram_fraction(const struct histogram *h, double lower, double upper, enum nan_note *note)
{
    struct bucket_walk walk = {.h = h};
    struct limit limits[] = {{.value = lower}, {.value = upper}};
    struct bucket_view bucket;
    double rank = 0;

    if (h->count == 0 || isnan(lower) || isnan(upper)) return NAN;
    if (lower >= upper) return 0;
    while (bucket_walk_next(&walk, &bucket)) {
        bool holds_zero = bucket.lower <= 0 && bucket.upper >= 0;
        if (holds_zero) clip_at_zero(h, &bucket);
        for (size_t i = 0; i < 2; i++) seek_limit(h, &bucket, holds_zero, rank, &limits[i]);
        rank += bucket.count;
    }
    double total = h->count;
    if (isnan(h->sum)) {
        total = rank;
        if (rank < h->count) *note = NAN_SKEWED;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!limits[i].is_found) limits[i].rank = total;
    }
    return (limits[1].rank - limits[0].rank) / h->count;
}

double histogram_variance(const struct histogram *h)
{
    struct bucket_walk walk = {.h = h};
    struct bucket_view bucket;
    double mean = h->sum / h->count, sum = 0, lost = 0;

    while (bucket_walk_next(&walk, &bucket)) {
        double value = 0;
        if (bucket.count == 0) continue;
        if (histogram_is_custom(h)) {
            value = (bucket.upper + bucket.lower) / 2;
        } else if (!(bucket.lower <= 0 && bucket.upper >= 0)) {
            value = sqrt(bucket.upper * bucket.lower);
            if (bucket.upper < 0) value = -value;
        }
        kahan_add(bucket.count * (value - mean) * (value - mean), &sum, &lost);
    }
    return (sum + lost) / h->count;
}

/* What is left of a bucket when it is trimmed. */
struct remainder {
    double count, lower, upper;
};

/* The first custom bucket has no lower end: below a positive bound it is taken to begin at 0. */
static double keep_of_first(const struct bucket_view *bucket, double limit, bool keeps_below)
{
    double upper = bucket->upper;

    if (keeps_below) {
        if (limit >= upper || upper <= 0) return bucket->count;
        return limit > 0 && isfinite(upper) ? bucket->count * limit / upper : 0;
    }
    if (limit == -INFINITY) return bucket->count;
    return limit >= 0 && upper > limit && isfinite(upper) ? bucket->count * (1 - limit / upper) : 0;
}

static struct remainder trim_bucket(const struct histogram *h, const struct bucket_view *bucket, double limit,
                                    bool keeps_below)
{
    struct remainder left = {bucket->count, bucket->lower, bucket->upper};

    if (keeps_below ? bucket->upper <= limit : bucket->lower >= limit) return left;
    if (isinf(bucket->lower)) {
        left.count = keep_of_first(bucket, limit, keeps_below);
        if (!keeps_below && limit >= 0) left.lower = limit;
        if (keeps_below && limit < left.upper && left.count != 0) left.upper = limit;
        return left;
    }
    bool is_beyond = keeps_below ? !(bucket->lower < limit) : !(bucket->upper > limit);
    if (is_beyond && !(bucket->is_zero && isnan(limit))) {
        left.count = 0;
    } else if (isinf(bucket->upper)) {
        if (keeps_below) left.count = 0;
        if (!keeps_below) left.lower = limit;
    } else {
        double below = count_below(h, bucket, bucket->is_zero || (bucket->lower <= 0 && bucket->upper >= 0), limit);
        left.count = keeps_below ? below : bucket->count - below;
        if (keeps_below) {
            left.upper = limit;
        } else {
            left.lower = limit;
        }
    }
    return left;
}

/* Where the observations that are left are taken to lie. */
static double middle_of(const struct histogram *h, const struct bucket_view *bucket, const struct remainder *left)
{
    if (isinf(left->lower)) return left->upper > 0 ? left->upper / 2 : left->upper;
    if (isinf(left->upper)) return left->lower;
    if (histogram_is_custom(h) || bucket->is_zero) return (left->lower + left->upper) / 2;
    double middle = sqrt(fabs(left->lower) * fabs(left->upper));
    return left->lower < 0 ? -middle : middle;
}

/* A side of a histogram while it is trimmed. */
struct trimmed_side {
    int32_t *indexes;
    double *counts;
    uint32_t count;
};

static struct trimmed_side trimmed_side(uint32_t count, struct scratch *scratch)
{
    return (struct trimmed_side){scratch_array(scratch, int32_t, count), scratch_array(scratch, double, count), 0};
}

static void keep_bucket(struct trimmed_side *side, int32_t index, double count)
{
    if (count == 0) return;
    side->indexes[side->count] = index;
    side->counts[side->count++] = count;
}

const struct histogram *histogram_trim(const struct histogram *h, double limit, bool keeps_below,
                                       struct scratch *scratch)
{
    struct bucket_walk walk = {.h = h};
    struct bucket_view bucket;
    struct trimmed_side positive = trimmed_side(h->positive.count, scratch);
    struct trimmed_side negative = trimmed_side(h->negative.count, scratch);
    struct histogram *out = scratch_alloc(scratch, sizeof *out);
    bool is_changed = false;
    uint32_t negatives = h->negative.count, at;

    *out = *h;
    if (h->zero_count > 0) out->zero_count = 0;
    out->count = out->sum = 0;
    while (bucket_walk_next(&walk, &bucket)) {
        at = walk.at - 1;
        if (bucket.is_zero) clip_at_zero(h, &bucket);
        struct remainder left = trim_bucket(h, &bucket, limit, keeps_below);
        is_changed |= left.count != bucket.count;
        if (bucket.is_zero) {
            out->zero_count = left.count;
        } else if (at < negatives) {
            keep_bucket(&negative, h->negative.indexes[negatives - 1 - at], left.count);
        } else {
            keep_bucket(&positive, h->positive.indexes[at - negatives - 1], left.count);
        }
        out->count += left.count;
        if (left.count != 0) out->sum += left.count * middle_of(h, &bucket, &left);
    }
    if (!is_changed) return h;
    /* Negative buckets came from the highest index down. */
    for (uint32_t i = 0; i < negative.count / 2; i++) {
        uint32_t k = negative.count - 1 - i;
        int32_t index = negative.indexes[i];
        double count = negative.counts[i];
        negative.indexes[i] = negative.indexes[k];
        negative.counts[i] = negative.counts[k];
        negative.indexes[k] = index;
        negative.counts[k] = count;
    }
    out->positive = (struct bucket_list){positive.count, positive.indexes, positive.counts};
    out->negative = (struct bucket_list){negative.count, negative.indexes, negative.counts};
    return out;
}

static str number_text(double value, struct arena *arena)
{
    char text[NUMBER_TEXT_MAX];

    return arena_copy_str(arena, str_make(text, number_format(value, NUMBER_SHORT, text)));
}

str histogram_text(const struct histogram *h, struct arena *arena)
{
    struct bucket_walk walk = {.h = h, .is_plain = true};
    struct bucket_view bucket;
    struct writer out = {0};
    str count = number_text(h->count, arena), sum = number_text(h->sum, arena);
    str text = arena_format(arena, "{count:%.*s, sum:%.*s", STR_ARG(count), STR_ARG(sum));

    writer_bytes(&out, text.data, text.len);
    while (bucket_walk_next(&walk, &bucket)) {
        bool is_negative = !bucket.is_zero && bucket.upper <= 0 && !histogram_is_custom(h);
        if (bucket.count == 0) continue;
        str lower = number_text(bucket.lower, arena), upper = number_text(bucket.upper, arena);
        count = number_text(bucket.count, arena);
        text = arena_format(arena, ", %c%.*s,%.*s%c:%.*s",
                            bucket.is_zero || is_negative || bucket.is_first_custom ? '[' : '(', STR_ARG(lower),
                            STR_ARG(upper), is_negative ? ')' : ']', STR_ARG(count));
        writer_bytes(&out, text.data, text.len);
    }
    writer_u8(&out, '}');
    text = arena_copy_str(arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return text;
}
