/* Annotations: each text once, in the order of places, at most ten. */
#include "query/annotations.h"

#include "tests/query/fixture.h"

#include <math.h>

static void check(struct annotations *annotations, bool warnings, const char *query, const char *const *expected,
                  size_t count)
{
    str lines[ANNOTATION_LINES_MAX], text = str_from(query);
    size_t got = annotations_print(annotations, warnings, query ? &text : NULL, lines);

    cr_assert(got == count, "%zu lines", got);
    for (size_t i = 0; i < count; i++) cr_expect(str_equal(lines[i], str_from(expected[i])), "%.*s", STR_ARG(lines[i]));
}

Test(annotations, texts_come_once_with_the_place_evaluated_last)
{
    static const char *const warnings[] = {"PromQL warning: quantile value should be between 0 and 1, got 2 (2:1)",
                                           "PromQL warning: bucket label \"le\" is missing or has a malformed value of "
                                           "\"a\\\"\" for metric name \"m\" (2:2)"};
    static const char *const infos[] = {
        "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"g\" (2:1)"};
    struct node early = {.start = 2, .end = 4}, middle = {.start = 6, .end = 7}, late = {.start = 7, .end = 8};
    struct annotations annotations;

    annotations_init(&annotations);
    annotate_bucket(&annotations, &late, STR("a\""), STR("m"));
    annotate_quantile(&annotations, &early, &early, 2);
    annotate_quantile(&annotations, &late, &middle, 2);
    annotate_quantile(&annotations, &early, &early, 2);
    annotate_not_counter(&annotations, &middle, STR("g"));
    check(&annotations, true, "12345\n78", warnings, 2);
    check(&annotations, false, "12345\n78", infos, 1);
    annotations_release(&annotations);
}

Test(annotations, the_rest_is_counted)
{
    struct annotations annotations;
    struct node node = {0};
    str lines[ANNOTATION_LINES_MAX];

    annotations_init(&annotations);
    for (int i = 2; i < 15; i++) annotate_quantile(&annotations, &node, &node, i);
    cr_assert(annotations_print(&annotations, true, NULL, lines) == 11);
    cr_assert(str_equal(lines[10], STR("3 more warning annotations omitted")));
    cr_assert(annotations_print(&annotations, false, NULL, lines) == 0);
    annotations_release(&annotations);
}

Test(annotations, repairs_are_merged)
{
    static const char *const infos[] = {
        "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
        "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name \"h\", "
        "from buckets 0.5 to +Inf, with a max diff of 1.2e+02, over 3 samples from 1970-01-01T00:00:01Z to "
        "1970-01-01T00:01:40Z (1:1)"};
    static const char *const plain[] = {
        "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
        "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name \"h\""};
    struct bucket_repair first = {1, 2, 3, 5000, 100000, 2}, second = {0.5, INFINITY, 123, 1999, 2000, 1};
    struct annotations annotations;
    struct node node = {0};

    annotations_init(&annotations);
    annotate_repair(&annotations, &node, STR("h"), &first);
    annotate_repair(&annotations, &node, STR("h"), &second);
    check(&annotations, false, "x", infos, 1);
    check(&annotations, false, NULL, plain, 1);
    annotations_release(&annotations);
}

Test(annotations, other_texts)
{
    static const char *const warnings[] = {
        "PromQL warning: bucket label \"le\" is missing or has a malformed value of \"\"",
        "PromQL warning: ratio value should be between -1 and 1, got 1e+06, capping to 1",
        "PromQL warning: sort is ineffective for range queries since results are always ordered by labels"};
    static const char *const infos[] = {
        "PromQL info: incompatible sample types encountered for binary operator \">/\": float >/ float",
        "PromQL info: metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got "
        "\"gauge\": \"g\""};
    struct annotations annotations;
    struct node node = {0};

    annotations_init(&annotations);
    annotate_ratio(&annotations, &node, &node, 1e6, 1);
    annotate_sort_in_range(&annotations, &node);
    annotate_bucket(&annotations, &node, STR(""), STR(""));
    annotate_not_counter_type(&annotations, &node, STR("gauge"), STR("g"));
    annotate_operand_types(&annotations, &node, OP_TRIM_LOWER, false, false);
    check(&annotations, true, NULL, warnings, 3);
    check(&annotations, false, NULL, infos, 2);
    annotations_release(&annotations);
}

/* Operands first, and of what has one text the last. */
Test(annotations, places)
{
    static const struct fixture_case cases[] = {
        {"h > 1 or h > 1", 30000, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \">\": histogram > float "
         "(1:10)\n"},
        {"max(h) and max(h)", 30000, 0, 0, "info PromQL info: ignored histogram in max aggregation (1:16)\n"},
        {"count(max(h) or max by (x) (h))", 30000, 0, 0,
         "info PromQL info: ignored histogram in max aggregation (1:29)\n"},
        {"topk(1, h)", 30000, 0, 0, "info PromQL info: ignored histogram in topk aggregation (1:1)\n"},
        {"quantile(2, quantile(2, g))", 30000, 0, 0,
         "{} +Inf@30\nwarning PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)\n"},
        {"quantile_over_time(0.5, m[1m])", 30000, 0, 0,
         "{} 1.5@30\ninfo PromQL info: ignored histograms in a range containing both floats and histograms for metric "
         "name \"m\" (1:20)\n"},
        {"1 * rate(g[1m:10s])", 30000, 0, 0,
         "{} 0.058333333333333334@30\ninfo PromQL info: metric might not be a counter, name does not end in "
         "_total/_sum/_count/_bucket: "
         "\"g\" (1:1)\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, "h h1,2 h2,2 h2,4 h3,5\ng 1 2 3 4\nm 1 2 h1 h2\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
