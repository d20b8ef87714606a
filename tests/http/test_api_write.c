#include "http/metrics.h"
#include "tests/http/appender.h"
#include "tests/http/harness.h"
#include "tests/http/message.h"

#include <stdio.h>

#include <snappy-c.h>

#define SNAPPY   "Content-Encoding: snappy\n"
#define PROTOBUF "Content-Type: application/x-protobuf"

static const struct {
    const char *headers;
    bool admitted;
} negotiations[] = {
    {SNAPPY PROTOBUF, true},
    {NULL, true},
    {PROTOBUF, true},
    {"Content-Encoding: SNAPPY\nContent-Type: Application/X-Protobuf", true},
    {SNAPPY PROTOBUF ";proto=prometheus.WriteRequest", true},
    {SNAPPY PROTOBUF "; proto=\"prometheus.WriteRequest\"", true},
    {SNAPPY PROTOBUF " ; charset=x ; Proto = prometheus.WriteRequest", true},
    {SNAPPY PROTOBUF ";proto=io.prometheus.write.v2.Requests", false},
    {SNAPPY PROTOBUF ";proto=x", false},
    {SNAPPY PROTOBUF ";proto", false},
    {SNAPPY PROTOBUF ";", true},
    {SNAPPY PROTOBUF ";;", false},
    {SNAPPY "Content-Type: application/json", false},
    {SNAPPY "Content-Type: application/x-protobufx", false},
    {"Content-Encoding: zstd\n" PROTOBUF, false},
    {"Content-Encoding: gzip\n" PROTOBUF, false},
    {"Content-Encoding: identity\n" PROTOBUF, false},
};

/* What is refused for its headers is refused whatever the body. */
Test(api_write, headers)
{
    struct site site;

    site_open(&site);
    for (size_t i = 0; i < sizeof negotiations / sizeof negotiations[0]; i++) {
        for (int corrupt = 0; corrupt < 2; corrupt++) {
            str body = corrupt ? STR("no snappy at all") : write_body(1, &site.arena);
            struct reply reply = site_call(&site, "POST", "/api/v1/write", negotiations[i].headers, body);
            unsigned want = !negotiations[i].admitted ? 415 : corrupt ? 400 : 204;
            cr_expect(reply.code == want, "%s: %u %.*s", negotiations[i].headers, reply.code, STR_ARG(reply.body));
            if (want == 415)
                cr_expect(contains(reply.body, "application/x-protobuf;proto=prometheus.WriteRequest with snappy"));
            if (want == 204) cr_expect(reply.body.len == 0);
        }
    }
    site_close(&site);
}

Test(api_write, what_arrives_is_appended)
{
    struct site site;
    int64_t before = metric_get(&metric_ingest_stored);

    site_open(&site);
    site_stand_in(&site);
    struct reply reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, write_body(500, &site.arena));
    cr_expect(reply.code == 204);
    cr_assert(appender.appends == 1 && appender.series.count == 500);
    for (size_t i = 0; i < 500; i++) {
        const struct appended_series *series = &appender.series.data[i];
        struct labels labels = {series->labels};
        char instance[32];
        snprintf(instance, sizeof instance, "series-%zu", i);
        cr_expect(str_equal(labels_get(labels, STR("instance")), str_from(instance)));
        cr_expect(series->samples == 1 && series->time_ms == 1787000000000 &&
                  double_from_bits(series->value) == (double)i);
    }
    cr_expect(metric_get(&metric_ingest_stored) == before + 500);
    site_close(&site);
}

/* a message to be compressed; a part of the answer */
static const struct {
    const char *name;
    str message;
    unsigned code;
    const char *text;
} messages[] = {
    {"nothing", STR(""), 204, ""},
    {"malformed", STR("\x0A\x05\x0A"), 400, "malformed protobuf at byte 0 of the decompressed message\n"},
    {"malformed inside", STR("\x0A\x02\x0A\x05"), 400, "malformed protobuf at byte 2 of the decompressed message\n"},
    {"histogram only", STR("\x0A\x06\x22\x04\x5A\x02\x10\x01"), 400,
     "1 parts of the request were left out; first: histogram spans specify different number of buckets than "
     "provided\n"},
    {"exemplar only", STR("\x0A\x02\x1A\x00"), 204, ""},
    {"metadata", STR("\x1A\x04\x12\x02up"), 204, ""},
};

