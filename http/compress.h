/* gzip for answers: whether the client takes it, and the stream. */
#ifndef VARVE_HTTP_COMPRESS_H
#define VARVE_HTTP_COMPRESS_H

#include "http/buffers.h"

/* Whether an Accept-Encoding header asks for gzip: named, or covered by `*`, with a quality above zero and not below
 * that of sending it plain. */
bool compress_accepts_gzip(str accept_encoding);

/* A stream at level 1: twice the speed of the others, for a little more length. */
struct compress;
struct compress *compress_new(void);
void compress_write(struct compress *stream, const void *data, size_t bytes, struct buffers *out);
void compress_finish(struct compress *stream, struct buffers *out);

/* NULL is fine. */
void compress_free(struct compress *stream);

#endif
