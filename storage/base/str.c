/* The string view; see str.h. */
#include "storage/base/str.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_ignore_case(str a, str b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.len && is_space(s.data[0])) s = str_part(s, 1, s.len);
    while (s.len && is_space(s.data[s.len - 1])) s.len--;
    return s;
}

str str_cut(str *rest, char separator)
{
    size_t at = str_find(*rest, separator);
    str head = str_part(*rest, 0, at);

    *rest = str_part(*rest, at < rest->len ? at + 1 : at, rest->len);
    return head;
}

bool str_to_uint64(str s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0) return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(s.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool str_to_int64(str s, int64_t *out)
{
    bool negative = s.len && s.data[0] == '-';
    uint64_t value;

    if (s.len && (s.data[0] == '-' || s.data[0] == '+')) s = str_part(s, 1, s.len);
    if (!str_to_uint64(s, &value) || value > (uint64_t)INT64_MAX + negative) return false;
    *out = negative ? (int64_t)-value : (int64_t)value;
    return true;
}

/* Whether s is a number literal that strtod reads as Go's ParseFloat does; strtod alone also takes leading white space,
 * "nan(...)" and hexadecimal without an exponent. */
static bool looks_like_number(str s)
{
    bool hex = s.len > 1 && s.data[0] == '0' && lower(s.data[1]) == 'x';
    bool digits = false, dot = false, exponent = false;
    size_t i = hex ? 2 : 0;

    for (; i < s.len; i++) {
        char c = lower(s.data[i]);
        if ((c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f')) {
            digits = true;
        } else if (c == '.' && !dot) {
            dot = true;
        } else if (c == (hex ? 'p' : 'e') && digits) {
            exponent = true;
            break;
        } else {
            return false;
        }
    }
    if (!digits || hex != (hex && exponent)) return false;
    if (!exponent) return true;
    i++;
    if (i < s.len && (s.data[i] == '+' || s.data[i] == '-')) i++;
    if (i == s.len) return false;
    for (; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') return false;
    }
    return true;
}

static bool is_word(str s, double *out)
{
    if (str_equal_ignore_case(s, STR("inf")) || str_equal_ignore_case(s, STR("infinity"))) {
        *out = INFINITY;
        return true;
    }
    return false;
}

/* strtod in the C locale, whatever the embedding program has set. */
static double parse_c_locale(const char *text)
{
    static locale_t c_locale;
    locale_t known = __atomic_load_n(&c_locale, __ATOMIC_ACQUIRE);

    if (!known) {
        locale_t expected = (locale_t)0;
        known = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (!__atomic_compare_exchange_n(&c_locale, &expected, known, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            freelocale(known);
            known = expected;
        }
    }
    return strtod_l(text, NULL, known);
}

bool str_to_double(str s, double *out)
{
    char text[512];
    char *large = NULL;
    bool negative = s.len && s.data[0] == '-';

    if (str_equal_ignore_case(s, STR("nan"))) {
        *out = NAN;
        return true;
    }
    if (s.len && (s.data[0] == '-' || s.data[0] == '+')) s = str_part(s, 1, s.len);
    if (!is_word(s, out)) {
        if (!looks_like_number(s)) return false;
        char *terminated = text;
        if (s.len >= sizeof text && !(large = terminated = malloc(s.len + 1))) return false;
        memcpy(terminated, s.data, s.len);
        terminated[s.len] = 0;
        *out = parse_c_locale(terminated);
        free(large);
    }
    if (negative) *out = -*out;
    return true;
}

/* Length of the valid UTF-8 sequence at the front of s (not empty), or 0. */
static size_t utf8_sequence(str s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;

    if (len == 0 || len > s.len) return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
    }
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F)) return 0;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F)) return 0;
    return len;
}

bool str_is_utf8(str s)
{
    while (s.len) {
        uint64_t eight;
        size_t len = 8;
        if (s.len < 8 || (memcpy(&eight, s.data, 8), (eight & 0x8080808080808080ULL) != 0)) len = utf8_sequence(s);
        if (len == 0) return false;
        s = str_part(s, len, s.len);
    }
    return true;
}

size_t str_put_utf8(uint32_t code_point, char *out)
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xC0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xE0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}
