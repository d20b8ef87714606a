/* PromQL text to tokens; see lex.h. */
#include "query/lex.h"

#include "query/quote.h"

#include <assert.h>
#include <limits.h>

_Static_assert(TOKEN_UNLESS - TOKEN_ADD == (int)OP_UNLESS, "operators and their tokens are in the same order");
_Static_assert(TOKEN_LIMIT_RATIO - TOKEN_SUM == (int)AGGREGATE_LIMIT_RATIO, "so are aggregations");

static const struct {
    str text;
    enum token_kind kind;
} words[] = {
    {STR("and"), TOKEN_AND},
    {STR("or"), TOKEN_OR},
    {STR("unless"), TOKEN_UNLESS},
    {STR("atan2"), TOKEN_ATAN2},
    {STR("sum"), TOKEN_SUM},
    {STR("avg"), TOKEN_AVG},
    {STR("count"), TOKEN_COUNT},
    {STR("min"), TOKEN_MIN},
    {STR("max"), TOKEN_MAX},
    {STR("group"), TOKEN_GROUP},
    {STR("stddev"), TOKEN_STDDEV},
    {STR("stdvar"), TOKEN_STDVAR},
    {STR("topk"), TOKEN_TOPK},
    {STR("bottomk"), TOKEN_BOTTOMK},
    {STR("count_values"), TOKEN_COUNT_VALUES},
    {STR("quantile"), TOKEN_QUANTILE},
    {STR("limitk"), TOKEN_LIMITK},
    {STR("limit_ratio"), TOKEN_LIMIT_RATIO},
    {STR("bool"), TOKEN_BOOL},
    {STR("by"), TOKEN_BY},
    {STR("without"), TOKEN_WITHOUT},
    {STR("on"), TOKEN_ON},
    {STR("ignoring"), TOKEN_IGNORING},
    {STR("group_left"), TOKEN_GROUP_LEFT},
    {STR("group_right"), TOKEN_GROUP_RIGHT},
    {STR("fill"), TOKEN_FILL},
    {STR("fill_left"), TOKEN_FILL_LEFT},
    {STR("fill_right"), TOKEN_FILL_RIGHT},
    {STR("offset"), TOKEN_OFFSET},
    {STR("anchored"), TOKEN_ANCHORED},
    {STR("smoothed"), TOKEN_SMOOTHED},
    {STR("start"), TOKEN_START},
    {STR("end"), TOKEN_END_FUNCTION},
    {STR("step"), TOKEN_STEP},
    {STR("range"), TOKEN_RANGE},
    {STR("min_of"), TOKEN_MIN_OF},
    {STR("max_of"), TOKEN_MAX_OF},
    {STR("inf"), TOKEN_NUMBER},
    {STR("nan"), TOKEN_NUMBER},
};

static enum token_kind word_kind(str word)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_equal_ignore_case(word, words[i].text)) return words[i].kind;
    }
    return str_find(word, ':') < word.len ? TOKEN_METRIC_IDENTIFIER : TOKEN_IDENTIFIER;
}

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

/* Long literals are cut to ten characters. */
static str describe_text(str text, struct arena *arena)
{
    size_t end = 0;

    if (text.len <= 10) return quote_text(text, arena);
    for (int i = 0; i < 10 && end < text.len; i++) quote_next(text, &end);
    return arena_format(arena, "%.*s...", STR_ARG(quote_text(str_part(text, 0, end), arena)));
}

