/* Values of command-line options. */
#ifndef VARVE_BENCH_ARGUMENTS_H
#define VARVE_BENCH_ARGUMENTS_H

#include <stdint.h>

/* Ends the program with a sentence on standard error and exit code 2. */
_Noreturn void arguments_refuse(const char *option, const char *value, const char *expected);

/* A whole number within [min, max]. */
uint64_t arguments_number(const char *option, const char *value, uint64_t min, uint64_t max);

/* A duration such as 15s, 10m, 25h or 250ms, in milliseconds. */
int64_t arguments_duration_ms(const char *option, const char *value);

/* Unix seconds with a fraction if wanted, in milliseconds. */
int64_t arguments_time_ms(const char *option, const char *value);

#endif
