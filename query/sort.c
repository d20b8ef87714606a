/* sort, sort_desc, sort_by_label, sort_by_label_desc: an order of rows, made in open, on a grid of one step. On other
 * grids nothing is sorted, since their rows come in the order of their labels; a warning says so. */
#include "query/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sort {
    struct stage stage;
    struct stage *child;
    bool is_descending, is_by_label;
    str *by_labels;
    size_t label_count;
    /* after open */
    struct tile values; /* of the sorted rows; on one step */
};

/* A row while it is sorted. */
struct sorted {
    uint32_t row;
    double value;
    const struct histogram *histogram; /* orders by labels keep them */
    const uint32_t *labels;            /* values of the labels to sort by */
    struct label_id *pairs;
    size_t pair_count;
};

struct sorting {
    const struct sort *sort;
    const struct query *query;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cuts a run of digits or of other characters off the front. */
static str cut_run(str *rest)
{
    size_t len = 0;

    while (len < rest->len && is_digit(rest->data[len]) == is_digit(rest->data[0])) len++;
    str run = str_part(*rest, 0, len);
    *rest = str_part(*rest, len, rest->len);
    return run;
}

/* Whether a comes before b in natural order: runs of digits count as numbers. */
static bool is_naturally_before(str a, str b)
{
    int64_t x, y;

    while (a.len) {
        if (b.len == 0) return false;
        str run = cut_run(&a), other = cut_run(&b);
        bool are_numbers =
            is_digit(run.data[0]) && is_digit(other.data[0]) && str_to_int64(run, &x) && str_to_int64(other, &y);
        if (are_numbers ? x == y : str_equal(run, other)) {
            if (a.len == 0) return true;
            if (b.len == 0) return false;
            continue;
        }
        return are_numbers ? x < y : str_compare(run, other) < 0;
    }
    return false;
}

static int compare_by_labels(const struct sorted *a, const struct sorted *b, const struct sorting *sorting)
{
    for (size_t i = 0; i < sorting->sort->label_count; i++) {
        if (a->labels[i] == b->labels[i]) continue;
        str x = snapshot_string(sorting->query->snapshot, a->labels[i]);
        str y = snapshot_string(sorting->query->snapshot, b->labels[i]);
        return is_naturally_before(x, y) ? -1 : 1;
    }
    return pairs_compare(sorting->query, a->pairs, a->pair_count, b->pairs, b->pair_count);
}

/* NaN comes last in both directions, equal values in the order of rows. */
static int compare_rows(const void *left, const void *right, void *context)
{
    const struct sorting *sorting = context;
    const struct sorted *a = left, *b = right;

    if (sorting->sort->is_by_label) {
        int order = compare_by_labels(a, b, sorting);
        return sorting->sort->is_descending ? -order : order;
    }
    if (isnan(a->value) || isnan(b->value)) {
        if (isnan(a->value) != isnan(b->value)) return isnan(a->value) ? 1 : -1;
    } else if (a->value != b->value) {
        return (a->value < b->value) != sorting->sort->is_descending ? -1 : 1;
    }
    return a->row < b->row ? -1 : a->row > b->row;
}

/* Looks up the labels that rows are compared by. */
static bool find_labels(const struct sort *sort, struct query *query, struct sorted *rows, size_t count)
{
    const struct shape *shape = &sort->child->shape;
    uint32_t *column = memory_alloc(shape->count * sizeof *column);
    uint32_t *labels_of = arena_array(&query->arena, uint32_t, sort->label_count * count);
    struct pairs pairs = {0};
    bool done = true;

    for (size_t l = 0; l < sort->label_count && done; l++) {
        done = shape_column(shape, query, sort->by_labels[l], column);
        for (size_t i = 0; i < count && done; i++) labels_of[i * sort->label_count + l] = column[rows[i].row];
    }
    for (size_t i = 0; i < count && done; i++) {
        done = shape_pairs(shape, query, rows[i].row, &pairs);
        rows[i].labels = labels_of + i * sort->label_count;
        rows[i].pairs = arena_array(&query->arena, struct label_id, pairs.count);
        rows[i].pair_count = pairs.count;
        if (pairs.count) memcpy(rows[i].pairs, pairs.data, pairs.count * sizeof *pairs.data);
    }
    vec_release(&pairs);
    free(column);
    return done;
}

static bool sort_rows(struct sort *sort, struct query *query)
{
    struct sorting sorting = {sort, query};
    struct tile tile;
    uint32_t count = 0;

    if (!stage_materialise_rows(sort->child, query, NULL, sort->child->shape.count, &tile)) return false;
    struct sorted *sorted = arena_array(&query->arena, struct sorted, tile.rows);
    for (uint32_t row = 0; row < tile.rows; row++) {
        const struct histogram *h = sort->is_by_label ? tile_histogram(&tile, row) : NULL;
        if (h || bits_get(tile.present, row))
            sorted[count++] = (struct sorted){.row = row, .value = h ? 0 : tile.values[row], .histogram = h};
    }
    if (sort->is_by_label && !find_labels(sort, query, sorted, count)) return false;
    qsort_r(sorted, count, sizeof *sorted, compare_rows, &sorting);
    uint32_t *rows = arena_array(&query->arena, uint32_t, count);
    if (!stage_result(&sort->stage, query, count, &sort->values)) return false;
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = sorted[i].row;
        stage_set_result(&sort->values, query, i, sorted[i].value, sorted[i].histogram);
    }
    shape_pick(&sort->stage.shape, &sort->child->shape, query, rows, count);
    return true;
}

static bool open_sort(struct stage *stage, struct query *query)
{
    struct sort *sort = (struct sort *)stage;

    if (!stage_open(sort->child, query)) return false;
    stage->row_ns = sort->child->row_ns;
    if (stage->grid.steps == 1) return sort_rows(sort, query);
    annotate_sort_in_range(&query->annotations, stage->node);
    stage->shape = sort->child->shape;
    stage->has_messages = sort->child->has_messages;
    return true;
}

static bool fill_sort(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct sort *sort = (const struct sort *)stage;

    if (stage->grid.steps != 1) {
        bool done = stage_fill(sort->child, task, rows, count, out);
        if (!sort->is_by_label) tile_drop_histograms(out);
        return done;
    }
    for (uint32_t i = 0; i < count; i++) tile_copy_row(out, i, &sort->values, rows[i], &task->cells);
    return true;
}

static const struct stage_class sort_class = {"sort", open_sort, fill_sort};

static struct stage *new_sort(struct plan *plan, const struct node *call, bool is_by_label, bool is_descending)
{
    struct stage *child = plan_node(plan, call->call.args[0]);
    struct sort *sort = plan_new(plan, &sort_class, call, sizeof *sort);

    sort->child = child;
    sort->is_by_label = is_by_label;
    sort->is_descending = is_descending;
    sort->label_count = call->call.arg_count - 1;
    sort->by_labels = arena_array(&plan->query->arena, str, sort->label_count);
    for (size_t i = 0; i < sort->label_count; i++) sort->by_labels[i] = ast_unwrap(call->call.args[1 + i])->string;
    return &sort->stage;
}

struct stage *plan_sort(struct plan *plan, const struct node *call)
{
    return new_sort(plan, call, false, false);
}

struct stage *plan_sort_desc(struct plan *plan, const struct node *call)
{
    return new_sort(plan, call, false, true);
}

struct stage *plan_sort_by_label(struct plan *plan, const struct node *call)
{
    return new_sort(plan, call, true, false);
}

struct stage *plan_sort_by_label_desc(struct plan *plan, const struct node *call)
{
    return new_sort(plan, call, true, true);
}
