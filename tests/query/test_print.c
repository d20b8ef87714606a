/* The canonical and the indented text of expressions. */
#include "query/ast.h"

#include "tests/query/expect.h"

#include <stdlib.h>

static const struct {
    const char *text, *canonical; /* NULL: the text itself */
} rows[] = {
    {"1", NULL},
    {"1.5e3", "1500"},
    {"1e21", "1000000000000000000000"},
    {"0x10", "16"},
    {"1e-7", "0.0000001"},
    {"inf", "+Inf"},
    {"-inf", "-Inf"},
    {"-nan", "NaN"},
    {"3600s", "1h"},
    {"-90s", "-1m30s"},
    {"1s1ms", NULL},
    {"'a\"b'", "\"a\\\"b\""},
    {"`a\\b`", "\"a\\\\b\""},
    {"\"\\xff\\u200b\\u00e9\"", "\"\\xff\\u200b\xc3\xa9\""},
    {"( foo )", "(foo)"},
    {"-  foo", "-foo"},
    {"- - foo", "--foo"},
    {"+foo", NULL},
    {"a+b", "a + b"},
    {"a==bool b", "a == bool b"},
    {"a ATAN2 b", "a atan2 b"},
    {"Inf ^ 2", NULL},
    {"2 ^ inf ^ inf", "2 ^ Inf ^ +Inf"},
    {"inf + inf", "+Inf + +Inf"},
    {"a - -1", NULL},
    /* selectors */
    {"foo{}", "foo"},
    {"foo{b='1', a = \"2\",}", "foo{a=\"2\",b=\"1\"}"},
    {"{b='1',a!='2',a=~'3',a!~'4'}", "{a!=\"2\",a!~\"4\",a=~\"3\",b=\"1\"}"},
    {"{\"foo\"}", "{__name__=\"foo\"}"},
    {"{\"foo.bar\",\"le.a\"='b'}", "{\"le.a\"=\"b\",__name__=\"foo.bar\"}"},
    {"{__name__=\"foo\"}", NULL},
    {"info(a, {})", NULL},
    {"foo[300s]", "foo[5m]"},
    {"foo[1.5]", "foo[1s500ms]"},
    {"foo[0.0001]", NULL},
    {"foo[5m] anchored @ 1 offset 5m", "foo[5m] anchored @ 1.000 offset 5m"},
    {"foo offset 5m @ 1.0005 smoothed", "foo @ 1.001 smoothed offset 5m"},
    {"foo @ start() offset -5m", NULL},
    {"foo @ -1.5", "foo @ -1.500"},
    {"foo @ 5m", "foo @ 300.000"},
    {"foo[5m] @ end()", NULL},
    {"foo offset 0s", "foo"},
    {"foo[5m:]", NULL},
    {"foo[5m:1m] offset -1h @ 10", "foo[5m:1m] @ 10.000 offset -1h"},
    {"rate(foo[5m])[1h:30s]", NULL},
    /* durations */
    {"foo[5m+1]", "foo[5m + 1]"},
    {"foo[ ( 5m + step ( ) ) * - 2 ]", "foo[(5m + step()) * -2]"},
    {"foo[min_of(5m,MAX_OF(range(),1))]", "foo[min_of(5m, max_of(range(), 1))]"},
    {"foo[(-2)^2]", "foo[(-2) ^ 2]"},
    {"foo[-2^2]", "foo[-2 ^ 2]"},
    {"foo offset -(2^2)", "foo offset -(2 ^ 2)"},
    {"foo offset step()", NULL},
    {"foo offset (5m*2)", "foo offset (5m * 2)"},
    {"foo offset (5m)*2", "foo offset (5m * 2)"},
    {"foo offset --step()", "foo offset -(-step())"},
    /* what would continue an offset */
    {"foo offset +(1 + step()) * 2", NULL},
    {"-foo offset +(1 + step()) - bar", NULL},
    {"a / foo offset +(1 + step()) % bar", NULL},
    {"foo offset (1 + step()) == 2", NULL},
    {"foo offset (1 + step()) atan2 bar", NULL},
    {"rate(foo[5m] offset (1 + step())) * 2", NULL},
    {"foo offset -(1 + step()) * 2", NULL},
    {"foo offset (step()) @ 5 + 1", "foo @ 5.000 offset +(step()) + 1"},
    /* aggregations and matching */
    {"sum(foo)by(a,b)", "sum by (a, b) (foo)"},
    {"sum by () (foo)", "sum(foo)"},
    {"sum without () (foo)", NULL},
    {"SUM WITHOUT (\"a.b\", c:d) (foo)", "sum without (\"a.b\", \"c:d\") (foo)"},
    {"sum by (\"without\", \"nan\") (foo)", NULL},
    {"topk by (a) (5, foo)", NULL},
    {"count_values('a', foo)", "count_values(\"a\", foo)"},
    {"a + on() b", "a + on () b"},
    {"a + ignoring() b", "a + b"},
    {"a * on(x,y) group_left b", "a * on (x, y) group_left () b"},
    {"a * ignoring() group_right(z) b", "a * ignoring () group_right (z) b"},
    {"a == bool on(x) group_left(y,\"z w\") b", "a == bool on (x) group_left (y, \"z w\") b"},
    {"a + fill(5m) b", "a + fill (300) b"},
    {"a + fill_right(1e21) fill_left(-Inf) b", "a + fill_left (-Inf) fill_right (1e+21) b"},
    {"a + fill_left(1) fill_right(1) b", "a + fill (1) b"},
    {"a + fill(NaN) b", "a + fill_left (NaN) fill_right (NaN) b"},
    {"a and on(x) b", "a and on (x) b"},
    {"label_join(foo,'a','b')", "label_join(foo, \"a\", \"b\")"},
    {"time()", NULL},
};

