/* Verifying a data folder that no process has open: every byte of every file that `state` names, read-only. */
#ifndef VARVE_TSDB_CHECK_H
#define VARVE_TSDB_CHECK_H

#include "storage/base/status.h"
#include "storage/base/str.h"
#include "storage/fs.h"

/* Calls finding() with a sentence, "file:offset: what is wrong", for each fault; *count says how many. An error means
 * that it could not look. Takes the folder's lock. */
status check_directory(struct fs *fs, void (*finding)(void *context, str sentence), void *context, size_t *count);

#endif
