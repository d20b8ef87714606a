/* Tiles and their memory; see tile.h. */
#include "query/tile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 18, LINE_BYTES = 64 };

struct scratch_block {
    struct scratch_block *next;
    size_t bytes; /* of data */
    _Alignas(LINE_BYTES) uint8_t data[];
};

static struct scratch_block *block_new(struct scratch *scratch, size_t bytes)
{
    struct scratch_block *block = aligned_alloc(LINE_BYTES, sizeof *block + bytes);

    if (!block) block = memory_alloc(SIZE_MAX); /* aborts */
    block->bytes = bytes;
    account_charge(scratch->account, sizeof *block + bytes);
    return block;
}

static void block_free(struct scratch *scratch, struct scratch_block *block)
{
    if (!block) return;
    account_return(scratch->account, sizeof *block + block->bytes);
    free(block);
}

static void add_block(struct scratch *scratch, size_t bytes)
{
    struct scratch_block *block = scratch->spare;

    if (block && block->bytes >= bytes) {
        scratch->spare = NULL;
    } else {
        block = block_new(scratch, bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
    }
    block->next = scratch->blocks;
    scratch->blocks = block;
    scratch->used = 0;
}

void *scratch_alloc(struct scratch *scratch, size_t bytes)
{
    size_t rounded = (bytes + LINE_BYTES - 1) & ~(size_t)(LINE_BYTES - 1);

    if (rounded < bytes) return memory_alloc(SIZE_MAX); /* aborts */
    if (!scratch->blocks || scratch->blocks->bytes - scratch->used < rounded) add_block(scratch, rounded);
    void *memory = scratch->blocks->data + scratch->used;
    scratch->used += rounded;
    return memory;
}

void scratch_rewind(struct scratch *scratch, struct scratch_mark mark)
{
    while (scratch->blocks != mark.block) {
        struct scratch_block *block = scratch->blocks;
        assert(block);
        scratch->blocks = block->next;
        if (!scratch->spare || scratch->spare->bytes < block->bytes) {
            block_free(scratch, scratch->spare);
            scratch->spare = block;
        } else {
            block_free(scratch, block);
        }
    }
    scratch->used = mark.used;
}

void scratch_release(struct scratch *scratch)
{
    scratch_rewind(scratch, (struct scratch_mark){0});
    block_free(scratch, scratch->spare);
    scratch->spare = NULL;
}

struct tile tile_make(struct scratch *scratch, const struct grid *grid, size_t rows)
{
    struct tile tile = {.rows = rows, .stride = grid_stride(grid)};

    tile.values = scratch_array(scratch, double, tile_elements(&tile));
    tile.present = scratch_array(scratch, uint64_t, tile_words(&tile));
    memset(tile.present, 0, tile_words(&tile) * sizeof *tile.present);
    return tile;
}

static void need_histograms(struct tile *tile, struct scratch *scratch)
{
    if (tile->histograms) return;
    tile->histograms = scratch_array(scratch, uint64_t, tile_words(tile));
    memset(tile->histograms, 0, tile_words(tile) * sizeof *tile->histograms);
    tile->cells = scratch_array(scratch, const struct histogram *, tile_elements(tile));
}

void tile_set_histogram(struct tile *tile, size_t at, const struct histogram *h, struct scratch *scratch)
{
    need_histograms(tile, scratch);
    bits_set(tile->histograms, at);
    tile->cells[at] = h;
}

static void copy_cells(struct tile *to, size_t to_row, const struct tile *from, size_t from_row,
                       struct scratch *scratch)
{
    for (size_t s = 0; s < to->stride; s++) {
        const struct histogram *h = tile_histogram(from, from_row * from->stride + s);
        if (h) tile_set_histogram(to, to_row * to->stride + s, h, scratch);
    }
}

size_t tile_count(const struct tile *tile)
{
    size_t words = tile_words(tile);

    return bits_count(tile->present, words) + (tile->histograms ? bits_count(tile->histograms, words) : 0);
}

uint64_t tile_weight(const struct tile *tile)
{
    uint64_t weight = bits_count(tile->present, tile_words(tile));

    if (!tile->histograms) return weight;
    bits_each(i, tile->histograms, tile_elements(tile)) weight += histogram_weight(tile->cells[i]);
    return weight;
}

void tile_copy_row(struct tile *to, size_t to_row, const struct tile *from, size_t from_row, struct scratch *scratch)
{
    assert(to->stride == from->stride);
    if (from->histograms) copy_cells(to, to_row, from, from_row, scratch);
    memcpy(tile_values(to, to_row), tile_values(from, from_row), to->stride * sizeof(double));
    if (to->stride == 1) {
        if (bits_get(from->present, from_row)) bits_set(to->present, to_row);
    } else {
        memcpy(tile_present(to, to_row), tile_present(from, from_row), to->stride / 8);
    }
}

bool tile_row_any(const struct tile *tile, size_t row)
{
    if (tile->stride == 1) return bits_get(tile->present, row) || tile_histogram(tile, row);
    size_t words = tile->stride / 64;
    return bits_any(tile_present(tile, row), words) ||
           (tile->histograms && bits_any(tile->histograms + row * words, words));
}
