/* Counters, gauges and histograms. */
#include "storage/base/metric.h"

#include "tests/support/test.h"

#include <pthread.h>
#include <string.h>

#define SOME_METRICS(X)                                                           \
    X(COUNTER, apples, "apples_total", "kind=\"red\"", "Apples that were eaten.") \
    X(GAUGE, pears, "pears", "", "Pears that are there.")                         \
    X(SECONDS, wait, "wait_seconds", "", "Time until lunch.")                     \
    X(BYTES, size, "size_bytes", "", "Size of lunch.")
METRICS_DECLARE(SOME_METRICS, some_metrics)
METRICS_DEFINE(SOME_METRICS, some_metrics)

Test(metric, rows_become_metrics)
{
    static const char *const names[] = {"apples_total", "pears", "wait_seconds", "size_bytes"};

    cr_assert(some_metrics.count == 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect(strcmp(some_metrics.metrics[i]->name, names[i]) == 0);
        cr_expect(some_metrics.metrics[i]->kind == (enum metric_kind)i);
    }
    cr_expect(some_metrics.metrics[0] == &metric_apples && strcmp(metric_apples.labels, "kind=\"red\"") == 0);
}

Test(metric, values)
{
    metric_add(&metric_apples, 3);
    metric_add(&metric_apples, 4);
    cr_expect(metric_get(&metric_apples) == 7);
    metric_set(&metric_pears, 9);
    metric_add(&metric_pears, -10);
    cr_expect(metric_get(&metric_pears) == -1);
}

Test(metric, observations_go_where_they_belong)
{
    static const struct {
        struct metric *metric;
        int64_t amount;
        size_t bucket;
    } rows[] = {
        {&metric_wait, 0, 0},
        {&metric_wait, 10000, 0}, /* bounds are included: 10 us */
        {&metric_wait, 10001, 1},
        {&metric_wait, 1000000000, 10}, /* 1 s */
        {&metric_wait, 100000000000, 14},
        {&metric_wait, 100000000001, 15},
        {&metric_wait, INT64_MAX, 15},
        {&metric_size, 0, 0},
        {&metric_size, 256, 0},
        {&metric_size, 257, 1},
        {&metric_size, 1 << 30, 11},
        {&metric_size, (1 << 30) + 1, 12},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metric *metric = rows[i].metric;
        uint64_t before = metric->buckets[rows[i].bucket];
        int64_t sum = metric_get(metric);
        metric_observe(metric, rows[i].amount);
        cr_expect(metric->buckets[rows[i].bucket] == before + 1, "row %zu", i);
        cr_expect(metric_get(metric) == (int64_t)((uint64_t)sum + (uint64_t)rows[i].amount));
    }
}

Test(metric, bounds_rise)
{
    static const enum metric_kind kinds[] = {METRIC_KIND_SECONDS, METRIC_KIND_BYTES};

    for (size_t k = 0; k < 2; k++) {
        const double *bounds;
        size_t count = metric_bounds(kinds[k], &bounds);
        cr_assert(count > 0 && count < METRIC_BUCKETS_MAX, "one bucket is for +Inf");
        for (size_t i = 1; i < count; i++) cr_expect(bounds[i - 1] < bounds[i]);
    }
}

static void *observe(void *context)
{
    for (int i = 0; i < 10000; i++) {
        metric_add(&metric_apples, 1);
        metric_observe(&metric_size, 1000);
    }
    return context;
}

Test(metric, many_threads)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, observe, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    cr_expect(metric_get(&metric_apples) == 40000);
    cr_expect(metric_get(&metric_size) == 40000000 && metric_size.buckets[1] == 40000);
}
