/* Writing chunks of native histograms; their layout is in prom_histogram.h. */
#ifndef VARVE_PROMETHEUS_PROM_HISTOGRAM_WRITE_H
#define VARVE_PROMETHEUS_PROM_HISTOGRAM_WRITE_H

#include "storage/base/arena.h"
#include "storage/chunk_rich.h"

/* What the head of a chunk says of the counter since the sample before it. */
enum prom_counter { PROM_COUNTER_UNKNOWN, PROM_COUNTER_GOES_ON, PROM_COUNTER_RESET, PROM_COUNTER_GAUGE };

/* What to say when a chunk begins with a sample; `before` is the one before it in the same block, or NULL. */
enum prom_counter prom_counter_between(const struct rich_sample *before, const struct rich_sample *sample);

/* Appends a chunk of 1 to 16,383 histograms, none of which must be cut off (rich_must_cut). The arena is for the
 * work. */
void prom_histogram_encode(const struct rich_sample *list, size_t count, enum prom_counter counter, struct writer *out,
                           struct arena *arena);

#endif
