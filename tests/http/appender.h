/* What stands in for db_append where a test of writing needs it to fail, to wait or to be counted. It is handed to
 * ingest_new; everything else of a site is real. */
#ifndef VARVE_TESTS_HTTP_APPENDER_H
#define VARVE_TESTS_HTTP_APPENDER_H

#include "storage/base/arena.h"
#include "storage/base/vec.h"
#include "tsdb/append.h"

#include <pthread.h>

enum appender_done {
    DONE_INSIDE, /* done() is called within append */
    DONE_THREAD, /* from another thread, perhaps before append returns */
    DONE_NEVER   /* by appender_release */
};

struct appended_series {
    str labels;
    size_t samples;
    int64_t time_ms; /* of the first sample */
    uint64_t value;
};

struct appender {
    pthread_mutex_t mutex;
    /* what appends do; set by tests */
    enum appender_done done;
    status append_status, outcome;
    struct append_result result; /* `stored` is counted */
    /* what happened */
    struct arena arena;
    vec(struct appended_series) series;
    vec(struct append_metadata) metadata;
    size_t appends;
};

extern struct appender appender;

/* Empties it and sets the defaults: all is stored, done is called inside. */
void appender_reset(void);

/* In place of db_append. */
status appender_append(struct db *db, const struct append_batch *batch, struct append_result *result,
                       void (*done)(void *context, status outcome), void *context);

/* Calls the done() functions that DONE_NEVER has kept. */
void appender_release(void);

#endif
