/* The write-ahead log of Prometheus, a checkpoint of it, or its log of late samples: a folder of numbered segments.
 *
 *     a segment   pages of 32 KiB, of which the last may be shorter
 *     a page      fragments, then zeros; fragment: u8 kind, u16 length, u32 checksum, data
 *     kind        bits 0-2: 1 a whole record, 2 its first, 3 a middle, 4 its last fragment, 0 the rest of the page is
 *                 empty; bit 3: the record is compressed by snappy, bit 4: by zstd
 *
 * Records do not reach over segments, so one that is damaged costs the rest of its segment; each is counted. What a
 * crash left unfinished at the end of the last segment is no damage, as Prometheus has it. Owned by one thread. */
#ifndef VARVE_PROMETHEUS_PROM_LOG_H
#define VARVE_PROMETHEUS_PROM_LOG_H

#include "storage/base/str.h"
#include "storage/fs.h"

struct prom_log;

/* Opens the segments from a number on, in order; there may be none. With `has_tail` the last may end anywhere. */
status prom_log_open(struct fs *fs, const char *folder, uint64_t first, bool has_tail, struct prom_log **out);
void prom_log_close(struct prom_log *log); /* NULL is fine */

/* The next record, valid until the next call; *more is false at the end. Fails only where files can not be read. */
status prom_log_next(struct prom_log *log, str *record, bool *more);

/* How many segments were damaged, and what was wrong with the first: file, offset, reason. */
uint32_t prom_log_damage(const struct prom_log *log, status *first);

#endif
