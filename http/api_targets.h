/* What a Prometheus that scrapes nothing, evaluates no rules and notifies nobody answers: empty, and true. */
#ifndef VARVE_HTTP_API_TARGETS_H
#define VARVE_HTTP_API_TARGETS_H

#include "http/request.h"

status api_targets(struct request *request, struct response *response);
status api_relabel_steps(struct request *request, struct response *response);
status api_scrape_pools(struct request *request, struct response *response);
status api_rules(struct request *request, struct response *response);
status api_alerts(struct request *request, struct response *response);
status api_alertmanagers(struct request *request, struct response *response);
status api_empty_list(struct request *request, struct response *response);

/* 204: a stream on which nothing would ever come. */
status api_no_stream(struct request *request, struct response *response);

#endif
