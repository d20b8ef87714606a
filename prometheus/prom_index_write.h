/* Writing the index of a block, version 2; its layout is in prom_index.c.
 *
 * Behind the series it has, for each pair of a name and a value in order, the ids of its series (u32 length, u32
 * number, u32 each, checksum), those of all series first; then their table: u32 length, u32 number, for each u8 2,
 * texts of name and value, varint offset; checksum. The sections of label indices, which no reader has used since long,
 * are not there. Memory is 8 bytes for each label of each series, and the table. */
#ifndef VARVE_PROMETHEUS_PROM_INDEX_WRITE_H
#define VARVE_PROMETHEUS_PROM_INDEX_WRITE_H

#include "prometheus/prom_index.h"

struct prom_index_writer;

/* A label by its symbols. */
struct prom_pair {
    uint32_t name, value;
};

/* Creates the file and writes the symbols: sorted, each once, and living as long as the writer. */
status prom_index_writer_open(struct fs *fs, const char *name, const str *symbols, uint32_t symbol_count,
                              struct prom_index_writer **out);

/* The next series in the order of labels; pairs are sorted by name. */
void prom_index_writer_add(struct prom_index_writer *writer, const struct prom_pair *pairs, size_t pair_count,
                           const struct prom_chunk_ref *chunks, size_t chunk_count);

/* Writes the rest and makes the file durable; the writer is gone. */
status prom_index_writer_finish(struct prom_index_writer *writer);
void prom_index_writer_abandon(struct prom_index_writer *writer); /* NULL is fine */

#endif
