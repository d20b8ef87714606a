/* Plans; see plan.h. */
#include "query/plan.h"

#include "query/duration_value.h"

void *plan_new(struct plan *plan, const struct stage_class *class, const struct node *node, size_t size)
{
    struct stage *stage = arena_zalloc(&plan->query->arena, size);

    stage->class = class;
    stage->node = node;
    stage->grid = plan->grid;
    stage->order = plan->next_order++;
    stage->repeats = plan->repeats ? plan->repeats : 1;
    stage->is_inner = plan->is_inner;
    stage->next = plan->query->stages;
    plan->query->stages = stage;
    return stage;
}

/* start(), end(), range() and step() are numbers. */
static bool fold_call(const struct query *query, const struct node *node, double *out)
{
    const struct query_request *request = &query->request;
    int64_t end_ms = request->is_range ? request->end_ms : request->start_ms;
    double range_ms = (double)((uint64_t)end_ms - (uint64_t)request->start_ms);

    switch (node->call.function->how.folds) {
    case FOLDS_START: *out = (double)request->start_ms / 1000; return true;
    case FOLDS_END: *out = (double)end_ms / 1000; return true;
    case FOLDS_RANGE: *out = range_ms / 1000; return true;
    case FOLDS_STEP: *out = range_ms > 0 ? (double)request->step_ms / 1000 : 0; return true;
    default: return false;
    }
}

/* Whether a node's value is that of the query's start at every step, and whether it is worth, and allowed, to evaluate
 * it once and repeat it: not for literals and range vectors. */
struct invariance {
    bool holds, is_to_repeat;
};

static struct invariance invariance_of(const struct node *node);

static struct invariance call_invariance(const struct node *node)
{
    const struct function *function = node->call.function;
    bool all = true;

    if (function->how.folds) return (struct invariance){true, false};
    for (size_t i = 0; i < node->call.arg_count && all; i++) all = invariance_of(node->call.args[i]).holds;
    /* The time of a sample at a fixed time is fixed; that of another expression is the step's. */
    bool is_fixed_sample =
        function->how.make == plan_timestamp && all && ast_unwrap(node->call.args[0])->kind == NODE_SELECTOR;
    bool holds = is_fixed_sample || (all && !function->how.follows_time);
    return (struct invariance){holds, holds};
}

static struct invariance invariance_of(const struct node *node)
{
    bool holds;

    switch (node->kind) {
    case NODE_SELECTOR: holds = node->selector.time.at != AT_NONE; return (struct invariance){holds, holds};
    case NODE_RANGE:
        holds = node->range.selector->selector.time.at != AT_NONE;
        return (struct invariance){holds, false};
    case NODE_SUBQUERY: holds = node->subquery.time.at != AT_NONE; return (struct invariance){holds, false};
    case NODE_AGGREGATE: return invariance_of(node->aggregate.expr); /* the parameter counts for nothing */
    case NODE_BINARY:
        holds = invariance_of(node->binary.left).holds && invariance_of(node->binary.right).holds;
        return (struct invariance){holds, holds};
    case NODE_UNARY: return invariance_of(node->unary.expr);
    case NODE_PAREN: return invariance_of(node->paren);
    case NODE_CALL: return call_invariance(node);
    default: return (struct invariance){true, false};
    }
}

static bool open_nothing(struct stage *stage, struct query *query)
{
    (void)stage;
    (void)query;
    return true;
}

static const struct stage_class nothing_class = {"nothing", open_nothing, NULL};

static struct stage *plan_kind(struct plan *plan, const struct node *node)
{
    double value;

    switch (node->kind) {
    case NODE_NUMBER: return plan_number(plan, node, node->number.value);
    case NODE_SELECTOR: return plan_selector(plan, node, SELECT_VALUES);
    case NODE_CALL:
        if (fold_call(plan->query, node, &value)) return plan_number(plan, node, value);
        return node->call.function->how.make(plan, node);
    case NODE_AGGREGATE: return plan_aggregate(plan, node);
    case NODE_BINARY: return plan_binary(plan, node);
    case NODE_UNARY: return plan_unary(plan, node);
    default: return plan_new(plan, &nothing_class, node, sizeof(struct stage)); /* no value of a grid */
    }
}

bool plan_is_repeated(const struct plan *plan, const struct node *node)
{
    return plan->grid.steps > 1 && invariance_of(node).is_to_repeat;
}

