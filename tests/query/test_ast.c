/* Walking and comparing trees, names of their parts. */
#include "query/ast.h"

#include "storage/base/bytes.h"
#include "tests/query/expect.h"

struct visits {
    struct writer kinds; /* a letter for each node */
    size_t limit;
};

static bool visit(void *context, const struct node *node)
{
    static const char letters[] = {
        [NODE_NUMBER] = '1',   [NODE_STRING] = '"', [NODE_SELECTOR] = 'v',  [NODE_RANGE] = 'r',
        [NODE_SUBQUERY] = 's', [NODE_CALL] = 'c',   [NODE_AGGREGATE] = 'a', [NODE_BINARY] = '+',
        [NODE_UNARY] = '-',    [NODE_PAREN] = '(',  [NODE_DURATION] = 'd',
    };
    struct visits *visits = context;

    writer_u8(&visits->kinds, (uint8_t)letters[node->kind]);
    return visits->kinds.count < visits->limit;
}

static const struct {
    const char *text, *order;
} walks[] = {
    {"1", "1"},
    {"rate(foo[5m])", "crv"},
    {"max_over_time((a + -b)[5m + step():1m])", "cs(+v-v"},
    {"topk(1, foo)", "a1v"},
    {"count_values(\"a\", abs(b))", "a\"cv"},
    {"clamp(a, 1, 2) offset 5m", NULL},
    {"clamp(a offset (1 + step()), 1, (2))", "cv1(1"},
    {"a or b and c", "+v+vv"},
};

Test(ast, walk)
{
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        struct arena arena;
        struct parse_error error;

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(walks[i].text), ALL_FEATURES, &arena, &error);
        cr_expect((node != NULL) == (walks[i].order != NULL), "%s", walks[i].text);
        str order = str_from(walks[i].order);
        for (size_t limit = 1; node && limit <= order.len + 1; limit++) {
            struct visits visits = {.limit = limit};
            bool finished = ast_walk(node, visit, &visits);
            str found = str_make((const char *)visits.kinds.data, visits.kinds.count);
            cr_expect(finished == (limit > order.len), "%s: %zu", walks[i].text, limit);
            cr_expect(str_equal(found, str_part(order, 0, limit)), "%s: %.*s", walks[i].text, STR_ARG(found));
            writer_release(&visits.kinds);
        }
        arena_release(&arena);
    }
}

Test(ast, unwrap)
{
    struct arena arena;
    struct parse_error error;

    arena_init(&arena, NULL);
    const struct node *node = parse_query(STR("(((foo)))"), 0, &arena, &error);
    cr_assert(node && node->kind == NODE_PAREN && ast_unwrap(node)->kind == NODE_SELECTOR);
    cr_expect(ast_unwrap(ast_unwrap(node)) == ast_unwrap(node));
    arena_release(&arena);
}

/* Each differs from all others. */
static const char *const different[] = {
    "1",
    "2",
    "1s",
    "\"1\"",
    "foo",
    "bar",
    "(foo)",
    "-foo",
    "+foo",
    "{__name__=\"foo\"}",
    "foo{a=\"b\"}",
    "foo{a!=\"b\"}",
    "foo{a=\"b\",a=\"c\"}",
    "foo{a=\"b\",a=\"b\"}",
    "foo offset 1m",
    "foo offset -1m",
    "foo offset step()",
    "foo @ 60",
    "foo @ start()",
    "foo @ end()",
    "foo anchored",
    "foo smoothed",
    "foo[1m]",
    "foo[2m]",
    "foo[1m] anchored",
    "foo[step()]",
    "foo[(step())]",
    "foo[-step()]",
    "foo[step() + 1]",
    "foo[step() - 1]",
    "foo[1m:]",
    "foo[1m:1m]",
    "foo[1m:step()]",
    "foo[1m:] @ 60",
    "sum(foo)",
    "avg(foo)",
    "sum by (a) (foo)",
    "sum by (a, b) (foo)",
    "sum by (b, a) (foo)",
    "sum without (a) (foo)",
    "sum without () (foo)",
    "topk(1, foo)",
    "topk(2, foo)",
    "abs(foo)",
    "ceil(foo)",
    "round(foo)",
    "round(foo, 1)",
    "foo + bar",
    "bar + foo",
    "foo - bar",
    "foo == bar",
    "foo == bool bar",
    "foo + on (a) bar",
    "foo + ignoring (a) bar",
    "foo + on () bar",
    "foo + on (a) group_left () bar",
    "foo + on (a) group_right () bar",
    "foo + on (a) group_left (b) bar",
    "foo + fill (1) bar",
    "foo + fill_left (1) bar",
    "foo + fill_right (1) bar",
    "foo + fill_right (NaN) bar",
    "foo and bar",
    "foo + 1",
};

Test(ast, equal)
{
    enum { COUNT = sizeof different / sizeof different[0] };
    struct arena arena;
    struct parse_error error;
    const struct node *once[COUNT], *again[COUNT];

    arena_init(&arena, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        once[i] = parse_query(str_from(different[i]), ALL_FEATURES, &arena, &error);
        again[i] = parse_query(arena_format(&arena, " %s # again", different[i]), ALL_FEATURES, &arena, &error);
        cr_assert(once[i] && again[i], "%s", different[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++)
            cr_expect(ast_equal(once[i], again[j]) == (i == j), "%s and %s", different[i], different[j]);
    }
    arena_release(&arena);
}

/* These say the same. */
static const struct {
    const char *one, *other;
} same[] = {
    {"60", "6e1"},
    {"foo[1m]", "foo[60]"},
    {"foo{a=\"b\",c=\"d\"}", "foo{c='d', a='b'}"},
    {"sum by () (foo)", "sum(foo)"},
    {"sum by (a) (foo)", "sum(foo) by (a)"},
    {"foo offset 1m @ 5", "foo @ 5.0 offset 60"},
    {"foo[+step()]", "foo[step()]"},
    {"NaN", "-NaN"},
};

Test(ast, same)
{
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct arena arena;
        struct parse_error error;

        arena_init(&arena, NULL);
        const struct node *one = parse_query(str_from(same[i].one), ALL_FEATURES, &arena, &error);
        const struct node *other = parse_query(str_from(same[i].other), ALL_FEATURES, &arena, &error);
        cr_expect(one && other && ast_equal(one, other), "%s and %s", same[i].one, same[i].other);
        arena_release(&arena);
    }
}

Test(ast, names)
{
    cr_expect(str_equal(value_type_name(VALUE_MATRIX), STR("range vector")));
    cr_expect(str_equal(operator_text(OP_TRIM_LOWER), STR(">/")) && str_equal(operator_text(OP_MAX_OF), STR("max_of")));
    cr_expect(str_equal(aggregate_text(AGGREGATE_LIMIT_RATIO), STR("limit_ratio")));
}
