/* The queries that servers are compared by, named.
 *
 * They fit the data of model.h: the shapes of the Time Series Benchmark Suite ask for its `cpu` hosts, the dashboard
 * and API shapes for `node` hosts, the wide ones for everything. Expressions keep to what Prometheus 2.42 and
 * VictoriaMetrics both take. Hosts and times of a query follow from a random number alone.
 */
#ifndef VARVE_BENCH_QUERY_SHAPES_H
#define VARVE_BENCH_QUERY_SHAPES_H

#include "storage/base/bytes.h"

enum query_kind { QUERY_INSTANT, QUERY_RANGE, QUERY_API };

struct query_shape {
    const char *name, *group;
    enum query_kind kind;
    int64_t window_ms, step_ms; /* of a range; the API and instant queries leave them 0 */
    unsigned fields;            /* $field stands for one of so many usage_ fields, the query for their union */
    unsigned hosts;             /* $hosts stands for a pattern of so many hosts */
    const char *text;           /* expression, or path and parameters of an API */
};

extern const struct query_shape query_shapes[];
extern const size_t query_shape_count;

/* What the data holds. */
struct query_data {
    int64_t start_ms, end_ms;
    unsigned cpu_hosts;
};

/* Appends the path and parameters of one request, percent-encoded, as it follows a server's address. */
void query_shape_write(const struct query_shape *shape, const struct query_data *data, uint64_t random,
                       struct writer *out);

/* Whether the shape is chosen by a comma-separated list of names and groups. */
bool query_shape_chosen(const struct query_shape *shape, str list);

#endif
