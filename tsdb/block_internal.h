/* What the files of the block share. */
#ifndef VARVE_TSDB_BLOCK_INTERNAL_H
#define VARVE_TSDB_BLOCK_INTERNAL_H

#include "tsdb/block.h"

#include <pthread.h>
#include <stdatomic.h>

struct block {
    struct index index; /* first: block_index */

    /* constant after open */
    struct fs *fs;
    struct block_file *file;
    struct block_info info;

    _Atomic uint32_t references;
    _Atomic bool dropped;

    pthread_mutex_t mutex; /* held while the tables are read */
    _Atomic(struct block_tables *) tables;
    struct arena arena; /* of the tables */
};

#endif
