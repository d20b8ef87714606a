/* What queries count: names as Prometheus wants them, each once. */
#include "query/metrics.h"

#include "tests/support/metric_names.h"

Test(metrics, are_named_well)
{
    expect_good_names(&query_metrics);
}
