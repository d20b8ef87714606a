/* gzip and zstd for answers; see compress.h. */
#include "http/compress.h"

#include "storage/base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

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

const char *coding_name(enum coding coding)
{
    static const char *const names[] = {[CODING_PLAIN] = "identity", [CODING_GZIP] = "gzip", [CODING_ZSTD] = "zstd"};

    return names[coding];
}

enum coding compress_choose(str accept_encoding)
{
    double qualities[CODING_COUNT] = {[CODING_GZIP] = -1, [CODING_ZSTD] = -1}, any = 0;
    enum coding best = CODING_PLAIN;

    while (accept_encoding.len) {
        str rest = str_cut(&accept_encoding, ',');
        str coding = str_trim(str_cut(&rest, ';'));
        double q = quality(rest);
        if (str_equal_ignore_case(coding, STR("x-gzip"))) coding = STR("gzip");
        if (str_equal(coding, STR("*"))) any = q;
        for (int i = 0; i < CODING_COUNT; i++) {
            if (str_equal_ignore_case(coding, str_from(coding_name((enum coding)i)))) qualities[i] = q;
        }
    }
    if (qualities[CODING_GZIP] < 0) qualities[CODING_GZIP] = any; /* `*` means what everybody has */
    for (int i = CODING_GZIP; i < CODING_COUNT; i++) {
        if (qualities[i] > 0 && qualities[i] >= qualities[best]) best = (enum coding)i;
    }
    return best;
}

struct compress {
    z_stream zlib;
    ZSTD_CCtx *zstd; /* NULL: gzip */
};

static void need(bool fine, const char *user)
{
    if (fine) return; /* fails only for want of memory */
    log_error("out of memory", "user=%s", user);
    abort();
}

struct compress *compress_new(enum coding coding)
{
    struct compress *stream = memory_zalloc(sizeof *stream);

    assert(coding != CODING_PLAIN);
    if (coding == CODING_ZSTD) {
        stream->zstd = ZSTD_createCCtx();
        need(stream->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(stream->zstd, ZSTD_c_compressionLevel, LEVEL)),
             "zstd");
    } else {
        need(deflateInit2(&stream->zlib, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP_FORMAT, MEMORY_LEVEL,
                          Z_DEFAULT_STRATEGY) == Z_OK,
             "zlib");
    }
    return stream;
}

static void run_zstd(struct compress *stream, const void *data, size_t bytes, ZSTD_EndDirective end,
                     struct buffers *out)
{
    ZSTD_inBuffer input = {data, bytes, 0};
    size_t left;

    do {
        size_t room;
        void *place = buffers_reserve(out, &room);
        ZSTD_outBuffer output = {place, room, 0};
        left = ZSTD_compressStream2(stream->zstd, &output, &input, end);
        need(!ZSTD_isError(left), "zstd");
        buffers_commit(out, output.pos);
    } while (end == ZSTD_e_end ? left > 0 : input.pos < input.size);
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

    if (stream->zstd) {
        run_zstd(stream, data, bytes, ZSTD_e_continue, out);
        return;
    }
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
    if (stream->zstd) {
        run_zstd(stream, NULL, 0, ZSTD_e_end, out);
        return;
    }
    stream->zlib.avail_in = 0;
    run(stream, Z_FINISH, out);
}

void compress_free(struct compress *stream)
{
    if (!stream) return;
    if (stream->zstd) {
        ZSTD_freeCCtx(stream->zstd);
    } else {
        deflateEnd(&stream->zlib);
    }
    free(stream);
}
