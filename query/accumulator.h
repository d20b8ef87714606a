/* Accumulators of groups: one for each group and step, laid out as in tiles. */
#ifndef VARVE_QUERY_ACCUMULATOR_H
#define VARVE_QUERY_ACCUMULATOR_H

#include "query/ast.h"
#include "query/histogram_sum.h"
#include "query/tile.h"

/* The histograms of one group and step. */
struct cell_sum {
    struct histogram_mean mean; /* or sum */
    uint8_t hints;              /* bit for each that was seen */
    bool is_incompatible;       /* with exponential and custom buckets: nothing comes of it */
};

/* What there was to tell. */
struct accumulator_notes {
    bool ignored, mixed, collision, reconciled, incompatible;
    uint32_t incompatible_row; /* one of those that did not go together with others */
};

struct accumulator {
    enum aggregate_kind kind;
    bool is_careful; /* averages: go over to a running mean where the sum would become infinite */
    size_t groups, steps, stride;
    /* by group and step; which are used depends on the kind */
    double *value;           /* sum, least, greatest, mean */
    double *lost;            /* what the sum lost to rounding; of variances the sum of squares */
    double *count;           /* values seen */
    uint64_t *seen;          /* any value */
    uint64_t *running;       /* value is a running mean */
    struct cell_sum **cells; /* on the heap; NULL until the first histogram comes */
    struct accumulator_notes notes;
};

void accumulator_init(struct accumulator *acc, enum aggregate_kind kind, bool is_careful, const struct grid *grid,
                      size_t groups, struct scratch *scratch);

/* What it holds outside of scratch memory. */
void accumulator_release(struct accumulator *acc);

/* Adds the elements of a tile in the order of its rows, row i, which is rows[i] of the operand, to group slots[i]. */
void accumulator_add(struct accumulator *acc, const struct tile *tile, const uint32_t *rows, const uint32_t *slots);

/* Adds what another accumulator (of one group) has seen after this one. Not for variances. */
void accumulator_merge(struct accumulator *acc, size_t group, const struct accumulator *later);

/* Whether all sums of a group that are sums of finite values are finite, too: whether it need not be done carefully. */
bool accumulator_is_finite(const struct accumulator *acc, size_t group);

/* The results, written to tile rows; a tile with nothing present. */
void accumulator_finish(struct accumulator *acc, struct tile *out, struct scratch *cells);

#endif
