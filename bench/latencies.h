/* How long requests took: every one is kept, so percentiles are exact. */
#ifndef VARVE_BENCH_LATENCIES_H
#define VARVE_BENCH_LATENCIES_H

#include "storage/base/vec.h"

#include <stdint.h>
#include <stdio.h>

struct latencies {
    vec(int64_t) ns;
};

void latencies_add(struct latencies *latencies, int64_t ns);
void latencies_merge(struct latencies *into, const struct latencies *from);
void latencies_release(struct latencies *latencies);

/* Writes {"mean": …, "p50": …, "p90": …, "p99": …, "max": …} in milliseconds; sorts what was added. */
void latencies_print(struct latencies *latencies, FILE *out);

#endif