struct stage *plan_node(struct plan *plan, const struct node *node)
{
    struct grid grid = plan->grid;

    node = ast_unwrap(node);
    if (grid.steps == 0) return plan_new(plan, &nothing_class, node, sizeof(struct stage));
    if (!plan_is_repeated(plan, node)) return plan_kind(plan, node);
    plan->grid.steps = 1;
    plan->repeats = grid.steps;
    struct stage *once = plan_kind(plan, node);
    plan->grid = grid;
    plan->repeats = 1;
    return plan_repeat(plan, once);
}

/* At a time that is the query's or the selector's own. */
static void make_windows(const struct plan *plan, const struct time_modifier *time, int64_t range_ms,
                         struct windows *out)
{
    const struct query_request *request = &plan->query->request;

    *out = (struct windows){.grid = plan->grid,
                            .offset_ms = duration_value(plan->query, time->offset_ms, time->offset_expr),
                            .range_ms = range_ms};
    out->is_fixed = time->at != AT_NONE;
    switch (time->at) {
    case AT_TIME: out->fixed_ms = time->at_ms; break;
    case AT_END: out->fixed_ms = request->is_range ? request->end_ms : request->start_ms; break;
    default: out->fixed_ms = request->start_ms;
    }
}

void plan_windows(const struct plan *plan, const struct node *node, struct windows *out)
{
    const struct query *query = plan->query;
    const struct selector *selector = &node->selector;

    if (node->kind == NODE_SUBQUERY) {
        int64_t range_ms = duration_value(query, node->subquery.range_ms, node->subquery.range_expr);
        make_windows(plan, &node->subquery.time, range_ms, out);
        return;
    }
    if (node->kind == NODE_RANGE) {
        selector = &node->range.selector->selector;
        make_windows(plan, &selector->time, duration_value(query, node->range.range_ms, node->range.range_expr), out);
        if (selector->anchored || selector->smoothed) out->before_ms = query->lookback_ms;
    } else {
        make_windows(plan, &selector->time, query->lookback_ms, out);
    }
    if (selector->smoothed) out->after_ms = query->lookback_ms;
}

/* Absolute multiples of the step that the windows of the grid around it hold. */
struct grid plan_subquery_grid(const struct plan *plan, const struct node *node, const struct windows *windows)
{
    const struct engine_options *options = engine_get_options(plan->query->engine);
    int64_t step = duration_value(plan->query, node->subquery.step_ms, node->subquery.step_expr), from, to;

    if (step == 0) step = options->subquery_step_ms;
    windows_span(windows, &from, &to);
    int64_t start = from / step * step;
    if (start <= from) start = time_plus(start, step);
    struct grid grid = {start, step, 0};
    if (to < start) return grid;
    uint64_t steps = ((uint64_t)to - (uint64_t)start) / (uint64_t)step + 1;
    if (steps > options->samples_max || steps > UINT32_MAX / 2) {
        query_refuse(plan->query, STOP_REFUSED_SAMPLES, steps);
    } else if (options->query_bytes_max && steps * sizeof(double) > options->query_bytes_max) {
        query_refuse(plan->query, STOP_REFUSED_MEMORY, steps * sizeof(double));
    } else {
        grid.steps = (uint32_t)steps;
    }
    return grid;
}

static void plan_subquery(struct plan *plan, const struct node *node, struct feed *out)
{
    const struct plan outer = *plan;

    plan->grid = plan_subquery_grid(plan, node, &out->windows);
    plan->without_buckets = false;
    plan->is_inner = true;
    plan->repeats = 1;
    out->points = plan_node(plan, node->subquery.expr);
    plan->grid = outer.grid;
    plan->without_buckets = outer.without_buckets;
    plan->is_inner = outer.is_inner;
    plan->repeats = outer.repeats;
}

void plan_feed(struct plan *plan, const struct node *node, struct feed *out)
{
    node = ast_unwrap(node);
    *out = (struct feed){.node = node, .without_buckets = plan->without_buckets};
    plan_windows(plan, node, &out->windows);
    if (node->kind == NODE_SUBQUERY) {
        plan_subquery(plan, node, out);
    } else {
        out->selector = &node->range.selector->selector;
    }
}

struct stage *plan_query(struct query *query)
{
    struct plan plan = {.query = query, .grid = query->grid};
    struct stage *root = plan_node(&plan, query->tree);

    return query_has(query, FEATURE_DELAYED_NAME_REMOVAL) ? plan_cleanup(&plan, root) : root;
}
