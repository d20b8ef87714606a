/* Costs; see cost.h. */
#include "query/cost.h"

#include "query/plan.h"

/* What is known of a node besides what is shown. */
struct outlook {
    struct cost *cost;
    uint64_t rows_least; /* rows that its shape surely has */
    bool is_total;       /* has a value at every step */
    bool has_one_name;   /* dropping metric names makes no two rows equal */
    struct shape *shape; /* its labels, if they are those of a selection; else NULL */
};

struct estimate {
    struct plan plan;
    struct arena *arena; /* for costs */
    bool with_texts;
    uint32_t threads;
    struct query_cost *total;
    uint64_t tile_least; /* of one row, for the longest grid that is surely filled */
};

enum { BYTES_A_ROW = 16, BYTES_A_POINT_OF_TEXT = 24, BYTES_A_SERIES_OF_TEXT = 160 };

static bool visit(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out);

/* Values and bits of presence. */
static uint64_t tile_bytes(const struct grid *grid, uint64_t rows)
{
    uint64_t elements = rows * grid_stride(grid);

    return elements * sizeof(double) + (elements + 63) / 64 * sizeof(uint64_t);
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static str operator_of(const struct node *node)
{
    switch (node->kind) {
    case NODE_SELECTOR: return STR("selector");
    case NODE_RANGE: return STR("range");
    case NODE_SUBQUERY: return STR("subquery");
    case NODE_CALL: return str_from(node->call.function->name);
    case NODE_AGGREGATE: return aggregate_text(node->aggregate.op);
    case NODE_BINARY: return operator_text(node->binary.op);
    case NODE_UNARY: return operator_text(node->unary.op);
    case NODE_STRING: return STR("string");
    default: return STR("number");
    }
}

/* The node's own numbers, when its rows are known. Each thread has a tile of each node at most. */
static void settle(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out)
{
    const struct grid *grid = &e->plan.grid;
    struct cost *cost = out->cost;

    cost->name = operator_of(node);
    if (e->with_texts) cost->expression = ast_print(node, e->arena);
    cost->steps = grid->steps;
    cost->points = cost->series * cost->steps;
    cost->bytes = tile_bytes(grid, at_most(cost->series, tile_rows(grid)));
    e->total->samples += cost->samples;
    e->total->bytes += cost->bytes * e->threads;
    uint64_t row = is_filled && out->rows_least && grid->steps ? tile_bytes(grid, 1) : 0;
    if (row > e->tile_least) e->tile_least = row;
}

/* The query keeps all values of a node until its end. */
static void keep(struct estimate *e, const struct outlook *out)
{
    const struct grid grid = {.steps = (uint32_t)out->cost->steps};

    e->total->bytes -= out->cost->bytes * e->threads;
    out->cost->is_kept = true;
    out->cost->bytes = tile_bytes(&grid, out->cost->series);
    e->total->bytes += out->cost->bytes;
    e->total->points += out->cost->points;
    e->total->bytes_least += tile_bytes(&grid, out->rows_least);
    if (out->is_total) e->total->points_least += out->cost->steps;
}

static struct cost *add_operand(struct estimate *e, struct cost **last, struct cost *parent)
{
    struct cost *cost = arena_zalloc(e->arena, sizeof *cost);

    *(*last ? &(*last)->next : &parent->first) = cost;
    *last = cost;
    return cost;
}

/* Visits an operand; on a grid of one step if its value does not change. */
static bool visit_operand(struct estimate *e, const struct node *node, struct outlook *parent, struct cost **last,
                          bool is_filled, struct outlook *out)
{
    *out = (struct outlook){.cost = add_operand(e, last, parent->cost)};
    return visit(e, node, is_filled, out);
}

static bool visit_selector(struct estimate *e, const struct node *node, struct outlook *out)
{
    struct query *query = e->plan.query;
    const struct selector *selector = &(node->kind == NODE_RANGE ? node->range.selector : node)->selector;
    struct shape *shape = arena_alloc(&query->arena, sizeof *shape);
    struct selection *selection;
    struct windows windows;

    plan_windows(&e->plan, node, &windows);
    if (!select_series(query, selector, &windows, &selection, shape)) return false;
    out->cost->series = out->rows_least = selection_count(selection);
    out->has_one_name = shape->is_distinct_unnamed;
    out->shape = shape;
    bool is_newest = e->plan.grid.steps == 1 && node->kind == NODE_SELECTOR && !selector->smoothed;
    uint64_t samples_max = selection_samples_estimate(selection);
    out->cost->samples = is_newest ? at_most(out->cost->series, samples_max) : samples_max;
    return true;
}

static bool visit_subquery(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out)
{
    struct grid grid = e->plan.grid;
    struct cost *last = NULL;
    struct windows windows;
    struct outlook inner;

    plan_windows(&e->plan, node, &windows);
    e->plan.grid = plan_subquery_grid(&e->plan, node, &windows);
    bool done = query_may_go_on(e->plan.query) && visit_operand(e, node->subquery.expr, out, &last, is_filled, &inner);
    e->plan.grid = grid;
    if (!done) return false;
    out->cost->series = inner.cost->series;
    out->rows_least = inner.rows_least;
    out->has_one_name = inner.has_one_name;
    out->shape = inner.shape;
    return true;
}

/* Functions and operators that drop the name may make rows equal, which are then one. */
static void drop_name(struct outlook *out)
{
    if (!out->has_one_name) out->rows_least = at_most(out->rows_least, 1);
    if (!out->has_one_name) out->shape = NULL;
}

static void inherit(struct outlook *out, const struct outlook *operand)
{
    out->cost->series = operand->cost->series;
    out->rows_least = operand->rows_least;
    out->has_one_name = operand->has_one_name;
    out->shape = operand->shape;
    out->is_total = operand->is_total;
}

/* What a call makes of the rows of its vector. */
static void call_rows(struct estimate *e, const struct node *node, const struct outlook *vector, struct outlook *out)
{
    plan_call *make = node->call.function->how.make;
    bool is_kept = (make == plan_sort || make == plan_sort_desc || make == plan_sort_by_label ||
                    make == plan_sort_by_label_desc) &&
                   e->plan.grid.steps == 1;

    inherit(out, vector);
    if (is_kept) keep(e, vector);
    if (make == plan_absent || make == plan_absent_over_time) {
        *out = (struct outlook){.cost = out->cost, .rows_least = 1};
        out->cost->series = 1;
    } else if (make == plan_histogram_quantile || make == plan_histogram_quantiles || make == plan_histogram_fraction ||
               make == plan_info) {
        uint64_t copies = make == plan_histogram_quantiles ? node->call.arg_count - 2 : 1;
        *out = (struct outlook){.cost = out->cost};
        out->cost->series = vector->cost->series * copies;
    } else if (make == plan_label_replace || make == plan_label_join) {
        out->rows_least = at_most(out->rows_least, 1);
        out->has_one_name = false;
        out->shape = NULL;
    } else {
        if (is_kept) out->rows_least = 0; /* only rows with a value are sorted */
        out->is_total = false;
        drop_name(out);
    }
}

static bool visit_call(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out)
{
    bool is_info = node->call.function->how.make == plan_info;
    size_t count = is_info ? 1 : node->call.arg_count; /* info selects by values that it finds in the data */
    struct outlook operand, vector = {0};
    struct cost *last = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct node *arg = ast_unwrap(node->call.args[i]);
        bool is_scalar = arg->type == VALUE_SCALAR;
        if (arg->type == VALUE_STRING) continue;
        if (!visit_operand(e, arg, out, &last, is_filled && !is_scalar, &operand)) return false;
        if (!is_scalar) {
            vector = operand;
        } else if (node->call.function->how.make != plan_vector) {
            keep(e, &operand);
        }
    }
    if (node->type == VALUE_SCALAR || node->call.function->how.make == plan_vector || !vector.cost) {
        *out = (struct outlook){.cost = out->cost, .rows_least = 1, .is_total = true};
        out->cost->series = 1;
    } else {
        call_rows(e, node, &vector, out);
    }
    return true;
}

