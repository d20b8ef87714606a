/* Writing a block that Prometheus opens: under a temporary name, which it would remove, and then renamed. */
#ifndef VARVE_PROMETHEUS_PROM_BLOCK_WRITE_H
#define VARVE_PROMETHEUS_PROM_BLOCK_WRITE_H

#include "prometheus/prom_index_write.h"
#include "prometheus/prom_meta.h"
#include "tsdb/samples.h"

enum { PROM_SEGMENT_BYTES = 512 << 20 };

struct prom_block_writer;

/* Begins a block with these symbols: sorted, each once, and living as long as the writer. Files of chunks have at most
 * about segment_bytes. */
status prom_block_writer_open(struct fs *fs, const str *symbols, uint32_t symbol_count, uint64_t segment_bytes,
                              struct prom_block_writer **out);

/* The next series in the order of labels, with its samples; without any it is left out. Chunks are cut at 120 samples.
 * Start times are not written: Prometheus before 3.x could not read them. */
status prom_block_writer_add(struct prom_block_writer *writer, const struct prom_pair *pairs, size_t pair_count,
                             const samples *from);

/* Completes the block, or removes its files if it has no samples (*meta then says so). The writer is gone. */
status prom_block_writer_finish(struct prom_block_writer *writer, struct prom_meta *meta);

/* Removes what was written. */
void prom_block_writer_abandon(struct prom_block_writer *writer); /* NULL is fine */

#endif
