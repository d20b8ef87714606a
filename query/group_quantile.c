/* quantile: needs all values of a group at a step, so a group is filled whole. */
#include "query/groups.h"
#include "query/plan.h"
#include "query/quantile.h"

#include <math.h>

struct group_quantile {
    struct stage stage;
    struct stage *child, *param;
    const struct aggregate *node;
    struct groups groups;
    struct column quantiles;
};

/* Of the wrong values of all steps the largest, the smallest and NaN are told. */
static void check_quantiles(const struct group_quantile *g, struct query *query)
{
    const struct node *param = ast_unwrap(g->node->param);
    double least = INFINITY, greatest = -INFINITY;
    bool has_nan = false;

    for (size_t s = 0; s < (g->quantiles.is_constant ? 1 : g->stage.grid.steps); s++) {
        double q = g->quantiles.values[s];
        has_nan |= isnan(q);
        least = q < least ? q : least;
        greatest = q > greatest ? q : greatest;
    }
    if (has_nan) {
        annotate_quantile(&query->annotations, g->stage.node, param, NAN);
        return;
    }
    if (greatest > 1) annotate_quantile(&query->annotations, g->stage.node, param, greatest);
    if (least < 0) annotate_quantile(&query->annotations, g->stage.node, param, least);
}

static bool open_group_quantile(struct stage *stage, struct query *query)
{
    struct group_quantile *g = (struct group_quantile *)stage;
    struct label_choice choice;

    if (!stage_column(g->param, query, &g->quantiles) || !stage_open(g->child, query)) return false;
    label_choice_make(&choice, query, g->node->grouping, g->node->grouping_count, !g->node->without);
    if (!groups_make(&g->groups, &g->child->shape, query, &choice)) return false;
    check_quantiles(g, query);
    stage->shape = g->groups.shape;
    stage->has_messages = g->child->has_messages || snapshot_is_rich(query->snapshot);
    double rows_per_group = stage->shape.count ? (double)g->child->shape.count / stage->shape.count : 0;
    stage->row_ns = rows_per_group * (g->child->row_ns + 10.0 * stage->grid.steps);
    return true;
}

/* All rows of a group, in batches. */
static bool fill_group(const struct group_quantile *g, struct task *task, const uint32_t *rows, struct tile *tile)
{
    uint32_t most = tile_rows(&g->stage.grid);

    for (uint32_t at = 0; at < tile->rows; at += most) {
        uint32_t left = (uint32_t)tile->rows - at;
        struct tile part = tile_part(tile, at, left < most ? left : most);
        if (!query_may_go_on(task->query) || !stage_fill(g->child, task, rows + at, (uint32_t)part.rows, &part))
            return false;
        if (part.histograms && bits_any(part.histograms, tile_words(&part)))
            annotate_ignored_in_group(&task->query->annotations, g->node->expr, AGGREGATE_QUANTILE);
    }
    return true;
}

static bool fill_one(const struct group_quantile *g, struct task *task, uint32_t group, struct tile *out, uint32_t row)
{
    uint32_t count = groups_size(&g->groups, group);
    size_t steps = g->stage.grid.steps;

    if (!query_has_room(task->query, count * grid_stride(&g->stage.grid) * sizeof(double))) return false;
    struct tile tile = tile_make(&task->scratch, &g->stage.grid, count);
    double *values = scratch_array(&task->scratch, double, count);
    if (!fill_group(g, task, g->groups.rows + g->groups.first[group], &tile)) return false;
    for (size_t s = 0; s < steps; s++) {
        size_t found = 0;
        for (uint32_t i = 0; i < count; i++) {
            size_t at = i * tile.stride + s;
            if (bits_get(tile.present, at)) values[found++] = tile.values[at];
        }
        if (found == 0) continue;
        double q = g->quantiles.values[g->quantiles.is_constant ? 0 : s];
        out->values[row * out->stride + s] = quantile_of(values, found, q);
        bits_set(out->present, row * out->stride + s);
    }
    return true;
}

static bool fill_group_quantile(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                                struct tile *out)
{
    bool done = true;

    for (uint32_t i = 0; i < count && done; i++) {
        struct scratch_mark mark = scratch_mark(&task->scratch);
        done = fill_one((const struct group_quantile *)stage, task, rows[i], out, i);
        scratch_rewind(&task->scratch, mark);
    }
    return done;
}

static const struct stage_class group_quantile_class = {"quantile", open_group_quantile, fill_group_quantile};

struct stage *plan_group_quantile(struct plan *plan, const struct node *node)
{
    struct stage *param = plan_node(plan, node->aggregate.param), *child = plan_node(plan, node->aggregate.expr);
    struct group_quantile *g = plan_new(plan, &group_quantile_class, node, sizeof *g);

    g->param = param;
    g->child = child;
    g->node = &node->aggregate;
    return &g->stage;
}
