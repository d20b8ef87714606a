/* Durations that are computed for each query; see duration_value.h. */
#include "query/duration_value.h"

#include "query/kernel.h"

/* What is wrong, and with which part. */
struct problem {
    const struct node *node;
    const char *text; /* NULL: nothing */
};

static double query_step_seconds(const struct query *query)
{
    return query->request.is_range ? (double)query->request.step_ms / 1000 : 0;
}

static double query_range_seconds(const struct query *query)
{
    return query->request.is_range ? (double)(query->request.end_ms - query->request.start_ms) / 1000 : 0;
}

/* Seconds. */
static double evaluate(const struct query *query, const struct node *node, struct problem *problem)
{
    double left = 0, right = 0;

    if (node->kind == NODE_NUMBER) return node->number.value;
    const struct duration *d = &node->duration;
    if (d->left) left = evaluate(query, d->left, problem);
    if (d->right) right = evaluate(query, d->right, problem);
    switch (d->op) {
    case OP_STEP: return query_step_seconds(query);
    case OP_RANGE: return query_range_seconds(query);
    case OP_MIN_OF: return smaller_of(left, right);
    case OP_MAX_OF: return larger_of(left, right);
    case OP_ADD: return left + right;
    case OP_SUB: return d->left ? left - right : -right;
    case OP_MUL: return left * right;
    case OP_DIV:
        if (right == 0 && !problem->text) *problem = (struct problem){node, "division by zero"};
        return left / right;
    case OP_MOD:
        if (right == 0 && !problem->text) *problem = (struct problem){node, "modulo by zero"};
        return fmod(left, right);
    default: return pow(left, right);
    }
}

/* The largest duration is 2^63 nanoseconds. */
static int64_t evaluate_ms(const struct query *query, const struct node *node, bool may_be_negative,
                           struct problem *problem)
{
    const double seconds_max = 0x1p63 / 1e9;
    double seconds = evaluate(query, node, problem);

    if (problem->text) return 0;
    if (isnan(seconds) || isinf(seconds)) {
        *problem = (struct problem){node, "duration is NaN or infinite"};
    } else if (seconds <= 0 && !may_be_negative) {
        *problem = (struct problem){node, "duration must be greater than 0"};
    } else if (seconds > seconds_max || seconds < -seconds_max) {
        *problem = (struct problem){node, "duration is out of range"};
    } else {
        return (int64_t)(seconds * 1000);
    }
    return 0;
}

struct check {
    const struct query *query;
    struct problem problem;
};

static bool check_one(struct check *check, const struct node *expr, bool may_be_negative)
{
    if (expr) evaluate_ms(check->query, expr, may_be_negative, &check->problem);
    return !check->problem.text;
}

static bool check_node(void *context, const struct node *node)
{
    struct check *check = context;

    switch (node->kind) {
    case NODE_SELECTOR: return check_one(check, node->selector.time.offset_expr, true);
    case NODE_RANGE: return check_one(check, node->range.range_expr, false);
    case NODE_SUBQUERY:
        return check_one(check, node->subquery.time.offset_expr, true) &&
               check_one(check, node->subquery.step_expr, false) && check_one(check, node->subquery.range_expr, false);
    default: return true;
    }
}

bool duration_values_check(const struct query *query, struct arena *arena, str *message)
{
    struct check check = {.query = query};

    if (ast_walk(query->tree, check_node, &check)) return true;
    const struct problem *p = &check.problem;
    *message = arena_format(arena, "%u:%u: %s", p->node->start, p->node->end, p->text);
    return false;
}

int64_t duration_value(const struct query *query, int64_t written_ms, const struct node *expr)
{
    struct problem problem = {0};

    return expr ? evaluate_ms(query, expr, true, &problem) : written_ms;
}
