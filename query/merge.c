/* merge: joins rows whose labels became equal when names were dropped or labels rewritten.
 *
 * Mostly there is nothing to join, and often that is known without looking at a label: rows of one metric stay apart.
 * Then the child's shape and rows are passed on. At the end of a query with delayed name removal the same operator
 * drops the names of marked rows.
 */
#include "query/groups.h"
#include "query/plan.h"

#include <stdlib.h>
#include <string.h>

struct merge {
    struct stage stage;
    struct stage *child;
    enum duplicates rule;
    bool is_cleanup;
    /* after open; NULL: rows are the child's */
    const uint32_t *rows, *first; /* rows of the child that make row i: rows[first[i]] … rows[first[i + 1]] */
};

/* Whether dropping the names left all rows different: they are of one metric, without type and unit labels. */
static bool stay_different(const struct shape *shape, struct query *query, bool *out)
{
    static const char *const names[] = {"__type__", "__unit__"};
    struct shape named = *shape;

    named.names_dropped = false;
    *out = shape->is_distinct_unnamed;
    if (!*out) return true;
    uint32_t *ids = memory_alloc(shape->count * sizeof *ids);
    bool done = true;
    for (size_t n = 0; n < 2 && *out && done; n++) {
        done = shape_column(&named, query, str_from(names[n]), ids);
        for (uint32_t i = 0; i < shape->count && done; i++) {
            if (ids[i]) *out = false;
        }
    }
    free(ids);
    return done;
}

static void adopt_shape(struct merge *merge)
{
    struct shape *shape = &merge->stage.shape;

    *shape = merge->child->shape;
    if (merge->is_cleanup && shape->all_marked) {
        shape->names_dropped = true;
        shape->all_marked = false;
    }
    shape->is_distinct = true;
}

/* The labels of joined rows are those of their key, and their mark is that of the first of them. */
static void make_shape(struct merge *merge, struct query *query, const struct keys *keys)
{
    const struct shape *from = &merge->child->shape;
    struct shape *shape = &merge->stage.shape;
    struct shape_builder builder = {0};

    for (uint32_t key = 0; key < keys_count(keys); key++) {
        uint32_t count;
        const uint32_t *words = keys_words(keys, key, &count);
        shape_builder_add(&builder, (const struct label_id *)words, count / 2);
    }
    shape_builder_finish(&builder, query, shape);
    shape->is_distinct = true;
    if (merge->is_cleanup) return;
    shape->all_marked = from->all_marked;
    if (from->marked) {
        uint64_t *marked = arena_zarray(&query->arena, uint64_t, bits_words(shape->count));
        for (uint32_t i = 0; i < shape->count; i++) {
            if (bits_get(from->marked, merge->rows[merge->first[i]])) bits_set(marked, i);
        }
        shape->marked = marked;
    }
}

static bool join_rows(struct merge *merge, struct query *query)
{
    const struct shape *from = &merge->child->shape;
    uint32_t *ids = memory_alloc(from->count * sizeof *ids);
    struct keys keys;

    keys_init(&keys, &query->account);
    bool done = shape_label_keys(from, query, merge->is_cleanup, &keys, ids);
    if (done && keys_count(&keys) == from->count && !(merge->is_cleanup && from->marked)) {
        adopt_shape(merge);
    } else if (done) {
        rows_by_key(query, ids, from->count, keys_count(&keys), &merge->first, &merge->rows);
        make_shape(merge, query, &keys);
        merge->stage.has_messages = merge->stage.may_fail = true;
    }
    keys_release(&keys);
    free(ids);
    return done;
}

static bool open_merge(struct stage *stage, struct query *query)
{
    struct merge *merge = (struct merge *)stage;
    const struct shape *from = &merge->child->shape;
    bool is_plain = false;

    if (!stage_open(merge->child, query)) return false;
    stage->row_ns = merge->child->row_ns;
    stage->has_messages = merge->child->has_messages;
    if (merge->is_cleanup) {
        is_plain = !from->all_marked && !from->marked;
    } else {
        is_plain = from->is_distinct;
    }
    if (!is_plain && (from->names_dropped || (merge->is_cleanup && from->all_marked)) &&
        !stay_different(from, query, &is_plain))
        return false;
    if (!is_plain) return join_rows(merge, query);
    adopt_shape(merge);
    return true;
}

static bool fail_duplicate(const struct merge *merge, struct query *query, uint32_t step, uint32_t row)
{
    return query_fail(query, (struct error_key){merge->stage.order, step, row},
                      "vector cannot contain metrics with the same labelset");
}

/* Adds a row of the child to a joined row. */
static bool join_row(const struct merge *merge, struct task *task, struct tile *out, uint32_t to,
                     const struct tile *from, uint32_t row)
{
    size_t steps = merge->stage.grid.steps;

    if (merge->rule == DUPLICATES_WHOLE && tile_row_any(from, row) && tile_row_any(out, to))
        return fail_duplicate(merge, task->query, 0, to);
    for (size_t s = 0; s < steps; s++) {
        size_t source = row * from->stride + s, target = to * out->stride + s;
        const struct histogram *h = tile_histogram(from, source);
        if (!h && !bits_get(from->present, source)) continue;
        if (bits_get(out->present, target) || tile_histogram(out, target))
            return fail_duplicate(merge, task->query, (uint32_t)s, to);
        if (h) {
            tile_set_histogram(out, target, h, &task->cells);
        } else {
            out->values[target] = from->values[source];
            bits_set(out->present, target);
        }
    }
    return true;
}

static bool fill_merge(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct merge *merge = (const struct merge *)stage;
    uint32_t total = 0, at = 0;
    bool is_unique = true;

    if (!merge->rows) return stage_fill(merge->child, task, rows, count, out);
    for (uint32_t i = 0; i < count; i++) total += merge->first[rows[i] + 1] - merge->first[rows[i]];
    uint32_t *from_rows = scratch_array(&task->scratch, uint32_t, total);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = merge->first[rows[i]]; j < merge->first[rows[i] + 1]; j++) from_rows[at++] = merge->rows[j];
    }
    if (total == count) return stage_fill(merge->child, task, from_rows, total, out);

    struct tile from = tile_make(&task->scratch, &stage->grid, total);
    if (!stage_fill(merge->child, task, from_rows, total, &from)) return false;
    at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parts = merge->first[rows[i] + 1] - merge->first[rows[i]];
        tile_copy_row(out, i, &from, at++, &task->cells);
        for (uint32_t p = 1; p < parts; p++) is_unique &= join_row(merge, task, out, i, &from, at++);
    }
    return is_unique;
}

static const struct stage_class merge_class = {"merge", open_merge, fill_merge};

static struct merge *new_merge(struct plan *plan, struct stage *child, enum duplicates rule)
{
    struct merge *merge = plan_new(plan, &merge_class, child->node, sizeof *merge);

    merge->child = child;
    merge->rule = rule;
    return merge;
}

struct stage *plan_merge(struct plan *plan, struct stage *child, enum duplicates rule)
{
    return &new_merge(plan, child, rule)->stage;
}

struct stage *plan_dropped(struct plan *plan, struct stage *child, enum duplicates rule)
{
    if (query_has(plan->query, FEATURE_DELAYED_NAME_REMOVAL)) return child;
    return plan_merge(plan, child, rule);
}

struct stage *plan_cleanup(struct plan *plan, struct stage *child)
{
    struct merge *merge = new_merge(plan, child, DUPLICATES_STEP);

    merge->is_cleanup = true;
    return &merge->stage;
}
