/* What the engine counts about itself; see metrics.h. */
#include "tsdb/metrics.h"

METRICS_DEFINE(TSDB_METRICS, tsdb_metrics)
