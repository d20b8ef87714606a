/* Quantiles of plain values, for windows and for groups. */
#ifndef VARVE_QUERY_QUANTILE_H
#define VARVE_QUERY_QUANTILE_H

#include <stddef.h>

/* The q-quantile, interpolated between neighbours in rising order with NaN first: NaN for no values or a NaN q, -Inf
 * and +Inf for a q below 0 and above 1. The values are put into another order. */
double quantile_of(double *values, size_t count, double q);

#endif
