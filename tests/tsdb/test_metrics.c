/* What the engine counts about itself: names as Prometheus wants them, each once. */
#include "tsdb/metrics.h"

#include "tests/support/metric_names.h"

Test(metrics, are_named_well)
{
    expect_good_names(&tsdb_metrics);
}
