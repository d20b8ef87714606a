/* What was deleted of a block of Prometheus and is still in its chunks: the file tombstones. */
#ifndef VARVE_PROMETHEUS_PROM_TOMBSTONES_H
#define VARVE_PROMETHEUS_PROM_TOMBSTONES_H

#include "storage/base/vec.h"
#include "storage/fs.h"
#include "tsdb/columns.h"

struct prom_tombstone {
    uint64_t series;
    int64_t min_ms, max_ms; /* both belong to it */
};

/* Sorted by series; zeroed is empty. */
struct prom_tombstones {
    vec(struct prom_tombstone) list;
};
void prom_tombstones_release(struct prom_tombstones *tombstones);

/* Reads the file; one that does not exist is empty. */
status prom_tombstones_load(struct fs *fs, const char *name, struct prom_tombstones *out);

/* Brings them in order after the list was added to. */
void prom_tombstones_sort(struct prom_tombstones *tombstones);

/* Whether anything of a series in [from, to] was deleted; takes what was from the samples from `first` on. */
bool prom_tombstones_touch(const struct prom_tombstones *tombstones, uint64_t series, int64_t from_ms, int64_t to_ms);
void prom_tombstones_apply(const struct prom_tombstones *tombstones, uint64_t series, struct column_buffer *buffer,
                           size_t first);

#endif
