/* Literals between wildcards; see glob.h. */
#include "tsdb/glob.h"

#include <string.h>

/* What is left of a pattern, and where what was read of it goes. */
struct parse {
    str rest;
    char *text; /* of the literals, end to end */
    str *literals;
    bool *needs_text;
    size_t literal_count;
};

static bool skip(struct parse *parse, char c)
{
    if (parse->rest.len == 0 || parse->rest.data[0] != c) return false;
    parse->rest = str_part(parse->rest, 1, parse->rest.len);
    return true;
}

bool glob_is_escapable(char c)
{
    bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

    return !is_letter && !(c >= '0' && c <= '9') && (unsigned char)c < 0x80;
}

/* Up to a wildcard, a bar or the end; false at anything else. What is repeated by a later character is none, too. */
static bool read_literal(struct parse *parse)
{
    char *begin = parse->text;

    while (parse->rest.len && parse->rest.data[0] != '.' && parse->rest.data[0] != '|') {
        char c = parse->rest.data[0];
        if (c == 0 || strchr("+*?()[]{}^$", c)) return false;
        if (skip(parse, '\\') && (parse->rest.len == 0 || !glob_is_escapable(parse->rest.data[0]))) return false;
        *parse->text++ = parse->rest.data[0];
        parse->rest = str_part(parse->rest, 1, parse->rest.len);
    }
    parse->literals[parse->literal_count++] = str_make(begin, (size_t)(parse->text - begin));
    return true;
}

/* ".*" or ".+"; that it would rather have less (".*?") makes no difference to whether all of a text matches. */
static bool read_wildcard(struct parse *parse)
{
    if (!skip(parse, '.')) return false;
    bool needs_text = skip(parse, '+');
    if (!needs_text && !skip(parse, '*')) return false;
    (void)skip(parse, '?');
    parse->needs_text[parse->literal_count - 1] = needs_text;
    return true;
}

static bool read_alternative(struct parse *parse, struct glob *out)
{
    size_t first = parse->literal_count;

    if (!read_literal(parse)) return false;
    while (parse->rest.len && parse->rest.data[0] != '|') {
        if (!read_wildcard(parse) || !read_literal(parse)) return false;
    }
    *out = (struct glob){parse->literals + first, parse->needs_text + first, parse->literal_count - first};
    return out->count > 1;
}

static bool is_two_characters(const struct glob *glob)
{
    for (size_t i = 1; i + 1 < glob->count; i++) {
        if (glob->literals[i].len == 0 && glob->needs_text[i - 1] && glob->needs_text[i]) return true;
    }
    return false;
}

const struct glob *glob_compile(str pattern, size_t *count, struct arena *arena)
{
    size_t bars = 0, dots = 0, alternatives = 0;

    *count = 0;
    for (size_t i = 0; i < pattern.len; i++) {
        bars += pattern.data[i] == '|';
        dots += pattern.data[i] == '.';
    }
    if (dots == 0 || !str_is_utf8(pattern)) return NULL;
    struct parse parse = {.rest = pattern,
                          .text = arena_alloc(arena, pattern.len),
                          .literals = arena_array(arena, str, bars + dots + 1),
                          .needs_text = arena_array(arena, bool, bars + dots + 1)};
    struct glob *globs = arena_array(arena, struct glob, bars + 1);
    do {
        struct glob *glob = &globs[alternatives++];
        /* ".+.+" counts characters, not bytes: that is the engine's. */
        if (!read_alternative(&parse, glob) || is_two_characters(glob)) return NULL;
    } while (skip(&parse, '|'));
    *count = alternatives;
    return globs;
}

static bool matches_one(const struct glob *glob, str value)
{
    str first = glob->literals[0], last = glob->literals[glob->count - 1];
    size_t at = first.len;

    if (!str_starts_with(value, first)) return false;
    for (size_t i = 1; i + 1 < glob->count; i++) {
        str literal = glob->literals[i];
        at += glob->needs_text[i - 1];
        if (at > value.len) return false;
        const char *found =
            literal.len ? memmem(value.data + at, value.len - at, literal.data, literal.len) : value.data + at;
        if (!found) return false;
        at = (size_t)(found - value.data) + literal.len;
    }
    at += glob->needs_text[glob->count - 2];
    return value.len >= at && value.len - at >= last.len && str_ends_with(value, last);
}

bool glob_matches(const struct glob *globs, size_t count, str value)
{
    for (size_t i = 0; i < count; i++) {
        if (matches_one(&globs[i], value)) return true;
    }
    return false;
}

str glob_prefix(const struct glob *globs, size_t count)
{
    str prefix = count ? globs[0].literals[0] : STR("");

    for (size_t i = 1; i < count; i++) {
        str other = globs[i].literals[0];
        size_t common = 0;
        while (common < prefix.len && common < other.len && prefix.data[common] == other.data[common]) common++;
        prefix.len = common;
    }
    return prefix;
}
