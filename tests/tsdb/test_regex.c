/* Regular expressions: matching, groups, errors, sets and prefixes. */
#include "tsdb/regex.h"

#include "storage/base/arena.h"
#include "storage/base/vec.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct regex *compile(const char *pattern)
{
    struct regex *regex = NULL;
    status s = regex_compile(str_from(pattern), &regex);

    cr_assert(!failed(s), "%s: %s", pattern, s.text);
    return regex;
}

static const struct {
    const char *pattern;
    str text;
    bool anchored, anywhere; /* whether it matches all of the text, a part of it */
} matches[] = {
    {"", STR(""), true, true},
    {"", STR("a"), false, true},
    {"a", STR("a"), true, true},
    {"a", STR("ba"), false, true},
    {"a|b", STR("b"), true, true},
    {"a|b", STR("ab"), false, true},
    {"a.b", STR("a\nb"), true, true},
    {"a.b",
     STR("a\xc3\xa9"
         "b"),
     true, true},
    {"^a$", STR("a"), true, true},
    {"^a$", STR("a\n"), false, false},
    {".*", STR(""), true, true},
    {".+", STR(""), false, false},
    {"(?i)abc", STR("aBC"), true, true},
    {"\\d+", STR("123"), true, true},
    {"[^a]", STR("b"), true, true},
    {"\\Qa.b\\E", STR("a.b"), true, true},
    {"\\Qa.b\\E", STR("axb"), false, false},
    {"a{2,3}", STR("aaa"), true, true},
    {"a{2,3}", STR("aaaa"), false, true},
    {"\\p{Greek}+", STR("\xce\xb1\xce\xb2"), true, true},
    {"(?<year>\\d{4})", STR("2024"), true, true},
    {"[(?<a]+", STR("(<?a"), true, true},
    {"[]a]+", STR("]a"), true, true},
    {"[[:alpha:](?<]+", STR("x(?<"), true, true},
    {"\\Q(?<a\\E", STR("(?<a"), true, true},
};

Test(regex, matches)
{
    for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++) {
        struct regex *anchored = compile(matches[i].pattern), *anywhere;

        cr_assert(!failed(regex_compile_unanchored(str_from(matches[i].pattern), &anywhere)));
        cr_expect(regex_matches(anchored, matches[i].text) == matches[i].anchored, "%s", matches[i].pattern);
        cr_expect(regex_matches(anywhere, matches[i].text) == matches[i].anywhere, "%s", matches[i].pattern);
        cr_expect(regex_bytes(anchored) > 0);
        regex_free(anchored);
        regex_free(anywhere);
    }
}

static const struct {
    const char *pattern, *error;
} errors[] = {
    {"(", "error parsing regexp: missing closing ): `(`"},
    {"a)(b", "error parsing regexp: unexpected ): `a)(b`"},
    {"[a", "error parsing regexp: missing closing ]: `[a`"},
    {"*a", "error parsing regexp: missing argument to repetition operator: `*`"},
    {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
    {"a\\", "error parsing regexp: trailing backslash at end of expression: ``"},
    {"a{2000}", "error parsing regexp: invalid repeat count: `{2000}`"},
    {"[b-a]", "error parsing regexp: invalid character class range: `b-a`"},
    {"[[:foo:]]", "error parsing regexp: invalid character class range: `[:foo:]`"},
    {"\\8", "error parsing regexp: invalid escape sequence: `\\8`"},
    {"(?z)", "error parsing regexp: invalid or unsupported Perl syntax: `(?z`"},
    {"(?P<a", "error parsing regexp: invalid named capture: `(?P<a`"},
    {"(?<a", "error parsing regexp: invalid named capture: `(?<a`"},
    {"(?<=a)b", "error parsing regexp: invalid named capture: `(?<=a)b`"},
};

Test(regex, errors)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct regex *regex;
        status s = regex_compile(str_from(errors[i].pattern), &regex);
        cr_expect(s.code == STATUS_INVALID && strcmp(s.text, errors[i].error) == 0, "%s: %s", errors[i].pattern,
                  s.text);
    }
}

Test(regex, limits)
{
    struct regex *regex;
    char *huge = malloc(REGEX_PATTERN_BYTES_MAX + 1);
    char pattern[20000] = "";

    for (size_t i = 0; i + 16 < sizeof pattern; i += 13) memcpy(pattern + i, "\\pL{90}\\pN{9}", 14);
    status s = regex_compile(str_from(pattern), &regex);
    cr_expect(s.code == STATUS_LIMIT, "%s", s.text);
    cr_expect(strncmp(s.text, "regular expression needs more than 8 MiB of memory: `", 53) == 0, "%s", s.text);

    memset(huge, 'a', REGEX_PATTERN_BYTES_MAX + 1);
    s = regex_compile(str_make(huge, REGEX_PATTERN_BYTES_MAX + 1), &regex);
    cr_expect(strcmp(s.text, "regular expression has 262145 bytes, the limit is 262144") == 0, "%s", s.text);
    for (size_t i = 0; i < REGEX_PATTERN_BYTES_MAX; i += 2) memcpy(huge + i, "[:", 2);
    s = regex_compile(str_make(huge, REGEX_PATTERN_BYTES_MAX), &regex);
    cr_expect(strcmp(s.text, "regular expression of 262144 bytes has too many character classes") == 0, "%s", s.text);
    free(huge);
}