/* What was printed reads as an equal tree. */
static void expect_same(const char *text, const struct node *node, str printed, struct arena *arena)
{
    struct parse_error error;
    const struct node *again = parse_query(printed, ALL_FEATURES, arena, &error);

    cr_expect(again && ast_equal(node, again), "%s became %.*s", text, STR_ARG(printed));
}

Test(print, canonical)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        struct parse_error error;
        const char *expected = rows[i].canonical ? rows[i].canonical : rows[i].text;

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(rows[i].text), ALL_FEATURES, &arena, &error);
        cr_assert(node, "%s: %.*s", rows[i].text, STR_ARG(parse_error_text(&error, &arena)));
        str found = ast_print(node, &arena);
        cr_expect(str_equal(found, str_from(expected)), "%s: %.*s, expected %s", rows[i].text, STR_ARG(found),
                  expected);
        expect_same(rows[i].text, node, found, &arena);
        expect_same(rows[i].text, node, ast_pretty(node, &arena), &arena);
        arena_release(&arena);
    }
}

static const struct {
    const char *text, *pretty;
} pretty[] = {
    {"a_name_of_exactly_forty_nine_characters_for_this1 + a_name_of_exactly_forty_eight_characters_for_it1",
     "a_name_of_exactly_forty_nine_characters_for_this1 + a_name_of_exactly_forty_eight_characters_for_it1"},
    {"a_name_of_exactly_forty_nine_characters_for_this1 + a_name_of_exactly_forty_eight_characters_for_it12",
     "  a_name_of_exactly_forty_nine_characters_for_this1\n"
     "+\n"
     "  a_name_of_exactly_forty_eight_characters_for_it12"},
    {"sum by (job, instance) (rate(a_rather_long_metric_name_total{job=\"a_rather_long_job\", "
     "instance=~\"host-[0-9]+\"}[5m]))",
     "sum by (job, instance) (\n"
     "  rate(a_rather_long_metric_name_total{instance=~\"host-[0-9]+\",job=\"a_rather_long_job\"}[5m])\n"
     ")"},
    {"topk without (instance) (scalar(some_configured_number_of_elements), "
     "rate(a_rather_long_metric_name_total{job=\"x\"}[5m]))",
     "topk without (instance) (\n"
     "  scalar(some_configured_number_of_elements),\n"
     "  rate(a_rather_long_metric_name_total{job=\"x\"}[5m])\n"
     ")"},
    {"histogram_quantile(0.99, sum by (le) "
     "(rate(http_request_duration_seconds_bucket{job=\"a_rather_long_job_name\"}[5m])))",
     "histogram_quantile(\n"
     "  0.99,\n"
     "  sum by (le) (rate(http_request_duration_seconds_bucket{job=\"a_rather_long_job_name\"}[5m]))\n"
     ")"},
    {"label_replace(a_rather_long_metric_name_total{job=\"a_rather_long_job\"}, \"destination\", \"$1\", \"source\", "
     "\"(.*)-.*-suffix\")",
     "label_replace(\n"
     "  a_rather_long_metric_name_total{job=\"a_rather_long_job\"},\n"
     "  \"destination\",\n"
     "  \"$1\",\n"
     "  \"source\",\n"
     "  \"(.*)-.*-suffix\"\n"
     ")"},
    {"-sum(rate(a_rather_long_metric_name_total{job=\"a_rather_long_job\", instance=~\"host-[0-9]+\"}[5m])) / on (job) "
     "group_left (team) bar",
     "  -sum(rate(a_rather_long_metric_name_total{instance=~\"host-[0-9]+\",job=\"a_rather_long_job\"}[5m]))\n"
     "/ on (job) group_left (team)\n"
     "  bar"},
    {"-(a_rather_long_metric_name_total{job=\"a_rather_long_job\"} + "
     "another_rather_long_metric_name_total{job=\"a_rather_long_job\"})",
     "-(\n"
     "    a_rather_long_metric_name_total{job=\"a_rather_long_job\"}\n"
     "  +\n"
     "    another_rather_long_metric_name_total{job=\"a_rather_long_job\"}\n"
     ")"},
    {"max_over_time((rate(a_rather_long_metric_name_total{job=\"a_rather_long_job\", "
     "instance=\"a_long_instance\"}[5m]) > 0)[1h:1m] @ end() offset 5m)",
     "max_over_time(\n"
     "  (rate(a_rather_long_metric_name_total{instance=\"a_long_instance\",job=\"a_rather_long_job\"}[5m]) > 0)[1h:1m] "
     "@ end() offset 5m\n"
     ")"},
    {"foo offset (step() * 2 + range()) @ 5 + "
     "sum(another_rather_long_metric_name_total{job=\"a_rather_long_job_name\"}) ^ Inf",
     "  foo @ 5.000 offset +(step() * 2 + range())\n"
     "+\n"
     "  sum(another_rather_long_metric_name_total{job=\"a_rather_long_job_name\"}) ^ +Inf"},
    {"inf ^ sum(a_rather_long_metric_name_total{job=\"a_rather_long_job\", instance=~\"host-[0-9]+\"} * on (job) "
     "group_left bar)",
     "  Inf\n"
     "^\n"
     "  sum(\n"
     "      a_rather_long_metric_name_total{instance=~\"host-[0-9]+\",job=\"a_rather_long_job\"}\n"
     "    * on (job) group_left ()\n"
     "      bar\n"
     "  )"},
    {"((foo and bar) or (a_rather_long_metric_name_total{job=\"a_rather_long_job\"} unless "
     "another_rather_long_metric_name_total))",
     "(\n"
     "    (foo and bar)\n"
     "  or\n"
     "    (\n"
     "        a_rather_long_metric_name_total{job=\"a_rather_long_job\"}\n"
     "      unless\n"
     "        another_rather_long_metric_name_total\n"
     "    )\n"
     ")"},
    {"sum(sum_over_time((a_rather_long_metric_name_total{job=\"a_rather_long_job\"} - "
     "another_long_metric_name)[5m:1m])) by (le)",
     "sum by (le) (\n"
     "  sum_over_time(\n"
     "(a_rather_long_metric_name_total{job=\"a_rather_long_job\"} - another_long_metric_name)[5m:1m]\n"
     "  )\n"
     ")"},
};

Test(print, pretty)
{
    for (size_t i = 0; i < sizeof pretty / sizeof pretty[0]; i++) {
        struct arena arena;
        struct parse_error error;

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(pretty[i].text), ALL_FEATURES, &arena, &error);
        cr_assert(node, "%s: %.*s", pretty[i].text, STR_ARG(parse_error_text(&error, &arena)));
        str found = ast_pretty(node, &arena);
        cr_expect(str_equal(found, str_from(pretty[i].pretty)), "%s:\n%.*s\nexpected\n%s", pretty[i].text,
                  STR_ARG(found), pretty[i].pretty);
        expect_same(pretty[i].text, node, found, &arena);
        arena_release(&arena);
    }
}
