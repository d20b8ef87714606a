/* The types of PromQL expressions; see types.h.
 *
 * Types follow from the shape of the tree alone, so they are filled in first, bottom up; the check comes after and may
 * look at the type of any node. Where an expression has several errors, the one reported is a matter of order: first
 * those of the operands, left to right, then its own in the order of the code here.
 */
#include "query/types.h"

#include "query/functions.h"
#include "query/quote.h"
#include "tsdb/labels.h"

#include <assert.h>

struct checker {
    str text;
    struct arena *arena;
    struct parse_error *error;
};

/* Always false. */
__attribute__((format(printf, 3, 4))) static bool fail(struct checker *checker, uint32_t at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    *checker->error = parse_error_at(checker->text, at, arena_format_list(checker->arena, format, args));
    va_end(args);
    return false;
}

static const char *type_name(enum value_type type)
{
    return value_type_name(type).data;
}

static enum value_type assign(struct node *node);

static enum value_type assign_operands(struct node *node)
{
    switch (node->kind) {
    case NODE_SUBQUERY: assign(node->subquery.expr); return VALUE_MATRIX;
    case NODE_RANGE: assign(node->range.selector); return VALUE_MATRIX;
    case NODE_CALL:
        for (size_t i = 0; i < node->call.arg_count; i++) assign(node->call.args[i]);
        return node->call.function->gives;
    case NODE_AGGREGATE:
        if (node->aggregate.param) assign(node->aggregate.param);
        assign(node->aggregate.expr);
        return VALUE_VECTOR;
    case NODE_BINARY: {
        enum value_type left = assign(node->binary.left), right = assign(node->binary.right);
        return left == VALUE_SCALAR && right == VALUE_SCALAR ? VALUE_SCALAR : VALUE_VECTOR;
    }
    case NODE_UNARY: return assign(node->unary.expr);
    case NODE_PAREN: return assign(node->paren);
    case NODE_SELECTOR: return VALUE_VECTOR;
    case NODE_STRING: return VALUE_STRING;
    case NODE_NUMBER:
    case NODE_DURATION: return VALUE_SCALAR;
    }
    assert(false);
    return VALUE_NONE;
}

static enum value_type assign(struct node *node)
{
    return node->type = assign_operands(node);
}

static bool check(struct checker *checker, struct node *node);

static bool check_selector(struct checker *checker, const struct node *node)
{
    const struct selector *selector = &node->selector;

    if (selector->name.len) {
        for (size_t i = 0; i + 1 < selector->matcher_count; i++) {
            const struct matcher *matcher = &selector->matchers[i];
            if (str_equal(matcher->name, METRIC_NAME))
                return fail(checker, node->start, "metric name must not be set twice: %.*s or %.*s",
                            STR_ARG(quote_text(selector->name, checker->arena)),
                            STR_ARG(quote_text(matcher->value, checker->arena)));
        }
        return true;
    }
    for (size_t i = 0; i < selector->matcher_count; i++) {
        if (!matcher_matches_empty(&selector->matchers[i])) return true;
    }
    return fail(checker, node->start, "vector selector must contain at least one non-empty matcher");
}

static bool check_operand(struct checker *checker, struct node *node, enum value_type want, const char *where)
{
    if (!check(checker, node)) return false;
    if (node->type == want) return true;
    return fail(checker, node->start, "expected type %s in %s, got %s", type_name(want), where, type_name(node->type));
}

static bool check_aggregate(struct checker *checker, struct node *node)
{
    struct aggregate *aggregate = &node->aggregate;
    enum value_type param = aggregate->op == AGGREGATE_COUNT_VALUES ? VALUE_STRING : VALUE_SCALAR;

    if (!check_operand(checker, aggregate->expr, VALUE_VECTOR, "aggregation expression")) return false;
    return !aggregate->param || check_operand(checker, aggregate->param, param, "aggregation parameter");
}

static bool check_arg_count(struct checker *checker, const struct node *node, const struct signature *signature)
{
    const char *name = node->call.function->name;
    size_t count = node->call.arg_count, want = signature->count;

    if (signature->variadic == 0) {
        if (count == want) return true;
        return fail(checker, node->start, "expected %zu argument(s) in call to \"%s\", got %zu", want, name, count);
    }
    size_t min = want - 1, max = min + (size_t)signature->variadic;
    if (count < min)
        return fail(checker, node->start, "expected at least %zu argument(s) in call to \"%s\", got %zu", min, name,
                    count);
    if (signature->variadic > 0 && count > max)
        return fail(checker, node->start, "expected at most %zu argument(s) in call to \"%s\", got %zu", max, name,
                    count);
    return true;
}

/* A selector of labels only is allowed what a selector of series is not: to match everything. */
static bool check_label_selector(struct checker *checker, const struct node *call, const struct node *arg)
{
    if (arg->type != VALUE_VECTOR)
        return fail(checker, call->start, "expected type %s in call to function \"%s\", got %s",
                    type_name(VALUE_VECTOR), call->call.function->name, type_name(arg->type));
    if (arg->kind != NODE_SELECTOR) return fail(checker, arg->start, "expected label selectors only");
    if (arg->selector.name.len)
        return fail(checker, arg->start, "expected label selectors only, got vector selector instead");
    return true;
}

