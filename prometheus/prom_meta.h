/* meta.json of a block of Prometheus. */
#ifndef VARVE_PROMETHEUS_PROM_META_H
#define VARVE_PROMETHEUS_PROM_META_H

#include "storage/base/bytes.h"
#include "storage/fs.h"

enum { PROM_ULID_CHARACTERS = 26 };

struct prom_meta {
    char ulid[PROM_ULID_CHARACTERS + 1];
    int64_t min_ms, end_ms; /* samples lie in [min, end) */
    uint64_t series, chunks, samples;
    bool is_out_of_order; /* made of samples that came out of order: newer ones may still be in the log */
};

/* Errors name the file. */
status prom_meta_load(struct fs *fs, const char *name, struct prom_meta *out);

/* The text of the file, for a block that was made of no others. */
void prom_meta_write(const struct prom_meta *meta, struct writer *out);

#endif
