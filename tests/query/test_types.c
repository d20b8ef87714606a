/* The types of expressions, and what they rule out. */
#include "query/types.h"

#include "tests/query/expect.h"

static const struct {
    const char *text;
    enum value_type type;
} rows[] = {
    {"1", VALUE_SCALAR},
    {"5m", VALUE_SCALAR},
    {"\"a\"", VALUE_STRING},
    {"(\"a\")", VALUE_STRING},
    {"foo", VALUE_VECTOR},
    {"foo[5m]", VALUE_MATRIX},
    {"(foo[5m:])", VALUE_MATRIX},
    {"1 + 2", VALUE_SCALAR},
    {"1 + foo", VALUE_VECTOR},
    {"foo + 1", VALUE_VECTOR},
    {"1 == bool 2", VALUE_SCALAR},
    {"-1", VALUE_SCALAR},
    {"-(1)", VALUE_SCALAR},
    {"-foo", VALUE_VECTOR},
    {"sum(foo)", VALUE_VECTOR},
    {"topk(scalar(foo), bar)", VALUE_VECTOR},
    {"count_values((\"a\"), foo)", VALUE_VECTOR},
    {"time()", VALUE_SCALAR},
    {"scalar(foo)", VALUE_SCALAR},
    {"vector(1)", VALUE_VECTOR},
    {"hour()", VALUE_VECTOR},
    {"hour(foo)", VALUE_VECTOR},
    {"round(foo)", VALUE_VECTOR},
    {"label_join(foo, \"a\", \"b\")", VALUE_VECTOR},
    {"label_join(foo, \"a\", \"b\", \"c\", \"d\", \"e\")", VALUE_VECTOR},
    {"sort_by_label(foo)", VALUE_VECTOR},
    {"histogram_quantiles(foo, \"q\", 1)", VALUE_VECTOR},
    {"histogram_quantiles(foo, \"q\", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", VALUE_VECTOR},
    {"info(foo)", VALUE_VECTOR},
    {"info(foo, {})", VALUE_VECTOR},
    {"info(foo, {a=~\".*\",__name__=\"bar\"})", VALUE_VECTOR},
    {"rate((foo[5m]))", VALUE_VECTOR},
    {"foo and on() bar", VALUE_VECTOR},
    {"foo * ignoring(a) group_left(a) bar", VALUE_VECTOR},
    {"1 + group + on(a) group_left sum", VALUE_VECTOR},
    {"{a=\"\",b=\"c\"}", VALUE_VECTOR},
    {"{a!=\"\"}", VALUE_VECTOR},
};

Test(types, types)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        struct parse_error error;

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(rows[i].text), ALL_FEATURES, &arena, &error);
        cr_expect(node && node->type == rows[i].type, "%s: %s", rows[i].text,
                  node ? value_type_name(node->type).data : parse_error_text(&error, &arena).data);
        arena_release(&arena);
    }
}

