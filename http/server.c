/* The HTTP server; see server.h.
 *
 * libmicrohttpd calls on_request several times for one request: first when the head is complete, then for each piece of
 * the body, then when the body is complete, and once more after a suspended connection was resumed. The state of the
 * request says which of these it is. on_completed comes once at the end, however it ends.
 */
#include "http/server.h"

#include "http/dispatch.h"
#include "http/listen.h"
#include "http/metrics.h"
#include "http/security.h"
#include "http/stream.h"
#include "http/tls.h"
#include "http/workers.h"
#include "storage/base/clock.h"
#include "storage/base/log.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SERVER_THREADS = 2,
    POOL_BYTES = 64 << 10,       /* of a connection: its largest head. Mapped above 32 KiB, so idle ones cost nothing */
    IDLE_KEPT_MAX = 256,         /* above that many idle connections answers end theirs: pools stay resident */
    UNREAD_BYTES_MAX = 64 << 20, /* of a refused body that may pass by */
    END_AGAIN_MS = 1000,
    CHECKS_MAX = 64 /* passwords waiting to be checked */
};

struct server {
    /* constant after open */
    struct server_options options;
    int socket;
    char address[LISTEN_TEXT_MAX];
    uint16_t port;
    struct connections *connections;
    struct security *security;
    struct workers *checkers; /* of passwords */
    /* Memory of bodies whose sender is not known yet: who is known is not kept waiting by those who are not. */
    struct account unknown_bodies;
    /* changed by server_set_web_config only */
    struct listener *listeners; /* the first one accepts, the others see their connections to the end */
    /* atomic */
    _Atomic bool stopping;
    /* guarded by mutex */
    pthread_mutex_t mutex;
    pthread_cond_t none_active;
    size_t active; /* requests between their first line and on_completed */
};

/* A daemon on the socket, with the TLS it was started with. */
struct listener {
    struct listener *next;
    struct server *server;
    struct MHD_Daemon *daemon;
    struct arena arena; /* of `web` */
    struct web_config web;
};

/* A request with what libmicrohttpd knows of it. */
struct exchange {
    struct request request; /* first, so that `finished` finds the rest */
    struct server *server;
    struct MHD_Connection *mhd;
    struct connection *connection;
    uint64_t announced_bytes;
    uint64_t unread_bytes; /* of the body of a refused request */
    size_t answer_bytes;
    struct stream *stream; /* of an answer that is sent while it is made */
    _Atomic int users;     /* the server's thread, a handler whose answer is being sent, and that answer */
    bool is_refused;       /* the response holds the answer already */
    bool is_unknown;       /* the password has to be checked first */
};

/* The longest that snappy makes of a text: what it can not compress grows a little. */
static uint64_t snappy_bytes(uint64_t bytes)
{
    return 32 + bytes + bytes / 6;
}

struct server_options server_options_default(void)
{
    return (struct server_options){
        .connections_max = 512,
        .idle_seconds = 300,
        .form_bytes_max = 10 << 20,
        .large_bytes_max = snappy_bytes(32 << 20),
        .deadlines = connections_options_default(),
    };
}

static void hang_up(void *request)
{
    request_cancel(request);
}

/* The answer is rendered: back to the server's thread. From any thread; the exchange may be gone on return. */
static void on_finished(struct request *request)
{
    struct exchange *exchange = (struct exchange *)request;

    request_enter(request, REQUEST_RUNNING, REQUEST_RENDERED);
    connection_enter(exchange->connection, CONNECTION_ANSWER, request);
    MHD_resume_connection(exchange->mhd);
}

static str client_of(struct MHD_Connection *mhd, struct arena *arena)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";

    if (!info || !info->client_addr) return STR("");
    if (info->client_addr->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr, text,
                  sizeof text);
    } else if (info->client_addr->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr, text, sizeof text);
    }
    return arena_copy_str(arena, str_from(text));
}

static void leave_exchange(struct exchange *exchange)
{
    struct server *server = exchange->server;

    if (atomic_fetch_sub(&exchange->users, 1) != 1) return;
    request_release(&exchange->request);
    free(exchange);
    pthread_mutex_lock(&server->mutex);
    if (--server->active == 0) pthread_cond_broadcast(&server->none_active);
    pthread_mutex_unlock(&server->mutex);
}