/* Groups are counted only for people: the query itself will do so when it starts. */
static bool count_groups(struct estimate *e, const struct aggregate *aggregate, const struct outlook *operand,
                         uint64_t *out)
{
    struct query *query = e->plan.query;
    struct label_choice choice;
    struct keys keys;

    uint32_t *ids = memory_alloc(operand->shape->count * sizeof *ids);
    label_choice_make(&choice, query, aggregate->grouping, aggregate->grouping_count, !aggregate->without);
    keys_init(&keys, &query->account);
    bool done = shape_keys(operand->shape, query, &choice, &keys, ids);
    *out = keys_count(&keys);
    keys_release(&keys);
    free(ids);
    return done;
}

static bool visit_aggregate(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out)
{
    const struct aggregate *aggregate = &node->aggregate;
    bool picks = aggregate->op == AGGREGATE_TOPK || aggregate->op == AGGREGATE_BOTTOMK ||
                 aggregate->op == AGGREGATE_LIMITK || aggregate->op == AGGREGATE_LIMIT_RATIO;
    struct outlook operand, param;
    struct cost *last = NULL;

    if (aggregate->param && aggregate->param->type == VALUE_SCALAR) {
        if (!visit_operand(e, aggregate->param, out, &last, false, &param)) return false;
        keep(e, &param);
    }
    if (!visit_operand(e, aggregate->expr, out, &last, is_filled, &operand)) return false;
    uint64_t rows = operand.cost->series;
    out->cost->series = rows;
    if (picks) return true; /* which rows, the data decide */
    if (aggregate->op == AGGREGATE_COUNT_VALUES) {
        keep(e, &operand);
        out->cost->series = operand.cost->points;
        return true;
    }
    out->rows_least = at_most(operand.rows_least, 1);
    out->is_total = operand.is_total;
    if (aggregate->grouping_count == 0 && !aggregate->without) {
        out->cost->series = at_most(rows, 1);
    } else if (e->with_texts && operand.shape) {
        return count_groups(e, aggregate, &operand, &out->cost->series);
    }
    return true;
}

