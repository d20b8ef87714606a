/* /api/v1/query_exemplars. */
#ifndef VARVE_HTTP_API_EXEMPLARS_H
#define VARVE_HTTP_API_EXEMPLARS_H

#include "http/request.h"

status api_query_exemplars(struct request *request, struct response *response);

#endif
