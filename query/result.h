/* Results: rows in their order, rendered by many threads. */
#ifndef VARVE_QUERY_RESULT_H
#define VARVE_QUERY_RESULT_H

#include "query/feed.h"
#include "query/stage.h"

typedef void result_render(void *context, const struct result_part *part, struct writer *out);

/* What is rendered, by whom. Parts of the output are with the query afterwards. */
struct rendering {
    struct query *query;
    result_render *render;
    void *context;
};

/* An open stage on one step: a vector, in the stage's order. */
bool result_vector(struct rendering *rendering, struct stage *stage);

/* An open stage on several steps: a matrix in the order of labels. */
bool result_matrix(struct rendering *rendering, struct stage *stage);

/* An open feed: the samples in its only window. */
bool result_range(struct rendering *rendering, const struct feed *feed);

#endif
