/* Deleted ranges; see prom_tombstones.h.
 *
 *     u32 magic, u8 version; for each: varint series, zigzag varints first and last time; u32 checksum of these
 */
#include "prometheus/prom_tombstones.h"

#include "prometheus/prom_file.h"
#include "storage/base/crc32c.h"

#define TOMBSTONES_MAGIC 0x0130BA30U

enum { HEADER_BYTES = 5, CHECKSUM_BYTES = 4 };

void prom_tombstones_release(struct prom_tombstones *tombstones)
{
    vec_release(&tombstones->list);
}

static int compare(const void *a, const void *b)
{
    const struct prom_tombstone *x = a, *y = b;
    return (x->series > y->series) - (x->series < y->series);
}

void prom_tombstones_sort(struct prom_tombstones *tombstones)
{
    if (tombstones->list.count)
        qsort(tombstones->list.data, tombstones->list.count, sizeof *tombstones->list.data, compare);
}

static status read_list(struct prom_file *file, struct prom_tombstones *out)
{
    const uint8_t *at;

    TRY(prom_file_get(file, 0, file->bytes, &at));
    if (file->bytes < HEADER_BYTES + CHECKSUM_BYTES || prom_u32(at) != TOMBSTONES_MAGIC)
        return prom_file_corrupt(file, 0, "this is no file of tombstones");
    if (at[4] != 1)
        return status_make(STATUS_UNSUPPORTED, "%s: tombstones of version %u; version 1 is known", file->name, at[4]);
    size_t size = (size_t)file->bytes - HEADER_BYTES - CHECKSUM_BYTES;
    if (prom_u32(at + HEADER_BYTES + size) != crc32c(at + HEADER_BYTES, size))
        return prom_file_corrupt(file, HEADER_BYTES, "the tombstones do not match their checksum");
    struct reader in = reader_make(at + HEADER_BYTES, size);
    while (reader_left(&in)) {
        struct prom_tombstone one = {.series = reader_varint(&in)};
        one.min_ms = reader_signed(&in);
        one.max_ms = reader_signed(&in);
        vec_push(&out->list, one);
    }
    return reader_failed(&in) ? prom_file_corrupt(file, HEADER_BYTES, "the tombstones end within one") : ok();
}

status prom_tombstones_load(struct fs *fs, const char *name, struct prom_tombstones *out)
{
    struct prom_file file;
    status s = prom_file_open(fs, name, &file);

    if (failed(s)) return s.code == STATUS_NOT_FOUND ? ok() : s;
    s = read_list(&file, out);
    prom_file_close(&file);
    prom_tombstones_sort(out);
    return s;
}

/* The first one of a series, or the end. */
static const struct prom_tombstone *find(const struct prom_tombstones *tombstones, uint64_t series)
{
    size_t low = 0, high = tombstones->list.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tombstones->list.data[middle].series < series) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return tombstones->list.data + low;
}

bool prom_tombstones_touch(const struct prom_tombstones *tombstones, uint64_t series, int64_t from_ms, int64_t to_ms)
{
    if (tombstones->list.count == 0) return false;
    const struct prom_tombstone *end = tombstones->list.data + tombstones->list.count;
    for (const struct prom_tombstone *at = find(tombstones, series); at < end && at->series == series; at++) {
        if (at->min_ms <= to_ms && at->max_ms >= from_ms) return true;
    }
    return false;
}

void prom_tombstones_apply(const struct prom_tombstones *tombstones, uint64_t series, struct column_buffer *buffer,
                           size_t first)
{
    if (tombstones->list.count == 0) return;
    const struct prom_tombstone *end = tombstones->list.data + tombstones->list.count;
    for (const struct prom_tombstone *at = find(tombstones, series); at < end && at->series == series; at++)
        columns_remove(buffer, first, at->min_ms, at->max_ms);
}
