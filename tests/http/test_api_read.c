#include "http/api_read.h"
#include "http/config.h"
#include "storage/base/crc32c.h"
#include "storage/chunk_gorilla.h"
#include "storage/chunk_histogram.h"
#include "tests/http/harness.h"
#include "tests/http/message.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <snappy-c.h>

enum { LONG = 1000 };

static void load(struct site *site)
{
    static int64_t times[LONG];
    static double values[LONG];

    for (int i = 0; i < LONG; i++) {
        times[i] = 1000 * (int64_t)i;
        values[i] = i;
    }
    fixture_append(&site->fixture, "long{job=\"x\"}", times, values, LONG);
    fixture_append(&site->fixture, "short{job=\"x\"}", times, values, 2);
    fixture_append(&site->fixture, "other{job=\"y\"}", times, values, 2);
}

static void put_query(struct writer *request, const char *name, int type, const char *value, int64_t from, int64_t to)
{
    struct writer query = {0}, matcher = {0};

    put_varint(&query, 1, (uint64_t)from);
    put_varint(&query, 2, (uint64_t)to);
    if (type) put_varint(&matcher, 1, (uint64_t)type);
    put_text(&matcher, 2, str_from(name));
    put_text(&matcher, 3, str_from(value));
    put_message(&query, 3, &matcher);
    put_message(request, 1, &query);
}

static struct reply ask(struct site *site, struct writer *request)
{
    size_t bytes = snappy_max_compressed_length(request->count);
    char *body = arena_alloc(&site->arena, bytes);

    snappy_compress((const char *)request->data, request->count, body, &bytes);
    writer_release(request);
    return site_call(site, "POST", "/api/v1/read", NULL, str_make(body, bytes));
}

static str unsnap(str body, struct arena *arena)
{
    size_t bytes = 0;

    cr_assert(snappy_uncompressed_length(body.data, body.len, &bytes) == SNAPPY_OK);
    char *text = arena_alloc(arena, bytes);
    cr_assert(snappy_uncompress(body.data, body.len, text, &bytes) == SNAPPY_OK);
    return str_make(text, bytes);
}

/* Fields of one number in a message, counted; the last one goes to *last. */
static size_t count_fields(str message, unsigned number, str *last)
{
    const uint8_t *at = (const uint8_t *)message.data, *end = at + message.len;
    struct protobuf_field field;
    size_t count = 0;

    while (at < end && (at = protobuf_field(at, end, &field))) {
        if (field.tag != PROTOBUF_TAG(number, PROTOBUF_BYTES)) continue;
        count++;
        *last = field.bytes;
    }
    return count;
}

Test(api_read, as_samples)
{
    struct site site;
    struct writer request = {0};
    str result = STR(""), series = STR(""), sample = STR("");

    site_open(&site);
    load(&site);
    put_query(&request, "job", 0, "x", 1000, 3000);
    put_query(&request, "job", 2, "[z]", 0, 3000);
    struct reply reply = ask(&site, &request);
    cr_assert(reply.code == 200, "%.*s", STR_ARG(reply.body));
    cr_expect(str_equal(reply_header(&reply, "Content-Type"), STR("application/x-protobuf")));
    cr_expect(str_equal(reply_header(&reply, "Content-Encoding"), STR("snappy")));
    str message = unsnap(reply.body, &site.arena);
    cr_expect(count_fields(message, 1, &result) == 2 && result.len == 0, "nothing for the second query");
    message.len = message.len - 2;
    cr_assert(count_fields(message, 1, &result) == 1 && count_fields(result, 1, &series) == 2);
    cr_expect(count_fields(series, 2, &sample) == 1, "short has one in the interval");
    cr_expect(sample.len == 12 && load_u64(sample.data + 1) == double_bits(1));
    site_close(&site);
}

/* Checks frame by frame; the samples of all series are counted. */
static size_t read_frames(str body, size_t *frames)
{
    struct reader reader = reader_make(body.data, body.len);
    size_t count = 0;

    *frames = 0;
    while (reader_left(&reader)) {
        uint64_t bytes = reader_varint(&reader);
        uint32_t crc = __builtin_bswap32(reader_u32(&reader));
        const uint8_t *message = reader_bytes(&reader, bytes);
        cr_assert(message && crc == crc32c(message, bytes));
        str series = STR(""), chunk = STR(""), data = STR("");
        cr_assert(count_fields(str_make((const char *)message, bytes), 1, &series) == 1);
        ++*frames;
        const uint8_t *at = (const uint8_t *)series.data, *end = at + series.len;
        struct protobuf_field field;
        while (at < end && (at = protobuf_field(at, end, &field))) {
            if (field.tag != PROTOBUF_TAG(2, PROTOBUF_BYTES)) continue;
            chunk = field.bytes;
            cr_assert(count_fields(chunk, 4, &data) == 1);
            count += gorilla_count((const uint8_t *)data.data, data.len);
        }
    }
    return count;
}