static str compress(str message, struct arena *arena)
{
    size_t bytes = snappy_max_compressed_length(message.len);
    char *body = arena_alloc(arena, bytes);

    snappy_compress(message.data, message.len, body, &bytes);
    return str_make(body, bytes);
}

Test(api_write, messages)
{
    struct site site;

    site_open(&site);
    site_stand_in(&site);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct reply reply =
            site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, compress(messages[i].message, &site.arena));
        cr_expect(reply.code == messages[i].code, "%s: %u", messages[i].name, reply.code);
        cr_expect(str_equal(reply.body, str_from(messages[i].text)), "%s: %.*s", messages[i].name, STR_ARG(reply.body));
    }
    cr_expect(appender.appends == 2 && appender.metadata.count == 1, "only what holds something is appended");
    site_close(&site);
}

static const struct {
    const char *name;
    str body;
    const char *text;
} bodies[] = {
    {"empty", STR(""), "the body is no snappy block: it does not begin with a length\n"},
    {"length cut", STR("\xFF\xFF"), "the body is no snappy block: it does not begin with a length\n"},
    {"length too long", STR("\xFF\xFF\xFF\xFF\xFF\xFF"),
     "the body is no snappy block: it does not begin with a length\n"},
    {"32 MiB and one", STR("\x81\x80\x80\x10"), "decoded size exceeds the 33554432 bytes limit\n"},
    {"4 GiB", STR("\xFF\xFF\xFF\xFF\x0F"), "decoded size exceeds the 33554432 bytes limit\n"},
    {"more than can be", STR("\x80\x80\x80\x10"), "the body is no snappy block: 4 bytes can not hold 33554432\n"},
    {"corrupt", STR("\x05hello"), "the body is no snappy block: its content is corrupt\n"},
};

Test(api_write, bodies)
{
    struct site site;

    site_open(&site);
    site_stand_in(&site);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct reply reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, bodies[i].body);
        cr_expect(reply.code == 400, "%s: %u", bodies[i].name, reply.code);
        cr_expect(str_equal(reply.body, str_from(bodies[i].text)), "%s: %.*s", bodies[i].name, STR_ARG(reply.body));
    }
    cr_expect(appender.appends == 0);
    site_close(&site);
}

static const struct {
    const char *name;
    enum status_code append, outcome;
    size_t too_old, duplicate;
    unsigned code;
    const char *text;
} outcomes[] = {
    {"all stored", STATUS_OK, STATUS_OK, 0, 0, 204, ""},
    {"some rejected", STATUS_OK, STATUS_OK, 2, 1, 400,
     "3 of 10 samples were not stored: 1 duplicate_timestamp, 2 too_old; first: up is too old\n"},
    {"head is full", STATUS_UNAVAILABLE, STATUS_OK, 0, 0, 503, "append failed\n"},
    {"disk is full", STATUS_NO_SPACE, STATUS_OK, 0, 0, 503, "append failed\n"},
    {"disk is broken", STATUS_IO, STATUS_OK, 0, 0, 500, "append failed\n"},
    {"log failed", STATUS_OK, STATUS_IO, 0, 0, 503, "sync failed\n"},
    {"log failed, and rejections mean nothing", STATUS_OK, STATUS_IO, 2, 0, 503, "sync failed\n"},
};

Test(api_write, outcomes)
{
    struct site site;

    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        for (int done = DONE_INSIDE; done <= DONE_THREAD; done++) {
            site_open(&site);
            site_stand_in(&site);
            appender.done = (enum appender_done)done;
            if (outcomes[i].append) appender.append_status = status_make(outcomes[i].append, "append failed");
            if (outcomes[i].outcome) appender.outcome = status_make(outcomes[i].outcome, "sync failed");
            appender.result.rejected[APPEND_TOO_OLD] = outcomes[i].too_old;
            appender.result.rejected[APPEND_DUPLICATE] = outcomes[i].duplicate;
            snprintf(appender.result.error, sizeof appender.result.error, "up is too old");
            struct reply reply =
                site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, write_body(10, &site.arena));
            cr_expect(reply.code == outcomes[i].code, "%s: %u", outcomes[i].name, reply.code);
            cr_expect(str_equal(reply.body, str_from(outcomes[i].text)), "%s: %.*s", outcomes[i].name,
                      STR_ARG(reply.body));
            cr_expect(!reply_header(&reply, "Retry-After").len == (reply.code != 503), "%s", outcomes[i].name);
            site_close(&site);
        }
    }
}

