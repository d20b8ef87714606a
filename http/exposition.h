/* Metrics as text for a scraper: the exposition format 0.0.4. */
#ifndef VARVE_HTTP_EXPOSITION_H
#define VARVE_HTTP_EXPOSITION_H

#include "storage/base/bytes.h"
#include "storage/base/metric.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* All metrics of a list; what they have counted since the process started. */
void exposition_write_list(struct writer *w, const struct metric_list *list);

/* One metric whose value is computed. `type` is "gauge" or "counter"; labels as in struct metric. */
void exposition_write_value(struct writer *w, const char *type, const char *name, const char *labels, const char *help,
                            double value);

#endif
