/* Quoted text; see quote.h. */
#include "query/quote.h"

#include <assert.h>
#include <stdio.h>

uint32_t quote_next(str s, size_t *at)
{
    unsigned char first = (unsigned char)s.data[*at];
    size_t len = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    str bytes = str_part(s, *at, len);
    uint32_t character = first;

    if (bytes.len < len || !str_is_utf8(bytes)) {
        *at += 1;
        return QUOTE_REPLACEMENT;
    }
    if (len > 1) character &= 0x7FU >> len;
    for (size_t i = 1; i < len; i++) character = character << 6 | ((unsigned char)bytes.data[i] & 0x3F);
    *at += len;
    return character;
}

/* Controls, formats, separators but the ASCII space, surrogates and private use are not printable. Code points that
 * Unicode has not assigned yet count as printable here. */
static bool is_printable(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x00, 0x1F},       {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},     {0x61C, 0x61C},
        {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},     {0x8E2, 0x8E2},     {0x1680, 0x1680},
        {0x180E, 0x180E},   {0x2000, 0x200F},   {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},
        {0xD800, 0xF8FF},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD},
        {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0001, 0xE007F}, {0xF0000, 0x10FFFF},
    };

    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0] && hidden[i].first <= character; i++) {
        if (character <= hidden[i].last) return false;
    }
    return true;
}

static const char escape_letters[] = "abtnvfr"; /* of the characters 7 to 13 */

static void write_utf8(uint32_t character, struct writer *out)
{
    char bytes[4];

    writer_bytes(out, bytes, str_put_utf8(character, bytes));
}

static void write_format(struct writer *out, const char *format, unsigned value)
{
    char text[16];

    writer_bytes(out, text, (size_t)snprintf(text, sizeof text, format, value));
}

static void write_escaped(uint32_t character, char quote, struct writer *out)
{
    if (character == (unsigned char)quote || character == '\\') {
        writer_u8(out, '\\');
        writer_u8(out, (uint8_t)character);
    } else if (is_printable(character)) {
        write_utf8(character, out);
    } else if (character >= '\a' && character <= '\r') {
        writer_u8(out, '\\');
        writer_u8(out, (uint8_t)escape_letters[character - '\a']);
    } else if (character < ' ' || character == 0x7F) {
        write_format(out, "\\x%02x", character);
    } else {
        write_format(out, character < 0x10000 ? "\\u%04x" : "\\U%08x", character);
    }
}

void quote_write(str s, struct writer *out)
{
    writer_u8(out, '"');
    for (size_t at = 0; at < s.len;) {
        size_t start = at;
        uint32_t character = quote_next(s, &at);
        if (character == QUOTE_REPLACEMENT && at == start + 1) {
            write_format(out, "\\x%02x", (unsigned char)s.data[start]);
        } else {
            write_escaped(character, '"', out);
        }
    }
    writer_u8(out, '"');
}

static str finish(struct writer *w, struct arena *arena)
{
    str text = arena_copy_str(arena, str_make((const char *)w->data, w->count));

    writer_release(w);
    return text;
}

str quote_text(str s, struct arena *arena)
{
    struct writer w = {0};

    quote_write(s, &w);
    return finish(&w, arena);
}

str quote_character(uint32_t character, struct arena *arena)
{
    struct writer w = {0};

    writer_u8(&w, '\'');
    write_escaped(character, '\'', &w);
    writer_u8(&w, '\'');
    return finish(&w, arena);
}

str quote_code_point(uint32_t character, struct arena *arena)
{
    struct writer w = {0};

    write_format(&w, "U+%04X", character);
    if (is_printable(character)) {
        writer_bytes(&w, " '", 2);
        write_utf8(character, &w);
        writer_u8(&w, '\'');
    }
    return finish(&w, arena);
}

static uint32_t read_digits(str digits, unsigned bits)
{
    uint32_t value = 0;

    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.data[i];
        unsigned digit = (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        assert(digit < 1U << bits);
        value = value << bits | digit;
    }
    return value;
}

/* Replaces the escape that starts at *at (its backslash) by what it stands for; returns how many bytes that is. */
static size_t read_escape(str s, size_t *at, char *out)
{
    char c = s.data[*at + 1];
    const char *letter = strchr(escape_letters, c);
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;

    if (c >= '0' && c <= '7') {
        *out = (char)read_digits(str_part(s, *at + 1, 3), 3);
        *at += 4;
        return 1;
    }
    if (digits) {
        uint32_t value = read_digits(str_part(s, *at + 2, digits), 4);
        *at += 2 + digits;
        if (c != 'x') return str_put_utf8(value, out);
        *out = (char)value;
        return 1;
    }
    *out = letter ? (char)('\a' + (letter - escape_letters)) : c;
    *at += 2;
    return 1;
}

str quote_read(str literal, struct arena *arena)
{
    assert(literal.len >= 2 && literal.data[0] == literal.data[literal.len - 1]);
    str inner = str_part(literal, 1, literal.len - 2);
    if (literal.data[0] == '`' || str_find(inner, '\\') == inner.len) return arena_copy_str(arena, inner);

    char *text = arena_alloc(arena, inner.len); /* no escape is shorter than what it stands for */
    size_t len = 0;
    for (size_t at = 0; at < inner.len;) {
        if (inner.data[at] == '\\') {
            len += read_escape(inner, &at, text + len);
        } else {
            text[len++] = inner.data[at++];
        }
    }
    return str_make(text, len);
}
