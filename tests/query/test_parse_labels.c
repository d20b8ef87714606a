/* Label names, matchers, and metrics in series descriptions. */
#include "query/parser.h"

#include "tests/query/expect.h"

static const struct expected_error errors[] = {
    {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=~\".*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a!=\"b\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a", "1:3: parse error: unexpected end of input inside braces"},
    {"{a=", "1:4: parse error: unexpected end of input inside braces"},
    {"{a=\"b\" \"c\"}", "1:8: parse error: unexpected string \"\\\"c\\\"\" in label matching, expected \",\" or \"}\""},
    {"{a=\"b\" c=\"d\"}", "1:8: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
    {"{,}", "1:2: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"{a=\"b\",,}", "1:8: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"{\"a\" \"b\"}", "1:6: parse error: unexpected string \"\\\"b\\\"\" in label matching, expected \",\" or \"}\""},
    {"{1=\"a\"}", "1:2: parse error: unexpected character inside braces: '1'"},
    {"{a=b}", "1:4: parse error: unexpected identifier \"b\" in label matching, expected string"},
    {"{a==\xe2\x80\x9c"
     "b\xe2\x80\x9d}",
     "1:4: parse error: unexpected \"=\" in label matching, expected string"},
    {"{a=\"b\"} {c=\"d\"}", "1:9: parse error: unexpected \"{\""},
    {"foo{\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
    {"foo{__name__=\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
    {"foo{bar}", "1:8: parse error: unexpected \"}\" in label matching, expected label matching operator"},
    {"{a=~\"(\"}", "1:2: parse error: error parsing regexp: missing closing ): `(`"},
    {"{a=~\"[b-a]\"}", "1:2: parse error: error parsing regexp: invalid character class range: `b-a`"},
    {"{a!~\"a**\"}", "1:2: parse error: error parsing regexp: invalid nested repetition operator: `**`"},
    {"{a=~\"(?<x\"}", "1:2: parse error: error parsing regexp: invalid named capture: `(?<x`"},
};

Test(parse_labels, errors)
{
    expect_errors(errors, sizeof errors / sizeof errors[0], ALL_FEATURES);
}

/* Nearly every word can be a label name. */
static const struct {
    const char *text, *names; /* in a grouping; how they print */
} groupings[] = {
    {"by ()", ""},
    {"by (a)", "a"},
    {"by ( a , b , )", "a, b"},
    {"by (sum, by, on, bool, offset, and, atan2, start, fill, group_left)",
     "sum, by, on, bool, offset, and, atan2, start, fill, group_left"},
    {"by (a:b, \"c.d\", 'e f', `g`)", "\"a:b\", \"c.d\", \"e f\", g"},
    {"by (\"without\", \"Inf\", \"nan\", \"1\")", "\"without\", \"Inf\", \"nan\", \"1\""},
    {"by (\"\\u00e9\")", "\"\xc3\xa9\""},
};

Test(parse_labels, groupings)
{
    for (size_t i = 0; i < sizeof groupings / sizeof groupings[0]; i++) {
        struct arena arena;
        struct parse_error error;
        const char *names = groupings[i].names;

        arena_init(&arena, NULL);
        str text = arena_format(&arena, "sum %s (x)", groupings[i].text);
        const struct node *node = parse_query(text, 0, &arena, &error);
        str found = node ? ast_print(node, &arena) : parse_error_text(&error, &arena);
        str expected = *names ? arena_format(&arena, "sum by (%s) (x)", names) : STR("sum(x)");
        cr_expect(str_equal(found, expected), "%s: %.*s", groupings[i].text, STR_ARG(found));
        arena_release(&arena);
    }
}

static const struct {
    const char *text, *expected; /* labels, a bar, and what is left of the text; or the error */
} series[] = {
    {"foo", "{__name__=\"foo\"}|"},
    {" \tfoo 1 2", "{__name__=\"foo\"}| 1 2"},
    {"foo{} 1", "{__name__=\"foo\"}| 1"},
    {"foo {a=\"b\"}", "{__name__=\"foo\"}| {a=\"b\"}"},
    {"foo{b=\"1\",a='2',c=`3`,} {{count:1}}", "{__name__=\"foo\", a=\"2\", b=\"1\", c=\"3\"}| {{count:1}}"},
    {"{} 5x3", "{}| 5x3"},
    {"{\"my.metric\", \"dotted.label\"=\"v\"}_", "{__name__=\"my.metric\", \"dotted.label\"=\"v\"}|_"},
    {"{ a = \"\" , b = \"c\" # d\n }", "{b=\"c\"}|"},
    {"a:b:c_total 0+1x10", "{__name__=\"a:b:c_total\"}| 0+1x10"},
    {"sum{by=\"x\"} 1", "{__name__=\"sum\", by=\"x\"}| 1"},
    {"start 1", "{__name__=\"start\"}| 1"},
    {"fill(1)", "{__name__=\"fill\"}|(1)"},
    {"expect{} 1", "{__name__=\"expect\"}| 1"},
    {"{a!=\"b\"}", "1:3: parse error: unexpected <op:!=> in label set, expected \"=\""},
    {"foo{a=b}", "1:7: parse error: unexpected identifier \"b\" in label set, expected string"},
    {"foo{a=\"b\" c=\"d\"}", "1:11: parse error: unexpected identifier \"c\" in label set, expected \",\" or \"}\""},
    {"foo{,}", "1:5: parse error: unexpected \",\" in label set, expected identifier or \"}\""},
    {"foo{\"a\"", "1:8: parse error: unexpected end of input inside braces"},
    {"foo{a=\"1\",a=\"2\"}", "1:1: parse error: label \"a\" occurs twice"},
    {"foo{\"bar\"}", "1:1: parse error: label \"__name__\" occurs twice"},
    {"bool 1", "1:1: parse error: unexpected <bool>"},
    {"5 1", "1:1: parse error: unexpected number \"5\""},
    {"", "unknown position: parse error: unexpected end of input"},
};

Test(parse_labels, series)
{
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        struct arena arena;
        struct parse_error error;
        const label *labels;
        size_t count, used;
        str text = str_from(series[i].text), found;

        arena_init(&arena, NULL);
        if (parse_series(text, &arena, &labels, &count, &used, &error)) {
            str rest = str_part(text, used, text.len);
            found = arena_format(&arena, "%.*s|%.*s", STR_ARG(labels_print(labels, count, &arena)), STR_ARG(rest));
        } else {
            found = parse_error_text(&error, &arena);
        }
        cr_expect(str_equal(found, str_from(series[i].expected)), "%s: %.*s, expected %s", series[i].text,
                  STR_ARG(found), series[i].expected);
        arena_release(&arena);
    }
}
