/* A view of what exists; see view.h. */
#include "tsdb/view.h"

struct view *view_new(struct head *live, struct head *frozen, struct block *const *blocks, uint32_t count,
                      struct block *added, struct tombstones *tombstones)
{
    uint32_t total = count + (added ? 1 : 0);
    struct view *view = memory_zalloc(sizeof *view + total * sizeof(struct block *));

    atomic_init(&view->references, 1);
    view->live = live;
    view->frozen = frozen;
    view->block_count = total;
    for (uint32_t i = 0; i < total; i++) {
        view->blocks[i] = i < count ? blocks[i] : added;
        block_ref(view->blocks[i]);
    }
    view->tombstones = tombstones;
    tombstones_ref(tombstones);
    if (live) head_ref(live);
    if (frozen) head_ref(frozen);
    return view;
}

void view_ref(struct view *view)
{
    atomic_fetch_add(&view->references, 1);
}

void view_unref(struct view *view)
{
    if (!view || atomic_fetch_sub(&view->references, 1) > 1) return;
    head_unref(view->live);
    head_unref(view->frozen);
    tombstones_unref(view->tombstones);
    for (uint32_t i = 0; i < view->block_count; i++) block_unref(view->blocks[i]);
    free(view);
}
