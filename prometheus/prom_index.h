/* The index of a block of Prometheus, versions 1 and 2: which series there are, and where their chunks lie.
 *
 * Opening reads the symbols and walks over all series once; 8 bytes a series and the text of the symbols stay in
 * memory. Everything read is checked against its checksum. Owned by one thread. */
#ifndef VARVE_PROMETHEUS_PROM_INDEX_H
#define VARVE_PROMETHEUS_PROM_INDEX_H

#include "storage/base/vec.h"
#include "storage/fs.h"
#include "tsdb/labels.h"

struct prom_index;

struct prom_chunk_ref {
    int64_t min_ms, max_ms; /* of its first and its last sample */
    uint64_t place;         /* upper half: number of the segment; lower half: offset in it */
};

/* Zeroed is empty. Texts live as long as the index. */
struct prom_series {
    uint64_t id; /* as tombstones have it */
    vec(label) pairs;
    vec(struct prom_chunk_ref) chunks;
};
void prom_series_release(struct prom_series *series);

/* Whether a chunk may have samples in [from, to]: it begins and ends with one, so what reaches over the range on both
 * sides is not *sure to. Lowers *next_ms to the first time after `to` at which it may have one. */
bool prom_chunk_ref_look(const struct prom_chunk_ref *ref, int64_t from_ms, int64_t to_ms, bool *sure,
                         int64_t *next_ms);

/* Errors name the file and the offset. */
status prom_index_open(struct fs *fs, const char *name, struct prom_index **out);
void prom_index_close(struct prom_index *index); /* NULL is fine */

uint32_t prom_index_series_count(const struct prom_index *index);

/* A series by its number, in the order of the file. */
status prom_index_series(struct prom_index *index, uint32_t number, struct prom_series *out);

#endif
