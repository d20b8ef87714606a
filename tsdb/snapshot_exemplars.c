/* Exemplars of blocks and heads, as one; see snapshot.h. */
#include "tsdb/block_exemplars.h"
#include "tsdb/snapshot_internal.h"

status snapshot_exemplars(struct snapshot *snapshot, int64_t from_ms, int64_t to_ms, exemplar_filter *wanted,
                          void *context, exemplar_list *out)
{
    struct arena *arena = &snapshot->arena;

    TRY(snapshot_check_broken(snapshot, from_ms == INT64_MIN ? from_ms : from_ms - 1, to_ms));
    for (uint32_t i = 0; i < snapshot->source_count; i++) {
        struct snapshot_source *source = &snapshot->sources[i];
        if (source->block) {
            status s = block_exemplars(source->block, from_ms, to_ms, wanted, context, arena, out);
            if (failed(s) && !snapshot_goes_without(snapshot, source, &s)) return s;
        }
        for (uint32_t h = 0; h < source->head_count; h++)
            exemplars_read(head_exemplars(source->heads[h]), from_ms, to_ms, wanted, context, arena, out);
    }
    exemplars_join(out, arena);
    return ok();
}
