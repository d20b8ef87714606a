/* Hostile input over the wire: no crash, no hang, no 5xx where the client is at fault, bounded memory, and another
 * client's plain query is answered all the while.
 *
 * Three lists: bytes as they go over a connection, queries, and bodies of the ways of writing; each row says what code
 * it may be answered with. Bodies are made by name from good ones. What has no end is ended by hanging up.
 */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENT = -1,  /* 4xx, or the end of the connection */
    NOT_OURS = -2 /* anything but a failure of the server: 501 and 505 say what it does not know */
};

enum { PATIENCE_MS = 20000, QUIET_MS = 300, RSS_MAX = 512 << 20, LATENCIES_MAX = 1 << 16, INPUTS_MIN = 200 };

struct wire_case {
    const char *bytes;
    int code;
};

#define HOST      "\r\nHost: x\r\n"
#define LINE(x)   x " HTTP/1.1" HOST "\r\n"
#define HEAD(x)   "GET /-/healthy HTTP/1.1" HOST x "\r\n\r\n"
#define QUERY(x)  "GET /api/v1/query?query=1 HTTP/1.1" HOST x "\r\n\r\n"
#define POST(x)   "POST /api/v1/query HTTP/1.1" HOST "Content-Type: application/x-www-form-urlencoded\r\n" x
#define WRITE(x)  "POST /api/v1/write HTTP/1.1" HOST x
#define K(x)      x x x x x x x x x x x x x x x x
#define KIB(x)    K(K(x x x x))
#define KIB100(x) KIB10(x) KIB10(x) KIB10(x) KIB10(x) KIB10(x) KIB10(x) KIB10(x) KIB10(x) KIB10(x) KIB10(x)
#define KIB10(x)  KIB(x) KIB(x) KIB(x) KIB(x) KIB(x) KIB(x) KIB(x) KIB(x) KIB(x) KIB(x)

