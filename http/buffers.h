/* Bytes on their way out: a list of blocks that fills at the end and empties at the front.
 *
 * A large answer is complete before its first byte is sent, and its blocks are freed as they go. All blocks are charged
 * to an account, so that clients who read slowly can not fill the memory.
 */
#ifndef VARVE_HTTP_BUFFERS_H
#define VARVE_HTTP_BUFFERS_H

#include "storage/base/memory.h"
#include "storage/base/str.h"

#include <stdint.h>

enum { BUFFER_BYTES = 64 << 10 };

struct buffer {
    struct buffer *next;
    size_t first, end; /* the part of `data` that is still to be sent */
    uint8_t data[BUFFER_BYTES];
};

struct buffers {
    struct buffer *head, *tail;
    size_t bytes;
    struct account *account; /* may be NULL */
};

static inline bool buffers_are_one(const struct buffers *buffers)
{
    return buffers->head && !buffers->head->next;
}

void buffers_append(struct buffers *buffers, const void *data, size_t bytes);

/* Free room at the end of the list, at least one byte; buffers_commit says how much of it was used. */
uint8_t *buffers_reserve(struct buffers *buffers, size_t *bytes);
void buffers_commit(struct buffers *buffers, size_t bytes);

/* Moves up to `bytes` bytes from the front of the list to `out`; returns how many. */
size_t buffers_take(struct buffers *buffers, void *out, size_t bytes);

/* Moves all blocks of another list behind the ones here. */
void buffers_move(struct buffers *buffers, struct buffers *from);

/* Frees all; leaves an empty list. Fine on a zeroed one. */
void buffers_release(struct buffers *buffers);

#endif
