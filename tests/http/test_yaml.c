#include "http/yaml.h"
#include "tests/support/must.h"

static const struct {
    const char *text, *error; /* empty: it parses */
} files[] = {
    {"", ""},
    {"# nothing\n", ""},
    {"a: 1\nb: [x, 'y']\nc:\n  d: ~\n", ""},
    {"a: 1\na: 2\n", "line 2: a occurs twice"},
    {"- a\n", "line 1: the file must hold keys and values"},
    {"text", "line 1: the file must hold keys and values"},
    {"a: &x 1\nb: *x\n", "line 2: anchors are not supported; write the value out"},
    {"a: 1\n---\nb: 2\n", "line 3: only one document may be in the file"},
    {"a: [1\n", "line 2: did not find expected ',' or ']'"},
    {"a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "line 1: nested more than 16 deep"},
    {"? [a]\n: b\n", "line 1: a key must be a text"},
};

Test(yaml, files)
{
    struct arena arena = {0};
    const struct yaml *root;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        status s = yaml_parse(str_from(files[i].text), &arena, &root);
        cr_expect(strcmp(s.text, files[i].error) == 0, "%s: %s", files[i].text, s.text);
    }
    arena_release(&arena);
}

Test(yaml, values)
{
    static const char *const known[] = {"a", "b", "c", "yes", NULL}, *const few[] = {"a", NULL};
    struct arena arena = {0};
    const struct yaml *root;
    str text = STR("before"), *list = NULL;
    bool flag = false;
    size_t count = 0;

    must(yaml_parse(STR("a: 1\nb: [x, 'y']\nc:\n  d: ~\n  e: ''\nyes: true\n"), &arena, &root));
    must(yaml_text(yaml_get(root, "a"), &text));
    cr_expect(str_equal(text, STR("1")) && yaml_get(root, "a")->line == 1);
    must(yaml_text(yaml_get(root, "missing"), &text));
    must(yaml_text(yaml_get(yaml_get(root, "c"), "d"), &text));
    cr_expect(str_equal(text, STR("1")), "what is not there changes nothing");
    must(yaml_text(yaml_get(yaml_get(root, "c"), "e"), &text));
    cr_expect(text.len == 0);
    must(yaml_texts(yaml_get(root, "b"), &arena, &list, &count));
    cr_expect(count == 2 && str_equal(list[1], STR("y")));
    must(yaml_texts(yaml_get(root, "a"), &arena, &list, &count));
    cr_expect(count == 1);
    must(yaml_bool(yaml_get(root, "yes"), &flag));
    cr_expect(flag);
    cr_expect(strcmp(yaml_bool(yaml_get(root, "a"), &flag).text, "line 1: a must be true or false") == 0);
    cr_expect(strcmp(yaml_text(yaml_get(root, "b"), &text).text, "line 2: b must be a text") == 0);
    cr_expect(failed(yaml_texts(yaml_get(root, "c"), &arena, &list, &count)));
    must(yaml_check_keys(root, known));
    cr_expect(strcmp(yaml_check_keys(root, few).text, "line 2: unknown key b") == 0);
    arena_release(&arena);
}
