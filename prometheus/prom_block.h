/* A block of Prometheus as a source of series. */
#ifndef VARVE_PROMETHEUS_PROM_BLOCK_H
#define VARVE_PROMETHEUS_PROM_BLOCK_H

#include "prometheus/prom_meta.h"
#include "tsdb/db_import.h"

struct prom_block;

/* Opens the block in a folder, "" being the fs itself. Errors name the file. */
status prom_block_open(struct fs *fs, const char *folder, struct prom_block **out);
void prom_block_close(struct prom_block *block); /* NULL is fine */

const struct prom_meta *prom_block_meta(const struct prom_block *block);

/* Its series without what its tombstones hide; valid as long as the block. */
struct import_source prom_block_source(struct prom_block *block);

#endif
