#include "http/escape.h"
#include "tests/support/test.h"

static const struct {
    const char *text;
    enum escape_place place;
    bool fine;
    const char *decoded;
} texts[] = {
    {"", ESCAPE_PATH, true, ""},
    {"a+b%2Fc", ESCAPE_PATH, true, "a+b/c"},
    {"a+b%2fc", ESCAPE_FORM, true, "a b/c"},
    {"%e2%82%ac", ESCAPE_PATH, true, "\xe2\x82\xac"},
    {"a%b", ESCAPE_PATH, false, "%b"},
    {"a%gg", ESCAPE_FORM, false, "%gg"},
    {"a%2", ESCAPE_FORM, false, "%2"},
    {"%", ESCAPE_FORM, false, "%"},
};

Test(escape, percent)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        str out;
        bool fine = escape_decode(str_from(texts[i].text), texts[i].place, &out, &arena);
        cr_expect(fine == texts[i].fine && str_equal(out, str_from(texts[i].decoded)), "%s: %.*s", texts[i].text,
                  STR_ARG(out));
    }
    arena_release(&arena);
}

static const struct {
    const char *text, *name;
} labels[] = {
    {"job", "job"},
    {"U__job", "job"},
    {"U__a_2e_b", "a.b"},
    {"U__a_2E_b", "a.b"},
    {"U__a__b", "a_b"},
    {"U____", "_"},
    {"U__", ""},
    {"U__a_20AC_", "a\xe2\x82\xac"},
    {"U__a_1f600_", "a\xf0\x9f\x98\x80"},
    {"U__a_", "U__a_"},
    {"U__a_2e", "U__a_2e"},
    {"U__a_2eb.", "U__a_2eb."},
    {"U__a_zz_b", "U__a_zz_b"},
    {"U__a_d800_b", "U__a_d800_b"},
    {"U__a_110000_b", "U__a_110000_b"},
    {"U__a_0000041_b", "U__a_0000041_b"},
    {"u__a_2e_b", "u__a_2e_b"},
};

Test(escape, label_names)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        str name = escape_decode_label(str_from(labels[i].text), &arena);
        cr_expect(str_equal(name, str_from(labels[i].name)), "%s: %.*s", labels[i].text, STR_ARG(name));
    }
    arena_release(&arena);
}
