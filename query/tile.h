/* Tiles: the values of some rows at all steps of a grid, and the scratch memory that they live in.
 *
 * Element (row, step) has index row * stride + step both in `values` and in the bitmap `present`. A value is defined
 * where its bit is set; NaN is a value, absence is a cleared bit. Native histograms are in `cells` where their own
 * bitmap says; an element is a float, a histogram or nothing. On a grid of one step the stride is 1, so
 * element-wise work is one flat loop in all cases, and whoever looks at rows looks at single bits there.
 */
#ifndef VARVE_QUERY_TILE_H
#define VARVE_QUERY_TILE_H

#include "query/bits.h"
#include "query/grid.h"
#include "storage/base/histogram.h"
#include "storage/base/memory.h"

struct tile {
    double *values;
    uint64_t *present;
    size_t rows, stride;
    uint64_t *histograms;           /* as present; NULL when no row has any */
    const struct histogram **cells; /* parallel to values, only with histograms */
};

/* Values of about this many elements are worked on at a time; they stay in a core's own cache. */
enum { TILE_ELEMENTS = 32768, TILE_ROWS_MAX = 1024 };

/* How many rows of a grid make a tile. */
static inline uint32_t tile_rows(const struct grid *grid)
{
    size_t rows = TILE_ELEMENTS / (grid->steps ? grid_stride(grid) : 1);
    return rows < 1 ? 1 : rows > TILE_ROWS_MAX ? TILE_ROWS_MAX : (uint32_t)rows;
}

static inline size_t tile_elements(const struct tile *tile)
{
    return tile->rows * tile->stride;
}

static inline size_t tile_words(const struct tile *tile)
{
    return bits_words(tile_elements(tile));
}

static inline double *tile_values(const struct tile *tile, size_t row)
{
    return tile->values + row * tile->stride;
}

/* The bitmap of one row; only where rows have words of their own (stride above 1). */
static inline uint64_t *tile_present(const struct tile *tile, size_t row)
{
    return tile->present + row * tile->stride / 64;
}

/* Some rows of a tile as a tile, their floats only; where the stride is 1, `first` is a multiple of 64. */
static inline struct tile tile_part(const struct tile *tile, size_t first, size_t rows)
{
    return (struct tile){.values = tile_values(tile, first),
                         .present = tile->present + first * tile->stride / 64,
                         .rows = rows,
                         .stride = tile->stride};
}

struct scratch;

/* Copies a row between tiles of one grid; `to` is cleared there before. Of histograms the pointers are copied; the
 * memory that they need in the tile comes from scratch. */
void tile_copy_row(struct tile *to, size_t to_row, const struct tile *from, size_t from_row, struct scratch *scratch);

/* Whether a row has any float or histogram. */
bool tile_row_any(const struct tile *tile, size_t row);

/* Puts a histogram into an element, which has no float. */
void tile_set_histogram(struct tile *tile, size_t at, const struct histogram *h, struct scratch *scratch);

static inline const struct histogram *tile_histogram(const struct tile *tile, size_t at)
{
    return tile->histograms && bits_get(tile->histograms, at) ? tile->cells[at] : NULL;
}

/* Floats and histograms. */
size_t tile_count(const struct tile *tile);

/* What they count for against the limit of samples. */
uint64_t tile_weight(const struct tile *tile);

/* Takes all histograms away. */
static inline void tile_drop_histograms(struct tile *tile)
{
    tile->histograms = NULL;
    tile->cells = NULL;
}

/* Memory in the order of a stack, in blocks that are kept for the next use. Allocations are aligned to cache lines and
 * uninitialised. One thread at a time. */
struct scratch_block;

struct scratch {
    struct scratch_block *blocks; /* newest first */
    struct scratch_block *spare;
    size_t used; /* of the newest block */
    struct account *account;
};

struct scratch_mark {
    struct scratch_block *block;
    size_t used;
};

void *scratch_alloc(struct scratch *scratch, size_t bytes);
void scratch_release(struct scratch *scratch);

static inline struct scratch_mark scratch_mark(const struct scratch *scratch)
{
    return (struct scratch_mark){scratch->blocks, scratch->used};
}

/* Gives up everything allocated since the mark. */
void scratch_rewind(struct scratch *scratch, struct scratch_mark mark);

#define scratch_array(scratch, type, count) ((type *)scratch_alloc((scratch), (count) * sizeof(type)))

/* A tile in scratch memory with nothing present. */
struct tile tile_make(struct scratch *scratch, const struct grid *grid, size_t rows);

#endif
