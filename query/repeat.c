/* repeat: spreads the column of a part that does not change from step to step over the steps of the grid around it. */
#include "query/plan.h"

struct repeat {
    struct operator op;
    struct operator* child; /* on a grid of one step */
};

static bool open_repeat(struct operator* op, struct query *query)
{
    struct repeat *repeat = (struct repeat *)op;

    if (!operator_open(repeat->child, query)) return false;
    op->shape = repeat->child->shape;
    op->row_ns = repeat->child->row_ns + op->grid.steps * 0.2;
    op->has_messages = repeat->child->has_messages;
    return true;
}

static bool fill_repeat(struct operator* op, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct repeat *repeat = (const struct repeat *)op;
    struct tile column = tile_make(&task->scratch, &repeat->child->grid, count);

    if (!operator_fill(repeat->child, task, rows, count, &column)) return false;
    bits_each(row, column.present, count)
    {
        double *values = tile_values(out, row);
        for (size_t s = 0; s < op->grid.steps; s++) values[s] = column.values[row];
        bits_fill(tile_present(out, row), op->grid.steps);
    }
    return true;
}

static const struct operator_class repeat_class = {"repeat", open_repeat, fill_repeat};

struct operator* plan_repeat(struct plan *plan, struct operator* child)
{
    struct repeat *repeat = plan_new(plan, &repeat_class, child->node, sizeof *repeat);

    repeat->child = child;
    return &repeat->op;
}
