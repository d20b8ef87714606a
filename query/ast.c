/* The syntax tree of PromQL; see ast.h. */
#include "query/ast.h"

#include <assert.h>

str value_type_name(enum value_type type)
{
    static const str names[] = {
        [VALUE_NONE] = STR("none"),           [VALUE_SCALAR] = STR("scalar"), [VALUE_VECTOR] = STR("instant vector"),
        [VALUE_MATRIX] = STR("range vector"), [VALUE_STRING] = STR("string"),
    };

    return names[type];
}

str operator_text(enum operator_kind op)
{
    static const str texts[] = {
        [OP_ADD] = STR("+"),         [OP_SUB] = STR("-"),         [OP_MUL] = STR("*"),
        [OP_DIV] = STR("/"),         [OP_MOD] = STR("%"),         [OP_POW] = STR("^"),
        [OP_ATAN2] = STR("atan2"),   [OP_EQL] = STR("=="),        [OP_NEQ] = STR("!="),
        [OP_LTE] = STR("<="),        [OP_LSS] = STR("<"),         [OP_GTE] = STR(">="),
        [OP_GTR] = STR(">"),         [OP_TRIM_UPPER] = STR("</"), [OP_TRIM_LOWER] = STR(">/"),
        [OP_AND] = STR("and"),       [OP_OR] = STR("or"),         [OP_UNLESS] = STR("unless"),
        [OP_STEP] = STR("step"),     [OP_RANGE] = STR("range"),   [OP_MIN_OF] = STR("min_of"),
        [OP_MAX_OF] = STR("max_of"),
    };

    return texts[op];
}

str aggregate_text(enum aggregate_kind kind)
{
    static const str texts[] = {
        [AGGREGATE_SUM] = STR("sum"),
        [AGGREGATE_AVG] = STR("avg"),
        [AGGREGATE_COUNT] = STR("count"),
        [AGGREGATE_MIN] = STR("min"),
        [AGGREGATE_MAX] = STR("max"),
        [AGGREGATE_GROUP] = STR("group"),
        [AGGREGATE_STDDEV] = STR("stddev"),
        [AGGREGATE_STDVAR] = STR("stdvar"),
        [AGGREGATE_TOPK] = STR("topk"),
        [AGGREGATE_BOTTOMK] = STR("bottomk"),
        [AGGREGATE_COUNT_VALUES] = STR("count_values"),
        [AGGREGATE_QUANTILE] = STR("quantile"),
        [AGGREGATE_LIMITK] = STR("limitk"),
        [AGGREGATE_LIMIT_RATIO] = STR("limit_ratio"),
    };

    return texts[kind];
}

const struct node *ast_unwrap(const struct node *node)
{
    while (node->kind == NODE_PAREN) node = node->paren;
    return node;
}

bool ast_walk(const struct node *node, bool (*visit)(void *context, const struct node *node), void *context)
{
    if (!visit(context, node)) return false;
    switch (node->kind) {
    case NODE_NUMBER:
    case NODE_STRING:
    case NODE_SELECTOR:
    case NODE_DURATION: return true;
    case NODE_RANGE: return ast_walk(node->range.selector, visit, context);
    case NODE_SUBQUERY: return ast_walk(node->subquery.expr, visit, context);
    case NODE_CALL:
        for (size_t i = 0; i < node->call.arg_count; i++) {
            if (!ast_walk(node->call.args[i], visit, context)) return false;
        }
        return true;
    case NODE_AGGREGATE:
        if (node->aggregate.param && !ast_walk(node->aggregate.param, visit, context)) return false;
        return ast_walk(node->aggregate.expr, visit, context);
    case NODE_BINARY:
        return ast_walk(node->binary.left, visit, context) && ast_walk(node->binary.right, visit, context);
    case NODE_UNARY: return ast_walk(node->unary.expr, visit, context);
    case NODE_PAREN: return ast_walk(node->paren, visit, context);
    }
    assert(false);
    return false;
}

static bool numbers_equal(double a, double b)
{
    return a == b || (a != a && b != b);
}

static bool names_equal(const str *a, size_t a_count, const str *b, size_t b_count)
{
    bool equal = a_count == b_count;

    for (size_t i = 0; i < a_count && equal; i++) equal = str_equal(a[i], b[i]);
    return equal;
}

