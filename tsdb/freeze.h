/* Freezing: a head, or any series of a registry with samples from elsewhere, becomes a block. */
#ifndef VARVE_TSDB_FREEZE_H
#define VARVE_TSDB_FREEZE_H

#include "tsdb/block_format.h"
#include "tsdb/exemplars.h"
#include "tsdb/head.h"

/* The memory that freezing so many series takes, about: their order, the ranks of their values, their postings. */
uint64_t freeze_memory(uint32_t series);

/* Series of a registry, and where their samples come from. */
struct freeze_source {
    struct registry *registry;
    void *context;
    /* Whether a series has samples, and so is to be in the block. At least one has. */
    bool (*has)(void *context, uint32_t series);
    /* The samples of a series that has some; of a few series they are asked for twice. */
    status (*data)(void *context, uint32_t series, struct series_data *out);
    const exemplar_list *exemplars; /* joined; may be NULL */
};

/* Writes the series as block info->number. Of `info` heads, creation time and secret, which is that of the registry,
 * are given too. `metadata` is the block's metadata section. */
status freeze_series(struct fs *fs, const struct freeze_source *from, str metadata, struct block_info *info);

/* Writes all samples of a head, to which nothing is appended any more, as block info->number. Of `info` creation time
 * and secret are given too. The head has samples. */
status freeze_head(struct fs *fs, struct head *head, str metadata, struct block_info *info);

#endif