static const struct {
    const char *pattern, *text, *groups; /* separated by bars */
} captures[] = {
    {"a", "a", "a"},
    {"(a)(b)?(c)", "ac", "ac|a||c"},
    {"(.*)-(.*)", "x-y-z", "x-y-z|x-y|z"},
    {"(.*?)-(.*)", "x-y-z", "x-y-z|x|y-z"},
    {"(a|ab)(c|bcd)?(d*)", "abcd", "abcd|a|bcd|"},
    {"(?P<n>.)(?<m>.)", "xy", "xy|x|y"},
};

Test(regex, captures)
{
    for (size_t i = 0; i < sizeof captures / sizeof captures[0]; i++) {
        struct regex *regex = compile(captures[i].pattern);
        str groups[6], rest = str_from(captures[i].groups);
        size_t count = regex_group_count(regex) + 1;

        cr_assert(regex_capture(regex, str_from(captures[i].text), groups, 6), "%s", captures[i].pattern);
        for (size_t j = 0; j < 6; j++) {
            str expected = j < count ? str_cut(&rest, '|') : STR("");
            cr_expect(str_equal(groups[j], expected), "%s: group %zu is %.*s", captures[i].pattern, j,
                      STR_ARG(groups[j]));
        }
        cr_expect(!regex_capture(regex, STR("nothing"), groups, 1));
        regex_free(regex);
    }
}

Test(regex, group_names)
{
    struct regex *regex = compile("(a)(?P<first>b)(?<second>c)");

    cr_expect(regex_group_count(regex) == 3);
    cr_expect(regex_group_by_name(regex, STR("first")) == 2 && regex_group_by_name(regex, STR("second")) == 3);
    cr_expect(regex_group_by_name(regex, STR("third")) == 0 && regex_group_by_name(regex, STR("")) == 0);
    regex_free(regex);
}

struct set {
    struct arena arena;
    vec(str) values;
};

static void add(void *context, str value)
{
    struct set *set = context;

    vec_push(&set->values, arena_copy_str(&set->arena, value));
}

static void release_set(struct set *set)
{
    vec_release(&set->values);
    arena_release(&set->arena);
}

static const struct {
    const char *pattern, *set; /* sorted, separated by commas; NULL if it is not seen to be a set of at most 12 */
} sets[] = {
    {"", ""},
    {"a", "a"},
    {"a|b", "a,b"},
    {"b|a|b", "a,b"},
    {"a|", ",a"},
    {"(a|b)c", "ac,bc"},
    {"(?:a|b)(?P<n>c|d)(?<m>e)", "ace,ade,bce,bde"},
    {"5[0-4]x", "50x,51x,52x,53x,54x"},
    {"[abc]", "a,b,c"},
    {"[a-c-]", "-,a,b,c"},
    {"[]a]", "],a"},
    {"[\\]\\-\\d]", "-,0,1,2,3,4,5,6,7,8,9,]"},
    {"[\\[-\\]]", "[,\\,]"},
    {"ab?c", "abc,ac"},
    {"(ab)??", ",ab"},
    {"^a$", "a"},
    {"^(a|b)$", "a,b"},
    {"^a|b$", "a,b"},
    {"^a$|^b$", "a,b"},
    {"a\\.b\\\\c\\n", "a.b\\c\n"},
    {"x\\d", "x0,x1,x2,x3,x4,x5,x6,x7,x8,x9"},
    {"\xc3\xa9|[\xce\xb1-\xce\xb3]", "\xc3\xa9,\xce\xb1,\xce\xb2,\xce\xb3"},
    {"a b=c", "a b=c"},
    {"((((a))))", "a"},
    {"(|a)(|b)", ",a,ab,b"},
    /* not sets, or not seen to be */
    {"a*", NULL},
    {"a+", NULL},
    {"a.", NULL},
    {"a{2}", NULL},
    {"(a|b*)c", NULL},
    {"[^a]", NULL},
    {"[[:digit:]]", NULL},
    {"\\w", NULL},
    {"\\bfoo\\b", NULL},
    {"\\x41", NULL},
    {"\\Qa\\E", NULL},
    {"(?i)a", NULL},
    {"(?i:a)b", NULL},
    {"(?s)a", NULL},
    {"(^a)", NULL},
    {"a^b", NULL},
    {"a$b", NULL},
    {"(a$)", NULL},
    {"[0-9][0-9]", NULL},
    {"[a-z]", NULL},
    {"a|b|c|d|e|f|g|h|i|j|k|l|m", NULL},
};

