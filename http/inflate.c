/* Bodies in the codings of HTTP; see inflate.h. */
#include "http/inflate.h"

#include "storage/base/memory.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { FIRST_BYTES = 64 << 10, EITHER_FORMAT = 32 }; /* zlib tells its format and gzip's apart by itself */

static bool is_plain(str coding)
{
    return coding.len == 0 || str_equal_ignore_case(coding, STR("identity"));
}

static bool is_zlib(str coding)
{
    return str_equal_ignore_case(coding, STR("gzip")) || str_equal_ignore_case(coding, STR("x-gzip")) ||
           str_equal_ignore_case(coding, STR("deflate"));
}

bool inflate_knows(str coding)
{
    return is_plain(coding) || is_zlib(coding) || str_equal_ignore_case(coding, STR("zstd"));
}

/* More room; false when that would be more than allowed. */
static bool grow(char **buffer, size_t *capacity, size_t bytes_max)
{
    size_t next = *capacity ? 2 * *capacity : FIRST_BYTES;

    if (next > bytes_max) next = bytes_max;
    if (next <= *capacity && *buffer) return false;
    *buffer = memory_realloc(*buffer, next);
    *capacity = next;
    return true;
}

static status too_large(size_t bytes_max)
{
    return status_make(STATUS_INVALID, "decoded size exceeds the %zu bytes limit", bytes_max);
}

static status corrupt(const char *what)
{
    return status_make(STATUS_INVALID, "the body is no %s: its content is corrupt or cut", what);
}

static status inflate_zlib(str body, size_t bytes_max, char **buffer, size_t *capacity, str *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)body.data, .avail_in = (uInt)body.len};
    size_t done = 0;
    status s = ok();

    if (inflateInit2(&stream, 15 + EITHER_FORMAT) != Z_OK) return status_make(STATUS_UNAVAILABLE, "no memory for zlib");
    for (;;) {
        if (done == *capacity && !grow(buffer, capacity, bytes_max)) {
            s = too_large(bytes_max);
            break;
        }
        stream.next_out = (Bytef *)*buffer + done;
        stream.avail_out = (uInt)(*capacity - done);
        int outcome = inflate(&stream, Z_NO_FLUSH);
        done = *capacity - stream.avail_out;
        if (outcome == Z_STREAM_END) break;
        if (outcome != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
            s = corrupt("gzip");
            break;
        }
    }
    inflateEnd(&stream);
    *out = str_make(*buffer, done);
    return s;
}

static status inflate_zstd(str body, size_t bytes_max, char **buffer, size_t *capacity, str *out)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer input = {body.data, body.len, 0};
    size_t done = 0, left = 1;
    status s = context ? ok() : status_make(STATUS_UNAVAILABLE, "no memory for zstd");

    while (!failed(s) && left > 0) {
        if (done == *capacity && !grow(buffer, capacity, bytes_max)) {
            s = too_large(bytes_max);
            break;
        }
        ZSTD_outBuffer output = {*buffer, *capacity, done};
        left = ZSTD_decompressStream(context, &output, &input);
        bool is_stuck = input.pos == input.size && output.pos < output.size && left > 0;
        if (ZSTD_isError(left) || is_stuck) s = corrupt("zstd");
        done = output.pos;
    }
    ZSTD_freeDCtx(context);
    *out = str_make(*buffer, done);
    return s;
}

status inflate_body(str body, str coding, size_t bytes_max, char **buffer, size_t *capacity, str *out)
{
    *out = body;
    if (!inflate_knows(coding))
        return status_make(STATUS_UNSUPPORTED,
                           "unsupported Content-Encoding \"%.*s\"; there are gzip, deflate and zstd", STR_ARG(coding));
    if (is_plain(coding)) return body.len <= bytes_max ? ok() : too_large(bytes_max);
    return is_zlib(coding) ? inflate_zlib(body, bytes_max, buffer, capacity, out)
                           : inflate_zstd(body, bytes_max, buffer, capacity, out);
}
