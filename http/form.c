/* Forms; see form.h. */
#include "http/form.h"

#include "http/escape.h"

static void note_error(struct form *form, str error)
{
    if (form->error.len == 0) form->error = error;
}

static bool parse_piece(struct form *form, str piece, struct form_value *out, struct arena *arena)
{
    if (str_find(piece, ';') < piece.len) {
        note_error(form, STR("invalid semicolon separator in query"));
        return false;
    }
    str name = str_cut(&piece, '=');
    bool fine = escape_decode(name, ESCAPE_FORM, &out->name, arena);
    str bad = out->name;
    if (fine) {
        fine = escape_decode(piece, ESCAPE_FORM, &out->value, arena);
        bad = out->value;
    }
    if (!fine) note_error(form, arena_format(arena, "invalid URL escape \"%.*s\"", STR_ARG(bad)));
    return fine;
}

static size_t count_pieces(str text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++) count += text.data[i] == '&';
    return count;
}

void form_parse(struct form *form, str text, struct arena *arena)
{
    if (text.len == 0) return;

    size_t most = form->count + count_pieces(text);
    if (most > FORM_VALUES_MAX) most = FORM_VALUES_MAX;
    struct form_value *values = arena_array(arena, struct form_value, most);
    if (form->count) memcpy(values, form->values, form->count * sizeof *values);
    form->values = values;

    while (text.len) {
        str piece = str_cut(&text, '&');
        if (piece.len == 0) continue;
        if (form->count == most) {
            note_error(form, arena_format(arena, "more than %d values in a form", FORM_VALUES_MAX));
            return;
        }
        if (parse_piece(form, piece, &values[form->count], arena)) form->count++;
    }
}

str form_first(const struct form *form, str name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (str_equal(form->values[i].name, name)) return form->values[i].value;
    }
    return STR("");
}

size_t form_all(const struct form *form, str name, str **out, struct arena *arena)
{
    size_t count = 0;

    for (size_t i = 0; i < form->count; i++) count += str_equal(form->values[i].name, name);
    *out = arena_array(arena, str, count);
    count = 0;
    for (size_t i = 0; i < form->count; i++) {
        if (str_equal(form->values[i].name, name)) (*out)[count++] = form->values[i].value;
    }
    return count;
}
