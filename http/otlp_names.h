/* Names of OpenTelemetry as names of Prometheus, by the strategies of http/config.h.
 *
 * Rules of OpenTelemetry's specification "Prometheus and OpenMetrics compatibility" as Prometheus applies them. */
#ifndef VARVE_HTTP_OTLP_NAMES_H
#define VARVE_HTTP_OTLP_NAMES_H

#include "http/config.h"

enum otlp_kind { OTLP_GAUGE, OTLP_SUM, OTLP_COUNTER, OTLP_HISTOGRAM, OTLP_EXPONENTIAL, OTLP_SUMMARY };

/* The metric's name with what the strategy adds; in the arena. */
str otlp_metric_name(str name, str unit, enum otlp_kind kind, enum otlp_strategy strategy, struct arena *arena);

/* The label's name; in the arena if it had to be changed. */
str otlp_label_name(str name, const struct otlp_config *config, struct arena *arena);

/* "By" is "bytes", "m/s" is "meters_per_second"; in the arena. */
str otlp_unit(str unit, struct arena *arena);

#endif
