/* Freezing: a head becomes a block. */
#ifndef VARVE_TSDB_FREEZE_H
#define VARVE_TSDB_FREEZE_H

#include "tsdb/block_format.h"
#include "tsdb/head.h"

/* The memory that freezing so many series takes, about: their order, the ranks of their values, their postings. */
uint64_t freeze_memory(uint32_t series);

/* Writes all samples of a head, to which nothing is appended any more, as block info->number. Of `info` creation time
 * and secret are given too. `metadata` is the block's metadata section. The head has samples. */
status freeze_head(struct fs *fs, struct head *head, str metadata, struct block_info *info);

#endif
