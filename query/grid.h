/* The times at which a node is evaluated. */
#ifndef VARVE_QUERY_GRID_H
#define VARVE_QUERY_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* start, start + step, … ; `steps` of them. A subquery may have none. */
struct grid {
    int64_t start_ms, step_ms;
    uint32_t steps;
};

static inline int64_t grid_time(const struct grid *grid, size_t step)
{
    return grid->start_ms + (int64_t)step * grid->step_ms;
}

static inline int64_t grid_end(const struct grid *grid)
{
    return grid_time(grid, grid->steps ? grid->steps - 1 : 0);
}

/* Distance between rows of a tile: rows of several steps start at a word of the bitmap; single values lie densely. */
static inline size_t grid_stride(const struct grid *grid)
{
    return grid->steps == 1 ? 1 : ((size_t)grid->steps + 63) & ~(size_t)63;
}

#endif
