/* The routes: one row each.
 *
 * A path's parts in braces stand for one segment. The methods are what the handler takes; HEAD goes wherever GET does,
 * OPTIONS is answered below /api/v1 without any handler.
 */
#ifndef VARVE_HTTP_ROUTES_H
#define VARVE_HTTP_ROUTES_H

#include "http/request.h"

/* Where a handler runs. */
enum route_place {
    PLACE_INLINE,  /* on the server's own thread: constant time, no file, no lock held by work */
    PLACE_SERVICE, /* short administrative work */
    PLACE_INGEST,
    PLACE_QUERY
};

enum route_flags {
    ROUTE_API = 1,      /* errors in the envelope, CORS */
    ROUTE_COMPRESS = 2, /* gzip if the client takes it */
    ROUTE_LATER = 4,    /* on OK the handler has arranged for request_finish, perhaps on another thread */
    ROUTE_SNAPPY = 8    /* the body is one snappy block, which has a limit of its own */
};

/* id, path, methods, handler, check of the head (may be NULL), place, flags */
#define ROUTES(X)                                                                                                    \
    X(QUERY, "/api/v1/query", METHOD_GET | METHOD_POST, api_query, NULL, PLACE_QUERY, ROUTE_API | ROUTE_COMPRESS)    \
    X(QUERY_RANGE, "/api/v1/query_range", METHOD_GET | METHOD_POST, api_query_range, NULL, PLACE_QUERY,              \
      ROUTE_API | ROUTE_COMPRESS)                                                                                    \
    X(LABELS, "/api/v1/labels", METHOD_GET | METHOD_POST, api_labels, NULL, PLACE_QUERY, ROUTE_API | ROUTE_COMPRESS) \
    X(LABEL_VALUES, "/api/v1/label/{name}/values", METHOD_GET, api_label_values, NULL, PLACE_QUERY,                  \
      ROUTE_API | ROUTE_COMPRESS)                                                                                    \
    X(SERIES, "/api/v1/series", METHOD_GET | METHOD_POST, api_series, NULL, PLACE_QUERY, ROUTE_API | ROUTE_COMPRESS) \
    X(METADATA, "/api/v1/metadata", METHOD_GET, api_metadata, NULL, PLACE_SERVICE, ROUTE_API | ROUTE_COMPRESS)       \
    X(BUILDINFO, "/api/v1/status/buildinfo", METHOD_GET, api_buildinfo, NULL, PLACE_INLINE, ROUTE_API)               \
    X(RUNTIMEINFO, "/api/v1/status/runtimeinfo", METHOD_GET, api_runtimeinfo, NULL, PLACE_SERVICE, ROUTE_API)        \
    X(FLAGS, "/api/v1/status/flags", METHOD_GET, api_flags, NULL, PLACE_INLINE, ROUTE_API)                           \
    X(TSDB, "/api/v1/status/tsdb", METHOD_GET, api_tsdb, NULL, PLACE_SERVICE, ROUTE_API | ROUTE_COMPRESS)            \
    X(WRITE, "/api/v1/write", METHOD_POST, api_write, api_write_admits, PLACE_INGEST, ROUTE_SNAPPY | ROUTE_LATER)    \
    X(HEALTHY, "/-/healthy", METHOD_GET, page_healthy, NULL, PLACE_INLINE, 0)                                        \
    X(READY, "/-/ready", METHOD_GET, page_ready, NULL, PLACE_INLINE, 0)                                              \
    X(RELOAD, "/-/reload", METHOD_POST | METHOD_PUT, page_reload, NULL, PLACE_SERVICE, 0)                            \
    X(QUIT, "/-/quit", METHOD_POST | METHOD_PUT, page_quit, NULL, PLACE_INLINE, 0)                                   \
    X(METRICS, "/metrics", METHOD_GET, page_metrics, NULL, PLACE_SERVICE, ROUTE_COMPRESS)                            \
    X(VERSION, "/version", METHOD_GET, page_version, NULL, PLACE_INLINE, 0)

enum route_id {
#define X(id, path, methods, handle, admit, place, flags) ROUTE_##id,
    ROUTES(X)
#undef X
        ROUTE_OTHER, /* no route */
    ROUTE_COUNT
};

struct route {
    enum route_id id;
    const char *path;
    unsigned methods;
    /* Fills the response, or returns the error to answer with. */
    status (*handle)(struct request *request, struct response *response);
    /* Looks at the head before the body is read; false when the response holds a refusal. */
    bool (*admit)(struct request *request, struct response *response);
    enum route_place place;
    unsigned flags;
};

/* All of them, with their number. */
const struct route *routes_all(size_t *count);

/* Whether the request's path is this route's. If so, *name is the decoded part that stands for the braces; *malformed
 * says that it can not be decoded. */
bool route_matches(const struct route *route, str path, str *name, bool *malformed, struct arena *arena);

/* `GET, HEAD, POST, OPTIONS` for the Allow header of a route. */
str route_allow(const struct route *route, struct arena *arena);

#endif
