/* Parity over the pages of a block file: a bad page is rebuilt.
 *
 * Pages as they lie in the file, one after the other, are a stream, cut into groups of about sixteen times the size of
 * their pages. Of a group the XOR is kept of all its bytes that are a multiple of its width apart: whatever is bad in
 * one stretch of the stream that is no longer than the width, wherever it begins, follows from the rest. The width is
 * that of the group's largest page, but at most PARITY_WIDTH_MAX: larger pages are mended where they are damaged in
 * one stretch. It costs a sixteenth of the pages.
 *
 * A parity page is uncompressed and belongs to no group itself:
 *
 *     varint   width
 *     varint   pages of the group
 *     varints  for each: its offset minus the end of the one before (the first: from 0), its bytes
 *     bytes    the XOR, as many as the width says
 *
 * The directory, one page, has for each group varints: offset of its parity page minus that of the one before (the
 * first: from 0), bytes, offset of its first page minus that of the first page of the group before.
 */
#ifndef VARVE_STORAGE_BLOCK_PARITY_H
#define VARVE_STORAGE_BLOCK_PARITY_H

#include "storage/base/bytes.h"
#include "storage/base/hash.h"
#include "storage/base/vec.h"
#include "storage/fs.h"

/* Where a page is; bytes as stored, overhead included. */
struct page_ref {
    uint64_t offset;
    uint32_t bytes;
};

enum {
    PAGE_OVERHEAD_BYTES = 12,
    PARITY_WIDTH_MAX = 4096,
    PARITY_GROUP_WIDTHS = 16,
    PARITY_GROUP_BYTES_MIN = 16 << 10 /* smaller groups cost more than a sixteenth for what they say of their pages */
};

/* Whether a page as stored has the checksum of its place. */
static inline bool page_is_good(const uint8_t *stored, struct page_ref ref)
{
    size_t bytes = ref.bytes - sizeof(uint64_t);
    return load_u64(stored + bytes) == hash_seeded(stored, bytes, ref.offset);
}

/* The group being collected, and the directory. Zeroed is empty. */
struct parity_writer {
    struct writer stream; /* pages of the group as stored */
    vec(struct page_ref) pages;
    uint32_t largest;
    struct writer directory;
    uint64_t last_offset, last_first; /* in the directory */
    uint32_t groups;
};

void parity_writer_release(struct parity_writer *parity);

/* Adds a page as stored. True if the group is full: then parity_take is due. */
bool parity_add(struct parity_writer *parity, struct page_ref ref, const uint8_t *stored);

/* Appends the payload of the group's parity page, and begins the next group. False if there is no page in it. */
bool parity_take(struct parity_writer *parity, struct writer *payload);

/* Where the parity page that was taken last has been put. */
void parity_placed(struct parity_writer *parity, struct page_ref ref);

/* A parity page that was read; borrows its bytes. */
struct parity_group {
    const uint8_t *parity;
    uint32_t width;
    size_t stream_bytes;
    vec(struct page_ref) pages;
};

/* False if the payload is malformed; to be released in either case. */
bool parity_group_decode(const uint8_t *payload, size_t bytes, struct parity_group *out);
void parity_group_release(struct parity_group *group);

/* The parity pages that the directory names, with the offset of the first page of each group. False if malformed. */
struct parity_entry {
    struct page_ref parity;
    uint64_t first;
};
typedef vec(struct parity_entry) parity_entries;
bool parity_directory_decode(const uint8_t *payload, size_t bytes, parity_entries *out);

/* Rebuilds a page of the group: `stored` has it as it was read, and then as it was written. False if more is damaged
 * than parity tells. */
status parity_rebuild(const struct parity_group *group, struct file *file, struct page_ref ref, uint8_t *stored,
                      bool *done);

/* Whether the parity is that of the pages in the file. */
status parity_verify(const struct parity_group *group, struct file *file, bool *good);

#endif
