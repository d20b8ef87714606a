/* /api/v1/search/{metric_names,label_names,label_values}: names and values that fit what somebody types.
 *
 *     start (an hour ago), end (now), match[], search[], fuzz_threshold, fuzz_alg, case_sensitive, sort_by, sort_dir,
 *     include_score, limit, batch_size; of metric names include_metadata; of label values label
 *
 * Answers are lines of JSON: {"results":[…]} for each batch, at least one, then {"status":"success","has_more":false}.
 */
#ifndef VARVE_HTTP_API_SEARCH_H
#define VARVE_HTTP_API_SEARCH_H

#include "http/request.h"

status api_search_metric_names(struct request *request, struct response *response);
status api_search_label_names(struct request *request, struct response *response);
status api_search_label_values(struct request *request, struct response *response);

#endif
