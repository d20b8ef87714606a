/* What storage counts about itself; see metrics.h. */
#include "storage/metrics.h"

METRICS_DEFINE(STORAGE_METRICS, storage_metrics)
