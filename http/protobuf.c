/* Walking a protobuf message in place; see protobuf.h. */
#include "http/protobuf.h"

enum { GROUP_DEPTH_MAX = 64 };

static const uint8_t *take_bytes(const uint8_t *at, const uint8_t *end, uint64_t len, struct protobuf_field *out)
{
    if (len > (uint64_t)(end - at)) return NULL;
    out->bytes = str_make((const char *)at, (size_t)len);
    return at + len;
}

/* A tag, the zero number and the two unused wire types refused. */
static const uint8_t *take_tag(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
    uint64_t tag;

    at = varint_get(at, end, &tag);
    if (!at || tag > UINT32_MAX || tag >> 3 == 0 || (tag & 7) > PROTOBUF_FIXED32) return NULL;
    *out = (uint32_t)tag;
    return at;
}

static const uint8_t *take_value(const uint8_t *at, const uint8_t *end, struct protobuf_field *out)
{
    uint64_t len;

    switch (out->tag & 7) {
    case PROTOBUF_VARINT: return varint_get(at, end, &out->value);
    case PROTOBUF_FIXED64:
        if (end - at < 8) return NULL;
        out->value = load_u64(at);
        return at + 8;
    case PROTOBUF_FIXED32:
        if (end - at < 4) return NULL;
        out->value = load_u32(at);
        return at + 4;
    case PROTOBUF_BYTES: at = varint_get(at, end, &len); return at ? take_bytes(at, end, len, out) : NULL;
    default: return NULL;
    }
}

/* The byte after the group whose start tag ends at `at`. Ends must match their starts. */
static const uint8_t *skip_group(const uint8_t *at, const uint8_t *end, uint32_t tag)
{
    uint32_t open[GROUP_DEPTH_MAX] = {tag};
    size_t depth = 1;
    struct protobuf_field field;

    while (depth) {
        at = take_tag(at, end, &field.tag);
        if (!at) return NULL;
        if ((field.tag & 7) == PROTOBUF_GROUP) {
            if (depth == GROUP_DEPTH_MAX) return NULL;
            open[depth++] = field.tag;
        } else if ((field.tag & 7) == PROTOBUF_GROUP_END) {
            if (open[--depth] >> 3 != field.tag >> 3) return NULL;
        } else if (!(at = take_value(at, end, &field))) {
            return NULL;
        }
    }
    return at;
}

const uint8_t *protobuf_field_slow(const uint8_t *at, const uint8_t *end, struct protobuf_field *out)
{
    /* Series are bytes with a length of two: worth a straight way. */
    if (end - at >= 3 && *at < 0x80 && (*at & 7) == PROTOBUF_BYTES && *at >= 8 && at[1] >= 0x80 && at[2] < 0x80) {
        out->tag = *at;
        return take_bytes(at + 3, end, (at[1] & 0x7Fu) | (uint32_t)at[2] << 7, out);
    }
    at = take_tag(at, end, &out->tag);
    if (!at) return NULL;
    if ((out->tag & 7) == PROTOBUF_GROUP) return skip_group(at, end, out->tag);
    return take_value(at, end, out);
}
