/* Verifies a data folder. */
#ifndef VARVE_TSDB_CHECK_H
#define VARVE_TSDB_CHECK_H

#include "storage/base/status.h"
#include "storage/base/str.h"
#include "storage/fs.h"

/* Reads all that the folder holds and changes nothing. Calls finding() with a sentence for each thing that is wrong and
 * counts them. Fails only if it can not look. */
status check_directory(struct fs *fs, void (*finding)(void *context, str sentence), void *context, size_t *count);

#endif
