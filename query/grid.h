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

/* A time and a duration; beyond the ends of time is the end. */
static inline int64_t time_plus(int64_t time_ms, int64_t duration_ms)
{
    int64_t sum;

    if (!__builtin_add_overflow(time_ms, duration_ms, &sum)) return sum;
    return duration_ms < 0 ? INT64_MIN : INT64_MAX;
}

static inline int64_t time_minus(int64_t time_ms, int64_t duration_ms)
{
    int64_t difference;

    if (!__builtin_sub_overflow(time_ms, duration_ms, &difference)) return difference;
    return duration_ms < 0 ? INT64_MAX : INT64_MIN;
}

static inline int64_t grid_time(const struct grid *grid, size_t step)
{
    return (int64_t)((uint64_t)grid->start_ms + (uint64_t)step * (uint64_t)grid->step_ms); /* the sum fits */
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
