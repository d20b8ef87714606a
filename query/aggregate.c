/* sum, avg, count, min, max, group, stddev, stdvar.
 *
 * Groups are known from the shape. A fill pulls the rows of its groups from the operand in batches; each row is added
 * to the accumulators of its group, for all steps at once. A group of many rows is cut into slices, which other threads
 * may take; they are merged in order, so the bits of the answer do not depend on the threads. Up to one slice the rows
 * are added in sequence, exactly as they are defined to be; so are variances, and groups whose sums overflow.
 */
#include "query/accumulator.h"
#include "query/groups.h"
#include "query/plan.h"

enum { SLICE_ROWS = 256, WAVE_BYTES = 1 << 20, WAVE_MIN = 4, WAVE_MAX = 1024 };

struct aggregation {
    struct stage stage;
    struct stage *child;
    const struct aggregate *node;
    struct groups groups;
};

static bool open_aggregation(struct stage *stage, struct query *query)
{
    struct aggregation *a = (struct aggregation *)stage;
    struct label_choice choice;

    if (!stage_open(a->child, query)) return false;
    label_choice_make(&choice, query, a->node->grouping, a->node->grouping_count, !a->node->without);
    if (!groups_make(&a->groups, &a->child->shape, query, &choice)) return false;
    stage->shape = a->groups.shape;
    stage->has_messages = a->child->has_messages || snapshot_is_rich(query->snapshot);
    double rows_per_group = stage->shape.count ? (double)a->child->shape.count / stage->shape.count : 0;
    stage->row_ns = rows_per_group * (a->child->row_ns + 2.0 * stage->grid.steps);
    return true;
}

/* Adds rows, in their order, row i to group slots[i]. */
static bool add_rows(const struct aggregation *a, struct task *task, const uint32_t *rows, const uint32_t *slots,
                     uint32_t count, struct accumulator *acc)
{
    uint32_t most = tile_rows(&a->stage.grid);
    bool done = true;

    for (uint32_t at = 0; at < count && done; at += most) {
        struct scratch_mark mark = scratch_mark(&task->scratch), cells_mark = scratch_mark(&task->cells);
        uint32_t n = count - at < most ? count - at : most;
        struct tile tile = tile_make(&task->scratch, &a->stage.grid, n);
        done = (at == 0 || query_may_go_on(task->query)) && stage_fill(a->child, task, rows + at, n, &tile);
        if (done) accumulator_add(acc, &tile, rows + at, slots + at);
        scratch_rewind(&task->scratch, mark);
        scratch_rewind(&task->cells, cells_mark);
    }
    return done;
}

/* Some slices of a large group, worked on at a time. */
struct wave {
    const struct aggregation *a;
    const uint32_t *rows;
    uint32_t count; /* rows in all slices */
    struct accumulator *slices;
};

static bool add_slice(void *context, struct task *task, uint32_t index)
{
    static const uint32_t slots[SLICE_ROWS];
    const struct wave *wave = context;
    uint32_t first = index * SLICE_ROWS, left = wave->count - first;

    return add_rows(wave->a, task, wave->rows + first, slots, left < SLICE_ROWS ? left : SLICE_ROWS,
                    &wave->slices[index]);
}

static uint32_t wave_slices(const struct aggregation *a)
{
    size_t slices = WAVE_BYTES / (3 * sizeof(double) * grid_stride(&a->stage.grid));

    return slices < WAVE_MIN ? WAVE_MIN : slices > WAVE_MAX ? WAVE_MAX : (uint32_t)slices;
}

static bool add_large_group(const struct aggregation *a, struct task *task, uint32_t group, uint32_t slot,
                            struct accumulator *acc)
{
    const uint32_t *rows = a->groups.rows + a->groups.first[group];
    uint32_t count = groups_size(&a->groups, group), most = wave_slices(a);
    bool done = true;

    for (uint32_t at = 0; at < count && done; at += most * SLICE_ROWS) {
        struct scratch_mark mark = scratch_mark(&task->scratch);
        uint32_t n = count - at < most * SLICE_ROWS ? count - at : most * SLICE_ROWS;
        uint32_t slices = (n + SLICE_ROWS - 1) / SLICE_ROWS;
        struct wave wave = {a, rows + at, n, scratch_array(&task->scratch, struct accumulator, slices)};
        for (uint32_t i = 0; i < slices; i++)
            accumulator_init(&wave.slices[i], acc->kind, false, &a->stage.grid, 1, &task->scratch);
        done = query_for(task->query, slices, add_slice, &wave);
        for (uint32_t i = 0; i < slices; i++) {
            if (done) accumulator_merge(acc, slot, &wave.slices[i]);
            accumulator_release(&wave.slices[i]);
        }
        scratch_rewind(&task->scratch, mark);
    }
    return done;
}

static bool is_variance(enum aggregate_kind kind)
{
    return kind == AGGREGATE_STDDEV || kind == AGGREGATE_STDVAR;
}

