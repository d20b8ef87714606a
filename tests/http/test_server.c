/* The server end to end, on a free port of the loopback, with raw sockets where a client library is too polite. */
#include "http/metrics.h"
#include "http/server.h"
#include "tests/http/appender.h"
#include "tests/http/harness.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A site with its server, and one connection to it. */
struct stage {
    struct site site;
    struct server *server;
    int socket;
};

static void stage_open(struct stage *stage, const struct server_options *options)
{
    site_open(&stage->site);
    stage->server = site_serve(&stage->site, *options);
    stage->socket = wire_connect(stage->server);
}

static void stage_close(struct stage *stage)
{
    close(stage->socket);
    server_close(stage->server, 5000);
    site_close(&stage->site);
}

/* Sends the text on the stage's connection; the reply. */
static struct reply ask(struct stage *stage, const char *text)
{
    wire_text(stage->socket, text);
    return wire_reply(stage->socket, &stage->site.arena);
}

#define HEALTHY "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"

static bool is_alive(struct stage *stage)
{
    struct reply reply = ask(stage, HEALTHY);

    return reply.code == 200 && str_equal(reply.body, STR("Varve is Healthy.\n"));
}

static struct server_options impatient(void)
{
    struct server_options options = server_options_default();

    options.deadlines = (struct connections_options){.head_ms = 300,
                                                     .body_ms = 300,
                                                     .body_bytes_per_second = 1 << 20,
                                                     .answer_ms = 300,
                                                     .stream_ms = 300,
                                                     .stream_bytes = 1 << 20,
                                                     .tick_ms = 50};
    return options;
}

Test(server, answers)
{
    struct stage stage;
    struct server_options options = server_options_default();

    stage_open(&stage, &options);
    cr_expect(server_is_loopback(stage.server) && server_port(stage.server) != 0);
    for (int i = 0; i < 3; i++) cr_expect(is_alive(&stage), "the connection is kept");
    struct reply reply = ask(&stage, "GET /api/v1/query?query=1&time=4 HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(reply.code == 200 && contains(reply.body, "\"resultType\":\"scalar\""));
    cr_expect(is_alive(&stage));
    wire_text(stage.socket, "HEAD /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 200 && str_equal(reply_header(&reply, "Content-Length"), STR("18")));
    cr_expect(reply.body.len == 0, "HEAD has no body");
    stage_close(&stage);
}

Test(server, pipelined_requests_are_answered_in_order)
{
    struct stage stage;
    struct server_options options = server_options_default();

    stage_open(&stage, &options);
    wire_text(stage.socket, "GET /api/v1/query?query=%22s%22&time=1 HTTP/1.1\r\nHost: x\r\n\r\n" HEALTHY
                            "POST /api/v1/query?time=2 HTTP/1.1\r\nHost: x\r\nContent-Type: "
                            "application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nquery=\"s\""
                            "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    struct reply reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 200 && contains(reply.body, "[1,\"s\"]"));
    reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 200 && contains(reply.body, "Healthy"));
    reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 200 && contains(reply.body, "[2,\"s\"]"));
    reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 404);
    stage_close(&stage);
}

