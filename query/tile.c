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

void tile_copy_row(struct tile *to, size_t to_row, const struct tile *from, size_t from_row)
{
    assert(to->stride == from->stride);
    memcpy(tile_values(to, to_row), tile_values(from, from_row), to->stride * sizeof(double));
    if (to->stride == 1) {
        if (bits_get(from->present, from_row)) bits_set(to->present, to_row);
    } else {
        memcpy(tile_present(to, to_row), tile_present(from, from_row), to->stride / 8);
    }
}

bool tile_row_any(const struct tile *tile, size_t row)
{
    if (tile->stride == 1) return bits_get(tile->present, row);
    return bits_any(tile_present(tile, row), tile->stride / 64);
}
