/* All chunks of one series in a block, as they lie in the file.
 *
 *     varint          number of chunks
 *     for each chunk:
 *     1 byte          codec (storage/chunk.h)
 *     varint          samples
 *     zigzag varint   time of the first sample, minus the bound of the last chunk that has one (0 for the first)
 *     varint          bound minus that time: no sample is later
 *     varint          bytes
 *     or, for a run:
 *     1 byte          codec
 *     varint          time column of the block
 *     varint          bytes
 *     varint          how far before this extent they begin in the file, where an equal run is stored; 0: they are here
 *     u32             their checksum, the low half of XXH3
 *     after all:
 *     u32             checksum of the header up to here
 *     then, for each chunk, its bytes and, but for runs, their checksum, u32
 *
 * But for runs, checksums are the low half of XXH3 with the series' fingerprint as seed: data that belongs to another
 * series is bad data.
 */
#ifndef VARVE_TSDB_SERIES_DATA_H
#define VARVE_TSDB_SERIES_DATA_H

#include "storage/base/hash.h"
#include "storage/block_file.h"
#include "storage/chunk.h"
#include "tsdb/columns.h"

struct chunk_entry {
    enum chunk_codec codec;
    uint32_t samples;
    int64_t min_ms, max_ms; /* first sample; none is later than max */
    size_t offset, bytes;   /* place in the chunks' bytes */

    /* of a run */
    uint32_t column;    /* its times */
    uint32_t checksum;  /* of its bytes */
    uint64_t shared_at; /* where its bytes lie in the file already, or 0 */
};

/* Chunks being collected for a block. Zeroed is empty. */
struct series_data {
    struct writer bytes; /* of all chunks, one after the other */
    vec(struct chunk_entry) chunks;
    uint64_t samples;
};

void series_data_release(struct series_data *data);
void series_data_clear(struct series_data *data);

/* Adds an encoded chunk; chunks come in the order of time. */
void series_data_add(struct series_data *data, enum chunk_codec codec, uint32_t count, int64_t min_ms, int64_t max_ms,
                     const void *bytes, size_t size);

/* Adds a run, of which all but `offset` is set. */
void series_data_add_run(struct series_data *data, const struct chunk_entry *entry, const void *bytes);

/* Encodes samples into Gorilla chunks of at most `chunk_samples`; 0 leaves them columns, for block_build. */
void series_data_encode(struct series_data *data, const int64_t *times_ms, const double *values, size_t count,
                        size_t chunk_samples);

/* Encodes a buffer's result: runs of floats as above, rich samples in chunks cut where their hints say. If hints were
 * lost in merging, all that are unknown are found anew. */
void series_data_encode_columns(struct series_data *data, struct column_buffer *buffer, size_t chunk_samples);

/* Writes the form above, for an extent at `at` in the file, to `out`; returns the bytes of its header. */
size_t series_data_write(const struct series_data *data, hash128 fingerprint, uint64_t at, struct writer *out);

/* Bytes that a chunk takes behind the header. */
size_t series_data_stored_bytes(const struct chunk_entry *entry);

/* The block around series data, which runs refer to. Pages are the reader's to release. */
struct series_block {
    void *context;
    uint32_t number; /* the block's */
    uint64_t at;     /* where the series data lies in the file */
    /* Pages stay until the next call; of times the data are int64_t, of models struct model_decoders, or NULL. */
    status (*times)(void *context, uint32_t column, const struct page **out);
    status (*models)(void *context, const struct page **out);
    status (*bytes)(void *context, uint64_t offset, void *out, size_t bytes);
};

/* Reads what lies in a file and appends the samples in [from, to] to the buffer. `bytes` has GORILLA_SLACK_BYTES
 * readable behind `size`. CORRUPT with a sentence when a checksum or the form is wrong; a chunk alone is left out where
 * the buffer says so. Gorilla chunks may be passed on if the buffer asks for it. Without a block (NULL) there can be no
 * runs. */
status series_data_read(const uint8_t *bytes, size_t size, hash128 fingerprint, const struct series_block *block,
                        int64_t from_ms, int64_t to_ms, struct column_buffer *buffer);

/* Calls each() for the chunks with their verified bytes, behind which there is slack; entries of runs have number and
 * times of their samples, too. */
status series_data_each(const uint8_t *bytes, size_t size, hash128 fingerprint, const struct series_block *block,
                        struct column_buffer *scratch,
                        void (*each)(void *context, const struct chunk_entry *entry, const uint8_t *chunk),
                        void *context);

/* Checks everything without decoding into columns, and counts the samples. */
status series_data_check(const uint8_t *bytes, size_t size, hash128 fingerprint, const struct series_block *block,
                         struct column_buffer *buffer, uint64_t *count);

#endif
