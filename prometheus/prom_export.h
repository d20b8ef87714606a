/* Exporting to blocks that Prometheus opens. */
#ifndef VARVE_PROMETHEUS_PROM_EXPORT_H
#define VARVE_PROMETHEUS_PROM_EXPORT_H

#include "prometheus/prom_meta.h"
#include "tsdb/snapshot.h"

/* Matchers that hold together. */
struct prom_selector {
    const struct matcher *matchers;
    size_t count;
};

struct prom_export_request {
    const struct prom_selector *selectors; /* series that match any of them; none: all series */
    size_t selector_count;
    int64_t from_ms, to_ms; /* both belong to it */
};

/* What has been written; zeroed at first, and added to. */
struct prom_export_total {
    uint32_t blocks;
    uint64_t series, samples; /* a series counts in each block */
};

/* Writes one block for each 18 hours, counted from the epoch, that have samples: a length that Prometheus itself merges
 * to. Memory is that of the labels of a block's series, and of one series' samples in it. Calls tell() after each. On
 * an error the blocks before it stay. */
status prom_export(struct db *db, const struct prom_export_request *request, struct fs *to,
                   void (*tell)(void *context, const struct prom_meta *meta), void *context,
                   struct prom_export_total *total);

#endif
