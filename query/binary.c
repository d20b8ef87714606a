/* Binary operators with at least one scalar side; those between two vectors are in match.c and set.c.
 *
 * The vector's tile is worked on in place, with the scalar's column, which is evaluated first. A comparison without
 * `bool` keeps the vector's value, on whichever side it stands.
 */
#include "query/arithmetic.h"
#include "query/plan.h"

#include <string.h>

struct scalar_side {
    struct stage stage;
    struct stage *left, *right;
    enum operator_kind kind;
    bool scalar_is_left, returns_bool;
    struct column column; /* of the scalar side */
};

static bool open_scalar_side(struct stage *stage, struct query *query)
{
    struct scalar_side *b = (struct scalar_side *)stage;
    struct stage *vector = b->scalar_is_left ? b->right : b->left;

    if (b->scalar_is_left && !stage_column(b->left, query, &b->column)) return false;
    if (!stage_open(vector, query)) return false;
    if (!b->scalar_is_left && !stage_column(b->right, query, &b->column)) return false;
    stage->shape = vector->shape;
    stage->row_ns = vector->row_ns + stage->grid.steps;
    stage->has_messages = vector->has_messages || !(operator_is_comparison(b->kind) || b->kind <= OP_ATAN2);
    if (b->returns_bool || !operator_is_comparison(b->kind)) shape_drop_names(&stage->shape, query);
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

/* </ and >/ cut native histograms; floats drop out. */
static void drop_floats(const struct scalar_side *b, struct query *query, struct tile *out)
{
    if (!bits_any(out->present, tile_words(out))) return;
    annotate_operand_types(&query->annotations, b->stage.node, b->kind);
    memset(out->present, 0, tile_words(out) * sizeof *out->present);
}

static bool fill_scalar_side(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                             struct tile *out)
{
    const struct scalar_side *b = (const struct scalar_side *)stage;
    struct operand scalar = {b->column.values, true};

    if (!stage_fill(b->scalar_is_left ? b->right : b->left, task, rows, count, out)) return false;
    if (b->kind == OP_TRIM_UPPER || b->kind == OP_TRIM_LOWER) {
        drop_floats(b, task->query, out);
    } else if (b->column.is_constant) {
        apply(b, &task->scratch, scalar, out->values, out->present, tile_elements(out));
    } else {
        scalar.is_one = false;
        for (size_t row = 0; row < count; row++)
            apply(b, &task->scratch, scalar, tile_values(out, row), tile_present(out, row), stage->grid.steps);
    }
    return true;
}

static const struct stage_class scalar_side_class = {"binary with a scalar", open_scalar_side, fill_scalar_side};

struct stage *plan_binary(struct plan *plan, const struct node *node)
{
    const struct binary *binary = &node->binary;
    bool left_is_scalar = binary->left->type == VALUE_SCALAR, right_is_scalar = binary->right->type == VALUE_SCALAR;

    if (operator_is_set(binary->op)) return plan_set(plan, node);
    if (!left_is_scalar && !right_is_scalar) return plan_match(plan, node);
    struct stage *left = plan_node(plan, binary->left), *right = plan_node(plan, binary->right);
    struct scalar_side *b = plan_new(plan, &scalar_side_class, node, sizeof *b);
    b->left = left;
    b->right = right;
    b->kind = binary->op;
    b->scalar_is_left = left_is_scalar && !right_is_scalar;
    b->returns_bool = binary->return_bool;
    /* Of two scalars the left one is taken for the vector: a row without labels. */
    return plan_dropped(plan, &b->stage, DUPLICATES_STEP);
}
