/* PromQL text to a typed syntax tree; see parse.h.
 *
 * One function per rule of the grammar, operators by precedence climbing. Durations and what stands in braces have
 * files of their own; parser.h says how the rules work together.
 */
#include "query/parse.h"

#include "query/functions.h"
#include "query/parser.h"
#include "query/quote.h"
#include "query/suggest.h"
#include "query/types.h"
#include "tsdb/labels.h"

#include <math.h>

static struct node *parse_expr(struct parser *parser, enum precedence loosest);

static bool starts_expr(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_ADD:
    case TOKEN_SUB:
    case TOKEN_STRING:
    case TOKEN_NUMBER:
    case TOKEN_DURATION:
    case TOKEN_LEFT_PAREN:
    case TOKEN_LEFT_BRACE: return true;
    default: return token_is_metric_name(kind);
    }
}

/* A metric name, which the token is, or matchers, or both. */
static struct node *parse_selector_expr(struct parser *parser, const struct token *name)
{
    struct node *node = parser_node(parser, NODE_SELECTOR, name ? name->start : parser->next.start);
    struct selector *selector = &node->selector;
    struct matcher matcher;

    selector->name = name ? name->text : STR("");
    if (parser_peek(parser) == TOKEN_LEFT_BRACE) {
        if (!parse_matchers(parser, &selector->matchers, &selector->matcher_count)) return NULL;
        node->end = parser->end;
    }
    if (name) {
        status s = matcher_compile(MATCH_EQUAL, METRIC_NAME, name->text, &matcher, parser->arena);
        if (failed(s)) return parser_fail(parser, name->start, "%s", s.text);
        PARSER_PUSH(parser, selector->matchers, selector->matcher_count, matcher);
    }
    return node;
}

/* Expressions in parentheses, the left one next. */
static bool parse_args(struct parser *parser, struct node ***args, size_t *count)
{
    if (!parser_expect(parser, TOKEN_LEFT_PAREN)) return false;
    if (parser_accept(parser, TOKEN_RIGHT_PAREN)) return true;
    for (;;) {
        struct node *arg = parse_expr(parser, PRECEDENCE_OR);
        if (!arg) return false;
        PARSER_PUSH(parser, *args, *count, arg);
        if (parser_accept(parser, TOKEN_RIGHT_PAREN)) return true;
        if (!parser_expect(parser, TOKEN_COMMA)) return false;
        if (!starts_expr(parser_peek(parser)))
            return parser_fail(parser, parser->end - 1, "trailing commas not allowed in function call args");
    }
}

static struct node *parse_call(struct parser *parser, const struct token *name)
{
    struct call call = {0};

    if (!parse_args(parser, &call.args, &call.arg_count)) return NULL;
    call.function = functions_find(name->text);
    if (!call.function) {
        str meant = suggest_text(name->text, SUGGEST_FUNCTIONS | SUGGEST_KEYWORDS, parser->arena);
        return parser_fail(parser, name->start, "unknown function with name %.*s%.*s",
                           STR_ARG(quote_text(name->text, parser->arena)), STR_ARG(meant));
    }
    if (call.function->experimental && !(parser->features & FEATURE_EXPERIMENTAL_FUNCTIONS))
        return parser_fail(parser, name->start, "function %.*s is not enabled",
                           STR_ARG(quote_text(name->text, parser->arena)));

    struct node *node = parser_node(parser, NODE_CALL, name->start);
    node->call = call;
    for (size_t i = 0; i < call.arg_count; i++) {
        if (!parser_raise(parser, node, call.args[i])) return NULL;
    }
    return node;
}

/* `by (…)` or `without (…)`, if that is next. */
static bool parse_grouping(struct parser *parser, struct aggregate *aggregate)
{
    enum token_kind kind = parser_peek(parser);

    if (kind != TOKEN_BY && kind != TOKEN_WITHOUT) return true;
    parser_take(parser);
    aggregate->has_grouping = true;
    aggregate->without = kind == TOKEN_WITHOUT;
    return parse_label_names(parser, &aggregate->grouping, &aggregate->grouping_count);
}

static bool takes_param(enum aggregate_kind op)
{
    return op >= AGGREGATE_TOPK;
}

