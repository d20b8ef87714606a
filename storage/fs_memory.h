/* A file system in memory, whose power can be cut.
 *
 * It keeps beside the current state what a disk would have for certain, and the writes and name changes in between, in
 * order. fs_memory_crash leaves what one of the models allows.
 */
#ifndef VARVE_STORAGE_FS_MEMORY_H
#define VARVE_STORAGE_FS_MEMORY_H

#include "storage/fs.h"

/* What happens to changes that were not synced. */
enum crash_model {
    CRASH_NONE,   /* the process was killed, the machine lives: nothing is lost */
    CRASH_STRICT, /* all are lost */
    CRASH_PREFIX, /* those after some moment are lost */
    CRASH_TORN,   /* each 512-byte sector of contents is kept or lost by itself; names as in PREFIX */
    CRASH_ORDERED /* names as in PREFIX, contents of each file are lost from some moment of its own on (like ext4) */
};

struct fs *fs_memory_new(void);

/* Cuts the power: all open files become unusable (close them still). The seed chooses among what the model allows. */
void fs_memory_crash(struct fs *fs, enum crash_model model, uint64_t seed);

/* The size of the disk: what would take more fails with ENOSPC. 0: so large that nothing ever does. */
void fs_memory_limit(struct fs *fs, uint64_t bytes);

/* What all files take, those included that are only open any more. */
uint64_t fs_memory_used(struct fs *fs);

/* Flips one bit of a file, durably; false if there is no such byte. */
bool fs_memory_flip(struct fs *fs, const char *name, uint64_t byte, unsigned bit);

/* One byte of a file; false if there is none. */
bool fs_memory_peek(struct fs *fs, const char *name, uint64_t byte, uint8_t *out);

/* A file system with the same files, all durable. */
struct fs *fs_memory_copy(struct fs *fs);

/* Number of changing calls so far (writes, syncs, renames …): a position to crash at. */
uint64_t fs_memory_operations(const struct fs *fs);

#endif
