/* Label names in parentheses, matchers in braces, and the metrics of series descriptions. */
#include "query/parser.h"
#include "query/quote.h"
#include "tsdb/labels.h"

bool token_is_metric_name(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_IDENTIFIER:
    case TOKEN_METRIC_IDENTIFIER:
    case TOKEN_AND:
    case TOKEN_OR:
    case TOKEN_UNLESS:
    case TOKEN_BY:
    case TOKEN_WITHOUT:
    case TOKEN_FILL:
    case TOKEN_FILL_LEFT:
    case TOKEN_FILL_RIGHT:
    case TOKEN_OFFSET:
    case TOKEN_ANCHORED:
    case TOKEN_SMOOTHED:
    case TOKEN_START:
    case TOKEN_END_FUNCTION:
    case TOKEN_STEP:
    case TOKEN_RANGE:
    case TOKEN_MIN_OF:
    case TOKEN_MAX_OF: return true;
    default: return token_is_aggregate(kind);
    }
}

/* Nearly every word can be a label name where only label names can be. */
static bool is_label_name(enum token_kind kind)
{
    return token_is_metric_name(kind) ? kind != TOKEN_WITHOUT
                                      : kind == TOKEN_ATAN2 || (token_is_keyword(kind) && kind != TOKEN_WITHOUT);
}

static bool parse_label_name(struct parser *parser, str *name)
{
    enum token_kind kind = parser_peek(parser);

    parser_enter(parser, "grouping opts", "label");
    if (kind != TOKEN_STRING && !is_label_name(kind)) return parser_unexpected(parser);
    struct token token = parser_take(parser);
    *name = kind == TOKEN_STRING ? quote_read(token.text, parser->arena) : token.text;
    if (name->len && str_is_utf8(*name)) return true;
    return parser_fail(parser, token.start, "invalid label name for grouping: %.*s",
                       STR_ARG(quote_text(*name, parser->arena)));
}

bool parse_label_names(struct parser *parser, str **names, size_t *count)
{
    struct context outer = parser_enter(parser, "grouping opts", "\"(\"");
    str name;

    if (!parser_expect(parser, TOKEN_LEFT_PAREN)) return false;
    while (!parser_accept(parser, TOKEN_RIGHT_PAREN)) {
        if (!parse_label_name(parser, &name)) return false;
        PARSER_PUSH(parser, *names, *count, name);
        parser_enter(parser, "grouping opts", "\",\" or \")\"");
        if (parser_peek(parser) != TOKEN_RIGHT_PAREN && !parser_expect(parser, TOKEN_COMMA)) return false;
    }
    parser->context = outer;
    return true;
}

/* A label name before an operator, or a metric name in quotes on its own; *quoted tells the one that may be either. */
static bool parse_name_in_braces(struct parser *parser, const char *where, str *name, bool *quoted)
{
    enum token_kind kind = parser_peek(parser);

    parser_enter(parser, where, "identifier or \"}\"");
    if (kind != TOKEN_IDENTIFIER && kind != TOKEN_STRING) return parser_unexpected(parser);
    *quoted = kind == TOKEN_STRING;
    *name = parser_take(parser).text;
    if (*quoted) *name = quote_read(*name, parser->arena);
    return true;
}

static bool parse_string_in_braces(struct parser *parser, const char *where, str *value)
{
    parser_enter(parser, where, "string");
    if (parser_peek(parser) != TOKEN_STRING) return parser_unexpected(parser);
    *value = quote_read(parser_take(parser).text, parser->arena);
    return true;
}

/* The comma before the next item, or nothing before the brace. */
static bool parse_separator_in_braces(struct parser *parser, const char *where)
{
    parser_enter(parser, where, "\",\" or \"}\"");
    return parser_peek(parser) == TOKEN_RIGHT_BRACE || parser_expect(parser, TOKEN_COMMA);
}

