/* Native histograms as scripts write them: {{schema:1 count:3 sum:4.5 buckets:[1 2] offset:-1}}; see script.h. */
#include "query/histogram_sum.h"
#include "tests/conformance/script.h"

#include <ctype.h>
#include <string.h>

/* One side's buckets and where they begin. */
struct written_side {
    vec(double) counts;
    double offset;
};

struct written {
    struct written_side positive, negative;
    vec(double) bounds;
    double schema, sum, count, zero_count, zero_threshold;
    int hint; /* -1: none was written */
};

static str take_word(str *rest)
{
    size_t len = 0;

    *rest = str_trim(*rest);
    while (len < rest->len && !isspace((unsigned char)rest->data[len]) && rest->data[len] != ']') len++;
    str word = str_part(*rest, 0, len);
    *rest = str_part(*rest, len, rest->len);
    return word;
}

/* [1 2 3] */
static bool take_list(str *rest, double **data, size_t *count, size_t *capacity)
{
    vec(double) list = {.data = *data, .count = *count, .capacity = *capacity};
    bool done = true;

    if (!rest->len || rest->data[0] != '[') return false;
    *rest = str_trim(str_part(*rest, 1, rest->len));
    while (done && rest->len && rest->data[0] != ']') {
        double number;
        done = script_number(take_word(rest), &number);
        vec_push(&list, number);
        *rest = str_trim(*rest);
    }
    *data = list.data;
    *count = list.count;
    *capacity = list.capacity;
    if (!done || !rest->len) return false;
    *rest = str_part(*rest, 1, rest->len);
    return true;
}

#define TAKE_LIST(rest, list) take_list((rest), &(list)->data, &(list)->count, &(list)->capacity)

static bool take_hint(str word, int *hint)
{
    static const char *const names[] = {"unknown", "reset", "not_reset", "gauge"};

    for (int i = 0; i < 4; i++) {
        if (!str_equal(word, str_from(names[i]))) continue;
        *hint = i;
        return true;
    }
    return false;
}

static bool take_pair(str *rest, struct written *w)
{
    struct {
        const char *key;
        double *number;
    } numbers[] = {{"schema", &w->schema},
                   {"sum", &w->sum},
                   {"count", &w->count},
                   {"z_bucket", &w->zero_count},
                   {"z_bucket_w", &w->zero_threshold},
                   {"offset", &w->positive.offset},
                   {"n_offset", &w->negative.offset}};
    size_t colon = 0;

    while (colon < rest->len && rest->data[colon] != ':') colon++;
    str key = str_trim(str_part(*rest, 0, colon));
    *rest = str_part(*rest, colon + 1, rest->len);
    if (str_equal(key, STR("buckets"))) return TAKE_LIST(rest, &w->positive.counts);
    if (str_equal(key, STR("n_buckets"))) return TAKE_LIST(rest, &w->negative.counts);
    if (str_equal(key, STR("custom_values"))) return TAKE_LIST(rest, &w->bounds);
    str word = take_word(rest);
    if (str_equal(key, STR("counter_reset_hint"))) return take_hint(word, &w->hint);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (str_equal(key, str_from(numbers[i].key))) return script_number(word, numbers[i].number);
    }
    return false;
}

static struct bucket_list make_side(const struct written_side *side, struct arena *arena)
{
    uint32_t count = (uint32_t)side->counts.count;
    int32_t *indexes = arena_array(arena, int32_t, count);
    double *counts = arena_array(arena, double, count);

    for (uint32_t i = 0; i < count; i++) {
        indexes[i] = (int32_t)side->offset + (int32_t)i;
        counts[i] = side->counts.data[i];
    }
    return (struct bucket_list){count, indexes, counts};
}

bool histogram_item_parse(str text, struct item *out, struct arena *arena)
{
    struct written w = {.hint = -1};
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    bool done = true;

    for (text = str_trim(text); text.len && done; text = str_trim(text)) done = take_pair(&text, &w);
    double *bounds = arena_array(arena, double, w.bounds.count);
    if (w.bounds.count) memcpy(bounds, w.bounds.data, w.bounds.count * sizeof *bounds);
    *h = (struct histogram){.schema = (int8_t)w.schema,
                            .hint = (uint8_t)(w.hint < 0 ? HISTOGRAM_UNKNOWN : w.hint),
                            .bound_count = (uint32_t)w.bounds.count,
                            .bounds = bounds,
                            .zero_threshold = w.zero_threshold,
                            .zero_count = w.zero_count,
                            .count = w.count,
                            .sum = w.sum,
                            .positive = make_side(&w.positive, arena),
                            .negative = make_side(&w.negative, arena)};
    *out = (struct item){.kind = ITEM_HISTOGRAM, .histogram = h, .has_hint = w.hint >= 0};
    vec_release(&w.positive.counts);
    vec_release(&w.negative.counts);
    vec_release(&w.bounds);
    return done;
}

bool histogram_item_add(struct item *item, const struct item *change, double factor, struct arena *arena)
{
    struct histogram_sum sum = {0};
    struct scratch scratch = {0};

    if (item->histogram->schema > change->histogram->schema) return false;
    histogram_sum_set(&sum, item->histogram);
    unsigned notes = histogram_sum_add(&sum, change->histogram, factor, false);
    item->histogram = histogram_copy(histogram_sum_take(&sum, &scratch), arena);
    histogram_sum_release(&sum);
    scratch_release(&scratch);
    return !(notes & HISTOGRAM_INCOMPATIBLE);
}
