/* repeat: spreads the column of a part that does not change from step to step over the steps of the grid around it. */
#include "query/plan.h"

struct repeat {
    struct stage stage;
    struct stage *child; /* on a grid of one step */
};

static bool open_repeat(struct stage *stage, struct query *query)
{
    struct repeat *repeat = (struct repeat *)stage;

    if (!stage_open(repeat->child, query)) return false;
    stage->shape = repeat->child->shape;
    stage->row_ns = repeat->child->row_ns + stage->grid.steps * 0.2;
    stage->has_messages = repeat->child->has_messages;
    return true;
}

static bool fill_repeat(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct repeat *repeat = (const struct repeat *)stage;
    struct tile column = tile_make(&task->scratch, &repeat->child->grid, count);

    if (!stage_fill(repeat->child, task, rows, count, &column)) return false;
    bits_each(row, column.present, count)
    {
        double *values = tile_values(out, row);
        for (size_t s = 0; s < stage->grid.steps; s++) values[s] = column.values[row];
        bits_fill(tile_present(out, row), stage->grid.steps);
    }
    if (!column.histograms) return true;
    bits_each(row, column.histograms, count)
    {
        for (size_t s = 0; s < stage->grid.steps; s++)
            tile_set_histogram(out, row * out->stride + s, column.cells[row], &task->cells);
    }
    return true;
}

static const struct stage_class repeat_class = {"repeat", open_repeat, fill_repeat};

struct stage *plan_repeat(struct plan *plan, struct stage *child)
{
    struct repeat *repeat = plan_new(plan, &repeat_class, child->node, sizeof *repeat);

    repeat->child = child;
    return &repeat->stage;
}