static bool matcher_type_of(enum token_kind kind, enum matcher_type *type)
{
    switch (kind) {
    case TOKEN_EQUAL: *type = MATCH_EQUAL; return true;
    case TOKEN_NEQ: *type = MATCH_NOT_EQUAL; return true;
    case TOKEN_REGEX: *type = MATCH_REGEX; return true;
    case TOKEN_NOT_REGEX: *type = MATCH_NOT_REGEX; return true;
    default: return false;
    }
}

static bool parse_matcher(struct parser *parser, struct matcher *matcher)
{
    static const char where[] = "label matching";
    enum matcher_type type = MATCH_EQUAL;
    str name, value;
    bool quoted = false;

    parser_peek(parser);
    uint32_t start = parser->next.start;
    if (!parse_name_in_braces(parser, where, &name, &quoted)) return false;
    if (matcher_type_of(parser_peek(parser), &type)) {
        parser_take(parser);
        if (!parse_string_in_braces(parser, where, &value)) return false;
    } else if (quoted) {
        value = name;
        name = METRIC_NAME;
    } else {
        parser_enter(parser, where, "label matching operator");
        return parser_unexpected(parser);
    }
    status s = matcher_compile(type, name, value, matcher, parser->arena);
    return !failed(s) || parser_fail(parser, start, "%s", s.text);
}

bool parse_matchers(struct parser *parser, struct matcher **matchers, size_t *count)
{
    struct context outer = parser->context;
    struct matcher matcher;

    parser_take(parser);
    while (!parser_accept(parser, TOKEN_RIGHT_BRACE)) {
        if (!parse_matcher(parser, &matcher)) return false;
        PARSER_PUSH(parser, *matchers, *count, matcher);
        if (!parse_separator_in_braces(parser, "label matching")) return false;
    }
    parser->context = outer;
    return true;
}

static bool parse_label(struct parser *parser, label *pair)
{
    static const char where[] = "label set";
    bool quoted;

    if (!parse_name_in_braces(parser, where, &pair->name, &quoted)) return false;
    if (quoted && parser_peek(parser) != TOKEN_EQUAL) {
        pair->value = pair->name;
        pair->name = METRIC_NAME;
        return true;
    }
    parser_enter(parser, where, "\"=\"");
    return parser_expect(parser, TOKEN_EQUAL) && parse_string_in_braces(parser, where, &pair->value);
}

static bool parse_labels(struct parser *parser, label **pairs, size_t *count)
{
    label pair;

    parser_take(parser);
    while (!parser_accept(parser, TOKEN_RIGHT_BRACE)) {
        if (!parse_label(parser, &pair)) return false;
        if (pair.value.len) PARSER_PUSH(parser, *pairs, *count, pair);
        if (!parse_separator_in_braces(parser, "label set")) return false;
    }
    return true;
}

bool parse_series(str text, struct arena *arena, const label **pairs, size_t *count, size_t *used,
                  struct parse_error *error)
{
    struct parser parser;
    label *found = NULL;

    *pairs = NULL;
    *count = *used = 0;
    if (!parser_init(&parser, text, 0, arena, error)) return false;

    bool named = token_is_metric_name(parser_peek(&parser));
    if (named) PARSER_PUSH(&parser, found, *count, (label){METRIC_NAME, parser_take(&parser).text});
    /* What follows the name, unless a brace follows at once, is no text for the scanner. */
    bool braced =
        named ? parser.end < text.len && text.data[parser.end] == '{' : parser_peek(&parser) == TOKEN_LEFT_BRACE;
    if (!named && !braced) return parser_unexpected(&parser);
    if (braced && !parse_labels(&parser, &found, count)) return false;

    if (*count) labels_sort(found, *count);
    for (size_t i = 1; i < *count; i++) {
        if (str_equal(found[i - 1].name, found[i].name))
            return parser_fail(&parser, 0, "label %.*s occurs twice", STR_ARG(quote_text(found[i].name, arena)));
    }
    *pairs = found;
    *used = parser.end;
    return true;
}