Test(api_read, as_chunks)
{
    struct site site;
    struct writer request = {0};
    size_t frames;

    site_open(&site);
    load(&site);
    put_query(&request, "job", 0, "x", 0, 1000000);
    put_packed(&request, 2, (uint64_t[]){9, 1, 0}, 3);
    struct reply reply = ask(&site, &request);
    cr_assert(reply.code == 200);
    cr_expect(str_equal(reply_header(&reply, "Content-Type"),
                        STR("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")));
    cr_expect(reply_header(&reply, "Content-Encoding").len == 0);
    cr_expect(read_frames(reply.body, &frames) == LONG + 2 && frames == 2);
    site_close(&site);
}

/* Chunks of the head that lie in the interval are sent as they are stored: cut at its samples 120, 240, ... and byte
 * for byte; of the first one, which the interval cuts, a part is encoded anew. */
Test(api_read, stored_chunks)
{
    struct site site;
    struct writer request = {0}, stored = {0};
    str series = STR(""), data = STR("");
    int64_t times[LONG];
    double values[LONG];
    size_t first = 50;

    site_open(&site);
    load(&site);
    for (int i = 0; i < LONG; i++) {
        times[i] = 1000 * (int64_t)i;
        values[i] = i;
    }
    put_query(&request, "__name__", 0, "long", 1000 * (int64_t)first, 1000000);
    put_packed(&request, 2, (uint64_t[]){1}, 1);
    struct reply reply = ask(&site, &request);
    struct reader reader = reader_make(reply.body.data, reply.body.len);
    uint64_t bytes = reader_varint(&reader);
    reader_u32(&reader);
    const char *message = (const char *)reader_bytes(&reader, bytes);
    cr_assert(message && reader_left(&reader) == 0 && count_fields(str_make(message, bytes), 1, &series) == 1);
    const uint8_t *at = (const uint8_t *)series.data, *end = at + series.len;
    struct protobuf_field field;
    while (at < end && (at = protobuf_field(at, end, &field))) {
        size_t next = (first / 120 + 1) * 120 < LONG ? (first / 120 + 1) * 120 : LONG;
        int64_t bounds[2] = {-1, -1};
        if (field.tag != PROTOBUF_TAG(2, PROTOBUF_BYTES)) continue;
        const uint8_t *from = (const uint8_t *)field.bytes.data, *to = from + field.bytes.len;
        while (from < to && (from = protobuf_field(from, to, &field))) {
            if (field.tag == PROTOBUF_TAG(1, PROTOBUF_VARINT)) bounds[0] = (int64_t)field.value;
            if (field.tag == PROTOBUF_TAG(2, PROTOBUF_VARINT)) bounds[1] = (int64_t)field.value;
            if (field.tag == PROTOBUF_TAG(3, PROTOBUF_VARINT)) cr_expect(field.value == 1);
            if (field.tag == PROTOBUF_TAG(4, PROTOBUF_BYTES)) data = field.bytes;
        }
        cr_assert(first < LONG);
        stored.count = 0;
        gorilla_encode(times + first, (const uint64_t *)(const void *)(values + first), next - first, &stored);
        cr_expect(bounds[0] == times[first] && bounds[1] == times[next - 1], "the chunk at %zu", first);
        cr_expect(data.len == stored.count && memcmp(data.data, stored.data, stored.count) == 0, "the chunk at %zu",
                  first);
        first = next;
    }
    cr_expect(first == LONG);
    writer_release(&stored);
    site_close(&site);
}

