/* The query layer's own metrics; see metrics.h. */
#include "query/metrics.h"

METRICS_DEFINE(QUERY_METRICS, query_metrics)
