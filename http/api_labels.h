/* /api/v1/labels, /api/v1/label/<name>/values and /api/v1/series: what series there are. */
#ifndef VARVE_HTTP_API_LABELS_H
#define VARVE_HTTP_API_LABELS_H

#include "http/request.h"

status api_labels(struct request *request, struct response *response);
status api_label_values(struct request *request, struct response *response);
status api_series(struct request *request, struct response *response);

#endif
