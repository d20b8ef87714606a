/* Other forms of expressions; see forms.h. */
#include "tests/conformance/forms.h"

#include "http/ast_json.h"
#include "query/parse.h"
#include "tests/conformance/script.h"

#include <jansson.h>

static str tree_as_json(const struct node *tree, struct arena *arena)
{
    struct writer out = {0};

    ast_json_put(&out, tree, arena);
    str text = arena_copy_str(arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return text;
}

/* Values may hold any bytes in strings, NUL among them. */
static bool is_json(str text)
{
    json_t *value = json_loadb(text.data, text.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    bool is_object = json_is_object(value);

    json_decref(value);
    return is_object;
}

/* Reads a printed text back: its form in JSON, or an empty one and *why. */
static str read_back(const struct node *tree, str text, str *why, struct arena *arena)
{
    struct parse_error error;
    struct node *again = parse_query(text, ALL_FEATURES, arena, &error);

    if (again && ast_equal(tree, again)) return tree_as_json(again, arena);
    *why = arena_format(arena, "printed and read again it is another expression: %.*s", STR_ARG(text));
    return STR("");
}

bool forms_agree(const struct node *tree, str *why, struct arena *arena)
{
    str json = tree_as_json(tree, arena);

    if (!is_json(json)) {
        *why = arena_format(arena, "the tree is no JSON: %.*s", STR_ARG(json));
        return false;
    }
    str line = read_back(tree, ast_print(tree, arena), why, arena);
    str layout = read_back(tree, ast_pretty(tree, arena), why, arena);
    if (line.len == 0 || layout.len == 0) return false;
    if (str_equal(line, layout)) return true;
    *why = arena_format(arena, "one line and layout have different trees: %.*s", STR_ARG(line));
    return false;
}
