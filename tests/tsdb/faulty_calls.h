/* Calls of the operating system that come to less than was asked for: the functions of libc that storage/fs_folder.c
 * calls, put in the place of those for the whole test program. Without a plan they do what they always do. */
#ifndef VARVE_TESTS_TSDB_FAULTY_CALLS_H
#define VARVE_TESTS_TSDB_FAULTY_CALLS_H

#include <stdint.h>

enum faulty_kind {
    CALL_INTERRUPTED, /* fails with EINTR */
    CALL_SHORT        /* a read or write moves a part */
};

/* From now on each `every`-th call is faulty; 0: none. */
void faulty_calls_plan(enum faulty_kind kind, uint64_t every);

/* Calls that were faulty so far. */
uint64_t faulty_calls_count(void);

#endif
