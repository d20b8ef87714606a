/* Matchers: what they match, and what they are reduced to. */
#include "tsdb/matcher.h"

#include "tests/support/test.h"
#include "tsdb/regex.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    enum matcher_type type;
    const char *value;
    const char *yes, *no; /* values that match and that do not, separated by spaces; a dot is the empty one */
    const char *set;      /* separated by commas; NULL for none */
    bool all, non_empty;
} rows[] = {
    {MATCH_EQUAL, "a", "a", ". b aa A", NULL, false, false},
    {MATCH_EQUAL, "", ".", "a", NULL, false, false},
    {MATCH_NOT_EQUAL, "a", ". b aa", "a", NULL, false, false},
    {MATCH_NOT_EQUAL, "", "a", ".", NULL, false, true},
    {MATCH_REGEX, "a", "a", ". b aa", "a", false, false},
    {MATCH_REGEX, "", ".", "a", "", false, false},
    {MATCH_REGEX, "b|a|b", "a b", ". ab a|b", "a,b", false, false},
    {MATCH_REGEX, "a|", "a .", "b", ",a", false, false},
    {MATCH_REGEX, "^(a\\.b|c\\||)$", "a.b c| .", "a-b c", ",a.b,c|", false, false},
    {MATCH_REGEX, "(?:a|b)", "a b", ". (?:a|b)", "a,b", false, false},
    {MATCH_REGEX, "a\\$", "a$", "a", "a$", false, false},
    {MATCH_REGEX, "(a)|(b)", "a b", ". a)|(b", "a,b", false, false},
    {MATCH_REGEX, "a\\d", "a1", "a ad", "a0,a1,a2,a3,a4,a5,a6,a7,a8,a9", false, false},
    {MATCH_REGEX, "\xff|a", "\xff a", ".", "a,\xff", false, false},
    {MATCH_REGEX, "x(1|2)?", "x x1 x2", ". x12", "x,x1,x2", false, false},
    {MATCH_REGEX, "a.*", "a ab", ". ba", NULL, false, false},
    {MATCH_REGEX, "^(?:.*a|b.+)$", "a ba bx", ". b ax", NULL, false, false},
    {MATCH_REGEX, "a.*|b", "a ab b", ". bx", NULL, false, false},
    {MATCH_NOT_REGEX, ".*a.*", ". b", "a xay", NULL, false, false},
    {MATCH_REGEX, ".*", ". a", "", NULL, true, false},
    {MATCH_REGEX, "^.*$", ". a", "", NULL, true, false},
    {MATCH_REGEX, "(.*)", ". a", "", NULL, true, false},
    {MATCH_REGEX, "^(?:.*)$", ". a", "", NULL, true, false},
    {MATCH_REGEX, "(a)(.*)", "a ab", ". b", NULL, false, false},
    {MATCH_REGEX, ".+", "a ab", ".", NULL, false, true},
    {MATCH_REGEX, "^(.+)$", "a ab", ".", NULL, false, true},
    {MATCH_REGEX, ".", "a", ". ab", NULL, false, false},
    {MATCH_NOT_REGEX, "a|b", ". c ab", "a b", "a,b", false, false},
    {MATCH_NOT_REGEX, "", "a", ".", "", false, true},
    {MATCH_NOT_REGEX, "|a", "b", ". a", ",a", false, false},
    {MATCH_NOT_REGEX, ".*", "", ". a", NULL, false, false},
    {MATCH_NOT_REGEX, ".+", ".", "a ab", NULL, false, false},
    {MATCH_NOT_REGEX, "a.*", ". b", "a ab", NULL, false, false},
};

static void expect_values(size_t row, const struct matcher *matcher, const char *values, bool matches)
{
    str rest = str_from(values);

    while (rest.len) {
        str value = str_cut(&rest, ' ');
        if (str_equal(value, STR("."))) value = STR("");
        cr_expect(matcher_matches(matcher, value) == matches, "row %zu: \"%.*s\"", row, STR_ARG(value));
        if (value.len == 0) cr_expect(matcher_matches_empty(matcher) == matches, "row %zu", row);
    }
}

