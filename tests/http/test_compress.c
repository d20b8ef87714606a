#include "http/compress.h"
#include "tests/http/harness.h"

#include <zstd.h>

static const struct {
    const char *header;
    enum coding coding;
} headers[] = {
    {"", CODING_PLAIN},
    {"gzip", CODING_GZIP},
    {"GZIP", CODING_GZIP},
    {"x-gzip", CODING_GZIP},
    {"gzip, deflate, br", CODING_GZIP},
    {"deflate", CODING_PLAIN},
    {"deflate;q=1.0, gzip;q=0.5", CODING_GZIP},
    {"gzip;q=0", CODING_PLAIN},
    {"gzip;q=0.0", CODING_PLAIN},
    {"gzip; q=0.001", CODING_GZIP},
    {"gzip;q=2", CODING_PLAIN},
    {"gzip;q=x", CODING_PLAIN},
    {"gzip;q=nan", CODING_PLAIN},
    {"identity", CODING_PLAIN},
    {"identity;q=1, gzip;q=0.5", CODING_PLAIN},
    {"identity;q=0.5, gzip;q=1", CODING_GZIP},
    {"*", CODING_GZIP},
    {"*;q=0", CODING_PLAIN},
    {"gzip;q=0, *", CODING_PLAIN},
    {"identity, *;q=0.5", CODING_PLAIN},
    {"gzipped", CODING_PLAIN},
    {" gzip ; q=1 ", CODING_GZIP},
    {",,gzip,,", CODING_GZIP},
    {"zstd", CODING_ZSTD},
    {"gzip, zstd", CODING_ZSTD},
    {"gzip, zstd;q=0.5", CODING_GZIP},
    {"zstd;q=0, gzip", CODING_GZIP},
    {"identity, zstd;q=0.5", CODING_PLAIN},
};

Test(compress, accept_encoding)
{
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        cr_expect(compress_choose(str_from(headers[i].header)) == headers[i].coding, "%s", headers[i].header);
}

/* The text decompressed; in the arena. */
static str unpack(enum coding coding, str packed, struct arena *arena)
{
    enum { ROOM = 2 << 20 };

    if (coding == CODING_GZIP) return gunzip(packed, arena);
    char *plain = arena_alloc(arena, ROOM);
    size_t bytes = ZSTD_decompress(plain, ROOM, packed.data, packed.len);
    cr_assert(!ZSTD_isError(bytes), "%s", ZSTD_getErrorName(bytes));
    return str_make(plain, bytes);
}

static void check_stream(enum coding coding)
{
    struct arena arena = {0};
    struct buffers out = {0};
    struct compress *stream = compress_new(coding);
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
    cr_expect(str_equal(unpack(coding, str_make(packed, packed_bytes), &arena), str_make(data, BYTES)));
    free(packed);
    free(data);
    arena_release(&arena);
    buffers_release(&out);
}

Test(compress, streams)
{
    check_stream(CODING_GZIP);
    check_stream(CODING_ZSTD);
}

Test(compress, nothing_is_a_stream_too)
{
    for (int coding = CODING_GZIP; coding < CODING_COUNT; coding++) {
        struct arena arena = {0};
        struct buffers out = {0};
        struct compress *stream = compress_new((enum coding)coding);
        char packed[64];

        compress_finish(stream, &out);
        compress_free(stream);
        compress_free(NULL);
        size_t bytes = buffers_take(&out, packed, sizeof packed);
        cr_expect(bytes > 0 && unpack((enum coding)coding, str_make(packed, bytes), &arena).len == 0);
        arena_release(&arena);
        buffers_release(&out);
    }
}
