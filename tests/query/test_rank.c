/* topk, bottomk, limitk. */
#include "tests/query/fixture.h"

Test(rank, choices)
{
    static const struct fixture_case cases[] = {
        {"topk(1, c)", 20000, 0, 0, "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"},
        {"topk(5, {__name__=~\"b|c\"})", 20000, 0, 0,
         "{__name__=\"b\", x=\"3\"} 7@20\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"
         "{__name__=\"b\", x=\"1\"} 2@20\n"
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"},
        {"topk(1, a)", 0, 60000, 10000,
         "{__name__=\"a\", x=\"1\"} 5@40 6@50\n"
         "{__name__=\"a\", x=\"2\"} 10@0 10@10 30@20 40@30 70@60\n"},
        {"bottomk(1, {__name__=~\"a|b\"})", 0, 60000, 20000,
         "{__name__=\"a\", x=\"1\"} 1@0\n"
         "{__name__=\"b\", x=\"1\"} 2@20 2@40 2@60\n"},
        {"bottomk by (x) (1, c)", 20000, 0, 0, "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"},
        {"topk without (y) (1, {__name__=~\"b|c\"})", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"
         "{__name__=\"b\", x=\"3\"} 7@20\n"},
        {"limitk(1, c)", 20000, 0, 0, "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"},
        {"limitk(1, a)", 0, 60000, 10000, "{__name__=\"a\", x=\"1\"} 1@0 2@10 3@20 4@30 5@40 6@50 6@60\n"},
        {"topk(scalar(b{x=\"1\"}) - 1, c)", 0, 20000, 10000, "{__name__=\"c\", x=\"1\", y=\"q\"} 5@0 5@10 5@20\n"},
        {"topk(time() / 10, b)", 0, 20000, 10000,
         "{__name__=\"b\", x=\"1\"} 2@20\n"
         "{__name__=\"b\", x=\"3\"} 7@10 7@20\n"},
        {"topk(0.5, c)", 20000, 0, 0, ""},
        {"topk(NaN, c)", 20000, 0, 0, "error Parameter value is NaN\n"},
        {"topk(1e300, c)", 20000, 0, 0, "error Scalar value 1e+300 overflows int64\n"},
        {"topk(2, a / 0 - a / 0 or c)", 20000, 0, 0,
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@20\n"
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
