/* The codecs of chunks on disk; the numbers are part of the format. */
#ifndef VARVE_STORAGE_CHUNK_H
#define VARVE_STORAGE_CHUNK_H

enum chunk_codec {
    CHUNK_COLUMNS = 0, /* times, then values, as they are: between a source and the writer of a block, never on disk */
    CHUNK_GORILLA = 1, /* storage/chunk_gorilla.h */
    CHUNK_RUN = 2,     /* storage/chunk_run.h: values; their times are a column of the block */
    CHUNK_RICH = 16    /* storage/chunk_rich.h: histograms, floats with start times */
};

#endif
