/* The files chunks_head/NNNNNN: full chunks of the head, which its log may not have any more. */
#ifndef VARVE_PROMETHEUS_PROM_HEAD_CHUNKS_H
#define VARVE_PROMETHEUS_PROM_HEAD_CHUNKS_H

#include "prometheus/prom_index.h"
#include "prometheus/prom_segments.h"

struct prom_head_chunk {
    uint64_t series; /* its id in the log */
    struct prom_chunk_ref ref;
    bool is_late; /* of samples that came out of order */
};

struct prom_head_chunks;

/* Walks over all files, checking each chunk, and lists them in their order; there may be none. What follows a damaged
 * place is left out: the log still has it. *damage then says what was wrong there, else it is OK. */
status prom_head_chunks_open(struct fs *fs, const char *folder, struct prom_head_chunks **out, status *damage);
void prom_head_chunks_close(struct prom_head_chunks *chunks); /* NULL is fine */

struct prom_head_chunk *prom_head_chunks_list(struct prom_head_chunks *chunks, size_t *count);

/* A chunk by its place, checked again; valid until the next call. */
status prom_head_chunks_read(struct prom_head_chunks *chunks, uint64_t place, struct prom_chunk *out);

/* Puts the file's name and the offset before what is wrong with the chunk there. */
status prom_head_chunks_blame(const struct prom_head_chunks *chunks, uint64_t place, status why);

#endif