static size_t count_matcher(const struct selector *selector, const struct matcher *matcher)
{
    size_t count = 0;

    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct matcher *other = &selector->matchers[i];
        count += other->type == matcher->type && str_equal(other->name, matcher->name) &&
                 str_equal(other->value, matcher->value);
    }
    return count;
}

/* In any order: the canonical text sorts them. */
static bool matchers_equal(const struct selector *a, const struct selector *b)
{
    bool equal = a->matcher_count == b->matcher_count;

    for (size_t i = 0; i < a->matcher_count && equal; i++)
        equal = count_matcher(a, &a->matchers[i]) == count_matcher(b, &a->matchers[i]);
    return equal;
}

/* Both absent or equal. */
static bool parts_equal(const struct node *a, const struct node *b)
{
    return a && b ? ast_equal(a, b) : a == b;
}

static bool times_equal(const struct time_modifier *a, const struct time_modifier *b)
{
    return a->offset_ms == b->offset_ms && parts_equal(a->offset_expr, b->offset_expr) && a->at == b->at &&
           a->at_ms == b->at_ms;
}

static bool selectors_equal(const struct selector *a, const struct selector *b)
{
    return str_equal(a->name, b->name) && matchers_equal(a, b) && times_equal(&a->time, &b->time) &&
           a->anchored == b->anchored && a->smoothed == b->smoothed;
}

static bool subqueries_equal(const struct subquery *a, const struct subquery *b)
{
    return ast_equal(a->expr, b->expr) && a->range_ms == b->range_ms && a->step_ms == b->step_ms &&
           parts_equal(a->range_expr, b->range_expr) && parts_equal(a->step_expr, b->step_expr) &&
           times_equal(&a->time, &b->time);
}

static bool calls_equal(const struct call *a, const struct call *b)
{
    bool equal = a->function == b->function && a->arg_count == b->arg_count;

    for (size_t i = 0; i < a->arg_count && equal; i++) equal = ast_equal(a->args[i], b->args[i]);
    return equal;
}

static bool aggregates_equal(const struct aggregate *a, const struct aggregate *b)
{
    return a->op == b->op && a->without == b->without &&
           names_equal(a->grouping, a->grouping_count, b->grouping, b->grouping_count) &&
           parts_equal(a->param, b->param) && ast_equal(a->expr, b->expr);
}

static bool matchings_equal(const struct matching *a, const struct matching *b)
{
    if (!a || !b) return a == b;
    return a->cardinality == b->cardinality && a->on == b->on &&
           names_equal(a->labels, a->label_count, b->labels, b->label_count) &&
           names_equal(a->include, a->include_count, b->include, b->include_count) &&
           a->has_fill_left == b->has_fill_left && a->has_fill_right == b->has_fill_right &&
           numbers_equal(a->fill_left, b->fill_left) && numbers_equal(a->fill_right, b->fill_right);
}

bool ast_equal(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->type != b->type) return false;
    switch (a->kind) {
    case NODE_NUMBER:
        return numbers_equal(a->number.value, b->number.value) && a->number.is_duration == b->number.is_duration;
    case NODE_STRING: return str_equal(a->string, b->string);
    case NODE_SELECTOR: return selectors_equal(&a->selector, &b->selector);
    case NODE_RANGE:
        return ast_equal(a->range.selector, b->range.selector) && a->range.range_ms == b->range.range_ms &&
               parts_equal(a->range.range_expr, b->range.range_expr);
    case NODE_SUBQUERY: return subqueries_equal(&a->subquery, &b->subquery);
    case NODE_CALL: return calls_equal(&a->call, &b->call);
    case NODE_AGGREGATE: return aggregates_equal(&a->aggregate, &b->aggregate);
    case NODE_BINARY:
        return a->binary.op == b->binary.op && a->binary.return_bool == b->binary.return_bool &&
               ast_equal(a->binary.left, b->binary.left) && ast_equal(a->binary.right, b->binary.right) &&
               matchings_equal(a->binary.matching, b->binary.matching);
    case NODE_UNARY: return a->unary.op == b->unary.op && ast_equal(a->unary.expr, b->unary.expr);
    case NODE_PAREN: return ast_equal(a->paren, b->paren);
    case NODE_DURATION:
        return a->duration.op == b->duration.op && a->duration.wrapped == b->duration.wrapped &&
               parts_equal(a->duration.left, b->duration.left) && parts_equal(a->duration.right, b->duration.right);
    }
    assert(false);
    return false;
}
