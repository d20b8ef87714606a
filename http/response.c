/* An answer; see response.h. */
#include "http/response.h"

#include "http/compress.h"
#include "http/json.h"
#include "http/metrics.h"

enum { COMPRESS_BYTES_MIN = 1024 }; /* below that gzip saves no packet */

void response_init(struct response *response, struct arena *arena, struct account *account)
{
    *response = (struct response){.code = 200, .body = {.account = account}, .arena = arena};
}

static void drop_body(struct response *response)
{
    writer_release(&response->part);
    buffers_release(&response->body);
    compress_free(response->compress);
    response->compress = NULL;
}

void response_release(struct response *response)
{
    drop_body(response);
}

static void set_header(struct response *response, const char *name, const char *value)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) != 0) continue;
        response->headers[i].value = value;
        return;
    }
    assert(response->header_count < RESPONSE_HEADERS_MAX);
    response->headers[response->header_count++] = (struct response_header){name, value};
}

void response_header(struct response *response, const char *name, str value)
{
    set_header(response, name, arena_copy_str(response->arena, value).data);
}

/* Moves a piece behind what was written before it. */
static void move_on(struct response *response, const void *data, size_t bytes)
{
    if (response->coding) {
        if (!response->compress) response->compress = compress_new(response->coding);
        compress_write(response->compress, data, bytes, &response->body);
    } else {
        buffers_append(&response->body, data, bytes);
    }
}

static void flush(struct response *response)
{
    move_on(response, response->part.data, response->part.count);
    response->part.count = 0;
}

struct writer *response_writer(struct response *response)
{
    if (response->part.count >= BUFFER_BYTES) flush(response);
    return &response->part;
}

void response_append(struct response *response, str bytes)
{
    if (bytes.len < BUFFER_BYTES) {
        writer_bytes(response_writer(response), bytes.data, bytes.len);
        return;
    }
    flush(response);
    move_on(response, bytes.data, bytes.len);
}

void response_text(struct response *response, unsigned code, const char *content_type, str text)
{
    drop_body(response);
    response->code = code;
    set_header(response, "Content-Type", content_type);
    writer_bytes(&response->part, text.data, text.len);
}

void response_nothing(struct response *response)
{
    drop_body(response);
    response->code = 204;
}

struct writer *response_open_data(struct response *response)
{
    response->code = 200;
    set_header(response, "Content-Type", "application/json");
    json_put_raw(&response->part, "{\"status\":\"success\",\"data\":");
    return &response->part;
}

void response_close_data(struct response *response, const str *warnings, size_t warning_count, const str *infos,
                         size_t info_count)
{
    struct writer *w = response_writer(response);

    if (warning_count) {
        json_put_raw(w, ",\"warnings\":");
        json_put_strings(w, warnings, warning_count);
    }
    if (info_count) {
        json_put_raw(w, ",\"infos\":");
        json_put_strings(w, infos, info_count);
    }
    json_put_raw(w, "}");
}

static const struct {
    unsigned code;
    str word;
} failures[] = {
#define X(name, code, word) {code, {word, sizeof word - 1}},
    FAILURES(X)
#undef X
};

void response_fail(struct response *response, enum failure failure, str message)
{
    drop_body(response);
    response->code = failures[failure].code;
    if (failure == FAIL_UNAVAILABLE) set_header(response, "Retry-After", RETRY_AFTER_SECONDS);
    struct writer *w = &response->part;
    if (response->is_api) {
        set_header(response, "Content-Type", "application/json");
        json_put_raw(w, "{\"status\":\"error\",\"errorType\":");
        json_put_string(w, failures[failure].word);
        json_put_raw(w, ",\"error\":");
        json_put_string(w, message);
        json_put_raw(w, "}");
    } else {
        set_header(response, "Content-Type", "text/plain; charset=utf-8");
        set_header(response, "X-Content-Type-Options", "nosniff");
        writer_bytes(w, message.data, message.len);
        writer_u8(w, '\n');
    }
}

void response_fail_status(struct response *response, const status *error)
{
    static const enum failure of_status[STATUS_COUNT] = {
        [STATUS_INVALID] = FAIL_BAD_DATA,     [STATUS_NOT_FOUND] = FAIL_NOT_FOUND,
        [STATUS_EXISTS] = FAIL_BAD_DATA,      [STATUS_LIMIT] = FAIL_EXECUTION,
        [STATUS_CORRUPT] = FAIL_INTERNAL,     [STATUS_IO] = FAIL_INTERNAL,
        [STATUS_NO_SPACE] = FAIL_UNAVAILABLE, [STATUS_UNAVAILABLE] = FAIL_UNAVAILABLE,
        [STATUS_UNSUPPORTED] = FAIL_BAD_DATA, [STATUS_CANCELED] = FAIL_CANCELED,
        [STATUS_TIMEOUT] = FAIL_TIMEOUT,
    };

    assert(failed(*error));
    response_fail(response, of_status[error->code], str_from(error->text));
}

void response_fail_query(struct response *response, enum query_error_kind kind, str message)
{
    static const enum failure of_query[] = {
        [QUERY_BAD_DATA] = FAIL_BAD_DATA, [QUERY_EXECUTION] = FAIL_EXECUTION,  [QUERY_CANCELED] = FAIL_CANCELED,
        [QUERY_TIMEOUT] = FAIL_TIMEOUT,   [QUERY_OVERLOAD] = FAIL_UNAVAILABLE, [QUERY_INTERNAL] = FAIL_INTERNAL,
    };

    assert(kind != QUERY_OK);
    response_fail(response, of_query[kind], message);
}

void response_name_coding(struct response *response)
{
    if (response->compress) set_header(response, "Content-Encoding", coding_name(response->coding));
}

void response_complete(struct response *response)
{
    flush(response);
    if (response->compress) compress_finish(response->compress, &response->body);
}

void response_seal(struct response *response)
{
    bool is_small = response->body.bytes == 0 && !response->compress;

    if (!is_small || (response->coding && response->part.count >= COMPRESS_BYTES_MIN)) flush(response);
    if (response->compress) compress_finish(response->compress, &response->body);
    if (response->body.head && account_over(response->body.account)) {
        metric_add(&metric_http_refused_answer, 1);
        response_fail(response, FAIL_UNAVAILABLE,
                      STR("answers that are being sent hold too much memory; try again later"));
    } else {
        response_name_coding(response);
    }
}
