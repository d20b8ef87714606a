/* label_replace and label_join. */
#include "tests/query/fixture.h"

Test(relabel, replacing)
{
    static const struct fixture_case cases[] = {
        {"label_replace(a, \"z\", \"v$1\", \"x\", \"(.*)\")", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\", z=\"v1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\", z=\"v2\"} 30@20\n"},
        {"label_replace(a, \"z\", \"${1}0-$$-$2-$nope\", \"x\", \"(.)\")", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\", z=\"10-$--\"} 3@20\n"
         "{__name__=\"a\", x=\"2\", z=\"20-$--\"} 30@20\n"},
        {"label_replace(c, \"x\", \"\", \"y\", \"p\")", 20000, 0, 0,
         "{__name__=\"c\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"},
        {"label_replace(a, \"x\", \"same\", \"\", \"\")", 20000, 0, 0,
         "error vector cannot contain metrics with the same labelset\n"},
        {"label_replace(c, \"y\", \"$word!\", \"y\", \"(?P<word>q)\")", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q!\"} 5@20\n"},
        {"label_replace(a, \"z\", \"$\", \"x\", \"1\")", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\", z=\"$\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"label_replace(a, \"__name__\", \"new\", \"x\", \"1\")", 20000, 0, 0,
         "{__name__=\"new\", x=\"1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"label_replace(a, \"\", \"\", \"x\", \"1\")", 20000, 0, 0,
         "error invalid destination label name in label_replace(): \n"},
        {"label_replace(a, \"z\", \"\", \"x\", \"(\")", 20000, 0, 0,
         "error invalid regular expression in label_replace(): (\n"},
        {"label_replace(a{x=\"2\"} or b, \"x\", \"\", \"x\", \".*\")", 0, 60000, 20000,
         "error vector cannot contain metrics with the same labelset\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(relabel, joining)
{
    static const struct fixture_case cases[] = {
        {"label_join(c, \"z\", \"-\", \"x\", \"y\")", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"p\", z=\"1-p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\", z=\"1-q\"} 5@20\n"},
        {"label_join(c, \"z\", \"-\", \"x\", \"nope\", \"y\")", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"p\", z=\"1--p\"} 1@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\", z=\"1--q\"} 5@20\n"},
        {"label_join(c, \"x\", \"-\")", 20000, 0, 0,
         "{__name__=\"c\", y=\"p\"} 1@20\n"
         "{__name__=\"c\", y=\"q\"} 5@20\n"},
        {"label_join(c, \"y\", \"-\")", 20000, 0, 0, "error vector cannot contain metrics with the same labelset\n"},
        {"label_join(c, \"\", \"-\", \"x\")", 20000, 0, 0, "error invalid destination label name in label_join(): \n"},
        {"label_join(c, \"z\", \"-\", \"\")", 20000, 0, 0, "error invalid source label name in label_join(): \n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
