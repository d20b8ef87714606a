/* Answers that are sent while they are made, over the wire: whole or visibly broken, and never much of them in memory.
 */
#include "http/metrics.h"
#include "http/server.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { SAMPLES = 20000, SERIES = 60 };

#define EXPORT "/api/v1/export?match[]=long"

/* About 30 MB as JSON lines. */
static void load(struct site *site)
{
    static int64_t times[SAMPLES];
    static double values[SAMPLES];

    for (int i = 0; i < SAMPLES; i++) {
        times[i] = 1700000000000 + 1000 * (int64_t)i;
        values[i] = i * 0.37;
    }
    for (int i = 0; i < SERIES; i++)
        fixture_append(&site->fixture, arena_format(&site->arena, "long{i=\"%02d\"}", i).data, times, values, SAMPLES);
}

struct stage {
    struct site site;
    struct server *server;
    int socket;
};

static void stage_open(struct stage *stage, struct server_options options)
{
    site_open(&stage->site);
    load(&stage->site);
    stage->server = site_serve(&stage->site, options);
    stage->socket = wire_connect(stage->server);
}

static void stage_close(struct stage *stage)
{
    close(stage->socket);
    server_close(stage->server, 5000);
    cr_expect(stage->site.answers.used_bytes == 0 && metric_get(&metric_http_streams) == 0, "nothing is left behind");
    site_close(&stage->site);
}

/* Reads until the other side ends the connection; how much of the answers' memory was used at most goes to *held. */
static str read_all(struct stage *stage, size_t *held)
{
    struct writer all = {0};
    ssize_t bytes;

    *held = 0;
    do {
        bytes = recv(stage->socket, writer_reserve(&all, 1 << 16), 1 << 16, 0);
        if (bytes > 0) all.count += (size_t)bytes;
        size_t now = stage->site.answers.used_bytes;
        if (now > *held) *held = now;
    } while (bytes > 0);
    str text = arena_copy_str(&stage->site.arena, str_make((const char *)all.data, all.count));
    writer_release(&all);
    return text;
}

/* The body of a chunked answer; *is_whole says whether it has its end. */
static str unchunk(str text, bool *is_whole, struct arena *arena)
{
    const char *body = memmem(text.data, text.len, "\r\n\r\n", 4);
    struct writer out = {0};

    cr_assert(body);
    text = str_part(text, (size_t)(body + 4 - text.data), text.len);
    *is_whole = false;
    while (text.len) {
        size_t bytes = strtoul(text.data, NULL, 16), head = str_find(text, '\n') + 1;
        text = str_part(text, head, text.len);
        *is_whole = bytes == 0 && str_equal(text, STR("\r\n"));
        if (bytes == 0 || text.len < bytes + 2) break;
        writer_bytes(&out, text.data, bytes);
        text = str_part(text, bytes + 2, text.len);
    }
    str whole = arena_copy_str(arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return whole;
}

#define REQUEST(line, more) line "\r\nHost: x\r\nConnection: close\r\n" more "\r\n"

Test(streaming, exports)
{
    static const struct {
        const char *request;
        bool is_chunked, is_zipped;
    } cases[] = {
        {REQUEST("GET " EXPORT " HTTP/1.1", ""), true, false},
        {REQUEST("GET " EXPORT " HTTP/1.1", "Accept-Encoding: gzip\r\n"), true, true},
        {REQUEST("GET " EXPORT " HTTP/1.0", ""), false, false},
    };
    struct stage stage;
    size_t held;
    bool is_whole;

    stage_open(&stage, server_options_default());
    struct reply want = site_get(&stage.site, EXPORT);
    cr_assert(want.code == 200 && want.body.len > 25 << 20, "%zu", want.body.len);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        close(stage.socket);
        stage.socket = wire_connect(stage.server);
        wire_text(stage.socket, cases[i].request);
        str text = read_all(&stage, &held);
        cr_expect(str_starts_with(text, STR("HTTP/1.1 200")) || str_starts_with(text, STR("HTTP/1.0 200")));
        str head = str_part(text, 0, 1000);
        cr_expect(contains(head, "Transfer-Encoding: chunked") == cases[i].is_chunked, "case %zu", i);
        cr_expect(contains(head, "Content-Encoding: gzip") == cases[i].is_zipped, "case %zu", i);
        str body = STR("");
        if (cases[i].is_chunked) {
            body = unchunk(text, &is_whole, &stage.site.arena);
            cr_expect(is_whole && held < 4 << 20, "case %zu: %zu held", i, held);
        } else {
            const char *begin = memmem(text.data, text.len, "\r\n\r\n", 4);
            body = str_part(text, (size_t)(begin + 4 - text.data), text.len);
        }
        if (cases[i].is_zipped) body = gunzip(body, &stage.site.arena);
        cr_expect(str_equal(body, want.body), "case %zu: %zu of %zu", i, body.len, want.body.len);
    }
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    wire_text(stage.socket, REQUEST("HEAD " EXPORT " HTTP/1.1", ""));
    str text = read_all(&stage, &held);
    cr_expect(str_starts_with(text, STR("HTTP/1.1 200")) && str_ends_with(text, STR("\r\n\r\n")));
    stage_close(&stage);
}

