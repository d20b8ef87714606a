/* Framed records; see record.h. */
#include "storage/record.h"

#include "storage/base/hash.h"

#include <lz4.h>

enum { AT_STORED = 0, AT_RAW = 4, AT_TYPE = 8, AT_ZERO = 9, AT_CHECKSUM = 16, COMPRESS_BYTES_MIN = 64 };

static size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

static uint64_t checksum(const uint8_t *header, size_t stored)
{
    return hash_seeded(header + RECORD_HEADER_BYTES, padded(stored), hash_bytes(header, AT_CHECKSUM));
}

void record_write(struct writer *out, uint8_t type, const void *payload, size_t bytes)
{
    assert(bytes <= RECORD_BYTES_MAX && out->count % 8 == 0);
    size_t stored = bytes, raw = 0;
    uint8_t *at = writer_reserve(out, RECORD_HEADER_BYTES + padded(bytes));

    memset(at, 0, RECORD_HEADER_BYTES);
    if (bytes >= COMPRESS_BYTES_MIN) {
        int made =
            LZ4_compress_default(payload, (char *)at + RECORD_HEADER_BYTES, (int)bytes, (int)(bytes - bytes / 8));
        if (made > 0) {
            stored = (size_t)made;
            raw = bytes;
        }
    }
    if (!raw && bytes) memcpy(at + RECORD_HEADER_BYTES, payload, bytes);
    memset(at + RECORD_HEADER_BYTES + stored, 0, padded(stored) - stored);
    store_u32(at + AT_STORED, (uint32_t)stored);
    store_u32(at + AT_RAW, (uint32_t)raw);
    at[AT_TYPE] = type;
    store_u64(at + AT_CHECKSUM, checksum(at, stored));
    out->count += RECORD_HEADER_BYTES + padded(stored);
}

/* Whether a good record lies at `at`. Most places fail on the zero bytes or the length before anything is hashed. */
static bool is_record(const uint8_t *at, const uint8_t *end, struct record *out)
{
    if (end - at < RECORD_HEADER_BYTES || (load_u64(at + AT_TYPE) >> 8) != 0) return false;
    uint32_t stored = load_u32(at + AT_STORED), raw = load_u32(at + AT_RAW);
    if (padded(stored) > (size_t)(end - at) - RECORD_HEADER_BYTES || raw > RECORD_BYTES_MAX) return false;
    uint64_t sum = checksum(at, stored);
    if (load_u64(at + AT_CHECKSUM) != sum) return false;
    *out = (struct record){at[AT_TYPE], at + RECORD_HEADER_BYTES, stored, raw, sum, 0};
    return true;
}

enum record_outcome record_next(struct reader *rest, struct record *out)
{
    if (reader_left(rest) == 0) return RECORD_END;
    if (is_record(rest->at, rest->end, out)) {
        rest->at = out->stored + padded(out->stored_bytes);
        return RECORD_GOOD;
    }
    while (reader_left(rest) >= 8 && (rest->at += 8, !is_record(rest->at, rest->end, out))) {}
    if (reader_left(rest) < 8) rest->at = rest->end;
    return RECORD_DAMAGED;
}

bool record_payload(const struct record *record, struct writer *scratch, const uint8_t **payload, size_t *bytes)
{
    *payload = record->stored;
    *bytes = record->stored_bytes;
    if (!record->raw_bytes) return true;
    scratch->count = 0;
    uint8_t *to = writer_reserve(scratch, record->raw_bytes);
    *payload = to;
    *bytes = record->raw_bytes;
    return LZ4_decompress_safe((const char *)record->stored, (char *)to, (int)record->stored_bytes,
                               (int)record->raw_bytes) == (int)record->raw_bytes;
}
