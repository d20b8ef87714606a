/* Matchers; see matcher.h. */
#include "tsdb/matcher.h"

#include "storage/base/vec.h"
#include "tsdb/glob.h"
#include "tsdb/regex.h"

#include <assert.h>
#include <stdlib.h>

/* Of expanded patterns; larger sets are cheaper to match than to look up one by one. */
enum { SET_VALUES_MAX = 1024 };

struct values {
    vec(str) found;
    struct arena *arena;
};

static void add_value(void *context, str value)
{
    struct values *values = context;

    vec_push(&values->found, arena_copy_str(values->arena, value));
}

/* A compiled pattern that goes with an arena and is charged to its account. */
struct owned_regex {
    struct regex *regex;
    struct account *account;
    size_t bytes;
};

static void release_regex(void *context)
{
    struct owned_regex *owned = context;

    account_return(owned->account, owned->bytes);
    regex_free(owned->regex);
}

static void give_to_arena(struct regex *regex, struct arena *arena)
{
    struct owned_regex *owned = arena_alloc(arena, sizeof *owned);

    *owned = (struct owned_regex){regex, arena->account, regex_bytes(regex)};
    account_charge(owned->account, owned->bytes);
    arena_defer(arena, release_regex, owned);
}

/* The pattern without anchors and without a group around it, which change nothing for ".*" or a list of literals. */
static str core_of(str pattern)
{
    if (str_starts_with(pattern, STR("^"))) pattern = str_part(pattern, 1, pattern.len);
    if (str_ends_with(pattern, STR("$"))) pattern.len--;
    if (!str_ends_with(pattern, STR(")"))) return pattern;
    if (str_starts_with(pattern, STR("(?:"))) return str_part(pattern, 3, pattern.len - 4);
    if (str_starts_with(pattern, STR("("))) return str_part(pattern, 1, pattern.len - 2);
    return pattern;
}

static int compare_values(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* The values of a list such as "a|b\\.c|d", escapes resolved; false if the pattern is anything else. */
static bool read_literals(str pattern, str *values, size_t *count, struct arena *arena)
{
    char *text = arena_alloc(arena, pattern.len);
    size_t start = 0, len = 0;

    *count = 0;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i];
        if (c == '|') {
            values[(*count)++] = str_make(text + start, len - start);
            start = len;
            continue;
        }
        if (c == '\\') {
            if (i + 1 == pattern.len || !glob_is_escapable(pattern.data[i + 1])) return false;
            c = pattern.data[++i];
        } else if (c && strchr(".+*?()[]{}^$", c)) {
            return false;
        }
        text[len++] = c;
    }
    values[(*count)++] = str_make(text + start, len - start);
    return true;
}

/* A list of literals, which most patterns of dashboards are, needs no engine and has no limits, and without anything
 * around it or escaped in it not even that of being UTF-8. */
static bool set_literals(struct matcher *matcher, struct arena *arena)
{
    str pattern = core_of(matcher->value);
    size_t bars = 0, count, kept = 0;
    bool is_bare = pattern.len == matcher->value.len && str_find(pattern, '\\') == pattern.len;

    if (!is_bare && !str_is_utf8(matcher->value)) return false;
    for (size_t i = 0; i < pattern.len; i++) bars += pattern.data[i] == '|';
    str *set = arena_array(arena, str, bars + 1);
    if (!read_literals(pattern, set, &count, arena)) return false;
    qsort(set, count, sizeof *set, compare_values);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !str_equal(set[i], set[kept - 1])) set[kept++] = set[i];
    }
    matcher->set = set;
    matcher->set_count = kept;
    return true;
}

static bool set_expansion(struct matcher *matcher, const struct regex *regex, struct arena *arena)
{
    struct values values = {.arena = arena};

    if (!regex_as_set(regex, SET_VALUES_MAX, add_value, &values)) return false;
    str *set = arena_array(arena, str, values.found.count);
    memcpy(set, values.found.data, values.found.count * sizeof *set);
    matcher->set = set;
    matcher->set_count = values.found.count;
    vec_release(&values.found);
    return true;
}

static status compile_regex(struct matcher *matcher, struct arena *arena)
{
    struct regex *regex;

    if (set_literals(matcher, arena)) return ok();
    matcher->globs = glob_compile(core_of(matcher->value), &matcher->glob_count, arena);
    if (matcher->globs) return ok();
    TRY(regex_compile(matcher->value, &regex));
    if (set_expansion(matcher, regex, arena)) {
        regex_free(regex);
    } else {
        give_to_arena(regex, arena);
        matcher->regex = regex;
    }
    return ok();
}

static void find_flags(struct matcher *matcher)
{
    str core = core_of(matcher->value);
    bool is_empty_only = matcher->set_count == 1 && matcher->set[0].len == 0;

    switch (matcher->type) {
    case MATCH_EQUAL: break;
    case MATCH_NOT_EQUAL: matcher->matches_non_empty = matcher->value.len == 0; break;
    case MATCH_REGEX:
        matcher->matches_all = str_equal(core, STR(".*"));
        matcher->matches_non_empty = str_equal(core, STR(".+"));
        break;
    case MATCH_NOT_REGEX: matcher->matches_non_empty = is_empty_only; break;
    }
}

status matcher_compile(enum matcher_type type, str name, str value, struct matcher *out, struct arena *arena)
{
    *out = (struct matcher){.type = type, .name = name, .value = value};
    if (type == MATCH_REGEX || type == MATCH_NOT_REGEX) TRY(compile_regex(out, arena));
    find_flags(out);
    return ok();
}

static bool finds(const struct matcher *matcher, str value)
{
    if (matcher->set) return bsearch(&value, matcher->set, matcher->set_count, sizeof value, compare_values) != NULL;
    if (matcher->globs) return glob_matches(matcher->globs, matcher->glob_count, value);
    return regex_matches(matcher->regex, value);
}

bool matcher_matches(const struct matcher *matcher, str value)
{
    if (matcher->matches_all) return true;
    if (matcher->matches_non_empty) return value.len > 0;
    switch (matcher->type) {
    case MATCH_EQUAL: return str_equal(value, matcher->value);
    case MATCH_NOT_EQUAL: return !str_equal(value, matcher->value);
    case MATCH_REGEX:
    case MATCH_NOT_REGEX: break;
    }
    return finds(matcher, value) == (matcher->type == MATCH_REGEX);
}

bool matcher_matches_empty(const struct matcher *matcher)
{
    return matcher_matches(matcher, STR(""));
}

str matcher_operator(enum matcher_type type)
{
    static const str operators[] = {
        [MATCH_EQUAL] = STR("="),
        [MATCH_NOT_EQUAL] = STR("!="),
        [MATCH_REGEX] = STR("=~"),
        [MATCH_NOT_REGEX] = STR("!~"),
    };

    return operators[type];
}
