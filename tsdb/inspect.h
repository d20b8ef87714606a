/* What is in a data folder: series, churn, cardinality, and what the bytes are for. Read-only and without the folder's
 * lock, so a server may use it at the same time: blocks never change, and of a log that is being written all groups up
 * to some moment are seen. Files that the server replaces meanwhile are told as gone.
 *
 * It takes memory for each distinct series (about 32 bytes) and each distinct label pair (about 100), for a moment of
 * each block's values, and the registry of each head.
 */
#ifndef VARVE_TSDB_INSPECT_H
#define VARVE_TSDB_INSPECT_H

#include "storage/fs.h"
#include "tsdb/block_measure.h"

/* A block, or a head with its log and its share of samples. */
struct inspect_source {
    bool is_head;
    uint32_t number, head_first, head_last;
    int64_t min_ms, max_ms; /* of heads: INT64_MAX, INT64_MIN if they are empty */
    uint64_t series, series_only_here, samples, bytes;
};

struct inspect_codec {
    uint64_t chunks, shared_chunks, samples, bytes;
};

struct inspect_metric {
    str name;
    uint64_t series, samples; /* samples and bytes are those in blocks, bytes those of the series' chunks and tables */
    uint64_t bytes;
};

struct inspect_label {
    str name;
    uint64_t values, series, text_bytes;
};

struct inspect_pair {
    str name, value;
    uint64_t series;
};

/* Lists are in the arena: sources in their order, the others largest first and at most as long as was asked. */
struct inspection {
    uint64_t series, series_in_one; /* distinct; and those that one source alone has */
    uint64_t block_series;          /* counted in each block */
    uint64_t block_samples, block_bytes, wal_bytes, registry_bytes;
    uint64_t parts[BLOCK_PART_COUNT]; /* of all blocks */
    struct inspect_codec codecs[CHUNK_FORM_COUNT];
    struct inspect_source *sources;
    size_t source_count;
    struct inspect_metric *metrics;
    size_t metric_count, metric_total;
    struct inspect_label *labels;
    size_t label_count, label_total;
    struct inspect_pair *pairs;
    size_t pair_count, pair_total;
    size_t findings; /* what could not be read */
};

/* Calls finding() with "file:offset: what is wrong" for what can not be read, and goes on with the rest. Fails when
 * there is no data, or with an error of the disk. */
status inspect_directory(struct fs *fs, size_t limit, void (*finding)(void *context, str sentence), void *context,
                         struct inspection *out, struct arena *arena);

#endif
