/* Reading an index; see prom_index.h.
 *
 *     u32 magic, u8 version
 *     symbols     u32 length, u32 number; for each: uvarint length, text; u32 checksum
 *     series      for each, in version 2 at a multiple of 16: uvarint length; number of labels, for each the symbols of
 *                 name and value; number of chunks, of the first its first time (zigzag), last minus first time, place;
 *                 of the others first time minus last time before, last minus first time, place minus that before
 *                 (zigzag); all varints; u32 checksum
 *     postings and tables, which are not read
 *     contents    u64 offsets of symbols, series, label indices, their table, postings, their table; u32 checksum
 *
 * Symbols are named by their number in version 2, and by the offset of their entry in version 1. Fixed widths are
 * big-endian, checksums CRC-32C.
 */
#include "prometheus/prom_index.h"

#include "prometheus/prom_file.h"
#include "storage/base/crc32c.h"

#define INDEX_MAGIC 0xBAAAD700U

enum { HEADER_BYTES = 5, CONTENTS_BYTES = 52, SERIES_ALIGNMENT = 16, CONTENTS_ENTRIES = 6 };

struct prom_index {
    struct prom_file file;
    unsigned version;
    uint64_t symbols_at, series_at, series_end;
    struct writer symbols; /* the section's strings */
    uint64_t strings_at;   /* where they begin in the file */
    vec(uint32_t) offsets; /* of each in there */
    vec(uint64_t) series;  /* offset of each */
};

void prom_series_release(struct prom_series *series)
{
    vec_release(&series->pairs);
    vec_release(&series->chunks);
}

bool prom_chunk_ref_look(const struct prom_chunk_ref *ref, int64_t from_ms, int64_t to_ms, bool *sure, int64_t *next_ms)
{
    if (ref->max_ms > to_ms) {
        int64_t after_ms = ref->min_ms > to_ms ? ref->min_ms : to_ms + 1;
        if (after_ms < *next_ms) *next_ms = after_ms;
    }
    if (ref->max_ms < from_ms || ref->min_ms > to_ms) return false;
    *sure = ref->min_ms >= from_ms || ref->max_ms <= to_ms;
    return true;
}

void prom_index_close(struct prom_index *index)
{
    if (!index) return;
    prom_file_close(&index->file);
    writer_release(&index->symbols);
    vec_release(&index->offsets);
    vec_release(&index->series);
    free(index);
}

static status read_contents(struct prom_index *index)
{
    const uint8_t *at;
    uint64_t from = index->file.bytes - CONTENTS_BYTES, offsets[CONTENTS_ENTRIES];

    if (index->file.bytes < HEADER_BYTES + CONTENTS_BYTES)
        return prom_file_corrupt(&index->file, 0, "too short for an index");
    TRY(prom_file_get(&index->file, 0, HEADER_BYTES, &at));
    if (prom_u32(at) != INDEX_MAGIC) return prom_file_corrupt(&index->file, 0, "this is no index of a block");
    index->version = at[4];
    if (index->version != 1 && index->version != 2)
        return status_make(STATUS_UNSUPPORTED, "%s: an index of version %u; versions 1 and 2 are known",
                           index->file.name, index->version);
    TRY(prom_file_get(&index->file, from, CONTENTS_BYTES, &at));
    if (prom_u32(at + CONTENTS_BYTES - 4) != crc32c(at, CONTENTS_BYTES - 4))
        return prom_file_corrupt(&index->file, from, "the table of contents does not match its checksum");
    for (int i = 0; i < CONTENTS_ENTRIES; i++) offsets[i] = prom_u64(at + 8 * i);
    index->symbols_at = offsets[0];
    index->series_at = offsets[1];
    index->series_end = from;
    for (int i = 0; i < CONTENTS_ENTRIES; i++) {
        if (offsets[i] > from) return prom_file_corrupt(&index->file, from, "a section lies outside of the file");
        if (offsets[i] > index->series_at && offsets[i] < index->series_end) index->series_end = offsets[i];
    }
    return ok();
}

static status read_symbols(struct prom_index *index)
{
    const uint8_t *at;
    uint64_t from = index->symbols_at;

    if (from == 0) return ok();
    TRY(prom_file_get(&index->file, from, 4, &at));
    uint64_t length = prom_u32(at);
    TRY(prom_file_get(&index->file, from, length + 8, &at));
    if (length < 4 || prom_u32(at + 4 + length) != crc32c(at + 4, (size_t)length))
        return prom_file_corrupt(&index->file, from, "the symbols do not match their checksum");
    uint32_t count = prom_u32(at + 4);
    writer_bytes(&index->symbols, at + 8, (size_t)length - 4);
    index->strings_at = from + 8;
    struct reader in = reader_make(index->symbols.data, index->symbols.count);
    for (uint32_t i = 0; i < count && !reader_failed(&in); i++) {
        vec_push(&index->offsets, (uint32_t)(in.at - index->symbols.data));
        reader_str(&in);
    }
    return reader_failed(&in) ? prom_file_corrupt(&index->file, from, "the symbols end before the last one") : ok();
}

