/* What the kinds of varve dump share. Listings go to standard output; what is damaged stands in them, and they go on
 * where that is possible. */
#ifndef VARVE_HTTP_MAIN_DUMP_H
#define VARVE_HTTP_MAIN_DUMP_H

#include "storage/fs.h"

/* A file of a data folder, taken apart: the folder opened, and the name in it ("block/00000012"). */
struct dump_file {
    const char *path; /* as it was given */
    struct fs *fs;
    str name;
};

/* Each lists one file; *findings counts what is damaged. */
status dump_wal(const struct dump_file *file, size_t *findings);
status dump_block(const struct dump_file *file, size_t *findings);

/* The chunks of one series of a block with their samples. */
status dump_chunks(const struct dump_file *file, str series, size_t *findings);

#endif
