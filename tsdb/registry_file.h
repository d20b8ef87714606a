/* Reading a registry's file without a db: for checking, inspecting and dumping. */
#ifndef VARVE_TSDB_REGISTRY_FILE_H
#define VARVE_TSDB_REGISTRY_FILE_H

#include "storage/fs.h"
#include "tsdb/registry.h"

/* Applies the first `bytes` bytes of the registry's file; a file that is missing or shorter, and records that are
 * damaged, are told as "file:offset: what is wrong" and passed over. An error is one of the disk. */
status registry_file_apply(struct fs *fs, struct registry *registry, uint64_t bytes,
                           void (*finding)(void *context, str sentence), void *context);

#endif
