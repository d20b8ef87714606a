/* /api/v1/metadata: type, help and unit of metrics, as senders told them. */
#ifndef VARVE_HTTP_API_METADATA_H
#define VARVE_HTTP_API_METADATA_H

#include "http/request.h"
#include "tsdb/append.h"

status api_metadata(struct request *request, struct response *response);

/* "counter", "gauge", … */
str metadata_type_name(enum metric_type type);

#endif
