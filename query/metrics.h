/* The query layer's own metrics. */
#ifndef VARVE_QUERY_METRICS_H
#define VARVE_QUERY_METRICS_H

#include "storage/base/metric.h"

#define QUERY_METRICS(X)                                                                                               \
    X(GAUGE, queries_running, "varve_queries_running", "", "Queries that are being evaluated.")                        \
    X(COUNTER, queries_ok, "varve_queries_total", "result=\"ok\"", "Queries evaluated, by what became of them.")       \
    X(COUNTER, queries_failed, "varve_queries_total", "result=\"failed\"",                                             \
      "Queries evaluated, by what became of them.")                                                                    \
    X(COUNTER, queries_ended, "varve_queries_total", "result=\"ended\"", "Queries evaluated, by what became of them.") \
    X(COUNTER, query_samples_queryable, "varve_query_samples_total", "",                                               \
      "Samples in the windows of queries, as often as they are in one.")                                               \
    X(COUNTER, query_samples, "varve_query_samples_read_total", "", "Samples that queries have looked at.")            \
    X(SECONDS, query_seconds, "varve_query_duration_seconds", "", "Time from the start of an evaluation to its end.")  \
    X(SECONDS, query_queue_seconds, "varve_query_stage_duration_seconds", "stage=\"queue\"",                           \
      "Time that a query spends in each stage.")                                                                       \
    X(SECONDS, query_prepare_seconds, "varve_query_stage_duration_seconds", "stage=\"prepare\"",                       \
      "Time that a query spends in each stage.")                                                                       \
    X(SECONDS, query_evaluate_seconds, "varve_query_stage_duration_seconds", "stage=\"evaluate\"",                     \
      "Time that a query spends in each stage.")

METRICS_DECLARE(QUERY_METRICS, query_metrics)

#endif
