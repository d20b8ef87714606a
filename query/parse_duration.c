/* Numbers, durations, and arithmetic on durations (in ranges, steps and offsets). */
#include "query/duration.h"
#include "query/parser.h"
#include "query/quote.h"

#include <math.h>

/* The integers that are not decimal, 0x1F and 017. False if the text is none or needs more than 63 bits. Underscores
 * stand between digits and after 0x. */
static bool read_integer(str text, double *out)
{
    bool is_hex = text.len > 1 && (text.data[1] | 0x20) == 'x';
    uint64_t base = is_hex ? 16 : 8, value = 0;

    if (text.len < 2 || text.data[0] != '0' || text.data[text.len - 1] == '_') return false;
    for (size_t i = is_hex ? 2 : 1; i < text.len; i++) {
        char c = text.data[i];
        if (c == '_' && text.data[i - 1] == '_') return false;
        if (c == '_') continue;
        uint64_t digit = c <= '9' ? (uint64_t)(c - '0') : (uint64_t)(c | 0x20) - 'a' + 10;
        if (c < '0' || digit >= base || value > (INT64_MAX - digit) / base) return false;
        value = value * base + digit;
    }
    *out = (double)value;
    return true;
}

/* As Go reads them: an integer with its prefixes, else a decimal number. */
static bool read_number(struct parser *parser, const struct token *token, double *out)
{
    str text = token->text;
    char *digits = arena_alloc(parser->arena, text.len);
    size_t count = 0;

    if (text.len > 2 && read_integer(text, out)) return true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '_') digits[count++] = text.data[i];
    }
    bool is_hex = text.len > 1 && (text.data[1] | 0x20) == 'x';
    bool is_word = (text.data[0] | 0x20) == 'i' || (text.data[0] | 0x20) == 'n'; /* inf, nan */
    bool is_valid = !is_hex && text.data[text.len - 1] != '_' && str_to_double(str_make(digits, count), out);
    if (is_valid && (is_word || isfinite(*out))) return true;
    return parser_fail(parser, token->start, "error parsing number: strconv.ParseFloat: parsing %.*s: %s",
                       STR_ARG(quote_text(text, parser->arena)), is_valid ? "value out of range" : "invalid syntax");
}

struct node *parse_number(struct parser *parser)
{
    enum token_kind kind = parser_peek(parser);
    int64_t ms;

    if (kind != TOKEN_NUMBER && kind != TOKEN_DURATION) return parser_unexpected(parser);
    struct token token = parser_take(parser);
    struct node *node = parser_node(parser, NODE_NUMBER, token.start);
    if (kind == TOKEN_NUMBER) return read_number(parser, &token, &node->number.value) ? node : NULL;
    if (!parse_duration(token.text, &ms))
        return parser_fail(parser, token.start, "%.*s", STR_ARG(duration_fault(token.text, parser->arena)));
    node->number.value = (double)(ms / 1000) + (double)(ms % 1000) / 1000;
    node->number.is_duration = true;
    return node;
}

void parser_fold_sign(struct node *number, const struct token *sign)
{
    if (sign->kind == TOKEN_SUB) number->number.value *= -1;
    number->start = sign->start;
}

struct node *parse_signed_number(struct parser *parser)
{
    if (!token_is_sign(parser_peek(parser))) return parse_number(parser);

    struct token sign = parser_take(parser);
    struct node *number = parse_number(parser);
    if (number) parser_fold_sign(number, &sign);
    return number;
}

static struct node *parse_duration_expr(struct parser *parser, enum precedence loosest);

static struct node *check_literal(struct parser *parser, struct node *literal)
{
    int64_t ms;

    if (!literal || duration_from_seconds(literal->number.value, &ms)) return literal;
    return parser_fail(parser, literal->start, "duration out of range");
}

/* step(), range(), min_of(a, b), max_of(a, b) */
static struct node *parse_function(struct parser *parser)
{
    struct token name = parser_take(parser);
    struct node *left = NULL, *right = NULL;

    if (!parser_expect(parser, TOKEN_LEFT_PAREN)) return NULL;
    if (name.kind == TOKEN_MIN_OF || name.kind == TOKEN_MAX_OF) {
        if (!(left = parse_duration_expr(parser, PRECEDENCE_ADD))) return NULL;
        if (!parser_expect(parser, TOKEN_COMMA)) return NULL;
        if (!(right = parse_duration_expr(parser, PRECEDENCE_ADD))) return NULL;
    }
    if (!parser_expect(parser, TOKEN_RIGHT_PAREN)) return NULL;

    struct node *node = parser_node(parser, NODE_DURATION, name.start);
    enum operator_kind op = name.kind == TOKEN_STEP     ? OP_STEP
                            : name.kind == TOKEN_RANGE  ? OP_RANGE
                            : name.kind == TOKEN_MIN_OF ? OP_MIN_OF
                                                        : OP_MAX_OF;
    node->duration = (struct duration){.op = op, .left = left, .right = right};
    if (left && (!parser_raise(parser, node, left) || !parser_raise(parser, node, right))) return NULL;
    return node;
}

static struct node *parse_paren(struct parser *parser)
{
    parser_take(parser);
    struct node *inner = parse_duration_expr(parser, PRECEDENCE_ADD);
    if (!inner || !parser_expect(parser, TOKEN_RIGHT_PAREN)) return NULL;
    if (inner->kind == NODE_DURATION) inner->duration.wrapped = true;
    return inner;
}

