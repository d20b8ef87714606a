/* Verified pages in memory, for all block files together.
 *
 * A page enters when its checksum has matched, is shared by reference count, and leaves when the budget is needed
 * (second chance: pages used since the last sweep stay). Pages in use may pass the budget. Thread-safe.
 */
#ifndef VARVE_STORAGE_PAGE_CACHE_H
#define VARVE_STORAGE_PAGE_CACHE_H

#include "storage/block_file.h"

struct page_cache;

struct page_cache *page_cache_new(uint64_t bytes_max);

/* All files must be closed. */
void page_cache_free(struct page_cache *cache);

/* The page of a file at an offset, or NULL. */
const struct page *page_cache_find(struct page_cache *cache, const void *owner, uint64_t offset);

/* Adds a page, whose memory (from malloc) the cache takes, and returns it referenced; if another thread was first, that
 * one's page, and the memory is freed. */
const struct page *page_cache_add(struct page_cache *cache, const void *owner, uint64_t offset, uint8_t *take_data,
                                  uint32_t bytes);

/* Forgets all pages of an owner, none of which is in use. */
void page_cache_drop(struct page_cache *cache, const void *owner);

#endif
