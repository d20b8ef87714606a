/* /api/v1/format_query and /api/v1/parse_query: expressions without any data. */
#ifndef VARVE_HTTP_API_PARSE_H
#define VARVE_HTTP_API_PARSE_H

#include "http/request.h"

status api_format_query(struct request *request, struct response *response);
status api_parse_query(struct request *request, struct response *response);

#endif
