/* What is in a block file, on top of storage/block_file.h.
 *
 *     series data    one extent a series, in the series' order (series_data.h)
 *     time columns   page_list, 16 columns a page: u32 end of each entry; entries:
 *                        varint samples; a run of times (storage/chunk_run.h)
 *     models         a page: those of all runs (storage/chunk_models.h)
 *     series         page_list, 128 series a page: see series_page.h
 *     dictionaries   one per name (storage/dictionary.h)
 *     postings       page_list per name, for 64 values a page: u32 end of each set; sets as storage/postings.h has
 *                        them, or byte 2 and the varints of a page_ref where a set is large
 *     presence       a page per name: the set of series that have it
 *     names          a page: count; for each, in order: text, dictionary, postings list, presence page_ref
 *     lists          a page: count; for each: count, name ids in order
 *     metadata       a page: count; for each metric, in order: name, type u8, help, unit
 *     exemplars      page_list (block_exemplars.h)
 *     footer         varints: format 4, number, first and last head, creation time (zigzag ms), first and last sample
 *                        time (zigzag ms), series, samples; secret 192 bytes; series page_list; page_refs of names,
 *                        lists, metadata; varints: rich samples, time columns; time column page_list; page_ref of
 *                        models. A page_ref of 0, 0 says that there is none. Then, if there are exemplars: their
 *                        page_list, their first and last time (zigzag ms). Format 2 has none.
 *
 * Format 3, which can be read, differs in runs alone (storage/chunk_run.h).
 *
 * Format 2, which can be read, has as series: page_list, 64 series a page: u64 base; u32 end of each entry; entries:
 * fingerprint 16 bytes; varints: list id, value rank for each name of the list, offset of the data minus base, its
 * bytes.
 *
 * Series are sorted by metric name, then by their labels, so that postings become runs and the data of one metric lies
 * together. A list of names does not hold __name__ first: it is in the order of names as text.
 */
#ifndef VARVE_TSDB_BLOCK_FORMAT_H
#define VARVE_TSDB_BLOCK_FORMAT_H

#include "storage/base/hash.h"
#include "storage/block_file.h"

enum {
    BLOCK_FORMAT = 4,
    BLOCK_FORMAT_OLDEST = 2,
    BLOCK_SERIES_PER_PAGE_2 = 64,
    BLOCK_SETS_PER_PAGE = 64,
    BLOCK_COLUMNS_PER_PAGE = 16,
    BLOCK_SET_BYTES_INLINE = 2048,
    BLOCK_SET_ELSEWHERE = 2,
    BLOCK_NAME_BYTES = 32
};

struct block_info {
    uint32_t format; /* of a block that was read */
    uint32_t number, head_first, head_last;
    int64_t created_ms, min_ms, max_ms;
    uint32_t series;
    uint32_t columns; /* of times */
    uint64_t samples, rich_samples;
    struct hash_secret secret;
    struct page_list series_pages, column_pages, exemplar_pages;
    int64_t exemplar_min_ms, exemplar_max_ms; /* if there are pages */
    struct page_ref names, lists, metadata, models;
};

/* "block/00000012". */
void block_name(char out[BLOCK_NAME_BYTES], uint32_t number);

void block_info_encode(const struct block_info *info, struct writer *out);
status block_info_decode(str footer, struct block_info *out);

#endif
