/* The query log: a line of JSON for each query that was evaluated, in the words of Prometheus.
 *
 *     {"ts":"2026-11-24T03:17:07.123Z","level":"INFO","msg":"promql query logged",
 *      "params":{"query":"up","start":"…","end":"…","step":15},"error":"…","stats":{…},
 *      "httpRequest":{"clientIP":"127.0.0.1","method":"GET","path":"/api/v1/query_range"}}
 *
 * `query_log_file` in the section `global` of --config.file switches it on; a reload opens the file anew, so a rotated
 * file is left alone. The step is in whole seconds, 0 for a query at one time; `error` is there for a query that
 * failed. Queries that do not parse are not logged. A line is one write; one that fails is counted, and the query's
 * answer does not depend on it.
 */
#ifndef VARVE_HTTP_QUERY_LOG_H
#define VARVE_HTTP_QUERY_LOG_H

#include "http/request.h"

struct query;
struct query_log;
struct query_request;

/* Appends to the file, which is made if it is not there. The error names it. */
status query_log_open(str path, struct query_log **out);
void query_log_close(struct query_log *log); /* NULL is fine */

/* Logs a query that has run. From any thread. */
void query_log_write(struct query_log *log, const struct request *request, const struct query_request *asked,
                     const struct query *query);

#endif
