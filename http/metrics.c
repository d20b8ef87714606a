/* What this layer counts; see metrics.h. */
#include "http/metrics.h"

METRICS_DEFINE(HTTP_METRICS, http_metrics)

enum { CODE_CLASSES = 5 };

#define REQUEST_METRIC(path, class)                                                                  \
    {                                                                                                \
        METRIC_KIND_COUNTER, "varve_http_requests_total", "handler=\"" path "\",code=\"" class "\"", \
            "Requests by route and code.", 0,                                                        \
        {                                                                                            \
            0                                                                                        \
        }                                                                                            \
    }
#define REQUEST_ROW(id, path, methods, handle, admit, place, flags, parameters, about)                     \
    [ROUTE_##id] = {REQUEST_METRIC(path, "1xx"), REQUEST_METRIC(path, "2xx"), REQUEST_METRIC(path, "3xx"), \
                    REQUEST_METRIC(path, "4xx"), REQUEST_METRIC(path, "5xx")},
static struct metric requests[ROUTE_COUNT][CODE_CLASSES] = {ROUTES(REQUEST_ROW)
                                                                REQUEST_ROW(OTHER, "other", , , , , , , )};

#define REQUEST_POINTERS(id, path, methods, handle, admit, place, flags, parameters, about)                 \
    &requests[ROUTE_##id][0], &requests[ROUTE_##id][1], &requests[ROUTE_##id][2], &requests[ROUTE_##id][3], \
        &requests[ROUTE_##id][4],
static struct metric *const request_rows[] = {ROUTES(REQUEST_POINTERS) REQUEST_POINTERS(OTHER, , , , , , , , )};
const struct metric_list http_request_metrics = {request_rows, ROUTE_COUNT *CODE_CLASSES};

#define DURATION_ROW(id, path, methods, handle, admit, place, flags, parameters, about) \
    [ROUTE_##id] = {METRIC_KIND_SECONDS,                                                \
                    "varve_http_request_duration_seconds",                              \
                    "handler=\"" path "\"",                                             \
                    "Time from a request's first line to the end of its answer.",       \
                    0,                                                                  \
                    {0}},
static struct metric durations[ROUTE_COUNT] = {ROUTES(DURATION_ROW) DURATION_ROW(OTHER, "other", , , , , , , )};

#define DURATION_POINTER(id, path, methods, handle, admit, place, flags, parameters, about) &durations[ROUTE_##id],
static struct metric *const duration_rows[] = {ROUTES(DURATION_POINTER) DURATION_POINTER(OTHER, , , , , , , , )};
const struct metric_list http_duration_metrics = {duration_rows, ROUTE_COUNT};

#define REJECTION_ROW(code, name, sentence)                   \
    [APPEND_##code] = {METRIC_KIND_COUNTER,                   \
                       "varve_ingest_rejected_samples_total", \
                       "reason=\"" name "\"",                 \
                       "Samples refused, by reason.",         \
                       0,                                     \
                       {0}},
static struct metric rejections[APPEND_REASON_COUNT] = {APPEND_REASONS(REJECTION_ROW)};

#define REJECTION_POINTER(code, name, sentence) &rejections[APPEND_##code],
static struct metric *const rejection_rows[] = {APPEND_REASONS(REJECTION_POINTER)};
const struct metric_list http_rejection_metrics = {rejection_rows, APPEND_REASON_COUNT};

void http_count_request(enum route_id route, unsigned code, int64_t duration_ns)
{
    unsigned class = code / 100;

    if (class < 1 || class > CODE_CLASSES) return;
    metric_add(&requests[route][class - 1], 1);
    metric_observe(&durations[route], duration_ns);
}

void http_count_rejected(enum append_reason reason, size_t count)
{
    metric_add(&rejections[reason], (int64_t)count);
    metric_add(&metric_ingest_rejected, (int64_t)count);
}