/* Nothing to send yet: on the server's thread. The client is watched while its connection rests. */
static void on_rest(void *context)
{
    struct exchange *exchange = context;

    connection_enter(exchange->connection, CONNECTION_WORK, &exchange->request);
    connection_watch(exchange->connection);
    MHD_suspend_connection(exchange->mhd);
}

/* There is more, or the end: on the handler's thread. */
static void on_go_on(void *context)
{
    struct exchange *exchange = context;

    connection_enter(exchange->connection, CONNECTION_STREAM, &exchange->request);
    MHD_resume_connection(exchange->mhd);
}

/* The answer is long enough to be sent while the rest is made. */
static struct stream *on_stream_begun(struct request *request)
{
    struct exchange *exchange = (struct exchange *)request;
    const struct stream_calls calls = {on_rest, on_go_on, exchange};

    exchange->stream = stream_new(&calls);
    struct stream *stream = exchange->stream;
    atomic_fetch_add(&exchange->users, 1);
    metric_add(&metric_http_streams, 1);
    request_enter(request, REQUEST_RUNNING, REQUEST_RENDERED);
    on_go_on(exchange);
    return stream;
}

static void on_stream_done(struct request *request)
{
    metric_add(&metric_http_streams, -1);
    leave_exchange((struct exchange *)request);
}

static void *on_uri(void *context, const char *uri, struct MHD_Connection *mhd)
{
    struct server *server = context;
    struct exchange *exchange = memory_zalloc(sizeof *exchange);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct services *services = server->options.services;

    request_init(&exchange->request, str_from(uri), services->bodies, services->answers);
    exchange->request.services = server->options.services;
    exchange->request.client = client_of(mhd, &exchange->request.arena);
    exchange->request.finished = on_finished;
    exchange->request.stream_begun = on_stream_begun;
    exchange->request.stream_done = on_stream_done;
    atomic_init(&exchange->users, 1);
    exchange->server = server;
    exchange->mhd = mhd;
    exchange->connection = info->socket_context;
    connection_enter(exchange->connection, CONNECTION_HEAD, &exchange->request);
    pthread_mutex_lock(&server->mutex);
    server->active++;
    pthread_mutex_unlock(&server->mutex);
    return exchange;
}

static void refuse(struct exchange *exchange, enum failure failure, str message)
{
    response_fail(&exchange->request.response, failure, message);
    exchange->is_refused = true;
}

/* Names with blanks and the like are read in different ways by different servers; what frames a body could be hidden
 * from one of them. */
static bool is_token(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c))) return false;
    }
    return name.len > 0;
}

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *key, size_t key_bytes,
                                 const char *value, size_t value_bytes)
{
    struct exchange *exchange = context;
    str name = str_make(key, key_bytes);
    const char *defect = NULL;

    (void)kind;
    if (!is_token(name)) {
        defect = "the name of a header has characters that it must not have";
    } else if (!request_note_header(&exchange->request, name, str_make(value, value_bytes))) {
        defect = "a header that frames the body occurs twice";
    }
    if (!defect) return MHD_YES;
    refuse(exchange, FAIL_BAD_DATA, str_from(defect));
    exchange->request.response.closes = true;
    return MHD_NO;
}

/* Where the body ends must be beyond doubt, or the next request could be hidden in it. */
static void check_framing(struct exchange *exchange)
{
    const str *headers = exchange->request.headers;
    str encoding = headers[HEADER_TRANSFER_ENCODING], length = headers[HEADER_CONTENT_LENGTH];

    if (encoding.len && length.len) {
        refuse(exchange, FAIL_BAD_DATA, STR("both Transfer-Encoding and Content-Length say where the body ends"));
    } else if (encoding.len && !str_equal_ignore_case(encoding, STR("chunked"))) {
        refuse(exchange, FAIL_NOT_IMPLEMENTED, STR("the only transfer encoding this server knows is chunked"));
    } else if (length.len && !str_to_uint64(length, &exchange->announced_bytes)) {
        refuse(exchange, FAIL_BAD_DATA, STR("the Content-Length is no number"));
    }
    if (exchange->is_refused) exchange->request.response.closes = true;
}

static uint64_t body_bytes_max(const struct exchange *exchange)
{
    const struct server_options *options = &exchange->server->options;

    return exchange->request.route->flags & ROUTE_LARGE ? options->large_bytes_max : options->form_bytes_max;
}

