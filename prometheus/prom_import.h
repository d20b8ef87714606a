/* Importing a data folder of Prometheus: its blocks, then what is only in its head. */
#ifndef VARVE_PROMETHEUS_PROM_IMPORT_H
#define VARVE_PROMETHEUS_PROM_IMPORT_H

#include "prometheus/prom_head.h"
#include "storage/fs.h"
#include "tsdb/db.h"
#include "tsdb/db_import.h"

/* Where an import stands: after each of its parts. */
struct prom_progress {
    const char *part; /* the block's name, "head chunks" or "log"; valid in the call */
    uint32_t done, parts;
    struct import_total total;   /* without the log */
    struct prom_head_total head; /* of the log */
    int64_t spent_ns;
};

/* Imports all of a folder, or a folder that is a block itself; calls tell() now and then. UNAVAILABLE while a
 * Prometheus holds the folder. An import that failed can be repeated: what is there already stays as it is. */
status prom_import(struct fs *from, struct db *db, void (*tell)(void *context, const struct prom_progress *progress),
                   void *context, struct prom_progress *out);

#endif
