/* The files chunks/NNNNNN of a block: chunks, each with its encoding and its checksum. */
#ifndef VARVE_PROMETHEUS_PROM_SEGMENTS_H
#define VARVE_PROMETHEUS_PROM_SEGMENTS_H

#include "prometheus/prom_file.h"

struct prom_segments;

/* Opens all files of a folder, in the order of their names. */
status prom_segments_open(struct fs *fs, const char *folder, struct prom_segments **out);
void prom_segments_close(struct prom_segments *segments); /* NULL is fine */

/* A chunk, checked, valid until the next call. */
struct prom_chunk {
    unsigned encoding;
    const uint8_t *data; /* PROM_SLACK_BYTES behind it are readable */
    size_t bytes;
};

/* By its place as the index has it. */
status prom_segments_read(struct prom_segments *segments, uint64_t place, struct prom_chunk *out);

/* Puts the file's name and the offset before what is wrong with the chunk there. */
status prom_segments_blame(const struct prom_segments *segments, uint64_t place, status why);

#endif
