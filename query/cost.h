/* What a query will take, found from labels and statistics alone before anything is evaluated.
 *
 * The syntax tree is walked as the plan walks it, on the same grids, and each selector is selected (the plan's own
 * selectors find that selection again). A node is given
 *
 *     series    rows of its result, at most: those that match; operators above them mostly have as many or fewer
 *     points    series × steps: if every series has a value at every step
 *     samples   that are read from the storage for it, as the statistics of heads and blocks have them
 *     bytes     its values, if the query must keep them all until its end; else those of one tile
 *
 * A query is refused before it starts only for what it needs however the data look: tiles that are kept are dense, so
 * their size follows from labels; at least one row of what is not kept is computed; and results have a table of labels.
 * So nothing is refused that would have ended well.
 */
#ifndef VARVE_QUERY_COST_H
#define VARVE_QUERY_COST_H

#include "storage/base/arena.h"

struct query;

struct cost {
    str name;       /* of the operator: `sum`, `rate`, `*`, `selector`, … */
    str expression; /* canonical text; empty unless it was asked for */
    uint64_t series, steps, points, samples, bytes;
    bool is_kept;
    struct cost *first, *next; /* operands, in written order; the next operand of the same node */
};

struct query_cost {
    const struct cost *root;
    uint64_t series, steps; /* of the result */
    uint64_t samples;       /* read from the storage */
    uint64_t points;        /* held at one time: kept operands and the result */
    uint64_t bytes;         /* memory for kept operands, tiles, and the result and its text */
    uint64_t points_least, bytes_least;
};

/* Needs the query's snapshot. Costs live as long as the evaluation; `with_texts`, for people, as long as the query, and
 * groups are counted exactly. False when the storage failed or the query has to end. */
bool cost_estimate(struct query *query, bool with_texts, struct query_cost *out);

/* Refuses the query if it can not fit. */
bool cost_check(struct query *query, const struct query_cost *cost);

#endif
