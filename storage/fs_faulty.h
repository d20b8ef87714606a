/* A file system that fails chosen calls of another one. */
#ifndef VARVE_STORAGE_FS_FAULTY_H
#define VARVE_STORAGE_FS_FAULTY_H

#include "storage/fs.h"

/* Calls that can be made to fail, as bits. */
enum fault_call {
    FAULT_OPEN = 1 << 0,
    FAULT_READ = 1 << 1,
    FAULT_WRITE = 1 << 2, /* half of the first span is written before it fails */
    FAULT_SYNC = 1 << 3,
    FAULT_ALLOCATE = 1 << 4,
    FAULT_RENAME = 1 << 5, /* and link */
    FAULT_UNLINK = 1 << 6,
    FAULT_SYNC_FOLDER = 1 << 7,
    FAULT_LOOK = 1 << 8, /* at sizes, entries of folders, free space */
    FAULT_TRUNCATE = 1 << 9,
    FAULT_MAKE_FOLDER = 1 << 10,
    FAULT_EVERY = (1 << 11) - 1,
    FAULT_CHANGES = FAULT_WRITE | FAULT_SYNC | FAULT_ALLOCATE | FAULT_RENAME | FAULT_SYNC_FOLDER
};

/* Wraps `inner`, which outlives it. Nothing fails yet. */
struct fs *fs_faulty_new(struct fs *inner);

/* The k-th of the named calls from now on fails with this errno (k = 1: the next), then `repeat` more after it.
 * Replaces an earlier plan. */
void fs_faulty_plan(struct fs *fs, unsigned calls, uint64_t k, int error, uint64_t repeat);

/* Nothing fails any more. */
void fs_faulty_heal(struct fs *fs);

/* How many calls have failed. */
uint64_t fs_faulty_count(const struct fs *fs);

#endif
