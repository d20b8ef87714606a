/* Counters, gauges and histograms; see metric.h. */
#include "storage/base/metric.h"

static const double second_bounds[] = {1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30, 100};
static const double byte_bounds[] = {256,     1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18,
                                     1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30};

size_t metric_bounds(enum metric_kind kind, const double **out)
{
    if (kind == METRIC_KIND_BYTES) return *out = byte_bounds, sizeof byte_bounds / sizeof byte_bounds[0];
    return *out = second_bounds, sizeof second_bounds / sizeof second_bounds[0];
}

void metric_observe(struct metric *metric, int64_t amount)
{
    const double *bounds;
    size_t count = metric_bounds(metric->kind, &bounds), bucket = 0;
    double value = metric->kind == METRIC_KIND_SECONDS ? (double)amount / 1e9 : (double)amount;

    while (bucket < count && value > bounds[bucket]) bucket++;
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}
