/* What this layer counts: connections, requests by route, ingest. */
#ifndef VARVE_HTTP_METRICS_H
#define VARVE_HTTP_METRICS_H

#include "http/routes.h"
#include "storage/base/metric.h"
#include "tsdb/append.h"

#define HTTP_METRICS(X)                                                                                                \
    X(GAUGE, http_connections, "varve_http_connections", "", "Open connections.")                                      \
    X(GAUGE, http_suspended, "varve_http_suspended_requests", "", "Requests that are queued or being worked on.")      \
    X(COUNTER, http_deadlines, "varve_http_deadlines_total", "", "Connections ended for being too slow.")              \
    X(COUNTER, http_hang_ups, "varve_http_hang_ups_total", "", "Clients that left before their answer.")               \
    X(GAUGE, http_body_bytes, "varve_http_body_bytes", "", "Memory of request bodies.")                                \
    X(GAUGE, http_body_bytes_max, "varve_http_body_bytes_max", "", "Memory that request bodies may have.")             \
    X(GAUGE, http_answer_bytes, "varve_http_answer_bytes", "", "Memory of answers being sent.")                        \
    X(GAUGE, http_answer_bytes_max, "varve_http_answer_bytes_max", "", "Memory that answers being sent may have.")     \
    X(COUNTER, http_received, "varve_http_received_bytes_total", "", "Bytes of request bodies.")                       \
    X(COUNTER, http_sent, "varve_http_sent_bytes_total", "", "Bytes of answers.")                                      \
    X(COUNTER, http_refused_ingest, "varve_http_refused_requests_total", "reason=\"ingest_queue\"",                    \
      "Requests told to come again.")                                                                                  \
    X(COUNTER, http_refused_query, "varve_http_refused_requests_total", "reason=\"query_queue\"",                      \
      "Requests told to come again.")                                                                                  \
    X(COUNTER, http_refused_service, "varve_http_refused_requests_total", "reason=\"service_queue\"",                  \
      "Requests told to come again.")                                                                                  \
    X(COUNTER, http_refused_stream, "varve_http_refused_requests_total", "reason=\"stream_queue\"",                    \
      "Requests told to come again.")                                                                                  \
    X(COUNTER, http_refused_body, "varve_http_refused_requests_total", "reason=\"body_memory\"",                       \
      "Requests told to come again.")                                                                                  \
    X(COUNTER, http_refused_answer, "varve_http_refused_requests_total", "reason=\"answer_memory\"",                   \
      "Requests told to come again.")                                                                                  \
    X(GAUGE, http_streams, "varve_http_streams", "", "Answers that are being sent while they are made.")               \
    X(COUNTER, http_broken, "varve_http_broken_answers_total", "", "Answers that broke off because of an error.")      \
    X(COUNTER, ingest_stored, "varve_ingest_samples_total", "outcome=\"stored\"", "Samples received.")                 \
    X(COUNTER, ingest_repeated, "varve_ingest_samples_total", "outcome=\"repeated\"", "Samples received.")             \
    X(COUNTER, ingest_rejected, "varve_ingest_samples_total", "outcome=\"rejected\"", "Samples received.")             \
    X(COUNTER, ingest_exemplars_kept, "varve_ingest_exemplars_total", "outcome=\"kept\"", "Exemplars received.")       \
    X(COUNTER, ingest_exemplars_refused, "varve_ingest_exemplars_total", "outcome=\"refused\"", "Exemplars received.") \
    X(COUNTER, ingest_histograms, "varve_ingest_histograms_total", "", "Native histograms received.")                  \
    X(COUNTER, query_log_failures, "varve_query_log_failures_total", "", "Queries that could not be logged.")          \
    X(COUNTER, ingest_malformed, "varve_ingest_malformed_requests_total", "", "Write requests that do not decode.")

METRICS_DECLARE(HTTP_METRICS, http_metrics)

/* Requests by route and class of code, their durations, and rejected samples by reason. */
extern const struct metric_list http_request_metrics, http_duration_metrics, http_rejection_metrics;

/* Counts one request from its first line to the last byte of its answer. */
void http_count_request(enum route_id route, unsigned code, int64_t duration_ns);

void http_count_rejected(enum append_reason reason, size_t count);

#endif
