/* What the write path is not to take: the right status, a sentence, nothing stored of what is invalid, everything of
 * what is valid.
 *
 * Each case is a request of its own whose series carry its name in the label `case`, so what became of it can be asked
 * for afterwards. A request holds a good series, and a bad one or bytes that are not protobuf behind it.
 */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

enum { BAD_LABELS_MAX = 4, AHEAD_MS = 20 * 60 * 1000, HUGE_BODY_BYTES = 40 << 20 };

static const size_t rss_bytes_max = 512 << 20;

#define SNAPPY   "Content-Encoding: snappy"
#define PROTOBUF "Content-Type: application/x-protobuf"

/* Headers of a request; the last entry of a shorter list is NULL. A name alone takes away what libcurl would add. */
enum { HEADERS_MAX = 3 };

static const struct bad_case {
    const char *name;
    label bad[BAD_LABELS_MAX]; /* a second series, when there are any */
    int64_t ahead_ms;          /* how far its sample lies in the future */
    str tail;                  /* behind the message, before compression */
    str body;                  /* instead of the compressed message */
    bool is_cut;               /* the compressed message lacks its end */
    const char *headers[HEADERS_MAX];
    int code;
    unsigned stored; /* series */
} cases[] = {
    /* what must work, the strange included */
    {.name = "plain", .code = 204, .stored = 1},
    {.name = "two good series", .bad = {{STR("__name__"), STR("b")}, {STR("x"), STR("y")}}, .code = 204, .stored = 2},
    {.name = "labels in any order",
     .bad = {{STR("z"), STR("1")}, {STR("__name__"), STR("b")}},
     .code = 204,
     .stored = 2},
    {.name = "an empty value is no label",
     .bad = {{STR("__name__"), STR("b")}, {STR("x"), STR("")}},
     .code = 204,
     .stored = 2},
    {.name = "names and values in UTF-8",
     .bad = {{STR("__name__"), STR("größe")}, {STR("maß.einheit"), STR("µs\n")}},
     .code = 204,
     .stored = 2},
    {.name = "unknown fields", .tail = STR("\x7A\x03xyz\x98\x06\x01"), .code = 204, .stored = 1},
    {.name = "no headers", .headers = {"Content-Type:", NULL}, .code = 204, .stored = 1},
    {.name = "named message",
     .headers = {SNAPPY, PROTOBUF ";proto=prometheus.WriteRequest", NULL},
     .code = 204,
     .stored = 1},
    {.name = "empty message", .body = STR("\0"), .code = 204},

    /* headers */
    {.name = "gzip", .headers = {"Content-Encoding: gzip", PROTOBUF, NULL}, .code = 415},
    {.name = "zstd", .headers = {"Content-Encoding: zstd", PROTOBUF, NULL}, .code = 415},
    {.name = "text", .headers = {SNAPPY, "Content-Type: text/plain", NULL}, .code = 415},
    {.name = "json", .headers = {SNAPPY, "Content-Type: application/json", NULL}, .code = 415},
    {.name = "unknown message", .headers = {SNAPPY, PROTOBUF ";proto=prometheus.ReadRequest", NULL}, .code = 415},
    {.name = "strange parameter", .headers = {SNAPPY, PROTOBUF ";proto", NULL}, .code = 415},
    {.name = "text and broken",
     .body = STR("garbage"),
     .headers = {SNAPPY, "Content-Type: text/plain", NULL},
     .code = 415},

    /* snappy */
    {.name = "no body", .body = STR(""), .code = 400},
    {.name = "garbage", .body = STR("\x20\xFF\xFE\xFD no snappy at all"), .code = 400},
    {.name = "cut", .is_cut = true, .code = 400},
    {.name = "claims 4 GiB",
     .body = STR("\xFF\xFF\xFF\xFF\x0F\x04"
                 "ab"),
     .code = 400},
    {.name = "claims 33 MiB",
     .body = STR("\x80\x80\x84\x10\x04"
                 "ab"),
     .code = 400},
    {.name = "endless length", .body = STR("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), .code = 400},
    {.name = "framed snappy", .body = STR("\xFF\x06\0\0sNaPpY\x01\x06\0\0\0\0\0\0ab"), .code = 400},
    {.name = "copy from before the start", .body = STR("\x08\x01\x04"), .code = 400},

    /* protobuf: what is not a message is refused whole */
    {.name = "length past the end",
     .tail = STR("\x0A\x7F"
                 "ab"),
     .code = 400},
    {.name = "no length", .tail = STR("\x0A"), .code = 400},
    {.name = "series as a number", .tail = STR("\x08\x01"), .code = 400},
    {.name = "field number zero",
     .tail = STR("\x02\x01"
                 "a"),
     .code = 400},
    {.name = "end of no group", .tail = STR("\x0C"), .code = 400},
    {.name = "wire type seven", .tail = STR("\x0F\x01"), .code = 400},
    {.name = "endless varint", .tail = STR("\x98\x06\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), .code = 400},
    {.name = "label past its series",
     .tail = STR("\x0A\x03\x0A\x7F"
                 "a"),
     .code = 400},
    {.name = "name past its label",
     .tail = STR("\x0A\x05\x0A\x03\x0A\x7F"
                 "a"),
     .code = 400},
    {.name = "value cut in half", .tail = STR("\x0A\x07\x12\x05\x09\0\0\0\0"), .code = 400},

    /* series: the good one is kept */
    {.name = "no metric name", .bad = {{STR("x"), STR("y")}}, .code = 400, .stored = 1},
    {.name = "empty metric name", .bad = {{STR("__name__"), STR("")}}, .code = 400, .stored = 1},
    {.name = "empty label name", .bad = {{STR("__name__"), STR("b")}, {STR(""), STR("y")}}, .code = 400, .stored = 1},
    {.name = "a name twice",
     .bad = {{STR("__name__"), STR("b")}, {STR("x"), STR("1")}, {STR("x"), STR("2")}},
     .code = 400,
     .stored = 1},
    {.name = "a pair twice",
     .bad = {{STR("__name__"), STR("b")}, {STR("x"), STR("1")}, {STR("x"), STR("1")}},
     .code = 400,
     .stored = 1},
    {.name = "two metric names",
     .bad = {{STR("__name__"), STR("b")}, {STR("__name__"), STR("c")}},
     .code = 400,
     .stored = 1},
    {.name = "no UTF-8 in a value",
     .bad = {{STR("__name__"), STR("b")}, {STR("x"), STR("\xC3(")}},
     .code = 400,
     .stored = 1},
    {.name = "no UTF-8 in a name",
     .bad = {{STR("__name__"), STR("b")}, {STR("\xFFx"), STR("y")}},
     .code = 400,
     .stored = 1},
    {.name = "a surrogate",
     .bad = {{STR("__name__"), STR("b")}, {STR("x"), STR("\xED\xA0\x80")}},
     .code = 400,
     .stored = 1},
    {.name = "overlong UTF-8",
     .bad = {{STR("__name__"), STR("b")}, {STR("x"), STR("\xC0\x80")}},
     .code = 400,
     .stored = 1},
    {.name = "no UTF-8 in a metric name", .bad = {{STR("__name__"), STR("b\xFE")}}, .code = 400, .stored = 1},
    {.name = "twenty minutes ahead",
     .bad = {{STR("__name__"), STR("b")}},
     .ahead_ms = AHEAD_MS,
     .code = 400,
     .stored = 1},
};

struct fixture {
    struct arena arena;
    struct http_client *client;
    struct server varve;
    int64_t now_ms;
};

static void start(struct fixture *f)
{
    arena_init(&f->arena, NULL);
    f->client = http_client_new();
    f->now_ms = clock_now_ms();
    must(server_varve(&f->arena, NULL, &f->varve));
    must(server_start(&f->varve, f->client));
}

static void stop(struct fixture *f)
{
    must(process_stop(&f->varve.process, SERVER_STOP_MS));
    must(server_check_folder(&f->varve, &f->arena));
    arena_release(&f->arena);
    http_client_free(f->client);
}

static void add_series(struct write_request *request, const char *name, const label *pairs, int64_t time_ms,
                       double value)
{
    label all[BAD_LABELS_MAX + 1];
    struct write_sample sample = {time_ms, value};
    size_t count = 0;

    while (count < BAD_LABELS_MAX && pairs[count].name.data) {
        all[count] = pairs[count];
        count++;
    }
    all[count++] = (label){STR("case"), str_from(name)};
    write_request_add(request, all, count, &sample, 1);
}

static str make_body(const struct bad_case *c, int64_t now_ms, struct write_request *request)
{
    static const label good[BAD_LABELS_MAX] = {{STR("__name__"), STR("a")}};

    if (c->body.data) return c->body;
    write_request_reset(request);
    add_series(request, c->name, good, now_ms, 1);
    if (c->bad[0].name.data) add_series(request, c->name, c->bad, now_ms + c->ahead_ms, 2);
    writer_bytes(&request->message, c->tail.data, c->tail.len);
    str body = write_request_compress(request);
    return c->is_cut ? str_part(body, 0, body.len * 2 / 3) : body;
}

/* How many series have a sample that carries the name of the case, in the future as well. */
static unsigned stored_series(struct fixture *f, const char *name)
{
    struct prom_result result;
    str query = arena_format(&f->arena, "count(last_over_time({case=\"%s\"}[2h]))", name);

    must(prom_query(f->client, f->varve.url, query, f->now_ms + 2 * AHEAD_MS, &f->arena, &result));
    return result.series_count ? (unsigned)result.series[0].points[0].value : 0;
}

/* An answer of the code; a refusal comes with one sentence of plain text. */
static void expect_answer(const char *name, int code, const struct http_answer *answer)
{
    str text = str_trim(answer->body);

    cr_expect(answer->code == code, "%s: answered %d, not %d: %.*s", name, answer->code, code, STR_ARG(text));
    if (answer->code < 400) return;
    cr_expect(text.len > 0 && str_is_utf8(text) && str_find(text, '\n') == text.len,
              "%s: no sentence with the answer %d: \"%.*s\"", name, answer->code, STR_ARG(text));
}

Test(bad_input, is_refused_and_the_good_is_kept, .timeout = 120)
{
    static const char *const usual_headers[] = {SNAPPY, PROTOBUF, NULL};
    struct write_request request = {0};
    struct process_usage usage;
    struct fixture f;

    start(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct bad_case *c = &cases[i];
        struct http_answer answer;
        str body = make_body(c, f.now_ms, &request);
        must(http_post(f.client, f.varve.write_url, c->headers[0] ? c->headers : usual_headers, body, &answer));
        expect_answer(c->name, c->code, &answer);
        unsigned stored = stored_series(&f, c->name);
        cr_expect(stored == c->stored, "%s: %u series stored, not %u", c->name, stored, c->stored);
    }
    must(process_usage(f.varve.process.pid, &usage));
    cr_expect(usage.rss_peak_bytes < rss_bytes_max, "%zu bytes of memory at the worst", usage.rss_peak_bytes);
    write_request_release(&request);
    stop(&f);
}

Test(bad_input, of_any_size_is_refused, .timeout = 120)
{
    static const char *const headers[] = {SNAPPY, PROTOBUF, NULL};
    struct process_usage usage;
    struct http_answer answer;
    struct fixture f;

    start(&f);
    char *huge = memory_zalloc(HUGE_BODY_BYTES);
    must(http_post(f.client, f.varve.write_url, headers, str_make(huge, HUGE_BODY_BYTES), &answer));
    expect_answer("body over the limit", 413, &answer);
    free(huge);
    must(process_usage(f.varve.process.pid, &usage));
    cr_expect(usage.rss_peak_bytes < rss_bytes_max, "%zu bytes of memory at the worst", usage.rss_peak_bytes);
    must(http_get(f.client, f.varve.write_url, &answer));
    cr_expect(answer.code == 405, "GET: answered %d, not 405", answer.code);
    stop(&f);
}

/* The first value of a time stays; sending it again is success, sending another is not. */
Test(bad_input, another_value_for_a_time, .timeout = 120)
{
    static const label pairs[BAD_LABELS_MAX] = {{STR("__name__"), STR("a")}};
    static const struct {
        double value;
        int code;
    } steps[] = {{1.5, 204}, {1.5, 204}, {2.5, 400}, {1.5, 204}, {-1.5, 400}};
    struct write_request request = {0};
    struct prom_result result;
    struct fixture f;

    start(&f);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct http_answer answer;
        write_request_reset(&request);
        add_series(&request, "conflict", pairs, f.now_ms, steps[i].value);
        must(remote_write_send(f.client, f.varve.write_url, write_request_compress(&request), &answer));
        expect_answer(arena_format(&f.arena, "step %zu", i).data, steps[i].code, &answer);
    }
    must(prom_query(f.client, f.varve.url, STR("a[1h]"), f.now_ms + 1, &f.arena, &result));
    cr_assert(result.series_count == 1 && result.series[0].point_count == 1, "not one sample of one series");
    cr_expect(result.series[0].points[0].value == 1.5, "the value is now %g", result.series[0].points[0].value);
    write_request_release(&request);
    stop(&f);
}
