/* From a request to its handler; see dispatch.h. */
#include "http/dispatch.h"

#include "http/compress.h"
#include "http/metrics.h"
#include "http/route_prefix.h"
#include "http/services.h"
#include "http/workers.h"
#include "tsdb/regex.h"

/* What browsers are told about use from other sites: as Prometheus does, on every answer below /api/v1. */
static void allow_origins(struct request *request)
{
    struct response *response = &request->response;
    const struct regex *allowed = request->services->cors_origin;
    str origin = request->headers[HEADER_ORIGIN];

    response_header(response, "Vary", STR("Origin"));
    if (origin.len == 0) return;
    response_header(response, "Access-Control-Allow-Headers", STR("Accept, Authorization, Content-Type, Origin"));
    response_header(response, "Access-Control-Allow-Methods", STR("GET, POST, OPTIONS"));
    response_header(response, "Access-Control-Expose-Headers", STR("Date"));
    if (!allowed) {
        response_header(response, "Access-Control-Allow-Origin", STR("*"));
    } else if (regex_matches(allowed, origin)) {
        response_header(response, "Access-Control-Allow-Origin", origin);
    }
}

static void negotiate_compression(struct request *request)
{
    bool is_api = request->route->flags & ROUTE_API;

    response_header(&request->response, "Vary", is_api ? STR("Origin, Accept-Encoding") : STR("Accept-Encoding"));
    request->response.coding = compress_choose(request->headers[HEADER_ACCEPT_ENCODING]);
}

static bool method_fits(const struct request *request)
{
    unsigned wanted = request->method == METHOD_HEAD ? METHOD_GET : request->method;

    return (request->route->methods & wanted) != 0;
}

/* In the words of Prometheus, whose pages for its own life have some of their own. */
static str wrong_method(const struct route *route)
{
    bool is_lifecycle = !(route->flags & ROUTE_API) && route->methods == (METHOD_POST | METHOD_PUT);

    return is_lifecycle ? STR("Only POST or PUT requests allowed") : STR("Method Not Allowed");
}

static bool find_route(struct request *request, const struct route *routes, size_t count, bool *malformed)
{
    for (size_t i = 0; i < count; i++) {
        if (!route_matches(&routes[i], request->path, &request->name, malformed, &request->arena)) continue;
        request->route = &routes[i];
        return true;
    }
    return false;
}

bool dispatch_head(struct request *request, const struct route *routes, size_t count)
{
    struct response *response = &request->response;
    bool malformed = false;
    str prefix = request->services->route_prefix;

    if (prefix.len && str_equal(request->path, STR("/"))) {
        response_header(response, "Location", prefix);
        response_text(response, 302, "text/plain; charset=utf-8", STR(""));
        return false;
    }
    bool found = route_prefix_cut(prefix, &request->path) && find_route(request, routes, count, &malformed);
    bool below_api = str_starts_with(request->path, STR("/api/v1/"));

    if (below_api && request->method == METHOD_OPTIONS && (!found || request->route->flags & ROUTE_API)) {
        allow_origins(request);
        response_nothing(response);
        return false;
    }
    if (!found) {
        response_fail(response, FAIL_NOT_FOUND, STR("404 page not found"));
        return false;
    }
    if (request->route->flags & ROUTE_API) allow_origins(request);
    if (!method_fits(request)) {
        response_header(response, "Allow", route_allow(request->route, &request->arena));
        response_fail(response, FAIL_BAD_METHOD, wrong_method(request->route));
        return false;
    }
    response->is_api = request->route->flags & ROUTE_API;
    if (request->route->flags & ROUTE_COMPRESS) negotiate_compression(request);
    if (malformed) {
        response_fail(response, FAIL_BAD_DATA, STR("malformed percent-encoding in the path"));
        return false;
    }
    return !request->route->admit || request->route->admit(request, response);
}

bool dispatch_run(struct request *request)
{
    struct response *response = &request->response;
    const struct route *route = request->route;

    if (request_is_canceled(request)) {
        response_fail(response, FAIL_CANCELED, STR("the client closed the connection"));
    } else {
        status s = route->handle(request, response);
        if (!failed(s) && (route->flags & ROUTE_LATER)) return false;
        if (request->stream) {
            request_end_stream(request, &s);
            return false;
        }
        if (failed(s)) response_fail_status(response, &s);
    }
    response_seal(response);
    return true;
}

static void run_job(void *context)
{
    struct request *request = context;

    request_enter(request, REQUEST_QUEUED, REQUEST_RUNNING);
    if (dispatch_run(request)) request_finish(request);
}

void dispatch_submit(struct request *request)
{
    const struct services *services = request->services;
    str why = STR("too many requests are waiting; try again later");
    struct metric *refused = NULL;

    switch (request->route->place) {
    case PLACE_QUERY:
        if (!engine_submit(services->engine, run_job, request)) refused = &metric_http_refused_query;
        why = STR("too many queries are waiting (--query.max-queue); try again later");
        break;
    case PLACE_INGEST:
        if (!workers_submit(services->ingest_workers, run_job, request)) refused = &metric_http_refused_ingest;
        break;
    case PLACE_STREAM:
        if (!workers_submit(services->stream_workers, run_job, request)) refused = &metric_http_refused_stream;
        break;
    case PLACE_SERVICE:
    case PLACE_INLINE:
        if (!workers_submit(services->service_workers, run_job, request)) refused = &metric_http_refused_service;
        break;
    }
    if (!refused) return; /* a worker may have finished it by now */
    metric_add(refused, 1);
    request_enter(request, REQUEST_QUEUED, REQUEST_RUNNING);
    response_fail(&request->response, FAIL_UNAVAILABLE, why);
    request_finish(request);
}
