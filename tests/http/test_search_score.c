#include "http/search_score.h"
#include "tests/support/test.h"

#include <math.h>

static const struct {
    const char *term, *text;
    enum search_algorithm algorithm;
    double threshold;
    bool folds, is_accepted;
    double score;
} cases[] = {
    {"abc", "abc", SEARCH_SUBSEQUENCE, 0, false, true, 1},
    {"abc", "abcdef", SEARCH_SUBSEQUENCE, 0, false, true, 1},
    {"ab", "xab", SEARCH_SUBSEQUENCE, 0, false, true, (4 - 1.0 / 3) / 4 * 0.999},
    {"ab", "axb", SEARCH_SUBSEQUENCE, 0, false, true, (2 - 1.0 / 3) / 4 * 0.999},
    {"ab", "xaxbab", SEARCH_SUBSEQUENCE, 0, false, true, (4 - 4.0 / 6) / 4 * 0.999},
    {"ab", "xabyz", SEARCH_SUBSEQUENCE, 0, false, true, (4 - 1.0 / 5 - 2 * 0.5 / 5) / 4 * 0.999},
    {"ba", "ab", SEARCH_SUBSEQUENCE, 0, false, false, 0},
    {"abcd", "abc", SEARCH_SUBSEQUENCE, 0, false, false, 0},
    {"ab", "axb", SEARCH_SUBSEQUENCE, 0.9, false, false, 0},
    {"ab", "AB", SEARCH_SUBSEQUENCE, 0, false, false, 0},
    {"ab", "xAB", SEARCH_SUBSEQUENCE, 0, true, true, (4 - 1.0 / 3) / 4 * 0.999},
    {"\xC3\xA4", "x\xC3\xA4", SEARCH_SUBSEQUENCE, 0, false, true, 0.5 * 0.999},
    {"up", "group", SEARCH_JARO_WINKLER, 0, false, true, 0.1},
    {"ro", "group", SEARCH_JARO_WINKLER, 0, false, true, 0.7},
    {"gr", "group", SEARCH_JARO_WINKLER, 0, false, true, 1},
    {"martha", "marhta", SEARCH_JARO_WINKLER, 0, false, false, 0},
    {"martha", "marhta", SEARCH_JARO_WINKLER, 0.9, false, true, 0.9611111111111111},
    {"dixon", "dicksonx", SEARCH_JARO_WINKLER, 0.8, false, true, 0.8133333333333332},
    {"dixon", "dicksonx", SEARCH_JARO_WINKLER, 0.82, false, false, 0},
    {"a", "b", SEARCH_JARO_WINKLER, 0.01, false, false, 0},
};

Test(search_score, cases)
{
    struct arena scratch = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const str term = str_from(cases[i].term);
        const struct search_terms search = {&term, 1, cases[i].algorithm, cases[i].threshold, cases[i].folds};
        double score;
        bool is_accepted = search_accepts(&search, str_from(cases[i].text), &scratch, &score);
        cr_expect(is_accepted == cases[i].is_accepted, "%s in %s: %g", cases[i].term, cases[i].text, score);
        cr_expect(fabs(score - cases[i].score) < 1e-12, "%s in %s: %.17g", cases[i].term, cases[i].text, score);
    }
    arena_release(&scratch);
}

/* The best of several terms counts; none at all accept everything. */
Test(search_score, terms)
{
    static const str terms[] = {STR("zz"), STR("ro"), STR("gr")};
    struct search_terms search = {terms, 2, SEARCH_SUBSEQUENCE, 0, false};
    struct arena scratch = {0};
    double score;

    cr_expect(search_accepts(&search, STR("group"), &scratch, &score) && score < 1);
    search.count = 3;
    cr_expect(search_accepts(&search, STR("group"), &scratch, &score) && score == 1);
    cr_expect(!search_accepts(&search, STR(""), &scratch, &score));
    search.count = 0;
    cr_expect(search_accepts(&search, STR(""), &scratch, &score) && score == 1);
    arena_release(&scratch);
}
