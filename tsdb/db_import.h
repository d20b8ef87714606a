/* Importing: series that are stored elsewhere become blocks, without passing the log.
 *
 * What is imported counts as written now, after all that is there already: where times meet, what was stored before
 * wins. Blocks are cut along days; each is there as a whole, by one change of `state`, or not at all. Memory is that of
 * the labels of one day's series, and of one series' samples of a day.
 */
#ifndef VARVE_TSDB_DB_IMPORT_H
#define VARVE_TSDB_DB_IMPORT_H

#include "tsdb/columns.h"
#include "tsdb/labels.h"

struct db;

/* Where the series come from. Series are numbered in any order; none is there twice. */
struct import_source {
    void *context;
    uint32_t series_count;
    int64_t min_ms, max_ms; /* no sample lies outside */
    /* Whether a series has a sample in [from, to], exactly; and lowers *next_ms to a time that no sample of it after
     * `to` comes before. */
    status (*has)(void *context, uint32_t series, int64_t from_ms, int64_t to_ms, bool *out, int64_t *next_ms);
    /* Its raw label fields, appended to `out`. */
    status (*labels)(void *context, uint32_t series, struct writer *out);
    /* Appends its samples in [from, to] to the buffer, in order. */
    status (*read)(void *context, uint32_t series, int64_t from_ms, int64_t to_ms, struct column_buffer *out);
};

/* What has been stored so far; zeroed at first, and added to. */
struct import_total {
    uint32_t blocks;
    uint64_t samples, bytes;
    uint64_t refused;                /* series of a day that no series here may be */
    char refusal[STATUS_TEXT_BYTES]; /* why the first one was, in words */
};

/* Imports all series. On an error the days before stay imported. CORRUPT where samples are not in order, or a histogram
 * contradicts itself. */
status db_import(struct db *db, const struct import_source *source, struct import_total *total);

#endif