static const struct wire_case wire_cases[] = {
    /* request lines */
    {"\r\n\r\n\r\n\r\n", CLIENT},
    {"\n\n\n\nGET\n\n", CLIENT},
    {" \r\n\r\n", CLIENT},
    {"GET\r\n\r\n", CLIENT},
    {"GET /\r\n\r\n", CLIENT},
    {"GET / HTTP/0.9\r\n\r\n", NOT_OURS},
    {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", NOT_OURS},
    {"GET / HTTP/9.9\r\nHost: x\r\n\r\n", NOT_OURS},
    {"GET / HTTP/1.1.1\r\nHost: x\r\n\r\n", NOT_OURS},
    {"GET / http/1.1\r\nHost: x\r\n\r\n", NOT_OURS},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NOT_OURS},
    {"GET  /-/healthy  HTTP/1.1\r\nHost: x\r\n\r\n", NOT_OURS},
    {"GET\t/-/healthy\tHTTP/1.1\r\nHost: x\r\n\r\n", NOT_OURS},
    {"GET /-/healthy HTTP/1.1\r\n\r\n", CLIENT},
    {"GET /-/healthy HTTP/1.1\nHost: x\n\n", NOT_OURS},
    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", CLIENT},
    {"\xff\xfe\xfd\xfc\xfb\r\n\r\n", CLIENT},
    {"GET /\x01\x02 HTTP/1.1\r\nHost: x\r\n\r\n", CLIENT},
    {LINE("BREW /api/v1/query"), 405},
    {LINE("get /api/v1/query"), 405},
    {LINE("TRACE /"), 404},
    {LINE("CONNECT x:80"), CLIENT},
    {LINE("DELETE /api/v1/series"), 405},
    {LINE("PUT /api/v1/write"), 405},
    {LINE("GET *"), 404},
    {LINE("GET http://"), 404},
    {LINE("GET http://[::1"), 404},
    {LINE("GET //api/v1/query?query=1"), 404},
    {LINE("GET /../../../../etc/passwd"), 404},
    {LINE("GET /%2e%2e/%2e%2e/etc/passwd"), 404},
    {LINE("GET /api/v1/../../wal/00000001"), 404},
    {LINE("GET /api/v1/label/..%2f..%2fetc%2fpasswd/values"), 200},
    {LINE("GET /static/..\\..\\windows\\win.ini"), 404},
    {LINE("GET /%00"), 404},
    {LINE("GET /api/v1/label/%00/values"), NOT_OURS},
    {LINE("GET /api/v1/label/%/values"), 400},
    {LINE("GET /api/v1/label/%f/values"), 400},
    {LINE("GET /api/v1/label/%zz/values"), 400},
    {LINE("GET /api/v1/label/%ff%fe/values"), 400},
    {LINE("GET /api/v1/label//values"), CLIENT},
    {LINE("GET /api/v1/label/U__/values"), NOT_OURS},
    {LINE("GET /api/v1/label/U___ffffffff_/values"), NOT_OURS},
    {LINE("GET /debug/pprof/heap"), 404},
    {LINE("GET /-/quit"), 405},
    {LINE("POST /-/quit"), 403},
    {LINE("POST /-/reload"), 403},
    {LINE("POST /api/v1/admin/tsdb/delete_series?match[]={}"), 500}, /* as Prometheus: unavailable */
    {LINE("GET /" KIB("a")), 404},
    {LINE("GET /" KIB100("a")), CLIENT},
    {LINE("GET /?" KIB100("&")), CLIENT},
    {LINE("GET /api/v1/query?query=1&" KIB("%")), NOT_OURS},
    {LINE("GET /api/v1/query?" KIB("query=1&")), NOT_OURS},
    {LINE("GET /api/v1/query?query=1&query=%zz"), NOT_OURS},
    {LINE("GET /api/v1/series?match[]=%zz"), 400},
    {LINE("GET /federate?match[]=" KIB("{")), 400},
    /* headers */
    {HEAD("X"), CLIENT},
    {HEAD("X\x01: y"), NOT_OURS},
    {HEAD(": y"), NOT_OURS},
    {HEAD("X : y"), CLIENT},
    {HEAD(" X: folded"), NOT_OURS},
    {HEAD("X: a\r\n b\r\n\tc"), NOT_OURS},
    {HEAD("X: " KIB100("y")), CLIENT},
    {HEAD("X: \xff\xfe"), NOT_OURS},
    {HEAD("Host: a\r\nHost: b"), NOT_OURS},
    {HEAD(KIB("X: y\r\n") "X: y"), NOT_OURS},
    {HEAD(KIB100("X: y\r\n") "X: y"), CLIENT},
    {HEAD("Connection: close, keep-alive, upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ"), NOT_OURS},
    {HEAD("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x"), NOT_OURS},
    {HEAD("Range: bytes=0-18446744073709551615,-1,5-1"), NOT_OURS},
    {HEAD("Accept: " KIB("*/*;q=9,")), NOT_OURS},
    {HEAD("Accept-Encoding: gzip;q=-1, zstd;q=NaN, *;q=1e999, identity;q=0"), NOT_OURS},
    {HEAD("Accept-Encoding: " KIB("gzip,")), NOT_OURS},
    {HEAD("Authorization: Basic"), NOT_OURS},
    {HEAD("Authorization: Basic " KIB("A")), NOT_OURS},
    {HEAD("Origin: " KIB("(")), NOT_OURS},
    {QUERY("Origin: http://\"<script>"), NOT_OURS},
    {QUERY("Cookie: " KIB("a=b;")), NOT_OURS},
    {QUERY("Expect: 200-maybe"), NOT_OURS},
    /* where a body ends */
    {POST("Content-Length: 7\r\nContent-Length: 8\r\n\r\nquery=1"), CLIENT},
    {POST("Content-Length: 7, 7\r\n\r\nquery=1"), CLIENT},
    {POST("Content-Length: -1\r\n\r\n"), CLIENT},
    {POST("Content-Length: +7\r\n\r\nquery=1"), CLIENT},
    {POST("Content-Length: 0x7\r\n\r\nquery=1"), CLIENT},
    {POST("Content-Length: 18446744073709551616\r\n\r\n"), CLIENT},
    {POST("Content-Length: 18446744073709551615\r\n\r\n"), CLIENT},
    {POST("Content-Length: 9999999999\r\n\r\n"), 413},
    {POST("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), CLIENT},
    {POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"), NOT_OURS},
    {POST("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), NOT_OURS},
    {POST("Transfer-Encoding: \x0b"
          "chunked\r\n\r\n0\r\n\r\n"),
     NOT_OURS},
    {POST("Transfer-Encoding: chunked\r\n\r\nzz\r\n"), CLIENT},
    {POST("Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n"), CLIENT},
    {POST("Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"), CLIENT},
    {POST("Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nx"), CLIENT},
    {POST("Transfer-Encoding: chunked\r\n\r\n7\r\nquery=1junk\r\n0\r\n\r\n"), CLIENT},
    {POST("Transfer-Encoding: chunked\r\n\r\n7;" KIB("x") "\r\nquery=1\r\n0\r\n\r\n"), NOT_OURS},
    {POST("Transfer-Encoding: chunked\r\n\r\n7\r\nquery=1\r\n0\r\n" KIB("X: y\r\n") "\r\n"), NOT_OURS},
    {POST("Transfer-Encoding: chunked\r\n\r\n7\r\nquery=1"), CLIENT},
    {POST("Content-Length: 100\r\n\r\nquery=1"), CLIENT},
    {POST("Content-Length: 8\r\n\r\nquery=%z"), NOT_OURS},
    {POST("Content-Length: 1024\r\n\r\n" KIB("&")), 400},
    {POST("Content-Length: 1024\r\n\r\n" KIB("=")), 400},
    {POST("Content-Length: 0\r\n\r\n"), 400},
    {"POST /api/v1/query HTTP/1.1" HOST "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\n\r\n--x",
     400},
    {"POST /api/v1/query HTTP/1.1" HOST "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 400},
    /* writes whose head is enough */
    {WRITE("Content-Encoding: zstd\r\nContent-Length: 0\r\n\r\n"), 415},
    {WRITE("Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), 415},
    {WRITE("Content-Encoding: snappy, snappy\r\nContent-Length: 0\r\n\r\n"), 415},
    {WRITE("Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"), 415},
    {WRITE("Content-Type: application/x-protobuf;proto=\r\nContent-Length: 0\r\n\r\n"), 415},
    {WRITE("Content-Type: application/x-protobuf;proto\r\nContent-Length: 0\r\n\r\n"), 415},
    {WRITE("Content-Type: application/x-protobuf;proto=io.prometheus.write.v3.Request\r\nContent-Length: 0\r\n\r\n"),
     415},
    {WRITE("Content-Length: 99999999999\r\n\r\n"), 413},
    {WRITE("Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n"), 413},
    {WRITE("Content-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\n\x80"), CLIENT},
    /* requests behind requests */
    {LINE("GET /-/healthy") LINE("GET /nowhere") "GARBAGE\r\n\r\n", NOT_OURS},
    {K(K("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")), 200},
};

struct query_case {
    const char *path, *form;
    int code;
};

#define ASK(text, code)                      \
    {                                        \
        "/api/v1/query", "query=" text, code \
    }
#define RANGE(text, code)                 \
    {                                     \
        "/api/v1/query_range", text, code \
    }
#define SELECT(text, code)           \
    {                                \
        "/api/v1/series", text, code \
    }

static const struct query_case query_cases[] = {
    ASK("", 400),
    ASK("%00", 400),
    ASK("%ff%fe", 400),
    ASK("{", 400),
    ASK("}", 400),
    ASK("up{", 400),
    ASK("up{job", 400),
    ASK("up{job%3D", 400),
    ASK("up{job%3D%22", 400),
    ASK("up{job%3D%22%5Cx%22}", 400),
    ASK("up{job%3D%22%5Cuzzzz%22}", 400),
    ASK("up{job%3D~%22(%22}", 400),
    ASK("up{job%3D~%22(a%2B)%2B%24%22}", 200),
    ASK("up{job%3D~%22"
        "a{1000}{1000}"
        "%22}",
        400),
    ASK("up{job%3D~%22((((((((((.*)*)*)*)*)*)*)*)*)*)*x%22}", 200),
    ASK("up{job%3D~%22" KIB("(a|b)*") "%22}", NOT_OURS),
    ASK("{}", 400),
    ASK("{__name__%3D%22%22}", 400),
    ASK("up[", 400),
    ASK("up[5m", 400),
    ASK("up[0s]", 400),
    ASK("up[-5m]", 400),
    ASK("up[99999999999999y]", 400),
    ASK("up[5m:", 400),
    ASK("up[5m:0s]", 400),
    ASK("up[1000y:1ms]", NOT_OURS),
    ASK("up offset", 400),
    ASK("up offset 99999999999y", 400),
    ASK("up @ NaN", 400),
    ASK("up @ 1e308", 400),
    ASK("up @ start() @ end()", 400),
    ASK("1%2B", 400),
    ASK("1 1", 400),
    ASK("--------1", 200),
    ASK("1e999999", 400),
    ASK("0x", 400),
    ASK("0xffffffffffffffffffffff", NOT_OURS),
    ASK("1__0", 400),
    ASK("'", 400),
    ASK("%22", 400),
    ASK("`", 400),
    ASK("%23", 400),
    ASK("rate(up)", 400),
    ASK("rate(1)", 400),
    ASK("nosuch(up)", 400),
    ASK("sum", 200),
    ASK("sum()", 400),
    ASK("sum by (", 400),
    ASK("sum by (a,,b) (up)", 400),
    ASK("topk(up)", 400),
    ASK("topk(1e300, up)", NOT_OURS),
    ASK("topk(NaN, up)", NOT_OURS),
    ASK("quantile(%22x%22, up)", 400),
    ASK("count_values(%22%22, up)", NOT_OURS),
    ASK("count_values(%22%ff%22, up)", NOT_OURS),
    ASK("label_replace(up, %22%22, %22%22, %22%22, %22%22)", 422),
    ASK("label_replace(up, %22a%22, %22%241%22, %22job%22, %22(%22)", CLIENT),
    ASK("label_join(up, %22%22, %22%22, %22a%22)", CLIENT),
    ASK("histogram_quantile(up, 1)", 400),
    ASK("up * on(", 400),
    ASK("up * on() group_left(job) up", NOT_OURS),
    ASK("up %2B on(nosuch) up", NOT_OURS),
    ASK("up and 1", 400),
    ASK("up == bool", 400),
    ASK("vector(vector(1))", 400),
    ASK("scalar(scalar(1))", 400),
    ASK("absent(absent(absent(absent(absent(absent(up))))))", 200),
    ASK("round(up, 0)", 200),
    ASK("clamp(up, NaN, -Inf)", 200),
    ASK("predict_linear(up[5m], 1e308)", 200),
    ASK("holt_winters(up[5m], 2, 2)", CLIENT),
    ASK("day_of_month(vector(1e300))", NOT_OURS),
    ASK("sort_by_label(up, 1)", 400),
    ASK(KIB("("), 400),
    ASK(KIB100("("), 400),
    ASK(KIB("-") "1", NOT_OURS),
    ASK(KIB("1%2B") "1", NOT_OURS),
    ASK(KIB("1^") "1", NOT_OURS),
    ASK(KIB("abs(") "up", 400),
    ASK(KIB("sum(") "up", 400),
    ASK(KIB("a"), NOT_OURS),
    ASK("{" KIB("a%3D%22b%22,") "}", NOT_OURS),
    ASK("sum by (" KIB("a,") "b) (up)", NOT_OURS),
    ASK("quantile_over_time(0.5, vector(1)[11h:1ms])", NOT_OURS),
    ASK("1&time=NaN", 400),
    ASK("1&time=Inf", 400),
    ASK("1&time=1e400", 400),
    ASK("1&time=9999999999999999999999", 400),
    ASK("1&time=2024-13-45T99:99:99Z", 400),
    ASK("1&time=-0001-01-01T00:00:00Z", 400),
    ASK("1&timeout=x", 400),
    ASK("1&timeout=-1s", 400),
    ASK("1&timeout=1e300", 400),
    ASK("1&limit=-1", 400),
    ASK("1&limit=99999999999999999999", 400),
    ASK("1&lookback_delta=x", 400),
    ASK("1&stats=" KIB("x"), 200),
    RANGE("query=up", 400),
    RANGE("query=up&start=0&end=1", 400),
    RANGE("query=up&start=0&end=1&step=0", 400),
    RANGE("query=up&start=0&end=1&step=-1", 400),
    RANGE("query=up&start=0&end=1&step=0.0001", 400),
    RANGE("query=up&start=0&end=1&step=NaN", 400),
    RANGE("query=up&start=1&end=0&step=1", 400),
    RANGE("query=up&start=0&end=1e12&step=1", 400),
    RANGE("query=up&start=-1e15&end=1e15&step=1", 400),
    RANGE("query=up[5m]&start=0&end=1&step=1", 400),
    RANGE("query=%22text%22&start=0&end=1&step=1", 400),
    RANGE("query=up&start=-9223372036854775&end=9223372036854775&step=9e15", NOT_OURS),
    {"/api/v1/query_exemplars", "query=up{&start=0&end=1", 400},
    {"/api/v1/query_exemplars", "query=up&start=2&end=1", 400},
    {"/api/v1/format_query", "query=(((", 400},
    {"/api/v1/parse_query", "query=up offset", 400},
    {"/api/v1/labels", "match[]={", 400},
    {"/api/v1/labels", "match[]={}", 400},
    {"/api/v1/labels", "limit=x", 400},
    {"/api/v1/labels", "start=x", 400},
    SELECT("", 400),
    SELECT("match[]=", 400),
    SELECT("match[]={a!%3D%22%22}&match[]=%zz", 400),
    SELECT("match[]=up[5m]", 400),
    SELECT("match[]={__name__%3D~%22.*%22}", 400),
    SELECT("match[]=up&start=1e30", 400),
    {"/api/v1/export", "match[]={", 400},
    {"/api/v1/export", "", 400},
    {"/api/v1/search/label_values", "", 400},
    {"/api/v1/search/metric_names", KIB("search[]=a&"), 400},
};

enum body { EMPTY, ZEROS, GARBAGE, ZERO_BOMB, LENGTH_LIE, GOOD, CUT, HUGE_SAMPLES, DEEP_JSON, LONG_LABEL, MANY_LABELS };

struct body_case {
    const char *path, *type, *coding;
    enum body body;
    int code;
};

#define PROTO  "application/x-protobuf"
#define PROTO2 PROTO ";proto=io.prometheus.write.v2.Request"
#define WRITE1 "/api/v1/write", PROTO, "snappy"
#define WRITE2 "/api/v1/write", PROTO2, "snappy"
#define READ   "/api/v1/read", PROTO, "snappy"
#define OTLP   "/api/v1/otlp/v1/metrics", PROTO

static const struct body_case body_cases[] = {
    {WRITE1, EMPTY, 400},
    {WRITE1, ZEROS, 400},
    {WRITE1, GARBAGE, 400},
    {WRITE1, ZERO_BOMB, 400},
    {WRITE1, LENGTH_LIE, 400},
    {WRITE1, CUT, 400},
    {WRITE1, HUGE_SAMPLES, 400},
    {WRITE1, LONG_LABEL, NOT_OURS},
    {WRITE1, MANY_LABELS, NOT_OURS},
    {WRITE2, EMPTY, 400},
    {WRITE2, ZEROS, 400},
    {WRITE2, GARBAGE, 400},
    {WRITE2, ZERO_BOMB, 400},
    {WRITE2, LENGTH_LIE, 400},
    {WRITE2, CUT, 400},
    {READ, EMPTY, 400},
    {READ, ZEROS, 400},
    {READ, GARBAGE, 400},
    {READ, ZERO_BOMB, 400},
    {READ, LENGTH_LIE, 400},
    {READ, CUT, 400},
    {OTLP, "gzip", EMPTY, 400},
    {OTLP, "gzip", GARBAGE, 400},
    {OTLP, "gzip", ZEROS, 400},
    {OTLP, "zstd", GARBAGE, 400},
    {OTLP, "deflate", GOOD, 400},
    {OTLP, NULL, GARBAGE, 400},
    {OTLP, NULL, ZEROS, 400},
    {OTLP, NULL, DEEP_JSON, 400},
    {"/api/v1/otlp/v1/metrics", "application/json", NULL, EMPTY, 400},
    {"/api/v1/otlp/v1/metrics", "application/json", NULL, GARBAGE, 400},
    {"/api/v1/otlp/v1/metrics", "application/json", NULL, DEEP_JSON, 400},
    {"/api/v1/otlp/v1/metrics", "text/html", NULL, DEEP_JSON, 400},
    {"/api/v1/import", "text/plain", NULL, GARBAGE, 400},
    {"/api/v1/import", "text/plain", NULL, DEEP_JSON, 400},
    {"/api/v1/import", "text/plain", "zstd", GARBAGE, 400},
    {"/api/v1/import/prometheus", "text/plain", NULL, GARBAGE, 400},
    {"/api/v1/import/prometheus", "text/plain", NULL, DEEP_JSON, 400},
    {"/api/v1/import/prometheus", "text/plain", "gzip", ZEROS, 400},
    {"/api/v1/import/csv", "text/csv", NULL, GARBAGE, 400},
    {"/api/v1/import/csv?format=1:x", "text/csv", NULL, GARBAGE, 400},
    {"/write", "text/plain", NULL, GARBAGE, 400},
    {"/api/v2/write?precision=x", "text/plain", NULL, GARBAGE, 400},
};

static void put_label_fields(struct writer *series, size_t count, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        struct writer label = {0};
        char name[32];
        char *value = memory_alloc(bytes + 1);
        memset(value, 'v', bytes);
        snprintf(name, sizeof name, i ? "l%zu" : "__name__", i);
        writer_u8(&label, 0x0A);
        writer_str(&label, str_from(name));
        writer_u8(&label, 0x12);
        writer_str(&label, str_make(value, bytes));
        writer_u8(series, 0x0A);
        writer_str(series, str_make((const char *)label.data, label.count));
        writer_release(&label);
        free(value);
    }
}

/* A message of one series, which may be strange; compressed. */
static void put_series(struct writer *out, size_t labels_count, size_t label_bytes, size_t sample_count)
{
    struct writer series = {0}, message = {0};

    put_label_fields(&series, labels_count, label_bytes);
    for (size_t i = 0; i < sample_count; i++) writer_bytes(&series, "\x12\x00", 2); /* all fields zero */
    writer_u8(&message, 0x0A);
    writer_str(&message, str_make((const char *)series.data, series.count));
    size_t bytes = snappy_max_compressed_length(message.count);
    char *packed = (char *)writer_reserve(out, bytes);
    snappy_compress((const char *)message.data, message.count, packed, &bytes);
    out->count += bytes;
    writer_release(&series);
    writer_release(&message);
}

static void make_body(enum body body, struct writer *out)
{
    static const uint8_t length_lie[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00}, bomb_head[] = {0x80, 0x80, 0x80, 0x10};

    out->count = 0;
    switch (body) {
    case EMPTY: break;
    case ZEROS: memset(writer_reserve(out, 1000), 0, 1000), out->count = 1000; break;
    case GARBAGE:
        for (unsigned i = 0; i < 5000; i++) writer_u8(out, (uint8_t)(i * 2654435761U >> 13 | 0x80));
        break;
    case ZERO_BOMB: /* 32 MiB of zeros in a body of a few bytes: copies of a literal */
        writer_bytes(out, bomb_head, sizeof bomb_head);
        writer_bytes(out, "\x00\x00", 2);
        for (size_t i = 0; i < (32U << 20) / 64; i++) writer_bytes(out, "\xFE\x01\x00", 3);
        break;
    case LENGTH_LIE: writer_bytes(out, length_lie, sizeof length_lie); break;
    case GOOD: put_series(out, 3, 10, 1); break;
    case CUT:
        put_series(out, 3, 10, 1);
        out->count -= 3;
        break;
    case HUGE_SAMPLES: put_series(out, 2, 1, 4 << 20); break;
    case DEEP_JSON:
        for (int i = 0; i < 200000; i++) writer_u8(out, '[');
        break;
    case LONG_LABEL: put_series(out, 2, 4 << 20, 1); break;
    case MANY_LABELS: put_series(out, 10000, 4, 1); break;
    }
}

/* The other client: asks as fast as it is answered. */
struct neighbour {
    const char *url;
    _Atomic bool stop;
    int64_t worst_ns, latencies_ns[LATENCIES_MAX];
    size_t count, failures;
};

static void *be_a_neighbour(void *context)
{
    struct neighbour *neighbour = context;
    struct http_client *client = http_client_new();
    struct http_answer answer;

    while (!neighbour->stop) {
        int64_t since_ns = clock_monotonic_ns();
        status s = http_get(client, neighbour->url, &answer);
        int64_t took_ns = clock_monotonic_ns() - since_ns;
        if (failed(s) || answer.code != 200 || !memmem(answer.body.data, answer.body.len, "\"value\"", 7))
            neighbour->failures++;
        if (took_ns > neighbour->worst_ns) neighbour->worst_ns = took_ns;
        if (neighbour->count < LATENCIES_MAX) neighbour->latencies_ns[neighbour->count++] = took_ns;
        usleep(5000);
    }
    http_client_free(client);
    return NULL;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int connect_to(const struct server *server)
{
    str rest = str_from(server->address);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    uint64_t port = 0;

    str_cut(&rest, ':');
    str_to_uint64(rest, &port);
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "the server is gone");
    return fd;
}

static bool is_readable(int fd, int ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    return poll(&wait, 1, ms) > 0;
}

/* The code of the first answer to some bytes; 0 if the connection ends without one, -1 if nothing happens at all. */
static int send_bytes(const struct server *server, const char *bytes, size_t count)
{
    int fd = connect_to(server), code = 0;
    char answer[512] = "";

    for (size_t sent = 0; sent < count;) {
        ssize_t part = send(fd, bytes + sent, count - sent, MSG_NOSIGNAL);
        if (part <= 0) break;
        sent += (size_t)part;
    }
    if (!is_readable(fd, QUIET_MS)) shutdown(fd, SHUT_WR);
    if (!is_readable(fd, PATIENCE_MS)) {
        code = -1;
    } else if (recv(fd, answer, sizeof answer - 1, 0) > 12 && sscanf(answer, "HTTP/1.%*1d %d", &code) != 1) {
        code = 0;
    }
    close(fd);
    return code;
}

static bool is_allowed(int code, int want)
{
    if (want == CLIENT) return code == 0 || code / 100 == 4;
    if (want == NOT_OURS) return code >= 0 && (code / 100 != 5 || code == 501 || code == 505);
    return code == want;
}

static size_t run_wire(const struct server *varve)
{
    size_t count = sizeof wire_cases / sizeof *wire_cases;

    for (size_t i = 0; i < count; i++) {
        const char *bytes = wire_cases[i].bytes;
        int code = send_bytes(varve, bytes, strlen(bytes));
        cr_expect(is_allowed(code, wire_cases[i].code), "answered %d, not %d: %.90s", code, wire_cases[i].code, bytes);
    }
    return count;
}

static size_t run_queries(const struct server *varve, struct http_client *client, struct arena *arena)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    size_t count = sizeof query_cases / sizeof *query_cases;
    struct http_answer answer;

    for (size_t i = 0; i < count; i++) {
        const struct query_case *c = &query_cases[i];
        const char *url = arena_format(arena, "%s%s", varve->url, c->path).data;
        must(http_post(client, url, headers, str_from(c->form), &answer));
        cr_expect(is_allowed(answer.code, c->code), "answered %d, not %d: %s %.90s: %.*s", answer.code, c->code,
                  c->path, c->form, STR_ARG(str_part(answer.body, 0, 200)));
    }
    return count;
}

static size_t run_bodies(const struct server *varve, struct http_client *client, struct arena *arena)
{
    size_t count = sizeof body_cases / sizeof *body_cases;
    struct writer body = {0};
    struct http_answer answer;

    for (size_t i = 0; i < count; i++) {
        const struct body_case *c = &body_cases[i];
        const char *headers[] = {arena_format(arena, "Content-Type: %s", c->type).data, NULL, NULL};
        if (c->coding) headers[1] = arena_format(arena, "Content-Encoding: %s", c->coding).data;
        make_body(c->body, &body);
        must(http_post(client, arena_format(arena, "%s%s", varve->url, c->path).data, headers,
                       str_make((const char *)body.data, body.count), &answer));
        cr_expect(is_allowed(answer.code, c->code), "answered %d, not %d: %s %s, body %d: %.*s", answer.code, c->code,
                  c->path, c->type, c->body, STR_ARG(str_part(answer.body, 0, 200)));
    }
    writer_release(&body);
    return count;
}

Test(hostile, inputs, .timeout = 300)
{
    struct arena arena = {0};
    struct http_client *client = http_client_new();
    struct neighbour *neighbour = calloc(1, sizeof *neighbour);
    const label pairs[] = {{METRIC_NAME, STR("up")}, {STR("job"), STR("x")}};
    struct write_sample sample = {clock_now_ms(), 1};
    struct write_request request = {0};
    struct process_usage usage;
    struct http_answer answer;
    struct server varve;
    pthread_t thread;

    must(server_varve(&arena, NULL, &varve));
    must(server_start(&varve, client));
    write_request_add(&request, pairs, 2, &sample, 1);
    must(remote_write_send(client, varve.write_url, write_request_compress(&request), &answer));
    cr_assert(answer.code == 204);
    neighbour->url = arena_format(&arena, "%s/api/v1/query?query=up", varve.url).data;
    pthread_create(&thread, NULL, be_a_neighbour, neighbour);
    size_t inputs = run_wire(&varve);
    inputs += run_queries(&varve, client, &arena);
    inputs += run_bodies(&varve, client, &arena);
    neighbour->stop = true;
    pthread_join(thread, NULL);
    cr_assert(process_is_running(&varve.process), "it has crashed");
    must(process_usage(varve.process.pid, &usage));
    qsort(neighbour->latencies_ns, neighbour->count, sizeof *neighbour->latencies_ns, compare_times);
    cr_expect(inputs >= INPUTS_MIN, "%zu", inputs);
    cr_expect(neighbour->count > 0 && neighbour->failures == 0, "%zu of %zu plain queries failed", neighbour->failures,
              neighbour->count);
    cr_expect(usage.rss_peak_bytes < RSS_MAX, "%zu MiB at the worst", usage.rss_peak_bytes >> 20);
    fprintf(stderr, "%zu hostile inputs: the neighbour's p99 %.1f ms, worst %.1f ms; %zu MiB at the worst\n", inputs,
            (double)neighbour->latencies_ns[neighbour->count * 99 / 100] / 1e6, (double)neighbour->worst_ns / 1e6,
            usage.rss_peak_bytes >> 20);
    must(process_stop(&varve.process, SERVER_STOP_MS));
    write_request_release(&request);
    http_client_free(client);
    free(neighbour);
    arena_release(&arena);
}
