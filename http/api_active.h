/* Running queries: /api/v1/status/active_queries and /api/v1/admin/query/kill. Varve's own. */
#ifndef VARVE_HTTP_API_ACTIVE_H
#define VARVE_HTTP_API_ACTIVE_H

#include "http/request.h"

status api_active_queries(struct request *request, struct response *response);
status api_kill_query(struct request *request, struct response *response);

#endif
