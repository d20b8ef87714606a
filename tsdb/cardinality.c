/* Which names, values and metrics have how many series: the lists of /api/v1/status/tsdb; see db.h. */
#include "tsdb/db.h"
#include "tsdb/db_internal.h"

#include <stdio.h>

enum { EXPLAINED_BYTES_MAX = 50 };

static int compare_largest_first(const void *a, const void *b)
{
    const struct cardinality *x = a, *y = b;

    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return str_compare(x->name, y->name);
}

/* The largest entries seen so far, at most `limit`: collected up to twice that, then cut. */
struct top {
    vec(struct cardinality) entries;
    size_t limit;
};

static void cut(struct top *top)
{
    if (top->entries.count)
        qsort(top->entries.data, top->entries.count, sizeof *top->entries.data, compare_largest_first);
    if (top->entries.count > top->limit) top->entries.count = top->limit;
}

static void add(struct top *top, str name, uint64_t value)
{
    if (value == 0) return;
    if (top->entries.count >= 2 * top->limit + 16) cut(top);
    vec_push(&top->entries, (struct cardinality){name, value});
}

static void finish(struct top *top, struct arena *arena, struct cardinality **out, size_t *count)
{
    cut(top);
    *count = top->entries.count;
    *out = arena_array(arena, struct cardinality, *count);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = (struct cardinality){arena_copy_str(arena, top->entries.data[i].name), top->entries.data[i].value};
    vec_release(&top->entries);
}

/* "name=value", made only for pairs that are among the largest so far. */
static void add_pair(struct top *top, struct arena *arena, str name, str value, uint64_t series)
{
    if (top->limit && top->entries.count == top->limit && series <= vec_last(&top->entries)->value) return;
    add(top, arena_format(arena, "%.*s=%.*s", STR_ARG(name), STR_ARG(value)), series);
    cut(top);
}

void db_cardinality(struct db *db, size_t limit, struct cardinality_report *out, struct arena *arena)
{
    struct view *view = db_view(db);
    struct registry *registry = head_registry(view->live);
    struct top metrics = {.limit = limit}, values = {.limit = limit}, bytes = {.limit = limit},
               pairs = {.limit = limit};

    for (uint32_t name = 0; name < registry_name_count(registry); name++) {
        str text = registry_name(registry, name);
        uint32_t count = registry_value_count(registry, name);
        if (text.len == 0) continue;
        add(&values, text, count);
        add(&bytes, text, registry_name_bytes(registry, name));
        for (uint32_t v = 0; v < count; v++) {
            uint32_t series = registry_posting_count(registry, name, v);
            if (str_equal(text, METRIC_NAME)) add(&metrics, registry_value(registry, name, v), series);
            add_pair(&pairs, arena, text, registry_value(registry, name, v), series);
        }
    }
    finish(&metrics, arena, &out->series_by_metric, &out->series_by_metric_count);
    finish(&values, arena, &out->values_by_label, &out->values_by_label_count);
    finish(&bytes, arena, &out->bytes_by_label, &out->bytes_by_label_count);
    finish(&pairs, arena, &out->series_by_pair, &out->series_by_pair_count);
    view_unref(view);
}

void cardinality_explain(struct registry *registry, char *out, size_t size)
{
    struct cardinality metric = {STR(""), 0}, longest = {STR(""), 0};

    for (uint32_t name = 0; name < registry_name_count(registry); name++) {
        str text = registry_name(registry, name);
        uint32_t count = registry_value_count(registry, name);
        if (text.len == 0) continue;
        bool is_metric = str_equal(text, METRIC_NAME);
        for (uint32_t v = 0; is_metric && v < count; v++) {
            uint32_t series = registry_posting_count(registry, name, v);
            if (series > metric.value) metric = (struct cardinality){registry_value(registry, name, v), series};
        }
        if (!is_metric && count > longest.value) longest = (struct cardinality){text, count};
    }
    metric.name = str_part(metric.name, 0, EXPLAINED_BYTES_MAX);
    longest.name = str_part(longest.name, 0, EXPLAINED_BYTES_MAX);
    snprintf(out, size, "most series has the metric \"%.*s\" (%llu), most values the label \"%.*s\" (%llu)",
             STR_ARG(metric.name), (unsigned long long)metric.value, STR_ARG(longest.name),
             (unsigned long long)longest.value);
}