Test(api_write, what_may_be_taken_later_is_sent_again)
{
    struct site site;

    site_open(&site);
    site_stand_in(&site);
    appender.result.rejected[APPEND_TOO_NEW] = 1;
    appender.result.retry = true;
    struct reply reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, write_body(10, &site.arena));
    cr_expect(reply.code == 503 && reply_header(&reply, "Retry-After").len);
    cr_expect(contains(reply.body, "1 of 10 samples were not stored: 1 too_far_in_future"));
    site_close(&site);
}

Test(api_write, histograms_beside_samples)
{
    struct site site;
    str message = STR("\x0A\x12\x0A\x06\x0A\x01"
                      "a\x12\x01"
                      "1\x12\x02\x10\x05\x22\x04\x5A\x02\x10\x01");

    site_open(&site);
    site_stand_in(&site);
    appender.result.rejected[APPEND_TOO_OLD] = 0;
    struct reply reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, compress(message, &site.arena));
    cr_expect(reply.code == 400 && contains(reply.body, "1 parts of the request were left out; first: histogram spans"),
              "%.*s", STR_ARG(reply.body));
    cr_expect(appender.series.count == 1 && appender.series.data[0].time_ms == 5, "its float sample is stored");
    appender.result.rejected[APPEND_TOO_OLD] = 1;
    reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, compress(message, &site.arena));
    cr_expect(contains(reply.body, "1 of 1 samples were not stored: 1 too_old; 1 parts of the request"), "%.*s",
              STR_ARG(reply.body));
    site_close(&site);
}

#define PROTOBUF_2 PROTOBUF ";proto=io.prometheus.write.v2.Request"

/* A request of one series with one sample and one exemplar. */
static str message_2(const char *name, int64_t time_ms, int64_t exemplar_ms, struct arena *arena)
{
    struct writer request = {0}, series = {0}, sample = {0}, exemplar = {0};

    put_text(&request, 4, STR(""));
    put_text(&request, 4, STR("__name__"));
    put_text(&request, 4, str_from(name));
    put_text(&request, 4, STR("trace_id"));
    put_packed(&series, 1, (uint64_t[]){1, 2}, 2);
    put_double(&sample, 1, 1);
    put_varint(&sample, 2, (uint64_t)time_ms);
    put_message(&series, 2, &sample);
    put_packed(&exemplar, 1, (uint64_t[]){3, 2}, 2);
    put_varint(&exemplar, 3, (uint64_t)exemplar_ms);
    put_message(&series, 4, &exemplar);
    put_message(&request, 5, &series);
    return compress(take_message(&request, arena), arena);
}

static const char *const count_headers[] = {"X-Prometheus-Remote-Write-Samples-Written",
                                            "X-Prometheus-Remote-Write-Histograms-Written",
                                            "X-Prometheus-Remote-Write-Exemplars-Written"};

static const struct {
    const char *name, *metric;
    int64_t time_ms, exemplar_ms;
    unsigned code;
    const char *counts[3];
    const char *text;
} partial[] = {
    {"stored", "up", 2000, 2000, 204, {"1", "0", "1"}, ""},
    {"again", "up", 2000, 2000, 204, {"1", "0", "1"}, ""},
    {"late exemplar", "up", 3000, 1000, 400, {"1", "0", "0"}, "1 exemplars are out of order\n"},
    {"no name", "", 2000, 2000, 400, {"0", "0", "0"}, "1 of 1 samples were not stored: 1 invalid_labels; first: "},
};

