/* POST /api/v1/otlp/v1/metrics and /v1/metrics: OTLP over HTTP, in protobuf and JSON. */
#ifndef VARVE_HTTP_API_OTLP_H
#define VARVE_HTTP_API_OTLP_H

#include "http/request.h"

bool api_otlp_admits(struct request *request, struct response *response);
status api_otlp(struct request *request, struct response *response);

#endif
