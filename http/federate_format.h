/* Families of metrics as /federate tells them: in the text format 0.0.4, or as the protobuf messages that scrapers of
 * native histograms ask for.
 *
 *     MetricFamily  1 string name       3 enum type         4 Metric*           (each behind its length)
 *     Metric        1 LabelPair*        5 Untyped           6 int64 timestamp   7 Histogram
 *     LabelPair     1 string name       2 string value      Untyped  1 double value
 *     Histogram     2 double sum        3 Bucket*           4 double count      5 sint32 schema    6 double zero
 * threshold 8 double zero count 9 BucketSpan*, 11 double counts: negative     12 BucketSpan*, 14: positive Bucket 2
 * double upper bound                    4 double cumulative count
 *
 * Text has no native histograms: those with custom buckets are told as classic ones, in both forms, as Prometheus does;
 * the others are left out of text.
 */
#ifndef VARVE_HTTP_FEDERATE_FORMAT_H
#define VARVE_HTTP_FEDERATE_FORMAT_H

#include "http/response.h"
#include "storage/base/histogram.h"
#include "tsdb/labels.h"

enum federate_type { FEDERATE_UNTYPED, FEDERATE_HISTOGRAM, FEDERATE_GAUGE_HISTOGRAM };

struct federate_metric {
    const label *pairs; /* without the name */
    size_t pair_count;
    int64_t time_ms;
    double value;
    const struct histogram *histogram; /* NULL: a float */
};

/* Zeroed but for the response and the two choices it is ready. */
struct federate_output {
    struct response *response;
    bool is_protobuf;
    bool takes_utf8; /* names as they are; else underscores for what no identifier has */
    str name;        /* of the family */
    struct writer family, metric, part, small;
};

/* What an Accept header asks for. */
void federate_accept(struct federate_output *output, str accept);

/* Whether the form can tell this at all. */
bool federate_can_tell(const struct federate_output *output, const struct histogram *h);

/* A family is begun, gets its metrics, and ends. */
void federate_begin(struct federate_output *output, str name, enum federate_type type);
void federate_put(struct federate_output *output, const struct federate_metric *metric);
void federate_end(struct federate_output *output);

void federate_output_release(struct federate_output *output);

#endif
