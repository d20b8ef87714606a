/* An answer: status code, headers, body; and the one place where errors get their code and their form.
 *
 * A handler writes the body through response_writer, or appends large pieces; behind that the body is cut into blocks
 * and, where client and route agree, compressed as it grows. Nothing is sent before the answer is complete, so a
 * handler may throw away what it wrote and fail at any moment; but for long ones whose handler calls request_flow.
 * Owned by the thread that runs the request.
 *
 * Errors below /api/v1 are the API's envelope {"status":"error",…}; elsewhere they are a line of text.
 */
#ifndef VARVE_HTTP_RESPONSE_H
#define VARVE_HTTP_RESPONSE_H

#include "http/buffers.h"
#include "http/compress.h"
#include "query/query.h"
#include "storage/base/arena.h"
#include "storage/base/bytes.h"
#include "storage/base/status.h"

/* name, HTTP status, the API's word for it */
#define FAILURES(X)                                          \
    X(BAD_DATA, 400, "bad_data") /* the request is wrong */  \
    X(UNAUTHORIZED, 401, "bad_data")                         \
    X(FORBIDDEN, 403, "bad_data") /* switched off */         \
    X(NOT_FOUND, 404, "not_found")                           \
    X(BAD_METHOD, 405, "bad_data")                           \
    X(TOO_LARGE, 413, "bad_data")                            \
    X(BAD_MEDIA, 415, "bad_data")                            \
    X(EXECUTION, 422, "execution") /* failed while it ran */ \
    X(CANCELED, 499, "canceled")   /* nobody waits for it */ \
    X(INTERNAL, 500, "internal")                             \
    X(SWITCHED_OFF, 500, "unavailable")                      \
    X(NOT_IMPLEMENTED, 501, "bad_data")                      \
    X(TIMEOUT, 503, "timeout")                               \
    X(UNAVAILABLE, 503, "unavailable") /* come again: carries Retry-After */

enum failure {
#define X(name, code, word) FAIL_##name,
    FAILURES(X)
#undef X
        FAILURE_COUNT
};

/* The warning of an answer that a limit has cut. */
#define RESPONSE_TRUNCATED "results truncated due to limit"

/* How long clients are asked to wait before they come again. */
#define RETRY_AFTER_SECONDS "1"

struct response_header {
    const char *name;
    const char *value; /* in the request's arena, or constant */
};

enum { RESPONSE_HEADERS_MAX = 24 };

struct response {
    unsigned code;
    struct response_header headers[RESPONSE_HEADERS_MAX];
    size_t header_count;
    bool is_api;        /* errors in the envelope */
    enum coding coding; /* what client and route agree on */
    bool closes;        /* the connection ends with this answer */
    struct writer part; /* the end of the body, being written */
    struct buffers body;
    struct compress *compress;
    struct arena *arena;
};

/* The arena is the request's; the account is charged for the body. */
void response_init(struct response *response, struct arena *arena, struct account *account);
void response_release(struct response *response);

/* Sets a header; the value is copied. */
void response_header(struct response *response, const char *name, str value);

/* Where the body is written. Ask again after each record: what is full is moved on. */
struct writer *response_writer(struct response *response);

/* Appends a large piece. */
void response_append(struct response *response, str bytes);

/* A complete answer of one text. */
void response_text(struct response *response, unsigned code, const char *content_type, str text);

/* 204. */
void response_nothing(struct response *response);

/* Opens a successful answer of the API, {"status":"success","data":…; and ends it. */
struct writer *response_open_data(struct response *response);
void response_close_data(struct response *response, const str *warnings, size_t warning_count, const str *infos,
                         size_t info_count);

/* Replaces whatever was written by an error. */
void response_fail(struct response *response, enum failure failure, str message);
void response_fail_status(struct response *response, const status *error);
void response_fail_query(struct response *response, enum query_error_kind kind, str message);

/* After the last write: compresses the rest. An answer for whose body there is no memory becomes an error. */
void response_seal(struct response *response);

/* The parts of that for an answer that is sent while it is made: its coding in the headers, before the first byte; and
 * the rest of its body. */
void response_name_coding(struct response *response);
void response_complete(struct response *response);

/* Bytes of the sealed body. */
static inline size_t response_bytes(const struct response *response)
{
    return response->part.count + response->body.bytes;
}

#endif
