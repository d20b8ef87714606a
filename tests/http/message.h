/* Protobuf messages written by hand, so that tests can also write what no library would. */
#ifndef VARVE_TESTS_HTTP_MESSAGE_H
#define VARVE_TESTS_HTTP_MESSAGE_H

#include "http/protobuf.h"
#include "storage/base/arena.h"

static inline void put_text(struct writer *w, unsigned number, str text)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_BYTES));
    writer_str(w, text);
}

static inline void put_varint(struct writer *w, unsigned number, uint64_t value)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_VARINT));
    writer_varint(w, value);
}

static inline void put_fixed(struct writer *w, unsigned number, uint64_t bits)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_FIXED64));
    writer_u64(w, bits);
}

static inline void put_double(struct writer *w, unsigned number, double value)
{
    put_fixed(w, number, double_bits(value));
}

/* Moves a message into a field of another one. */
static inline void put_message(struct writer *w, unsigned number, struct writer *message)
{
    put_text(w, number, str_make((const char *)message->data, message->count));
    writer_release(message);
}

/* Numbers as one packed field. */
static inline void put_packed(struct writer *w, unsigned number, const uint64_t *values, size_t count)
{
    struct writer packed = {0};

    for (size_t i = 0; i < count; i++) writer_varint(&packed, values[i]);
    put_message(w, number, &packed);
}

/* The message, moved to the arena. */
static inline str take_message(struct writer *message, struct arena *arena)
{
    str text = arena_copy_str(arena, str_make((const char *)message->data, message->count));

    writer_release(message);
    return text;
}

#endif
