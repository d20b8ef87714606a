/* Native histograms in JSON: `[1435781451.781,{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}]`. */
#ifndef VARVE_HTTP_JSON_HISTOGRAM_H
#define VARVE_HTTP_JSON_HISTOGRAM_H

#include "storage/base/bytes.h"
#include "storage/base/histogram.h"

/* One point. A bucket says first which of its bounds belong to it: 0 the upper, 1 the lower, 3 both; empty buckets are
 * left out. */
void json_put_histogram_point(struct writer *w, int64_t time_ms, const struct histogram *h);

#endif
