/* What blocks there are; see db.h. */
#include "tsdb/db_internal.h"

void db_blocks(struct db *db, struct db_block **out, size_t *count, struct arena *arena)
{
    struct view *view = db_view(db);
    struct db_block *blocks = arena_array(arena, struct db_block, view->block_count);

    for (uint32_t i = 0; i < view->block_count; i++) {
        const struct block_info *info = block_get_info(view->blocks[i]);
        blocks[i] = (struct db_block){.number = info->number,
                                      .heads = info->head_last - info->head_first + 1,
                                      .series = info->series,
                                      .min_ms = info->min_ms,
                                      .max_ms = info->max_ms,
                                      .created_ms = info->created_ms,
                                      .samples = info->samples,
                                      .bytes = block_bytes(view->blocks[i])};
    }
    *out = blocks;
    *count = view->block_count;
    view_unref(view);
}
