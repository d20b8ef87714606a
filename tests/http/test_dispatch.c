#include "http/metrics.h"
#include "tests/http/harness.h"
#include "tsdb/regex.h"

#include <stdatomic.h>
#include <unistd.h>

static const struct {
    const char *method, *target;
    unsigned code;
    const char *body; /* a part of it */
} calls[] = {
    {"GET", "/nowhere", 404, "404 page not found\n"},
    {"GET", "/api/v1/nowhere", 404, "404 page not found\n"},
    {"POST", "/api/v1/label/job/values", 405, "Method Not Allowed\n"},
    {"DELETE", "/api/v1/query", 405, "Method Not Allowed\n"},
    {"BREW", "/api/v1/query", 405, "Method Not Allowed\n"},
    {"GET", "/api/v1/write", 405, "Method Not Allowed\n"},
    {"OPTIONS", "/api/v1/query", 204, ""},
    {"OPTIONS", "/api/v1/nowhere", 204, ""},
    {"OPTIONS", "/api/v1/write", 405, "Method Not Allowed\n"},
    {"OPTIONS", "/-/healthy", 405, "Method Not Allowed\n"},
    {"GET", "/-/reload", 405, "Only POST or PUT requests allowed\n"},
    {"GET", "/-/quit", 405, "Only POST or PUT requests allowed\n"},
    {"GET", "/api/v1/label/%zz/values", 400, "malformed percent-encoding"},
    {"GET", "/-/healthy", 200, "Varve is Healthy.\n"},
    {"HEAD", "/-/healthy", 200, "Varve is Healthy.\n"},
    {"GET", "/-/healthy?x=1", 200, "Varve is Healthy.\n"},
};

Test(dispatch, routes_and_methods)
{
    struct site site;

    site_open(&site);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct reply reply = site_call(&site, calls[i].method, calls[i].target, NULL, STR(""));
        cr_expect(reply.code == calls[i].code, "%s %s: %u", calls[i].method, calls[i].target, reply.code);
        cr_expect(calls[i].body[0] ? contains(reply.body, calls[i].body) : reply.body.len == 0, "%s %s: %.*s",
                  calls[i].method, calls[i].target, STR_ARG(reply.body));
    }
    struct reply reply = site_call(&site, "DELETE", "/api/v1/query", NULL, STR(""));
    cr_expect(str_equal(reply_header(&reply, "Allow"), STR("GET, HEAD, POST, OPTIONS")));
    site_close(&site);
}

/* Behind a reverse proxy. */
Test(dispatch, route_prefix)
{
    struct site site;

    site_open(&site);
    site.services.route_prefix = STR("/varve");
    cr_expect(site_get(&site, "/varve/-/healthy").code == 200);
    cr_expect(site_get(&site, "/varve/api/v1/query?query=1").code == 200);
    cr_expect(site_get(&site, "/varve/api/v1/label/__name__/values").code == 200);
    cr_expect(site_call(&site, "OPTIONS", "/varve/api/v1/query", NULL, STR("")).code == 204);
    cr_expect(site_get(&site, "/-/healthy").code == 404);
    cr_expect(site_get(&site, "/varveapi/v1/query?query=1").code == 404);
    cr_expect(site_get(&site, "/varve").code == 404);
    struct reply reply = site_get(&site, "/");
    cr_expect(reply.code == 302 && str_equal(reply_header(&reply, "Location"), STR("/varve")));
    site_close(&site);
}

Test(dispatch, other_sites_may_ask)
{
    struct site site;
    struct regex *pattern = NULL;

    site_open(&site);
    struct reply reply = site_call(&site, "GET", "/api/v1/query?query=1", "Origin: http://a.example", STR(""));
    cr_expect(str_equal(reply_header(&reply, "Access-Control-Allow-Origin"), STR("*")));
    cr_expect(str_equal(reply_header(&reply, "Access-Control-Allow-Methods"), STR("GET, POST, OPTIONS")));
    cr_expect(str_equal(reply_header(&reply, "Access-Control-Expose-Headers"), STR("Date")));
    cr_expect(contains(reply_header(&reply, "Vary"), "Origin"));
    reply = site_call(&site, "GET", "/api/v1/query?query=1", NULL, STR(""));
    cr_expect(reply_header(&reply, "Access-Control-Allow-Origin").len == 0);
    cr_expect(contains(reply_header(&reply, "Vary"), "Origin"));

    cr_assert(!failed(regex_compile(STR("https?://(a|b).example"), &pattern)));
    site.services.cors_origin = pattern;
    reply = site_call(&site, "OPTIONS", "/api/v1/query", "Origin: http://b.example", STR(""));
    cr_expect(str_equal(reply_header(&reply, "Access-Control-Allow-Origin"), STR("http://b.example")));
    reply = site_call(&site, "GET", "/api/v1/query?query=1", "Origin: http://c.example", STR(""));
    cr_expect(reply.code == 200 && reply_header(&reply, "Access-Control-Allow-Origin").len == 0);
    reply = site_call(&site, "GET", "/metrics", "Origin: http://b.example", STR(""));
    cr_expect(reply_header(&reply, "Access-Control-Allow-Origin").len == 0);
    regex_free(pattern);
    site_close(&site);
}

Test(dispatch, large_answers_are_compressed)
{
    struct site site;
    const char *target = "/api/v1/query_range?query=many&start=0&end=299&step=1&limit=3";

    site_open(&site);
    site_load_many(&site);
    struct reply plain = site_call(&site, "GET", target, NULL, STR(""));
    struct reply packed = site_call(&site, "GET", target, "Accept-Encoding: deflate, gzip;q=0.5", STR(""));
    cr_expect(plain.code == 200 && reply_header(&plain, "Content-Encoding").len == 0);
    cr_expect(str_equal(reply_header(&packed, "Content-Encoding"), STR("gzip")));
    cr_expect(packed.body.len < plain.body.len / 2);
    cr_expect(str_equal(gunzip(packed.body, &site.arena), plain.body));
    cr_expect(str_equal(reply_header(&plain, "Vary"), STR("Origin, Accept-Encoding")));
    site_close(&site);
}

struct gate {
    pthread_mutex_t mutex;
    atomic_uint waiting;
};

/* Holds a worker until the gate is opened. */
static void wait_at(void *context)
{
    struct gate *gate = context;

    atomic_fetch_add(&gate->waiting, 1);
    pthread_mutex_lock(&gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

Test(dispatch, a_full_queue_is_answered_at_once)
{
    struct site site;
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    uint32_t workers = engine_options_default().concurrency_max;

    site_open(&site);
    int64_t before = metric_get(&metric_http_refused_query);
    pthread_mutex_lock(&gate.mutex);
    while (atomic_load(&gate.waiting) < workers) (void)engine_submit(site.services.engine, wait_at, &gate);
    while (engine_submit(site.services.engine, wait_at, &gate)) {} /* nobody takes anything out any more */
    struct reply reply = site_get(&site, "/api/v1/query?query=1");
    pthread_mutex_unlock(&gate.mutex);
    cr_expect(reply.code == 503 && str_equal(reply_header(&reply, "Retry-After"), STR("1")));
    cr_expect(contains(reply.body, "\"errorType\":\"unavailable\"") && contains(reply.body, "--query.max-queue"));
    cr_expect(metric_get(&metric_http_refused_query) == before + 1);
    for (int i = 0; i < 1000 && reply.code != 200; i++) {
        usleep(1000);
        reply = site_get(&site, "/api/v1/query?query=1");
    }
    cr_expect(reply.code == 200, "others are served when it has emptied: %u", reply.code);
    site_close(&site);
}