static void join_rows(struct estimate *e, const struct binary *binary, struct outlook *left, struct outlook *right,
                      struct outlook *out)
{
    const struct matching *matching = binary->matching;
    uint64_t l = left->cost->series, r = right->cost->series;

    if (binary->op == OP_OR) {
        out->cost->series = l + r;
    } else if (operator_is_set(binary->op)) {
        out->cost->series = l;
    } else if (matching->has_fill_left || matching->has_fill_right) {
        out->cost->series = l + r;
    } else if (matching->cardinality == ONE_TO_ONE) {
        out->cost->series = at_most(l, r);
    } else {
        bool is_swapped = matching->cardinality == ONE_TO_MANY;
        out->cost->series = is_swapped ? r : l;
        keep(e, is_swapped ? left : right);
    }
}

static bool visit_binary(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out)
{
    const struct binary *binary = &node->binary;
    bool left_is_scalar = binary->left->type == VALUE_SCALAR, right_is_scalar = binary->right->type == VALUE_SCALAR;
    bool has_scalar = left_is_scalar || right_is_scalar;
    struct outlook left, right;
    struct cost *last = NULL;

    if (!visit_operand(e, binary->left, out, &last, is_filled && has_scalar && !left_is_scalar, &left) ||
        !visit_operand(e, binary->right, out, &last, is_filled && has_scalar && !right_is_scalar, &right))
        return false;
    if (!has_scalar) {
        join_rows(e, binary, &left, &right, out);
        return true;
    }
    if (left_is_scalar && !right_is_scalar) keep(e, &left);
    if (right_is_scalar && !left_is_scalar) keep(e, &right);
    bool both = left_is_scalar && right_is_scalar;
    inherit(out, left_is_scalar ? &right : &left);
    out->is_total = both;
    if (!operator_is_comparison(binary->op) || binary->return_bool) drop_name(out);
    return true;
}

