#include "http/json.h"
#include "tests/support/test.h"

#include <jansson.h>
#include <math.h>

static str text_of(const struct writer *w)
{
    return str_make((const char *)w->data, w->count);
}

static const struct {
    const char *name;
    str text, json;
} strings[] = {
    {"empty", STR(""), STR("\"\"")},
    {"plain", STR("http_requests_total"), STR("\"http_requests_total\"")},
    {"quote", STR("a\"b\\c"), STR("\"a\\\"b\\\\c\"")},
    {"short escapes", STR("\b\t\n\f\r"), STR("\"\\b\\t\\n\\f\\r\"")},
    {"control", STR("\x01\x1f\x7f"), STR("\"\\u0001\\u001f\x7f\"")},
    {"zero", STR("a\0b"), STR("\"a\\u0000b\"")},
    {"after eight", STR("12345678\"12345678\n12345"), STR("\"12345678\\\"12345678\\n12345\"")},
    {"last of eight", STR("1234567\"1234567\\"), STR("\"1234567\\\"1234567\\\\\"")},
    {"utf-8", STR("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
     STR("\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"")},
    {"invalid",
     STR("a\xff"
         "b\xc3"),
     STR("\"a\\ufffdb\\ufffd\"")},
    {"overlong", STR("\xc0\x80"), STR("\"\\ufffd\\ufffd\"")},
    {"surrogate", STR("\xed\xa0\x80x"), STR("\"\\ufffd\\ufffd\\ufffdx\"")},
    {"html", STR("<&>"), STR("\"<&>\"")},
};

Test(json, strings)
{
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct writer w = {0};
        json_put_string(&w, strings[i].text);
        cr_expect(str_equal(text_of(&w), strings[i].json), "%s: %.*s", strings[i].name, STR_ARG(text_of(&w)));
        writer_release(&w);
    }
}

/* Whatever the bytes, what comes out is JSON. */
Test(json, strings_are_read_by_others)
{
    uint32_t random = 1;

    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        struct writer w = {0};
        random = random * 1103515245 + 12345;
        size_t len = random >> 8 & 15;
        for (size_t i = 0; i < len; i++) {
            random = random * 1103515245 + 12345;
            bytes[i] = (char)(random >> 16);
        }
        writer_u8(&w, '[');
        json_put_string(&w, str_make(bytes, len));
        writer_u8(&w, ']');
        json_error_t error;
        json_t *value = json_loadb((const char *)w.data, w.count, JSON_ALLOW_NUL, &error);
        cr_assert(value, "%s: %.*s", error.text, (int)w.count, (const char *)w.data);
        json_decref(value);
        writer_release(&w);
    }
}

static const struct {
    int64_t ms;
    double value;
    const char *json;
} points[] = {
    {1435781451781, 1.5, "[1435781451.781,\"1.5\"]"},
    {1435781451700, 0, "[1435781451.700,\"0\"]"},
    {1435781451000, -0.0, "[1435781451,\"-0\"]"},
    {1, 1e-7, "[0.001,\"1e-07\"]"},
    {0, 1e21, "[0,\"1e+21\"]"},
    {-1, 123456789, "[-0.001,\"123456789\"]"},
    {-1500, 0.1, "[-1.500,\"0.1\"]"},
    {10050, 1e20, "[10.050,\"100000000000000000000\"]"},
    {INT64_MIN, 1, "[-9223372036854775.808,\"1\"]"},
    {INT64_MAX, 1, "[9223372036854775.807,\"1\"]"},
};

Test(json, points)
{
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct writer w = {0};
        json_put_raw(&w, "x");
        json_put_point(&w, points[i].ms, points[i].value);
        str got = str_part(text_of(&w), 1, w.count);
        cr_expect(str_equal(got, str_from(points[i].json)), "%.*s", STR_ARG(got));
        writer_release(&w);
    }
}

Test(json, special_values)
{
    struct writer w = {0};

    json_put_point(&w, 0, NAN);
    json_put_point(&w, 0, INFINITY);
    json_put_point(&w, 0, -INFINITY);
    cr_expect(str_equal(text_of(&w), STR("[0,\"NaN\"][0,\"+Inf\"][0,\"-Inf\"]")));
    writer_release(&w);
}

Test(json, scalar_points_have_short_times)
{
    struct writer w = {0};

    json_put_scalar_point(&w, 1435781451700, 1e23);
    json_put_string_point(&w, 1435781451000, STR("a\"b"));
    cr_expect(str_equal(text_of(&w), STR("[1435781451.7,\"100000000000000000000000\"][1435781451,\"a\\\"b\"]")), "%.*s",
              STR_ARG(text_of(&w)));
    writer_release(&w);
}

/* Points on a grid, with gaps and with strangers in between, read as points without one. */
Test(json, grid_changes_nothing)
{
    static const int64_t times[] = {1000, 2500, 4000, 4001, 7000, 8500, 13000, 14500, 16000};
    static const double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct arena arena = {0};
    struct json_grid grid;

    json_grid_make(&grid, 1000, 1500, 10, &arena);
    for (size_t first = 0; first < 9; first++) {
        struct writer with = {0}, without = {0};
        json_put_points(&with, &grid, times + first, values, 9 - first);
        json_put_points(&without, NULL, times + first, values, 9 - first);
        cr_expect(str_equal(text_of(&with), text_of(&without)), "%.*s", STR_ARG(text_of(&with)));
        writer_release(&with);
        writer_release(&without);
    }
    struct writer none = {0};
    json_put_points(&none, &grid, times, values, 0);
    cr_expect(str_equal(text_of(&none), STR("[]")));
    writer_release(&none);
    arena_release(&arena);
}

Test(json, one_point_list)
{
    struct writer w = {0};
    int64_t time = 5000;
    double value = 2;

    json_put_points(&w, NULL, &time, &value, 1);
    cr_expect(str_equal(text_of(&w), STR("[[5,\"2\"]]")));
    writer_release(&w);
}

Test(json, numbers_and_lists)
{
    static const str texts[] = {STR("a"), STR("b\"")};
    struct writer w = {0};

    json_put_unsigned(&w, UINT64_MAX);
    json_put_raw(&w, " ");
    json_put_signed(&w, INT64_MIN);
    json_put_raw(&w, " ");
    json_put_signed(&w, 42);
    json_put_raw(&w, " ");
    json_put_seconds(&w, 0.0000001);
    json_put_raw(&w, " ");
    json_put_seconds(&w, NAN);
    json_put_raw(&w, " ");
    json_put_strings(&w, texts, 2);
    json_put_strings(&w, texts, 0);
    cr_expect(str_equal(text_of(&w),
                        STR("18446744073709551615 -9223372036854775808 42 0.0000001 0 [\"a\",\"b\\\"\"][]")),
              "%.*s", STR_ARG(text_of(&w)));
    writer_release(&w);
}
