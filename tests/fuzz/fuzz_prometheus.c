/* Any bytes as files of Prometheus: an index, a segment of its log with the records in it, a record by itself, a chunk.
 * Readers end, read nothing beyond their input and its slack, and a failure has words.
 *
 * The first byte of the input chooses, and for a chunk its encoding, too. Checksums stand between a fuzzer and what
 * matters, so those of a log's records are made right first. */
#include "prometheus/prom_chunk.h"
#include "prometheus/prom_index.h"
#include "prometheus/prom_log.h"
#include "prometheus/prom_record.h"
#include "storage/base/crc32c.h"
#include "storage/fs_memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void expect(bool condition)
{
    if (!condition) abort();
}

static struct fs *as_file(const char *name, const void *data, size_t bytes)
{
    struct fs *fs = fs_memory_new();

    expect(!failed(fs_replace_file(fs, name, str_make(data, bytes))));
    return fs;
}

static void read_index(const uint8_t *data, size_t bytes)
{
    struct fs *fs = as_file("index", data, bytes);
    struct prom_index *index;
    struct prom_series series = {0};
    status s = prom_index_open(fs, "index", &index);

    expect(!failed(s) || s.text[0]);
    if (!failed(s)) {
        for (uint32_t i = 0; i < prom_index_series_count(index); i++) {
            s = prom_index_series(index, i, &series);
            expect(!failed(s) || s.text[0]);
        }
        prom_index_close(index);
    }
    prom_series_release(&series);
    fs_release(fs);
}

static void read_record(const uint8_t *data, size_t bytes)
{
    struct prom_record record = {0};
    status s = prom_record_decode(str_make((const char *)data, bytes), &record);

    expect(!failed(s) || s.text[0]);
    prom_record_release(&record);
}

/* Makes the checksums of all fragments right, as far as these can be told. */
static void mend(uint8_t *segment, size_t bytes)
{
    for (size_t at = 0; at + 7 <= bytes;) {
        size_t length = (size_t)segment[at + 1] << 8 | segment[at + 2];
        if ((segment[at] & 7) == 0 || length > bytes - at - 7) break;
        store_u32(segment + at + 3, __builtin_bswap32(crc32c(segment + at + 7, length)));
        at += 7 + length;
    }
}

static void read_log(const uint8_t *data, size_t bytes)
{
    uint8_t *segment = memory_alloc(bytes + 1);
    struct prom_log *log;
    bool more = true;
    str record;
    status damage;

    memcpy(segment, data, bytes);
    mend(segment, bytes);
    struct fs *fs = as_file("wal/00000000", segment, bytes);
    expect(!failed(prom_log_open(fs, "wal", 0, false, &log)));
    for (;;) {
        expect(!failed(prom_log_next(log, &record, &more)));
        if (!more) break;
        read_record((const uint8_t *)record.data, record.len);
    }
    expect(prom_log_damage(log, &damage) == 0 || damage.text[0]);
    prom_log_close(log);
    fs_release(fs);
    free(segment);
}

static void read_chunk(unsigned encoding, const uint8_t *data, size_t bytes)
{
    struct column_buffer buffer = {0};
    uint8_t *copy = memory_zalloc(bytes + 32);

    memcpy(copy, data, bytes);
    status s = prom_chunk_decode(encoding, copy, bytes, &buffer);
    expect(!failed(s) || s.text[0]);
    free(copy);
    column_buffer_release(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0) return 0;
    switch (data[0] % 4) {
    case 0: read_index(data + 1, bytes - 1); break;
    case 1: read_log(data + 1, bytes - 1); break;
    case 2: read_record(data + 1, bytes - 1); break;
    default: read_chunk(data[0] / 4 % 8, data + 1, bytes - 1); break;
    }
    return 0;
}
