/* Durations as text: 1h30m. A year has 365 days. */
#ifndef VARVE_QUERY_DURATION_H
#define VARVE_QUERY_DURATION_H

#include "query/parse.h"
#include "storage/base/bytes.h"

/* Why parse_duration refuses a text, in Prometheus' words; in the arena. */
str duration_fault(str text, struct arena *arena);

/* Appends what print_duration gives. */
void duration_write(int64_t ms, struct writer *out);

/* Seconds as milliseconds: rounded to the nanosecond as Prometheus holds durations, then cut. False if they are NaN or
 * more than 2^63 ns. */
bool duration_from_seconds(double seconds, int64_t *out_ms);

#endif