str token_describe(const struct token *token, struct arena *arena)
{
    static const char *const kinds[] = {
        [TOKEN_IDENTIFIER] = "identifier", [TOKEN_METRIC_IDENTIFIER] = "metric identifier",
        [TOKEN_STRING] = "string",         [TOKEN_NUMBER] = "number",
        [TOKEN_DURATION] = "duration",
    };
    str text = token->text;

    switch (token->kind) {
    case TOKEN_END: return STR("end of input");
    case TOKEN_IDENTIFIER:
    case TOKEN_METRIC_IDENTIFIER:
        return arena_format(arena, "%s %.*s", kinds[token->kind], STR_ARG(quote_text(text, arena)));
    case TOKEN_STRING:
    case TOKEN_NUMBER:
    case TOKEN_DURATION: return arena_format(arena, "%s %.*s", kinds[token->kind], STR_ARG(describe_text(text, arena)));
    default: break;
    }
    if (token_is_keyword(token->kind)) return arena_format(arena, "<%.*s>", STR_ARG(text));
    if (token_is_operator(token->kind)) return arena_format(arena, "<op:%.*s>", STR_ARG(text));
    if (token_is_aggregate(token->kind)) return arena_format(arena, "<aggr:%.*s>", STR_ARG(text));
    return quote_text(text, arena);
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_alphanumeric(int c)
{
    return is_letter(c) || is_digit(c);
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

enum { END = -1 };

/* The byte `ahead` of the next one, or END. */
static int peek_ahead(const struct lexer *lexer, size_t ahead)
{
    return ahead < lexer->text.len - lexer->at ? (unsigned char)lexer->text.data[lexer->at + ahead] : END;
}

static int peek(const struct lexer *lexer)
{
    return peek_ahead(lexer, 0);
}

static bool is_one_of(int c, const char *set)
{
    return c > 0 && strchr(set, c);
}

/* Steps over the next byte if it is one of the set. */
static bool accept(struct lexer *lexer, const char *set)
{
    if (!is_one_of(peek(lexer), set)) return false;
    lexer->at++;
    return true;
}

static struct token emit(struct lexer *lexer, enum token_kind kind)
{
    str text = str_part(lexer->text, lexer->start, lexer->at - lexer->start);
    struct token token = {kind, (uint32_t)lexer->start, text};

    lexer->start = lexer->at;
    return token;
}

__attribute__((format(printf, 2, 3))) static struct token fail(struct lexer *lexer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    str message = arena_format_list(lexer->arena, format, args);
    va_end(args);
    lexer->at = lexer->text.len;
    return (struct token){TOKEN_ERROR, (uint32_t)lexer->start, message};
}

/* The character at an offset, quoted for a message; past the end it is the replacement character. */
static str quoted_at(const struct lexer *lexer, size_t at)
{
    uint32_t character = at < lexer->text.len ? quote_next(lexer->text, &at) : QUOTE_REPLACEMENT;

    return quote_character(character, lexer->arena);
}

/* Spellings of other languages, and variables of dashboards that nobody replaced. */
static const char *meant_by(const struct lexer *lexer)
{
    size_t next = lexer->start + 1;
    int c = next < lexer->text.len ? (unsigned char)lexer->text.data[next] : END;

    switch (lexer->text.data[lexer->start]) {
    case '&': return ", did you mean \"and\"?";
    case '|': return ", did you mean \"or\"?";
    case '$': return is_letter(c) || c == '{' ? ", is this a variable that was to be replaced?" : "";
    default: return "";
    }
}

static void skip_spaces(struct lexer *lexer)
{
    while (is_space(peek(lexer))) lexer->at++;
    lexer->start = lexer->at;
}

static void skip_spaces_and_comments(struct lexer *lexer)
{
    for (skip_spaces(lexer); peek(lexer) == '#'; skip_spaces(lexer)) {
        while (peek(lexer) != END && peek(lexer) != '\n' && peek(lexer) != '\r') lexer->at++;
    }
}

/* Stands at a byte that a string escape can not have. */
static struct token fail_in_escape(struct lexer *lexer, const char *before, const char *after)
{
    size_t at = lexer->at;

    if (peek(lexer) == END) return fail(lexer, "escape sequence not terminated");
    str found = quote_code_point(quote_next(lexer->text, &at), lexer->arena);
    return fail(lexer, "%s %.*s%s", before, STR_ARG(found), after);
}

static unsigned digit_value(int c)
{
    if (is_digit(c)) return (unsigned)(c - '0');
    return is_one_of(c, "abcdefABCDEF") ? (unsigned)(c | 0x20) - 'a' + 10 : UINT_MAX;
}

/* Checks the escape after a backslash; false with the error in *error. */
static bool scan_escape(struct lexer *lexer, char quote, struct token *error)
{
    int c = peek(lexer);
    bool octal = c >= '0' && c <= '7';
    unsigned digits = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t value = 0;

    if (digits == 0 && c != quote && !is_one_of(c, "abfnrtv\\")) {
        *error = fail_in_escape(lexer, "unknown escape sequence", "");
        return false;
    }
    if (!octal) lexer->at++;
    for (unsigned i = 0, base = octal ? 8 : 16; i < digits; i++) {
        unsigned digit = digit_value(peek(lexer));
        if (digit >= base) {
            *error = fail_in_escape(lexer, "illegal character", " in escape sequence");
            return false;
        }
        value = value * base + digit;
        lexer->at++;
    }
    if (value > (digits < 4 ? 0xFF : 0x10FFFF) || (value >= 0xD800 && value < 0xE000)) {
        *error = fail(lexer, "escape sequence is an invalid Unicode code point");
        return false;
    }
    return true;
}

/* A string literal whose opening quote is next. */
static struct token lex_string(struct lexer *lexer)
{
    char quote = lexer->text.data[lexer->at++];
    struct token error;

    for (;;) {
        int c = peek(lexer);
        if (c == quote) {
            lexer->at++;
            return emit(lexer, TOKEN_STRING);
        }
        if (quote == '`' && c == END) return fail(lexer, "unterminated raw string");
        if (quote != '`' && (c == END || c == '\n')) return fail(lexer, "unterminated quoted string");
        if (quote != '`' && c == '\\') {
            lexer->at++;
            if (!scan_escape(lexer, quote, &error)) return error;
        } else if (quote_next(lexer->text, &lexer->at) == QUOTE_REPLACEMENT) {
            return fail(lexer, "invalid UTF-8 rune");
        }
    }
}

/* Scans what looks like a number, greedily; what it takes need not be one, the parser finds out. After a failure the
 * text so far may still begin a duration. */
static bool scan_number(struct lexer *lexer)
{
    bool had_dot = false, had_exponent = false, hex = false;

    if (accept(lexer, "0") && accept(lexer, "xX")) {
        accept(lexer, "_");
        hex = true;
    }
    const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
    accept(lexer, ".");
    accept(lexer, digits);
    while (is_one_of(peek(lexer), digits) || is_one_of(peek(lexer), "._eE")) {
        if (accept(lexer, ".")) {
            if (had_dot || accept(lexer, "_.") || hex) return false;
            had_dot = true;
        } else if (accept(lexer, "eE")) { /* in hexadecimal too, where only one can lead a run of digits */
            if (had_exponent) return false;
            had_exponent = true;
            accept(lexer, "+-");
            if (accept(lexer, "._eE") || peek(lexer) == END) return false;
        } else if (accept(lexer, "_")) {
            if (accept(lexer, "._eE") || peek(lexer) == END) return false;
        } else {
            while (accept(lexer, digits)) continue;
        }
    }
    return !is_alphanumeric(peek(lexer));
}

/* Scans the units, and further digits with units, of a duration whose first digits are scanned. */
static bool scan_duration(struct lexer *lexer)
{
    if (!accept(lexer, "smhdwy")) return false;
    accept(lexer, "s"); /* ms; whatever else ends in s the parser refuses */
    while (accept(lexer, "0123456789")) {
        while (accept(lexer, "0123456789")) continue;
        if (!accept(lexer, "smhdw")) return false;
        accept(lexer, "s");
    }
    if (!is_alphanumeric(peek(lexer))) return true;
    lexer->at++;
    return false;
}

static struct token lex_number_or_duration(struct lexer *lexer)
{
    if (scan_number(lexer)) return emit(lexer, TOKEN_NUMBER);
    if (scan_duration(lexer)) return emit(lexer, TOKEN_DURATION);
    str text = str_part(lexer->text, lexer->start, lexer->at - lexer->start);
    return fail(lexer, "bad number or duration syntax: %.*s", STR_ARG(quote_text(text, lexer->arena)));
}

static bool starts_number(const struct lexer *lexer)
{
    return is_digit(peek(lexer)) || (peek(lexer) == '.' && is_digit(peek_ahead(lexer, 1)));
}

static bool is_followed_by_paren(const struct lexer *lexer)
{
    size_t ahead = 0;

    while (is_space(peek_ahead(lexer, ahead))) ahead++;
    return peek_ahead(lexer, ahead) == '(';
}

static struct token lex_word(struct lexer *lexer)
{
    while (is_alphanumeric(peek(lexer)) || peek(lexer) == ':') lexer->at++;

    enum token_kind kind = word_kind(str_part(lexer->text, lexer->start, lexer->at - lexer->start));
    bool fills = kind == TOKEN_FILL || kind == TOKEN_FILL_LEFT || kind == TOKEN_FILL_RIGHT;
    return emit(lexer, fills && !is_followed_by_paren(lexer) ? TOKEN_IDENTIFIER : kind);
}

/* One of the words of duration expressions, in brackets. */
static bool lex_duration_word(struct lexer *lexer, struct token *out)
{
    while (is_letter(peek(lexer))) lexer->at++;

    enum token_kind kind = word_kind(str_part(lexer->text, lexer->start, lexer->at - lexer->start));
    if (kind != TOKEN_STEP && kind != TOKEN_RANGE && kind != TOKEN_MIN_OF && kind != TOKEN_MAX_OF) return false;
    *out = emit(lexer, kind);
    return true;
}

static struct token lex_left_paren(struct lexer *lexer)
{
    lexer->paren_depth++;
    return emit(lexer, TOKEN_LEFT_PAREN);
}

static struct token lex_right_paren(struct lexer *lexer)
{
    struct token token = emit(lexer, TOKEN_RIGHT_PAREN);

    return --lexer->paren_depth < 0 ? fail(lexer, "unexpected right parenthesis ')'") : token;
}

static struct token lex_right_bracket(struct lexer *lexer)
{
    lexer->in_brackets = lexer->in_duration = false;
    return emit(lexer, TOKEN_RIGHT_BRACKET);
}

static struct token lex_inside_braces(struct lexer *lexer)
{
    skip_spaces_and_comments(lexer);
    int c = peek(lexer);
    if (c == END) return fail(lexer, "unexpected end of input inside braces");
    if (c == '"' || c == '\'' || c == '`') return lex_string(lexer);
    lexer->at++;
    if (is_letter(c)) {
        while (is_alphanumeric(peek(lexer))) lexer->at++;
        return emit(lexer, TOKEN_IDENTIFIER);
    }
    switch (c) {
    case ',': return emit(lexer, TOKEN_COMMA);
    case '=': return emit(lexer, accept(lexer, "~") ? TOKEN_REGEX : TOKEN_EQUAL);
    case '!':
        if (accept(lexer, "~")) return emit(lexer, TOKEN_NOT_REGEX);
        if (accept(lexer, "=")) return emit(lexer, TOKEN_NEQ);
        return fail(lexer, "unexpected character after '!' inside braces: %.*s", STR_ARG(quoted_at(lexer, lexer->at)));
    case '{': return fail(lexer, "unexpected left brace '{'");
    case '}': lexer->in_braces = false; return emit(lexer, TOKEN_RIGHT_BRACE);
    default: return fail(lexer, "unexpected character inside braces: %.*s", STR_ARG(quoted_at(lexer, lexer->start)));
    }
}

static struct token lex_inside_duration(struct lexer *lexer)
{
    struct token token;

    skip_spaces(lexer);
    int c = peek(lexer);
    if (c == END) return fail(lexer, "unexpected end of input in duration expression");
    if (starts_number(lexer)) {
        lexer->in_duration = false;
        lexer->had_duration = true;
        return lex_number_or_duration(lexer);
    }
    if (is_one_of(c | 0x20, "mrs") && lex_duration_word(lexer, &token)) return token;
    lexer->at = lexer->start + 1;
    switch (c) {
    case '(': return lex_left_paren(lexer);
    case ')': return lex_right_paren(lexer);
    case ']': return lex_right_bracket(lexer);
    case '+': return emit(lexer, TOKEN_ADD);
    case '-': return emit(lexer, TOKEN_SUB);
    case '*': return emit(lexer, TOKEN_MUL);
    case '/': return emit(lexer, TOKEN_DIV);
    case '%': return emit(lexer, TOKEN_MOD);
    case '^': return emit(lexer, TOKEN_POW);
    case ',': return emit(lexer, TOKEN_COMMA);
    case ':':
        token = emit(lexer, TOKEN_COLON);
        if (!lexer->had_duration) return fail(lexer, "unexpected colon before duration in duration expression");
        if (lexer->had_colon) return fail(lexer, "unexpected repeated colon in duration expression");
        lexer->had_colon = true;
        return token;
    default:
        return fail(lexer, "unexpected character in duration expression: %.*s%s",
                    STR_ARG(quoted_at(lexer, lexer->start)), meant_by(lexer));
    }
}

/* A letter or a colon in brackets, after the first number. */
static struct token lex_word_in_brackets(struct lexer *lexer)
{
    struct token token;

    if (accept(lexer, ":")) {
        if (lexer->had_colon) return fail(lexer, "unexpected colon ':'");
        lexer->had_colon = true;
        return emit(lexer, TOKEN_COLON);
    }
    if (is_one_of(peek(lexer) | 0x20, "mrs") && lex_duration_word(lexer, &token)) return token;
    return fail(lexer, "unexpected character: %.*s, expected ':'", STR_ARG(quoted_at(lexer, lexer->start)));
}

static struct token lex_left_bracket(struct lexer *lexer)
{
    if (lexer->in_brackets) return fail(lexer, "unexpected left bracket '['");
    lexer->in_brackets = lexer->in_duration = true;
    lexer->had_colon = false;
    return emit(lexer, TOKEN_LEFT_BRACKET);
}

/* Operators and punctuation outside of braces. */
static struct token lex_symbol(struct lexer *lexer)
{
    int c = peek(lexer);

    lexer->at++;
    switch (c) {
    case ',': return emit(lexer, TOKEN_COMMA);
    case '+': return emit(lexer, TOKEN_ADD);
    case '-': return emit(lexer, TOKEN_SUB);
    case '*': return emit(lexer, TOKEN_MUL);
    case '/': return emit(lexer, TOKEN_DIV);
    case '%': return emit(lexer, TOKEN_MOD);
    case '^': return emit(lexer, TOKEN_POW);
    case '@': return emit(lexer, TOKEN_AT);
    case '(': return lex_left_paren(lexer);
    case ')': return lex_right_paren(lexer);
    case '[': return lex_left_bracket(lexer);
    case ']': return lexer->in_brackets ? lex_right_bracket(lexer) : fail(lexer, "unexpected right bracket ']'");
    case '{': lexer->in_braces = true; return emit(lexer, TOKEN_LEFT_BRACE);
    case '<':
        if (accept(lexer, "=")) return emit(lexer, TOKEN_LTE);
        return emit(lexer, accept(lexer, "/") ? TOKEN_TRIM_UPPER : TOKEN_LSS);
    case '>':
        if (accept(lexer, "=")) return emit(lexer, TOKEN_GTE);
        return emit(lexer, accept(lexer, "/") ? TOKEN_TRIM_LOWER : TOKEN_GTR);
    case '=':
        if (accept(lexer, "~")) return fail(lexer, "unexpected character after '=': '~'");
        return emit(lexer, accept(lexer, "=") ? TOKEN_EQL : TOKEN_EQUAL);
    case '!':
        if (accept(lexer, "=")) return emit(lexer, TOKEN_NEQ);
        return fail(lexer, "unexpected character after '!': %.*s", STR_ARG(quoted_at(lexer, lexer->at)));
    default:
        return fail(lexer, "unexpected character: %.*s%s", STR_ARG(quoted_at(lexer, lexer->start)), meant_by(lexer));
    }
}

void lex_init(struct lexer *lexer, str text, struct arena *arena)
{
    assert(text.len < UINT32_MAX);
    *lexer = (struct lexer){.text = text, .arena = arena};
}

struct token lex_next(struct lexer *lexer)
{
    if (lexer->in_braces) return lex_inside_braces(lexer);
    if (lexer->in_duration) return lex_inside_duration(lexer);

    skip_spaces_and_comments(lexer);
    int c = peek(lexer);
    if (c == END) {
        if (lexer->paren_depth) return fail(lexer, "unclosed left parenthesis");
        if (lexer->in_brackets) return fail(lexer, "unclosed left bracket");
        return emit(lexer, TOKEN_END);
    }
    if (starts_number(lexer)) return lex_number_or_duration(lexer);
    if (c == '"' || c == '\'' || c == '`') return lex_string(lexer);
    if (is_letter(c) || c == ':') return lexer->in_brackets ? lex_word_in_brackets(lexer) : lex_word(lexer);
    return lex_symbol(lexer);
}
