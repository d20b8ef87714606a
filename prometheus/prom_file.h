/* A file of Prometheus, read through a window: pieces that lie close together cost one read.
 *
 * Errors name the file and the offset. Owned by one thread. */
#ifndef VARVE_PROMETHEUS_PROM_FILE_H
#define VARVE_PROMETHEUS_PROM_FILE_H

#include "storage/base/bytes.h"
#include "storage/fs.h"

enum {
    PROM_SLACK_BYTES = 32,         /* readable behind what prom_file_get gives */
    PROM_PIECE_BYTES_MAX = 1 << 30 /* no piece of a sane file is longer */
};

/* Zeroed is closed. */
struct prom_file {
    struct file *file;
    char *name;
    uint64_t bytes;
    /* the window: bytes [at, at + count) of the file */
    uint64_t at;
    struct writer window;
};

status prom_file_open(struct fs *fs, const char *name, struct prom_file *out);
void prom_file_close(struct prom_file *file);

/* The `count` bytes from `at` on, valid until the next call. CORRUPT if the file ends before. */
status prom_file_get(struct prom_file *file, uint64_t at, uint64_t count, const uint8_t **out);

/* As many as there are, at most `count`; *got says how many. */
status prom_file_some(struct prom_file *file, uint64_t at, size_t count, const uint8_t **out, size_t *got);

/* CORRUPT: "NAME: offset AT: WHY". */
status prom_file_corrupt(const struct prom_file *file, uint64_t at, const char *why);

/* Big-endian, as everything of a fixed width in these files. */
static inline uint32_t prom_u32(const uint8_t *at)
{
    return __builtin_bswap32(load_u32(at));
}

static inline uint64_t prom_u64(const uint8_t *at)
{
    return __builtin_bswap64(load_u64(at));
}

#endif
