/* Which blocks to merge next.
 *
 * Blocks are cut along windows of two hours and of a day, counted from the epoch. A window is closed when samples are
 * ten minutes past its end. In a closed window blocks become one; in an open one four of about one size do. Only a
 * small block of late samples waits until it has company, so that it does not make a day be written again.
 */
#ifndef VARVE_TSDB_COMPACTION_H
#define VARVE_TSDB_COMPACTION_H

#include <stdbool.h>
#include <stdint.h>

enum {
    COMPACTION_INPUTS_MAX = 64, /* blocks of one merge */
    COMPACTION_OUTPUTS_MAX = 16
};

struct compaction_block {
    int64_t min_ms, max_ms; /* first and last sample */
    uint64_t bytes;
    bool is_damaged; /* it stays as it is, and no merge reaches over it in the order of heads where they share time */
};

struct compaction_plan {
    uint32_t inputs[COMPACTION_INPUTS_MAX]; /* indexes of blocks, rising */
    uint32_t count;
    int64_t min_ms, max_ms; /* of all their samples */
    int64_t window_ms;      /* what comes out is cut at its multiples */
};

/* `blocks` are in the order of their heads, `newest_ms` is the newest sample of all. With `all`, windows count as
 * closed and sizes do not matter: what is left when nothing is planned any more is one block a day. False if nothing is
 * to be done. */
bool compaction_plan(const struct compaction_block *blocks, uint32_t count, int64_t newest_ms, bool all,
                     struct compaction_plan *out);

/* The plan that writes one block again: into one, or few if it is over many days. */
void compaction_plan_rewrite(const struct compaction_block *blocks, uint32_t index, struct compaction_plan *out);

/* The first and last time of the window of `window_ms` in which a time lies. */
int64_t compaction_window_start(int64_t time_ms, int64_t window_ms);
int64_t compaction_window_end(int64_t time_ms, int64_t window_ms);

#endif
