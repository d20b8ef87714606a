/* OpenTelemetry's JSON as its protobuf, so that one decoder reads both. */
#ifndef VARVE_HTTP_OTLP_JSON_H
#define VARVE_HTTP_OTLP_JSON_H

#include "storage/base/bytes.h"
#include "storage/base/status.h"

/* Appends the ExportMetricsServiceRequest that the text says. INVALID with what is wrong and where. */
status otlp_json_translate(str text, struct writer *out);

#endif
