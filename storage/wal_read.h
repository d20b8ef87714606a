/* Reading the write-ahead log of a head: replay, check, dump. */
#ifndef VARVE_STORAGE_WAL_READ_H
#define VARVE_STORAGE_WAL_READ_H

#include "storage/fs.h"
#include "storage/record.h"
#include "storage/wal_format.h"

struct wal_visitor {
    void *context;
    /* A record in the order of the log, but for those of damaged groups, which come last; those of torn ones do not
     * come. An error stops the reading and is returned. */
    status (*record)(void *context, const struct record *record);
    /* A bad place: `damaged` means that acknowledged data may be missing, else it is what a crash left of a group
     * nobody was told of. May be NULL. */
    void (*finding)(void *context, const char *file, uint64_t at, bool damaged, const char *sentence);
};

/* Where a log that was read goes on. */
struct wal_end {
    uint32_t next_segment;
    uint64_t next_sequence;
    uint64_t torn_groups; /* before next_sequence: the first that a crash left, and all after it */
    uint64_t bytes;       /* of good groups */
};

/* Reads all segments of a head's log. An I/O error is returned and never taken for damage. */
status wal_read(struct fs *fs, uint32_t head, const struct wal_visitor *visitor, struct wal_end *end);

/* Reads one segment alone, to list it: what other segments would say of its bad places is not known. Each group whose
 * header is good is told before its records; those of a group that is not whole come at the end. */
status wal_read_segment(struct fs *fs, uint32_t head, uint32_t segment, const struct wal_visitor *visitor,
                        void (*group)(void *context, uint64_t at, const struct wal_group *group));

#endif