/* request; the code; whether the connection ends after it */
static const struct {
    const char *name, *request;
    unsigned code;
    bool ends;
} requests[] = {
    {"no host", "GET /-/healthy HTTP/1.1\r\n\r\n", 400, true},
    {"version 1.0", "GET /-/healthy HTTP/1.0\r\n\r\n", 200, true},
    {"wants an end", "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, true},
    {"chunked",
     "POST /api/v1/query?time=4 HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
     "Transfer-Encoding: chunked\r\n\r\n5\r\nquery\r\n7\r\n=1%2B11\r\n0\r\n\r\n",
     200, false},
    {"chunk without a size",
     "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nquery\r\n0\r\n\r\n", 400,
     true},
    {"chunk longer than it says",
     "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nquery\r\n0\r\n\r\n", 400, true},
    {"chunk size overflow",
     "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 413, true},
    {"other transfer encoding",
     "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, true},
    {"two framings",
     "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400,
     true},
    {"two lengths", "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nquery",
     400, true},
    {"bad length", "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n", 400, true},
    {"negative length", "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400, true},
    {"huge length", "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413,
     true},
    {"refused with a body", "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nquery", 404, false},
    {"refused, and the client waits",
     "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 404, true},
    {"body over the limit", "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n12345678901234567890",
     413, false},
    {"chunked body over the limit",
     "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n12345678901234567890\r\n"
     "0\r\n\r\n",
     413, false},
    {"body far over the limit, announced",
     "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n", 413, true},
    {"write over its limit",
     "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n123456789012345678901234567890", 413, false},
    {"write with another encoding",
     "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Encoding: zstd\r\nContent-Length: 5\r\n\r\n12345", 415, false},
    {"get with a body", "GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345", 200, false},
    {"options", "OPTIONS /api/v1/query HTTP/1.1\r\nHost: x\r\nOrigin: y\r\n\r\n", 204, false},
};

Test(server, requests)
{
    struct server_options options = server_options_default();

    options.form_bytes_max = 15;
    options.large_bytes_max = 25;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct stage stage;
        stage_open(&stage, &options);
        struct reply reply = ask(&stage, requests[i].request);
        cr_expect(reply.code == requests[i].code, "%s: %u %.*s", requests[i].name, reply.code, STR_ARG(reply.body));
        if (requests[i].ends) {
            cr_expect(wire_ends(stage.socket), "%s", requests[i].name);
        } else {
            cr_expect(is_alive(&stage), "%s: the connection goes on", requests[i].name);
        }
        stage_close(&stage);
    }
}

Test(server, heads_have_a_size)
{
    struct stage stage;
    struct server_options options = server_options_default();
    enum { LONG = 70000 };
    char *text = memory_alloc(LONG + 1);

    memset(text, 'a', LONG);
    text[LONG] = 0;
    stage_open(&stage, &options);
    wire_text(stage.socket, "GET /-/healthy HTTP/1.1\r\nHost: x\r\nCookie: ");
    struct reply reply = ask(&stage, text);
    cr_expect(reply.code == 431, "%u", reply.code);
    cr_expect(wire_ends(stage.socket));
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    wire_text(stage.socket, "GET /");
    reply = ask(&stage, text);
    cr_expect(reply.code == 414 || reply.code == 431, "%u", reply.code);
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    wire_text(stage.socket, "GET /-/healthy?x=");
    wire_send(stage.socket, text, 20000);
    reply = ask(&stage, " HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(reply.code == 200, "a long query is fine");
    free(text);
    stage_close(&stage);
}

Test(server, slow_clients_are_ended)
{
    struct stage stage;
    struct server_options options = impatient();
    int64_t before = metric_get(&metric_http_deadlines);

    stage_open(&stage, &options);
    wire_text(stage.socket, "GET /-/hea");
    cr_expect(wire_ends(stage.socket), "a head that does not come to its end");
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    wire_text(stage.socket, "GET /-/healthy HTTP/1.1\r\nHost: x\r\nCook");
    cr_expect(wire_ends(stage.socket), "neither do its headers");
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    wire_text(stage.socket, "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nquery=");
    cr_expect(wire_ends(stage.socket), "a body");
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    cr_expect(is_alive(&stage));
    wire_text(stage.socket, "G");
    cr_expect(wire_ends(stage.socket), "the head of a second request");
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    cr_expect(metric_get(&metric_http_deadlines) == before + 4);
    stage_close(&stage);
}

Test(server, idle_connections_are_not)
{
    struct stage stage;
    struct server_options options = impatient();

    stage_open(&stage, &options);
    int other = wire_connect(stage.server);
    cr_expect(is_alive(&stage));
    usleep(1000 * 1000); /* three deadlines */
    cr_expect(is_alive(&stage));
    close(stage.socket);
    stage.socket = other;
    cr_expect(is_alive(&stage), "one that has never said anything");
    stage_close(&stage);
}

/* As much body as arrives may take longer than the deadline, as long as it comes fast enough. */
Test(server, a_steady_body_may_take_its_time)
{
    struct stage stage;
    struct server_options options = impatient();
    char piece[1000];

    memset(piece, 'x', sizeof piece);
    options.deadlines.body_bytes_per_second = 1000;
    stage_open(&stage, &options);
    wire_text(stage.socket, "POST /api/v1/query?query=%22s%22 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        wire_send(stage.socket, piece, sizeof piece);
        usleep(10000);
    }
    struct reply reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 200, "%u", reply.code);
    stage_close(&stage);
}

/* 400 series of 10,000 points. */
#define LARGE                                                                                                        \
    "GET /api/v1/query_range?query=many*0%2Btime()*0.1&lookback_delta=1d&start=0&end=9999&step=1 HTTP/1.1\r\nHost: " \
    "x\r\n\r\n"

Test(server, large_answers)
{
    struct stage stage;
    struct server_options options = server_options_default();

    stage_open(&stage, &options);
    site_load_many(&stage.site);
    struct reply reply = ask(&stage, LARGE);
    cr_assert(reply.code == 200);
    cr_expect(reply.body.len > 50 << 20 && str_ends_with(reply.body, STR("[9999,\"999.9000000000001\"]]}]}}")), "%.*s",
              STR_ARG(str_part(reply.body, reply.body.len - 40, 40)));
    cr_expect(is_alive(&stage));
    cr_expect(stage.site.answers.used_bytes == 0);
    stage_close(&stage);
}

Test(server, readers_who_do_not_read_are_ended)
{
    struct stage stage;
    struct server_options options = impatient();
    int64_t before = metric_get(&metric_http_deadlines);

    stage_open(&stage, &options);
    site_load_many(&stage.site);
    wire_text(stage.socket, LARGE);
    for (int i = 0; i < 1000 && metric_get(&metric_http_deadlines) == before; i++) usleep(10000);
    cr_expect(metric_get(&metric_http_deadlines) == before + 1);
    for (int i = 0; i < 1000 && stage.site.answers.used_bytes; i++) usleep(10000);
    cr_expect(stage.site.answers.used_bytes == 0);
    stage_close(&stage);
}

Test(server, hanging_up_cancels_the_query)
{
    struct stage stage;
    struct server_options options = server_options_default();
    int64_t before = metric_get(&metric_http_hang_ups);

    stage_open(&stage, &options);
    for (int how = 0; how < 2; how++) {
        int socket = wire_connect(stage.server);
        wire_text(socket, "GET " SLOW_QUERY " HTTP/1.1\r\nHost: x\r\n\r\n");
        usleep(50000);
        if (how == 0) shutdown(socket, SHUT_WR);
        close(socket);
        for (int i = 0; i < 6000 && metric_get(&metric_http_hang_ups) < before + how + 1; i++) usleep(10000);
        cr_expect(metric_get(&metric_http_hang_ups) == before + how + 1);
    }
    /* the queries would run for minutes */
    for (int i = 0; i < 6000 && metric_get(&metric_http_suspended); i++) usleep(10000);
    cr_expect(metric_get(&metric_http_suspended) == 0);
    cr_expect(is_alive(&stage));
    stage_close(&stage);
}

/* libmicrohttpd gives up on such a head without a word about the request that it had announced. */
Test(server, more_cookies_than_fit)
{
    struct stage stage;
    struct server_options options = server_options_default();
    struct writer head = {0};

    stage_open(&stage, &options);
    str begin = STR("GET /-/healthy HTTP/1.1\r\nHost: x\r\nCookie: ");
    writer_bytes(&head, begin.data, begin.len);
    for (int i = 0; i < 1024; i++) writer_bytes(&head, "a=b;", 4);
    writer_bytes(&head, "\r\n\r\n", 4);
    wire_send(stage.socket, (const char *)head.data, head.count);
    cr_expect(wire_ends(stage.socket));
    writer_release(&head);
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    cr_expect(is_alive(&stage));
    stage_close(&stage); /* waits for no request that has gone */
}

Test(server, leaving_at_any_moment_is_fine)
{
    struct stage stage;
    struct server_options options = server_options_default();
    const char *request = "POST /api/v1/query?time=1 HTTP/1.1\r\nHost: x\r\nContent-Type: "
                          "application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nquery=\"s\"";

    stage_open(&stage, &options);
    for (size_t bytes = 0; bytes <= strlen(request); bytes++) {
        int socket = wire_connect(stage.server);
        wire_send(socket, request, bytes);
        close(socket);
    }
    cr_expect(is_alive(&stage));
    for (int i = 0; i < 1000 && metric_get(&metric_http_connections) > 1; i++) usleep(10000);
    cr_expect(metric_get(&metric_http_connections) == 1, "%d remain", (int)metric_get(&metric_http_connections));
    stage_close(&stage);
}

Test(server, bodies_have_a_budget)
{
    struct stage stage;
    struct server_options options = server_options_default();
    char piece[1000];

    memset(piece, 'x', sizeof piece);
    stage_open(&stage, &options);
    stage.site.bodies.limit_bytes = 100000;
    int other = wire_connect(stage.server);
    wire_text(other, "POST /api/v1/query?query=%22s%22 HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
    for (int i = 0; i < 89; i++) wire_send(other, piece, 1000);
    for (int i = 0; i < 500 && stage.site.bodies.used_bytes < 89000; i++) usleep(10000);
    wire_text(stage.socket, "POST /api/v1/query?query=%22s%22 HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n");
    for (int i = 0; i < 50; i++) wire_send(stage.socket, piece, 1000);
    struct reply reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 503 && str_equal(reply_header(&reply, "Retry-After"), STR("1")), "%u", reply.code);
    cr_expect(is_alive(&stage));
    wire_send(other, piece, 1000);
    reply = wire_reply(other, &stage.site.arena);
    cr_expect(reply.code == 200, "who was first is served: %u", reply.code);
    close(other);
    stage_close(&stage);
}

Test(server, many_idle_connections)
{
    struct stage stage;
    struct server_options options = server_options_default();
    enum { MANY = 1000 };
    int sockets[MANY];

    options.connections_max = 2000;
    stage_open(&stage, &options);
    cr_expect(is_alive(&stage));
    for (int i = 0; i < MANY; i++) sockets[i] = wire_connect(stage.server);
    for (int i = 0; i < 500 && metric_get(&metric_http_connections) < MANY + 1; i++) usleep(10000);
    cr_expect(metric_get(&metric_http_connections) == MANY + 1);
    struct reply reply = ask(&stage, HEALTHY);
    cr_expect(reply.code == 200 && str_equal(reply_header(&reply, "Connection"), STR("close")),
              "answers end their connections now");
    cr_expect(wire_ends(stage.socket));
    for (int i = 0; i < MANY; i++) close(sockets[i]);
    for (int i = 0; i < 500 && metric_get(&metric_http_connections) > 0; i++) usleep(10000);
    cr_expect(metric_get(&metric_http_connections) == 0);
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    reply = ask(&stage, HEALTHY);
    cr_expect(reply.code == 200 && reply_header(&reply, "Connection").len == 0);
    stage_close(&stage);
}

Test(server, connections_beyond_the_limit_wait)
{
    struct stage stage;
    struct server_options options = server_options_default();
    enum { LIMIT = 8 };
    int sockets[2 * LIMIT];

    options.connections_max = LIMIT;
    stage_open(&stage, &options);
    for (int i = 0; i < 2 * LIMIT; i++) {
        sockets[i] = wire_connect(stage.server);
        wire_text(sockets[i], HEALTHY);
    }
    usleep(300000);
    cr_expect(metric_get(&metric_http_connections) <= LIMIT, "%d", (int)metric_get(&metric_http_connections));
    close(stage.socket);
    for (int i = 0; i < 2 * LIMIT; i++) {
        struct reply reply = wire_reply(sockets[i], &stage.site.arena);
        cr_expect(reply.code == 200, "connection %d: %u", i, reply.code);
        close(sockets[i]);
    }
    stage.socket = wire_connect(stage.server);
    stage_close(&stage);
}

/* More from one address than it may have are closed without an answer; when one goes, there is room again. */
Test(server, connections_of_one_address_have_a_limit)
{
    struct stage stage;
    struct server_options options = server_options_default();
    enum { LIMIT = 4 };
    int sockets[LIMIT];

    options.address_connections_max = LIMIT;
    stage_open(&stage, &options);
    cr_expect(is_alive(&stage));
    for (int i = 1; i < LIMIT; i++) {
        sockets[i] = wire_connect(stage.server);
        wire_text(sockets[i], HEALTHY);
        cr_expect(wire_reply(sockets[i], &stage.site.arena).code == 200, "connection %d", i);
    }
    int further = wire_connect(stage.server);
    wire_text(further, HEALTHY);
    cr_expect(wire_ends(further));
    close(further);
    cr_expect(is_alive(&stage), "those before it go on");
    close(sockets[1]);
    bool served = false;
    for (int i = 0; i < 500 && !served; i++) {
        char byte;
        sockets[1] = wire_connect(stage.server);
        wire_text(sockets[1], HEALTHY);
        served = recv(sockets[1], &byte, 1, MSG_PEEK) == 1;
        if (!served) close(sockets[1]), usleep(10000);
    }
    cr_expect(served);
    for (int i = 1; i < LIMIT; i++) close(sockets[i]);
    stage_close(&stage);
}

static size_t discard(char *data, size_t size, size_t count, void *context)
{
    (void)data, (void)context;
    return size * count;
}

/* One writer: a hundred requests over one connection. */
static void *write_often(void *context)
{
    struct stage *stage = context;
    struct arena arena = {0};
    str body = write_body(200, &arena);
    char url[64];
    size_t *stored = memory_zalloc(sizeof *stored);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Encoding: snappy");

    headers = curl_slist_append(headers, "Content-Type: application/x-protobuf");
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/write", server_port(stage->server));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    for (int i = 0; i < 100; i++) {
        long code = 0;
        if (curl_easy_perform(curl) != CURLE_OK) break;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
        *stored += code == 204;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    arena_release(&arena);
    return stored;
}

Test(server, writers_in_parallel)
{
    struct stage stage;
    struct server_options options = server_options_default();
    pthread_t threads[4];
    size_t total = 0;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    stage_open(&stage, &options);
    int64_t before = metric_get(&metric_ingest_stored) + metric_get(&metric_ingest_repeated);
    for (int i = 0; i < 4; i++) cr_assert(pthread_create(&threads[i], NULL, write_often, &stage) == 0);
    for (int i = 0; i < 4; i++) {
        void *stored;
        pthread_join(threads[i], &stored);
        total += *(size_t *)stored;
        free(stored);
    }
    cr_expect(total == 400, "%zu", total);
    int64_t after = metric_get(&metric_ingest_stored) + metric_get(&metric_ingest_repeated);
    cr_expect(after - before == 400 * 200, "%lld", (long long)(after - before));
    struct reply reply = ask(&stage, "GET /api/v1/query?query=count(up)&time=1787000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(contains(reply.body, "[1787000000,\"200\"]"), "%.*s", STR_ARG(reply.body));
    stage_close(&stage);
    curl_global_cleanup();
}

#define WRITE_HEAD "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Encoding: snappy\r\nContent-Length: "

static void send_write(int socket, struct arena *arena)
{
    str body = write_body(3, arena);
    char head[256];

    snprintf(head, sizeof head, WRITE_HEAD "%zu\r\n\r\n", body.len);
    wire_text(socket, head);
    wire_send(socket, body.data, body.len);
}

static void wait_for_appends(size_t count)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&appender.mutex);
        bool there = appender.appends >= count;
        pthread_mutex_unlock(&appender.mutex);
        if (there) return;
        usleep(10000);
    }
}

Test(server, a_full_ingest_queue_is_answered_at_once)
{
    struct stage stage;
    struct server_options options = server_options_default();
    enum { WRITERS = 30 };
    int sockets[WRITERS];
    unsigned told_to_wait = 0, stored = 0;

    stage_open(&stage, &options);
    site_stand_in(&stage.site);
    appender.done = DONE_THREAD;
    pthread_mutex_lock(&appender.mutex); /* both workers stand in append */
    for (int i = 0; i < WRITERS; i++) {
        sockets[i] = wire_connect(stage.server);
        send_write(sockets[i], &stage.site.arena);
    }
    for (int i = 0; i < 500 && metric_get(&metric_http_refused_ingest) < WRITERS - 18; i++) usleep(10000);
    cr_expect(is_alive(&stage), "others are not kept waiting");
    pthread_mutex_unlock(&appender.mutex);
    for (int i = 0; i < WRITERS; i++) {
        struct reply reply = wire_reply(sockets[i], &stage.site.arena);
        told_to_wait += reply.code == 503 && reply_header(&reply, "Retry-After").len;
        stored += reply.code == 204;
        close(sockets[i]);
    }
    /* the queue takes 16, the workers up to two more */
    cr_expect(told_to_wait + stored == WRITERS && stored >= 16 && stored <= 18, "%u and %u", told_to_wait, stored);
    stage_close(&stage);
}

struct closing {
    struct server *server;
    int64_t grace_ms;
};

static void *close_server(void *context)
{
    const struct closing *closing = context;

    server_close(closing->server, closing->grace_ms);
    return NULL;
}

/* What runs is finished and its answer sent; who comes later is sent away. */
Test(server, stops_gracefully)
{
    struct stage stage;
    struct server_options options = server_options_default();
    pthread_t thread;

    stage_open(&stage, &options);
    int idle = wire_connect(stage.server);
    wire_text(idle, HEALTHY);
    cr_expect(wire_reply(idle, &stage.site.arena).code == 200);
    site_stand_in(&stage.site);
    appender.done = DONE_NEVER;
    send_write(stage.socket, &stage.site.arena);
    wait_for_appends(1);
    struct closing closing = {stage.server, 10000};
    cr_assert(pthread_create(&thread, NULL, close_server, &closing) == 0);
    usleep(200000);
    wire_text(idle, HEALTHY);
    struct reply late = wire_reply(idle, &stage.site.arena);
    cr_expect(late.code == 503 && str_equal(reply_header(&late, "X-Prometheus-Stopping"), STR("true")), "%u",
              late.code);
    cr_expect(wire_ends(idle));
    appender_release();
    struct reply reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 204 && str_equal(reply_header(&reply, "Connection"), STR("close")), "%u", reply.code);
    pthread_join(thread, NULL);
    close(idle);
    close(stage.socket);
    site_close(&stage.site);
}

/* A query that would run on is canceled when the time is over, and half a body is not waited for. */
Test(server, stops_in_time)
{
    struct stage stage;
    struct server_options options = server_options_default();

    stage_open(&stage, &options);
    int half = wire_connect(stage.server);
    wire_text(half, "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nquery=");
    int queries[6];
    for (int i = 0; i < 6; i++) { /* two run, four wait */
        queries[i] = wire_connect(stage.server);
        wire_text(queries[i], "GET " SLOW_QUERY " HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 500 && metric_get(&metric_http_suspended) < 6; i++) usleep(10000);
    cr_expect(metric_get(&metric_http_suspended) == 6);
    server_close(stage.server, 100);
    cr_expect(metric_get(&metric_http_suspended) == 0 && metric_get(&metric_http_connections) == 0);
    for (int i = 0; i < 6; i++) close(queries[i]);
    close(half);
    close(stage.socket);
    site_close(&stage.site);
}