/* Chunks of each kind, cut where the kind, the layout or the counter changes; what they hold, as text. */
Test(api_read, histograms_as_chunks)
{
    static const char want[] = "1: 1@0 2@1000\n3: 3/0@2000 5/2@3000\n3: 3/0@4000\n3: 4/3@5000\n1: 7@6000\n";
    struct site site;
    struct writer request = {0};
    str series = STR(""), text = STR("");

    site_open(&site);
    fixture_load(&site.fixture, 1000, "mixed 1 2 h1,2 h1,4 h1,2 g3,1 7");
    put_query(&request, "__name__", 0, "mixed", 0, 1000000);
    put_packed(&request, 2, (uint64_t[]){1}, 1);
    struct reply reply = ask(&site, &request);
    struct reader reader = reader_make(reply.body.data, reply.body.len);
    uint64_t bytes = reader_varint(&reader);
    reader_u32(&reader);
    const char *message = (const char *)reader_bytes(&reader, bytes);
    cr_assert(message && reader_left(&reader) == 0 && count_fields(str_make(message, bytes), 1, &series) == 1);
    const uint8_t *at = (const uint8_t *)series.data, *end = at + series.len;
    struct protobuf_field field;
    while (at < end && (at = protobuf_field(at, end, &field))) {
        int64_t times[8];
        double values[8];
        struct rich_sample found[8];
        uint64_t kind = 0;
        str data = STR("");
        if (field.tag != PROTOBUF_TAG(2, PROTOBUF_BYTES)) continue;
        const uint8_t *from = (const uint8_t *)field.bytes.data, *to = from + field.bytes.len;
        while (from < to && (from = protobuf_field(from, to, &field))) {
            if (field.tag == PROTOBUF_TAG(3, PROTOBUF_VARINT)) kind = field.value;
            if (field.tag == PROTOBUF_TAG(4, PROTOBUF_BYTES)) data = field.bytes;
        }
        uint8_t *chunk = arena_zalloc(&site.arena, data.len + GORILLA_SLACK_BYTES);
        memcpy(chunk, data.data, data.len);
        size_t count = gorilla_count(chunk, data.len);
        cr_assert(count <= 8);
        if (kind == 1) {
            cr_assert(gorilla_decode(chunk, data.len, times, values));
        } else {
            cr_assert(histogram_chunk_decode(chunk, data.len, kind == 2, found, &site.arena));
        }
        text = arena_format(&site.arena, "%.*s%d:", STR_ARG(text), (int)kind);
        for (size_t i = 0; i < count; i++) {
            text = kind == 1 ? arena_format(&site.arena, "%.*s %g@%lld", STR_ARG(text), values[i], (long long)times[i])
                             : arena_format(&site.arena, "%.*s %g/%d@%lld", STR_ARG(text), found[i].histogram->count,
                                            found[i].histogram->hint, (long long)found[i].time_ms);
        }
        text = arena_format(&site.arena, "%.*s\n", STR_ARG(text));
    }
    cr_expect(str_equal(text, str_from(want)), "%.*s", STR_ARG(text));
    site_close(&site);
}

Test(api_read, external_labels)
{
    struct site site;
    struct writer request = {0};
    struct config *config;
    const char *path;
    str result = STR(""), series = STR(""), pair = STR("");

    site_open(&site);
    load(&site);
    must(folder_make_temporary(&site.arena, &path));
    str file = arena_format(&site.arena, "%s/varve.yml", path);
    must(folder_write_file(file.data, STR("global: {external_labels: {zone: me}}\n")));
    must(config_load(file, &config));
    config_holder_set(site.services.config, config);
    put_query(&request, "zone", 0, "me", 0, 3000);
    struct reply reply = ask(&site, &request);
    cr_assert(reply.code == 200);
    cr_assert(count_fields(unsnap(reply.body, &site.arena), 1, &result) == 1);
    cr_assert(count_fields(result, 1, &series) == 3, "series without the label match");
    cr_expect(count_fields(series, 1, &pair) == 3 && contains(pair, "zone"), "and have it in the answer");
    site_close(&site);
}

Test(api_read, refusals)
{
    struct site site;
    struct writer request = {0};

    site_open(&site);
    load(&site);
    site.settings.read_samples_max = 5;
    put_query(&request, "job", 0, "x", 0, 9000);
    struct reply reply = ask(&site, &request);
    cr_expect(reply.code == 400 && str_equal(reply.body, STR("exceeded sample limit (5)\n")));
    put_query(&request, "job", 2, "(", 0, 9000);
    cr_expect(ask(&site, &request).code == 400, "a bad expression");
    put_query(&request, "job", 9, "x", 0, 9000);
    cr_expect(ask(&site, &request).code == 400, "an unknown matcher");
    put_packed(&request, 2, (uint64_t[]){7}, 1);
    cr_expect(ask(&site, &request).code == 400, "an unknown answer");
    put_text(&request, 1, STR("\x1A\x05"));
    cr_expect(ask(&site, &request).code == 400, "no protobuf");
    cr_expect(site_call(&site, "POST", "/api/v1/read", NULL, STR("x")).code == 400, "no snappy");
    site_close(&site);
}
