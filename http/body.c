/* The body of a request; see body.h. */
#include "http/body.h"

#include <stdlib.h>

enum { BODY_BYTES_MIN = 4096 };

void body_release(struct body *body)
{
    account_return(body->account, body->capacity);
    free(body->data);
    body->data = NULL;
    body->count = body->capacity = 0;
}

bool body_append(struct body *body, const void *data, size_t bytes)
{
    size_t need = body->count + bytes;

    if (bytes == 0) return true;
    if (need > body->capacity) {
        size_t capacity = 2 * body->capacity;
        if (capacity < BODY_BYTES_MIN) capacity = BODY_BYTES_MIN;
        if (capacity > body->announced_bytes && body->announced_bytes) capacity = body->announced_bytes;
        if (capacity < need) capacity = need;
        account_charge(body->account, capacity - body->capacity);
        body->data = memory_realloc(body->data, capacity);
        body->capacity = capacity;
        if (account_over(body->account)) {
            body_release(body);
            return false;
        }
    }
    memcpy(body->data + body->count, data, bytes);
    body->count = need;
    return true;
}
