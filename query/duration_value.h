/* Durations that are computed for each query: in ranges, offsets and steps. */
#ifndef VARVE_QUERY_DURATION_VALUE_H
#define VARVE_QUERY_DURATION_VALUE_H

#include "query/run.h"

/* Evaluates all duration expressions of a query's tree. False with a message for the first that gives no duration;
 * after this the functions below always succeed. */
bool duration_values_check(const struct query *query, struct arena *arena, str *message);

/* The milliseconds that were written, or, if there is an expression, computed. */
int64_t duration_value(const struct query *query, int64_t written_ms, const struct node *expr);

#endif
