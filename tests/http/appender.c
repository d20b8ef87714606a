/* What stands in for db_append; see appender.h. */
#include "tests/http/appender.h"

#include "storage/base/memory.h"

#include <stdlib.h>

struct appender appender = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct kept_done {
    void (*done)(void *context, status outcome);
    void *context;
    status outcome;
};

static vec(struct kept_done) kept; /* guarded by appender.mutex */

void appender_reset(void)
{
    pthread_mutex_lock(&appender.mutex);
    appender.done = DONE_INSIDE;
    appender.append_status = appender.outcome = ok();
    appender.result = (struct append_result){0};
    appender.appends = 0;
    vec_release(&appender.series);
    vec_release(&appender.metadata);
    arena_release(&appender.arena);
    pthread_mutex_unlock(&appender.mutex);
}

void appender_release(void)
{
    pthread_mutex_lock(&appender.mutex);
    struct kept_done *calls = kept.data;
    size_t count = kept.count;
    kept.data = NULL;
    kept.count = kept.capacity = 0;
    pthread_mutex_unlock(&appender.mutex);
    for (size_t i = 0; i < count; i++) calls[i].done(calls[i].context, calls[i].outcome);
    free(calls);
}

static void record(const struct append_batch *batch)
{
    for (size_t i = 0; i < batch->series_count; i++) {
        const struct append_series *series = &batch->series[i];
        vec_push(&appender.series,
                 (struct appended_series){arena_copy_str(&appender.arena, series->labels), series->count,
                                          batch->times_ms[series->first], batch->values[series->first]});
    }
    for (size_t i = 0; i < batch->metadata_count; i++) {
        struct append_metadata entry = batch->metadata[i];
        entry.metric = arena_copy_str(&appender.arena, entry.metric);
        entry.help = arena_copy_str(&appender.arena, entry.help);
        entry.unit = arena_copy_str(&appender.arena, entry.unit);
        vec_push(&appender.metadata, entry);
    }
}

static void *call_done(void *context)
{
    struct kept_done *call = context;

    call->done(call->context, call->outcome);
    free(call);
    return NULL;
}

status appender_append(struct db *db, const struct append_batch *batch, struct append_result *result,
                       void (*done)(void *context, status outcome), void *context)
{
    (void)db;
    pthread_mutex_lock(&appender.mutex);
    status s = appender.append_status;
    struct kept_done call = {done, context, appender.outcome};
    enum appender_done how = appender.done;
    appender.appends++;
    if (!failed(s)) {
        record(batch);
        *result = appender.result;
        result->stored = batch->sample_count;
        for (int i = 0; i < APPEND_REASON_COUNT; i++) result->stored -= result->rejected[i];
        if (how == DONE_NEVER) vec_push(&kept, call);
    }
    pthread_mutex_unlock(&appender.mutex);
    if (failed(s)) return s;
    if (how == DONE_INSIDE) done(context, call.outcome);
    if (how == DONE_THREAD) {
        struct kept_done *copy = memory_alloc(sizeof *copy);
        pthread_t thread;
        *copy = call;
        if (pthread_create(&thread, NULL, call_done, copy) != 0) abort();
        pthread_detach(thread);
    }
    return ok();
}
