/* The head of a Prometheus, as its log and the chunks beside it have it: what is in no block yet.
 *
 * It is found as Prometheus finds it at a start: full chunks of the head first; of the log what is newer than its
 * series' chunks, and in order; then the log of late samples. What is older than the blocks is in them. Memory is that
 * of the labels of all series in the log, and of 32 bytes a chunk. */
#ifndef VARVE_PROMETHEUS_PROM_HEAD_H
#define VARVE_PROMETHEUS_PROM_HEAD_H

#include "storage/fs.h"
#include "tsdb/db.h"
#include "tsdb/db_import.h"

struct prom_head;

/* Reads which series, deleted ranges and chunks there are; *out is NULL if the folder has no log and no chunks.
 * In-order samples before `from_ms` are left out: they are in blocks. */
status prom_head_open(struct fs *fs, int64_t from_ms, struct prom_head **out);
void prom_head_close(struct prom_head *head); /* NULL is fine */

/* The series of its chunks; valid as long as the head. */
struct import_source prom_head_source(struct prom_head *head);

/* What became of its log. */
struct prom_head_total {
    uint64_t samples;   /* stored */
    uint64_t exemplars; /* stored, or there already */
    uint64_t refused;   /* samples that no series here may have */
    uint64_t unknown;   /* samples and exemplars of series that the log does not name */
    uint32_t damaged;   /* places that could not be read */
    status damage;      /* the first of them */
    char refusal[400];  /* the first that was refused, in words */
};

/* Appends the samples, exemplars and metadata of its logs, and makes them a block. */
status prom_head_append(struct prom_head *head, struct db *db, struct prom_head_total *total);

#endif
