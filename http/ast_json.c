/* The syntax tree of an expression as JSON; see ast_json.h. */
#include "http/ast_json.h"

#include "http/json.h"
#include "query/functions.h"
#include "storage/base/number.h"

static void put_key(struct writer *w, const char *key)
{
    writer_u8(w, ',');
    json_put_string(w, str_from(key));
    writer_u8(w, ':');
}

static void put_text(struct writer *w, const char *key, str text)
{
    put_key(w, key);
    json_put_string(w, text);
}

static void put_flag(struct writer *w, const char *key, bool value)
{
    put_key(w, key);
    str text = value ? STR("true") : STR("false");
    writer_bytes(w, text.data, text.len);
}

static void put_number(struct writer *w, const char *key, int64_t value)
{
    put_key(w, key);
    json_put_signed(w, value);
}

static void put_list(struct writer *w, const char *key, const str *texts, size_t count)
{
    put_key(w, key);
    json_put_strings(w, texts, count);
}

/* In an expression of durations numbers tell whether they were written as durations; elsewhere they don't. */
static void put_duration(struct writer *w, const char *key, const struct node *node, struct arena *arena);

static void put_child(struct writer *w, const char *key, const struct node *node, struct arena *arena)
{
    put_key(w, key);
    if (node) {
        ast_json_put(w, node, arena);
    } else {
        json_put_raw(w, "null");
    }
}

static void open_node(struct writer *w, const char *type)
{
    json_put_raw(w, "{\"type\":");
    json_put_string(w, str_from(type));
}

static str number_text(double value, struct arena *arena)
{
    char text[NUMBER_TEXT_MAX];

    return arena_copy_str(arena, str_make(text, number_format(value, NUMBER_FIXED, text)));
}

/* A number as JSON has it; what JSON has no number for is null. */
static void put_fill(struct writer *w, bool is_set, double value, struct arena *arena)
{
    str text = is_set && value - value == 0 ? number_text(value, arena) : STR("null");
    writer_bytes(w, text.data, text.len);
}

static void put_time(struct writer *w, const struct time_modifier *time, struct arena *arena)
{
    put_number(w, "offset", time->offset_ms);
    put_duration(w, "offsetExpr", time->offset_expr, arena);
    put_key(w, "timestamp");
    if (time->at == AT_TIME) {
        json_put_signed(w, time->at_ms);
    } else {
        json_put_raw(w, "null");
    }
    put_key(w, "startOrEnd");
    str text = time->at == AT_START ? STR("\"start\"") : time->at == AT_END ? STR("\"end\"") : STR("null");
    writer_bytes(w, text.data, text.len);
}

static void put_selector(struct writer *w, const struct selector *selector, struct arena *arena)
{
    put_text(w, "name", selector->name);
    put_time(w, &selector->time, arena);
    put_key(w, "matchers");
    writer_u8(w, '[');
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        if (i) writer_u8(w, ',');
        json_put_raw(w, "{\"name\":");
        json_put_string(w, matcher->name);
        put_text(w, "value", matcher->value);
        put_text(w, "type", matcher_operator(matcher->type));
        writer_u8(w, '}');
    }
    writer_u8(w, ']');
    put_flag(w, "anchored", selector->anchored);
    put_flag(w, "smoothed", selector->smoothed);
}

static str type_word(enum value_type type)
{
    static const str words[] = {[VALUE_NONE] = STR("none"),
                                [VALUE_SCALAR] = STR("scalar"),
                                [VALUE_VECTOR] = STR("vector"),
                                [VALUE_MATRIX] = STR("matrix"),
                                [VALUE_STRING] = STR("string")};

    return words[type];
}

static void put_call(struct writer *w, const struct call *call, struct arena *arena)
{
    struct signature signature = functions_signature(call->function);
    str types[FUNCTION_ARGS_MAX];

    for (size_t i = 0; i < signature.count; i++) types[i] = type_word(signature.types[i]);
    put_key(w, "func");
    json_put_raw(w, "{\"name\":");
    json_put_string(w, str_from(call->function->name));
    put_list(w, "argTypes", types, signature.count);
    put_number(w, "variadic", signature.variadic);
    put_text(w, "returnType", type_word(call->function->gives));
    writer_u8(w, '}');
    put_key(w, "args");
    writer_u8(w, '[');
    for (size_t i = 0; i < call->arg_count; i++) {
        if (i) writer_u8(w, ',');
        ast_json_put(w, call->args[i], arena);
    }
    writer_u8(w, ']');
}