static bool is_large(const struct aggregation *a, uint32_t group)
{
    return groups_size(&a->groups, group) > SLICE_ROWS && !is_variance(a->node->op);
}

/* All rows of the small groups of a list, in one go. */
static bool add_small_groups(const struct aggregation *a, struct task *task, const uint32_t *groups, uint32_t count,
                             struct accumulator *acc)
{
    uint32_t total = 0, at = 0;

    for (uint32_t i = 0; i < count; i++) total += is_large(a, groups[i]) ? 0 : groups_size(&a->groups, groups[i]);
    uint32_t *rows = scratch_array(&task->scratch, uint32_t, total);
    uint32_t *slots = scratch_array(&task->scratch, uint32_t, total);
    for (uint32_t i = 0; i < count; i++) {
        if (is_large(a, groups[i])) continue;
        for (uint32_t r = a->groups.first[groups[i]]; r < a->groups.first[groups[i] + 1]; r++) {
            rows[at] = a->groups.rows[r];
            slots[at++] = i;
        }
    }
    return add_rows(a, task, rows, slots, total, acc);
}

/* Once more, in sequence: where a sum of slices overflowed, or an average's sum did. */
static bool redo_group(const struct aggregation *a, struct task *task, uint32_t group, struct tile *out, uint32_t row)
{
    struct scratch_mark mark = scratch_mark(&task->scratch);
    uint32_t count = groups_size(&a->groups, group);
    uint32_t *slots = scratch_array(&task->scratch, uint32_t, count);
    struct tile again = tile_make(&task->scratch, &a->stage.grid, 1);
    struct accumulator acc;

    for (uint32_t i = 0; i < count; i++) slots[i] = 0;
    accumulator_init(&acc, a->node->op, a->node->op == AGGREGATE_AVG, &a->stage.grid, 1, &task->scratch);
    bool done = add_rows(a, task, a->groups.rows + a->groups.first[group], slots, count, &acc);
    accumulator_finish(&acc, &again, &task->cells);
    accumulator_release(&acc);
    for (size_t s = 0; s < a->stage.grid.steps && out->histograms; s++)
        bits_clear(out->histograms, row * out->stride + s);
    tile_copy_row(out, row, &again, 0, &task->cells);
    scratch_rewind(&task->scratch, mark);
    return done;
}

static bool must_redo(const struct aggregation *a, uint32_t group, const struct accumulator *acc, uint32_t slot)
{
    bool is_sum_of_slices = a->node->op == AGGREGATE_SUM && is_large(a, group);

    return (is_sum_of_slices || a->node->op == AGGREGATE_AVG) && !accumulator_is_finite(acc, slot);
}

static void annotate(const struct aggregation *a, struct query *query, const struct accumulator_notes *notes)
{
    const struct node *expr = a->node->expr;

    if (notes->ignored) annotate_ignored_in_group(&query->annotations, expr, a->node->op);
    if (notes->mixed) annotate_mixed_group(&query->annotations, expr);
    if (notes->collision) annotate_collision(&query->annotations, expr, "aggregation");
    if (notes->reconciled) annotate_reconciled(&query->annotations, expr, "aggregation");
    if (notes->incompatible) query_note(query, expr, NOTE_MIXED_SCHEMAS, &a->child->shape, notes->incompatible_row, 1);
}

static bool fill_aggregation(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                             struct tile *out)
{
    const struct aggregation *a = (const struct aggregation *)stage;
    struct accumulator acc;
    bool done;

    accumulator_init(&acc, a->node->op, false, &stage->grid, count, &task->scratch);
    done = add_small_groups(a, task, rows, count, &acc);
    for (uint32_t i = 0; i < count && done; i++) {
        if (is_large(a, rows[i])) done = add_large_group(a, task, rows[i], i, &acc);
    }
    if (done) {
        accumulator_finish(&acc, out, &task->cells);
        annotate(a, task->query, &acc.notes);
    }
    for (uint32_t i = 0; i < count && done; i++) {
        if (must_redo(a, rows[i], &acc, i)) done = redo_group(a, task, rows[i], out, i);
    }
    accumulator_release(&acc);
    return done;
}

static const struct stage_class aggregation_class = {"aggregation", open_aggregation, fill_aggregation};

struct stage *plan_aggregate(struct plan *plan, const struct node *node)
{
    switch (node->aggregate.op) {
    case AGGREGATE_TOPK:
    case AGGREGATE_BOTTOMK:
    case AGGREGATE_LIMITK: return plan_rank(plan, node);
    case AGGREGATE_LIMIT_RATIO: return plan_limit_ratio(plan, node);
    case AGGREGATE_QUANTILE: return plan_group_quantile(plan, node);
    case AGGREGATE_COUNT_VALUES: return plan_count_values(plan, node);
    default: break;
    }
    struct stage *child = plan_node(plan, node->aggregate.expr);
    struct aggregation *a = plan_new(plan, &aggregation_class, node, sizeof *a);
    a->child = child;
    a->node = &node->aggregate;
    return &a->stage;
}
