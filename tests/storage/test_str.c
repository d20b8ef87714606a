/* The string view, in tables; UTF-8 against the definition. */
#include "storage/base/str.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

Test(str, order)
{
    static const str rising[] = {STR(""),   STR("\0"), STR("\0a"),  STR("A"),
                                 STR("AA"), STR("a"),  STR("\x80"), STR("\xFF")};
    enum { COUNT = sizeof rising / sizeof rising[0] };

    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < COUNT; k++) {
            int order = str_compare(rising[i], rising[k]);
            cr_expect((order > 0) - (order < 0) == (i > k) - (i < k), "%zu and %zu", i, k);
            cr_expect(str_equal(rising[i], rising[k]) == (i == k));
        }
    }
    cr_expect(str_equal(str_from(NULL), STR("")) && str_compare(str_from(NULL), STR("")) == 0);
}

Test(str, parts)
{
    str s = STR("varve");

    cr_expect(str_equal(str_part(s, 1, 3), STR("arv")) && str_equal(str_part(s, 3, 100), STR("ve")));
    cr_expect(str_part(s, 5, 1).len == 0 && str_part(s, 9, 9).len == 0 && str_part(s, SIZE_MAX, SIZE_MAX).len == 0);
    cr_expect(str_starts_with(s, STR("va")) && str_starts_with(s, STR("")) && !str_starts_with(s, STR("varves")));
    cr_expect(str_ends_with(s, STR("ve")) && str_ends_with(s, STR("")) && !str_ends_with(s, STR("xvarve")));
    cr_expect(str_find(s, 'v') == 0 && str_find(s, 'e') == 4 && str_find(s, 'x') == 5 && str_find(STR(""), 0) == 0);
}

