/* The exemplars of a block.
 *
 *     page_list; in each page entries, of which a series with many has several:
 *         the labels of the series (length, raw label fields, sorted), number of exemplars
 *         for each: time (zigzag ms), 8 bytes of value, labels (length, raw label fields, sorted)
 *
 * The footer has the list and the first and last time; they may lie outside of the block's samples.
 */
#ifndef VARVE_TSDB_BLOCK_EXEMPLARS_H
#define VARVE_TSDB_BLOCK_EXEMPLARS_H

#include "tsdb/block.h"
#include "tsdb/exemplars.h"

/* Writes the section, if there are any, and sets what the footer says of it. */
void block_exemplars_write(struct block_writer *file, const exemplar_list *list, struct block_info *info);

/* Adds the exemplars in [from, to] of all series that are wanted to the list; copied to the arena. */
status block_exemplars(struct block *block, int64_t from_ms, int64_t to_ms, exemplar_filter *wanted, void *context,
                       struct arena *arena, exemplar_list *out);

#endif
