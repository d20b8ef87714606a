/* Bodies in snappy's block format; see snappy_body.h. */
#include "http/snappy_body.h"

#include "storage/base/memory.h"

#include <snappy-c.h>
#include <stdlib.h>

/* Snappy makes at most 64 bytes out of 3. */
enum { SNAPPY_RATIO_MAX = 22 };

status snappy_body_read(str body, size_t bytes_max, char **buffer, size_t *capacity, str *out)
{
    size_t bytes;

    if (snappy_uncompressed_length(body.data, body.len, &bytes) != SNAPPY_OK)
        return status_make(STATUS_INVALID, "the body is no snappy block: it does not begin with a length");
    if (bytes > bytes_max) return status_make(STATUS_INVALID, "decoded size exceeds the %zu bytes limit", bytes_max);
    if (bytes / SNAPPY_RATIO_MAX > body.len)
        return status_make(STATUS_INVALID, "the body is no snappy block: %zu bytes can not hold %zu", body.len, bytes);
    if (bytes > *capacity || !*buffer) {
        free(*buffer);
        *capacity = bytes + bytes / 4;
        *buffer = memory_alloc(*capacity);
    }
    if (snappy_uncompress(body.data, body.len, *buffer, &bytes) != SNAPPY_OK)
        return status_make(STATUS_INVALID, "the body is no snappy block: its content is corrupt");
    *out = str_make(*buffer, bytes);
    return ok();
}
