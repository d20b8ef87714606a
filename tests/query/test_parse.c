/* Trees of queries, their positions, and what is said of queries that have no tree. */
#include "query/parse.h"

#include "query/functions.h"
#include "storage/base/bytes.h"
#include "tests/query/expect.h"

#include <stdio.h>

static void put(struct writer *out, str text)
{
    writer_bytes(out, text.data, text.len);
}

/* The tree with its structure in parentheses: (+ a (* b c)); parentheses of the query are square brackets. */
static void dump(const struct node *node, struct writer *out, struct arena *arena)
{
    switch (node->kind) {
    case NODE_BINARY:
        put(out, arena_format(arena, "(%.*s ", STR_ARG(operator_text(node->binary.op))));
        dump(node->binary.left, out, arena);
        put(out, STR(" "));
        dump(node->binary.right, out, arena);
        put(out, STR(")"));
        break;
    case NODE_UNARY:
        put(out, node->unary.op == OP_SUB ? STR("(neg ") : STR("(pos "));
        dump(node->unary.expr, out, arena);
        put(out, STR(")"));
        break;
    case NODE_PAREN:
        put(out, STR("["));
        dump(node->paren, out, arena);
        put(out, STR("]"));
        break;
    case NODE_SUBQUERY:
        put(out, STR("(sub "));
        dump(node->subquery.expr, out, arena);
        put(out, STR(")"));
        break;
    case NODE_CALL:
        put(out, arena_format(arena, "(%s", node->call.function->name));
        for (size_t i = 0; i < node->call.arg_count; i++) {
            put(out, STR(" "));
            dump(node->call.args[i], out, arena);
        }
        put(out, STR(")"));
        break;
    default: put(out, ast_print(node, arena)); break;
    }
}

static const struct {
    const char *text, *tree;
} trees[] = {
    {"1 + 2 * 3", "(+ 1 (* 2 3))"},
    {"1 * 2 + 3", "(+ (* 1 2) 3)"},
    {"1 - 2 - 3", "(- (- 1 2) 3)"},
    {"2 ^ 3 ^ 2", "(^ 2 (^ 3 2))"},
    {"-2 ^ 2", "(neg (^ 2 2))"},
    {"2 ^ -1", "(^ 2 -1)"},
    {"2 ^ -a ^ b", "(^ 2 (neg (^ a b)))"},
    {"2 ^ -a * b", "(* (^ 2 (neg a)) b)"},
    {"-a * b", "(* (neg a) b)"},
    {"a * -b + c", "(+ (* a (neg b)) c)"},
    {"- -a", "(neg (neg a))"},
    {"+-+1", "-1"},
    {"-1", "-1"},
    {"-(1)", "(neg [1])"},
    {"-5m", "-5m"},
    {"a % b atan2 c / d", "(/ (atan2 (% a b) c) d)"},
    {"a + b == c - d", "(== (+ a b) (- c d))"},
    {"a < b > c", "(> (< a b) c)"},
    {"a </ 1 >/ 2", "(>/ (</ a 1) 2)"},
    {"a and b == c unless d", "(unless (and a (== b c)) d)"},
    {"a or b and c", "(or a (and b c))"},
    {"a and b or c or d unless e", "(or (or (and a b) c) (unless d e))"},
    {"a AND b Or c UNLESS d", "(or (and a b) (unless c d))"},
    {"(a + b) * c", "(* [(+ a b)] c)"},
    {"rate((-a)[5m:])", "(rate (sub [(neg a)]))"},
    {"a + b offset 5m", "(+ a b offset 5m)"},
    {"-a offset 5m ^ 2", "(neg (^ a offset 5m 2))"},
    {"a @ 5 ^ b", "(^ a @ 5.000 b)"},
    {"a offset 5m ^ 2", "(^ a offset 5m 2)"},
    {"a offset -2 ^ 2", "(^ a offset -2s 2)"},
    {"a offset step() * 2", "(* a offset step() 2)"},
    {"a offset -(2 + 3) * 2", "(* a offset -(2 + 3) 2)"},
    {"a offset +min_of(1, 2) * 2", "(* a offset min_of(1, 2) 2)"},
    {"a offset (2) * 2", "a offset (2 * 2)"},
    {"a offset --2 * 2", "a offset (2 * 2)"},
    {"rate(a[5m]) + b", "(+ (rate a[5m]) b)"},
    {"rate(a[5m:1m] @ 5)", "(rate (sub a))"},
    {"max_of(step(), -range())", "(max_of (step) (neg (range)))"},
    {"a + # comment\n b", "(+ a b)"},
    /* words that are only words in some places */
    {"sum + count", "(+ sum count)"},
    {"sum{a=\"b\"} + by", "(+ sum{a=\"b\"} by)"},
    {"and and and", "(and and and)"},
    {"or or unless unless by", "(or or (unless unless by))"},
    {"offset offset 5m", "offset offset 5m"},
    {"start @ start()", "start @ start()"},
    {"step + step() + range - range()", "(- (+ (+ step (step)) range) (range))"},
    {"fill + fill_left", "(+ fill fill_left)"},
    {"a + fill", "(+ a fill)"},
    {"a + fill {b=\"c\"}", "(+ a fill{b=\"c\"})"},
    {"anchored anchored", "anchored anchored"},
    {"min_of + max_of", "(+ min_of max_of)"},
    {"inf + nan", "(+ +Inf NaN)"},
    {"INF - NaN", "(- +Inf NaN)"},
    {"a:b + :c", "(+ a:b :c)"},
};

