/* Walking a protobuf message in place.
 *
 * A message is a range of bytes; protobuf_field reads the field at its front and returns the byte after it. Nothing is
 * copied or allocated, and every length is checked against the range before it is believed. Callers loop:
 *
 *     while (at < end) {
 *         at = protobuf_field(at, end, &field);
 *         if (!at) return false;
 *         switch (field.tag) {
 *         case PROTOBUF_TAG(1, PROTOBUF_BYTES): …
 *         default: break;                           // unknown fields are skipped by not looking at them
 *         }
 *     }
 */
#ifndef VARVE_HTTP_PROTOBUF_H
#define VARVE_HTTP_PROTOBUF_H

#include "storage/base/bytes.h"

enum protobuf_wire {
    PROTOBUF_VARINT = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2, /* strings, messages, packed numbers */
    PROTOBUF_GROUP = 3, /* no longer used by anyone, skipped as a whole */
    PROTOBUF_GROUP_END = 4,
    PROTOBUF_FIXED32 = 5
};

/* A field's number and wire type as they are encoded. */
#define PROTOBUF_TAG(number, wire) ((uint32_t)(number) << 3 | (wire))

struct protobuf_field {
    uint32_t tag;
    uint64_t value; /* varint, fixed64, fixed32 */
    str bytes;      /* PROTOBUF_BYTES; borrowed */
};

/* As protobuf_field, for all that is not a short field of one of the usual types. */
const uint8_t *protobuf_field_slow(const uint8_t *at, const uint8_t *end, struct protobuf_field *out);

/* Reads the field at `at` < end; NULL if it is malformed. */
static inline const uint8_t *protobuf_field(const uint8_t *at, const uint8_t *end, struct protobuf_field *out)
{
    /* Nearly every field is bytes with a number below 16 and a length below 128. */
    if (end - at >= 2 && *at < 0x80 && (*at & 7) == PROTOBUF_BYTES && *at >= 8 && at[1] < 0x80 &&
        at[1] <= end - at - 2) {
        out->tag = *at;
        out->bytes = str_make((const char *)at + 2, at[1]);
        return at + 2 + at[1];
    }
    return protobuf_field_slow(at, end, out);
}

#endif