Test(streaming, readers_who_do_not_read_are_ended)
{
    struct stage stage;
    struct server_options options = server_options_default();
    int64_t before = metric_get(&metric_http_deadlines);

    options.deadlines.stream_ms = 300;
    options.deadlines.tick_ms = 50;
    stage_open(&stage, options);
    wire_text(stage.socket, REQUEST("GET " EXPORT " HTTP/1.1", ""));
    for (int i = 0; i < 1000 && metric_get(&metric_http_deadlines) == before; i++) usleep(10000);
    cr_expect(metric_get(&metric_http_deadlines) == before + 1);
    for (int i = 0; i < 1000 && metric_get(&metric_http_streams); i++) usleep(10000);
    stage_close(&stage);
}

/* Slow, but at it: not ended, and others are served meanwhile. */
Test(streaming, a_steady_reader_may_take_its_time)
{
    struct stage stage;
    struct server_options options = server_options_default();
    char part[1 << 16];

    options.deadlines.stream_ms = 300;
    options.deadlines.stream_bytes = 1;
    options.deadlines.tick_ms = 50;
    stage_open(&stage, options);
    int size = 1 << 16;
    setsockopt(stage.socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    wire_text(stage.socket, REQUEST("GET " EXPORT " HTTP/1.1", ""));
    for (int i = 0; i < 20; i++) {
        cr_assert(recv(stage.socket, part, sizeof part, 0) > 0, "ended after %d", i);
        usleep(50000);
    }
    int other = wire_connect(stage.server);
    wire_text(other, "GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(wire_reply(other, &stage.site.arena).code == 200);
    close(other);
    stage_close(&stage);
}

Test(streaming, leaving_ends_the_work)
{
    struct stage stage;
    char part[1000];

    stage_open(&stage, server_options_default());
    for (int i = 0; i < 10; i++) {
        int socket = wire_connect(stage.server);
        wire_text(socket, REQUEST("GET " EXPORT " HTTP/1.1", ""));
        if (i % 2) cr_expect(recv(socket, part, sizeof part, 0) > 0);
        usleep(1000 * (useconds_t)i);
        close(socket);
    }
    for (int i = 0; i < 3000 && (metric_get(&metric_http_streams) || stage.site.answers.used_bytes); i++) usleep(10000);
    cr_expect(metric_get(&metric_http_streams) == 0);
    stage_close(&stage);
}

/* The server stops in the middle of an answer that nobody reads. */
Test(streaming, stopping)
{
    struct stage stage;
    char part[1000];

    stage_open(&stage, server_options_default());
    wire_text(stage.socket, REQUEST("GET " EXPORT " HTTP/1.1", ""));
    cr_expect(recv(stage.socket, part, sizeof part, 0) > 0);
    server_close(stage.server, 100);
    close(stage.socket);
    cr_expect(stage.site.answers.used_bytes == 0 && metric_get(&metric_http_streams) == 0);
    site_close(&stage.site);
}

static size_t bytes_before_the_error;

static status break_off(struct request *request, struct response *response)
{
    response_text(response, 200, "text/plain", STR(""));
    for (size_t i = 0; i < bytes_before_the_error; i += 10) {
        response_append(response, STR("0123456789"));
        TRY(request_flow(request));
    }
    return status_make(STATUS_IO, "the disk is gone");
}

/* An error has its status as long as nothing was sent; then it can only break the answer off, and does. */
Test(streaming, errors)
{
    static const struct route routes[] = {
        {.path = "/", .methods = METHOD_GET, .handle = break_off, .place = PLACE_STREAM, .parameters = "", .about = ""},
    };
    struct stage stage;
    struct server_options options = server_options_default();
    int64_t before = metric_get(&metric_http_broken);
    size_t held;
    bool is_whole;

    options.routes = routes;
    options.route_count = 1;
    stage_open(&stage, options);
    bytes_before_the_error = 1000;
    wire_text(stage.socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    struct reply reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 500 && contains(reply.body, "the disk is gone"));
    bytes_before_the_error = 5 << 20;
    wire_text(stage.socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    str text = read_all(&stage, &held);
    cr_expect(str_starts_with(text, STR("HTTP/1.1 200")));
    unchunk(text, &is_whole, &stage.site.arena);
    cr_expect(!is_whole && metric_get(&metric_http_broken) == before + 1, "no false end");
    close(stage.socket);
    stage.socket = wire_connect(stage.server);
    wire_text(stage.socket, "GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    reply = wire_reply(stage.socket, &stage.site.arena);
    cr_expect(reply.code == 500, "these clients get whole answers only");
    stage_close(&stage);
}
