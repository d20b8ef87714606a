/* Verifying a data folder that no process has open: every byte of every file that `state` names, read-only. */
#ifndef VARVE_TSDB_CHECK_H
#define VARVE_TSDB_CHECK_H

#include "storage/base/status.h"
#include "storage/base/str.h"
#include "storage/fs.h"

struct check_listener {
    void *context;
    void (*finding)(void *context, str sentence);  /* "file:offset: what is wrong" */
    void (*progress)(void *context, str sentence); /* what has been read, "block/00000012: 3 series, 60 samples" */
};

struct check_summary {
    size_t findings;
    uint32_t blocks, logs;
    uint64_t block_samples, log_samples;
};

/* Tells the listener of each fault and, when it has been read, of each block and log. An error means that it could not
 * look. Takes the folder's lock. */
status check_directory(struct fs *fs, const struct check_listener *listener, struct check_summary *out);

#endif