static void refuse_large(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    unsigned long long limit = body_bytes_max(exchange);

    refuse(exchange, FAIL_TOO_LARGE,
           arena_format(&request->arena, "the request body exceeds the %llu bytes limit", limit));
    body_release(&request->body);
}

static void refuse_unknown(struct request *request)
{
    request->response.is_api = false;
    response_header(&request->response, "WWW-Authenticate", STR("Basic"));
    response_fail(&request->response, FAIL_UNAUTHORIZED, STR("Unauthorized"));
}

static void read_head(struct exchange *exchange, const char *method)
{
    struct request *request = &exchange->request;
    struct server *server = exchange->server;

    request->method = method_of(str_from(method));
    MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, on_header, exchange);
    if (!exchange->is_refused) check_framing(exchange);
    if (exchange->is_refused) return;
    request->body.announced_bytes = exchange->announced_bytes;
    enum security_verdict verdict = security_look(server->security, request->headers[HEADER_AUTHORIZATION]);
    exchange->is_unknown = verdict == SECURITY_CHECK;
    if (exchange->is_unknown) request->body.account = &server->unknown_bodies;
    if (atomic_load(&server->stopping)) {
        response_header(&request->response, "X-Prometheus-Stopping", STR("true"));
        refuse(exchange, FAIL_UNAVAILABLE, STR("Service Unavailable"));
    } else if (verdict == SECURITY_REFUSE) {
        refuse_unknown(request);
        exchange->is_refused = true;
    } else if (!dispatch_head(request, server->options.routes, server->options.route_count)) {
        exchange->is_refused = true;
    } else if (exchange->announced_bytes > body_bytes_max(exchange)) {
        refuse_large(exchange);
    }
}

/* A refusal is sent before the body when the client waits for a word, or means to send more than we care to see pass;
 * the connection ends with it then. */
static bool is_refused_at_once(const struct exchange *exchange)
{
    const struct request *request = &exchange->request;

    return exchange->is_refused && (request->response.closes || request->headers[HEADER_EXPECT].len ||
                                    exchange->announced_bytes > UNREAD_BYTES_MAX);
}

static ssize_t on_read(void *context, uint64_t position, char *out, size_t bytes)
{
    size_t count = buffers_take(context, out, bytes);

    (void)position; /* the list is read in order */
    return count ? (ssize_t)count : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_sent(void *context)
{
    buffers_release(context);
    free(context);
}

static ssize_t on_stream_read(void *context, uint64_t position, char *out, size_t bytes)
{
    struct exchange *exchange = context;
    ptrdiff_t taken = stream_take(exchange->stream, out, bytes);

    (void)position;
    if (taken == STREAM_ENDED) return MHD_CONTENT_READER_END_OF_STREAM;
    if (taken == STREAM_BROKEN) return MHD_CONTENT_READER_END_WITH_ERROR;
    exchange->answer_bytes += (size_t)taken;
    if (taken) connection_sent(exchange->connection, (size_t)taken);
    return taken;
}

/* libmicrohttpd lets go of the answer, before or after it tells that the request is completed. */
static void on_stream_left(void *context)
{
    struct exchange *exchange = context;

    stream_leave(exchange->stream);
    leave_exchange(exchange);
}

static struct MHD_Response *make_stream(struct exchange *exchange)
{
    struct MHD_Response *answer;

    atomic_fetch_add(&exchange->users, 1);
    answer =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BUFFER_BYTES, on_stream_read, exchange, on_stream_left);
    if (!answer) on_stream_left(exchange);
    return answer;
}

/* Hands the body over: a small one as it lies, a large one through a reader that frees it as it goes. */
static struct MHD_Response *make_answer(struct response *response)
{
    size_t bytes = response_bytes(response);

