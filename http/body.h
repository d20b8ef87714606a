/* The body of a request while it arrives.
 *
 * It doubles with what has come, up to what was announced but never to that at once, and is charged to the budget of
 * all bodies. */
#ifndef VARVE_HTTP_BODY_H
#define VARVE_HTTP_BODY_H

#include "storage/base/memory.h"
#include "storage/base/str.h"

#include <stdint.h>

struct body {
    uint8_t *data;
    size_t count, capacity;
    size_t announced_bytes;  /* 0 if unknown */
    struct account *account; /* may be NULL */
};

/* Appends what has arrived. False if the budget does not allow it; the body is then released. */
bool body_append(struct body *body, const void *data, size_t bytes);

static inline str body_text(const struct body *body)
{
    return str_make((const char *)body->data, body->count);
}

void body_release(struct body *body);

#endif
