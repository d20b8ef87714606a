/* Binary operators with at least one scalar side; those between two vectors are in match.c and set.c.
 *
 * The vector's tile is worked on in place, with the scalar's column, which is evaluated first. A comparison without
 * `bool` keeps the vector's value, on whichever side it stands.
 */
#include "query/arithmetic.h"
#include "query/element.h"
#include "query/plan.h"

#include <string.h>

struct scalar_side {
    struct stage stage;
    struct stage *left, *right;
    enum operator_kind kind;
    bool scalar_is_left, returns_bool;
    struct column column; /* of the scalar side */
};

static bool is_trim(enum operator_kind kind)
{
    return kind == OP_TRIM_UPPER || kind == OP_TRIM_LOWER;
}

static bool open_scalar_side(struct stage *stage, struct query *query)
{
    struct scalar_side *b = (struct scalar_side *)stage;
    struct stage *vector = b->scalar_is_left ? b->right : b->left;

    if (b->scalar_is_left && !stage_column(b->left, query, &b->column)) return false;
    if (!stage_open(vector, query)) return false;
    if (!b->scalar_is_left && !stage_column(b->right, query, &b->column)) return false;
    stage->shape = vector->shape;
    stage->row_ns = vector->row_ns + stage->grid.steps;
    stage->has_messages = vector->has_messages || is_trim(b->kind) || snapshot_is_rich(query->snapshot);
    if (b->returns_bool || !(operator_is_comparison(b->kind) || is_trim(b->kind)))
        shape_drop_names(&stage->shape, query);
    return true;
}

/* One operation on elements that share the scalar's value or step by step have their own. */
static void apply(const struct scalar_side *b, struct scratch *scratch, struct operand scalar, double *values,
                  uint64_t *present, size_t count)
{
    struct operand vector = {values, false};
    struct operand left = b->scalar_is_left ? scalar : vector, right = b->scalar_is_left ? vector : scalar;

    if (!operator_is_comparison(b->kind)) {
        arithmetic_compute(b->kind, left, right, present, values, count);
    } else if (!b->returns_bool) {
        arithmetic_filter(b->kind, left, right, present, count);
    } else {
        size_t words = bits_words(count);
        uint64_t *holds = scratch_array(scratch, uint64_t, words);
        memcpy(holds, present, words * sizeof *holds);
        arithmetic_filter(b->kind, left, right, holds, count);
        for (size_t i = 0; i < count; i++) values[i] = (double)bits_get(holds, i);
    }
}

/* Elements that are histograms, and all of a trim; the rest is left for the columns. `present` gets back what came of
 * the histograms. */
static void operate_on_histograms(const struct scalar_side *b, struct task *task, struct tile *out, uint64_t *results)
{
    struct element_operands operands = {.node = b->stage.node,
                                        .op = b->kind,
                                        .returns_bool = b->returns_bool,
                                        .tile_is_right = b->scalar_is_left,
                                        .values = b->column.values,
                                        .value_is_constant = b->column.is_constant};

    element_operate_tile(&operands, task, out, b->stage.grid.steps, results);
    for (size_t w = 0; w < tile_words(out); w++) {
        uint64_t made = results[w] & out->present[w];
        out->present[w] &= ~results[w];
        results[w] = made;
    }
}

static void operate_on_floats(const struct scalar_side *b, struct task *task, struct tile *out)
{
    struct operand scalar = {b->column.values, true};

    if (b->column.is_constant) {
        apply(b, &task->scratch, scalar, out->values, out->present, tile_elements(out));
        return;
    }
    scalar.is_one = false;
    for (size_t row = 0; row < out->rows; row++)
        apply(b, &task->scratch, scalar, tile_values(out, row), tile_present(out, row), b->stage.grid.steps);
}

static bool fill_scalar_side(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                             struct tile *out)
{
    const struct scalar_side *b = (const struct scalar_side *)stage;
    double *made = NULL;

    if (!stage_fill(b->scalar_is_left ? b->right : b->left, task, rows, count, out)) return false;
    if (!out->histograms && !is_trim(b->kind)) {
        operate_on_floats(b, task, out);
        return true;
    }
    uint64_t *results = scratch_array(&task->scratch, uint64_t, tile_words(out));
    memset(results, 0, tile_words(out) * sizeof *results);
    operate_on_histograms(b, task, out, results);
    /* The columns' loops may write where the histograms' results are. */
    if (bits_any(results, tile_words(out))) {
        made = scratch_array(&task->scratch, double, tile_elements(out));
        memcpy(made, out->values, tile_elements(out) * sizeof *made);
    }
    if (!is_trim(b->kind)) operate_on_floats(b, task, out);
    if (made) bits_each(i, results, tile_elements(out)) out->values[i] = made[i];
    for (size_t w = 0; w < tile_words(out); w++) out->present[w] |= results[w];
    return true;
}

static const struct stage_class scalar_side_class = {"binary with a scalar", open_scalar_side, fill_scalar_side};

struct stage *plan_binary(struct plan *plan, const struct node *node)
{
    const struct binary *binary = &node->binary;
    bool left_is_scalar = binary->left->type == VALUE_SCALAR, right_is_scalar = binary->right->type == VALUE_SCALAR;
    bool outer = plan->without_buckets;

    if (operator_is_set(binary->op)) return plan_set(plan, node);
    if (is_trim(binary->op)) plan->without_buckets = false;
    if (!left_is_scalar && !right_is_scalar) {
        struct stage *match = plan_match(plan, node);
        plan->without_buckets = outer;
        return match;
    }
    struct stage *left = plan_node(plan, binary->left), *right = plan_node(plan, binary->right);
    plan->without_buckets = outer;
    struct scalar_side *b = plan_new(plan, &scalar_side_class, node, sizeof *b);
    b->left = left;
    b->right = right;
    b->kind = binary->op;
    b->scalar_is_left = left_is_scalar && !right_is_scalar;
    b->returns_bool = binary->return_bool;
    /* Of two scalars the left one is taken for the vector: a row without labels. */
    return plan_dropped(plan, &b->stage, DUPLICATES_STEP);
}