Test(matcher, rows)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        struct matcher matcher;

        arena_init(&arena, NULL);
        cr_assert(!failed(matcher_compile(rows[i].type, STR("name"), str_from(rows[i].value), &matcher, &arena)));
        cr_expect(str_equal(matcher.name, STR("name")) && str_equal(matcher.value, str_from(rows[i].value)));
        expect_values(i, &matcher, rows[i].yes, true);
        expect_values(i, &matcher, rows[i].no, false);
        cr_expect((matcher.set != NULL) == (rows[i].set != NULL), "row %zu", i);
        str rest = str_from(rows[i].set);
        for (size_t j = 0; j < matcher.set_count; j++)
            cr_expect(str_equal(matcher.set[j], str_cut(&rest, ',')), "row %zu: %.*s", i, STR_ARG(matcher.set[j]));
        cr_expect(rest.len == 0, "row %zu", i);
        cr_expect(matcher.matches_all == rows[i].all && matcher.matches_non_empty == rows[i].non_empty, "row %zu", i);
        bool is_regex = rows[i].type == MATCH_REGEX || rows[i].type == MATCH_NOT_REGEX;
        cr_expect((matcher.regex != NULL) == (is_regex && !matcher.set && !matcher.globs), "row %zu", i);
        arena_release(&arena);
    }
}

Test(matcher, errors)
{
    struct arena arena;
    struct matcher matcher;

    arena_init(&arena, NULL);
    status s = matcher_compile(MATCH_NOT_REGEX, STR("a"), STR("(b"), &matcher, &arena);
    cr_expect(s.code == STATUS_INVALID && strcmp(s.text, "error parsing regexp: missing closing ): `(b`") == 0, "%s",
              s.text);
    cr_expect(!failed(matcher_compile(MATCH_EQUAL, STR("a"), STR("(b"), &matcher, &arena)));
    arena_release(&arena);
}

/* Lists of literals have no limit, expansions have. */
Test(matcher, sizes)
{
    enum { COUNT = 20000 };
    struct arena arena;
    struct matcher matcher;
    char *list = malloc(COUNT * 8);
    size_t len = 0;

    for (int i = 0; i < COUNT; i++) len += (size_t)sprintf(list + len, "%s%06d", i ? "|" : "", i * 7 % COUNT);
    arena_init(&arena, NULL);
    cr_assert(!failed(matcher_compile(MATCH_REGEX, STR("a"), str_make(list, len), &matcher, &arena)));
    cr_expect(matcher.set && matcher.set_count == COUNT && matcher_matches(&matcher, STR("019999")));
    cr_expect(!matcher_matches(&matcher, STR("020000")));
    cr_assert(!failed(matcher_compile(MATCH_REGEX, STR("a"), STR("[0-9][0-9]x?"), &matcher, &arena)));
    cr_expect(matcher.set_count == 200);
    cr_assert(!failed(matcher_compile(MATCH_REGEX, STR("a"), STR("[0-9][0-9][0-9][0-9]"), &matcher, &arena)));
    cr_expect(!matcher.set && matcher_matches(&matcher, STR("1234")));
    arena_release(&arena);
    free(list);
}

/* Compiled patterns count as memory of the query until its arena goes. */
Test(matcher, account)
{
    struct account account;
    struct arena arena;
    struct matcher matcher;

    account_init(&account, 0, NULL);
    arena_init(&arena, &account);
    cr_assert(!failed(matcher_compile(MATCH_REGEX, STR("a"), STR("(abc){100}.*"), &matcher, &arena)));
    cr_expect(account.used_bytes >= 4096 + regex_bytes(matcher.regex) && regex_bytes(matcher.regex) > 300 * 16);
    arena_release(&arena);
    cr_expect(account.used_bytes == 0);
}

Test(matcher, operators)
{
    cr_expect(str_equal(matcher_operator(MATCH_EQUAL), STR("=")));
    cr_expect(str_equal(matcher_operator(MATCH_NOT_EQUAL), STR("!=")));
    cr_expect(str_equal(matcher_operator(MATCH_REGEX), STR("=~")));
    cr_expect(str_equal(matcher_operator(MATCH_NOT_REGEX), STR("!~")));
}