static bool set_operands(struct parser *parser, struct aggregate *aggregate, uint32_t start, struct node **args,
                         size_t count)
{
    bool is_experimental = aggregate->op == AGGREGATE_LIMITK || aggregate->op == AGGREGATE_LIMIT_RATIO;
    size_t want = takes_param(aggregate->op) ? 2 : 1;

    if (count == 0) return parser_fail(parser, start, "no arguments for aggregate expression provided");
    if (is_experimental && !(parser->features & FEATURE_EXPERIMENTAL_FUNCTIONS))
        return parser_fail(parser, start,
                           "%.*s() is experimental and must be enabled with "
                           "--enable-feature=promql-experimental-functions",
                           STR_ARG(aggregate_text(aggregate->op)));
    if (count != want)
        return parser_fail(parser, start,
                           "wrong number of arguments for aggregate expression provided, expected %zu, got %zu", want,
                           count);
    aggregate->param = want == 2 ? args[0] : NULL;
    aggregate->expr = args[want - 1];
    return true;
}

static struct node *parse_aggregate(struct parser *parser, const struct token *name)
{
    struct context outer = parser_enter(parser, "aggregation", NULL);
    struct aggregate aggregate = {.op = token_aggregate(name->kind)};
    struct node **args = NULL;
    size_t arg_count = 0;

    if (!parse_grouping(parser, &aggregate) || !parse_args(parser, &args, &arg_count)) return NULL;
    if (!aggregate.has_grouping && !parse_grouping(parser, &aggregate)) return NULL;
    parser->context = outer;
    if (!set_operands(parser, &aggregate, name->start, args, arg_count)) return NULL;

    struct node *node = parser_node(parser, NODE_AGGREGATE, name->start);
    node->aggregate = aggregate;
    if (aggregate.param && !parser_raise(parser, node, aggregate.param)) return NULL;
    return parser_raise(parser, node, aggregate.expr) ? node : NULL;
}

/* A word is what the next token makes of it: a function or aggregation before a parenthesis, else a metric. */
static struct node *parse_word(struct parser *parser)
{
    struct token word = parser_take(parser);
    enum token_kind next = parser_peek(parser);

    if (token_is_aggregate(word.kind)) {
        bool aggregates = next == TOKEN_LEFT_PAREN || next == TOKEN_BY || next == TOKEN_WITHOUT;
        return aggregates ? parse_aggregate(parser, &word) : parse_selector_expr(parser, &word);
    }
    bool names_function = word.kind == TOKEN_IDENTIFIER || word.kind >= TOKEN_START;
    if (next == TOKEN_LEFT_PAREN && names_function) return parse_call(parser, &word);
    return parse_selector_expr(parser, &word);
}

static struct node *parse_paren(struct parser *parser)
{
    uint32_t start = parser_take(parser).start;
    struct node *inner = parse_expr(parser, PRECEDENCE_OR);

    if (!inner || !parser_expect(parser, TOKEN_RIGHT_PAREN)) return NULL;
    struct node *node = parser_node(parser, NODE_PAREN, start);
    node->paren = inner;
    return parser_raise(parser, node, inner) ? node : NULL;
}

static struct node *parse_string(struct parser *parser)
{
    struct token token = parser_take(parser);
    struct node *node = parser_node(parser, NODE_STRING, token.start);

    node->string = quote_read(token.text, parser->arena);
    return node;
}

static struct node *parse_primary(struct parser *parser)
{
    enum token_kind kind = parser_peek(parser);

    switch (kind) {
    case TOKEN_NUMBER:
    case TOKEN_DURATION: return parse_number(parser);
    case TOKEN_STRING: return parse_string(parser);
    case TOKEN_LEFT_PAREN: return parse_paren(parser);
    case TOKEN_LEFT_BRACE: return parse_selector_expr(parser, NULL);
    default: return token_is_metric_name(kind) ? parse_word(parser) : parser_unexpected(parser);
    }
}

/* Where a modifier of time goes, or NULL with an error if the node has no time. */
static struct time_modifier *time_of(struct parser *parser, struct node *node, const char *modifier)
{
    switch (node->kind) {
    case NODE_SELECTOR: return &node->selector.time;
    case NODE_RANGE: return &node->range.selector->selector.time;
    case NODE_SUBQUERY: return &node->subquery.time;
    default:
        return parser_fail(parser, node->start,
                           "%s modifier must be preceded by an instant vector selector or range vector selector or a "
                           "subquery",
                           modifier);
    }
}

