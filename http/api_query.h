/* /api/v1/query and /api/v1/query_range: PromQL over HTTP. */
#ifndef VARVE_HTTP_API_QUERY_H
#define VARVE_HTTP_API_QUERY_H

#include "http/request.h"

status api_query(struct request *request, struct response *response);
status api_query_range(struct request *request, struct response *response);

#endif
