/* Remote-write 1.0 requests; see remote_write_client.h. */
#include "tests/support/remote_write_client.h"

#include <snappy-c.h>

/* Field numbers and wire types of prometheus.WriteRequest and its parts. */
enum {
    REQUEST_SERIES = 1 << 3 | 2,
    REQUEST_METADATA = 3 << 3 | 2,
    SERIES_LABEL = 1 << 3 | 2,
    SERIES_SAMPLE = 2 << 3 | 2,
    LABEL_NAME = 1 << 3 | 2,
    LABEL_VALUE = 2 << 3 | 2,
    SAMPLE_VALUE = 1 << 3 | 1,
    SAMPLE_TIME = 2 << 3 | 0,
    METADATA_TYPE = 1 << 3 | 0,
    METADATA_FAMILY = 2 << 3 | 2,
    METADATA_HELP = 4 << 3 | 2,
    METADATA_UNIT = 5 << 3 | 2
};

void write_request_release(struct write_request *request)
{
    writer_release(&request->message);
    writer_release(&request->compressed);
}

void write_request_reset(struct write_request *request)
{
    request->message.count = 0;
}

static void put_text(struct writer *out, uint8_t tag, str text)
{
    writer_u8(out, tag);
    writer_str(out, text);
}

/* Appends `part` as a field of `out` and empties it for the next one. */
static void put_part(struct writer *out, uint8_t tag, struct writer *part)
{
    put_text(out, tag, str_make((const char *)part->data, part->count));
    part->count = 0;
}

void write_request_add(struct write_request *request, const label *pairs, size_t pair_count,
                       const struct write_sample *samples, size_t sample_count)
{
    struct writer series = {0}, part = {0};

    for (size_t i = 0; i < pair_count; i++) {
        put_text(&part, LABEL_NAME, pairs[i].name);
        put_text(&part, LABEL_VALUE, pairs[i].value);
        put_part(&series, SERIES_LABEL, &part);
    }
    for (size_t i = 0; i < sample_count; i++) {
        writer_u8(&part, SAMPLE_VALUE);
        writer_u64(&part, double_bits(samples[i].value));
        writer_u8(&part, SAMPLE_TIME);
        writer_varint(&part, (uint64_t)samples[i].time_ms);
        put_part(&series, SERIES_SAMPLE, &part);
    }
    put_part(&request->message, REQUEST_SERIES, &series);
    writer_release(&series);
    writer_release(&part);
}

void write_request_add_metadata(struct write_request *request, unsigned type, str family, str help, str unit)
{
    struct writer part = {0};

    writer_u8(&part, METADATA_TYPE);
    writer_varint(&part, type);
    put_text(&part, METADATA_FAMILY, family);
    put_text(&part, METADATA_HELP, help);
    put_text(&part, METADATA_UNIT, unit);
    put_part(&request->message, REQUEST_METADATA, &part);
    writer_release(&part);
}

str write_request_compress(struct write_request *request)
{
    size_t bytes = snappy_max_compressed_length(request->message.count);
    const char *message = request->message.data ? (const char *)request->message.data : "";

    request->compressed.count = 0;
    char *out = (char *)writer_reserve(&request->compressed, bytes);
    snappy_status result = snappy_compress(message, request->message.count, out, &bytes);
    assert(result == SNAPPY_OK);
    (void)result;
    request->compressed.count = bytes;
    return str_make(out, bytes);
}

status remote_write_send(struct http_client *client, const char *url, str body, struct http_answer *out)
{
    static const char *const headers[] = {"Content-Encoding: snappy", "Content-Type: application/x-protobuf",
                                          "X-Prometheus-Remote-Write-Version: 0.1.0", "Expect:", NULL};
    return http_post(client, url, headers, body, out);
}
