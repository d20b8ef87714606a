/* What tests of the http layer stand on; see harness.h. */
#include "tests/http/harness.h"

#include "http/config.h"
#include "tests/http/appender.h"
#include "tests/http/message.h"
#include "tests/support/must.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <snappy-c.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { QUERY_THREADS = 2, QUERY_QUEUE_MAX = 16 };

static const char few[] = "up{instance=\"b\",job=\"node\"} _ 2\n"
                          "up{instance=\"a\",job=\"node\"} _ 1.5\n"
                          "http_requests_total{\"a.b/c\"=\"\\\"x\\\"\",job=\"api\"} _ 7\n";

static const struct append_metadata few_metadata[] = {
    {METRIC_COUNTER, STR("http_requests_total"), STR("All \"requests\"."), STR("")},
    {METRIC_GAUGE_HISTOGRAM, STR("sizes"), STR(""), STR("bytes")},
    {METRIC_GAUGE, STR("up"), STR("Whether it is."), STR("")},
};

void site_engine(struct site *site, const struct engine_options *options)
{
    fixture_engine(&site->fixture, options);
    site->services.engine = site->fixture.engine;
}

void site_open(struct site *site)
{
    struct engine_options options = engine_options_default();
    str rest[1];
    size_t rest_count;

    *site = (struct site){0};
    account_init(&site->bodies, 64 << 20, NULL);
    account_init(&site->answers, 256 << 20, NULL);
    arena_init(&site->arena, NULL);
    pthread_mutex_init(&site->arena_mutex, NULL);
    fixture_open(&site->fixture, QUERY_THREADS, 0);
    options.threads = QUERY_THREADS;
    options.queue_max = QUERY_QUEUE_MAX;
    options.query_bytes_max = options.total_bytes_max = 1 << 30;
    site_engine(site, &options);
    must(options_parse(COMMAND_SERVE, 0, NULL, &site->settings, rest, &rest_count));
    site->services.db = site->fixture.db;
    site->services.ingest = ingest_new(db_append);
    site->services.bodies = &site->bodies;
    site->services.answers = &site->answers;
    site->services.settings = &site->settings;
    struct config *config;
    must(config_load(STR(""), &config));
    site->services.config = config_holder_new(config);
    site->services.route_prefix = STR("");
    site->services.started_ms = 1787000000000;
    must(workers_open("ingest", 2, 16, &site->services.ingest_workers));
    must(workers_open("service", 1, 16, &site->services.service_workers));
    must(workers_open("stream", 2, 16, &site->services.stream_workers));
}

void site_load_few(struct site *site)
{
    struct append_batch batch = {.metadata = few_metadata,
                                 .metadata_count = sizeof few_metadata / sizeof few_metadata[0]};
    struct append_result result = {0};

    fixture_load(&site->fixture, 1000, few);
    must(db_append_wait(site->services.db, &batch, &result));
}

void site_load_many(struct site *site)
{
    char line[64];

    for (int i = 0; i < SITE_MANY; i++) {
        snprintf(line, sizeof line, "many{i=\"%d\"} 0", i);
        fixture_load(&site->fixture, 1000, line);
    }
}

void site_stand_in(struct site *site)
{
    ingest_free(site->services.ingest);
    appender_reset();
    site->services.ingest = ingest_new(appender_append);
}

void site_close(struct site *site)
{
    workers_close(site->services.ingest_workers);
    workers_close(site->services.service_workers);
    workers_close(site->services.stream_workers);
    ingest_free(site->services.ingest);
    config_holder_free(site->services.config);
    fixture_close(&site->fixture);
    arena_release(&site->arena);
    pthread_mutex_destroy(&site->arena_mutex);
    cr_expect(site->bodies.used_bytes == 0, "%zu bytes of bodies are still charged", (size_t)site->bodies.used_bytes);
    cr_expect(site->answers.used_bytes == 0, "%zu bytes of answers are still charged",
              (size_t)site->answers.used_bytes);
    appender_reset();
}

struct bare_call {
    struct request request; /* first: on_finished casts */
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    bool is_finished;
};

static void on_finished(struct request *request)
{
    struct bare_call *call = (struct bare_call *)request;

    pthread_mutex_lock(&call->mutex);
    call->is_finished = true;
    pthread_cond_signal(&call->finished);
    pthread_mutex_unlock(&call->mutex);
}

static void note_headers(struct request *request, str text)
{
    while (text.len) {
        str value = str_cut(&text, '\n');
        str name = str_cut(&value, ':');
        cr_assert(request_note_header(request, name, str_trim(value)));
    }
}

static struct reply reply_of(struct response *response, struct arena *arena)
{
    struct reply reply = {.code = response->code, .head = STR("")};
    size_t bytes = response_bytes(response);
    char *body = arena_alloc(arena, bytes + 1);

    memcpy(body, response->part.data ? response->part.data : (const uint8_t *)"", response->part.count);
    buffers_take(&response->body, body + response->part.count, bytes - response->part.count);
    for (size_t i = 0; i < response->header_count; i++)
        reply.head = arena_format(arena, "%.*s%s: %s\n", STR_ARG(reply.head), response->headers[i].name,
                                  response->headers[i].value);
    reply.body = str_make(body, bytes);
    return reply;
}

struct reply site_call(struct site *site, const char *method, const char *target, const char *headers, str body)
{
    struct bare_call call = {0};
    struct request *request = &call.request;
    size_t route_count;
    const struct route *routes = routes_all(&route_count);

