/* What the operating system says of this process. */
#ifndef VARVE_HTTP_PROCESS_H
#define VARVE_HTTP_PROCESS_H

#include <stdint.h>

/* Fields that can not be read are 0. */
struct process_stats {
    double cpu_seconds;
    double start_seconds; /* Unix time */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_files, open_files_max;
    uint64_t threads;
};

void process_read(struct process_stats *out);

#endif
