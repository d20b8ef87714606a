/* What the bytes of a block are for, and its chunks one by one: for `varve inspect` and `varve dump`. */
#ifndef VARVE_TSDB_BLOCK_MEASURE_H
#define VARVE_TSDB_BLOCK_MEASURE_H

#include "tsdb/block.h"

/* code, name in JSON, words for people, whether it is index */
#define BLOCK_PARTS(X)                                         \
    X(CHUNKS, "chunks", "chunks", false)                       \
    X(CHUNK_TABLES, "chunk_tables", "tables of chunks", false) \
    X(TIMES, "time_columns", "time columns", false)            \
    X(MODELS, "models", "models of codecs", false)             \
    X(SERIES, "series_table", "series table", true)            \
    X(DICTIONARIES, "dictionaries", "dictionaries", true)      \
    X(POSTINGS, "postings", "postings", true)                  \
    X(PRESENCE, "presence", "sets of label names", true)       \
    X(NAMES, "names", "names and lists of names", true)        \
    X(METADATA, "metadata", "metadata", true)                  \
    X(PARITY, "parity", "parity", true)                        \
    X(FRAME, "frame", "header, footer and whatever else belongs to the file", false)

enum block_part {
#define X(code, name, words, is_index) BLOCK_PART_##code,
    BLOCK_PARTS(X)
#undef X
        BLOCK_PART_COUNT
};

extern const char *const block_part_names[BLOCK_PART_COUNT], *const block_part_words[BLOCK_PART_COUNT];
extern const bool block_part_is_index[BLOCK_PART_COUNT];

/* Bytes of each part; their sum is the file's size. Reads the index, and with `extents` (those of all series' data, as
 * the series table has them) and `stored` (what their chunks take) known, nothing else. */
status block_measure(struct block *block, uint64_t extents, uint64_t stored, uint64_t parts[BLOCK_PART_COUNT]);

/* How a chunk is encoded; of runs, what most of their frames are. */
#define CHUNK_FORMS(X)          \
    X(CONSTANT, "constant")     \
    X(PACKED, "packed")         \
    X(ENTROPY, "entropy-coded") \
    X(GORILLA, "gorilla")       \
    X(RICH, "rich")

enum chunk_form {
#define X(code, name) FORM_##code,
    CHUNK_FORMS(X)
#undef X
        CHUNK_FORM_COUNT
};

extern const char *const chunk_form_names[CHUNK_FORM_COUNT];

struct block_chunk {
    enum chunk_form form;
    uint32_t samples;
    int64_t min_ms, max_ms; /* first sample; none is later than max */
    uint64_t offset, bytes; /* in the file, without checksums */
    bool is_shared;         /* an earlier series has them: they take no room of this one's */
};

/* Calls each() for the chunks of a series, which are verified. */
status block_each_chunk(struct block *block, const struct block_series *series, struct column_buffer *scratch,
                        void (*each)(void *context, const struct block_chunk *chunk), void *context);

#endif
