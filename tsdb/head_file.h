/* A head as its files have it, read without a db: for inspecting. */
#ifndef VARVE_TSDB_HEAD_FILE_H
#define VARVE_TSDB_HEAD_FILE_H

#include "tsdb/registry.h"
#include "tsdb/state.h"

struct head_file {
    struct registry *registry; /* all series that its file and the log tell of */
    vec(uint64_t) samples;  /* in the log, by the id of their series; shorter than the registry where there are none */
    int64_t min_ms, max_ms; /* of the samples; INT64_MAX and INT64_MIN if there are none */
    uint64_t log_bytes;     /* of good groups */
};

/* What can not be read is told as "file:offset: what is wrong" and passed over; an error is one of the disk. */
status head_file_read(struct fs *fs, const struct state *state, const struct state_head *entry,
                      void (*finding)(void *context, str sentence), void *context, struct head_file *out);
void head_file_release(struct head_file *head);

#endif
