/* The string view: bytes with a length, borrowed, not terminated.
 *
 * Used everywhere past the edges (main, fs, libraries). Whoever holds a str keeps its bytes alive by other means: an
 * arena, a request, a constant.
 */
#ifndef VARVE_STORAGE_BASE_STR_H
#define VARVE_STORAGE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct str {
    const char *data;
    size_t len;
} str;

/* A str of a string literal. */
#define STR(literal) ((str){"" literal, sizeof(literal) - 1})

/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).data

static inline str str_make(const char *data, size_t len)
{
    return (str){data, len};
}

/* A str of a terminated string; NULL gives the empty one. */
static inline str str_from(const char *text)
{
    return (str){text, text ? strlen(text) : 0};
}

static inline bool str_equal(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Order of bytes as unsigned; a proper prefix sorts first. */
static inline int str_compare(str a, str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool str_starts_with(str s, str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline bool str_ends_with(str s, str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0);
}

/* The part from `first` on, at most `len` bytes; both are clipped to the string. */
static inline str str_part(str s, size_t first, size_t len)
{
    if (first > s.len) first = s.len;
    if (len > s.len - first) len = s.len - first;
    return (str){s.data + first, len};
}

/* Position of the first `byte`, or s.len. */
static inline size_t str_find(str s, char byte)
{
    const char *at = s.len ? (const char *)memchr(s.data, byte, s.len) : NULL; /* cast for C++ */
    return at ? (size_t)(at - s.data) : s.len;
}

/* ASCII letters compared without case. */
bool str_equal_ignore_case(str a, str b);

/* Without leading and trailing ASCII white space. */
str str_trim(str s);

/* Cuts the text up to `separator` off the front of *rest and returns it; without a separator, all of it. */
str str_cut(str *rest, char separator);

/* The whole of s as a decimal integer with optional sign; false if it is anything else or does not fit. */
bool str_to_int64(str s, int64_t *out);
bool str_to_uint64(str s, uint64_t *out);

/* The whole of s as a floating-point number as Go's ParseFloat takes it: decimal, exponent or hexadecimal with a binary
 * exponent, sign, underscores nowhere, "inf", "infinity" and "nan" in any case. False for anything else; a value out of
 * range becomes an infinity and is accepted. */
bool str_to_double(str s, double *out);

/* Whether s is valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool str_is_utf8(str s);

/* Writes a code point as UTF-8 to out (4 bytes of room); returns its length. */
size_t str_put_utf8(uint32_t code_point, char *out);

#endif
