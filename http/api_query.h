/* /api/v1/query and /api/v1/query_range: PromQL over HTTP; /api/v1/query_cost: what it would take. */
#ifndef VARVE_HTTP_API_QUERY_H
#define VARVE_HTTP_API_QUERY_H

#include "http/request.h"

status api_query(struct request *request, struct response *response);
status api_query_range(struct request *request, struct response *response);

/* Varve's own: nothing is evaluated. With `step` a query over a range, else one at a time. */
status api_query_cost(struct request *request, struct response *response);

/* The parameters of a query at one time, or over a range; in the order in which Prometheus checks them. */
struct query_request;
status api_query_read(struct request *request, struct query_request *out);
status api_query_read_range(struct request *request, struct query_request *out);

/* Answers with the query's error. */
struct query;
void api_query_fail(struct request *request, struct response *response, const struct query *query);

#endif
