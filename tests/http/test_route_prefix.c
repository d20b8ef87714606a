#include "http/route_prefix.h"
#include "tests/support/test.h"

static const struct {
    const char *url, *prefix, *want; /* NULL: refused */
} cases[] = {
    {"", "", ""},
    {"", "/", ""},
    {"", "/a/", "/a"},
    {"", "a/b", "/a/b"},
    {"http://x:9090", "", ""},
    {"http://x:9090/", "", ""},
    {"https://x/varve/", "", "/varve"},
    {"https://x/varve?y=/z#/w", "", "/varve"},
    {"https://x/varve", "/", ""},
    {"https://x/varve", "/other", "/other"},
    {"x/varve", "", NULL},
    {"ftp://x/varve", "", NULL},
    {"http:///varve", "", NULL},
};

Test(route_prefix, settings)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        str prefix = STR("?");
        status s = route_prefix_read(str_from(cases[i].url), str_from(cases[i].prefix), &arena, &prefix);
        cr_expect(failed(s) == !cases[i].want, "%s: %s", cases[i].url, s.text);
        if (cases[i].want)
            cr_expect(str_equal(prefix, str_from(cases[i].want)), "%s %s: %.*s", cases[i].url, cases[i].prefix,
                      STR_ARG(prefix));
    }
    arena_release(&arena);
}

static const struct {
    const char *prefix, *path, *want; /* NULL: not there */
} cuts[] = {
    {"", "/x", "/x"},    {"", "/", "/"},     {"/a", "/a", "/"}, {"/a", "/a/", "/"},       {"/a", "/a/x", "/x"},
    {"/a", "/ab", NULL}, {"/a", "/x", NULL}, {"/a", "/", NULL}, {"/a/b", "/a/b/c", "/c"},
};

Test(route_prefix, cut)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        str path = str_from(cuts[i].path);
        bool is_there = route_prefix_cut(str_from(cuts[i].prefix), &path);
        cr_expect(is_there == !!cuts[i].want && str_equal(path, str_from(cuts[i].want ? cuts[i].want : cuts[i].path)),
                  "%s %s: %.*s", cuts[i].prefix, cuts[i].path, STR_ARG(path));
    }
}
