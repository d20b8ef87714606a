/* A view: which heads and blocks exist at a moment, with a reference on each.
 *
 * The db has one current view and makes a new one for each change; readers keep theirs. Immutable.
 */
#ifndef VARVE_TSDB_VIEW_H
#define VARVE_TSDB_VIEW_H

#include "tsdb/block.h"
#include "tsdb/head.h"
#include "tsdb/tombstones.h"

/* A block that is named but can not be opened: queries that need its time must say so. */
struct broken_block {
    uint32_t number;
    int64_t min_ms, max_ms;
    _Atomic bool is_expired; /* the retention took it */
    char why[STATUS_TEXT_BYTES];
};

struct view {
    _Atomic uint32_t references;
    struct head *live;
    struct head *frozen;               /* NULL if the last freeze is done */
    struct tombstones *tombstones;     /* NULL if there are none */
    const struct broken_block *broken; /* the db's, as long as it is open */
    uint32_t broken_count, block_count;
    struct block *blocks[]; /* in the order of their heads */
};

/* Takes references of all; blocks are the `count` first of `blocks` and then `added`, if it is not NULL. */
struct view *view_new(struct head *live, struct head *frozen, struct block *const *blocks, uint32_t count,
                      struct block *added, struct tombstones *tombstones);
void view_ref(struct view *view);
void view_unref(struct view *view); /* NULL is fine */

#endif
