/* gzip and zstd for answers: which of them the client takes, and the stream. */
#ifndef VARVE_HTTP_COMPRESS_H
#define VARVE_HTTP_COMPRESS_H

#include "http/buffers.h"

/* Codings of contents; the first ones are preferred among equals. */
enum coding { CODING_PLAIN, CODING_GZIP, CODING_ZSTD, CODING_COUNT };

/* "gzip", "zstd". */
const char *coding_name(enum coding coding);

/* What an Accept-Encoding header asks for: the coding that is named, or covered by `*`, with the highest quality, which
 * must be above zero and not below that of sending it plain. Among equals zstd comes before gzip. */
enum coding compress_choose(str accept_encoding);

/* A stream at level 1: twice the speed of the others, for a little more length. */
struct compress;
struct compress *compress_new(enum coding coding);
void compress_write(struct compress *stream, const void *data, size_t bytes, struct buffers *out);
void compress_finish(struct compress *stream, struct buffers *out);

/* NULL is fine. */
void compress_free(struct compress *stream);

#endif
