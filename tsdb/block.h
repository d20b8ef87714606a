/* A block that is open for reading.
 *
 * Opening reads the footer; the tables of names and lists are read at first use and kept; everything else comes through
 * the page cache. A block is shared by reference: the db holds one while the block exists, each snapshot another; when
 * a block that was dropped loses its last one, its file is unlinked.
 */
#ifndef VARVE_TSDB_BLOCK_H
#define VARVE_TSDB_BLOCK_H

#include "storage/dictionary.h"
#include "storage/fs.h"
#include "tsdb/block_format.h"
#include "tsdb/columns.h"
#include "tsdb/index.h"
#include "tsdb/labels.h"
#include "tsdb/series_page.h"

struct block;
struct page_cache;

status block_open(struct fs *fs, uint32_t number, struct page_cache *cache, struct block **out);
void block_ref(struct block *block);
void block_unref(struct block *block); /* NULL is fine */

/* The file goes when the last reference goes. */
void block_drop(struct block *block);

/* Damage is noted by whatever meets it: in the log and the counters at the first place of a block, and for the life of
 * the block. A damaged block is read as far as possible, and never merged. */
bool block_is_damaged(const struct block *block);

/* Whether the index of a damaged block could not be read, noted by whoever had to leave out the block for it. */
bool block_is_unreadable(const struct block *block);
void block_set_unreadable(struct block *block);

const struct block_info *block_get_info(const struct block *block);
uint64_t block_bytes(const struct block *block);

/* The block as a source for index_select. */
struct index *block_index(struct block *block);

struct block_name_entry {
    str text;
    struct dictionary values;
    struct page_list postings;
    struct page_ref presence;
};

/* What is known of names and of their lists; lives as long as the block. */
struct block_tables {
    const struct block_name_entry *names; /* in order */
    uint32_t name_count;
    const uint32_t *const *lists;
    const uint32_t *list_counts;
    uint32_t list_count;
};
status block_tables(struct block *block, const struct block_tables **out);

/* Index of a name in the table, or UINT32_MAX. */
uint32_t block_find_name(const struct block_tables *tables, str name);

/* One entry of the series table. */
struct block_series {
    hash128 fingerprint;
    uint32_t list, count;
    uint32_t values[LABELS_MAX];
    uint64_t offset;
    uint32_t bytes;
};

/* Reads series of one block one after the other, rising ordinals best: keeps the page of the last entry and what its
 * data refers to, and reads ahead where the data of the next follows. Zeroed is fresh. */
struct block_cursor {
    struct block *block; /* that data was read of */

    const struct page *page; /* of entries */
    uint32_t index;          /* of the page */
    bool is_open;            /* `columns` are the page's */
    struct series_page columns;

    const struct page *models; /* of the block; NULL if it has none */
    bool has_models;           /* they were looked for */
    const struct page *times;  /* a decoded time column, or NULL */
    uint32_t times_column;     /* its number */

    bool is_exact;                  /* nothing is to be read ahead, for a check that tells every error */
    struct writer ahead;            /* bytes of the file, with slack behind them */
    uint64_t ahead_at, ahead_bytes; /* which */
    uint64_t next_at;               /* where the data read last ends */
    size_t ahead_step;              /* read at once the last time; 0: nothing followed */
    uint64_t data_bytes;            /* of series, read so far */
};
status block_series(struct block *block, struct block_cursor *cursor, uint32_t ordinal, struct block_series *out);
void block_cursor_release(struct block_cursor *cursor);

/* The rank of a series' value of one name, by the name's index; UINT32_MAX if it has none. */
status block_rank(struct block *block, struct block_cursor *cursor, uint32_t ordinal, uint32_t name, uint32_t *out);

/* The fingerprint alone. */
status block_fingerprint(struct block *block, struct block_cursor *cursor, uint32_t ordinal, hash128 *out);

/* Appends the samples of a series in [from, to] to the buffer. */
status block_read(struct block *block, struct block_cursor *cursor, uint32_t ordinal, int64_t from_ms, int64_t to_ms,
                  struct column_buffer *buffer);

/* Adds the series that have a value (by its rank) to a set. */
status block_postings(struct block *block, const struct block_name_entry *name, uint32_t value, struct postings *set);

/* The text of a value, into `out` after it is emptied; all values, in order, until each() returns false. */
status block_value(struct block *block, const struct block_name_entry *name, uint32_t value, struct writer *out);
status block_each_value(struct block *block, const struct block_name_entry *name,
                        bool (*each)(void *context, uint32_t value, str text), void *context);

/* Calls each() for the metadata entries. */
status block_metadata(struct block *block, void (*each)(void *context, uint8_t type, str metric, str help, str unit),
                      void *context);

/* Reads all of the block from disk, its pages past the cache. Damage is noted as always, and no failure. Calls pace()
 * with the bytes read now and then; CANCELED when it says false. */
status block_scrub(struct block *block, bool (*pace)(void *context, uint64_t bytes), void *context);

/* Verifies everything; calls finding() with a sentence for each fault. */
status block_check(struct block *block, void (*finding)(void *context, str sentence), void *context);

#endif
