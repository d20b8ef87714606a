#include "http/config.h"
#include "http/federate.h"
#include "http/protobuf.h"
#include "storage/base/clock.h"
#include "tests/http/calls.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

static void load(struct site *site, int64_t now_ms)
{
    const double values[] = {1, 2.5}, stale[] = {1, double_from_bits(STALE_NAN_BITS)};
    const int64_t times[] = {now_ms - 2000, now_ms - 1000}, old[] = {now_ms - 4000000, now_ms - 3600000};

    fixture_append(&site->fixture, "up{instance=\"a\",job=\"x\"}", times, values, 2);
    fixture_append(&site->fixture, "up{job=\"y\"}", times, values, 1);
    fixture_append(&site->fixture, "alone", times, values, 2);
    fixture_append(&site->fixture, "{\"my.name\",\"a.b\"=\"q\\\"\\n\"}", times, values, 2);
    fixture_append(&site->fixture, "ended", times, stale, 2);
    fixture_append(&site->fixture, "past", old, values, 2);
}

static void check(struct site *site, const char *target, const char *headers, str want)
{
    struct reply reply = site_call(site, "GET", target, headers, STR(""));

    cr_expect(reply.code == 200, "%s: %u", target, reply.code);
    cr_expect(str_equal(reply.body, want), "%s:\n%.*s", target, STR_ARG(reply.body));
}

Test(federate, answers)
{
    struct site site;
    int64_t now_ms = clock_now_ms();
    long long at = now_ms - 1000, before = now_ms - 2000;
    struct config *config;
    const char *path;

    site_open(&site);
    load(&site, now_ms);
    check(&site, "/federate", NULL, STR(""));
    check(&site, "/federate?match[]=nothing&match[]=ended&match[]=past", NULL, STR(""));
    check(&site, "/federate?match[]=up&match[]={job=~\".%2B\"}&match[]=alone", NULL,
          arena_format(&site.arena,
                       "# TYPE alone untyped\nalone{instance=\"\"} 2.5 %lld\n# TYPE up untyped\n"
                       "up{instance=\"a\",job=\"x\"} 2.5 %lld\nup{job=\"y\",instance=\"\"} 1 %lld\n",
                       at, at, before));
    check(&site, "/federate?match[]={\"my.name\"}", NULL,
          arena_format(&site.arena, "# TYPE my_name untyped\nmy_name{a_b=\"q\\\"\\n\",instance=\"\"} 2.5 %lld\n", at));
    check(&site, "/federate?match[]={\"my.name\"}", "Accept: text/plain;version=1.0.0;escaping=allow-utf-8",
          arena_format(&site.arena,
                       "# TYPE \"my.name\" untyped\n{\"my.name\",\"a.b\"=\"q\\\"\\n\",instance=\"\"} 2.5 %lld\n", at));
    must(folder_make_temporary(&site.arena, &path));
    str file = arena_format(&site.arena, "%s/varve.yml", path);
    must(folder_write_file(file.data, STR("global: {external_labels: {instance: me, job: z}}\n")));
    must(config_load(file, &config));
    config_holder_set(site.services.config, config);
    check(
        &site, "/federate?match[]=up", NULL,
        arena_format(&site.arena,
                     "# TYPE up untyped\nup{instance=\"a\",job=\"x\"} 2.5 %lld\nup{job=\"y\",instance=\"me\"} 1 %lld\n",
                     at, before));
    struct reply reply = site_get(&site, "/federate?match[]=up{");
    cr_expect(reply.code == 400 && str_starts_with(reply.body, STR("1:4: parse error: ")));
    site_close(&site);
}

#define PROTOBUF_ACCEPT                                                                                         \
    "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.8," \
    "text/plain;version=0.0.4;q=0.5"

/* Native histograms are told in protobuf; in text only those with custom buckets, as classic ones. */
Test(federate, histograms)
{
    struct site site;
    int64_t at = clock_now_ms() - 1000;

    site_open(&site);
    fixture_load(&site.fixture, at, "h{a=\"1\"} _ h1,2\nh{a=\"2\"} _ 5\nc _ c1,2,4\n");
    check(&site, "/federate?match[]=h&match[]=c", NULL,
          arena_format(&site.arena,
                       "# TYPE c histogram\nc_bucket{instance=\"\",le=\"1\"} 1 %lld\n"
                       "c_bucket{instance=\"\",le=\"2\"} 3 %lld\nc_bucket{instance=\"\",le=\"+Inf\"} 7 %lld\n"
                       "c_sum{instance=\"\"} 7 %lld\nc_count{instance=\"\"} 7 %lld\n"
                       "# TYPE h untyped\nh{a=\"2\",instance=\"\"} 5 %lld\n",
                       (long long)at, (long long)at, (long long)at, (long long)at, (long long)at, (long long)at));
    struct reply reply = site_call(&site, "GET", "/federate?match[]=h&match[]=c", PROTOBUF_ACCEPT, STR(""));
    cr_expect(reply.code == 200 && contains(reply_header(&reply, "Content-Type"), "encoding=delimited"));
    struct reader reader = reader_make(reply.body.data, reply.body.len);
    static const uint64_t types[] = {4, 4, 3};
    for (size_t i = 0; i < 3; i++) { /* c, the histogram of h, the float of h */
        str family = reader_str(&reader);
        const uint8_t *from = (const uint8_t *)family.data, *end = from + family.len;
        struct protobuf_field field;
        uint64_t type = 0;
        while (from < end && (from = protobuf_field(from, end, &field))) {
            if (field.tag == PROTOBUF_TAG(3, PROTOBUF_VARINT)) type = field.value;
        }
        cr_expect(from == end && type == types[i], "family %zu", i);
    }
    cr_expect(!reader_failed(&reader) && reader_left(&reader) == 0);
    site_close(&site);
}