Test(api_write, version_2)
{
    struct site site;

    site_open(&site);
    for (size_t i = 0; i < sizeof partial / sizeof partial[0]; i++) {
        str body = message_2(partial[i].metric, partial[i].time_ms, partial[i].exemplar_ms, &site.arena);
        struct reply reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF_2, body);
        cr_expect(reply.code == partial[i].code, "%s: %u %.*s", partial[i].name, reply.code, STR_ARG(reply.body));
        cr_expect(str_starts_with(reply.body, str_from(partial[i].text)), "%s: %.*s", partial[i].name,
                  STR_ARG(reply.body));
        for (int j = 0; j < 3; j++)
            cr_expect(str_equal(reply_header(&reply, count_headers[j]), str_from(partial[i].counts[j])), "%s: %s %.*s",
                      partial[i].name, count_headers[j], STR_ARG(reply_header(&reply, count_headers[j])));
    }
    struct reply reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF_2, STR("no snappy"));
    cr_expect(reply.code == 400 && str_equal(reply_header(&reply, count_headers[0]), STR("0")));
    reply = site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF, write_body(3, &site.arena));
    cr_expect(reply.code == 204 && reply_header(&reply, count_headers[0]).len == 0, "1.0 knows no counts");
    site_close(&site);
}

struct kinds_case {
    const char *name;
    int64_t time_ms;
    double value;
    int64_t histogram_ms;
    uint64_t count, found; /* observations that the histogram says there are, and that are in its bucket */
    unsigned code;
    const char *counts[2];
};

static const struct kinds_case kinds[] = {
    {"both", 2000, 1, 2000, 3, 3, 204, {"1", "1"}},
    {"both again", 2000, 1, 2000, 3, 3, 204, {"1", "1"}},
    {"a histogram that contradicts itself", 3000, 1, 3000, 99, 3, 400, {"1", "0"}},
    {"another histogram for a time", 4000, 1, 2000, 4, 4, 400, {"1", "0"}},
    {"another value for a time", 4000, 2, 5000, 3, 3, 400, {"0", "1"}},
};

/* A series with one sample and one with a native histogram. */
static str message_of_kinds(const struct kinds_case *one, struct arena *arena)
{
    struct writer request = {0}, series = {0}, sample = {0}, histogram = {0}, span = {0};
    const char *const symbols[] = {"", "__name__", "floats", "histograms"};

    for (size_t i = 0; i < 4; i++) put_text(&request, 4, str_from(symbols[i]));
    put_packed(&series, 1, (uint64_t[]){1, 2}, 2);
    put_double(&sample, 1, one->value);
    put_varint(&sample, 2, (uint64_t)one->time_ms);
    put_message(&series, 2, &sample);
    put_message(&request, 5, &series);
    put_packed(&series, 1, (uint64_t[]){1, 3}, 2);
    put_varint(&histogram, 1, one->count);
    put_varint(&span, 2, 1);
    put_message(&histogram, 11, &span);
    put_packed(&histogram, 12, (uint64_t[]){2 * one->found}, 1);
    put_varint(&histogram, 15, (uint64_t)one->histogram_ms);
    put_message(&series, 3, &histogram);
    put_message(&request, 5, &series);
    return compress(take_message(&request, arena), arena);
}

/* What was written is told by kind, whatever was refused. */
Test(api_write, version_2_counts_by_kind)
{
    struct site site;

    site_open(&site);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct reply reply =
            site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF_2, message_of_kinds(&kinds[i], &site.arena));
        cr_expect(reply.code == kinds[i].code, "%s: %u %.*s", kinds[i].name, reply.code, STR_ARG(reply.body));
        for (int j = 0; j < 2; j++)
            cr_expect(str_equal(reply_header(&reply, count_headers[j]), str_from(kinds[i].counts[j])), "%s: %s %.*s",
                      kinds[i].name, count_headers[j], STR_ARG(reply_header(&reply, count_headers[j])));
    }
    site_close(&site);
}

Test(api_write, a_failed_log_has_written_nothing)
{
    struct site site;

    site_open(&site);
    site_stand_in(&site);
    appender.outcome = status_make(STATUS_IO, "sync failed");
    struct reply reply =
        site_call(&site, "POST", "/api/v1/write", SNAPPY PROTOBUF_2, message_2("up", 1, 1, &site.arena));
    cr_expect(reply.code == 503);
    for (int j = 0; j < 3; j++) cr_expect(str_equal(reply_header(&reply, count_headers[j]), STR("0")));
    site_close(&site);
}
