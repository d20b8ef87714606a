/* Feeds: where the samples of windows come from.
 *
 * A feed is a selector over the storage, or a subquery, whose points on its own grid serve as samples. Consumers load
 * rows in batches and then look at the samples of one row after the other. Stale markers are removed.
 */
#ifndef VARVE_QUERY_FEED_H
#define VARVE_QUERY_FEED_H

#include "query/stage.h"
#include "query/window_plan.h"

struct feed {
    const struct node *node; /* NODE_RANGE or NODE_SUBQUERY */
    struct windows windows;
    const struct selector *selector; /* one of the two: a selector … */
    struct stage *points;            /* … or a subquery, on its own grid */
    bool without_buckets;            /* nobody will look at the buckets of histograms */
    /* after open */
    struct selection *selection;
    struct shape shape;
    double row_ns;
};

bool feed_open(struct feed *feed, struct query *query);

/* The series of a selector with samples in the windows. */
bool select_series(struct query *query, const struct selector *selector, const struct windows *windows,
                   struct selection **selection, struct shape *shape);

/* How many samples reading a row decodes, at most, on average. */
double select_samples_per_row(const struct selection *selection);

/* Rows whose samples are at hand. */
struct feed_batch {
    const struct feed *feed;
    struct task *task;
    const uint32_t *rows;
    struct tile points; /* of a subquery */
};

/* How many rows to load at a time. */
uint32_t feed_batch_rows(const struct feed *feed);

bool feed_load(const struct feed *feed, struct task *task, const uint32_t *rows, uint32_t count,
               struct feed_batch *out);

/* Histograms without their buckets; where it is not stored whether a counter began anew, that is found out, since
 * nobody can do so later. In scratch memory. */
void samples_strip_buckets(samples *column, struct scratch *scratch);

/* The samples of the i-th row; valid until the next call or until the task's scratch is rewound. */
bool feed_samples(struct feed_batch *batch, uint32_t i, samples *out);

#endif
