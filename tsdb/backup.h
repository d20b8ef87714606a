/* Backup and restore: the blocks of a data folder in another folder, verified.
 *
 * A backup is itself a data folder without a log. Blocks never change, so a backup of one that has been backed up
 * before copies what is new and removes what is gone; a crash at any time leaves the backup that was there before, or
 * the new one. The folder may be in use by a server meanwhile: what is in its memory is not in the backup unless it was
 * frozen before.
 */
#ifndef VARVE_TSDB_BACKUP_H
#define VARVE_TSDB_BACKUP_H

#include "storage/base/status.h"
#include "storage/base/str.h"
#include "storage/fs.h"

struct backup_report {
    uint32_t blocks;   /* in the backup, */
    uint32_t copied;   /* of these copied now */
    uint32_t removed;  /* that the backup had and the folder has not any more */
    uint32_t findings; /* damages in what was copied, each of them told; the blocks are copied as they are */
    uint64_t bytes;    /* copied */
};

/* What is told on the way: each block that is copied, and what is wrong with it. */
struct backup_listener {
    void *context;
    void (*copied)(void *context, uint32_t block, uint32_t done, uint32_t of, uint64_t bytes);
    void (*finding)(void *context, str sentence);
};

/* Brings the backup in `to` up to date. INVALID if `to` holds anything but a backup of this folder. Every copied block
 * is read back and verified. Takes the lock of `to`. */
status backup_folder(struct fs *from, struct fs *to, const struct backup_listener *listener,
                     struct backup_report *report);

/* Makes a data folder of a backup or a checkpoint. EXISTS if `to` holds data. Takes the lock of `to`. */
status restore_folder(struct fs *from, struct fs *to, const struct backup_listener *listener,
                      struct backup_report *report);

#endif
