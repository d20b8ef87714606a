/* A text in Snappy's raw format, compressed piece by piece, so that only the compressed form is held.
 *
 * The format is the length of the text as a varint, then elements that copy from what came before or carry bytes of
 * their own. What was compressed as a text of its own refers to nothing before it, so such texts without their lengths
 * may follow each other. The length of all stands first, but is known last: whoever has all parts writes it.
 */
#ifndef VARVE_HTTP_SNAPPY_STREAM_H
#define VARVE_HTTP_SNAPPY_STREAM_H

#include "http/buffers.h"
#include "storage/base/bytes.h"

/* Zeroed but for the account of `out` it is ready. */
struct snappy_stream {
    struct buffers out;    /* compressed, without the length */
    struct writer pending; /* text that is still to be compressed */
    struct writer packed;
    uint64_t text_bytes;
};

void snappy_stream_write(struct snappy_stream *stream, str text);

/* Compresses the rest; `out` and `text_bytes` are complete. */
void snappy_stream_finish(struct snappy_stream *stream);

/* Appends a short text, 60 bytes at most, as it is. */
void snappy_put_literal(struct buffers *out, str text);

void snappy_stream_release(struct snappy_stream *stream);

#endif
