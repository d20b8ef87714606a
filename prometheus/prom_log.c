/* Reading a log; see prom_log.h. */
#include "prometheus/prom_log.h"

#include "prometheus/prom_file.h"
#include "storage/base/crc32c.h"

#include <snappy-c.h>
#include <zstd.h>

enum {
    PAGE_BYTES = 32 << 10,
    HEADER_BYTES = 7,
    RECORD_BYTES_MAX = 256 << 20,
    KIND_EMPTY = 0,
    KIND_FULL,
    KIND_FIRST,
    KIND_MIDDLE,
    KIND_LAST,
    KIND_MASK = 7,
    IS_SNAPPY = 8,
    IS_ZSTD = 16
};

struct prom_log {
    struct fs *fs;
    str *names; /* of the segments, with their folder */
    size_t count, at;
    bool has_tail;
    struct prom_file file; /* names[at], if it is open */
    uint64_t offset;
    struct writer packed, record;
    uint32_t damaged;
    status first;
    struct arena arena;
};

static bool is_number(str name, uint64_t *out)
{
    return name.len > 0 && name.data[0] != '-' && name.data[0] != '+' && str_to_uint64(name, out);
}

status prom_log_open(struct fs *fs, const char *folder, uint64_t first, bool has_tail, struct prom_log **out)
{
    struct prom_log *log = memory_zalloc(sizeof *log);
    str *names;
    size_t count;
    uint64_t number;

    log->fs = fs;
    log->has_tail = has_tail;
    status s = fs_list(fs, folder, &log->arena, &names, &count);
    if (failed(s)) {
        prom_log_close(log);
        return s;
    }
    log->names = arena_array(&log->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        if (is_number(names[i], &number) && number >= first)
            log->names[log->count++] = arena_format(&log->arena, "%s/%.*s", folder, STR_ARG(names[i]));
    }
    *out = log;
    return ok();
}

void prom_log_close(struct prom_log *log)
{
    if (!log) return;
    prom_file_close(&log->file);
    writer_release(&log->packed);
    writer_release(&log->record);
    arena_release(&log->arena);
    free(log);
}

uint32_t prom_log_damage(const struct prom_log *log, status *first)
{
    *first = log->first;
    return log->damaged;
}

static void next_segment(struct prom_log *log)
{
    prom_file_close(&log->file);
    log->at++;
    log->offset = 0;
    log->packed.count = 0;
}

/* The rest of the segment is given up. */
static void give_up(struct prom_log *log, uint64_t offset, const char *why)
{
    bool is_tail = log->has_tail && log->at + 1 == log->count;

    if (!is_tail && log->damaged++ == 0) log->first = prom_file_corrupt(&log->file, offset, why);
    next_segment(log);
}

static bool unpack_snappy(struct prom_log *log)
{
    const char *from = (const char *)log->packed.data;
    size_t bytes;

    if (snappy_uncompressed_length(from, log->packed.count, &bytes) != SNAPPY_OK || bytes > RECORD_BYTES_MAX)
        return false;
    log->record.count = 0;
    char *to = (char *)writer_reserve(&log->record, bytes + 1);
    if (snappy_uncompress(from, log->packed.count, to, &bytes) != SNAPPY_OK) return false;
    log->record.count = bytes;
    return true;
}

/* Frames need not say how long their content is. */
static bool unpack_zstd(struct prom_log *log)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {log->packed.data, log->packed.count, 0};
    size_t left = 1;

    log->record.count = 0;
    while (left && !ZSTD_isError(left) && log->record.count < RECORD_BYTES_MAX) {
        size_t before = in.pos, room = ZSTD_DStreamOutSize();
        ZSTD_outBuffer to = {writer_reserve(&log->record, room), room, 0};
        left = ZSTD_decompressStream(stream, &to, &in);
        log->record.count += to.pos;
        if (in.pos == before && to.pos == 0) break; /* it ends within the frame */
    }
    ZSTD_freeDStream(stream);
    return left == 0;
}

static bool unpack(struct prom_log *log, unsigned flags, str *record)
{
    const struct writer *from = &log->packed;

    if (flags & (IS_SNAPPY | IS_ZSTD)) {
        if (!(flags & IS_SNAPPY ? unpack_snappy(log) : unpack_zstd(log))) return false;
        from = &log->record;
    }
    *record = str_make((const char *)from->data, from->count);
    return true;
}

/* What is wrong with a fragment's kind where it stands, or NULL. */
static const char *misplaced(unsigned kind, bool has_begun)
{
    if (kind > KIND_LAST) return "a fragment of an unknown kind";
    if ((kind == KIND_FULL || kind == KIND_FIRST) && has_begun) return "a record begins within another";
    if ((kind == KIND_MIDDLE || kind == KIND_LAST) && !has_begun) return "a record does not begin where it should";
    return NULL;
}

/* Reads one fragment at the log's offset. *done says that a record is complete. A NULL reason is success. */
static status read_fragment(struct prom_log *log, bool *begun, bool *done, str *record, const char **why)
{
    uint64_t left = PAGE_BYTES - log->offset % PAGE_BYTES;
    const uint8_t *at;
    size_t got;

    *why = NULL;
    TRY(prom_file_some(&log->file, log->offset, HEADER_BYTES, &at, &got));
    unsigned kind = at[0] & KIND_MASK, flags = at[0];
    if (kind == KIND_EMPTY) {
        log->offset += left;
        return ok();
    }
    uint64_t length = got < HEADER_BYTES ? 0 : (uint64_t)at[1] << 8 | at[2];
    if (got < HEADER_BYTES || HEADER_BYTES + length > left || log->offset + HEADER_BYTES + length > log->file.bytes) {
        *why = "the segment or its page ends within a record";
        return ok();
    }
    uint32_t checksum = prom_u32(at + 3);
    TRY(prom_file_get(&log->file, log->offset + HEADER_BYTES, length, &at));
    *why = crc32c(at, (size_t)length) == checksum ? misplaced(kind, *begun) : "a record does not match its checksum";
    if (*why) return ok();
    writer_bytes(&log->packed, at, (size_t)length);
    if (log->packed.count > RECORD_BYTES_MAX) *why = "a record is too long";
    log->offset += HEADER_BYTES + length;
    *begun = true;
    *done = kind == KIND_FULL || kind == KIND_LAST;
    if (*done && !*why && !unpack(log, flags, record)) *why = "a record can not be decompressed";
    return ok();
}

status prom_log_next(struct prom_log *log, str *record, bool *more)
{
    bool begun = false, done = false;

    *more = false;
    log->packed.count = 0;
    while (!done) {
        const char *why;
        if (log->at == log->count) return ok();
        if (!log->file.file) TRY(prom_file_open(log->fs, log->names[log->at].data, &log->file));
        uint64_t offset = log->offset;
        if (offset >= log->file.bytes) {
            if (begun) {
                give_up(log, offset, "the segment ends within a record");
            } else {
                next_segment(log);
            }
            begun = false;
            continue;
        }
        TRY(read_fragment(log, &begun, &done, record, &why));
        if (!why) continue;
        give_up(log, offset, why);
        begun = done = false;
    }
    *more = true;
    return ok();
}