/* Neither sign nor operators. */
static struct node *parse_operand(struct parser *parser)
{
    switch (parser_peek(parser)) {
    case TOKEN_NUMBER:
    case TOKEN_DURATION: return check_literal(parser, parse_number(parser));
    case TOKEN_STEP:
    case TOKEN_RANGE:
    case TOKEN_MIN_OF:
    case TOKEN_MAX_OF: return parse_function(parser);
    case TOKEN_LEFT_PAREN: return parse_paren(parser);
    default: return parser_unexpected(parser);
    }
}

/* A sign goes into a number; elsewhere a plus leaves no trace. */
static struct node *apply_sign(struct parser *parser, const struct token *sign, struct node *operand)
{
    if (!operand) return NULL;
    if (operand->kind == NODE_NUMBER) {
        parser_fold_sign(operand, sign);
        return check_literal(parser, operand);
    }
    if (sign->kind == TOKEN_ADD) return operand;

    struct node *node = parser_node(parser, NODE_DURATION, sign->start);
    node->end = operand->end;
    node->duration = (struct duration){.op = OP_SUB, .right = operand};
    return parser_raise(parser, node, operand) ? node : NULL;
}

static struct node *parse_operation(struct parser *parser, struct node *left)
{
    struct token op = parser_take(parser);
    struct node *right = parse_duration_expr(parser, parser_precedence_right(op.kind));

    if (!right) return NULL;
    bool divides = op.kind == TOKEN_DIV || op.kind == TOKEN_MOD;
    if (divides && right->kind == NODE_NUMBER && right->number.value == 0)
        return parser_fail(parser, op.start, op.kind == TOKEN_DIV ? "division by zero" : "modulo by zero");

    struct node *node = parser_node(parser, NODE_DURATION, left->start);
    node->end = right->end;
    node->duration = (struct duration){.op = token_operator(op.kind), .left = left, .right = right};
    return parser_raise(parser, node, left) && parser_raise(parser, node, right) ? node : NULL;
}

/* The operators after a first operand. */
static struct node *parse_operations(struct parser *parser, struct node *left, enum precedence loosest)
{
    while (left && parser_precedence(parser_peek(parser)) >= loosest && parser_peek(parser) != TOKEN_ATAN2)
        left = parse_operation(parser, left);
    return left;
}

static struct node *parse_duration_expr(struct parser *parser, enum precedence loosest)
{
    struct node *left;

    if (!parser_descend(parser)) return NULL;
    if (token_is_sign(parser_peek(parser))) {
        struct token sign = parser_take(parser);
        left = apply_sign(parser, &sign, parse_duration_expr(parser, PRECEDENCE_POW));
    } else {
        left = parse_operand(parser);
    }
    left = parse_operations(parser, left, loosest);
    parser_ascend(parser);
    return left;
}

/* A parenthesis or two signs start a whole expression, anything else is one operand, perhaps with a sign; so
 * `foo offset 5m ^ 2` is (foo offset 5m) ^ 2. */
static struct node *parse_offset_expr(struct parser *parser)
{
    if (parser_peek(parser) == TOKEN_LEFT_PAREN) return parse_duration_expr(parser, PRECEDENCE_ADD);
    if (!token_is_sign(parser_peek(parser))) return parse_operand(parser);

    struct token sign = parser_take(parser);
    switch (parser_peek(parser)) {
    case TOKEN_ADD:
    case TOKEN_SUB: {
        struct node *operand = parse_duration_expr(parser, PRECEDENCE_POW);
        return parse_operations(parser, apply_sign(parser, &sign, operand), PRECEDENCE_ADD);
    }
    case TOKEN_NUMBER:
    case TOKEN_DURATION: return apply_sign(parser, &sign, parse_number(parser));
    default: return apply_sign(parser, &sign, parse_operand(parser));
    }
}

/* Literals become milliseconds. */
static void split(struct node *duration, int64_t *ms, struct node **expr)
{
    *ms = 0;
    *expr = duration;
    if (duration->kind == NODE_NUMBER && duration_from_seconds(duration->number.value, ms)) *expr = NULL;
}

bool parse_range_duration(struct parser *parser, int64_t *ms, struct node **expr)
{
    struct node *duration = parse_duration_expr(parser, PRECEDENCE_ADD);

    if (!duration) return false;
    if (duration->kind == NODE_NUMBER && duration->number.value <= 0)
        return parser_fail(parser, duration->start, "duration must be greater than 0");
    split(duration, ms, expr);
    if (*ms == 0) *expr = duration;
    return true;
}

/* In an offset, an operation without parentheses ends only where other modifiers start. Marking it as parenthesised
 * makes it an offset that can be written anywhere. */
static void close_operation(struct node *expr)
{
    struct duration *duration = &expr->duration;

    if (expr->kind != NODE_DURATION || duration->op >= OP_STEP || duration->wrapped) return;
    if (duration->left) {
        duration->wrapped = true;
    } else if (duration->right->kind == NODE_DURATION && duration->right->duration.op < OP_STEP) {
        duration->right->duration.wrapped = true;
    }
}

bool parse_offset_duration(struct parser *parser, int64_t *ms, struct node **expr)
{
    struct node *duration = parse_offset_expr(parser);

    if (!duration) return false;
    close_operation(duration);
    split(duration, ms, expr);
    return true;
}
