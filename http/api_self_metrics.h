/* /api/v1/status/self_metrics: the server's own metrics as JSON, in the form of Prometheus' protobuf messages. */
#ifndef VARVE_HTTP_API_SELF_METRICS_H
#define VARVE_HTTP_API_SELF_METRICS_H

#include "http/request.h"

status api_self_metrics(struct request *request, struct response *response);

#endif
