/* gzip for answers; see compress.h. */
#include "http/compress.h"

#include "storage/base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

enum { LEVEL = 1, WINDOW_BITS = 15, GZIP_FORMAT = 16, MEMORY_LEVEL = 8 };

/* The q of a coding's parameters, 1 if there is none, 0 if it makes no sense. */
static double quality(str parameters)
{
    while (parameters.len) {
        str parameter = str_trim(str_cut(&parameters, ';'));
        str name = str_trim(str_cut(&parameter, '='));
        double q;
        if (!str_equal_ignore_case(name, STR("q"))) continue;
        return str_to_double(str_trim(parameter), &q) && q >= 0 && q <= 1 ? q : 0;
    }
    return 1;
}

bool compress_accepts_gzip(str accept_encoding)
{
    double gzip = -1, any = -1, plain = 0;

    while (accept_encoding.len) {
        str rest = str_cut(&accept_encoding, ',');
        str coding = str_trim(str_cut(&rest, ';'));
        double q = quality(rest);
        if (str_equal_ignore_case(coding, STR("gzip")) || str_equal_ignore_case(coding, STR("x-gzip"))) gzip = q;
        if (str_equal_ignore_case(coding, STR("identity"))) plain = q;
        if (str_equal(coding, STR("*"))) any = q;
    }
    if (gzip < 0) gzip = any;
    return gzip > 0 && gzip >= plain;
}

struct compress {
    z_stream zlib;
};

struct compress *compress_new(void)
{
    struct compress *stream = memory_zalloc(sizeof *stream);
    int outcome =
        deflateInit2(&stream->zlib, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP_FORMAT, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);

    if (outcome != Z_OK) { /* only for want of memory */
        log_error("out of memory", "user=zlib");
        abort();
    }
    return stream;
}

static void run(struct compress *stream, int flush, struct buffers *out)
{
    z_stream *zlib = &stream->zlib;
    int outcome;

    do {
        size_t room;
        zlib->next_out = buffers_reserve(out, &room);
        zlib->avail_out = (uInt)room;
        outcome = deflate(zlib, flush);
        assert(outcome != Z_STREAM_ERROR);
        buffers_commit(out, room - zlib->avail_out);
    } while (zlib->avail_out == 0 || (flush == Z_FINISH && outcome != Z_STREAM_END));
}

void compress_write(struct compress *stream, const void *data, size_t bytes, struct buffers *out)
{
    const uint8_t *at = data;

    while (bytes) {
        size_t piece = bytes < (1u << 30) ? bytes : 1u << 30; /* zlib counts in 32 bits */
        stream->zlib.next_in = (Bytef *)(uintptr_t)at;
        stream->zlib.avail_in = (uInt)piece;
        run(stream, Z_NO_FLUSH, out);
        at += piece;
        bytes -= piece;
    }
}

void compress_finish(struct compress *stream, struct buffers *out)
{
    stream->zlib.avail_in = 0;
    run(stream, Z_FINISH, out);
}

void compress_free(struct compress *stream)
{
    if (!stream) return;
    deflateEnd(&stream->zlib);
    free(stream);
}
