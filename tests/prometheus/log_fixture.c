/* Logs built record by record; see log_fixture.h. */
#include "tests/prometheus/log_fixture.h"

#include "storage/base/crc32c.h"
#include "tests/support/test.h"

#include <snappy-c.h>
#include <zstd.h>

static void put_u64(struct writer *out, uint64_t v)
{
    writer_u64(out, __builtin_bswap64(v));
}

static void put_u32(struct writer *out, uint32_t v)
{
    writer_u32(out, __builtin_bswap32(v));
}

static void put_fragments(struct writer *segment, const uint8_t *data, size_t bytes, unsigned flags)
{
    bool is_first = true;

    do {
        size_t left = 32768 - segment->count % 32768;
        if (left <= 7) {
            for (; left; left--) writer_u8(segment, 0);
            continue;
        }
        size_t part = bytes < left - 7 ? bytes : left - 7;
        bool is_last = part == bytes;
        unsigned kind = is_first ? (is_last ? 1 : 2) : (is_last ? 4 : 3);
        writer_u8(segment, (uint8_t)(kind | flags));
        writer_u16(segment, __builtin_bswap16((uint16_t)part));
        put_u32(segment, crc32c(data, part));
        writer_bytes(segment, data, part);
        data += part;
        bytes -= part;
        is_first = false;
        if (is_last) break;
    } while (true);
}

void log_put(struct writer *segment, const void *record, size_t bytes, enum log_compression compression)
{
    if (compression == LOG_PLAIN) {
        put_fragments(segment, record, bytes, 0);
    } else if (compression == LOG_SNAPPY) {
        size_t packed = snappy_max_compressed_length(bytes);
        char *to = memory_alloc(packed);
        cr_assert(snappy_compress(record, bytes, to, &packed) == SNAPPY_OK);
        put_fragments(segment, (const uint8_t *)to, packed, 8);
        free(to);
    } else {
        size_t room = ZSTD_compressBound(bytes);
        char *to = memory_alloc(room);
        size_t packed = ZSTD_compress(to, room, record, bytes, 1);
        put_fragments(segment, (const uint8_t *)to, packed, 16);
        free(to);
    }
}

static size_t count_pairs(str pairs)
{
    size_t count = 0;

    for (size_t i = 0; i < pairs.len; i++) count += pairs.data[i] == '=';
    return count;
}

static void put_pairs(struct writer *record, str pairs)
{
    while (pairs.len) {
        str value = str_cut(&pairs, ' ');
        writer_str(record, str_cut(&value, '='));
        writer_str(record, value);
    }
}

void log_series(struct writer *record, uint64_t id, const char *labels)
{
    str rest = str_from(labels), name = str_cut(&rest, ' ');

    record->count = 0;
    writer_u8(record, 1);
    put_u64(record, id);
    writer_varint(record, 1 + count_pairs(rest));
    writer_str(record, STR("__name__"));
    writer_str(record, name);
    put_pairs(record, rest);
}

void log_exemplar(struct writer *record, uint64_t id, int64_t time_ms, double value, const char *labels)
{
    record->count = 0;
    writer_u8(record, 4);
    put_u64(record, id - 3);
    put_u64(record, (uint64_t)(time_ms + 9));
    writer_signed(record, 3);
    writer_signed(record, -9);
    put_u64(record, double_bits(value));
    writer_varint(record, count_pairs(str_from(labels)));
    put_pairs(record, str_from(labels));
}

void log_tombstone(struct writer *record, uint64_t id, int64_t min_ms, int64_t max_ms)
{
    record->count = 0;
    writer_u8(record, 3);
    put_u64(record, id);
    writer_signed(record, min_ms);
    writer_signed(record, max_ms);
}

void log_metadata(struct writer *record, uint64_t id, uint8_t type, const char *unit, const char *help)
{
    record->count = 0;
    writer_u8(record, 6);
    writer_varint(record, id);
    writer_u8(record, type);
    writer_varint(record, 3);
    writer_str(record, STR("UNIT"));
    writer_str(record, str_from(unit));
    writer_str(record, STR("new"));
    writer_str(record, STR("unknown"));
    writer_str(record, STR("HELP"));
    writer_str(record, str_from(help));
}

