/* Writing a block: from any source of sorted series to a file (layout in block_format.h). */
#ifndef VARVE_TSDB_BLOCK_BUILD_H
#define VARVE_TSDB_BLOCK_BUILD_H

#include "storage/fs.h"
#include "tsdb/block_format.h"
#include "tsdb/exemplars.h"
#include "tsdb/series_data.h"

/* Where the block comes from. Series are numbered in the order of the block: by metric name, then by labels. Names are
 * numbered in the order of their text; values of a name, of which only used ones are told, too. */
struct build_source {
    void *context;
    uint32_t series_count, name_count, list_count;
    str (*name)(void *context, uint32_t name);
    uint32_t (*value_count)(void *context, uint32_t name);
    str (*value)(void *context, uint32_t name, uint32_t value);
    /* The names of a list, in order. */
    const uint32_t *(*list)(void *context, uint32_t list, uint32_t *count);
    hash128 (*fingerprint)(void *context, uint32_t ordinal);
    /* The list of a series' names, and the rank of its value for each. Called some fifty times for each series. */
    uint32_t (*labels)(void *context, uint32_t ordinal, const uint32_t **values);
    /* The samples of each series, in order; never empty. Those of some series are asked for once before. */
    status (*data)(void *context, uint32_t ordinal, struct series_data *out);
    str metadata;                   /* the encoded metadata section; may be empty */
    const exemplar_list *exemplars; /* joined; may be NULL */
};

/* Writes the block and makes the file durable. Of `info` number, heads, creation time and secret are given; times,
 * counts and sections are filled in. On failure nothing is left. */
status block_build(struct fs *fs, const struct build_source *source, struct block_info *info);

#endif