Test(regex, sets)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct regex *regex = compile(sets[i].pattern);
        struct set set = {0};
        str rest = str_from(sets[i].set);

        bool is_set = regex_as_set(regex, 12, add, &set);
        cr_expect(is_set == (sets[i].set != NULL), "%s", sets[i].pattern);
        for (size_t j = 0; j < set.values.count; j++) {
            str expected = str_cut(&rest, ',');
            cr_expect(str_equal(set.values.data[j], expected), "%s: %.*s", sets[i].pattern,
                      STR_ARG(set.values.data[j]));
            cr_expect(regex_matches(regex, set.values.data[j]), "%s", sets[i].pattern);
        }
        cr_expect(rest.len == 0, "%s: no %.*s", sets[i].pattern, STR_ARG(rest));
        release_set(&set);
        regex_free(regex);
    }
}

static const struct {
    const char *pattern, *prefix;
} prefixes[] = {
    {"", ""},
    {"abc", "abc"},
    {"abc.*", "abc"},
    {"abc|abd", ""},
    {"foo(bar|baz)+", "foo"},
    {"foo[|]bar\\|", "foo"},
    {"fo\\.o?bar", "fo."},
    {"foo+bar", "foo"},
    {"\xc3\xa9\xc3\xa9*", "\xc3\xa9"},
    {"foo{2}", "fo"},
    {"a\\|b(c|d)", "a|b"},
    {"\\Qa|b\\Ec", ""},
    {"(abc)", ""},
    {"a?b", ""},
    {".*abc", ""},
    {"(?i)abc", ""},
    {"^abc.+$", "abc"},
    {"host-[0-9]+", "host-"},
};

Test(regex, prefixes)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct regex *regex = compile(prefixes[i].pattern), *anywhere;
        str prefix = regex_prefix(regex);

        cr_expect(str_equal(prefix, str_from(prefixes[i].prefix)), "%s: %.*s", prefixes[i].pattern, STR_ARG(prefix));
        cr_assert(!failed(regex_compile_unanchored(str_from(prefixes[i].pattern), &anywhere)));
        cr_expect(regex_prefix(anywhere).len == 0);
        regex_free(regex);
        regex_free(anywhere);
    }
}

/* A random pattern over the letters a and b. */
static void write_pattern(char *out, size_t *len, int depth)
{
    static const char *const atoms[] = {"a",  "b",   "ab", "[ab]", "[a]", "\\.", "",
                                        "a?", "b??", "^",  "$",    ".",   "b*",  "ba"};

    for (long parts = 1 + lrand48() % 3; parts > 0; parts--) {
        long pick = lrand48() % 20;
        if (depth > 0 && pick < 5) {
            *len += (size_t)sprintf(out + *len, pick % 2 ? "(" : "(?:");
            write_pattern(out, len, depth - 1);
            *len += (size_t)sprintf(out + *len, lrand48() % 3 ? ")" : ")?");
        } else if (pick < 8) {
            *len += (size_t)sprintf(out + *len, "|");
        } else {
            *len += (size_t)sprintf(out + *len, "%s", atoms[lrand48() % (long)(sizeof atoms / sizeof atoms[0])]);
        }
    }
}

static bool contains(const struct set *set, str value)
{
    for (size_t i = 0; i < set->values.count; i++) {
        if (str_equal(set->values.data[i], value)) return true;
    }
    return false;
}

/* Against the naive twin, which tries every short text. */
Test(regex, sets_and_prefixes_are_exact)
{
    enum { LETTERS = 3, TEXTS = 1 + 3 + 9 + 27 + 81 + 243 };
    size_t seen = 0;

    srand48(7);
    for (int i = 0; i < 3000; i++) {
        char pattern[1024] = "";
        size_t len = 0;
        struct regex *regex;
        struct set set = {0};

        write_pattern(pattern, &len, 2);
        if (failed(regex_compile(str_make(pattern, len), &regex))) continue;
        bool is_set = regex_as_set(regex, 200, add, &set);
        str prefix = regex_prefix(regex);
        seen += is_set;
        for (int number = 0; number < TEXTS; number++) {
            char text[8];
            size_t bytes = 0;
            for (int rest = number; rest > 0; rest = (rest - 1) / LETTERS) text[bytes++] = "ab."[(rest - 1) % LETTERS];
            str value = str_make(text, bytes);
            bool matched = regex_matches(regex, value);
            cr_assert(!is_set || matched == contains(&set, value), "%s: %.*s", pattern, STR_ARG(value));
            cr_assert(!matched || str_starts_with(value, prefix), "%s: %.*s", pattern, STR_ARG(value));
        }
        for (size_t j = 0; j < set.values.count; j++)
            cr_assert(regex_matches(regex, set.values.data[j]), "%s", pattern);
        release_set(&set);
        regex_free(regex);
    }
    cr_expect(seen > 500, "%zu", seen);
}
