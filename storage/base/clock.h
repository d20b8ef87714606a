/* Time that tests can replace. */
#ifndef VARVE_STORAGE_BASE_CLOCK_H
#define VARVE_STORAGE_BASE_CLOCK_H

#include <stdint.h>

/* Wall clock, milliseconds since the Unix epoch. May jump. */
int64_t clock_now_ms(void);

/* Monotonic clock, nanoseconds since some start; for ages, intervals and deadlines. */
int64_t clock_monotonic_ns(void);

/* CPU time of the whole process in seconds. */
double clock_process_seconds(void);

/* Makes the wall clock stand at now_ms until clock_release() (for tests; the monotonic clock runs on). */
void clock_hold(int64_t now_ms);
void clock_release(void);

#endif
