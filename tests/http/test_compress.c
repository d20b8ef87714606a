#include "http/compress.h"
#include "tests/http/harness.h"

static const struct {
    const char *header;
    bool gzip;
} headers[] = {
    {"", false},
    {"gzip", true},
    {"GZIP", true},
    {"x-gzip", true},
    {"gzip, deflate, br", true},
    {"deflate", false},
    {"deflate;q=1.0, gzip;q=0.5", true},
    {"gzip;q=0", false},
    {"gzip;q=0.0", false},
    {"gzip; q=0.001", true},
    {"gzip;q=2", false},
    {"gzip;q=x", false},
    {"gzip;q=nan", false},
    {"identity", false},
    {"identity;q=1, gzip;q=0.5", false},
    {"identity;q=0.5, gzip;q=1", true},
    {"*", true},
    {"*;q=0", false},
    {"gzip;q=0, *", false},
    {"identity, *;q=0.5", false},
    {"gzipped", false},
    {" gzip ; q=1 ", true},
    {",,gzip,,", true},
};

Test(compress, accept_encoding)
{
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        cr_expect(compress_accepts_gzip(str_from(headers[i].header)) == headers[i].gzip, "%s", headers[i].header);
}

Test(compress, stream_is_gzip)
{
    struct arena arena = {0};
    struct buffers out = {0};
    struct compress *stream = compress_new();
    enum { BYTES = 1 << 20 };
    char *data = memory_alloc(BYTES);
    uint32_t random = 7;

    for (size_t i = 0; i < BYTES; i++) {
        random = random * 1103515245 + 12345;
        data[i] = (char)(i % 3 ? random >> 24 : 'a'); /* does not shrink much, so that it fills several blocks */
    }
    for (size_t at = 0, piece = 1; at < BYTES; at += piece, piece *= 2)
        compress_write(stream, data + at, at + piece > BYTES ? BYTES - at : piece, &out);
    compress_finish(stream, &out);
    compress_free(stream);
    cr_expect(!buffers_are_one(&out));
    char *packed = memory_alloc(out.bytes);
    size_t packed_bytes = buffers_take(&out, packed, out.bytes);
    str plain = gunzip(str_make(packed, packed_bytes), &arena);
    cr_expect(str_equal(plain, str_make(data, BYTES)));
    free(packed);
    free(data);
    arena_release(&arena);
    buffers_release(&out);
}

Test(compress, nothing_is_a_stream_too)
{
    struct arena arena = {0};
    struct buffers out = {0};
    struct compress *stream = compress_new();
    char packed[64];

    compress_finish(stream, &out);
    compress_free(stream);
    compress_free(NULL);
    size_t bytes = buffers_take(&out, packed, sizeof packed);
    cr_expect(bytes > 0 && gunzip(str_make(packed, bytes), &arena).len == 0);
    arena_release(&arena);
    buffers_release(&out);
}
