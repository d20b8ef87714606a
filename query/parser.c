/* What the rules of the grammar share; see parser.h. */
#include "query/parser.h"

#include "query/suggest.h"

#include <assert.h>

bool parser_init(struct parser *parser, str text, unsigned features, struct arena *arena, struct parse_error *error)
{
    *error = (struct parse_error){0};
    *parser = (struct parser){.features = features, .arena = arena, .error = error};
    if (text.len > PARSE_TEXT_MAX)
        return parser_fail(parser, 0, "query has %zu bytes, the limit is %d", text.len, PARSE_TEXT_MAX);
    parser->text = arena_copy_str(arena, text);
    lex_init(&parser->lexer, parser->text, arena);
    return true;
}

void *parser_fail(struct parser *parser, uint32_t at, const char *format, ...)
{
    va_list args;

    if (parser->failed) return NULL;
    va_start(args, format);
    *parser->error = parse_error_at(parser->text, at, arena_format_list(parser->arena, format, args));
    va_end(args);
    parser->failed = true;
    return NULL;
}

enum token_kind parser_peek(struct parser *parser)
{
    struct token *next = &parser->next;

    if (parser->has_next) return next->kind;
    *next = lex_next(&parser->lexer);
    parser->has_next = true;
    if (next->kind == TOKEN_ERROR) parser_fail(parser, next->start, "%.*s", STR_ARG(next->text));
    if (account_over(parser->arena->account)) {
        parser_fail(parser, next->start, "query is too large for the memory that it may take");
        next->kind = TOKEN_ERROR;
    }
    return next->kind;
}

struct token parser_take(struct parser *parser)
{
    parser_peek(parser);
    parser->has_next = false;
    parser->end = token_end(&parser->next);
    return parser->next;
}

bool parser_accept(struct parser *parser, enum token_kind kind)
{
    if (parser_peek(parser) != kind) return false;
    parser_take(parser);
    return true;
}

bool parser_expect(struct parser *parser, enum token_kind kind)
{
    return parser_accept(parser, kind) || parser_unexpected(parser);
}

struct context parser_enter(struct parser *parser, const char *where, const char *expected)
{
    struct context outer = parser->context;

    parser->context = (struct context){where, expected};
    return outer;
}

void *parser_unexpected(struct parser *parser)
{
    const struct context *context = &parser->context;

    parser_peek(parser);
    if (parser->failed) return NULL;
    str token = token_describe(&parser->next, parser->arena), meant = STR("");
    if (parser->next.kind == TOKEN_IDENTIFIER && !context->expected)
        meant = suggest_text(parser->next.text, SUGGEST_KEYWORDS, parser->arena);
    if (parser->next.kind == TOKEN_EQUAL && !context->expected) meant = STR(", did you mean \"==\"?");
    return parser_fail(parser, parser->next.start, "unexpected %.*s%s%s%s%s%.*s", STR_ARG(token),
                       context->where ? " in " : "", context->where ? context->where : "",
                       context->expected ? ", expected " : "", context->expected ? context->expected : "",
                       STR_ARG(meant));
}

static void *fail_too_deep(struct parser *parser, uint32_t at)
{
    return parser_fail(parser, at, "expression is nested deeper than %d levels (each operator of a chain is one)",
                       PARSE_DEPTH_MAX);
}

bool parser_descend(struct parser *parser)
{
    return ++parser->depth <= PARSE_DEPTH_MAX || fail_too_deep(parser, parser->end);
}

void parser_ascend(struct parser *parser)
{
    assert(parser->depth > 0);
    parser->depth--;
}

struct node *parser_node(struct parser *parser, enum node_kind kind, uint32_t start)
{
    struct node *node = arena_zalloc(parser->arena, sizeof *node);

    node->kind = kind;
    node->start = start;
    node->end = parser->end;
    node->height = 1;
    return node;
}

bool parser_raise(struct parser *parser, struct node *node, const struct node *child)
{
    if (child->height >= node->height) node->height = child->height + 1;
    return node->height <= PARSE_DEPTH_MAX || fail_too_deep(parser, node->start);
}

/* The capacity is the next power of two from the count on. */
void *parser_grow(struct parser *parser, void *items, size_t count, size_t item_bytes)
{
    if (count & (count - 1)) return items;
    if (count >= PARSE_LIST_MAX) {
        parser_fail(parser, parser->end, "more than %d items in a list", PARSE_LIST_MAX);
        parser->next.kind = TOKEN_ERROR; /* nothing more is read */
        parser->has_next = true;
    }
    void *bigger = arena_alloc_items(parser->arena, count ? 2 * count : 1, item_bytes);
    if (count) memcpy(bigger, items, count * item_bytes);
    return bigger;
}

enum precedence parser_precedence(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_OR: return PRECEDENCE_OR;
    case TOKEN_AND:
    case TOKEN_UNLESS: return PRECEDENCE_AND;
    case TOKEN_EQL:
    case TOKEN_NEQ:
    case TOKEN_LTE:
    case TOKEN_LSS:
    case TOKEN_GTE:
    case TOKEN_GTR:
    case TOKEN_TRIM_UPPER:
    case TOKEN_TRIM_LOWER: return PRECEDENCE_COMPARISON;
    case TOKEN_ADD:
    case TOKEN_SUB: return PRECEDENCE_ADD;
    case TOKEN_MUL:
    case TOKEN_DIV:
    case TOKEN_MOD:
    case TOKEN_ATAN2: return PRECEDENCE_MUL;
    case TOKEN_POW: return PRECEDENCE_POW;
    default: return PRECEDENCE_NONE;
    }
}

enum precedence parser_precedence_right(enum token_kind kind)
{
    return kind == TOKEN_POW ? PRECEDENCE_POW : parser_precedence(kind) + 1;
}
