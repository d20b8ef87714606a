/* Encoding and decoding of fixed-width little-endian and variable-length integers.
 *
 * A writer appends to a growing buffer. A reader consumes borrowed bytes and its failure is sticky: after reading past
 * the end every read gives zero, and the caller asks reader_failed() once at the end.
 */
#ifndef VARVE_STORAGE_BASE_BYTES_H
#define VARVE_STORAGE_BASE_BYTES_H

#include "storage/base/memory.h"
#include "storage/base/public.h"
#include "storage/base/str.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats are little-endian and read in place");

/* Unaligned loads and stores. */
static inline uint16_t load_u16(const void *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint32_t load_u32(const void *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint64_t load_u64(const void *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline void store_u16(void *at, uint16_t v)
{
    memcpy(at, &v, sizeof v);
}

static inline void store_u32(void *at, uint32_t v)
{
    memcpy(at, &v, sizeof v);
}

static inline void store_u64(void *at, uint64_t v)
{
    memcpy(at, &v, sizeof v);
}

static inline uint64_t double_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline double double_from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline uint64_t zigzag_encode(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t zigzag_decode(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

enum { VARINT_BYTES_MAX = 10 };

/* Writes v to `at` (room for VARINT_BYTES_MAX); returns the byte after it. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t v)
{
    while (v >= 0x80) {
        *at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *at++ = (uint8_t)v;
    return at;
}

/* Reads a varint of at most 10 bytes from [at, end); returns the byte after it, or NULL when it is cut or too long. */
static inline const uint8_t *varint_get(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;

    if (at < end && *at < 0x80) { /* most are one byte */
        *out = *at;
        return at + 1;
    }
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint8_t byte = *at++;
        v |= (uint64_t)(byte & 0x7F) << (shift & 63);
        if (byte < 0x80) {
            if (shift == 63 && byte > 1) return NULL;
            *out = v;
            return at;
        }
    }
    return NULL;
}

struct writer {
    uint8_t *data;
    size_t count, capacity;
};

/* A zeroed writer is empty and valid. */
static inline void writer_release(struct writer *w)
{
    free(w->data);
    *w = (struct writer){NULL, 0, 0};
}

VARVE_PUBLIC void writer_grow_(struct writer *w, size_t need);

/* Room for `bytes` more; returns where they go. The caller then adds to w->count what it wrote. */
static inline uint8_t *writer_reserve(struct writer *w, size_t bytes)
{
    if (w->capacity - w->count < bytes) writer_grow_(w, bytes);
    return w->data + w->count;
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
    *writer_reserve(w, 1) = v;
    w->count++;
}

static inline void writer_u16(struct writer *w, uint16_t v)
{
    store_u16(writer_reserve(w, sizeof v), v);
    w->count += sizeof v;
}

static inline void writer_u32(struct writer *w, uint32_t v)
{
    store_u32(writer_reserve(w, sizeof v), v);
    w->count += sizeof v;
}

static inline void writer_u64(struct writer *w, uint64_t v)
{
    store_u64(writer_reserve(w, sizeof v), v);
    w->count += sizeof v;
}

static inline void writer_varint(struct writer *w, uint64_t v)
{
    uint8_t *at = writer_reserve(w, VARINT_BYTES_MAX);
    w->count += (size_t)(varint_put(at, v) - at);
}

static inline void writer_signed(struct writer *w, int64_t v)
{
    writer_varint(w, zigzag_encode(v));
}

static inline void writer_bytes(struct writer *w, const void *data, size_t bytes)
{
    if (bytes) memcpy(writer_reserve(w, bytes), data, bytes);
    w->count += bytes;
}

/* Length as varint, then the bytes. */
static inline void writer_str(struct writer *w, str s)
{
    writer_varint(w, s.len);
    writer_bytes(w, s.data, s.len);
}

/* Zero bytes up to a multiple of `alignment` of the count. */
static inline void writer_align(struct writer *w, size_t alignment)
{
    size_t pad = (alignment - w->count % alignment) % alignment;
    if (pad == 0) return; /* an empty writer has no memory yet */
    memset(writer_reserve(w, pad), 0, pad);
    w->count += pad;
}

struct reader {
    const uint8_t *at, *end;
    bool failed;
};

static inline struct reader reader_make(const void *data, size_t bytes)
{
    const uint8_t *at = (const uint8_t *)data;                  /* cast for C++ */
    return (struct reader){at, bytes ? at + bytes : at, false}; /* NULL may stand for no bytes */
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

static inline bool reader_failed(const struct reader *r)
{
    return r->failed;
}

/* The next bytes in place, or NULL (and failed) when there are fewer. */
static inline const uint8_t *reader_bytes(struct reader *r, size_t bytes)
{
    if (reader_left(r) < bytes) {
        r->failed = true;
        r->at = r->end;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += bytes;
    return at;
}

static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 1);
    return at ? *at : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 2);
    return at ? load_u16(at) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 4);
    return at ? load_u32(at) : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 8);
    return at ? load_u64(at) : 0;
}

static inline uint64_t reader_varint(struct reader *r)
{
    uint64_t v = 0;
    const uint8_t *next = varint_get(r->at, r->end, &v);
    if (!next) {
        r->failed = true;
        r->at = r->end;
        return 0;
    }
    r->at = next;
    return v;
}

/* A varint that must fit 32 bits. */
static inline uint32_t reader_varint32(struct reader *r)
{
    uint64_t v = reader_varint(r);
    if (v > UINT32_MAX) r->failed = true;
    return (uint32_t)v;
}

static inline int64_t reader_signed(struct reader *r)
{
    return zigzag_decode(reader_varint(r));
}

static inline str reader_str(struct reader *r)
{
    uint64_t len = reader_varint(r);
    const uint8_t *at = len <= reader_left(r) ? reader_bytes(r, (size_t)len) : reader_bytes(r, SIZE_MAX);
    return at ? str_make((const char *)at, (size_t)len) : str_make("", 0);
}

#endif
