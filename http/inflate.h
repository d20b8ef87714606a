/* Bodies in the codings of HTTP. */
#ifndef VARVE_HTTP_INFLATE_H
#define VARVE_HTTP_INFLATE_H

#include "storage/base/status.h"
#include "storage/base/str.h"

/* Undoes a Content-Encoding: none, identity, gzip, deflate (zlib's format) or zstd. What is none stays where it is;
 * else *buffer grows with what comes out. INVALID if it is corrupt or would be more than bytes_max, UNSUPPORTED for
 * another coding. */
status inflate_body(str body, str coding, size_t bytes_max, char **buffer, size_t *capacity, str *out);

bool inflate_knows(str coding);

#endif