Test(parse, trees)
{
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        struct arena arena;
        struct parse_error error;
        struct writer out = {0};

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(trees[i].text), ALL_FEATURES, &arena, &error);
        if (node) dump(node, &out, &arena);
        str tree = node ? str_make((const char *)out.data, out.count) : parse_error_text(&error, &arena);
        cr_expect(str_equal(tree, str_from(trees[i].tree)), "%s: %.*s, expected %s", trees[i].text, STR_ARG(tree),
                  trees[i].tree);
        writer_release(&out);
        arena_release(&arena);
    }
}

static bool put_position(void *context, const struct node *node)
{
    char text[32];

    put(context, str_make(text, (size_t)snprintf(text, sizeof text, " %u-%u", node->start, node->end)));
    return true;
}

/* Of all nodes, parents first. */
static const struct {
    const char *text, *positions;
} positions[] = {
    {" foo ", " 1-4"},
    {"foo{a=\"b\"}", " 0-10"},
    {"{a=\"b\"}", " 0-7"},
    {"foo offset 5m", " 0-13"},
    {"(foo offset 5m )", " 0-16 1-14"},
    {"foo[5m] @ 10", " 0-12 0-3"},
    {"foo[5m] anchored", " 0-7 0-3"},
    {"foo[5m:1m] offset 5m", " 0-20 0-3"},
    {" sum ( foo ) by (a) ", " 1-19 7-10"},
    {"sum(foo) + sum by (a) (bar)", " 0-27 0-8 4-7 11-27 23-26"},
    {"(sum(foo) )", " 0-11 1-9 5-8"},
    {"topk(5, foo)", " 0-12 5-6 8-11"},
    {"rate( foo[5m] ) ", " 0-15 6-13 6-9"},
    {"- foo + -1", " 0-10 0-5 2-5 8-10"},
    {"( 1 + \"a\" == 2)", NULL},
    {"foo +\n\nbar", " 0-10 0-3 7-10"},
};

Test(parse, positions)
{
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        struct arena arena;
        struct parse_error error;
        struct writer out = {0};

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(positions[i].text), ALL_FEATURES, &arena, &error);
        cr_expect((node != NULL) == (positions[i].positions != NULL), "%s", positions[i].text);
        if (node) {
            ast_walk(node, put_position, &out);
            str found = str_make((const char *)out.data, out.count);
            cr_expect(str_equal(found, str_from(positions[i].positions)), "%s: %.*s, expected %s", positions[i].text,
                      STR_ARG(found), positions[i].positions);
        }
        writer_release(&out);
        arena_release(&arena);
    }
}

