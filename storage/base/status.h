/* The error value.
 *
 * Whatever can fail for reasons outside the code returns a `status`. It owns nothing, needs no release and works when
 * memory is gone. Bugs are assert(); bad input is a status; never the other way round. Texts are one lower-case
 * sentence that names the thing and gives the value.
 */
#ifndef VARVE_STORAGE_BASE_STATUS_H
#define VARVE_STORAGE_BASE_STATUS_H

#include "storage/base/public.h"

#include <stdbool.h>
#include <stdint.h>

/* code, name, sentence for people */
#define STATUS_CODES(X)                                                               \
    X(OK, "ok", "no error")                                                           \
    X(INVALID, "invalid", "the input is wrong and will stay wrong")                   \
    X(NOT_FOUND, "not_found", "the thing asked for does not exist")                   \
    X(EXISTS, "exists", "the thing to make exists already")                           \
    X(LIMIT, "limit", "a configured limit was passed")                                \
    X(CORRUPT, "corrupt", "stored bytes do not match their checksum or their format") \
    X(IO, "io", "the operating system failed a read, a write or a sync")              \
    X(NO_SPACE, "no_space", "the disk or the quota is full")                          \
    X(UNAVAILABLE, "unavailable", "not possible now, may be later")                   \
    X(UNSUPPORTED, "unsupported", "valid, but this version can not do it")            \
    X(CANCELED, "canceled", "whoever asked went away")                                \
    X(TIMEOUT, "timeout", "the time allowed ran out")

enum status_code {
#define X(code, name, sentence) STATUS_##code,
    STATUS_CODES(X)
#undef X
        STATUS_COUNT
};

enum { STATUS_TEXT_BYTES = 240 };

typedef struct status {
    enum status_code code;        /* STATUS_OK is zero */
    uint64_t at;                  /* offset in the file or text being read, where there is one */
    char text[STATUS_TEXT_BYTES]; /* one sentence; empty when OK */
} status;

/* Success. */
static inline status ok(void)
{
    status s;
    s.code = STATUS_OK;
    s.at = 0;
    s.text[0] = 0;
    return s;
}

static inline bool failed(status s)
{
    return s.code != STATUS_OK;
}

/* Makes an error; a text that does not fit is cut at a character boundary. */
VARVE_PUBLIC status status_make(enum status_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As status_make, with an offset in the file or text being read. */
VARVE_PUBLIC status status_at(enum status_code code, uint64_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An operating system error by its errno: NO_SPACE for ENOSPC and EDQUOT, NOT_FOUND for ENOENT, EXISTS for EEXIST,
 * UNAVAILABLE for EMFILE, ENFILE and ENOMEM, else IO. `what` says what was tried, e.g. "open wal/3-0". */
VARVE_PUBLIC status status_errno(int error, const char *what);

/* Whether a failure says that what is stored is bad, not that it could not be read now. */
static inline bool tells_damage(status s)
{
    return s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED;
}

/* The code's short name, e.g. "no_space". */
VARVE_PUBLIC const char *status_name(enum status_code code);

/* Returns from the calling function when `call` fails. For functions with nothing to undo. */
#define TRY(call)                                    \
    do {                                             \
        status try_status_ = (call);                 \
        if (failed(try_status_)) return try_status_; \
    } while (0)

#endif
