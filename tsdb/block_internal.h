/* What the files of the block share. */
#ifndef VARVE_TSDB_BLOCK_INTERNAL_H
#define VARVE_TSDB_BLOCK_INTERNAL_H

#include "tsdb/block.h"
#include "tsdb/series_data.h"

#include <pthread.h>
#include <stdatomic.h>

struct block {
    struct index index; /* first: block_index */

    /* constant after open */
    struct fs *fs;
    struct block_file *file;
    struct page_cache *cache; /* also of decoded time columns and models; their owner is the block */
    struct block_info info;

    _Atomic uint32_t references;
    _Atomic bool dropped, damaged, unreadable;

    pthread_mutex_t mutex; /* held while the tables are read */
    _Atomic(struct block_tables *) tables;
    struct arena arena; /* of the tables */
};

/* Notes damage that was met; passes the status on. */
status block_note(struct block *block, status s);

/* The bytes of entry `slot` in a page of `slots` entries, which begin behind `prefix` bytes and their ends. */
bool block_entry_in_page(const struct page *page, size_t prefix, uint32_t slots, uint32_t slot, str *out);

/* Entries in page `page` of `total` entries. */
uint32_t block_slots(uint32_t total, uint32_t page, uint32_t per_page);

/* The data of a series with slack behind it: in the cursor or the buffer, valid until either is used again. */
status block_load_data(struct block_cursor *cursor, const struct block_series *series, struct column_buffer *buffer,
                       const uint8_t **out);

/* Names the file and the place in an error about series data. */
status block_in_file(struct block *block, const struct block_series *series, status s);

/* What runs of a series refer to; lives in the cursor, which must have its block. */
struct series_block block_around(struct block_cursor *cursor, const struct block_series *series);

#endif