    if (bytes == 0) return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!response->body.head) {
        void *data = response->part.data;
        response->part = (struct writer){0};
        return MHD_create_response_from_buffer_with_free_callback(bytes, data, free);
    }
    struct buffers *body = memory_alloc(sizeof *body);
    *body = response->body;
    response->body = (struct buffers){0};
    if (buffers_are_one(body))
        return MHD_create_response_from_buffer_with_free_callback_cls(bytes, body->head->data, on_sent, body);
    return MHD_create_response_from_callback(bytes, BUFFER_BYTES, on_read, body, on_sent);
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    struct response *response = &request->response;
    struct server *server = exchange->server;

    request_enter(request, REQUEST_RENDERED, REQUEST_SENDING);
    if (!exchange->stream) exchange->answer_bytes = response_bytes(response);
    struct MHD_Response *answer = exchange->stream ? make_stream(exchange) : make_answer(response);
    if (!answer) return MHD_NO;
    security_put_headers(server->security, response);
    for (size_t i = 0; i < response->header_count; i++)
        MHD_add_response_header(answer, response->headers[i].name, response->headers[i].value);
    if (response->closes || atomic_load(&server->stopping) || connections_idle(server->connections) > IDLE_KEPT_MAX)
        MHD_add_response_header(answer, "Connection", "close");
    enum MHD_Result outcome = MHD_queue_response(exchange->mhd, response->code, answer);
    MHD_destroy_response(answer);
    return outcome;
}

static enum MHD_Result refuse_now(struct exchange *exchange)
{
    request_enter(&exchange->request, REQUEST_BODY, REQUEST_RENDERED);
    connection_enter(exchange->connection, CONNECTION_ANSWER, &exchange->request);
    return send_answer(exchange);
}

static enum MHD_Result begin(struct exchange *exchange, const char *method, const char *version)
{
    /* The end of a stream would look the same to these clients wherever it breaks off. */
    if (strcmp(version, "HTTP/1.0") == 0) exchange->request.stream_begun = NULL;
    request_enter(&exchange->request, REQUEST_HEAD, REQUEST_BODY);
    connection_enter(exchange->connection, CONNECTION_BODY, &exchange->request);
    read_head(exchange, method);
    return is_refused_at_once(exchange) ? refuse_now(exchange) : MHD_YES;
}

/* A piece of the body. MHD_NO ends the connection. */
static enum MHD_Result take(struct exchange *exchange, const char *data, size_t bytes)
{
    struct request *request = &exchange->request;

    connection_received(exchange->connection, bytes);
    metric_add(&metric_http_received, (int64_t)bytes);
    if (exchange->is_refused) {
        exchange->unread_bytes += bytes;
        return exchange->unread_bytes <= UNREAD_BYTES_MAX ? MHD_YES : MHD_NO;
    }
    if (request->body.count + bytes > body_bytes_max(exchange)) {
        refuse_large(exchange);
    } else if (!body_append(&request->body, data, bytes)) {
        metric_add(&metric_http_refused_body, 1);
        refuse(exchange, FAIL_UNAVAILABLE, STR("request bodies hold too much memory; try again later"));
    }
    return MHD_YES;
}

/* Answers with what the response holds, from a worker. */
static void finish_refused(struct request *request)
{
    request_enter(request, REQUEST_QUEUED, REQUEST_RUNNING);
    response_seal(&request->response);
    request_finish(request);
}

/* On a worker: who passes goes on as if the password had been known. */
static void check_password(void *context)
{
    struct exchange *exchange = context;
    struct request *request = &exchange->request;

    if (!security_check(exchange->server->security, request->headers[HEADER_AUTHORIZATION])) {
        refuse_unknown(request);
        finish_refused(request);
    } else if (exchange->is_refused) {
        finish_refused(request);
    } else {
        dispatch_submit(request);
    }
}

/* Whether it is worth nothing once its client has left. */
static bool is_watched(const struct request *request)
{
    return request->route->place == PLACE_QUERY || request->route->place == PLACE_STREAM;
}

static enum MHD_Result run_unknown(struct exchange *exchange)
{
    struct request *request = &exchange->request;

    request_enter(request, REQUEST_BODY, REQUEST_QUEUED);
    connection_enter(exchange->connection, CONNECTION_WORK, request);
    if (!exchange->is_refused && is_watched(request)) connection_watch(exchange->connection);
    MHD_suspend_connection(exchange->mhd); /* before anyone can resume it */
    if (!workers_submit(exchange->server->checkers, check_password, exchange)) {
        response_fail(&request->response, FAIL_UNAVAILABLE, STR("too many passwords are being checked"));
        finish_refused(request);
    }
    return MHD_YES;
}

/* The request is complete. */
static enum MHD_Result run(struct exchange *exchange)
{
    struct request *request = &exchange->request;