static const struct expected_error errors[] = {
    /* aggregations */
    {"sum(1)", "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
    {"sum(\"a\")", "1:5: parse error: expected type instant vector in aggregation expression, got string"},
    {"sum(foo[5m])", "1:5: parse error: expected type instant vector in aggregation expression, got range vector"},
    {"topk(\"a\", foo)", "1:6: parse error: expected type scalar in aggregation parameter, got string"},
    {"topk(foo, foo)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
    {"quantile(foo[5m], foo)", "1:10: parse error: expected type scalar in aggregation parameter, got range vector"},
    {"count_values(1, foo)", "1:14: parse error: expected type string in aggregation parameter, got scalar"},
    {"count_values(foo, foo)", "1:14: parse error: expected type string in aggregation parameter, got instant vector"},
    {"topk(1, 2)", "1:9: parse error: expected type instant vector in aggregation expression, got scalar"},
    /* arguments */
    {"abs()", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0"},
    {"abs(foo, bar)", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 2"},
    {"clamp(foo)", "1:1: parse error: expected 3 argument(s) in call to \"clamp\", got 1"},
    {"round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"},
    {"round(foo, 1, 2)", "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
    {"label_join(foo)", "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1"},
    {"label_join(foo, \"a\")", "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 2"},
    {"label_join(foo, \"a\", \"b\", 1)",
     "1:27: parse error: expected type string in call to function \"label_join\", got scalar"},
    {"sort_by_label()", "1:1: parse error: expected at least 1 argument(s) in call to \"sort_by_label\", got 0"},
    {"sort_by_label(foo, 1)",
     "1:20: parse error: expected type string in call to function \"sort_by_label\", got scalar"},
    {"histogram_quantiles(foo, \"q\")",
     "1:1: parse error: expected at least 3 argument(s) in call to \"histogram_quantiles\", got 2"},
    {"histogram_quantiles(foo, \"q\", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)",
     "1:1: parse error: expected at most 12 argument(s) in call to \"histogram_quantiles\", got 13"},
    {"histogram_quantiles(foo, \"q\", 1, 2, foo)",
     "1:37: parse error: expected type scalar in call to function \"histogram_quantiles\", got instant vector"},
    {"time(1)", "1:1: parse error: expected 0 argument(s) in call to \"time\", got 1"},
    {"rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"},
    {"rate(foo[5m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"},
    {"abs(1)", "1:5: parse error: expected type instant vector in call to function \"abs\", got scalar"},
    {"abs(foo[5m])", "1:5: parse error: expected type instant vector in call to function \"abs\", got range vector"},
    {"vector(foo)", "1:8: parse error: expected type scalar in call to function \"vector\", got instant vector"},
    {"label_replace(foo, 1, \"\", \"\", \"\")",
     "1:20: parse error: expected type string in call to function \"label_replace\", got scalar"},
    {"predict_linear(foo[5m], bar)",
     "1:25: parse error: expected type scalar in call to function \"predict_linear\", got instant vector"},
    {"quantile_over_time(foo[5m], 0.5)",
     "1:20: parse error: expected type scalar in call to function \"quantile_over_time\", got range vector"},
    {"abs(abs(1))", "1:9: parse error: expected type instant vector in call to function \"abs\", got scalar"},
    {"hour(1)", "1:6: parse error: expected type instant vector in call to function \"hour\", got scalar"},
    /* info */
    {"info()", "1:1: parse error: expected at least 1 argument(s) in call to \"info\", got 0"},
    {"info(1)", "1:6: parse error: expected type instant vector in call to function \"info\", got scalar"},
    {"info(foo, bar)", "1:11: parse error: expected label selectors only, got vector selector instead"},
    {"info(foo, {__name__=\"bar\"}, 1)", "1:1: parse error: expected at most 2 argument(s) in call to \"info\", got 3"},
    {"info(foo, 1)", "1:1: parse error: expected type instant vector in call to function \"info\", got scalar"},
    {"info(foo, \"a\")", "1:1: parse error: expected type instant vector in call to function \"info\", got string"},
    {"info(foo, sum(bar))", "1:11: parse error: expected label selectors only"},
    {"info(foo, ({a=\"b\"}))", "1:11: parse error: expected label selectors only"},
    {"info(foo[5m], {a=\"b\"})",
     "1:6: parse error: expected type instant vector in call to function \"info\", got range vector"},
    {"info(1 == 2, 3)", "1:1: parse error: expected type instant vector in call to function \"info\", got scalar"},
    /* operators */
    {"1 == 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"1 < 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"1 == (2)", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"(1 == 2) == bool 3", "1:4: parse error: comparisons between scalars must use BOOL modifier"},
    {"foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"},
    {"foo and bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"},
    {"1 + bool 2", "1:3: parse error: bool modifier can only be used on comparison operators"},
    {"\"a\" + 1", "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"1 + \"a\"", "1:5: parse error: binary expression must contain only scalar and instant vector types"},
    {"foo + \"a\"", "1:7: parse error: binary expression must contain only scalar and instant vector types"},
    {"foo[5m] + bar", "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"foo + bar[5m:]", "1:7: parse error: binary expression must contain only scalar and instant vector types"},
    {"\"a\" and foo", "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"foo and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
    {"1 or foo", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
    {"1 unless 2", "1:1: parse error: set operator \"unless\" not allowed in binary scalar expression"},
    {"foo atan2 \"a\"", "1:11: parse error: binary expression must contain only scalar and instant vector types"},
    {"foo + on(a) group_left(a) bar", "1:5: parse error: label \"a\" must not occur in ON and GROUP clause at once"},
    {"foo + on(a, b) group_right(c, b) bar",
     "1:5: parse error: label \"b\" must not occur in ON and GROUP clause at once"},
    {"foo  ==   on(a) group_left(a) bar",
     "1:6: parse error: label \"a\" must not occur in ON and GROUP clause at once"},
    {"foo # c\n  + on(a) group_left(a) bar",
     "1:5: parse error: label \"a\" must not occur in ON and GROUP clause at once"},
    {"foo and on(a) group_left bar", "1:1: parse error: no grouping allowed for \"and\" operation"},
    {"foo or on(a) group_right(b) bar", "1:1: parse error: no grouping allowed for \"or\" operation"},
    {"foo and fill(1) bar", "1:1: parse error: filling in missing series not allowed for set operators"},
    {"foo or on(a) fill_left(1) bar", "1:1: parse error: filling in missing series not allowed for set operators"},
    {"foo + on(a) 1", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"1 + ignoring(a) foo", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"1 + on(a) 2", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"1 + fill(5) foo", "1:1: parse error: filling in missing series only allowed between instant vectors"},
    {"foo + fill_right(5) 1", "1:1: parse error: filling in missing series only allowed between instant vectors"},
    {"foo offset 5m + bool bar", "1:15: parse error: bool modifier can only be used on comparison operators"},
    {"sum(foo) + bool bar", "1:10: parse error: bool modifier can only be used on comparison operators"},
    {"foo == bool bar + bool 1", "1:17: parse error: bool modifier can only be used on comparison operators"},
    /* signs and subqueries */
    {"-\"a\"",
     "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\""},
    {"+\"a\"",
     "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\""},
    {"-foo[5m]", "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "
                 "\"range vector\""},
    {"-(foo[5m])", "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, "
                   "got \"range vector\""},
    {"--\"a\"",
     "1:2: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\""},
    {"1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"},
    {"\"a\"[5m:1m]", "1:1: parse error: subquery is only allowed on instant vector, got string instead"},
    {"foo[5m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
    {"foo[5m:][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
    {"sum(1[5m:])", "1:5: parse error: subquery is only allowed on instant vector, got scalar instead"},
    /* selectors */
    {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=~\".*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=~\"b*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a!~\"b+\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a!=\"b\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"sum({a=\"\"})", "1:5: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=\"\"}[5m]", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{__name__=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"foo{__name__=\"foo\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"foo\""},
    {"foo{__name__!=\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
    {"foo{\"foo\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"foo\""},
    {"sum(foo{a=\"b\",__name__=~\"x\"}[5m:])", "1:5: parse error: metric name must not be set twice: \"foo\" or \"x\""},
};

Test(types, errors)
{
    expect_errors(errors, sizeof errors / sizeof errors[0], ALL_FEATURES);
}
