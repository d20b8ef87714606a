/* Text as paths and forms spell it; see escape.h. */
#include "http/escape.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool escape_decode(str text, enum escape_place place, str *out, struct arena *arena)
{
    bool plus_is_space = place == ESCAPE_FORM;

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

/* Cuts `<hex>_` off the front of *rest; false if that is no code point. */
static bool take_code_point(str *rest, uint32_t *out)
{
    uint32_t value = 0;
    size_t digits = 0;

    for (; digits < rest->len && digits < 6 && hex_digit(rest->data[digits]) >= 0; digits++)
        value = value << 4 | (uint32_t)hex_digit(rest->data[digits]);
    if (digits == 0 || digits == rest->len || rest->data[digits] != '_') return false;
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
    *rest = str_part(*rest, digits + 1, rest->len);
    *out = value;
    return true;
}

str escape_decode_label(str name, struct arena *arena)
{
    if (!str_starts_with(name, STR("U__"))) return name;

    str rest = str_part(name, 3, name.len);
    char *text = arena_alloc(arena, name.len + 4);
    size_t len = 0;
    while (rest.len) {
        char c = rest.data[0];
        rest = str_part(rest, 1, rest.len);
        uint32_t code_point;
        if (c != '_') {
            text[len++] = c;
        } else if (str_starts_with(rest, STR("_"))) {
            text[len++] = '_';
            rest = str_part(rest, 1, rest.len);
        } else if (take_code_point(&rest, &code_point)) {
            len += str_put_utf8(code_point, text + len);
        } else {
            return name;
        }
    }
    return str_make(text, len);
}
