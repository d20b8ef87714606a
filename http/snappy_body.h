/* Bodies in snappy's block format. */
#ifndef VARVE_HTTP_SNAPPY_BODY_H
#define VARVE_HTTP_SNAPPY_BODY_H

#include "storage/base/status.h"
#include "storage/base/str.h"

/* Decompresses into *buffer, which grows with what is there. The declared length is judged before anything is allocated
 * for it. INVALID otherwise. */
status snappy_body_read(str body, size_t bytes_max, char **buffer, size_t *capacity, str *out);

#endif
