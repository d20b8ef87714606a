/* How many samples a query has looked at, counted as Prometheus counts them.
 *
 * `queryable`: those that are in the windows of the query's steps, so a sample that is in the windows of ten steps
 * counts ten times, and what is repeated over steps counts at each of them; what selectors inside a subquery look at
 * does not count, but the points that come out of it do. `read`: each sample once for each selector, those inside
 * subqueries too, and the points of a subquery once more. A histogram counts for as many floats as it has the size of.
 *
 * Both also by step if the query was asked to: what is read is counted at the first step that needs it.
 */
#ifndef VARVE_QUERY_STATISTICS_H
#define VARVE_QUERY_STATISTICS_H

#include "query/stage.h"
#include "query/window_plan.h"

/* Makes room for counts by step. */
void statistics_init(struct query *query);

/* A tile of an instant selector: one sample an element. */
void statistics_count_tile(const struct stage *stage, struct task *task, const struct tile *tile);

/* The windows of a row. */
void statistics_count_windows(const struct stage *stage, struct task *task, const struct window_plan *plan,
                              const samples *column);

#endif