    pthread_mutex_init(&call.mutex, NULL);
    pthread_cond_init(&call.finished, NULL);
    request_init(request, str_from(target), &site->bodies, &site->answers);
    request->method = method_of(str_from(method));
    request->services = &site->services;
    request->finished = on_finished;
    note_headers(request, str_from(headers));
    if (dispatch_head(request, routes, route_count)) {
        cr_assert(body_append(&request->body, body.data, body.len));
        atomic_store(&request->state, REQUEST_QUEUED);
        dispatch_submit(request);
        pthread_mutex_lock(&call.mutex);
        while (!call.is_finished) pthread_cond_wait(&call.finished, &call.mutex);
        pthread_mutex_unlock(&call.mutex);
    }
    pthread_mutex_lock(&site->arena_mutex);
    struct reply reply = reply_of(&request->response, &site->arena);
    pthread_mutex_unlock(&site->arena_mutex);
    request_release(request);
    pthread_cond_destroy(&call.finished);
    pthread_mutex_destroy(&call.mutex);
    return reply;
}

struct reply site_get(struct site *site, const char *target)
{
    return site_call(site, "GET", target, NULL, STR(""));
}

str reply_header(const struct reply *reply, const char *name)
{
    str head = reply->head;

    while (head.len) {
        str value = str_cut(&head, '\n');
        if (str_equal_ignore_case(str_cut(&value, ':'), str_from(name))) return str_trim(value);
    }
    return STR("");
}

bool contains(str text, const char *part)
{
    return text.len && memmem(text.data, text.len, part, strlen(part)) != NULL;
}

str gunzip(str text, struct arena *arena)
{
    enum { ROOM = 64 << 20 };
    z_stream zlib = {0};
    char *out = memory_alloc(ROOM);

    cr_assert(inflateInit2(&zlib, 15 + 16) == Z_OK);
    zlib.next_in = (Bytef *)(uintptr_t)text.data;
    zlib.avail_in = (uInt)text.len;
    zlib.next_out = (Bytef *)out;
    zlib.avail_out = ROOM;
    int outcome = inflate(&zlib, Z_FINISH);
    cr_assert(outcome == Z_STREAM_END && zlib.avail_in == 0, "gzip stream is not complete: %d", outcome);
    str plain = arena_copy_str(arena, str_make(out, zlib.total_out));
    inflateEnd(&zlib);
    free(out);
    return plain;
}

static void put_label(struct writer *series, str name, str value)
{
    struct writer label = {0};

    put_text(&label, 1, name);
    put_text(&label, 2, value);
    put_message(series, 1, &label);
}

str write_body(size_t series, struct arena *arena)
{
    struct writer request = {0};

    for (size_t i = 0; i < series; i++) {
        struct writer message = {0}, sample = {0};
        char text[32];
        snprintf(text, sizeof text, "series-%zu", i);
        put_label(&message, METRIC_NAME, STR("up"));
        put_label(&message, STR("instance"), str_from(text));
        put_double(&sample, 1, (double)i);
        put_varint(&sample, 2, 1787000000000);
        put_message(&message, 2, &sample);
        put_message(&request, 1, &message);
    }
    size_t bytes = snappy_max_compressed_length(request.count);
    char *body = arena_alloc(arena, bytes);
    snappy_compress((const char *)request.data, request.count, body, &bytes);
    writer_release(&request);
    return str_make(body, bytes);
}

struct server *site_serve(struct site *site, struct server_options options)
{
    struct server *server = NULL;

    options.listen_address = STR("127.0.0.1:0");
    options.services = &site->services;
    if (!options.routes) options.routes = routes_all(&options.route_count);
    status s = server_open(&options, &server);
    cr_assert(!failed(s), "%s", s.text);
    return server;
}

int wire_connect(const struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

void wire_send(int fd, const char *data, size_t bytes)
{
    while (bytes) {
        ssize_t sent = send(fd, data, bytes, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the other side has had enough; the test sees it in the reply */
        data += sent;
        bytes -= (size_t)sent;
    }
}

void wire_text(int fd, const char *text)
{
    wire_send(fd, text, strlen(text));
}

static bool wait_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, 1, 10000) == 1;
}

/* Reads byte by byte up to the empty line, so that a next reply stays in the socket. */
static str read_head(int fd, struct arena *arena)
{
    struct writer head = {0};
    uint8_t byte;

    while (wait_readable(fd) && recv(fd, &byte, 1, 0) == 1) {
        if (byte != '\r') writer_u8(&head, byte);
        if (head.count >= 2 && memcmp(head.data + head.count - 2, "\n\n", 2) == 0) break;
    }
    str text = arena_copy_str(arena, str_make((const char *)head.data, head.count));
    writer_release(&head);
    return text;
}

struct reply wire_reply(int fd, struct arena *arena)
{
    struct reply reply = {0};
    uint64_t bytes = 0, code = 0;

    reply.head = read_head(fd, arena);
    str line = str_cut(&reply.head, '\n');
    str_cut(&line, ' ');
    str_to_uint64(str_cut(&line, ' '), &code);
    reply.code = (unsigned)code;
    str_to_uint64(reply_header(&reply, "Content-Length"), &bytes);
    char *body = arena_alloc(arena, bytes);
    size_t got = 0;
    while (got < bytes && wait_readable(fd)) {
        ssize_t count = recv(fd, body + got, bytes - got, 0);
        if (count <= 0) break;
        got += (size_t)count;
    }
    reply.body = str_make(body, got);
    return reply;
}

bool wire_ends(int fd)
{
    char byte;

    while (wait_readable(fd)) {
        if (recv(fd, &byte, 1, 0) <= 0) return true;
    }
    return false;
}
