/* Merging: blocks become one block. */
#ifndef VARVE_TSDB_MERGE_H
#define VARVE_TSDB_MERGE_H

#include "tsdb/block.h"
#include "tsdb/tombstones.h"

#include <stdatomic.h>

struct merge_request {
    struct block *const *blocks; /* in the order of their heads: at equal times the earlier one's sample stays */
    uint32_t count;
    int64_t from_ms, to_ms;                     /* samples outside [from, to] are left out */
    const struct tombstones *tombstones;        /* what those hide whose purge has begun is left out; may be NULL */
    int64_t exemplars_from_ms, exemplars_to_ms; /* the same for exemplars */
    uint64_t exemplar_bytes_max; /* with more than this in later blocks those of earlier ones are left out */
    str metadata;                /* the block's metadata section */
    const atomic_bool *stop;     /* ends the work with CANCELED when it becomes true; may be NULL */
    void (*progress)(void *context, uint32_t done, uint32_t of); /* called after each series; may be NULL */
    void *context;
};

/* How many series the blocks have together: at the most, and about: many are judged by those whose fingerprints lie in
 * a part of all hashes. Reads the series tables; where one can not be read, all series count. */
uint64_t merge_series_most(struct block *const *blocks, uint32_t count);
uint64_t merge_series(struct block *const *blocks, uint32_t count);

/* The memory that merging blocks takes, about, which together have so many series. */
uint64_t merge_memory(struct block *const *blocks, uint32_t count, uint64_t series);

/* Writes the block info->number and makes it durable. Of `info` creation time and secret are given too, all of the
 * blocks have this secret. Without any sample in the range no file is made and info->samples is 0. On failure nothing
 * is left. What it takes is what merge_memory says. */
status merge_blocks(struct fs *fs, const struct merge_request *request, struct block_info *info);

#endif