static void put_spans(struct writer *record, const struct bucket_list *side)
{
    writer_varint(record, side->count); /* each bucket a span of its own */
    for (uint32_t i = 0; i < side->count; i++) {
        writer_signed(record, i ? side->indexes[i] - side->indexes[i - 1] - 1 : side->indexes[0]);
        writer_varint(record, 1);
    }
}

static void put_buckets(struct writer *record, const struct bucket_list *side, bool is_integer)
{
    writer_varint(record, side->count);
    for (uint32_t i = 0; i < side->count; i++) {
        if (is_integer) {
            writer_signed(record, (int64_t)side->counts[i] - (i ? (int64_t)side->counts[i - 1] : 0));
        } else {
            put_u64(record, double_bits(side->counts[i]));
        }
    }
}

static void put_histogram(struct writer *record, const struct histogram *h)
{
    writer_u8(record, h->hint);
    writer_signed(record, h->schema);
    put_u64(record, double_bits(h->zero_threshold));
    if (h->is_integer) {
        writer_varint(record, (uint64_t)h->zero_count);
        writer_varint(record, (uint64_t)h->count);
    } else {
        put_u64(record, double_bits(h->zero_count));
        put_u64(record, double_bits(h->count));
    }
    put_u64(record, double_bits(h->sum));
    put_spans(record, &h->positive);
    put_spans(record, &h->negative);
    put_buckets(record, &h->positive, h->is_integer);
    put_buckets(record, &h->negative, h->is_integer);
    if (h->schema != HISTOGRAM_SCHEMA_CUSTOM) return;
    writer_varint(record, h->bound_count);
    for (uint32_t i = 0; i < h->bound_count; i++) put_u64(record, double_bits(h->bounds[i]));
}

static uint8_t type_of(const struct histogram *h, bool is_second)
{
    if (!h) return is_second ? 11 : 2;
    if (is_second) return h->is_integer ? 12 : 13;
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM) return h->is_integer ? 9 : 10;
    return h->is_integer ? 7 : 8;
}

void log_samples(struct writer *record, uint64_t id, const samples *from, bool is_second)
{
    const struct histogram *first = from->histograms ? from->histograms[0] : NULL;

    record->count = 0;
    writer_u8(record, type_of(first, is_second));
    if (!is_second) {
        put_u64(record, id + 5);
        put_u64(record, (uint64_t)(from->times_ms[0] + 7));
    }
    for (size_t i = 0; i < from->count; i++) {
        int64_t start_ms = from->starts_ms ? from->starts_ms[i] : 0,
                first_ms = from->starts_ms ? from->starts_ms[0] : 0;
        if (!is_second) {
            writer_signed(record, -5);
            writer_signed(record, from->times_ms[i] - from->times_ms[0] - 7);
        } else if (i == 0) {
            writer_signed(record, (int64_t)id);
            writer_signed(record, from->times_ms[0]);
            writer_signed(record, start_ms);
        } else {
            writer_signed(record, 0);
            writer_signed(record, from->times_ms[i] - from->times_ms[0]);
            uint8_t marker = start_ms == 0 ? 0 : start_ms == from->starts_ms[i - 1] ? 1 : 2;
            writer_u8(record, marker);
            if (marker == 2) writer_signed(record, start_ms - first_ms);
        }
        if (first) {
            put_histogram(record, from->histograms[i]);
        } else {
            put_u64(record, double_bits(from->values[i]));
        }
    }
}

void log_begin_chunks(struct writer *file)
{
    put_u32(file, 0x0130BC91U);
    put_u32(file, 1u << 24);
}

void log_chunk(struct writer *file, uint64_t id, int64_t min_ms, int64_t max_ms, unsigned encoding, const void *data,
               size_t bytes)
{
    size_t begin = file->count;

    put_u64(file, id);
    put_u64(file, (uint64_t)min_ms);
    put_u64(file, (uint64_t)max_ms);
    writer_u8(file, (uint8_t)encoding);
    writer_varint(file, bytes);
    writer_bytes(file, data, bytes);
    put_u32(file, crc32c(file->data + begin, file->count - begin));
}