Test(str, case_and_space)
{
    static const struct {
        str text, trimmed;
    } rows[] = {
        {STR(""), STR("")},         {STR(" "), STR("")},  {STR("\t\n\v\f\r "), STR("")},
        {STR(" a b "), STR("a b")}, {STR("a"), STR("a")}, {STR("\xC2\xA0"), STR("\xC2\xA0")},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect(str_equal(str_trim(rows[i].text), rows[i].trimmed), "row %zu", i);
    cr_expect(str_equal_ignore_case(STR("InF"), STR("iNf")) && !str_equal_ignore_case(STR("inf"), STR("in")));
    cr_expect(!str_equal_ignore_case(STR("@"), STR("`")) && !str_equal_ignore_case(STR("["), STR("{")),
              "only letters have a case");
}

Test(str, cut)
{
    static const str expected[] = {STR("a"), STR(""), STR("b c"), STR("")};
    str rest = STR("a,,b c,");

    for (size_t i = 0; i < 4; i++) cr_expect(str_equal(str_cut(&rest, ','), expected[i]), "piece %zu", i);
    cr_expect(rest.len == 0 && str_cut(&rest, ',').len == 0);
}

Test(str, integers)
{
    static const struct {
        str text;
        bool is_signed, is_unsigned;
        int64_t value;
    } rows[] = {
        {STR("0"), true, true, 0},
        {STR("007"), true, true, 7},
        {STR("-0"), true, false, 0},
        {STR("+5"), true, false, 5},
        {STR("-5"), true, false, -5},
        {STR("9223372036854775807"), true, true, INT64_MAX},
        {STR("-9223372036854775808"), true, false, INT64_MIN},
        {STR("9223372036854775808"), false, true, INT64_MIN},
        {STR("-9223372036854775809"), false, false, 0},
        {STR("18446744073709551615"), false, true, -1},
        {STR("18446744073709551616"), false, false, 0},
        {STR("99999999999999999999999"), false, false, 0},
        {STR(""), false, false, 0},
        {STR("-"), false, false, 0},
        {STR("+-1"), false, false, 0},
        {STR(" 1"), false, false, 0},
        {STR("1 "), false, false, 0},
        {STR("1\0"), false, false, 0},
        {STR("0x1"), false, false, 0},
        {STR("1e3"), false, false, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t number = 0;
        uint64_t natural = 0;
        cr_expect(str_to_int64(rows[i].text, &number) == rows[i].is_signed, "row %zu", i);
        cr_expect(!rows[i].is_signed || number == rows[i].value, "row %zu: %lld", i, (long long)number);
        cr_expect(str_to_uint64(rows[i].text, &natural) == rows[i].is_unsigned, "row %zu", i);
        cr_expect(!rows[i].is_unsigned || natural == (uint64_t)rows[i].value, "row %zu", i);
    }
}

static void check_doubles(void)
{
    static const struct {
        str text;
        bool good;
        double value;
    } rows[] = {
        {STR("0"), true, 0},
        {STR("-0"), true, -0.0},
        {STR("+1.5"), true, 1.5},
        {STR(".5"), true, 0.5},
        {STR("5."), true, 5},
        {STR("1e3"), true, 1000},
        {STR("1E+3"), true, 1000},
        {STR("1e-3"), true, 0.001},
        {STR("0x1p4"), true, 16},
        {STR("-0X.8P1"), true, -1},
        {STR("0xFp0"), true, 15},
        {STR("inf"), true, INFINITY},
        {STR("-Infinity"), true, -INFINITY},
        {STR("+INF"), true, INFINITY},
        {STR("NaN"), true, NAN},
        {STR("1e999"), true, INFINITY},
        {STR("-1e999"), true, -INFINITY},
        {STR("1e-999"), true, 0},
        {STR("1e99999999999999999999"), true, INFINITY},
        {STR(""), false, 0},
        {STR("."), false, 0},
        {STR("+"), false, 0},
        {STR("e3"), false, 0},
        {STR("1e"), false, 0},
        {STR("1e+"), false, 0},
        {STR("1e1.5"), false, 0},
        {STR("1.2.3"), false, 0},
        {STR("--1"), false, 0},
        {STR(" 1"), false, 0},
        {STR("1 "), false, 0},
        {STR("1,5"), false, 0},
        {STR("1_000"), false, 0},
        {STR("0x10"), false, 0}, /* hexadecimal wants an exponent */
        {STR("0x"), false, 0},
        {STR("0xp1"), false, 0},
        {STR("+nan"), false, 0},
        {STR("nan(1)"), false, 0},
        {STR("infinit"), false, 0},
        {STR("1\0"), false, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 0;
        bool good = str_to_double(rows[i].text, &value);
        cr_expect(good == rows[i].good, "\"%.*s\"", STR_ARG(rows[i].text));
        cr_expect(!good || (value == rows[i].value && signbit(value) == signbit(rows[i].value)) ||
                      (isnan(value) && isnan(rows[i].value)),
                  "\"%.*s\" is %g", STR_ARG(rows[i].text), value);
    }
}

Test(str, doubles)
{
    check_doubles();
    /* The program around may have set a locale whose decimal point is a comma. */
    if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8")) check_doubles();
}

Test(str, long_doubles)
{
    static char text[3000];
    double value;

    memset(text, '0', sizeof text);
    text[1] = '.';
    text[sizeof text - 1] = '1';
    cr_expect(str_to_double(str_make(text, sizeof text), &value) && value == 0);
    memset(text, '1', sizeof text);
    cr_expect(str_to_double(str_make(text, sizeof text), &value) && isinf(value));
    cr_expect(str_to_double(str_make(text, 300), &value) && value > 1e299 && value < 2e299);
}

/* A sequence is good if it is what str_put_utf8 makes of a code point that is no surrogate. */
static bool is_character(const char *bytes, size_t len)
{
    const unsigned char *b = (const unsigned char *)bytes;
    uint32_t point = len == 1   ? b[0]
                     : len == 2 ? (uint32_t)((b[0] & 0x1F) << 6 | (b[1] & 0x3F))
                     : len == 3
                         ? (uint32_t)((b[0] & 0x0F) << 12 | (b[1] & 0x3F) << 6 | (b[2] & 0x3F))
                         : (uint32_t)((b[0] & 0x07) << 18 | (b[1] & 0x3F) << 12 | (b[2] & 0x3F) << 6 | (b[3] & 0x3F));
    char made[4];

    if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    return str_put_utf8(point, made) == len && memcmp(made, bytes, len) == 0;
}

Test(str, every_code_point_is_utf8)
{
    for (uint32_t point = 0; point <= 0x10FFFF; point += point < 0x3000 ? 1 : 37) {
        char made[4];
        size_t len = str_put_utf8(point, made);
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        cr_assert(str_is_utf8(str_make(made, len)) == !surrogate, "U+%04X", point);
        for (size_t cut = 1; cut < len; cut++) cr_assert(!str_is_utf8(str_make(made, cut)), "U+%04X cut", point);
    }
}

/* All pairs of bytes, and longer sequences from bytes near the borders of the definition. */
Test(str, other_sequences_are_not)
{
    static const unsigned char edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                                          0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    enum { EDGES = sizeof edges };

    for (int i = 0; i < 65536; i++) {
        char pair[] = {(char)(i >> 8), (char)i};
        bool expected = is_character(pair, 2) || (is_character(pair, 1) && is_character(pair + 1, 1));
        cr_assert(str_is_utf8(str_make(pair, 2)) == expected, "%02x %02x", i >> 8, i & 255);
    }
    for (size_t i = 0; i < (size_t)EDGES * EDGES * EDGES * EDGES; i++) {
        char four[] = {(char)edges[i / EDGES / EDGES / EDGES], (char)edges[i / EDGES / EDGES % EDGES],
                       (char)edges[i / EDGES % EDGES], (char)edges[i % EDGES]};
        bool three = is_character(four, 3);
        cr_assert(!three || str_is_utf8(str_make(four, 3)), "row %zu", i);
        if ((unsigned char)four[0] >= 0xF0)
            cr_assert(str_is_utf8(str_make(four, 4)) == is_character(four, 4), "row %zu", i);
    }
}

/* The check takes eight bytes at a time where it can: a bad byte is found at every place. */
Test(str, a_bad_byte_anywhere)
{
    char text[64];

    for (size_t len = 1; len <= sizeof text; len++) {
        memset(text, 'x', sizeof text);
        cr_assert(str_is_utf8(str_make(text, len)));
        for (size_t at = 0; at < len; at++) {
            text[at] = '\xFE';
            cr_assert(!str_is_utf8(str_make(text, len)), "%zu of %zu", at, len);
            text[at] = 'x';
        }
    }
}
