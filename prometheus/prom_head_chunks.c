/* Chunks of the head; see prom_head_chunks.h.
 *
 *     u32 magic, u8 version, 3 zero bytes; for each chunk: u64 series, u64 first and last time, u8 encoding (bit 7:
 * came out of order), uvarint length, data, u32 checksum of all these; then zeros, where space was reserved
 */
#include "prometheus/prom_head_chunks.h"

#include "prometheus/prom_chunk.h"
#include "storage/base/crc32c.h"

#define HEAD_CHUNKS_MAGIC 0x0130BC91U

enum { HEADER_BYTES = 8, CHUNK_HEADER_BYTES = 25, CHECKSUM_BYTES = 4, IS_LATE = 0x80 };

struct prom_head_chunks {
    size_t count;
    struct prom_file *files;
    vec(struct prom_head_chunk) list;
    struct arena arena;
};

void prom_head_chunks_close(struct prom_head_chunks *chunks)
{
    if (!chunks) return;
    for (size_t i = 0; i < chunks->count; i++) prom_file_close(&chunks->files[i]);
    vec_release(&chunks->list);
    arena_release(&chunks->arena);
    free(chunks);
}

struct prom_head_chunk *prom_head_chunks_list(struct prom_head_chunks *chunks, size_t *count)
{
    *count = chunks->list.count;
    return chunks->list.data;
}

/* The chunk at an offset; *end is where the next one begins, 0 at the end of what was written. */
static status read_chunk(struct prom_file *file, uint64_t offset, struct prom_head_chunk *head, struct prom_chunk *out,
                         uint64_t *end)
{
    static const uint8_t zeros[CHUNK_HEADER_BYTES];
    const uint8_t *at;
    size_t got;
    uint64_t length;

    *end = 0;
    TRY(prom_file_some(file, offset, CHUNK_HEADER_BYTES + VARINT_BYTES_MAX, &at, &got));
    if (memcmp(at, zeros, got < CHUNK_HEADER_BYTES ? got : CHUNK_HEADER_BYTES) == 0) return ok();
    if (got < CHUNK_HEADER_BYTES) return prom_file_corrupt(file, offset, "the file ends within a chunk");
    const uint8_t *content = varint_get(at + CHUNK_HEADER_BYTES, at + got, &length);
    if (!content || length > PROM_CHUNK_BYTES_MAX) return prom_file_corrupt(file, offset, "a chunk has no length");
    size_t header = (size_t)(content - at);
    TRY(prom_file_get(file, offset, header + length + CHECKSUM_BYTES, &at));
    if (prom_u32(at + header + length) != crc32c(at, header + (size_t)length))
        return prom_file_corrupt(file, offset, "a chunk does not match its checksum");
    head->series = prom_u64(at);
    head->ref.min_ms = (int64_t)prom_u64(at + 8);
    head->ref.max_ms = (int64_t)prom_u64(at + 16);
    head->is_late = at[24] & IS_LATE;
    *out = (struct prom_chunk){at[24] & ~(unsigned)IS_LATE, at + header, (size_t)length};
    *end = offset + header + length + CHECKSUM_BYTES;
    return ok();
}

static status walk_file(struct prom_head_chunks *chunks, size_t number)
{
    struct prom_file *file = &chunks->files[number];
    struct prom_chunk chunk;
    const uint8_t *at;
    size_t got;
    uint64_t offset = HEADER_BYTES, end;

    TRY(prom_file_some(file, 0, HEADER_BYTES, &at, &got));
    if (got == 0) return ok(); /* it was just made */
    if (got < HEADER_BYTES || prom_u32(at) != HEAD_CHUNKS_MAGIC)
        return prom_file_corrupt(file, 0, "this is no file of the head's chunks");
    if (at[4] != 1) return prom_file_corrupt(file, 4, "a version other than 1");
    while (offset < file->bytes) {
        struct prom_head_chunk head = {.ref.place = (uint64_t)number << 32 | offset};
        if (offset > UINT32_MAX) return prom_file_corrupt(file, offset, "the file is too long");
        TRY(read_chunk(file, offset, &head, &chunk, &end));
        if (end == 0) break;
        if (head.ref.max_ms < head.ref.min_ms) return prom_file_corrupt(file, offset, "a chunk ends before it begins");
        vec_push(&chunks->list, head);
        offset = end;
    }
    return ok();
}

static status open_files(struct fs *fs, const char *folder, struct prom_head_chunks *chunks)
{
    str *names;
    size_t count;
    uint64_t number;

    TRY(fs_list(fs, folder, &chunks->arena, &names, &count));
    chunks->files = arena_zarray(&chunks->arena, struct prom_file, count);
    for (size_t i = 0; i < count; i++) {
        if (!str_to_uint64(names[i], &number)) continue;
        str name = arena_format(&chunks->arena, "%s/%.*s", folder, STR_ARG(names[i]));
        TRY(prom_file_open(fs, name.data, &chunks->files[chunks->count]));
        chunks->count++;
    }
    return ok();
}

status prom_head_chunks_open(struct fs *fs, const char *folder, struct prom_head_chunks **out, status *damage)
{
    struct prom_head_chunks *chunks = memory_zalloc(sizeof *chunks);
    status s = open_files(fs, folder, chunks);

    *damage = ok();
    for (size_t i = 0; i < chunks->count && !failed(s) && !failed(*damage); i++) {
        s = walk_file(chunks, i);
        if (s.code != STATUS_CORRUPT) continue;
        *damage = s;
        s = ok();
    }
    if (failed(s)) {
        prom_head_chunks_close(chunks);
        return s;
    }
    *out = chunks;
    return ok();
}

status prom_head_chunks_read(struct prom_head_chunks *chunks, uint64_t place, struct prom_chunk *out)
{
    struct prom_head_chunk head;
    uint64_t end;

    TRY(read_chunk(&chunks->files[place >> 32], place & UINT32_MAX, &head, out, &end));
    return end ? ok() : prom_file_corrupt(&chunks->files[place >> 32], place & UINT32_MAX, "the chunk is gone");
}

status prom_head_chunks_blame(const struct prom_head_chunks *chunks, uint64_t place, status why)
{
    uint64_t offset = place & UINT32_MAX;

    return status_at(why.code, offset, "%s: offset %llu: %.150s", chunks->files[place >> 32].name,
                     (unsigned long long)offset, why.text);
}
