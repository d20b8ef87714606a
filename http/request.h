/* A request: its head, its body, its parameters with types.
 *
 * Memory: the request's arena, released when the answer has been sent. A request belongs to one thread at a time: to
 * the server's while head and body arrive and while the answer is sent, to a worker in between.
 */
#ifndef VARVE_HTTP_REQUEST_H
#define VARVE_HTTP_REQUEST_H

#include "http/body.h"
#include "http/form.h"
#include "http/response.h"
#include "tsdb/matcher.h"

#include <pthread.h>
#include <stdatomic.h>

struct route;
struct services;
struct stream;

/* Bits, so that a route can name several. */
#define METHODS(X) \
    X(GET, 1)      \
    X(HEAD, 2)     \
    X(POST, 4)     \
    X(PUT, 8)      \
    X(DELETE, 16)  \
    X(OPTIONS, 32)

enum method {
#define X(name, bit) METHOD_##name = bit,
    METHODS(X)
#undef X
        METHOD_OTHER = 64
};

enum method method_of(str name);

/* The headers that anyone looks at. */
#define REQUEST_HEADERS(X)                  \
    X(ACCEPT_ENCODING, "Accept-Encoding")   \
    X(ACCEPT, "Accept")                     \
    X(AUTHORIZATION, "Authorization")       \
    X(CONTENT_ENCODING, "Content-Encoding") \
    X(CONTENT_LENGTH, "Content-Length")     \
    X(CONTENT_TYPE, "Content-Type")         \
    X(EXPECT, "Expect")                     \
    X(ORIGIN, "Origin")                     \
    X(TRANSFER_ENCODING, "Transfer-Encoding")

enum request_header_id {
#define X(id, name) HEADER_##id,
    REQUEST_HEADERS(X)
#undef X
        HEADER_COUNT
};

/* One way, each step taken by the thread that owns the request at that moment. */
enum request_state {
    REQUEST_HEAD,     /* the request line is there */
    REQUEST_BODY,     /* the head is complete, the body arrives */
    REQUEST_QUEUED,   /* complete, waits for a worker; its connection is suspended */
    REQUEST_RUNNING,  /* on a worker */
    REQUEST_RENDERED, /* answered; the connection is resumed */
    REQUEST_SENDING,  /* the answer is on its way */
    REQUEST_DONE
};

struct request {
    _Atomic int state; /* enum request_state */
    /* constant once the head is read */
    enum method method;
    str path, query; /* before and after the question mark, as sent */
    str headers[HEADER_COUNT];
    const struct route *route; /* NULL until one is found */
    str name;                  /* what stands for {name} in the route's path, decoded */
    str client;                /* address of the other side, without its port; empty if it is not known */
    const struct services *services;
    int64_t started_ns;
    void (*finished)(struct request *request); /* the server's, for request_finish */
    /* The server's, for request_flow: begins to send, and hears that the handler is done. NULL: answers are complete
     * before they are sent. */
    struct stream *(*stream_begun)(struct request *request);
    void (*stream_done)(struct request *request);
    /* owned by the thread that has the request */
    struct arena arena;
    struct body body;
    struct form form;
    bool form_is_parsed;
    struct response response;
    struct stream *stream; /* once the answer is being sent */
    /* guarded by mutex */
    pthread_mutex_t mutex;
    bool canceled;
    void (*cancel)(void *context);
    void *cancel_context;
};

/* `target` is the request line's, path and query; it is copied. */
void request_init(struct request *request, str target, struct account *bodies, struct account *answers);
void request_release(struct request *request);

/* Notes a header; false if it contradicts one that was there already. */
bool request_note_header(struct request *request, str name, str value);

void request_enter(struct request *request, enum request_state from, enum request_state to);

/* Whether the media type of the body is this one, whatever its parameters. */
bool request_has_type(const struct request *request, str media_type);

/* The answer is complete: hands it to the server. Whoever calls this must not touch the request again. */
void request_finish(struct request *request);

/* For long answers, to be called between records: what is rendered so far is sent when there is enough of it, and the
 * handler waits for a client that is behind. From then on an error can only break the answer off. Fails when nobody
 * waits for it any more. request_end_stream is for the dispatcher: the handler has returned. */
status request_flow(struct request *request);
void request_end_stream(struct request *request, const status *outcome);

/* When the client goes away, calls cancel(context), at once if it has gone already. request_end_cancel returns when no
 * such call is running or will come. */
void request_on_cancel(struct request *request, void (*cancel)(void *context), void *context);
void request_end_cancel(struct request *request);

/* The client has gone; from any thread. */
void request_cancel(struct request *request);
bool request_is_canceled(struct request *request);

/* Parameters come from the body, if it is a form, and from the query, in this order. */
const struct form *request_form(struct request *request);
str request_parameter(struct request *request, str name);

/* Typed parameters; an absent or empty one leaves *out as it is. The error is what the API says of a bad one, complete
 * with `invalid parameter "time": …`. */
status request_time(struct request *request, const char *name, int64_t *out_ms);
status request_duration(struct request *request, const char *name, int64_t *out_ns);
status request_limit(struct request *request, uint64_t *out);
status request_count(struct request *request, const char *name, uint64_t *out);

/* The same for texts, with the bare reason as error: `cannot parse "x" to a valid timestamp`. */
status request_parse_time(struct request *request, str text, int64_t *out_ms);
status request_parse_duration(struct request *request, str text, int64_t *out_ns);

/* The sets of the match[] parameters, all or none. Each must ask for something: a set that the empty label set
 * satisfies is refused. The error is bare. */
struct matcher_set {
    const struct matcher *matchers;
    size_t count;
};
status request_matchers(struct request *request, const struct matcher_set **out, size_t *count);

/* The same of parameters of another name. */
status request_matchers_of(struct request *request, const char *name, const struct matcher_set **out, size_t *count);

/* `invalid parameter "name": ` and the reason. */
status request_bad_parameter(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text in quotes as Go writes it with %q; in the request's arena. */
str request_quote(struct request *request, str text);

#endif
