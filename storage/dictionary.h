/* The sorted values of one label name in a block, in LZ4 pages.
 *
 * A page holds 64 values, front-coded: the first whole, each next as varint bytes shared with the one before, then its
 * rest with its length. A value's id is its rank, so ids sort as values do. The pages are a page_list: finding a value
 * is a binary search over the first values of pages, and nothing needs to be in memory.
 */
#ifndef VARVE_STORAGE_DICTIONARY_H
#define VARVE_STORAGE_DICTIONARY_H

#include "storage/block_file.h"

enum { DICTIONARY_PAGE_VALUES = 64, DICTIONARY_VALUE_BYTES_MAX = 1 << 20 };

struct dictionary {
    struct page_list pages;
    uint32_t count;
};

struct dictionary_writer {
    struct block_writer *file;
    struct page_list_writer pages;
    struct writer page, last;
    uint32_t count;
};

void dictionary_writer_init(struct dictionary_writer *writer, struct block_writer *file);

/* Values rise. */
void dictionary_writer_add(struct dictionary_writer *writer, str value);
struct dictionary dictionary_writer_finish(struct dictionary_writer *writer);

void dictionary_encode(const struct dictionary *dictionary, struct writer *out);
void dictionary_decode(struct reader *in, struct dictionary *out);

/* Rank of the first value that is not below `value`, and whether it is that very value. */
status dictionary_find(const struct dictionary *dictionary, struct block_file *file, str value, uint32_t *id,
                       bool *found);

/* The value of an id, appended to `out` after it is emptied. */
status dictionary_get(const struct dictionary *dictionary, struct block_file *file, uint32_t id, struct writer *out);

/* Calls each() for the values with ids from `first` on, in order, until it returns false. The string is valid in the
 * call. */
status dictionary_scan(const struct dictionary *dictionary, struct block_file *file, uint32_t first,
                       bool (*each)(void *context, uint32_t id, str value), void *context);

#endif
