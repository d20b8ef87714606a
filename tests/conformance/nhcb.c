/* Custom buckets from classic ones; see nhcb.h. */
#include "tests/conformance/nhcb.h"

#include "storage/base/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum part { PART_BUCKET, PART_COUNT, PART_SUM, PART_NONE };

/* What a series is a part of: its labels without suffix and bound. */
static enum part part_of(const struct series *series, struct arena *arena, label **pairs, size_t *count, str *bound)
{
    static const char *const suffixes[] = {"_bucket", "_count", "_sum"};
    enum part part = PART_NONE;

    *pairs = arena_array(arena, label, series->label_count);
    *count = 0;
    *bound = STR("");
    for (size_t i = 0; i < series->label_count; i++) {
        label pair = series->labels[i];
        if (str_equal(pair.name, STR("le"))) {
            *bound = pair.value;
            continue;
        }
        for (int s = 0; s < 3 && str_equal(pair.name, METRIC_NAME) && part == PART_NONE; s++) {
            if (!str_ends_with(pair.value, str_from(suffixes[s]))) continue;
            part = (enum part)s;
            pair.value.len -= strlen(suffixes[s]);
        }
        (*pairs)[(*count)++] = pair;
    }
    return part;
}

struct bucket {
    double bound, count;
};

/* A histogram at one time. */
struct moment {
    vec(struct bucket) buckets;
    double count, sum;
    bool has_any, has_count;
};

/* All that belongs to one histogram. */
struct family {
    label *pairs;
    size_t pair_count;
    struct moment *moments;
    size_t moment_count;
};

static struct family *find_family(struct family *families, size_t *count, label *pairs, size_t pair_count,
                                  size_t moments, struct arena *arena)
{
    for (size_t i = 0; i < *count; i++) {
        if (labels_compare(families[i].pairs, families[i].pair_count, pairs, pair_count) == 0) return &families[i];
    }
    struct family *family = &families[(*count)++];
    *family = (struct family){pairs, pair_count, arena_zarray(arena, struct moment, moments), moments};
    return family;
}

static void note(struct moment *moment, enum part part, double bound, double value)
{
    moment->has_any = true;
    if (part == PART_SUM) moment->sum = value;
    if (part == PART_COUNT) {
        moment->count = value;
        moment->has_count = true;
    }
    if (part != PART_BUCKET) return;
    vec_each (bucket, &moment->buckets) {
        if (bucket->bound == bound) return; /* the first one of a bound counts */
    }
    vec_push(&moment->buckets, (struct bucket){bound, value});
}

static int compare_buckets(const void *a, const void *b)
{
    double x = ((const struct bucket *)a)->bound, y = ((const struct bucket *)b)->bound;

    return x < y ? -1 : x > y;
}

static struct histogram *convert(struct moment *moment, struct arena *arena, str *why)
{
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    size_t count = moment->buckets.count;
    double before = 0;

    if (count) qsort(moment->buckets.data, count, sizeof *moment->buckets.data, compare_buckets);
    double last = count ? vec_last(&moment->buckets)->count : 0;
    if (!moment->has_count) moment->count = last;
    if (count == 0 || !isinf(vec_last(&moment->buckets)->bound)) {
        vec_push(&moment->buckets, (struct bucket){INFINITY, moment->count});
        count++;
    } else if (last != moment->count) {
        *why = STR("the count is not that of the last bucket");
        return NULL;
    }
    double *bounds = arena_array(arena, double, count), *counts = arena_array(arena, double, count);
    int32_t *indexes = arena_array(arena, int32_t, count);
    for (size_t i = 0; i < count; i++) {
        const struct bucket *bucket = &moment->buckets.data[i];
        if (bucket->count < before || bucket->count < 0) {
            *why = STR("counts fall from bucket to bucket");
            return NULL;
        }
        bounds[i] = bucket->bound;
        counts[i] = bucket->count - before;
        indexes[i] = (int32_t)i;
        before = bucket->count;
    }
    *h = (struct histogram){.schema = HISTOGRAM_SCHEMA_CUSTOM,
                            .bound_count = (uint32_t)count - 1,
                            .bounds = bounds,
                            .count = moment->count,
                            .sum = moment->sum,
                            .positive = {(uint32_t)count, indexes, counts}};
    return h;
}

static bool make_series(struct family *family, struct series *out, struct arena *arena, str *why)
{
    struct item *items = arena_zarray(arena, struct item, family->moment_count);
    bool done = true;

    for (size_t i = 0; i < family->moment_count; i++) {
        struct moment *moment = &family->moments[i];
        items[i].kind = ITEM_OMITTED;
        if (moment->has_any && done) {
            items[i] = (struct item){.kind = ITEM_HISTOGRAM, .histogram = convert(moment, arena, why)};
            done = items[i].histogram != NULL;
        }
        vec_release(&moment->buckets);
    }
    *out = (struct series){family->pairs, family->pair_count, items, family->moment_count};
    return done;
}

bool nhcb_make(const struct series *series, size_t count, struct series **out, size_t *out_count, struct arena *arena,
               str *why)
{
    struct family *families = arena_array(arena, struct family, count);
    size_t moments = 0;
    bool done = true;

    *out_count = 0;
    for (size_t i = 0; i < count; i++) moments = series[i].item_count > moments ? series[i].item_count : moments;
    for (size_t i = 0; i < count; i++) {
        label *pairs;
        size_t pair_count;
        str text;
        double bound = NAN;
        enum part part = part_of(&series[i], arena, &pairs, &pair_count, &text);
        if (part == PART_NONE) continue;
        if (part == PART_BUCKET && (!str_to_double(text, &bound) || isnan(bound))) continue;
        struct family *family = find_family(families, out_count, pairs, pair_count, moments, arena);
        for (size_t k = 0; k < series[i].item_count; k++) {
            if (series[i].items[k].kind == ITEM_FLOAT) note(&family->moments[k], part, bound, series[i].items[k].value);
        }
    }
    *out = arena_array(arena, struct series, *out_count);
    for (size_t i = 0; i < *out_count; i++) done &= make_series(&families[i], &(*out)[i], arena, why);
    return done;
}
