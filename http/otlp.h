/* OpenTelemetry's metrics to batches: an ExportMetricsServiceRequest in protobuf, walked in place.
 *
 * Gauges and sums become samples, histograms their buckets with `le` or native ones with custom buckets, exponential
 * histograms native ones, summaries their quantiles; each resource gets a target_info. What is left out and told unless
 * the configuration takes it: delta temporality, whose values mean nothing beside cumulative ones.
 */
#ifndef VARVE_HTTP_OTLP_H
#define VARVE_HTTP_OTLP_H

#include "http/batch.h"
#include "http/config.h"

/* Attributes of one point, resource or scope; labels of a series are fewer. */
enum { OTLP_ATTRIBUTES_MAX = 512, OTLP_VALUE_DEPTH_MAX = 16 };

/* Decodes a message into the emptied batch. target_info is repeated each info_step_ms between the first and the last
 * point of its resource. INVALID or LIMIT. */
status otlp_decode(str message, const struct otlp_config *config, int64_t info_step_ms, struct write_batch *batch);

#endif
