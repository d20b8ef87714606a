/* The codecs of chunks on disk; the numbers are part of the format. */
#ifndef VARVE_STORAGE_CHUNK_H
#define VARVE_STORAGE_CHUNK_H

enum chunk_codec {
    CHUNK_GORILLA = 1, /* storage/chunk_gorilla.h */
    CHUNK_RICH = 16    /* storage/chunk_rich.h: histograms, floats with start times */
};

#endif
