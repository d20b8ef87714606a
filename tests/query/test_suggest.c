/* Suggestions for misspelt words, and the errors that make them. */
#include "query/suggest.h"

#include "query/parse.h"
#include "tests/support/test.h"

static const struct {
    const char *word;
    unsigned among;
    const char *nearest;
} misspelt[] = {
    {"rat", SUGGEST_FUNCTIONS, "rate"},
    {"raet", SUGGEST_FUNCTIONS, "rate"},
    {"increse", SUGGEST_FUNCTIONS, "increase"},
    {"histogram_quantil", SUGGEST_FUNCTIONS, "histogram_quantile"},
    {"avg_over_tme", SUGGEST_FUNCTIONS, "avg_over_time"},
    {"Rate", SUGGEST_FUNCTIONS, "rate"},
    {"INCREASE", SUGGEST_FUNCTIONS, "increase"},
    {"Raet", SUGGEST_FUNCTIONS, "rate"},
    {"summ", SUGGEST_FUNCTIONS, "sum"},
    {"count_value", SUGGEST_FUNCTIONS, "count_values"},
    {"bye", SUGGEST_FUNCTIONS, NULL},
    {"bye", SUGGEST_KEYWORDS, "by"},
    {"groupleft", SUGGEST_FUNCTIONS | SUGGEST_KEYWORDS, "group_left"},
    {"summ", SUGGEST_KEYWORDS, NULL},
    {"x", SUGGEST_FUNCTIONS | SUGGEST_KEYWORDS, NULL},
    {"bar", SUGGEST_FUNCTIONS | SUGGEST_KEYWORDS, NULL},
    {"", SUGGEST_FUNCTIONS | SUGGEST_KEYWORDS, NULL},
    {"completely_different", SUGGEST_FUNCTIONS | SUGGEST_KEYWORDS, NULL},
    {"a_name_that_is_much_longer_than_that_of_any_function", SUGGEST_FUNCTIONS, NULL},
};

Test(suggest, nearest)
{
    for (size_t i = 0; i < sizeof misspelt / sizeof misspelt[0]; i++) {
        const char *found = suggest_word(str_from(misspelt[i].word), misspelt[i].among);
        cr_expect(str_equal(str_from(found), str_from(misspelt[i].nearest)), "%s: %s", misspelt[i].word,
                  found ? found : "none");
    }
}

Test(suggest, in_errors)
{
    static const struct {
        const char *query, *error;
    } cases[] = {
        {"rat(x[5m])", "1:1: parse error: unknown function with name \"rat\", did you mean \"rate\"?"},
        {"1 + summ(x)", "1:5: parse error: unknown function with name \"summ\", did you mean \"sum\"?"},
        {"a * on(x) groupleft() b", "1:11: parse error: unknown function with name \"groupleft\", did you mean "
                                    "\"group_left\"?"},
        {"sum(x) bye (y)", "1:8: parse error: unexpected identifier \"bye\", did you mean \"by\"?"},
        {"a\nofset 5m", "2:1: parse error: unexpected identifier \"ofset\", did you mean \"offset\"?"},
        {"a andd b", "1:3: parse error: unexpected identifier \"andd\", did you mean \"and\"?"},
        {"a b", "1:3: parse error: unexpected identifier \"b\""},
        {"unheard_of(x)", "1:1: parse error: unknown function with name \"unheard_of\""},
        {"x @ stat()", "1:5: parse error: unexpected identifier \"stat\" in @, expected timestamp"},
        {"a = b", "1:3: parse error: unexpected \"=\", did you mean \"==\"?"},
        {"a && b", "1:3: parse error: unexpected character: '&', did you mean \"and\"?"},
        {"a || b", "1:3: parse error: unexpected character: '|', did you mean \"or\"?"},
        {"$__x", "1:1: parse error: unexpected character: '$', is this a variable that was to be replaced?"},
        {"rate(x[$__interval])", "1:8: parse error: unexpected character in duration expression: '$', is this a "
                                 "variable that was to be replaced?"},
    };
    struct parse_error error;
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert(!parse_query(str_from(cases[i].query), 0, &arena, &error), "%s", cases[i].query);
        str got = parse_error_text(&error, &arena);
        cr_expect(str_equal(got, str_from(cases[i].error)), "%s: %.*s", cases[i].query, STR_ARG(got));
    }
    arena_release(&arena);
}
