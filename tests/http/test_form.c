#include "http/form.h"
#include "tests/support/test.h"

/* values: name=value separated by |, in order */
static const struct {
    const char *text, *values, *error;
} forms[] = {
    {"", "", ""},
    {"a=1", "a=1", ""},
    {"a=1&b=2&a=3", "a=1|b=2|a=3", ""},
    {"a", "a=", ""},
    {"=1", "=1", ""},
    {"a=b=c", "a=b=c", ""},
    {"&&a=1&&", "a=1", ""},
    {"a+b=c+d", "a b=c d", ""},
    {"q=%7Ba%3D%22b%22%7D", "q={a=\"b\"}", ""},
    {"match%5B%5D=up", "match[]=up", ""},
    {"a=%41%4a%4A", "a=AJJ", ""},
    {"a=%&b=2", "b=2", "invalid URL escape \"%\""},
    {"a=%2", "", "invalid URL escape \"%2\""},
    {"a=%zz&b=%yy&c=3", "c=3", "invalid URL escape \"%zz\""},
    {"%x=1", "", "invalid URL escape \"%x\""},
    {"a=1;b=2&c=3", "c=3", "invalid semicolon separator in query"},
    {"a=%3B", "a=;", ""},
};

static str join(const struct form *form, struct arena *arena)
{
    str text = STR("");

    for (size_t i = 0; i < form->count; i++)
        text = arena_format(arena, "%.*s%s%.*s=%.*s", STR_ARG(text), i ? "|" : "", STR_ARG(form->values[i].name),
                            STR_ARG(form->values[i].value));
    return text;
}

Test(form, parses_as_go_does)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct arena arena = {0};
        struct form form = {0};
        form_parse(&form, str_from(forms[i].text), &arena);
        str got = join(&form, &arena);
        cr_expect(str_equal(got, str_from(forms[i].values)), "%s: got %.*s", forms[i].text, STR_ARG(got));
        cr_expect(str_equal(form.error, str_from(forms[i].error)), "%s: error %.*s", forms[i].text,
                  STR_ARG(form.error));
        arena_release(&arena);
    }
}

#define PART "Content-Disposition: form-data; name="

static const struct {
    const char *type, *body, *values, *error;
} multiparts[] = {
    {"; boundary=x", "--x\r\n" PART "\"a\"\r\n\r\n1\r\n--x\r\n" PART "b\r\n\r\n\r\n--x--\r\n", "a=1|b=", ""},
    {"; charset=utf-8; Boundary=\"x y\"", "--x y\r\ncontent-disposition: form-data; NAME=a\r\n\r\n1\r\n--x y--", "a=1",
     ""},
    {"; boundary=x", "before\r\n--x\r\nContent-Type: text/plain\r\n" PART "a\r\n\r\n{b=\"c\"}\r\n2\r\n--x--\r\nafter",
     "a={b=\"c\"}\r\n2", ""},
    {"; boundary=x", "--x\r\n" PART "\"a\"; filename=\"f\"\r\n\r\n1\r\n--x--", "", ""},
    {"; boundary=x", "--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x\r\n\r\n--x--", "", ""},
    {"; boundary=x", "--x\r\n" PART "a\r\n\r\n1\r\n--x\r\n" PART "b\r\n\r\n2", "a=1", "a multipart form does not end"},
    {"; boundary=x", "", "", ""},
    {"", "--x--", "", "no boundary in the Content-Type of a multipart form"},
    {"; boundary=", "--x--", "", "no boundary in the Content-Type of a multipart form"},
};

Test(form, multipart)
{
    for (size_t i = 0; i < sizeof multiparts / sizeof multiparts[0]; i++) {
        struct arena arena = {0};
        struct form form = {0};
        str type = arena_format(&arena, "multipart/form-data%s", multiparts[i].type);
        form_parse_multipart(&form, type, str_from(multiparts[i].body), &arena);
        str got = join(&form, &arena);
        cr_expect(str_equal(got, str_from(multiparts[i].values)), "row %zu: got %.*s", i, STR_ARG(got));
        cr_expect(str_equal(form.error, str_from(multiparts[i].error)), "row %zu: error %.*s", i, STR_ARG(form.error));
        arena_release(&arena);
    }
}

Test(form, later_texts_are_appended)
{
    struct arena arena = {0};
    struct form form = {0};
    str *all;

    form_parse(&form, STR("a=body&b=1"), &arena);
    form_parse(&form, STR("a=url&c=2"), &arena);
    cr_expect(str_equal(form_first(&form, STR("a")), STR("body")));
    cr_expect(str_equal(form_first(&form, STR("c")), STR("2")));
    cr_expect(form_first(&form, STR("d")).len == 0);
    cr_assert(form_all(&form, STR("a"), &all, &arena) == 2);
    cr_expect(str_equal(all[0], STR("body")) && str_equal(all[1], STR("url")));
    cr_expect(form_all(&form, STR("d"), &all, &arena) == 0);
    arena_release(&arena);
}

Test(form, counts_are_limited)
{
    struct arena arena = {0};
    struct form form = {0};
    enum { PIECES = FORM_VALUES_MAX + 5 };
    static char text[2 * PIECES];

    for (size_t i = 0; i < PIECES; i++) memcpy(text + 2 * i, "a&", 2);
    form_parse(&form, str_make(text, sizeof text), &arena);
    cr_expect(form.count == FORM_VALUES_MAX);
    cr_expect(str_equal(form.error, STR("more than 10000 values in a form")));
    form_parse(&form, STR("b=1"), &arena);
    cr_expect(form.count == FORM_VALUES_MAX);
    arena_release(&arena);
}

Test(form, values_without_escapes_are_not_copied)
{
    struct arena arena = {0};
    struct form form = {0};
    const char *text = "query=up";

    form_parse(&form, str_from(text), &arena);
    cr_expect(form.values[0].value.data == text + 6);
    arena_release(&arena);
}
