/* PromQL text to tokens.
 *
 * The scanner is context-sensitive as Prometheus' is: inside braces there are label names and matching operators but no
 * keywords; between `[` and the first number there is nothing but duration arithmetic; after that number the rest of
 * the brackets is scanned as ordinary text, except that letters are refused. The first error ends the scan.
 */
#ifndef VARVE_QUERY_LEX_H
#define VARVE_QUERY_LEX_H

#include "query/ast.h"

enum token_kind {
    TOKEN_END,
    TOKEN_ERROR,
    TOKEN_IDENTIFIER,
    TOKEN_METRIC_IDENTIFIER, /* with a colon */
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_DURATION,

    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_EQUAL, /* = */

    /* binary operators, in the order of enum operator_kind */
    TOKEN_ADD,
    TOKEN_SUB,
    TOKEN_MUL,
    TOKEN_DIV,
    TOKEN_MOD,
    TOKEN_POW,
    TOKEN_ATAN2,
    TOKEN_EQL,
    TOKEN_NEQ,
    TOKEN_LTE,
    TOKEN_LSS,
    TOKEN_GTE,
    TOKEN_GTR,
    TOKEN_TRIM_UPPER,
    TOKEN_TRIM_LOWER,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_UNLESS,
    /* other operators */
    TOKEN_REGEX,     /* =~ */
    TOKEN_NOT_REGEX, /* !~ */
    TOKEN_AT,

    /* aggregations, in the order of enum aggregate_kind */
    TOKEN_SUM,
    TOKEN_AVG,
    TOKEN_COUNT,
    TOKEN_MIN,
    TOKEN_MAX,
    TOKEN_GROUP,
    TOKEN_STDDEV,
    TOKEN_STDVAR,
    TOKEN_TOPK,
    TOKEN_BOTTOMK,
    TOKEN_COUNT_VALUES,
    TOKEN_QUANTILE,
    TOKEN_LIMITK,
    TOKEN_LIMIT_RATIO,

    /* keywords */
    TOKEN_BOOL,
    TOKEN_BY,
    TOKEN_WITHOUT,
    TOKEN_ON,
    TOKEN_IGNORING,
    TOKEN_GROUP_LEFT,
    TOKEN_GROUP_RIGHT,
    TOKEN_FILL,
    TOKEN_FILL_LEFT,
    TOKEN_FILL_RIGHT,
    TOKEN_OFFSET,
    TOKEN_ANCHORED,
    TOKEN_SMOOTHED,

    /* names of functions that the grammar knows */
    TOKEN_START,
    TOKEN_END_FUNCTION,
    TOKEN_STEP,
    TOKEN_RANGE,
    TOKEN_MIN_OF,
    TOKEN_MAX_OF
};

static inline bool token_is_operator(enum token_kind kind)
{
    return kind >= TOKEN_ADD && kind <= TOKEN_AT;
}

static inline bool token_is_aggregate(enum token_kind kind)
{
    return kind >= TOKEN_SUM && kind <= TOKEN_LIMIT_RATIO;
}

static inline bool token_is_keyword(enum token_kind kind)
{
    return kind >= TOKEN_BOOL && kind <= TOKEN_SMOOTHED;
}

/* Text as written, string literals with their quotes; the message of a TOKEN_ERROR. */
struct token {
    enum token_kind kind;
    uint32_t start; /* byte offset into the query */
    str text;
};

static inline uint32_t token_end(const struct token *token)
{
    return token->start + (uint32_t)token->text.len;
}

/* As messages name it: `identifier "x"`, `<op:+>`, `"("`, `end of input`; in the arena. */
str token_describe(const struct token *token, struct arena *arena);

struct lexer {
    str text;
    struct arena *arena; /* for messages */
    size_t start, at;    /* of the token being scanned: its first byte, the next byte to look at */
    int paren_depth;
    bool in_braces;
    bool in_brackets;
    bool in_duration;  /* in brackets, before their first number */
    bool had_duration; /* a number was seen in these or earlier brackets */
    bool had_colon;    /* in these brackets */
};

/* Starts at the beginning of a text of less than 4 GiB; the text is borrowed. */
void lex_init(struct lexer *lexer, str text, struct arena *arena);

struct token lex_next(struct lexer *lexer);

#endif