static bool parse_offset(struct parser *parser, struct node *node)
{
    struct context outer = parser_enter(parser, "offset", "number, duration, step(), or range()");
    struct node *expr;
    int64_t ms;

    parser_take(parser);
    if (!parse_offset_duration(parser, &ms, &expr)) return false;
    parser->context = outer;

    struct time_modifier *time = time_of(parser, node, "offset");
    if (!time) return false;
    if (time->offset_ms || time->offset_expr)
        return parser_fail(parser, node->start, "offset may not be set multiple times");
    time->offset_ms = ms;
    time->offset_expr = expr;
    node->end = parser->end;
    return true;
}

/* Seconds as the time of an @. Prometheus lets times pass that overflow only as milliseconds, and wraps them. */
static bool read_timestamp(struct parser *parser, const struct node *node, double seconds, int64_t *out_ms)
{
    double ms = round(seconds * 1000);

    if (!(fabs(ms) < 0x1p63)) {
        const char *name = isnan(seconds) ? "NaN" : seconds > 0 ? "+Inf" : "-Inf";
        str text = isfinite(seconds) ? arena_format(parser->arena, "%f", seconds) : str_from(name);
        return parser_fail(parser, node->start, "timestamp out of bounds for @ modifier: %.*s", STR_ARG(text));
    }
    *out_ms = (int64_t)ms;
    return true;
}

static bool parse_at(struct parser *parser, struct node *node)
{
    struct context outer = parser_enter(parser, "@", "timestamp");
    enum at_kind at = AT_TIME;
    int64_t at_ms = 0;

    parser_take(parser);
    if (parser_peek(parser) == TOKEN_START || parser_peek(parser) == TOKEN_END_FUNCTION) {
        at = parser_take(parser).kind == TOKEN_START ? AT_START : AT_END;
        if (!parser_expect(parser, TOKEN_LEFT_PAREN) || !parser_expect(parser, TOKEN_RIGHT_PAREN)) return false;
    } else {
        const struct node *number = parse_signed_number(parser);
        if (!number || !read_timestamp(parser, node, number->number.value, &at_ms)) return false;
    }
    parser->context = outer;

    struct time_modifier *time = time_of(parser, node, "@");
    if (!time) return false;
    if (time->at != AT_NONE) return parser_fail(parser, node->start, "@ <timestamp> may not be set multiple times");
    time->at = at;
    time->at_ms = at_ms;
    node->end = parser->end;
    return true;
}

/* `anchored` or `smoothed`. */
static bool parse_smoothing(struct parser *parser, struct node *node)
{
    struct token token = parser_take(parser);
    const char *word = token.kind == TOKEN_ANCHORED ? "anchored" : "smoothed";
    struct node *target = node->kind == NODE_RANGE ? node->range.selector : node;

    if (!(parser->features & FEATURE_EXTENDED_RANGE_SELECTORS))
        return parser_fail(parser, node->start, "%s modifier is experimental and not enabled", word);
    if (target->kind == NODE_SUBQUERY)
        return parser_fail(parser, node->start, "%s modifier is not supported for subqueries", word);
    if (target->kind != NODE_SELECTOR) return parser_fail(parser, node->start, "%s modifier not implemented", word);
    if (token.kind == TOKEN_ANCHORED) target->selector.anchored = true;
    if (token.kind == TOKEN_SMOOTHED) target->selector.smoothed = true;
    if (target->selector.anchored && target->selector.smoothed)
        return parser_fail(parser, node->start, "anchored and smoothed modifiers cannot be used together");
    return true;
}

static struct node *make_range(struct parser *parser, struct node *child, uint32_t bracket, const struct range *range)
{
    const struct time_modifier *time = &child->selector.time;

    if (child->kind != NODE_SELECTOR) return parser_fail(parser, bracket, "ranges only allowed for vector selectors");
    if (time->offset_ms || time->offset_expr)
        return parser_fail(parser, bracket, "no offset modifiers allowed before range");
    if (time->at != AT_NONE) return parser_fail(parser, bracket, "no @ modifiers allowed before range");

    struct node *node = parser_node(parser, NODE_RANGE, child->start);
    node->range = *range;
    return parser_raise(parser, node, child) ? node : NULL;
}

