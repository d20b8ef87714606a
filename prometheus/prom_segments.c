/* Chunks of a block; see prom_segments.h.
 *
 *     u32 magic, u8 version, 3 zero bytes; for each chunk: uvarint length, u8 encoding, data, u32 checksum of encoding
 *     and data
 */
#include "prometheus/prom_segments.h"

#include "prometheus/prom_chunk.h"
#include "storage/base/crc32c.h"

#define SEGMENT_MAGIC 0x85BD40DDU

enum { HEADER_BYTES = 8 };

struct prom_segments {
    size_t count;
    struct prom_file files[];
};

void prom_segments_close(struct prom_segments *segments)
{
    if (!segments) return;
    for (size_t i = 0; i < segments->count; i++) prom_file_close(&segments->files[i]);
    free(segments);
}

static status open_segment(struct fs *fs, const char *name, struct prom_file *file)
{
    const uint8_t *at;

    TRY(prom_file_open(fs, name, file));
    TRY(prom_file_get(file, 0, HEADER_BYTES, &at));
    if (prom_u32(at) != SEGMENT_MAGIC) return prom_file_corrupt(file, 0, "this is no file of chunks");
    if (at[4] != 1)
        return status_make(STATUS_UNSUPPORTED, "%s: a file of chunks of version %u; version 1 is known", name, at[4]);
    return ok();
}

status prom_segments_open(struct fs *fs, const char *folder, struct prom_segments **out)
{
    struct arena arena = {0};
    str *names;
    size_t count = 0;
    status s = fs_list(fs, folder, &arena, &names, &count);
    struct prom_segments *segments = memory_zalloc(sizeof *segments + count * sizeof segments->files[0]);

    for (size_t i = 0; i < count && !failed(s); i++) {
        str name = arena_format(&arena, "%s/%.*s", folder, STR_ARG(names[i]));
        segments->count = i + 1;
        s = open_segment(fs, name.data, &segments->files[i]);
    }
    arena_release(&arena);
    if (failed(s)) {
        prom_segments_close(segments);
        return s;
    }
    *out = segments;
    return ok();
}

status prom_segments_read(struct prom_segments *segments, uint64_t place, struct prom_chunk *out)
{
    uint64_t number = place >> 32, offset = place & UINT32_MAX, length;
    const uint8_t *at;
    size_t got;

    if (number >= segments->count)
        return status_make(STATUS_CORRUPT, "the index names file %llu of chunks, of which there are %zu",
                           (unsigned long long)number + 1, segments->count);
    struct prom_file *file = &segments->files[number];
    TRY(prom_file_some(file, offset, VARINT_BYTES_MAX, &at, &got));
    const uint8_t *content = varint_get(at, at + got, &length);
    if (!content || length > PROM_CHUNK_BYTES_MAX) return prom_file_corrupt(file, offset, "a chunk has no length");
    size_t header = (size_t)(content - at);
    TRY(prom_file_get(file, offset, header + 1 + length + 4, &at));
    at += header;
    if (prom_u32(at + 1 + length) != crc32c(at, (size_t)length + 1))
        return prom_file_corrupt(file, offset, "a chunk does not match its checksum");
    *out = (struct prom_chunk){at[0], at + 1, (size_t)length};
    return ok();
}

status prom_segments_blame(const struct prom_segments *segments, uint64_t place, status why)
{
    uint64_t offset = place & UINT32_MAX;

    return status_at(why.code, offset, "%s: offset %llu: %.150s", segments->files[place >> 32].name,
                     (unsigned long long)offset, why.text);
}