static const struct expected_error errors[] = {
    {"", "unknown position: parse error: no expression found in input"},
    {" ", "1:1: parse error: no expression found in input"},
    {" # nothing", "1:1: parse error: no expression found in input"},
    {"foo @ start() [5m]", "1:15: parse error: no @ modifiers allowed before range"},
    {"foo offset step()[5m]", "1:18: parse error: no offset modifiers allowed before range"},
    {"foo @ 1e17", "1:1: parse error: timestamp out of bounds for @ modifier: 100000000000000000.000000"},
    {"foo +\n\n  bar baz", "3:7: parse error: unexpected identifier \"baz\""},
    {"foo\nor \"\xc3\xa9\" bar", "2:9: parse error: unexpected identifier \"bar\""},
    /* expressions */
    {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
    {"foo +", "1:6: parse error: unexpected end of input"},
    {"* foo", "1:1: parse error: unexpected <op:*>"},
    {"(", "1:2: parse error: unclosed left parenthesis"},
    {"()", "1:2: parse error: unexpected \")\""},
    {"foo foo(", "1:5: parse error: unexpected identifier \"foo\""},
    {"foo(bar", "1:8: parse error: unclosed left parenthesis"},
    {"a + (b", "1:7: parse error: unclosed left parenthesis"},
    {"a == == b", "1:6: parse error: unexpected <op:==>"},
    {"bool", "1:1: parse error: unexpected <bool>"},
    {"on", "1:1: parse error: unexpected <on>"},
    {"foo + bool", "1:11: parse error: unexpected end of input"},
    {"foo + on bar", "1:10: parse error: unexpected identifier \"bar\" in grouping opts, expected \"(\""},
    {"foo + on(a bar", "1:12: parse error: unexpected identifier \"bar\" in grouping opts, expected \",\" or \")\""},
    {"foo + on(a,,b) bar", "1:12: parse error: unexpected \",\" in grouping opts, expected label"},
    {"foo + on(1) bar", "1:10: parse error: unexpected number \"1\" in grouping opts, expected label"},
    {"foo + on(\"\") bar", "1:10: parse error: invalid label name for grouping: \"\""},
    {"foo + on(without) bar", "1:10: parse error: unexpected <without> in grouping opts, expected label"},
    {"foo + on(a) group_left(b bar",
     "1:26: parse error: unexpected identifier \"bar\" in grouping opts, expected \",\" or \")\""},
    {"foo + group_left bar", "1:7: parse error: unexpected <group_left>"},
    {"foo + on(a) bool bar", "1:13: parse error: unexpected <bool>"},
    {"foo + on(a) on(b) bar", "1:13: parse error: unexpected <on>"},
    {"foo + fill(a) bar", "1:12: parse error: unexpected identifier \"a\""},
    {"foo + fill() bar", "1:12: parse error: unexpected \")\""},
    {"foo + fill_left(1) fill(2) bar", "1:24: parse error: unexpected \"(\""},
    {"1 2", "1:3: parse error: unexpected number \"2\""},
    {"\"a\" \"b\"", "1:5: parse error: unexpected string \"\\\"b\\\"\""},
    /* functions */
    {"nope(foo)", "1:1: parse error: unknown function with name \"nope\""},
    {"nope(nope2())", "1:6: parse error: unknown function with name \"nope2\""},
    {"Rate(foo[5m])", "1:1: parse error: unknown function with name \"Rate\", did you mean \"rate\"?"},
    {"START()", "1:1: parse error: unknown function with name \"START\", did you mean \"start\"?"},
    {"rate(", "1:6: parse error: unclosed left parenthesis"},
    {"rate foo", "1:6: parse error: unexpected identifier \"foo\""},
    {"rate(foo[5m],)", "1:13: parse error: trailing commas not allowed in function call args"},
    {"rate(,)", "1:6: parse error: unexpected \",\""},
    {"clamp(foo 1)", "1:11: parse error: unexpected number \"1\""},
    /* aggregations */
    {"sum(", "1:5: parse error: unclosed left parenthesis"},
    {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
    {"sum(foo bar)", "1:9: parse error: unexpected identifier \"bar\" in aggregation"},
    {"sum(foo, bar)",
     "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2"},
    {"sum by foo", "1:8: parse error: unexpected identifier \"foo\" in grouping opts, expected \"(\""},
    {"sum by (foo", "1:12: parse error: unclosed left parenthesis"},
    {"sum by (foo bar) (baz)",
     "1:13: parse error: unexpected identifier \"bar\" in grouping opts, expected \",\" or \")\""},
    {"sum by (foo,,bar) (baz)", "1:13: parse error: unexpected \",\" in grouping opts, expected label"},
    {"sum by (+) (baz)", "1:9: parse error: unexpected <op:+> in grouping opts, expected label"},
    {"sum by (without) (baz)", "1:9: parse error: unexpected <without> in grouping opts, expected label"},
    {"sum by (inf) (baz)", "1:9: parse error: unexpected number \"inf\" in grouping opts, expected label"},
    {"sum by (\"\") (baz)", "1:9: parse error: invalid label name for grouping: \"\""},
    {"sum by (\"\\xff\") (baz)", "1:9: parse error: invalid label name for grouping: \"\\xff\""},
    {"sum by (foo) baz", "1:14: parse error: unexpected identifier \"baz\" in aggregation"},
    {"sum(foo) by bar", "1:13: parse error: unexpected identifier \"bar\" in grouping opts, expected \"(\""},
    {"sum(foo) by (bar) by (baz)", "1:19: parse error: unexpected <by>"},
    {"sum by (a) (foo) by (b)", "1:18: parse error: unexpected <by>"},
    {"sum(foo,)", "1:8: parse error: trailing commas not allowed in function call args"},
    {"topk(foo)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"},
    {"topk(1, foo, bar)",
     "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 3"},
    {"count_values(foo)",
     "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"},
    {"sum(rate(foo bar))", "1:14: parse error: unexpected identifier \"bar\" in aggregation"},
    /* modifiers */
    {"foo offset",
     "1:11: parse error: unexpected end of input in offset, expected number, duration, step(), or range()"},
    {"foo offset bar",
     "1:12: parse error: unexpected identifier \"bar\" in offset, expected number, duration, step(), or range()"},
    {"foo offset \"5m\"",
     "1:12: parse error: unexpected string \"\\\"5m\\\"\" in offset, expected number, duration, step(), or range()"},
    {"foo offset (5m", "1:15: parse error: unclosed left parenthesis"},
    {"foo offset (bar)",
     "1:13: parse error: unexpected identifier \"bar\" in offset, expected number, duration, step(), or range()"},
    {"foo offset 5m offset 5m", "1:1: parse error: offset may not be set multiple times"},
    {"foo offset 5m offset (5m+1)", "1:1: parse error: offset may not be set multiple times"},
    {"foo offset (5m+1) offset 5m", "1:1: parse error: offset may not be set multiple times"},
    {"foo[5m] offset 1m offset 1m", "1:1: parse error: offset may not be set multiple times"},
    {"foo @", "1:6: parse error: unexpected end of input in @, expected timestamp"},
    {"foo @ bar", "1:7: parse error: unexpected identifier \"bar\" in @, expected timestamp"},
    {"foo @ \"1\"", "1:7: parse error: unexpected string \"\\\"1\\\"\" in @, expected timestamp"},
    {"foo @ start", "1:12: parse error: unexpected end of input in @, expected timestamp"},
    {"foo @ start(", "1:13: parse error: unclosed left parenthesis"},
    {"foo @ start(1)", "1:13: parse error: unexpected number \"1\" in @, expected timestamp"},
    {"foo @ step()", "1:7: parse error: unexpected \"step\" in @, expected timestamp"},
    {"foo @ (1)", "1:7: parse error: unexpected \"(\" in @, expected timestamp"},
    {"foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"foo @ start() @ end()", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"foo[5m] @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"foo @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
    {"foo @ NaN", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"},
    {"foo @ -Inf", "1:1: parse error: timestamp out of bounds for @ modifier: -Inf"},
    {"foo @ 1e30", "1:1: parse error: timestamp out of bounds for @ modifier: 1000000000000000019884624838656.000000"},
    {"1 @ 5", "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or "
              "a subquery"},
    {"1 offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector "
                    "selector or a subquery"},
    {"sum(foo) @ 5", "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector "
                     "selector or a subquery"},
    {"sum(foo) offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector selector or range "
                           "vector selector or a subquery"},
    {"(foo) offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector selector or range "
                        "vector selector or a subquery"},
    {"foo offset 5m [5m]", "1:15: parse error: no offset modifiers allowed before range"},
    {"foo @ 5 [5m]", "1:9: parse error: no @ modifiers allowed before range"},
    {"foo[5m][5m]", "1:8: parse error: ranges only allowed for vector selectors"},
    {"sum(foo)[5m]", "1:9: parse error: ranges only allowed for vector selectors"},
    {"foo anchored smoothed", "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
    {"foo[5m] smoothed anchored", "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
    {"foo[5m:1m] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"},
    {"foo[5m:1m] smoothed", "1:1: parse error: smoothed modifier is not supported for subqueries"},
    {"sum(foo) smoothed", "1:1: parse error: smoothed modifier not implemented"},
    {"1 anchored", "1:1: parse error: anchored modifier not implemented"},
};

Test(parse, errors)
{
    expect_errors(errors, sizeof errors / sizeof errors[0], ALL_FEATURES);
}

/* Queries that need a feature. */
static const struct expected_error gated[] = {
    {"step()", "1:1: parse error: function \"step\" is not enabled"},
    {"max_of(1, 2)", "1:1: parse error: function \"max_of\" is not enabled"},
    {"sort_by_label(foo)", "1:1: parse error: function \"sort_by_label\" is not enabled"},
    {"info(foo)", "1:1: parse error: function \"info\" is not enabled"},
    {"limitk(1, foo)", "1:1: parse error: limitk() is experimental and must be enabled with "
                       "--enable-feature=promql-experimental-functions"},
    {"limit_ratio(0.5, foo)", "1:1: parse error: limit_ratio() is experimental and must be enabled with "
                              "--enable-feature=promql-experimental-functions"},
    {"limitk()", "1:1: parse error: no arguments for aggregate expression provided"},
    {"limitk(1)", "1:1: parse error: limitk() is experimental and must be enabled with "
                  "--enable-feature=promql-experimental-functions"},
    {"foo anchored", "1:1: parse error: anchored modifier is experimental and not enabled"},
    {"foo[5m] smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"},
    {"1 anchored", "1:1: parse error: anchored modifier is experimental and not enabled"},
    {"foo + fill(1) bar", "1:1: parse error: binop fill modifiers are experimental and not enabled"},
    {"1 + fill(1) 2", "1:1: parse error: binop fill modifiers are experimental and not enabled"},
    {"foo + fill_left(1) rate(bar)", "1:1: parse error: binop fill modifiers are experimental and not enabled"},
    {"sum(step())", "1:5: parse error: function \"step\" is not enabled"},
};

Test(parse, features)
{
    expect_errors(gated, sizeof gated / sizeof gated[0], 0);
}

/* What the nodes hold beyond what printing shows. */
Test(parse, members)
{
    struct arena arena;
    struct parse_error error;

    arena_init(&arena, NULL);
    const struct node *node =
        parse_query(STR("a * on(x, \"y.z\",) group_left fill_left(-1m) fill_right(2) {b=~\"c.*\"}[5m:30s] @ end()"),
                    ALL_FEATURES, &arena, &error);
    cr_assert(!node, "a range vector can not be an operand");

    node = parse_query(STR("a * on(x, \"y.z\",) group_left fill_left(-1m) fill_right(2) {b=~\"c.*\"} offset -90s"),
                       ALL_FEATURES, &arena, &error);
    cr_assert(node && node->kind == NODE_BINARY && node->type == VALUE_VECTOR && node->height == 2);
    const struct matching *matching = node->binary.matching;
    cr_assert(matching && matching->on && matching->cardinality == MANY_TO_ONE && matching->label_count == 2);
    cr_expect(str_equal(matching->labels[1], STR("y.z")) && matching->include_count == 0);
    cr_expect(matching->has_fill_left && matching->fill_left == -60 && matching->fill_right == 2);
    const struct selector *left = &node->binary.left->selector, *right = &node->binary.right->selector;
    cr_expect(str_equal(left->name, STR("a")) && left->matcher_count == 1);
    cr_expect(str_equal(left->matchers[0].name, STR("__name__")) && left->matchers[0].type == MATCH_EQUAL);
    cr_expect(right->name.len == 0 && right->time.offset_ms == -90000 && right->time.at == AT_NONE);

    node = parse_query(STR("sum without () (foo[1d:1h30m] @ 1.0005 )"), 0, &arena, &error);
    cr_expect(!node);
    node = parse_query(STR("max_over_time(foo[1d:1h30m] @ 1.0005 offset (step() * 2))"), 0, &arena, &error);
    cr_assert(node && node->call.arg_count == 1 && node->call.function == functions_find(STR("max_over_time")));
    const struct subquery *subquery = &node->call.args[0]->subquery;
    cr_expect(subquery->range_ms == 86400000 && subquery->step_ms == 5400000 && !subquery->range_expr);
    cr_expect(subquery->time.at == AT_TIME && subquery->time.at_ms == 1001 && subquery->time.offset_ms == 0);
    cr_assert(subquery->time.offset_expr && subquery->time.offset_expr->duration.op == OP_MUL);

    node = parse_query(STR("1 + on() 2"), 0, &arena, &error);
    cr_expect(node && node->type == VALUE_SCALAR && !node->binary.matching);
    node = parse_query(STR("a unless on(b) c"), 0, &arena, &error);
    cr_expect(node && node->binary.matching->cardinality == MANY_TO_MANY);
    node = parse_query(STR("sum by () (foo)"), 0, &arena, &error);
    cr_expect(node && node->aggregate.has_grouping && !node->aggregate.without && !node->aggregate.param);
    node = parse_query(STR("foo[0.0001]"), 0, &arena, &error);
    cr_expect(node && node->range.range_ms == 0 && node->range.range_expr);
    arena_release(&arena);
}

/* Nodes do not point into the caller's text. */
Test(parse, keeps_a_copy)
{
    struct arena arena;
    struct parse_error error;
    char text[] = "foo{bar=\"baz\"} == 1";

    arena_init(&arena, NULL);
    const struct node *node = parse_query(str_from(text), 0, &arena, &error);
    memset(text, '#', sizeof text - 1);
    cr_assert(node && str_equal(ast_print(node, &arena), STR("foo{bar=\"baz\"} == 1")));
    arena_release(&arena);
}

static const struct {
    const char *text, *expected; /* the matchers, or the error */
} selectors[] = {
    {"foo", "{__name__=\"foo\"}"},
    {" foo { a != \"b\" , } # c", "{__name__=\"foo\",a!=\"b\"}"},
    {"{\"foo bar\"}", "{__name__=\"foo bar\"}"},
    {"sum{a=\"\"}", "{__name__=\"sum\",a=\"\"}"},
    {"{}", "{}"},
    {"foo{__name__=\"bar\"}", "{__name__=\"bar\",__name__=\"foo\"}"},
    {"", "unknown position: parse error: unexpected end of input"},
    {"foo[5m]", "1:4: parse error: unexpected \"[\""},
    {"foo offset 5m", "1:5: parse error: unexpected <offset>"},
    {"foo + bar", "1:5: parse error: unexpected <op:+>"},
    {"foo(bar)", "1:4: parse error: unexpected \"(\""},
    {"1", "1:1: parse error: unexpected number \"1\""},
    {"(foo)", "1:1: parse error: unexpected \"(\""},
    {"{a=~\"[\"}", "1:2: parse error: error parsing regexp: missing closing ]: `[`"},
};

Test(parse, selectors)
{
    for (size_t i = 0; i < sizeof selectors / sizeof selectors[0]; i++) {
        struct arena arena;
        struct parse_error error;
        const struct matcher *matchers;
        size_t count;

        arena_init(&arena, NULL);
        bool parsed = parse_selector(str_from(selectors[i].text), &arena, &matchers, &count, &error);
        struct node node = {.kind = NODE_SELECTOR};
        if (parsed) {
            node.selector.matchers = arena_array(&arena, struct matcher, count);
            if (count) memcpy(node.selector.matchers, matchers, count * sizeof *matchers);
            node.selector.matcher_count = count;
        }
        str found = parsed ? ast_print(&node, &arena) : parse_error_text(&error, &arena);
        cr_expect(str_equal(found, str_from(selectors[i].expected)), "%s: %.*s, expected %s", selectors[i].text,
                  STR_ARG(found), selectors[i].expected);
        arena_release(&arena);
    }
}
