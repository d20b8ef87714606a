/* Block files: immutable, written once from front to back, read in checksummed pages.
 *
 *     0            header, 64 bytes: "VARVEBLK", version u32, file number u32, zeros, XXH3 of bytes 0-55 at 56
 *     64 …         raw extents and pages, as they were written; among them parity pages and at last their directory
 *                  (block_parity.h)
 *                  footer: a page; the same once more
 *     end - 96     tail, twice: directory offset u64, bytes u32, zeros u32, footer offset u64, footer bytes u32,
 * version u32, "VARVEEND", XXH3 of the tail's first 40 bytes
 *
 * Version 1 has no parity, one footer, and one tail of 32 bytes, which begins with the footer offset.
 *
 * A page is: raw bytes u32 if its payload is LZ4-compressed, else 0; payload; XXH3 of both with the page's offset as
 * seed, so that a page in the wrong place is a bad page. A raw extent carries its owner's own checksums. Opening a file
 * reads the tail and the footer. A file without a good tail was never finished and never named by anyone. A bad page is
 * rebuilt from parity when it is read, header, tail and footer are read from their copies; each is counted.
 */
#ifndef VARVE_STORAGE_BLOCK_FILE_H
#define VARVE_STORAGE_BLOCK_FILE_H

#include "storage/base/bytes.h"
#include "storage/base/str.h"
#include "storage/base/vec.h"
#include "storage/block_parity.h"
#include "storage/fs.h"

enum {
    BLOCK_VERSION = 2,
    BLOCK_HEADER_BYTES = 64,
    BLOCK_TAIL_BYTES = 48,
    BLOCK_TAIL_BYTES_1 = 32, /* of version 1 */
    PAGE_RAW_BYTES_MAX = 64 << 20
};

/* Pages addressed by their number: a tree of pages of references, 256 to a page, above them. */
struct page_list {
    struct page_ref root; /* the page itself if there is one; nothing if there is none */
    uint32_t pages;
};

struct block_writer;

/* Creates the file (an unfinished one of that name is replaced). Errors of writing are sticky and come at the finish.
 */
status block_writer_open(struct fs *fs, const char *name, uint32_t number, struct block_writer **out);

/* Appends an extent; returns its offset. */
uint64_t block_writer_raw(struct block_writer *writer, const void *data, size_t bytes);

/* Appends a page; compressed if asked for and worth it. */
struct page_ref block_writer_page(struct block_writer *writer, const void *payload, size_t bytes, bool compress);

/* Bytes written so far. */
uint64_t block_writer_bytes(const struct block_writer *writer);

/* Writes footer and tail and makes the file durable (its name is the caller's: fs_sync_folder). Frees the writer. */
status block_writer_finish(struct block_writer *take_writer, const void *footer, size_t bytes);

/* Closes and removes what was written. NULL is fine. */
void block_writer_abandon(struct block_writer *take_writer);

/* Collects the pages of a list; zeroed is empty. */
struct page_list_writer {
    vec(struct page_ref) refs;
};
void page_list_add(struct page_list_writer *list, struct page_ref ref);

/* Writes the tree and empties the collector. */
struct page_list page_list_finish(struct page_list_writer *list, struct block_writer *writer);

void page_list_encode(const struct page_list *list, struct writer *out);
void page_list_decode(struct reader *in, struct page_list *out);

struct block_file;
struct page_cache;

/* Opens a finished file. CORRUPT if header, tail or footer are bad or the number is another. */
status block_file_open(struct fs *fs, const char *name, uint32_t number, struct page_cache *cache,
                       struct block_file **out);
void block_file_close(struct block_file *file); /* NULL is fine */

/* From now on told(context, damage) is called, by any thread, with every error of damage that a read returns. Set once,
 * before the file is shared. */
void block_file_watch(struct block_file *file, void (*told)(void *context, const status *damage), void *context);

bool block_file_has_parity(const struct block_file *file);

/* The bytes of the file that parity takes, its directory included. */
uint64_t block_file_parity_bytes(struct block_file *file);

/* Calls finding() for what was rebuilt since the file was opened, and for parity that is not that of its pages. To be
 * called when all pages were read. */
status block_file_check(struct block_file *file, void (*finding)(void *context, uint64_t at, const char *sentence),
                        void *context);

/* Reads all pages from disk, past the cache, and mends or tells what is damaged. Calls pace() with the bytes read now
 * and then; CANCELED when it says false. Without parity it reads nothing: pages are then known to their owners alone;
 * block_file_has_parity says afterwards. */
status block_file_scrub(struct block_file *file, bool (*pace)(void *context, uint64_t bytes), void *context);

str block_file_footer(const struct block_file *file);
uint64_t block_file_bytes(const struct block_file *file);
const char *block_file_name(const struct block_file *file);

/* Part of a raw extent. */
status block_file_read(struct block_file *file, uint64_t offset, void *out, size_t bytes);

/* The same of what nobody has asked for yet: whether it could be read. */
bool block_file_read_ahead(struct block_file *file, uint64_t offset, void *out, size_t bytes);

/* A verified page, in the cache. Given back with page_release. Thread-safe. */
struct page {
    const uint8_t *data;
    uint32_t bytes;
};
status block_file_page(struct block_file *file, struct page_ref ref, const struct page **out);
status page_list_page(struct block_file *file, const struct page_list *list, uint32_t index, const struct page **out);
void page_release(const struct page *page); /* NULL is fine */

/* Adds the bytes of all pages of a list, those of its tree among them, to *bytes. */
status page_list_bytes(struct block_file *file, const struct page_list *list, uint64_t *bytes);

#endif
