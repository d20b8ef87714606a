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
    PLACE_QUERY,
    PLACE_STREAM /* long answers, sent while they are made: handlers wait for their clients */
};

enum route_flags {
    ROUTE_API = 1,      /* errors in the envelope, CORS */
    ROUTE_COMPRESS = 2, /* gzip if the client takes it */
    ROUTE_LATER = 4,    /* on OK the handler has arranged for request_finish, perhaps on another thread */
    ROUTE_LARGE = 8     /* bodies may be as large as those of write requests */
};

/* id, path, methods, handler, check of the head (may be NULL), place, flags, parameters, what it does
 *
 * Parameters are those of the query string or form; `!` marks one that must be there, `[]` one that may be repeated. */
#define ROUTES(X)                                                                                                      \
    X(QUERY, "/api/v1/query", METHOD_GET | METHOD_POST, api_query, NULL, PLACE_QUERY, ROUTE_API | ROUTE_COMPRESS,      \
      "query! time timeout limit lookback_delta stats", "Evaluates an expression at one time")                         \
    X(QUERY_RANGE, "/api/v1/query_range", METHOD_GET | METHOD_POST, api_query_range, NULL, PLACE_QUERY,                \
      ROUTE_API | ROUTE_COMPRESS, "query! start! end! step! timeout limit lookback_delta stats",                       \
      "Evaluates an expression over a range of times")                                                                 \
    X(QUERY_COST, "/api/v1/query_cost", METHOD_GET | METHOD_POST, api_query_cost, NULL, PLACE_QUERY,                   \
      ROUTE_API | ROUTE_COMPRESS, "query! time start end step timeout limit lookback_delta",                           \
      "What an expression would take: its plan, samples, memory; Varve's own")                                         \
    X(QUERY_EXEMPLARS, "/api/v1/query_exemplars", METHOD_GET | METHOD_POST, api_query_exemplars, NULL, PLACE_QUERY,    \
      ROUTE_API | ROUTE_COMPRESS, "query! start end", "Exemplars of the series that an expression selects")            \
    X(FORMAT_QUERY, "/api/v1/format_query", METHOD_GET | METHOD_POST, api_format_query, NULL, PLACE_QUERY,             \
      ROUTE_API | ROUTE_COMPRESS, "query!", "An expression, indented")                                                 \
    X(PARSE_QUERY, "/api/v1/parse_query", METHOD_GET | METHOD_POST, api_parse_query, NULL, PLACE_QUERY,                \
      ROUTE_API | ROUTE_COMPRESS, "query!", "The syntax tree of an expression")                                        \
    X(LABELS, "/api/v1/labels", METHOD_GET | METHOD_POST, api_labels, NULL, PLACE_QUERY, ROUTE_API | ROUTE_COMPRESS,   \
      "start end match[] limit", "Names of labels")                                                                    \
    X(LABEL_VALUES, "/api/v1/label/{name}/values", METHOD_GET, api_label_values, NULL, PLACE_QUERY,                    \
      ROUTE_API | ROUTE_COMPRESS, "start end match[] limit", "Values of a label")                                      \
    X(SERIES, "/api/v1/series", METHOD_GET | METHOD_POST, api_series, NULL, PLACE_QUERY, ROUTE_API | ROUTE_COMPRESS,   \
      "match[]! start end limit", "Series that match")                                                                 \
    X(METADATA, "/api/v1/metadata", METHOD_GET, api_metadata, NULL, PLACE_SERVICE, ROUTE_API | ROUTE_COMPRESS,         \
      "metric limit limit_per_metric", "Type, help and unit of metrics")                                               \
    X(SEARCH_METRIC_NAMES, "/api/v1/search/metric_names", METHOD_GET | METHOD_POST, api_search_metric_names, NULL,     \
      PLACE_QUERY, ROUTE_API,                                                                                          \
      "start end match[] search[] fuzz_threshold fuzz_alg case_sensitive sort_by sort_dir include_score "              \
      "include_metadata limit batch_size",                                                                             \
      "Names of metrics that fit what is typed")                                                                       \
    X(SEARCH_LABEL_NAMES, "/api/v1/search/label_names", METHOD_GET | METHOD_POST, api_search_label_names, NULL,        \
      PLACE_QUERY, ROUTE_API,                                                                                          \
      "start end match[] search[] fuzz_threshold fuzz_alg case_sensitive sort_by sort_dir include_score limit "        \
      "batch_size",                                                                                                    \
      "Names of labels that fit what is typed")                                                                        \
    X(SEARCH_LABEL_VALUES, "/api/v1/search/label_values", METHOD_GET | METHOD_POST, api_search_label_values, NULL,     \
      PLACE_QUERY, ROUTE_API,                                                                                          \
      "label! start end match[] search[] fuzz_threshold fuzz_alg case_sensitive sort_by sort_dir include_score limit " \
      "batch_size",                                                                                                    \
      "Values of a label that fit what is typed")                                                                      \
    X(TARGETS, "/api/v1/targets", METHOD_GET, api_targets, NULL, PLACE_INLINE, ROUTE_API, "state scrapePool",          \
      "Targets of scraping; there are none")                                                                           \
    X(TARGETS_METADATA, "/api/v1/targets/metadata", METHOD_GET, api_empty_list, NULL, PLACE_INLINE, ROUTE_API,         \
      "match_target metric limit", "Metadata of targets; there are none")                                              \
    X(RELABEL_STEPS, "/api/v1/targets/relabel_steps", METHOD_GET, api_relabel_steps, NULL, PLACE_INLINE, ROUTE_API,    \
      "scrapePool! labels!", "Relabelling of a target; there are none")                                                \
    X(SCRAPE_POOLS, "/api/v1/scrape_pools", METHOD_GET, api_scrape_pools, NULL, PLACE_INLINE, ROUTE_API, "",           \
      "Scrape pools; there are none")                                                                                  \
    X(RULES, "/api/v1/rules", METHOD_GET, api_rules, NULL, PLACE_INLINE, ROUTE_API,                                    \
      "type rule_name[] rule_group[] file[] match[] exclude_alerts group_limit group_next_token",                      \
      "Groups of rules; there are none")                                                                               \
    X(ALERTS, "/api/v1/alerts", METHOD_GET, api_alerts, NULL, PLACE_INLINE, ROUTE_API, "",                             \
      "Active alerts; there are none")                                                                                 \
    X(ALERTMANAGERS, "/api/v1/alertmanagers", METHOD_GET, api_alertmanagers, NULL, PLACE_INLINE, ROUTE_API, "",        \
      "Alertmanagers that are notified; there are none")                                                               \
    X(BUILDINFO, "/api/v1/status/buildinfo", METHOD_GET, api_buildinfo, NULL, PLACE_INLINE, ROUTE_API, "",             \
      "The version")                                                                                                   \
    X(RUNTIMEINFO, "/api/v1/status/runtimeinfo", METHOD_GET, api_runtimeinfo, NULL, PLACE_SERVICE, ROUTE_API, "",      \
      "The process")                                                                                                   \
    X(FLAGS, "/api/v1/status/flags", METHOD_GET, api_flags, NULL, PLACE_INLINE, ROUTE_API, "",                         \
      "The flags of the command line")                                                                                 \
    X(CONFIG, "/api/v1/status/config", METHOD_GET, api_config, NULL, PLACE_SERVICE, ROUTE_API, "",                     \
      "The configuration file")                                                                                        \
    X(TSDB, "/api/v1/status/tsdb", METHOD_GET, api_tsdb, NULL, PLACE_SERVICE, ROUTE_API | ROUTE_COMPRESS, "limit",     \
      "Cardinality of the head")                                                                                       \
    X(TSDB_BLOCKS, "/api/v1/status/tsdb/blocks", METHOD_GET, api_tsdb_blocks, NULL, PLACE_SERVICE,                     \
      ROUTE_API | ROUTE_COMPRESS, "", "The blocks")                                                                    \
    X(WALREPLAY, "/api/v1/status/walreplay", METHOD_GET, api_walreplay, NULL, PLACE_INLINE, ROUTE_API, "",             \
      "Progress of the start")                                                                                         \
    X(SELF_METRICS, "/api/v1/status/self_metrics", METHOD_GET, api_self_metrics, NULL, PLACE_SERVICE,                  \
      ROUTE_API | ROUTE_COMPRESS, "metric_name_pattern", "The metrics of the server itself")                           \
    X(FEATURES, "/api/v1/features", METHOD_GET, api_features, NULL, PLACE_INLINE, ROUTE_API, "",                       \
      "What this server can do")                                                                                       \
    X(NOTIFICATIONS, "/api/v1/notifications", METHOD_GET, api_notifications, NULL, PLACE_INLINE, ROUTE_API, "",        \
      "Notes for people")                                                                                              \
    X(NOTIFICATIONS_LIVE, "/api/v1/notifications/live", METHOD_GET, api_no_stream, NULL, PLACE_INLINE, ROUTE_API, "",  \
      "Notes as a stream; there is none")                                                                              \
    X(OPENAPI, "/api/v1/openapi.yaml", METHOD_GET, api_openapi, NULL, PLACE_SERVICE, ROUTE_COMPRESS,                   \
      "openapi_version", "This description")                                                                           \
    X(ACTIVE_QUERIES, "/api/v1/status/active_queries", METHOD_GET, api_active_queries, NULL, PLACE_SERVICE,            \
      ROUTE_API | ROUTE_COMPRESS, "", "The queries that are running; Varve's own")                                     \
    X(KILL_QUERY, "/api/v1/admin/query/kill", METHOD_POST | METHOD_PUT, api_kill_query, NULL, PLACE_SERVICE,           \
      ROUTE_API, "id!", "Ends a running query; Varve's own")                                                           \
    X(SNAPSHOT, "/api/v1/admin/tsdb/snapshot", METHOD_POST | METHOD_PUT, api_snapshot, NULL, PLACE_QUERY, ROUTE_API,   \
      "skip_head", "Makes a folder in snapshots/ that has all data of now")                                            \
    X(DELETE_SERIES, "/api/v1/admin/tsdb/delete_series", METHOD_POST | METHOD_PUT, api_delete_series, NULL,            \
      PLACE_QUERY, ROUTE_API, "match[]! start end", "Deletes samples; they can be had back for --storage.delete-undo") \
    X(TOMBSTONES, "/api/v1/admin/tsdb/tombstones", METHOD_GET, api_tombstones, NULL, PLACE_SERVICE, ROUTE_API, "",     \
      "Deletes that are not purged yet")                                                                               \
    X(UNDELETE, "/api/v1/admin/tsdb/undelete", METHOD_POST | METHOD_PUT, api_undelete, NULL, PLACE_QUERY, ROUTE_API,   \
      "number!", "Takes a delete back")                                                                                \
    X(CLEAN_TOMBSTONES, "/api/v1/admin/tsdb/clean_tombstones", METHOD_POST | METHOD_PUT, api_clean_tombstones, NULL,   \
      PLACE_QUERY, ROUTE_API, "", "Removes deleted data from disk")                                                    \
    X(FREEZE, "/api/v1/admin/tsdb/freeze", METHOD_POST | METHOD_PUT, api_freeze, NULL, PLACE_QUERY, ROUTE_API, "",     \
      "Writes what is in memory as a block")                                                                           \
    X(COMPACT, "/api/v1/admin/tsdb/compact", METHOD_POST | METHOD_PUT, api_compact, NULL, PLACE_QUERY, ROUTE_API, "",  \
      "Merges blocks until there is one for each day")                                                                 \
    X(WRITE, "/api/v1/write", METHOD_POST, api_write, api_write_admits, PLACE_INGEST, ROUTE_LARGE | ROUTE_LATER, "",   \
      "Remote-write 1.0 and 2.0")                                                                                      \
    X(READ, "/api/v1/read", METHOD_POST, api_read, NULL, PLACE_STREAM, ROUTE_LARGE, "", "Remote-read")                 \
    X(OTLP, "/api/v1/otlp/v1/metrics", METHOD_POST, api_otlp, api_otlp_admits, PLACE_INGEST,                           \
      ROUTE_LARGE | ROUTE_LATER, "", "Metrics of OpenTelemetry")                                                       \
    X(OTLP_PLAIN, "/v1/metrics", METHOD_POST, api_otlp, api_otlp_admits, PLACE_INGEST, ROUTE_LARGE | ROUTE_LATER, "",  \
      "Metrics of OpenTelemetry")                                                                                      \
    X(IMPORT, "/api/v1/import", METHOD_POST, api_import_json, api_import_admits, PLACE_INGEST,                         \
      ROUTE_LARGE | ROUTE_LATER, "extra_label[]", "Samples as JSON lines")                                             \
    X(IMPORT_PROMETHEUS, "/api/v1/import/prometheus", METHOD_POST, api_import_prometheus, api_import_admits,           \
      PLACE_INGEST, ROUTE_LARGE | ROUTE_LATER, "timestamp extra_label[]",                                              \
      "Samples as text of Prometheus or OpenMetrics")                                                                  \
    X(IMPORT_CSV, "/api/v1/import/csv", METHOD_POST, api_import_csv, api_import_admits, PLACE_INGEST,                  \
      ROUTE_LARGE | ROUTE_LATER, "format! extra_label[]", "Samples as CSV")                                            \
    X(INFLUX, "/write", METHOD_POST, api_import_influx, api_import_admits, PLACE_INGEST, ROUTE_LARGE | ROUTE_LATER,    \
      "db precision extra_label[]", "Samples in Influx' line protocol")                                                \
    X(INFLUX_2, "/api/v2/write", METHOD_POST, api_import_influx, api_import_admits, PLACE_INGEST,                      \
      ROUTE_LARGE | ROUTE_LATER, "db precision extra_label[]", "Samples in Influx' line protocol")                     \
    X(INFLUX_VM, "/influx/write", METHOD_POST, api_import_influx, api_import_admits, PLACE_INGEST,                     \
      ROUTE_LARGE | ROUTE_LATER, "db precision extra_label[]", "Samples in Influx' line protocol")                     \
    X(INFLUX_VM_2, "/influx/api/v2/write", METHOD_POST, api_import_influx, api_import_admits, PLACE_INGEST,            \
      ROUTE_LARGE | ROUTE_LATER, "db precision extra_label[]", "Samples in Influx' line protocol")                     \
    X(EXPORT, "/api/v1/export", METHOD_GET | METHOD_POST, api_export, NULL, PLACE_STREAM, ROUTE_COMPRESS,              \
      "match[]! start end max_rows_per_line", "Samples as JSON lines")                                                 \
    X(EXPORT_CSV, "/api/v1/export/csv", METHOD_GET | METHOD_POST, api_export_csv, NULL, PLACE_STREAM, ROUTE_COMPRESS,  \
      "match[]! start end format!", "Samples as CSV")                                                                  \
    X(FEDERATE, "/federate", METHOD_GET, page_federate, NULL, PLACE_STREAM, ROUTE_COMPRESS, "match[]",                 \
      "Newest samples as text")                                                                                        \
    X(HEALTHY, "/-/healthy", METHOD_GET, page_healthy, NULL, PLACE_INLINE, 0, "", "Whether the process lives")         \
    X(HEALTH, "/health", METHOD_GET, page_healthy, NULL, PLACE_INLINE, 0, "",                                          \
      "The same for tools of VictoriaMetrics, such as vmctl")                                                          \
    X(READY, "/-/ready", METHOD_GET, page_ready, NULL, PLACE_INLINE, 0, "", "Whether requests are served")             \
    X(RELOAD, "/-/reload", METHOD_POST | METHOD_PUT, page_reload, NULL, PLACE_SERVICE, 0, "",                          \
      "Reads the configuration again")                                                                                 \
    X(QUIT, "/-/quit", METHOD_POST | METHOD_PUT, page_quit, NULL, PLACE_INLINE, 0, "", "Stops the server")             \
    X(METRICS, "/metrics", METHOD_GET, page_metrics, NULL, PLACE_SERVICE, ROUTE_COMPRESS, "",                          \
      "The server's own metrics")                                                                                      \
    X(VERSION, "/version", METHOD_GET, page_version, NULL, PLACE_INLINE, 0, "", "The version")

enum route_id {
#define X(id, path, methods, handle, admit, place, flags, parameters, about) ROUTE_##id,
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
    const char *parameters, *about;
};

/* All of them, with their number. */
const struct route *routes_all(size_t *count);

/* Whether the request's path is this route's. If so, *name is the decoded part that stands for the braces; *malformed
 * says that it can not be decoded. */
bool route_matches(const struct route *route, str path, str *name, bool *malformed, struct arena *arena);

/* `GET, HEAD, POST, OPTIONS` for the Allow header of a route. */
str route_allow(const struct route *route, struct arena *arena);

#endif
