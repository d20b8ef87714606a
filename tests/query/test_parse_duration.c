/* Numbers and durations in queries. */
#include "query/parser.h"

#include "tests/query/expect.h"

#include <math.h>

static const struct {
    const char *text;
    double value;
    bool is_duration;
} numbers[] = {
    {"0", 0, false},
    {"42", 42, false},
    {"010", 8, false},
    {"0_17", 15, false},
    {"08", 8, false},
    {"0.10", 0.1, false},
    {"00.5", 0.5, false},
    {"0777777777777777777777", 0x1p63, false},
    {"07777777777777777777777", 7777777777777777777777.0, false},
    {"0x1F", 31, false},
    {"0X_f_F", 255, false},
    {"0x1e5", 0x1e5, false},
    {"0x7fffffffffffffff", 0x1p63, false},
    {"1_000_000.000_1", 1000000.0001, false},
    {"1e3", 1000, false},
    {"1E-2_0", 1e-20, false},
    {".5", 0.5, false},
    {"5.", 5, false},
    {"5.e1", 50, false},
    {"9223372036854775808", 0x1p63, false},
    {"1e-400", 0, false},
    {"Inf", INFINITY, false},
    {"-inf", -INFINITY, false},
    {"nAn", NAN, false},
    {"5m", 300, true},
    {"1y2w3d4h5m6s7ms", 33019506.007, true},
    {"0s", 0, true},
    {"-1h", -3600, true},
    {"292y", 292.0 * 365 * 86400, true},
};

Test(parse_duration, numbers)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct arena arena;
        struct parse_error error;
        double value = numbers[i].value;

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(numbers[i].text), 0, &arena, &error);
        cr_assert(node && node->kind == NODE_NUMBER, "%s", numbers[i].text);
        bool equal = isnan(value) ? isnan(node->number.value) : node->number.value == value;
        cr_expect(equal && node->number.is_duration == numbers[i].is_duration, "%s: %.17g", numbers[i].text,
                  node->number.value);
        arena_release(&arena);
    }
}

/* Literals are milliseconds at once, all else is kept as an expression. */
static const struct {
    const char *text; /* between brackets */
    int64_t range_ms, step_ms;
    const char *range, *step;
} ranges[] = {
    {"5m:", 300000, 0, "", ""},
    {"5m:30", 300000, 30000, "", ""},
    {"1.5:0.25", 1500, 250, "", ""},
    {"1.0009999999:0.0019", 1001, 1, "", ""},
    {"(5m):+-+-10", 300000, 10000, "", ""},
    {"0.0009:1e-5", 0, 0, "0.0009", "0.00001"},
    {"9223372036:9223372036.85477580", 9223372036000, 9223372036854, "", ""},
    {"1m + 30:step()", 0, 0, "1m + 30", "step()"},
    {"-1m*-2:(range())", 0, 0, "-1m * -2", "(range())"},
    {"2^3^2:2*3+4", 0, 0, "2 ^ 3 ^ 2", "2 * 3 + 4"},
    {"-2^2:(-2)^2", 0, 0, "-2 ^ 2", "(-2) ^ 2"},
    {"2-3-4:2-(3-4)", 0, 0, "2 - 3 - 4", "2 - (3 - 4)"},
    {"MIN_OF(5m, 1 % 2):max_of(+step(),-range())", 0, 0, "min_of(5m, 1 % 2)", "max_of(step(), -range())"},
};

static void expect_text(const char *text, const struct node *expr, const char *expected, struct arena *arena)
{
    str found = expr ? ast_print(expr, arena) : STR("");

    cr_expect(str_equal(found, str_from(expected)), "%s: %.*s, expected %s", text, STR_ARG(found), expected);
}

Test(parse_duration, ranges)
{
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        struct arena arena;
        struct parse_error error;

        arena_init(&arena, NULL);
        str text = arena_format(&arena, "a[%s]", ranges[i].text);
        const struct node *node = parse_query(text, 0, &arena, &error);
        cr_assert(node, "%s: %.*s", ranges[i].text, STR_ARG(parse_error_text(&error, &arena)));
        const struct subquery *subquery = &node->subquery;
        cr_expect(subquery->range_ms == ranges[i].range_ms && subquery->step_ms == ranges[i].step_ms, "%s: %lld, %lld",
                  ranges[i].text, (long long)subquery->range_ms, (long long)subquery->step_ms);
        expect_text(ranges[i].text, subquery->range_expr, ranges[i].range, &arena);
        expect_text(ranges[i].text, subquery->step_expr, ranges[i].step, &arena);
        arena_release(&arena);
    }
}

static const struct {
    const char *text;
    int64_t ms;
    const char *expr;
} offsets[] = {
    {"5m", 300000, ""},
    {"-1.5", -1500, ""},
    {"+ 3", 3000, ""},
    {"-(5m)", -300000, ""},
    {"((2))", 2000, ""},
    {"- -2", 2000, ""},
    {"0.0001", 0, ""},
    {"-9223372036.8547758", -9223372036854, ""},
    {"step()", 0, "step()"},
    {"+step()", 0, "step()"},
    {"-range()", 0, "-range()"},
    {"-max_of(1, step())", 0, "-max_of(1, step())"},
    {"(5m + 1)", 0, "(5m + 1)"},
    {"-(5m + 1)", 0, "-(5m + 1)"},
    {"+(5m + 1)", 0, "(5m + 1)"},
    {"(5m) + 1", 0, "(5m + 1)"},
    {"(5m) + 1 * (2)", 0, "(5m + 1 * 2)"},
    {"(step()) ^ 2", 0, "((step()) ^ 2)"},
    {"--5m + 1", 0, "(5m + 1)"},
    {"--step()", 0, "-(-step())"},
    {"+-2 ^ step()", 0, "-(2 ^ step())"},
};

