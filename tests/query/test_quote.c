/* Quoting and unquoting. */
#include "query/quote.h"

#include "tests/support/test.h"

#include <stdlib.h>

static const struct {
    str text;
    const char *quoted;
} rows[] = {
    {STR(""), "\"\""},
    {STR("a b"), "\"a b\""},
    {STR("a\"b'c\\d`"), "\"a\\\"b'c\\\\d`\""},
    {STR("\a\b\f\n\r\t\v"), "\"\\a\\b\\f\\n\\r\\t\\v\""},
    {STR("\0\x01\x1f\x7f"), "\"\\x00\\x01\\x1f\\x7f\""},
    {STR("\xc3\xa9\xe2\x98\xba\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x98\xba\xf0\x9f\x98\x80\""},
    {STR("\xc2\x80\xc2\xa0\xc2\xad"), "\"\\u0080\\u00a0\\u00ad\""},
    {STR("\xe2\x80\x8b\xe3\x80\x80\xef\xbb\xbf"), "\"\\u200b\\u3000\\ufeff\""},
    {STR("\xf3\xa0\x80\x81\xf4\x8f\xbf\xbf"), "\"\\U000e0001\\U0010ffff\""},
    {STR("\xff\xc3(\xe2\x82"), "\"\\xff\\xc3(\\xe2\\x82\""},
    {STR("\xc0\x80\xed\xa0\x80"), "\"\\xc0\\x80\\xed\\xa0\\x80\""},
    {STR("\xef\xbf\xbd"), "\"\xef\xbf\xbd\""},
};

Test(quote, text)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;

        arena_init(&arena, NULL);
        str quoted = quote_text(rows[i].text, &arena);
        cr_expect(str_equal(quoted, str_from(rows[i].quoted)), "row %zu: %.*s", i, STR_ARG(quoted));
        cr_expect(str_equal(quote_read(quoted, &arena), rows[i].text), "row %zu", i);
        arena_release(&arena);
    }
}

Test(quote, round_trip)
{
    struct arena arena;

    srand48(1);
    arena_init(&arena, NULL);
    for (int i = 0; i < 20000; i++) {
        char bytes[12];
        size_t len = (size_t)lrand48() % sizeof bytes;
        for (size_t j = 0; j < len; j++) bytes[j] = (char)lrand48();
        str text = str_make(bytes, len), quoted = quote_text(text, &arena);
        cr_assert(str_is_utf8(quoted) && str_equal(quote_read(quoted, &arena), text), "%.*s", STR_ARG(quoted));
        if (i % 1000 == 0) arena_reset(&arena);
    }
    arena_release(&arena);
}

static const struct {
    const char *literal;
    str text;
} literals[] = {
    {"'a\"b'", STR("a\"b")},
    {"'a\\'b'", STR("a'b")},
    {"`a\\n\nb`", STR("a\\n\nb")},
    {"\"\\101\\377\\x41\\xfF\"", STR("A\377A\377")},
    {"\"\\u00e9\\u20AC\\U0001F600\"", STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")},
    {"''", STR("")},
};

Test(quote, read)
{
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        struct arena arena;

        arena_init(&arena, NULL);
        str text = quote_read(str_from(literals[i].literal), &arena);
        cr_expect(str_equal(text, literals[i].text), "%s: %.*s", literals[i].literal, STR_ARG(text));
        arena_release(&arena);
    }
}

static const struct {
    uint32_t character;
    const char *quoted, *code_point;
} characters[] = {
    {'a', "'a'", "U+0061 'a'"},      {'\'', "'\\''", "U+0027 '''"},
    {'"', "'\"'", "U+0022 '\"'"},    {'\n', "'\\n'", "U+000A"},
    {0, "'\\x00'", "U+0000"},        {0xE9, "'\xc3\xa9'", "U+00E9 '\xc3\xa9'"},
    {0x200B, "'\\u200b'", "U+200B"}, {0x1F600, "'\xf0\x9f\x98\x80'", "U+1F600 '\xf0\x9f\x98\x80'"},
};

Test(quote, characters)
{
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++) {
        struct arena arena;

        arena_init(&arena, NULL);
        str quoted = quote_character(characters[i].character, &arena);
        str code_point = quote_code_point(characters[i].character, &arena);
        cr_expect(str_equal(quoted, str_from(characters[i].quoted)), "%.*s", STR_ARG(quoted));
        cr_expect(str_equal(code_point, str_from(characters[i].code_point)), "%.*s", STR_ARG(code_point));
        arena_release(&arena);
    }
}
