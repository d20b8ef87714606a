/* A page of a block's series table: the entries of neighbouring series, as columns.
 *
 *     varint     where the data of the first series begins in the file; that of the others follows without a gap
 *     column     where each series' data ends, counted from there
 *     column     list ids
 *     varint     number of label names that occur; for each, rising:
 *     varint     name id minus the one before (the first: itself)
 *     column     rank of each series' value plus 1; 0: it does not have that name
 *     16 bytes   fingerprint of each series
 *
 *     column     zigzag varint first; zigzag varint slope; 1 byte width; residuals of `width` bits, lowest first:
 *                number i is first + slope * i + residual i
 *
 * Series are sorted by their labels, so most columns are constant in a page or rise evenly, and take no bits at all.
 * Any number is read without those before it; where data lies is read without opening the page.
 */
#ifndef VARVE_TSDB_SERIES_PAGE_H
#define VARVE_TSDB_SERIES_PAGE_H

#include "storage/base/bytes.h"
#include "storage/base/hash.h"
#include "storage/base/vec.h"

enum { SERIES_PAGE_SLOTS = 128 };

/* The values of one name: rank plus 1, 0 where a series does not have it. */
struct series_values {
    uint32_t name;
    uint64_t numbers[SERIES_PAGE_SLOTS];
};

/* A page being put together; zeroed is empty. */
struct series_page_writer {
    vec(hash128) fingerprints;
    vec(uint64_t) ends, lists;
    vec(struct series_values) columns; /* as the names came */
};

void series_page_writer_release(struct series_page_writer *page);

/* Adds the next series: its list of names, the ranks of their values, and the bytes of its data. */
void series_page_add(struct series_page_writer *page, hash128 fingerprint, uint32_t list, const uint32_t *names,
                     const uint32_t *ranks, uint32_t count, size_t bytes);

/* Appends the page and empties it; it has between 1 and SERIES_PAGE_SLOTS series. */
void series_page_write(struct series_page_writer *page, uint64_t base, struct writer *out);

struct series_column {
    uint32_t name;
    unsigned width;
    int64_t first, slope;
    const uint8_t *residuals; /* with a readable word behind them */
};

/* The lists and names alone, with a word of zeros behind them: what a registration has of series. Empties the page. */
void series_page_write_labels(struct series_page_writer *page, struct writer *out);

/* A page opened for reading; borrows its bytes. Zeroed is empty. */
struct series_page {
    uint32_t slots;
    struct series_column lists;
    vec(struct series_column) columns; /* of the names, rising */
};

void series_page_release(struct series_page *page);

/* False if it is malformed. */
bool series_page_open(const uint8_t *bytes, size_t size, uint32_t slots, struct series_page *out);

/* Opens what series_page_write_labels wrote; false and a failed reader if it is malformed. */
bool series_page_read_labels(struct reader *in, uint32_t slots, struct series_page *out);

/* The fingerprint of a slot, and where its data lies, from the bytes of the page; false if it is malformed. */
bool series_page_fingerprint(const uint8_t *bytes, size_t size, uint32_t slots, uint32_t slot, hash128 *out);
bool series_page_extent(const uint8_t *bytes, size_t size, uint32_t slots, uint32_t slot, uint64_t *offset,
                        uint32_t *data_bytes);

/* The id of a slot's list; false if it is malformed. */
bool series_page_list(const struct series_page *page, uint32_t slot, uint32_t *list);

/* The column of a name, or NULL; the rank of a slot's value in a column, or UINT32_MAX if it has none. */
const struct series_column *series_page_column(const struct series_page *page, uint32_t name);
uint32_t series_column_rank(const struct series_column *column, uint32_t slot);

/* The ranks of the first `slots` slots. */
void series_column_ranks(const struct series_column *column, uint32_t slots, uint32_t *ranks);

/* The ranks of the values of `count` names, rising; false if the series lacks one. */
bool series_page_ranks(const struct series_page *page, uint32_t slot, const uint32_t *names, uint32_t count,
                       uint32_t *ranks);

#endif