static struct node *make_subquery(struct parser *parser, struct node *child, const struct subquery *subquery)
{
    struct node *node = parser_node(parser, NODE_SUBQUERY, child->start);

    node->subquery = *subquery;
    return parser_raise(parser, node, child) ? node : NULL;
}

/* [range], [range:] or [range:step] */
static struct node *parse_brackets(struct parser *parser, struct node *child)
{
    static const char after_colon[] = "number, duration, step(), range(), or \"]\"";
    struct context outer = parser_enter(parser, "subquery or range selector", "number, duration, step(), or range()");
    uint32_t bracket = parser_take(parser).start;
    struct range range = {.selector = child};
    struct subquery subquery = {.expr = child};

    if (!parse_range_duration(parser, &range.range_ms, &range.range_expr)) return NULL;
    parser_enter(parser, "subquery or range", "\":\" or \"]\"");
    bool has_step = parser_accept(parser, TOKEN_COLON);
    if (has_step) {
        parser_enter(parser, "subquery selector", after_colon);
        subquery.range_ms = range.range_ms;
        subquery.range_expr = range.range_expr;
        if (parser_peek(parser) != TOKEN_RIGHT_BRACKET) {
            if (!parse_range_duration(parser, &subquery.step_ms, &subquery.step_expr)) return NULL;
            parser_enter(parser, "subquery selector", "\"]\"");
        }
    }
    if (!parser_expect(parser, TOKEN_RIGHT_BRACKET)) return NULL;
    parser->context = outer;
    return has_step ? make_subquery(parser, child, &subquery) : make_range(parser, child, bracket, &range);
}

static struct node *parse_postfix(struct parser *parser)
{
    struct node *node = parse_primary(parser);

    while (node) {
        switch (parser_peek(parser)) {
        case TOKEN_LEFT_BRACKET: node = parse_brackets(parser, node); break;
        case TOKEN_OFFSET: node = parse_offset(parser, node) ? node : NULL; break;
        case TOKEN_AT: node = parse_at(parser, node) ? node : NULL; break;
        case TOKEN_ANCHORED:
        case TOKEN_SMOOTHED: node = parse_smoothing(parser, node) ? node : NULL; break;
        default: return node;
        }
    }
    return NULL;
}

/* A sign applies to all up to the next operator but ^, and becomes part of a number. */
static struct node *parse_unary(struct parser *parser)
{
    if (!token_is_sign(parser_peek(parser))) return parse_postfix(parser);

    struct token sign = parser_take(parser);
    struct node *operand = parse_expr(parser, PRECEDENCE_POW);
    if (!operand) return NULL;
    if (operand->kind == NODE_NUMBER) {
        parser_fold_sign(operand, &sign);
        return operand;
    }
    struct node *node = parser_node(parser, NODE_UNARY, sign.start);
    node->end = operand->end;
    node->unary = (struct unary){token_operator(sign.kind), operand};
    return parser_raise(parser, node, operand) ? node : NULL;
}

/* on (…) or ignoring (…), after that group_left or group_right with labels or without. */
static bool parse_vector_matching(struct parser *parser, struct matching *matching)
{
    enum token_kind kind = parser_peek(parser);

    if (kind != TOKEN_ON && kind != TOKEN_IGNORING) return true;
    parser_take(parser);
    matching->on = kind == TOKEN_ON;
    if (!parse_label_names(parser, &matching->labels, &matching->label_count)) return false;

    kind = parser_peek(parser);
    if (kind != TOKEN_GROUP_LEFT && kind != TOKEN_GROUP_RIGHT) return true;
    parser_take(parser);
    matching->cardinality = kind == TOKEN_GROUP_LEFT ? MANY_TO_ONE : ONE_TO_MANY;
    if (starts_expr(parser_peek(parser)) && parser_peek(parser) != TOKEN_LEFT_PAREN) return true;
    return parse_label_names(parser, &matching->include, &matching->include_count);
}

static bool parse_fill_value(struct parser *parser, double *value)
{
    parser_take(parser);
    if (!parser_expect(parser, TOKEN_LEFT_PAREN)) return false;
    const struct node *number = parse_signed_number(parser);
    if (!number || !parser_expect(parser, TOKEN_RIGHT_PAREN)) return false;
    *value = number->number.value;
    return true;
}

