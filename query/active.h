/* The queries of an engine that have not ended, for people who ask what is running and end it. */
#ifndef VARVE_QUERY_ACTIVE_H
#define VARVE_QUERY_ACTIVE_H

#include "query/query.h"

#include <pthread.h>

/* In the order in which a query goes through them. */
#define QUERY_PHASES(X) \
    X(PARSING)          \
    X(ESTIMATING)       \
    X(EVALUATING)       \
    X(ANSWERING)

enum query_phase {
#define X(name) QUERY_##name,
    QUERY_PHASES(X)
#undef X
};

struct active {
    pthread_mutex_t mutex;
    /* guarded by mutex */
    struct query *first; /* the newest */
    uint64_t last_id;
};

void active_init(struct active *active);
void active_release(struct active *active);

/* Gives the query its id and lists it; takes it off again. */
void active_add(struct active *active, struct query *query);
void active_remove(struct active *active, struct query *query);

/* Cancels all. */
void active_cancel(struct active *active);

#endif
