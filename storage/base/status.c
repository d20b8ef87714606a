/* Making status values; see status.h. */
#include "storage/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts an incomplete UTF-8 sequence off the end, so that a shortened text stays valid. */
static void cut_to_character(char *text, size_t len)
{
    size_t back = 0;

    while (back < 3 && back < len && ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80) back++;
    if (back < len) {
        unsigned char lead = (unsigned char)text[len - 1 - back];
        size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
        if (need > back) text[len - 1 - back] = 0;
    }
}

__attribute__((format(printf, 3, 0))) static status make(enum status_code code, uint64_t at, const char *format,
                                                         va_list args)
{
    status s = {.code = code, .at = at};
    int len = vsnprintf(s.text, sizeof s.text, format, args);

    if (len >= (int)sizeof s.text) cut_to_character(s.text, sizeof s.text - 1);
    return s;
}

status status_make(enum status_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status s = make(code, 0, format, args);
    va_end(args);
    return s;
}

status status_at(enum status_code code, uint64_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status s = make(code, at, format, args);
    va_end(args);
    return s;
}

status status_errno(int error, const char *what)
{
    enum status_code code = STATUS_IO;
    char reason[96];

    switch (error) {
    case ENOSPC:
    case EDQUOT: code = STATUS_NO_SPACE; break;
    case ENOENT: code = STATUS_NOT_FOUND; break;
    case EEXIST: code = STATUS_EXISTS; break;
    case EMFILE:
    case ENFILE:
    case ENOMEM: code = STATUS_UNAVAILABLE; break;
    default: break;
    }
    return status_make(code, "%s: %s", what, strerror_r(error, reason, sizeof reason));
}

const char *status_name(enum status_code code)
{
    static const char *const names[] = {
#define X(code, name, sentence) name,
        STATUS_CODES(X)
#undef X
    };
    return (unsigned)code < STATUS_COUNT ? names[code] : "unknown";
}
