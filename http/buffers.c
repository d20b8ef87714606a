/* Bytes on their way out; see buffers.h. */
#include "http/buffers.h"

#include <assert.h>
#include <stdlib.h>

uint8_t *buffers_reserve(struct buffers *buffers, size_t *bytes)
{
    struct buffer *last = buffers->tail;

    if (!last || last->end == BUFFER_BYTES) {
        last = memory_alloc(sizeof *last);
        last->next = NULL;
        last->first = last->end = 0;
        account_charge(buffers->account, sizeof *last);
        if (buffers->tail) {
            buffers->tail->next = last;
        } else {
            buffers->head = last;
        }
        buffers->tail = last;
    }
    *bytes = BUFFER_BYTES - last->end;
    return last->data + last->end;
}

void buffers_commit(struct buffers *buffers, size_t bytes)
{
    buffers->tail->end += bytes;
    buffers->bytes += bytes;
}

void buffers_append(struct buffers *buffers, const void *data, size_t bytes)
{
    const uint8_t *at = data;

    while (bytes) {
        size_t room;
        uint8_t *out = buffers_reserve(buffers, &room);
        size_t count = bytes < room ? bytes : room;
        memcpy(out, at, count);
        buffers_commit(buffers, count);
        at += count;
        bytes -= count;
    }
}

static void drop_head(struct buffers *buffers)
{
    struct buffer *head = buffers->head;

    buffers->head = head->next;
    if (!buffers->head) buffers->tail = NULL;
    account_return(buffers->account, sizeof *head);
    free(head);
}

size_t buffers_take(struct buffers *buffers, void *out, size_t bytes)
{
    size_t taken = 0;

    while (buffers->head && taken < bytes) {
        struct buffer *head = buffers->head;
        size_t count = head->end - head->first;
        if (count > bytes - taken) count = bytes - taken;
        memcpy((uint8_t *)out + taken, head->data + head->first, count);
        head->first += count;
        taken += count;
        if (head->first == head->end) drop_head(buffers);
    }
    buffers->bytes -= taken;
    return taken;
}

void buffers_move(struct buffers *buffers, struct buffers *from)
{
    if (!from->head) return;
    if (!buffers->account) buffers->account = from->account; /* they stay charged to it */
    assert(buffers->account == from->account);
    if (buffers->tail) {
        buffers->tail->next = from->head;
    } else {
        buffers->head = from->head;
    }
    buffers->tail = from->tail;
    buffers->bytes += from->bytes;
    from->head = from->tail = NULL;
    from->bytes = 0;
}

void buffers_release(struct buffers *buffers)
{
    while (buffers->head) drop_head(buffers);
    buffers->bytes = 0;
}
