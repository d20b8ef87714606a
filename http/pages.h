/* Routes outside the API: health, the program's own metrics, its end. */
#ifndef VARVE_HTTP_PAGES_H
#define VARVE_HTTP_PAGES_H

#include "http/request.h"

struct metric_list;

/* The metrics of all layers, in the order of the page. */
const struct metric_list *const *pages_metric_lists(size_t *count);

status page_healthy(struct request *request, struct response *response);
status page_ready(struct request *request, struct response *response);
status page_reload(struct request *request, struct response *response);
status page_quit(struct request *request, struct response *response);
status page_metrics(struct request *request, struct response *response);
status page_version(struct request *request, struct response *response);

#endif
