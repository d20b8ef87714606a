/* The statistics of a query as JSON: `"stats":{"timings":{…},"samples":{…}}`, in the words of Prometheus. */
#ifndef VARVE_HTTP_QUERY_STATS_H
#define VARVE_HTTP_QUERY_STATS_H

#include "query/query.h"

/* The key with its object, without a comma before it. */
void query_stats_put(struct writer *w, const struct query *query);

#endif