/* fill(…), or fill_left(…) and fill_right(…), one of them or both in any order. */
static bool parse_fill(struct parser *parser, struct matching *matching)
{
    if (parser_peek(parser) == TOKEN_FILL) {
        if (!parse_fill_value(parser, &matching->fill_left)) return false;
        matching->fill_right = matching->fill_left;
        matching->has_fill_left = matching->has_fill_right = true;
        return true;
    }
    for (;;) {
        if (parser_peek(parser) == TOKEN_FILL_LEFT && !matching->has_fill_left) {
            if (!parse_fill_value(parser, &matching->fill_left)) return false;
            matching->has_fill_left = true;
        } else if (parser_peek(parser) == TOKEN_FILL_RIGHT && !matching->has_fill_right) {
            if (!parse_fill_value(parser, &matching->fill_right)) return false;
            matching->has_fill_right = true;
        } else {
            return true;
        }
    }
}

static struct node *parse_binary(struct parser *parser, struct node *left)
{
    struct token op = parser_take(parser);
    struct matching *matching = arena_zalloc(parser->arena, sizeof *matching);
    bool return_bool = parser_accept(parser, TOKEN_BOOL);

    if (!parse_vector_matching(parser, matching) || !parse_fill(parser, matching)) return NULL;
    struct node *right = parse_expr(parser, parser_precedence_right(op.kind));
    if (!right) return NULL;
    bool fills = matching->has_fill_left || matching->has_fill_right;
    if (fills && !(parser->features & FEATURE_FILL_MODIFIERS))
        return parser_fail(parser, left->start, "binop fill modifiers are experimental and not enabled");

    struct node *node = parser_node(parser, NODE_BINARY, left->start);
    node->end = right->end;
    node->binary = (struct binary){token_operator(op.kind), left, right, return_bool, matching};
    return parser_raise(parser, node, left) && parser_raise(parser, node, right) ? node : NULL;
}

static struct node *parse_expr(struct parser *parser, enum precedence loosest)
{
    if (!parser_descend(parser)) return NULL;
    struct node *node = parse_unary(parser);
    while (node && parser_precedence(parser_peek(parser)) >= loosest) node = parse_binary(parser, node);
    parser_ascend(parser);
    return node;
}

struct node *parse_query(str text, unsigned features, struct arena *arena, struct parse_error *error)
{
    struct parser parser;

    if (!parser_init(&parser, text, features, arena, error)) return NULL;
    if (parser_peek(&parser) == TOKEN_END) return parser_fail(&parser, 0, "no expression found in input");
    struct node *root = parse_expr(&parser, PRECEDENCE_OR);
    if (!root || !parser_expect(&parser, TOKEN_END)) return NULL;
    return types_check(root, parser.text, arena, error) ? root : NULL;
}

bool parse_selector(str text, struct arena *arena, const struct matcher **matchers, size_t *count,
                    struct parse_error *error)
{
    struct parser parser;

    if (!parser_init(&parser, text, 0, arena, error)) return false;
    enum token_kind kind = parser_peek(&parser);
    if (kind != TOKEN_LEFT_BRACE && !token_is_metric_name(kind)) return parser_unexpected(&parser);
    struct token name = kind == TOKEN_LEFT_BRACE ? (struct token){0} : parser_take(&parser);
    struct node *node = parse_selector_expr(&parser, kind == TOKEN_LEFT_BRACE ? NULL : &name);
    if (!node || !parser_expect(&parser, TOKEN_END)) return false;
    *matchers = node->selector.matchers;
    *count = node->selector.matcher_count;
    return true;
}

struct parse_error parse_error_at(str text, uint32_t at, str message)
{
    struct parse_error error = {text.len > 0, 1, 1, message};

    for (str before = str_part(text, 0, at); before.len;) {
        size_t line_bytes = str_find(before, '\n') + 1;
        error.column = (uint32_t)before.len + 1;
        if (line_bytes > before.len) break;
        error.line++;
        error.column = 1;
        before = str_part(before, line_bytes, before.len);
    }
    return error;
}

str parse_error_text(const struct parse_error *error, struct arena *arena)
{
    if (!error->has_position)
        return arena_format(arena, "unknown position: parse error: %.*s", STR_ARG(error->message));
    return arena_format(arena, "%u:%u: parse error: %.*s", error->line, error->column, STR_ARG(error->message));
}
