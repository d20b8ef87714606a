/* /api/v1/openapi.yaml: the description of the API, made from the table of routes. */
#ifndef VARVE_HTTP_OPENAPI_H
#define VARVE_HTTP_OPENAPI_H

#include "http/request.h"

status api_openapi(struct request *request, struct response *response);

#endif
