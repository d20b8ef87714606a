/* Forms; see form.h. */
#include "http/form.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool percent_decode(str text, enum percent_rules rules, str *out, struct arena *arena)
{
    bool plus_is_space = rules == PERCENT_FORM;

    *out = text;
    if (str_find(text, '%') == text.len && (!plus_is_space || str_find(text, '+') == text.len)) return true;

    char *decoded = arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                *out = str_part(text, i, 3);
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        decoded[len++] = c;
    }
    *out = str_make(decoded, len);
    return true;
}

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
    bool fine = percent_decode(name, PERCENT_FORM, &out->name, arena);
    str bad = out->name;
    if (fine) {
        fine = percent_decode(piece, PERCENT_FORM, &out->value, arena);
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
