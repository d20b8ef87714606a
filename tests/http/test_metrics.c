#include "http/metrics.h"
#include "tests/support/test.h"

#include <stdio.h>

static const struct metric *find(const struct metric_list *list, const char *labels)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->metrics[i]->labels, labels) == 0) return list->metrics[i];
    }
    return NULL;
}

Test(metrics, requests_are_counted_by_route_and_class)
{
    http_count_request(ROUTE_QUERY, 200, 1000);
    http_count_request(ROUTE_QUERY, 204, 1000);
    http_count_request(ROUTE_QUERY, 422, 1000);
    http_count_request(ROUTE_OTHER, 404, 1000);
    http_count_request(ROUTE_OTHER, 0, 1000);
    const struct metric *fine = find(&http_request_metrics, "handler=\"/api/v1/query\",code=\"2xx\"");
    const struct metric *wrong = find(&http_request_metrics, "handler=\"/api/v1/query\",code=\"4xx\"");
    const struct metric *other = find(&http_request_metrics, "handler=\"other\",code=\"4xx\"");
    cr_assert(fine && wrong && other);
    cr_expect(metric_get(fine) == 2 && metric_get(wrong) == 1 && metric_get(other) == 1);
    const struct metric *duration = find(&http_duration_metrics, "handler=\"/api/v1/query\"");
    cr_expect(duration && metric_get(duration) == 3000);
}

Test(metrics, each_route_has_its_own)
{
    size_t count;
    const struct route *routes = routes_all(&count);
    char labels[256];

    for (size_t i = 0; i < count; i++) {
        snprintf(labels, sizeof labels, "handler=\"%s\"", routes[i].path);
        cr_expect(find(&http_duration_metrics, labels), "%s", labels);
    }
    cr_expect(http_request_metrics.count == 5 * ROUTE_COUNT && http_duration_metrics.count == ROUTE_COUNT);
}

Test(metrics, rejections)
{
    http_count_rejected(APPEND_TOO_OLD, 3);
    const struct metric *too_old = find(&http_rejection_metrics, "reason=\"too_old\"");
    cr_expect(too_old && metric_get(too_old) == 3 && metric_get(&metric_ingest_rejected) == 3);
    cr_expect(http_rejection_metrics.count == APPEND_REASON_COUNT);
}
