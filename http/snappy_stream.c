/* A text in Snappy's raw format, piece by piece; see snappy_stream.h. */
#include "http/snappy_stream.h"

#include <snappy-c.h>

enum { PIECE_BYTES = 64 << 10, LITERAL_BYTES_MAX = 60 };

static void compress_pending(struct snappy_stream *stream)
{
    size_t room = snappy_max_compressed_length(stream->pending.count), bytes = room;
    uint64_t length;

    stream->packed.count = 0;
    char *packed = (char *)writer_reserve(&stream->packed, room);
    snappy_compress((const char *)stream->pending.data, stream->pending.count, packed, &bytes);
    const uint8_t *elements = varint_get(stream->packed.data, stream->packed.data + bytes, &length);
    buffers_append(&stream->out, elements, bytes - (size_t)(elements - stream->packed.data));
    stream->pending.count = 0;
}

void snappy_stream_write(struct snappy_stream *stream, str text)
{
    stream->text_bytes += text.len;
    writer_bytes(&stream->pending, text.data, text.len);
    if (stream->pending.count >= PIECE_BYTES) compress_pending(stream);
}

void snappy_stream_finish(struct snappy_stream *stream)
{
    if (stream->pending.count) compress_pending(stream);
}

void snappy_put_literal(struct buffers *out, str text)
{
    uint8_t tag = (uint8_t)((text.len - 1) << 2);

    assert(text.len > 0 && text.len <= LITERAL_BYTES_MAX);
    buffers_append(out, &tag, 1);
    buffers_append(out, text.data, text.len);
}

void snappy_stream_release(struct snappy_stream *stream)
{
    buffers_release(&stream->out);
    writer_release(&stream->pending);
    writer_release(&stream->packed);
}
