/* Forms; see form.h. */
#include "http/form.h"

#include "http/escape.h"

#include <string.h>

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

/* Makes room for more values; returns how many there may be in all. */
static size_t reserve(struct form *form, size_t more, struct arena *arena)
{
    size_t most = form->count + more;

    if (most > FORM_VALUES_MAX) most = FORM_VALUES_MAX;
    struct form_value *values = arena_array(arena, struct form_value, most);
    if (form->count) memcpy(values, form->values, form->count * sizeof *values);
    form->values = values;
    return most;
}

void form_parse(struct form *form, str text, struct arena *arena)
{
    if (text.len == 0) return;

    size_t most = reserve(form, count_pieces(text), arena);
    while (text.len) {
        str piece = str_cut(&text, '&');
        if (piece.len == 0) continue;
        if (form->count == most) {
            note_error(form, arena_format(arena, "more than %d values in a form", FORM_VALUES_MAX));
            return;
        }
        if (parse_piece(form, piece, &form->values[form->count], arena)) form->count++;
    }
}

/* Cuts the text at a delimiter, which goes; false if it is not there. */
static bool cut_at(str *text, str delimiter, str *before)
{
    const char *found = text->len ? memmem(text->data, text->len, delimiter.data, delimiter.len) : NULL;

    if (!found) return false;
    size_t len = (size_t)(found - text->data);
    *before = str_part(*text, 0, len);
    *text = str_part(*text, len + delimiter.len, text->len);
    return true;
}

/* The value of `name=value` or `name="value"` among a header's parameters; false if it is not there. */
static bool header_parameter(str header, str name, str *out)
{
    str_cut(&header, ';');
    while (header.len) {
        str value = str_cut(&header, ';');
        if (!str_equal_ignore_case(str_trim(str_cut(&value, '=')), name)) continue;
        value = str_trim(value);
        bool quoted = value.len >= 2 && str_starts_with(value, STR("\"")) && str_ends_with(value, STR("\""));
        *out = quoted ? str_part(value, 1, value.len - 2) : value;
        return true;
    }
    return false;
}

/* False if a part is none, or a file. */
static bool parse_part(str part, struct form_value *out)
{
    str head, line, file;

    if (!cut_at(&part, STR("\r\n\r\n"), &head)) return false;
    out->value = part;
    while (head.len) {
        if (!cut_at(&head, STR("\r\n"), &line)) line = str_part(head, 0, head.len), head.len = 0;
        str name = str_trim(str_cut(&line, ':'));
        if (str_equal_ignore_case(name, STR("Content-Disposition")))
            return header_parameter(line, STR("name"), &out->name) && !header_parameter(line, STR("filename"), &file);
    }
    return false;
}

void form_parse_multipart(struct form *form, str content_type, str body, struct arena *arena)
{
    size_t count = 0, most;
    str boundary, part, rest;

    if (!header_parameter(content_type, STR("boundary"), &boundary) || boundary.len == 0) {
        note_error(form, STR("no boundary in the Content-Type of a multipart form"));
        return;
    }
    /* All delimiters but the first follow a line's end, which is theirs. */
    str delimiter = arena_format(arena, "\r\n--%.*s", STR_ARG(boundary));
    body = arena_format(arena, "\r\n%.*s", STR_ARG(body));
    for (rest = body; cut_at(&rest, delimiter, &part);) count++;
    most = reserve(form, count, arena);
    if (!cut_at(&body, delimiter, &part)) return;
    while (!str_starts_with(body, STR("--"))) {
        if (!cut_at(&body, delimiter, &part)) {
            note_error(form, STR("a multipart form does not end"));
            return;
        }
        if (form->count == most) {
            note_error(form, arena_format(arena, "more than %d values in a form", FORM_VALUES_MAX));
            return;
        }
        form->count += parse_part(part, &form->values[form->count]);
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
