#include "http/ast_json.h"
#include "query/parse.h"
#include "tests/support/test.h"

#include <jansson.h>

#define TIME        "\"offset\":0,\"offsetExpr\":null,\"timestamp\":null,\"startOrEnd\":null"
#define NAMED(name) "{\"name\":\"__name__\",\"value\":\"" name "\",\"type\":\"=\"}"
#define X                                               \
    "{\"type\":\"vectorSelector\",\"name\":\"x\"," TIME \
    ",\"matchers\":[" NAMED("x") "],\"anchored\":false,\"smoothed\":false}"
#define ONE "{\"type\":\"numberLiteral\",\"val\":\"1\"}"

static const struct {
    const char *query, *json;
} trees[] = {
    {"1e21", "{\"type\":\"numberLiteral\",\"val\":\"1000000000000000000000\"}"},
    {"5m", "{\"type\":\"numberLiteral\",\"val\":\"300\"}"},
    {"x[5m + 1]",
     "{\"type\":\"matrixSelector\",\"range\":0,\"rangeExpr\":{\"type\":\"durationExpr\",\"op\":\"+\","
     "\"lhs\":{\"type\":\"numberLiteral\",\"val\":\"300\",\"duration\":true},"
     "\"rhs\":{\"type\":\"numberLiteral\",\"val\":\"1\",\"duration\":false},\"wrapped\":false},\"name\":\"x\"," TIME
     ",\"matchers\":[" NAMED("x") "],\"anchored\":false,\"smoothed\":false}"},
    {"-x", "{\"type\":\"unaryExpr\",\"op\":\"-\",\"expr\":" X "}"},
    {"-Inf", "{\"type\":\"numberLiteral\",\"val\":\"-Inf\"}"},
    {"\"s\"", "{\"type\":\"stringLiteral\",\"val\":\"s\"}"},
    {"(1)", "{\"type\":\"parenExpr\",\"expr\":" ONE "}"},
    {"x", X},
    {"x{a=~\"b\"} offset 5m @ 7", "{\"type\":\"vectorSelector\",\"name\":\"x\",\"offset\":300000,\"offsetExpr\":null,"
                                  "\"timestamp\":7000,\"startOrEnd\":null,"
                                  "\"matchers\":[{\"name\":\"a\",\"value\":\"b\",\"type\":\"=~\"}," NAMED(
                                      "x") "],\"anchored\":false,\"smoothed\":false}"},
    {"x[5m] @ end()",
     "{\"type\":\"matrixSelector\",\"range\":300000,\"rangeExpr\":null,\"name\":\"x\",\"offset\":0,\"offsetExpr\":null,"
     "\"timestamp\":null,\"startOrEnd\":\"end\",\"matchers\":[" NAMED("x") "],\"anchored\":false,\"smoothed\":false}"},
    {"x[1h:5m]", "{\"type\":\"subquery\",\"expr\":" X
                 ",\"range\":3600000,\"rangeExpr\":null,\"step\":300000,\"stepExpr\":null," TIME "}"},
    {"abs(x)", "{\"type\":\"call\",\"func\":{\"name\":\"abs\",\"argTypes\":[\"vector\"],\"variadic\":0,\"returnType\":"
               "\"vector\"},\"args\":[" X "]}"},
    {"topk(1, x)",
     "{\"type\":\"aggregation\",\"op\":\"topk\",\"expr\":" X ",\"param\":" ONE ",\"grouping\":[],\"without\":false}"},
    {"sum without (a) (x)",
     "{\"type\":\"aggregation\",\"op\":\"sum\",\"expr\":" X ",\"param\":null,\"grouping\":[\"a\"],\"without\":true}"},
    {"1 == bool 1",
     "{\"type\":\"binaryExpr\",\"op\":\"==\",\"lhs\":" ONE ",\"rhs\":" ONE ",\"matching\":null,\"bool\":true}"},
    {"x + on (a) group_left (b) x",
     "{\"type\":\"binaryExpr\",\"op\":\"+\",\"lhs\":" X ",\"rhs\":" X
     ",\"matching\":{\"card\":\"many-to-one\",\"labels\":[\"a\"],"
     "\"on\":true,\"include\":[\"b\"],\"fillValues\":{\"lhs\":null,\"rhs\":null}},\"bool\":false}"},
};

Test(ast_json, trees)
{
    struct arena arena = {0};
    struct parse_error error;

    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        struct writer w = {0};
        json_error_t json_error;
        const struct node *node = parse_query(str_from(trees[i].query), 0, &arena, &error);
        cr_assert(node, "%s: %.*s", trees[i].query, STR_ARG(error.message));
        ast_json_put(&w, node, &arena);
        str text = str_make((const char *)w.data, w.count);
        json_t *root = json_loadb(text.data, text.len, 0, &json_error);
        cr_expect(root, "%s: %s", trees[i].query, json_error.text);
        json_decref(root);
        cr_expect(str_equal(text, str_from(trees[i].json)), "%s: %.*s", trees[i].query, STR_ARG(text));
        writer_release(&w);
    }
    arena_release(&arena);
}
