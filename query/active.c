/* Running queries; see active.h. */
#include "query/active.h"

#include "query/run.h"
#include "storage/base/clock.h"

void active_init(struct active *active)
{
    *active = (struct active){0};
    pthread_mutex_init(&active->mutex, NULL);
}

void active_release(struct active *active)
{
    pthread_mutex_destroy(&active->mutex);
}

void active_add(struct active *active, struct query *query)
{
    pthread_mutex_lock(&active->mutex);
    query->id = ++active->last_id;
    query->next = active->first;
    if (active->first) active->first->previous = query;
    active->first = query;
    pthread_mutex_unlock(&active->mutex);
}

void active_remove(struct active *active, struct query *query)
{
    pthread_mutex_lock(&active->mutex);
    if (query->next) query->next->previous = query->previous;
    *(query->previous ? &query->previous->next : &active->first) = query->next;
    pthread_mutex_unlock(&active->mutex);
}

void active_cancel(struct active *active)
{
    pthread_mutex_lock(&active->mutex);
    for (struct query *query = active->first; query; query = query->next) query_stop(query, STOP_CANCELED);
    pthread_mutex_unlock(&active->mutex);
}

static const char *phase_name(enum query_phase phase)
{
    switch (phase) {
    case QUERY_PARSING: return "parsing";
    case QUERY_ESTIMATING: return "estimating";
    case QUERY_EVALUATING: return "evaluating";
    case QUERY_ANSWERING: return "answering";
    }
    return "";
}

void engine_visit_queries(struct engine *engine, void (*visit)(void *context, const struct query_activity *activity),
                          void *context)
{
    struct active *active = engine_active(engine);

    pthread_mutex_lock(&active->mutex);
    for (const struct query *query = active->first; query; query = query->next) {
        struct query_activity activity = {.id = query->id,
                                          .request = &query->request,
                                          .started_ms = query->created_ms,
                                          .seconds = (double)(clock_monotonic_ns() - query->prepared_ns) / 1e9,
                                          .samples = query->samples_read,
                                          .bytes = query->account.used_bytes,
                                          .phase = phase_name((enum query_phase)query->phase)};
        visit(context, &activity);
    }
    pthread_mutex_unlock(&active->mutex);
}

bool engine_kill_query(struct engine *engine, uint64_t id)
{
    struct active *active = engine_active(engine);
    struct query *query;

    pthread_mutex_lock(&active->mutex);
    for (query = active->first; query && query->id != id; query = query->next) {}
    if (query) query_stop(query, STOP_KILLED);
    pthread_mutex_unlock(&active->mutex);
    return query != NULL;
}
