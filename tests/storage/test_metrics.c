/* What storage counts about itself: names as Prometheus wants them, each once. */
#include "storage/metrics.h"

#include "tests/support/test.h"

#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

Test(metrics, are_named_well)
{
    for (size_t i = 0; i < storage_metrics.count; i++) {
        const struct metric *metric = storage_metrics.metrics[i];
        cr_expect(strncmp(metric->name, "varve_", 6) == 0, "%s", metric->name);
        cr_expect(ends_with(metric->name, "_total") == (metric->kind == METRIC_KIND_COUNTER), "%s", metric->name);
        cr_expect(ends_with(metric->name, "_seconds") == (metric->kind == METRIC_KIND_SECONDS), "%s", metric->name);
        cr_expect(ends_with(metric->help, "."), "%s: the help is no sentence", metric->name);
        for (size_t k = 0; k < i; k++) {
            const struct metric *other = storage_metrics.metrics[k];
            cr_expect(strcmp(metric->name, other->name) != 0 || strcmp(metric->labels, other->labels) != 0,
                      "%s is there twice", metric->name);
        }
    }
}