static str symbol_at(const struct prom_index *index, uint32_t offset)
{
    struct reader in = reader_make(index->symbols.data + offset, index->symbols.count - offset);
    return reader_str(&in);
}

static bool find_symbol(const struct prom_index *index, uint64_t reference, str *out)
{
    size_t low = 0, high = index->offsets.count;

    if (index->version == 2) {
        if (reference >= index->offsets.count) return false;
        *out = symbol_at(index, index->offsets.data[reference]);
        return true;
    }
    if (reference < index->strings_at) return false;
    reference -= index->strings_at;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->offsets.data[middle] < reference) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == index->offsets.count || index->offsets.data[low] != reference) return false;
    *out = symbol_at(index, index->offsets.data[low]);
    return true;
}

/* The checked bytes of the entry at an offset, and where it ends. An empty one is padding. */
static status read_entry(struct prom_index *index, uint64_t offset, struct reader *out, uint64_t *end)
{
    const uint8_t *at;
    size_t got;
    uint64_t length;

    TRY(prom_file_some(&index->file, offset, VARINT_BYTES_MAX, &at, &got));
    const uint8_t *content = varint_get(at, at + got, &length);
    if (!content || length > PROM_PIECE_BYTES_MAX)
        return prom_file_corrupt(&index->file, offset, "a series has no length");
    size_t header = (size_t)(content - at);
    *end = offset + header;
    *out = reader_make(content, 0);
    if (length == 0) return ok();
    *end += length + 4;
    if (*end > index->series_end) return prom_file_corrupt(&index->file, offset, "a series reaches out of its section");
    TRY(prom_file_get(&index->file, offset, header + length + 4, &at));
    if (prom_u32(at + header + length) != crc32c(at + header, (size_t)length))
        return prom_file_corrupt(&index->file, offset, "a series does not match its checksum");
    *out = reader_make(at + header, (size_t)length);
    return ok();
}

static uint64_t align(const struct prom_index *index, uint64_t offset)
{
    if (index->version == 1) return offset;
    return (offset + SERIES_ALIGNMENT - 1) / SERIES_ALIGNMENT * SERIES_ALIGNMENT;
}

static status walk_series(struct prom_index *index)
{
    uint64_t at = align(index, index->series_at), end;

    while (index->series_at && at < index->series_end) {
        struct reader entry;
        TRY(read_entry(index, at, &entry, &end));
        if (reader_left(&entry)) {
            if (index->series.count == UINT32_MAX) return prom_file_corrupt(&index->file, at, "too many series");
            vec_push(&index->series, at);
        }
        at = align(index, end);
    }
    return ok();
}

status prom_index_open(struct fs *fs, const char *name, struct prom_index **out)
{
    struct prom_index *index = memory_zalloc(sizeof *index);
    status s = prom_file_open(fs, name, &index->file);

    if (!failed(s)) s = read_contents(index);
    if (!failed(s)) s = read_symbols(index);
    if (!failed(s)) s = walk_series(index);
    if (failed(s)) {
        prom_index_close(index);
        return s;
    }
    *out = index;
    return ok();
}

uint32_t prom_index_series_count(const struct prom_index *index)
{
    return (uint32_t)index->series.count;
}

static void read_chunks(struct reader *in, struct prom_series *out)
{
    uint64_t count = reader_varint(in);
    struct prom_chunk_ref chunk = {0};

    for (uint64_t i = 0; i < count && !reader_failed(in); i++) {
        uint64_t min = i ? (uint64_t)chunk.max_ms + reader_varint(in) : (uint64_t)reader_signed(in);
        chunk.min_ms = (int64_t)min;
        chunk.max_ms = (int64_t)(min + reader_varint(in));
        chunk.place = i ? chunk.place + (uint64_t)reader_signed(in) : reader_varint(in);
        if (chunk.max_ms < chunk.min_ms) in->failed = true;
        vec_push(&out->chunks, chunk);
    }
}

status prom_index_series(struct prom_index *index, uint32_t number, struct prom_series *out)
{
    uint64_t at = index->series.data[number], end;
    struct reader in;

    out->pairs.count = out->chunks.count = 0;
    out->id = index->version == 2 ? at / SERIES_ALIGNMENT : at;
    TRY(read_entry(index, at, &in, &end));
    uint64_t count = reader_varint(&in);
    for (uint64_t i = 0; i < count && !reader_failed(&in); i++) {
        label pair;
        uint64_t name = reader_varint(&in), value = reader_varint(&in);
        if (reader_failed(&in)) break;
        if (!find_symbol(index, name, &pair.name) || !find_symbol(index, value, &pair.value))
            return prom_file_corrupt(&index->file, at, "a series names a symbol that does not exist");
        vec_push(&out->pairs, pair);
    }
    read_chunks(&in, out);
    if (reader_failed(&in)) return prom_file_corrupt(&index->file, at, "a series is malformed");
    return ok();
}
