/* Stand-ins for the database and the engine, as far as tests of http need them: they fail, wait and answer as a test
 * wants them to.
 *
 * fake.db says how appends end and keeps what they brought; the engine runs jobs on two threads, and the text of a
 * query says what comes of it, see fake_query in fakes.c.
 */
#ifndef VARVE_TESTS_HTTP_FAKES_H
#define VARVE_TESTS_HTTP_FAKES_H

#include "http/services.h"
#include "query/query.h"
#include "tsdb/db.h"

#include <pthread.h>

enum fake_done {
    FAKE_DONE_INSIDE, /* done() is called within db_append */
    FAKE_DONE_THREAD, /* from another thread, perhaps before db_append returns */
    FAKE_DONE_NEVER   /* by fake_release_appends */
};

struct fake_series {
    str labels;
    size_t samples;
    int64_t time_ms; /* of the first sample */
    uint64_t value;
};

struct fake {
    pthread_mutex_t mutex;
    /* what appends do; set by tests */
    enum fake_done done;
    status append_status, outcome;
    struct append_result result; /* `stored` is counted */
    bool engine_is_full;
    /* what happened */
    struct arena arena;
    vec(struct fake_series) series;
    vec(struct append_metadata) metadata;
    size_t appends, cancels;
};

extern struct fake fake;

/* Empties it and sets the defaults: all is stored, done is called inside. */
void fake_reset(void);

/* Calls the done() functions that FAKE_DONE_NEVER has kept. */
void fake_release_appends(void);

/* An engine and services on the fakes; started by server tests. */
struct engine *fake_engine(void);

#endif