static void put_matching(struct writer *w, const struct matching *matching, struct arena *arena)
{
    static const str cards[] = {[ONE_TO_ONE] = STR("one-to-one"),
                                [MANY_TO_ONE] = STR("many-to-one"),
                                [ONE_TO_MANY] = STR("one-to-many"),
                                [MANY_TO_MANY] = STR("many-to-many")};

    put_key(w, "matching");
    if (!matching) {
        json_put_raw(w, "null");
        return;
    }
    json_put_raw(w, "{\"card\":");
    json_put_string(w, cards[matching->cardinality]);
    put_list(w, "labels", matching->labels, matching->label_count);
    put_flag(w, "on", matching->on);
    put_list(w, "include", matching->include, matching->include_count);
    put_key(w, "fillValues");
    json_put_raw(w, "{\"lhs\":");
    put_fill(w, matching->has_fill_left, matching->fill_left, arena);
    json_put_raw(w, ",\"rhs\":");
    put_fill(w, matching->has_fill_right, matching->fill_right, arena);
    json_put_raw(w, "}}");
}

static void put_binary(struct writer *w, const struct binary *binary, struct arena *arena)
{
    put_text(w, "op", operator_text(binary->op));
    put_child(w, "lhs", binary->left, arena);
    put_child(w, "rhs", binary->right, arena);
    put_matching(w, binary->matching, arena);
    put_flag(w, "bool", binary->return_bool);
}

static void put_subquery(struct writer *w, const struct subquery *subquery, struct arena *arena)
{
    put_child(w, "expr", subquery->expr, arena);
    put_number(w, "range", subquery->range_ms);
    put_duration(w, "rangeExpr", subquery->range_expr, arena);
    put_number(w, "step", subquery->step_ms);
    put_duration(w, "stepExpr", subquery->step_expr, arena);
    put_time(w, &subquery->time, arena);
}

static void put_aggregate(struct writer *w, const struct aggregate *aggregate, struct arena *arena)
{
    put_text(w, "op", aggregate_text(aggregate->op));
    put_child(w, "expr", aggregate->expr, arena);
    put_child(w, "param", aggregate->param, arena);
    put_list(w, "grouping", aggregate->grouping, aggregate->grouping_count);
    put_flag(w, "without", aggregate->without);
}

static const char *type_of(enum node_kind kind)
{
    static const char *const types[] = {
        [NODE_NUMBER] = "numberLiteral",  [NODE_STRING] = "stringLiteral", [NODE_SELECTOR] = "vectorSelector",
        [NODE_RANGE] = "matrixSelector",  [NODE_SUBQUERY] = "subquery",    [NODE_CALL] = "call",
        [NODE_AGGREGATE] = "aggregation", [NODE_BINARY] = "binaryExpr",    [NODE_UNARY] = "unaryExpr",
        [NODE_PAREN] = "parenExpr",       [NODE_DURATION] = "durationExpr"};

    return types[kind];
}

void ast_json_put(struct writer *w, const struct node *node, struct arena *arena)
{
    open_node(w, type_of(node->kind));
    switch (node->kind) {
    case NODE_NUMBER: put_text(w, "val", number_text(node->number.value, arena)); break;
    case NODE_STRING: put_text(w, "val", node->string); break;
    case NODE_SELECTOR: put_selector(w, &node->selector, arena); break;
    case NODE_RANGE:
        put_number(w, "range", node->range.range_ms);
        put_duration(w, "rangeExpr", node->range.range_expr, arena);
        put_selector(w, &node->range.selector->selector, arena);
        break;
    case NODE_SUBQUERY: put_subquery(w, &node->subquery, arena); break;
    case NODE_CALL: put_call(w, &node->call, arena); break;
    case NODE_AGGREGATE: put_aggregate(w, &node->aggregate, arena); break;
    case NODE_BINARY: put_binary(w, &node->binary, arena); break;
    case NODE_UNARY:
        put_text(w, "op", operator_text(node->unary.op));
        put_child(w, "expr", node->unary.expr, arena);
        break;
    case NODE_PAREN: put_child(w, "expr", node->paren, arena); break;
    case NODE_DURATION:
        put_text(w, "op", operator_text(node->duration.op));
        put_duration(w, "lhs", node->duration.left, arena);
        put_duration(w, "rhs", node->duration.right, arena);
        put_flag(w, "wrapped", node->duration.wrapped);
        break;
    }
    writer_u8(w, '}');
}

static void put_duration(struct writer *w, const char *key, const struct node *node, struct arena *arena)
{
    if (!node || node->kind != NODE_NUMBER) {
        put_child(w, key, node, arena);
        return;
    }
    put_key(w, key);
    open_node(w, type_of(NODE_NUMBER));
    put_text(w, "val", number_text(node->number.value, arena));
    put_flag(w, "duration", node->number.is_duration);
    writer_u8(w, '}');
}