static bool visit_kind(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out)
{
    struct cost *last = NULL;
    struct outlook operand;

    switch (node->kind) {
    case NODE_SELECTOR:
    case NODE_RANGE: return visit_selector(e, node, out);
    case NODE_SUBQUERY: return visit_subquery(e, node, is_filled, out);
    case NODE_CALL: return visit_call(e, node, is_filled, out);
    case NODE_AGGREGATE: return visit_aggregate(e, node, is_filled, out);
    case NODE_BINARY: return visit_binary(e, node, is_filled, out);
    case NODE_UNARY:
        if (!visit_operand(e, node->unary.expr, out, &last, is_filled, &operand)) return false;
        inherit(out, &operand);
        drop_name(out);
        return true;
    case NODE_STRING: return true;
    default:
        out->cost->series = out->rows_least = 1;
        out->is_total = true;
        return true;
    }
}

static bool visit(struct estimate *e, const struct node *node, bool is_filled, struct outlook *out)
{
    struct grid grid = e->plan.grid;
    bool done = query_may_go_on(e->plan.query);

    node = ast_unwrap(node);
    if (plan_is_repeated(&e->plan, node)) e->plan.grid.steps = 1;
    if (grid.steps && done) done = visit_kind(e, node, is_filled, out);
    e->plan.grid = grid;
    if (done) settle(e, node, is_filled, out);
    return done;
}

/* A vector is kept; of a matrix the labels of all rows and the times are, and what is rendered. */
static void add_result(struct estimate *e, const struct outlook *root)
{
    const struct query *query = e->plan.query;
    struct query_cost *total = e->total;
    uint64_t series = root->cost->series, points = root->cost->points;

    if (query->type == VALUE_MATRIX) points = root->cost->samples; /* raw samples, or a subquery's points */
    if (query->type == VALUE_MATRIX && root->cost->first) points = root->cost->first->points;
    if (!query->request.is_range && query->type == VALUE_VECTOR) {
        keep(e, root);
        total->bytes += series * sizeof(uint32_t);
        total->bytes_least += root->rows_least * sizeof(uint32_t);
    } else {
        uint64_t times = query->type == VALUE_VECTOR ? root->cost->steps * sizeof(int64_t) : 0;
        total->points += points;
        if (root->is_total) total->points_least += root->cost->steps;
        total->bytes += times + series * BYTES_A_ROW;
        total->bytes_least += times + root->rows_least * BYTES_A_ROW;
    }
    total->bytes += points * BYTES_A_POINT_OF_TEXT + series * BYTES_A_SERIES_OF_TEXT;
    total->bytes_least += e->tile_least;
    total->series = series;
    total->steps = root->cost->steps;
}

bool cost_estimate(struct query *query, bool with_texts, struct query_cost *out)
{
    struct arena *arena = with_texts ? &query->text_arena : &query->arena;
    struct estimate e = {.plan = {.query = query, .grid = query->grid},
                         .arena = arena,
                         .with_texts = with_texts,
                         .threads = engine_get_options(query->engine)->threads,
                         .total = out};
    struct outlook root = {.cost = arena_zalloc(arena, sizeof *root.cost)};

    *out = (struct query_cost){.root = root.cost};
    if (!visit(&e, query->tree, true, &root)) return false;
    add_result(&e, &root);
    return true;
}

bool cost_check(struct query *query, const struct query_cost *cost)
{
    const struct engine_options *options = engine_get_options(query->engine);
    uint64_t total_max = options->total_bytes_max, query_max = options->query_bytes_max;
    bool is_too_large = (query_max && cost->bytes_least > query_max) || (total_max && cost->bytes_least > total_max);

    if (cost->points_least > options->samples_max) {
        query_refuse(query, STOP_REFUSED_SAMPLES, cost->points_least);
    } else if (is_too_large) {
        query_refuse(query, STOP_REFUSED_MEMORY, cost->bytes_least);
    }
    return query_may_go_on(query);
}
