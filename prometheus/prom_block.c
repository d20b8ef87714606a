/* A block as a source of series; see prom_block.h. */
#include "prometheus/prom_block.h"

#include "prometheus/prom_chunk.h"
#include "prometheus/prom_index.h"
#include "prometheus/prom_segments.h"
#include "prometheus/prom_tombstones.h"

#include <stdio.h>

struct prom_block {
    struct prom_meta meta;
    struct prom_index *index;
    struct prom_segments *segments;
    struct prom_tombstones tombstones;
    uint32_t number; /* of the series read last, plus 1; 0: none */
    struct prom_series series;
    struct column_buffer probe;
};

void prom_block_close(struct prom_block *block)
{
    if (!block) return;
    prom_index_close(block->index);
    prom_segments_close(block->segments);
    prom_tombstones_release(&block->tombstones);
    prom_series_release(&block->series);
    column_buffer_release(&block->probe);
    free(block);
}

static void path_in(char out[256], const char *folder, const char *name)
{
    snprintf(out, 256, "%s%s%s", folder, folder[0] ? "/" : "", name);
}

static status open_parts(struct fs *fs, const char *folder, struct prom_block *block)
{
    char path[256];

    path_in(path, folder, "meta.json");
    TRY(prom_meta_load(fs, path, &block->meta));
    path_in(path, folder, "tombstones");
    TRY(prom_tombstones_load(fs, path, &block->tombstones));
    path_in(path, folder, "chunks");
    TRY(prom_segments_open(fs, path, &block->segments));
    path_in(path, folder, "index");
    return prom_index_open(fs, path, &block->index);
}

status prom_block_open(struct fs *fs, const char *folder, struct prom_block **out)
{
    struct prom_block *block = memory_zalloc(sizeof *block);
    status s = open_parts(fs, folder, block);

    if (failed(s)) {
        prom_block_close(block);
        return s;
    }
    *out = block;
    return ok();
}

const struct prom_meta *prom_block_meta(const struct prom_block *block)
{
    return &block->meta;
}

/* Reads the series' entry of the index, unless it was the last one read. */
static status load_series(struct prom_block *block, uint32_t number)
{
    if (block->number == number + 1) return ok();
    block->number = 0;
    TRY(prom_index_series(block->index, number, &block->series));
    block->number = number + 1;
    return ok();
}

static status read_chunk(struct prom_block *block, const struct prom_chunk_ref *ref, struct column_buffer *out)
{
    struct prom_chunk chunk;

    TRY(prom_segments_read(block->segments, ref->place, &chunk));
    status s = prom_chunk_decode(chunk.encoding, chunk.data, chunk.bytes, out);
    return failed(s) ? prom_segments_blame(block->segments, ref->place, s) : s;
}

static status block_read_series(void *context, uint32_t number, int64_t from_ms, int64_t to_ms,
                                struct column_buffer *out)
{
    struct prom_block *block = context;
    size_t begin = out->times.count;

    TRY(load_series(block, number));
    vec_each (ref, &block->series.chunks) {
        size_t first = out->times.count;
        if (ref->max_ms < from_ms || ref->min_ms > to_ms) continue;
        TRY(read_chunk(block, ref, out));
        columns_join(out, first);
    }
    columns_clip(out, begin, from_ms, to_ms);
    prom_tombstones_apply(&block->tombstones, block->series.id, out, begin);
    return ok();
}

static status block_has(void *context, uint32_t number, int64_t from_ms, int64_t to_ms, bool *out, int64_t *next_ms)
{
    struct prom_block *block = context;
    bool maybe = false;

    *out = false;
    TRY(load_series(block, number));
    bool hidden = prom_tombstones_touch(&block->tombstones, block->series.id, from_ms, to_ms);
    vec_each (ref, &block->series.chunks) {
        bool sure;
        if (!prom_chunk_ref_look(ref, from_ms, to_ms, &sure, next_ms)) continue;
        maybe = true;
        *out = *out || (sure && !hidden);
    }
    if (!maybe || *out) return ok();
    columns_clear(&block->probe);
    TRY(block_read_series(block, number, from_ms, to_ms, &block->probe));
    *out = block->probe.times.count > 0;
    return ok();
}

static status block_labels(void *context, uint32_t number, struct writer *out)
{
    struct prom_block *block = context;

    TRY(load_series(block, number));
    labels_write(block->series.pairs.data, block->series.pairs.count, out);
    return ok();
}

struct import_source prom_block_source(struct prom_block *block)
{
    return (struct import_source){.context = block,
                                  .series_count = prom_index_series_count(block->index),
                                  .min_ms = block->meta.min_ms,
                                  .max_ms = block->meta.end_ms - 1,
                                  .has = block_has,
                                  .labels = block_labels,
                                  .read = block_read_series};
}