    if (exchange->is_unknown) return run_unknown(exchange);
    if (exchange->is_refused) return refuse_now(exchange);
    request_enter(request, REQUEST_BODY, REQUEST_QUEUED);
    if (request->route->place == PLACE_INLINE) {
        request_enter(request, REQUEST_QUEUED, REQUEST_RUNNING);
        dispatch_run(request);
        request_enter(request, REQUEST_RUNNING, REQUEST_RENDERED);
        connection_enter(exchange->connection, CONNECTION_ANSWER, request);
        return send_answer(exchange);
    }
    connection_enter(exchange->connection, CONNECTION_WORK, request);
    if (is_watched(request)) connection_watch(exchange->connection);
    MHD_suspend_connection(exchange->mhd); /* before anyone can resume it */
    dispatch_submit(request);
    return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *data, size_t *bytes, void **state)
{
    struct exchange *exchange = *state;

    (void)context, (void)mhd, (void)url;
    switch ((enum request_state)atomic_load(&exchange->request.state)) {
    case REQUEST_HEAD: return begin(exchange, method, version);
    case REQUEST_BODY:
        if (*bytes) {
            enum MHD_Result outcome = take(exchange, data, *bytes);
            *bytes = 0;
            return outcome;
        }
        return run(exchange);
    case REQUEST_RENDERED: return send_answer(exchange);
    case REQUEST_QUEUED:
    case REQUEST_RUNNING:
    case REQUEST_SENDING:
    case REQUEST_DONE: break;
    }
    assert(false && "a request is looked at while it belongs to someone else");
    return MHD_NO;
}

/* The request has ended, well or not; what libmicrohttpd says of it is `is_sent`. */
static void end_exchange(struct exchange *exchange, bool is_sent)
{
    struct request *request = &exchange->request;
    bool was_answered = atomic_exchange(&request->state, REQUEST_DONE) == REQUEST_SENDING;

    connection_enter(exchange->connection, CONNECTION_IDLE, NULL);
    if (exchange->stream && !was_answered) stream_leave(exchange->stream);
    if (is_sent) metric_add(&metric_http_sent, (int64_t)exchange->answer_bytes);
    http_count_request(request->route ? request->route->id : ROUTE_OTHER, was_answered ? request->response.code : 400,
                       clock_monotonic_ns() - request->started_ns);
    leave_exchange(exchange);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *state;

    (void)context, (void)mhd;
    if (!exchange) return;
    *state = NULL;
    end_exchange(exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    const struct listener *listener = context;
    struct server *server = listener->server;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        if (listener->web.tls.enabled) tls_begin(&listener->web.tls, mhd);
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = connections_add(server->connections, info->connect_fd);
    } else {
        /* Of some malformed heads we hear that they begin, but not that they end. */
        struct exchange *exchange = connection_request(*socket_context);
        if (exchange) end_exchange(exchange, false);
        connections_remove(*socket_context);
    }
}

/* Paths and parameters stay as they were sent: we decode them ourselves, after splitting. */
static size_t on_unescape(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context, (void)mhd;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format, va_list args)
{
    char text[256];

    (void)context;
    vsnprintf(text, sizeof text, format, args);
    log_debug("libmicrohttpd", "text=%s", LOG_QUOTED(str_trim(str_from(text))));
}

static status start_daemon(struct server *server, struct listener *listener)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[TLS_OPTIONS_MAX + 1] = {{MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, server}, /* must be the first */
        {MHD_OPTION_LISTEN_SOCKET, server->socket, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, SERVER_THREADS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, server->options.connections_max, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, server->options.address_connections_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, server->options.idle_seconds, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_unescape, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, listener},
        {MHD_OPTION_END, 0, NULL},
    };

    if (listener->web.tls.enabled) {
        flags |= MHD_USE_TLS;
        tls[tls_options(&listener->web.tls, tls, &listener->arena)] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    }
    listener->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_ARRAY, options,
                                        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    return listener->daemon ? ok() : status_make(STATUS_UNAVAILABLE, "can not start the HTTP server");
}

static void free_listener(struct listener *listener)
{
    if (listener->daemon) MHD_stop_daemon(listener->daemon);
    arena_release(&listener->arena);
    free(listener);
}

static struct tls_config copy_tls(const struct tls_config *tls, struct arena *arena)
{
    struct tls_config copy = *tls;
    str *sans = arena_array(arena, str, tls->client_san_count);