static bool check_call(struct checker *checker, struct node *node)
{
    const struct function *function = node->call.function;
    struct signature signature = functions_signature(function);
    const char *label_selector = strchr(function->takes, 'l');
    size_t label_selector_at = label_selector ? (size_t)(label_selector - function->takes) : SIZE_MAX;

    if (!check_arg_count(checker, node, &signature)) return false;
    if (label_selector_at < node->call.arg_count &&
        !check_label_selector(checker, node, node->call.args[label_selector_at]))
        return false;
    for (size_t i = 0; i < node->call.arg_count; i++) {
        struct node *arg = node->call.args[i];
        enum value_type want = signature.types[i < signature.count ? i : signature.count - 1];
        if (i == label_selector_at) continue;
        if (!check(checker, arg)) return false;
        if (arg->type != want)
            return fail(checker, arg->start, "expected type %s in call to function \"%s\", got %s", type_name(want),
                        function->name, type_name(arg->type));
    }
    return true;
}

/* Where the operator of a binary expression stands. */
static uint32_t operator_start(const struct checker *checker, const struct node *node)
{
    uint32_t at = node->binary.left->end;

    while (at < checker->text.len && strchr(" \t\r\n", checker->text.data[at])) at++;
    return at;
}

static bool check_operator(struct checker *checker, const struct node *node)
{
    const struct binary *binary = &node->binary;
    const struct matching *matching = binary->matching;
    bool compares = operator_is_comparison(binary->op);

    if (binary->return_bool && !compares)
        return fail(checker, operator_start(checker, node), "bool modifier can only be used on comparison operators");
    if (compares && !binary->return_bool && node->type == VALUE_SCALAR)
        return fail(checker, operator_start(checker, node), "comparisons between scalars must use BOOL modifier");
    for (size_t i = 0; matching->on && i < matching->label_count; i++) {
        for (size_t j = 0; j < matching->include_count; j++) {
            if (str_equal(matching->labels[i], matching->include[j]))
                return fail(checker, operator_start(checker, node),
                            "label %.*s must not occur in ON and GROUP clause at once",
                            STR_ARG(quote_text(matching->labels[i], checker->arena)));
        }
    }
    return true;
}

static bool is_scalar_or_vector(const struct node *node)
{
    return node->type == VALUE_SCALAR || node->type == VALUE_VECTOR;
}

static bool check_matching_of_vectors(struct checker *checker, struct node *node)
{
    struct matching *matching = node->binary.matching;
    const char *op = operator_text(node->binary.op).data;

    if (!operator_is_set(node->binary.op)) return true;
    if (matching->cardinality != ONE_TO_ONE)
        return fail(checker, node->start, "no grouping allowed for \"%s\" operation", op);
    if (matching->has_fill_left || matching->has_fill_right)
        return fail(checker, node->start, "filling in missing series not allowed for set operators");
    matching->cardinality = MANY_TO_MANY;
    return true;
}

static bool check_matching_with_scalar(struct checker *checker, struct node *node)
{
    const struct matching *matching = node->binary.matching;

    if (matching->label_count)
        return fail(checker, node->start, "vector matching only allowed between instant vectors");
    if (matching->has_fill_left || matching->has_fill_right)
        return fail(checker, node->start, "filling in missing series only allowed between instant vectors");
    if (operator_is_set(node->binary.op))
        return fail(checker, node->start, "set operator \"%s\" not allowed in binary scalar expression",
                    operator_text(node->binary.op).data);
    node->binary.matching = NULL;
    return true;
}

static bool check_binary(struct checker *checker, struct node *node)
{
    struct node *left = node->binary.left, *right = node->binary.right;

    if (!check(checker, left) || !check(checker, right) || !check_operator(checker, node)) return false;
    if (!is_scalar_or_vector(left) || !is_scalar_or_vector(right))
        return fail(checker, is_scalar_or_vector(left) ? right->start : left->start,
                    "binary expression must contain only scalar and instant vector types");
    if (left->type == VALUE_VECTOR && right->type == VALUE_VECTOR) return check_matching_of_vectors(checker, node);
    return check_matching_with_scalar(checker, node);
}

static bool check_unary(struct checker *checker, struct node *node)
{
    if (!check(checker, node->unary.expr)) return false;
    if (is_scalar_or_vector(node)) return true;
    return fail(checker, node->start,
                "unary expression only allowed on expressions of type scalar or instant vector, got \"%s\"",
                type_name(node->type));
}

static bool check_subquery(struct checker *checker, struct node *node)
{
    static const char *const short_names[] = {
        [VALUE_NONE] = "none",     [VALUE_SCALAR] = "scalar", [VALUE_VECTOR] = "vector",
        [VALUE_MATRIX] = "matrix", [VALUE_STRING] = "string",
    };
    struct node *expr = node->subquery.expr;

    if (!check(checker, expr)) return false;
    if (expr->type == VALUE_VECTOR) return true;
    return fail(checker, node->start, "subquery is only allowed on instant vector, got %s instead",
                short_names[expr->type]);
}

static bool check(struct checker *checker, struct node *node)
{
    switch (node->kind) {
    case NODE_NUMBER:
    case NODE_STRING:
    case NODE_DURATION: return true;
    case NODE_SELECTOR: return check_selector(checker, node);
    case NODE_RANGE: return check_selector(checker, node->range.selector);
    case NODE_SUBQUERY: return check_subquery(checker, node);
    case NODE_CALL: return check_call(checker, node);
    case NODE_AGGREGATE: return check_aggregate(checker, node);
    case NODE_BINARY: return check_binary(checker, node);
    case NODE_UNARY: return check_unary(checker, node);
    case NODE_PAREN: return check(checker, node->paren);
    }
    assert(false);
    return false;
}

bool types_check(struct node *root, str text, struct arena *arena, struct parse_error *error)
{
    struct checker checker = {text, arena, error};

    assign(root);
    return check(&checker, root);
}
