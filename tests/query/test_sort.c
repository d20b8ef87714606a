/* Sorting. */
#include "tests/query/fixture.h"

Test(sort, by_value)
{
    static const struct fixture_case cases[] = {
        {"sort({__name__=~\"a|b|c\"})", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"
         "{__name__=\"b\", x=\"1\"} 2@20\n"
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"
         "{__name__=\"b\", x=\"3\"} 7@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"sort_desc({__name__=~\"a|b|c\"})", 20000, 0, 0,
         "{__name__=\"a\", x=\"2\"} 30@20\n"
         "{__name__=\"b\", x=\"3\"} 7@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"b\", x=\"1\"} 2@20\n"
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"},
        {"sort(c / 0 - c / 0 or a)", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"
         "{x=\"1\", y=\"p\"} NaN@20\n"
         "{x=\"1\", y=\"q\"} NaN@20\n"},
        {"sort(c)", 0, 20000, 20000,
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@0 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@0 5@20\n"
         "warning PromQL warning: sort is ineffective for range queries since results are always ordered by labels "
         "(1:1)\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(sort, by_label)
{
    static const struct fixture_case cases[] = {
        {"sort_by_label(n, \"h\")", 0, 0, 0,
         "{__name__=\"n\", z=\"d\"} 4@0\n"
         "{__name__=\"n\", h=\"host1\", z=\"c\"} 3@0\n"
         "{__name__=\"n\", h=\"host2\", z=\"b\"} 1@0\n"
         "{__name__=\"n\", h=\"host10\", z=\"a\"} 2@0\n"},
        {"sort_by_label_desc(n{h=~\".+\"}, \"h\")", 0, 0, 0,
         "{__name__=\"n\", h=\"host10\", z=\"a\"} 2@0\n"
         "{__name__=\"n\", h=\"host2\", z=\"b\"} 1@0\n"
         "{__name__=\"n\", h=\"host1\", z=\"c\"} 3@0\n"},
        {"sort_by_label(n, \"nope\", \"z\")", 0, 0, 0,
         "{__name__=\"n\", h=\"host10\", z=\"a\"} 2@0\n"
         "{__name__=\"n\", h=\"host2\", z=\"b\"} 1@0\n"
         "{__name__=\"n\", h=\"host1\", z=\"c\"} 3@0\n"
         "{__name__=\"n\", z=\"d\"} 4@0\n"},
        {"sort_by_label(n)", 0, 0, 0,
         "{__name__=\"n\", h=\"host1\", z=\"c\"} 3@0\n"
         "{__name__=\"n\", h=\"host10\", z=\"a\"} 2@0\n"
         "{__name__=\"n\", h=\"host2\", z=\"b\"} 1@0\n"
         "{__name__=\"n\", z=\"d\"} 4@0\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000,
                 "n{h=\"host2\",z=\"b\"} 1\n"
                 "n{h=\"host10\",z=\"a\"} 2\n"
                 "n{h=\"host1\",z=\"c\"} 3\n"
                 "n{z=\"d\"} 4\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