    copy.certificate = arena_copy_str(arena, tls->certificate);
    copy.key = arena_copy_str(arena, tls->key);
    copy.client_ca = arena_copy_str(arena, tls->client_ca);
    for (size_t i = 0; i < tls->client_san_count; i++) sans[i] = arena_copy_str(arena, tls->client_sans[i]);
    copy.client_sans = sans;
    return copy;
}

/* A listener that accepts in place of the present ones. */
static status add_listener(struct server *server, const struct tls_config *tls)
{
    struct listener *listener = memory_zalloc(sizeof *listener);
    status s = tls_check(tls);

    listener->server = server;
    listener->next = server->listeners;
    listener->web.tls = copy_tls(tls, &listener->arena);
    if (!failed(s)) s = start_daemon(server, listener);
    if (failed(s)) {
        free_listener(listener);
        return s;
    }
    if (server->listeners) MHD_quiesce_daemon(server->listeners->daemon);
    server->listeners = listener;
    return ok();
}

/* Listeners that have seen their last connection to its end. */
static void drop_unused_listeners(struct server *server)
{
    for (struct listener **place = &server->listeners->next; *place;) {
        struct listener *listener = *place;
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        if (!info || info->num_connections > 0) {
            place = &listener->next;
            continue;
        }
        *place = listener->next;
        free_listener(listener);
    }
}

status server_set_web_config(struct server *server, const struct web_config *web)
{
    drop_unused_listeners(server);
    if (!web_config_same_tls(&server->listeners->web, web)) TRY(add_listener(server, &web->tls));
    security_set(server->security, web);
    return ok();
}

status server_open(const struct server_options *options, struct server **out)
{
    struct server *server = memory_zalloc(sizeof *server);
    struct connections_options deadlines = options->deadlines;
    const struct web_config none = {0}, *web = options->web ? options->web : &none;
    status s;

    server->options = *options;
    server->socket = -1;
    server->security = security_new();
    account_init(&server->unknown_bodies, options->large_bytes_max, NULL);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->none_active, NULL);
    signal(SIGPIPE, SIG_IGN);
    deadlines.hang_up = hang_up;
    if (failed(s = listen_open(options->listen_address, &server->socket, server->address, &server->port))) goto fail;
    if (failed(s = connections_open(&deadlines, &server->connections))) goto fail;
    if (failed(s = workers_open("password", 1, CHECKS_MAX, &server->checkers))) goto fail;
    security_set(server->security, web);
    if (failed(s = add_listener(server, &web->tls))) goto fail;
    *out = server;
    return ok();
fail:
    workers_close(server->checkers);
    security_free(server->security);
    connections_close(server->connections);
    if (server->socket >= 0) close(server->socket);
    pthread_cond_destroy(&server->none_active);
    pthread_mutex_destroy(&server->mutex);
    free(server);
    return s;
}

const char *server_address(const struct server *server)
{
    return server->address;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

bool server_is_loopback(const struct server *server)
{
    return listen_is_loopback(server->socket);
}

/* Waits until no request is active; false when the time is over before. */
static bool wait_for_requests(struct server *server, int64_t wait_ms)
{
    struct timespec end;
    int outcome = 0;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += wait_ms / 1000;
    end.tv_nsec += wait_ms % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&server->mutex);
    while (server->active && outcome == 0)
        outcome = pthread_cond_clockwait(&server->none_active, &server->mutex, CLOCK_MONOTONIC, &end);
    bool none = server->active == 0;
    pthread_mutex_unlock(&server->mutex);
    return none;
}

void server_close(struct server *server, int64_t grace_ms)
{
    atomic_store(&server->stopping, true);
    MHD_quiesce_daemon(server->listeners->daemon);
    shutdown(server->socket, SHUT_RDWR); /* nobody waits in its queue for an answer that will not come */
    if (!wait_for_requests(server, grace_ms)) {
        log_warn("requests canceled", "reason=\"the server stops\"");
        do connections_end_all(server->connections);
        while (!wait_for_requests(server, END_AGAIN_MS));
    }
    while (server->listeners) {
        struct listener *listener = server->listeners;
        server->listeners = listener->next;
        free_listener(listener);
    }
    close(server->socket);
    workers_close(server->checkers);
    security_free(server->security);
    connections_close(server->connections);
    pthread_cond_destroy(&server->none_active);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}