Test(parse_duration, offsets)
{
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct arena arena;
        struct parse_error error;

        arena_init(&arena, NULL);
        str text = arena_format(&arena, "a offset %s @ 5", offsets[i].text);
        const struct node *node = parse_query(text, 0, &arena, &error);
        cr_assert(node, "%s: %.*s", offsets[i].text, STR_ARG(parse_error_text(&error, &arena)));
        const struct time_modifier *time = &node->selector.time;
        cr_expect(time->offset_ms == offsets[i].ms && time->at_ms == 5000, "%s: %lld", offsets[i].text,
                  (long long)time->offset_ms);
        expect_text(offsets[i].text, time->offset_expr, offsets[i].expr, &arena);
        arena_release(&arena);
    }
}

/* Expressions know where they stand, for errors that only their value shows. */
Test(parse_duration, positions)
{
    struct arena arena;
    struct parse_error error;

    arena_init(&arena, NULL);
    const struct node *node = parse_query(STR("a[ 5m + (-step( ) ) ]"), 0, &arena, &error);
    cr_assert(node && node->range.range_expr);
    const struct duration *sum = &node->range.range_expr->duration, *minus = &sum->right->duration;
    cr_expect(node->range.range_expr->start == 3 && node->range.range_expr->end == 17);
    cr_expect(sum->left->start == 3 && sum->left->end == 5 && sum->right->start == 9 && sum->right->end == 17);
    cr_expect(minus->right->start == 10 && minus->right->end == 17 && sum->right->duration.wrapped);
    arena_release(&arena);
}

static const struct expected_error errors[] = {
    {"foo offset nan", "1:12: parse error: duration out of range"},
    {"0x", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"},
    {"0x_", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0x_\": invalid syntax"},
    {"1e400", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of range"},
    {"0xFFFFFFFFFFFFFFFFFF",
     "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0xFFFFFFFFFFFFFFFFFF\": invalid syntax"},
    {".5.5", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \".5.5\": invalid syntax"},
    {"1m1h", "1:1: parse error: not a valid duration string: \"1m1h\""},
    {"1m1m", "1:1: parse error: not a valid duration string: \"1m1m\""},
    {"1hs", "1:1: parse error: unknown unit \"hs\" in duration \"1hs\""},
    {"1ys", "1:1: parse error: unknown unit \"ys\" in duration \"1ys\""},
    {"300y", "1:1: parse error: duration out of range"},
    {"99999999999999999999s", "1:1: parse error: not a valid duration string: \"99999999999999999999s\""},
    {"foo offset 300y", "1:12: parse error: duration out of range"},
    {"foo offset 1e300", "1:12: parse error: duration out of range"},
    {"foo offset -1e300", "1:12: parse error: duration out of range"},
    {"foo offset -(1e300)", "1:14: parse error: duration out of range"},
    {"foo[1e300]", "1:5: parse error: duration out of range"},
    {"foo[0]", "1:5: parse error: duration must be greater than 0"},
    {"foo[0s]", "1:5: parse error: duration must be greater than 0"},
    {"foo[-5m]", "1:5: parse error: duration must be greater than 0"},
    {"foo[5m:0]", "1:8: parse error: duration must be greater than 0"},
    {"foo[5m:-1]", "1:8: parse error: duration must be greater than 0"},
    {"foo[5m / 0]", "1:8: parse error: division by zero"},
    {"foo[5m % 0]", "1:8: parse error: modulo by zero"},
    {"foo offset (5m / 0)", "1:16: parse error: division by zero"},
    {"foo[(5m]",
     "1:8: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"},
    {"foo[5m)]", "1:8: parse error: unexpected right parenthesis ')'"},
    {"foo[5m +]",
     "1:9: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"},
    {"foo[* 5m]", "1:5: parse error: unexpected <op:*> in subquery or range selector, expected number, duration, "
                  "step(), or range()"},
    {"foo[min_of(5m)]", "1:14: parse error: unexpected \")\" in subquery or range selector, expected number, duration, "
                        "step(), or range()"},
    {"foo[min_of(5m,]", "1:15: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, "
                        "step(), or range()"},
    {"foo[step]",
     "1:9: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"},
    {"foo[step(1)]", "1:10: parse error: unexpected number \"1\" in subquery or range selector, expected number, "
                     "duration, step(), or range()"},
    {"foo[5m 5m]", "1:8: parse error: unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\""},
    {"foo[5m:5m 5m]", "1:11: parse error: unexpected duration \"5m\" in subquery selector, expected \"]\""},
    {"foo[5m:,]",
     "1:8: parse error: unexpected \",\" in subquery selector, expected number, duration, step(), range(), or \"]\""},
    {"foo[]",
     "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"},
    {"foo[ ]",
     "1:6: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"},
    {"foo[5m", "1:7: parse error: unclosed left bracket"},
};

Test(parse_duration, errors)
{
    expect_errors(errors, sizeof errors / sizeof errors[0], ALL_FEATURES);
}
