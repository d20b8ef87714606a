/* What the rules of the grammar share: tokens with one of look-ahead, the error, making nodes.
 *
 * For the parse*.c files only. A rule that fails has written the error and returns NULL or false, and every caller
 * returns at once. The first error stays, so a complaint of the scanner wins over what a rule thinks of the tokens
 * before it.
 *
 * Messages say where an unexpected token stands and what could have been there. That is told by the innermost construct
 * that has a word for it: each sets the context on entry and puts the outer one back when it is complete. Outside of
 * any, a token is just unexpected.
 */
#ifndef VARVE_QUERY_PARSER_H
#define VARVE_QUERY_PARSER_H

#include "query/lex.h"
#include "query/parse.h"

struct context {
    const char *where, *expected; /* both NULL outside of any construct */
};

struct parser {
    str text;
    struct lexer lexer;
    struct token next; /* looked at but not taken, if has_next */
    bool has_next;
    uint32_t end; /* of the token taken last */
    struct context context;
    unsigned features;
    unsigned depth; /* of recursion */
    bool failed;
    struct arena *arena;
    struct parse_error *error;
};

/* Copies the text to the arena. False with an error if it is too long. */
bool parser_init(struct parser *parser, str text, unsigned features, struct arena *arena, struct parse_error *error);

/* Kind of the next token; takes it; takes it if it is of a kind; takes it or complains. */
enum token_kind parser_peek(struct parser *parser);
struct token parser_take(struct parser *parser);
bool parser_accept(struct parser *parser, enum token_kind kind);
bool parser_expect(struct parser *parser, enum token_kind kind);

/* Sets the context; returns the outer one. */
struct context parser_enter(struct parser *parser, const char *where, const char *expected);

/* Errors at an offset, and about the next token. Always NULL, which also reads as false. */
void *parser_fail(struct parser *parser, uint32_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
void *parser_unexpected(struct parser *parser);

/* Around rules that lead back to themselves: false with an error if they do so too often. */
bool parser_descend(struct parser *parser);
void parser_ascend(struct parser *parser);

/* A zeroed node from start to the end of the token taken last. */
struct node *parser_node(struct parser *parser, enum node_kind kind, uint32_t start);

/* Puts a node above another. False with an error if the tree gets too high. */
bool parser_raise(struct parser *parser, struct node *node, const struct node *child);

/* Appends to an array in the arena: PARSER_PUSH(parser, names, count, name). */
#define PARSER_PUSH(parser, items, count, ...) \
    ((items) = parser_grow((parser), (items), (count), sizeof *(items)), (items)[(count)++] = (__VA_ARGS__))
void *parser_grow(struct parser *parser, void *items, size_t count, size_t item_bytes);

/* How tight operators bind; POW alone groups to the right. Signs are as tight as MUL. */
enum precedence {
    PRECEDENCE_NONE, /* no binary operator */
    PRECEDENCE_OR,
    PRECEDENCE_AND,
    PRECEDENCE_COMPARISON,
    PRECEDENCE_ADD,
    PRECEDENCE_MUL,
    PRECEDENCE_POW
};

enum precedence parser_precedence(enum token_kind kind);

/* The loosest operators that the right operand of an operator may have. */
enum precedence parser_precedence_right(enum token_kind kind);

static inline enum operator_kind token_operator(enum token_kind kind)
{
    return (enum operator_kind)(kind - TOKEN_ADD);
}

static inline bool token_is_sign(enum token_kind kind)
{
    return kind == TOKEN_ADD || kind == TOKEN_SUB;
}

/* parse_duration.c: a number or duration, perhaps with a sign that becomes part of it. */
struct node *parse_number(struct parser *parser);
struct node *parse_signed_number(struct parser *parser);
void parser_fold_sign(struct node *number, const struct token *sign);

/* A range or step: milliseconds, or an expression that is computed for each query. */
bool parse_range_duration(struct parser *parser, int64_t *ms, struct node **expr);
bool parse_offset_duration(struct parser *parser, int64_t *ms, struct node **expr);

/* parse_labels.c: the names between parentheses after `by`, `on` and the like, which the token says. */
bool parse_label_names(struct parser *parser, str **names, size_t *count);

/* The matchers between braces, the left one next. */
bool parse_matchers(struct parser *parser, struct matcher **matchers, size_t *count);

/* Whether a token can stand as the name of a metric. */
bool token_is_metric_name(enum token_kind kind);

#endif
