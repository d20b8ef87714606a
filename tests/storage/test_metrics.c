/* What storage counts about itself: names as Prometheus wants them, each once. */
#include "storage/metrics.h"

#include "tests/support/metric_names.h"

Test(metrics, are_named_well)
{
    expect_good_names(&storage_metrics);
}
