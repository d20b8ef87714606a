/* Literals between wildcards: which patterns are, what they match, against the engine. */
#include "tsdb/glob.h"

#include "tests/support/test.h"
#include "tsdb/regex.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *pattern, *prefix; /* no prefix: it is something else */
    const char *yes, *no;         /* separated by spaces; an underscore is the empty value */
} rows[] = {
    {"node_.*", "node_", "node_ node_cpu", "node _ xnode_"},
    {".*_total", "", "_total a_total_total", "_ total _totals"},
    {".*error.*", "", "error xerrory errorerror", "_ erro err-or"},
    {".+error", "", "xerror errorerror", "error _"},
    {"a.+b", "a", "axb abb a.b", "ab axc _"},
    {"a.*a", "a", "aa aba", "a ab"},
    {"a.*b.*c", "a", "abc axbxc abbcc", "acb ab bc"},
    {"a.+b.+c", "a", "axbxc abbbc", "abc abbc axbc"},
    {"api/.+/v1|web.*", "", "api/x/v1 web webs", "api//v1 api/v1 we"},
    {"abc.*|abd.+", "ab", "abc abdx", "abd ab"},
    {"a\\.b.*", "a.b", "a.b a.bc", "axb"},
    {"\\|.*", "|", "| |x", "x _"},
    {".*?x", "", "x ax", "_ xa"},
    {"x.*.*y", "x", "xy xzy", "x y"},
    {".*.+", "", "x xy", "_"},
    {"\xc3\xa9.*", "\xc3\xa9", "\xc3\xa9 \xc3\xa9x", "e \xc3"},
    {".*|.*x", "", "_ x", ""},
    /* something else */
    {"abc", NULL, "", ""},
    {"", NULL, "", ""},
    {"a.*|b", NULL, "", ""},
    {"a.b", NULL, "", ""},
    {"a.", NULL, "", ""},
    {"a*.*", NULL, "", ""},
    {"a?.*", NULL, "", ""},
    {"a.**", NULL, "", ""},
    {"a.{2}", NULL, "", ""},
    {"(a).*", NULL, "", ""},
    {"[ab].*", NULL, "", ""},
    {"a.*$", NULL, "", ""},
    {"^a.*", NULL, "", ""},
    {"(?i)a.*", NULL, "", ""},
    {"\\d.*", NULL, "", ""},
    {"a.*\\", NULL, "", ""},
    {".+.+", NULL, "", ""},
    {"\xff.*", NULL, "", ""},
};

static void expect_values(const char *pattern, const struct glob *globs, size_t count, const char *values, bool matches)
{
    str rest = str_from(values);

    while (rest.len) {
        str value = str_cut(&rest, ' ');
        if (str_equal(value, STR("_"))) value = STR("");
        cr_expect(glob_matches(globs, count, value) == matches, "%s: %.*s", pattern, STR_ARG(value));
    }
}

Test(glob, rows)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        size_t count;

        arena_init(&arena, NULL);
        const struct glob *globs = glob_compile(str_from(rows[i].pattern), &count, &arena);
        cr_expect((globs != NULL) == (rows[i].prefix != NULL) && (globs != NULL) == (count > 0), "%s", rows[i].pattern);
        if (globs && rows[i].prefix) {
            str prefix = glob_prefix(globs, count);
            cr_expect(str_equal(prefix, str_from(rows[i].prefix)), "%s: %.*s", rows[i].pattern, STR_ARG(prefix));
            expect_values(rows[i].pattern, globs, count, rows[i].yes, true);
            expect_values(rows[i].pattern, globs, count, rows[i].no, false);
        }
        arena_release(&arena);
    }
}

/* Any pattern of these parts against the engine, with every short text. */
Test(glob, agrees_with_the_engine)
{
    enum { LETTERS = 3, TEXTS = 1 + 3 + 9 + 27 + 81 + 243 + 729 };
    static const char *const parts[] = {"a", "b", "ab", ".*", ".+", ".*?", ".+?", "|", "\\.", ""};
    size_t seen = 0;

    srand48(11);
    for (int i = 0; i < 3000; i++) {
        char pattern[64] = "";
        size_t len = 0, count;
        struct regex *regex;
        struct arena arena;

        for (long k = 1 + lrand48() % 7; k > 0; k--)
            len += (size_t)sprintf(pattern + len, "%s", parts[lrand48() % (long)(sizeof parts / sizeof parts[0])]);
        arena_init(&arena, NULL);
        const struct glob *globs = glob_compile(str_make(pattern, len), &count, &arena);
        if (!globs) {
            arena_release(&arena);
            continue;
        }
        seen++;
        status s = regex_compile(str_make(pattern, len), &regex);
        cr_assert(!failed(s), "%s is no pattern: %s", pattern, s.text);
        str prefix = glob_prefix(globs, count);
        for (int number = 0; number < TEXTS; number++) {
            char text[8];
            size_t bytes = 0;
            for (int rest = number; rest > 0; rest = (rest - 1) / LETTERS) text[bytes++] = "ab."[(rest - 1) % LETTERS];
            str value = str_make(text, bytes);
            bool matched = glob_matches(globs, count, value);
            cr_assert(matched == regex_matches(regex, value), "%s: %.*s", pattern, STR_ARG(value));
            cr_assert(!matched || str_starts_with(value, prefix), "%s: %.*s", pattern, STR_ARG(value));
        }
        regex_free(regex);
        arena_release(&arena);
    }
    cr_expect(seen > 500, "%zu", seen);
}
