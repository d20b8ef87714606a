/* Functions from one value to one value, over whole tiles. */
#ifndef VARVE_QUERY_EACH_H
#define VARVE_QUERY_EACH_H

#include <stddef.h>
#include <stdint.h>

/* Computes in place. Elements that are not present may be skipped or computed from what lies there. */
typedef void each_kernel(double *values, const uint64_t *present, size_t count);

each_kernel each_abs, each_ceil, each_floor, each_sqrt, each_sgn, each_deg, each_rad, each_negate;
each_kernel each_exp, each_ln, each_log2, each_log10;
each_kernel each_sin, each_cos, each_tan, each_asin, each_acos, each_atan;
each_kernel each_sinh, each_cosh, each_tanh, each_asinh, each_acosh, each_atanh;

/* Parts of a time, seconds since 1970 in UTC. */
double date_year(int64_t seconds);
double date_month(int64_t seconds);
double date_day_of_month(int64_t seconds);
double date_day_of_week(int64_t seconds);
double date_day_of_year(int64_t seconds);
double date_days_in_month(int64_t seconds);
double date_hour(int64_t seconds);
double date_minute(int64_t seconds);

#endif
