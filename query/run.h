/* What the operators of one query share while it is evaluated.
 *
 * A query is set up by one thread (shapes, materialised operands, everything in its arena) and filled by many, each
 * with a task of its own. Errors that depend on data have a key (the node's place in the order of evaluation, step,
 * row); the smallest is reported, so that the answer does not depend on the threads. What ends a query at once (cancel,
 * deadline, budgets) is one word that everybody looks at between pieces of work.
 */
#ifndef VARVE_QUERY_RUN_H
#define VARVE_QUERY_RUN_H

#include "query/annotations.h"
#include "query/grid.h"
#include "query/pool.h"
#include "query/query.h"
#include "query/tile.h"

#include "storage/base/vec.h"

#include <pthread.h>

struct shape;

/* Why a query ends before its time. */
enum stop_reason {
    STOP_NOT,
    STOP_CANCELED,
    STOP_KILLED,
    STOP_TIMEOUT,
    STOP_SAMPLES,
    STOP_MEMORY,
    STOP_TOTAL_MEMORY,
    STOP_REFUSED_SAMPLES, /* known before it was evaluated that it can not fit */
    STOP_REFUSED_MEMORY
};

/* Where an error was found. */
struct error_key {
    uint32_t order, step, row;
};

/* An annotation about a row, whose metric name only the query's thread can look up. */
struct row_note {
    enum metric_note note;
    const struct node *node;
    const struct shape *shape;
    uint32_t row, occurrences;
};

/* A selection that serves all selectors with the same matchers and times. */
struct known_selection {
    struct known_selection *next;
    struct select_request request;
    struct selection *selection;
};

/* Ids of the label names that the language itself knows. */
struct known_ids {
    uint32_t name, type, unit, bucket; /* __name__, __type__, __unit__, le */
};

struct query {
    /* constant after query_prepare */
    struct engine *engine;
    struct query_request request; /* its text is a copy */
    struct node *tree;            /* NULL if it did not parse */
    struct grid grid;
    int64_t lookback_ms;
    int64_t prepared_ns, deadline_ns; /* on the monotonic clock; queueing counts */
    int64_t created_ms;
    unsigned features;
    uint64_t id; /* in the list of running queries */

    /* owned by the thread that runs the query; constant while operators are filled */
    struct snapshot *snapshot;
    struct arena arena;   /* shapes, stages, materialised operands */
    struct stage *stages; /* all that were planned, the newest first */
    struct known_ids ids;
    struct known_selection *selections; /* of the selectors seen so far */
    uint64_t refused;                   /* samples or bytes that are needed at least, if it was refused */
    struct query_stats stats;
    int64_t started_ns;
    struct writer *output;
    size_t output_count, series_count;
    enum value_type type;
    bool was_truncated, met_damage;
    double scalar;
    str string;
    str lines[2][ANNOTATION_LINES_MAX + SNAPSHOT_WARNINGS_MAX]; /* infos, warnings */
    size_t line_count[2];

    /* thread-safe */
    struct account account;
    struct pool_usage usage;
    struct annotations annotations;
    _Atomic int stop;                                                             /* enum stop_reason */
    _Atomic int phase;                                                            /* enum query_phase */
    _Atomic uint64_t samples_held, samples_peak, samples_read, samples_queryable; /* query/statistics.h */

    /* guarded by mutex */
    pthread_mutex_t mutex;
    struct arena text_arena; /* what lives until query_free: text, tree, error */
    struct task *tasks;      /* not in use now */
    enum query_error_kind error_kind;
    struct error_key error_key;
    str error;
    uint64_t *step_read, *step_queryable; /* by step; NULL if nobody asked */
    vec(struct row_note) row_notes;       /* annotations whose metric names are not known yet */

    /* guarded by the list of running queries */
    struct query *next, *previous;
};

/* What one thread needs to fill tiles. */
struct task {
    struct task *next;
    struct query *query;
    struct scratch scratch;
    struct scratch cells; /* histograms in tiles; given up as a whole, when nobody needs a tile of this task any more */
    struct arena kept;    /* histograms that live as long as the query is evaluated */
    struct column_buffer columns;
    size_t columns_bytes; /* charged for them */
    uint64_t walked;      /* elements since it asked whether the query may go on */
};

/* The parts of an engine that evaluation uses. */
struct active;
struct pool *engine_pool(struct engine *engine);
struct active *engine_active(struct engine *engine);

static inline bool query_has(const struct query *query, enum feature feature)
{
    return query->features & feature;
}

/* Reports an error of the evaluation; kept if its key is the smallest so far. Returns false. */
bool query_fail(struct query *query, struct error_key key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes an annotation about a row of a shape that lives as long as the evaluation. */
void query_note(struct query *query, const struct node *node, enum metric_note note, const struct shape *shape,
                uint32_t row, uint32_t occurrences);

/* Makes annotations of what was noted. */
void query_settle_notes(struct query *query);

/* Reports a failure of the storage. Returns false. */
bool query_fail_storage(struct query *query, status failure);

/* Ends the query soon; the first reason counts. */
void query_stop(struct query *query, enum stop_reason reason);

/* Ends the query because it can not fit; by its own thread, before anything is evaluated. */
void query_refuse(struct query *query, enum stop_reason reason, uint64_t least);

/* Whether the query may go on: false after an end that somebody called for, past the deadline or over a budget. To be
 * asked between tasks and every few thousand items of a loop. */
bool query_may_go_on(struct query *query);

/* Whether `bytes` more would stay in the budgets; ends the query if not. To be asked before a large piece is allocated.
 */
bool query_has_room(struct query *query, size_t bytes);

/* Counts samples and points that are held in memory, and gives them back. */
void query_hold(struct query *query, uint64_t count);
void query_let_go(struct query *query, uint64_t count);

/* Runs body for [0, count) on all threads that are free, each with its task. False when a call returned false or the
 * query has to end; then some calls may have been left out. */
bool query_for(struct query *query, uint32_t count, bool (*body)(void *context, struct task *task, uint32_t index),
               void *context);

/* A task for the calling thread. */
struct task *task_take(struct query *query);
void task_give(struct task *task);

/* Whether a loop may go on that is about to walk `count` elements: asks about the query now and then. */
static inline bool task_goes_on(struct task *task, size_t count)
{
    enum { WALK = 1 << 18 };

    if ((task->walked += count) < WALK) return true;
    task->walked = 0;
    return query_may_go_on(task->query);
}

/* Whether there is room for what a row of `steps` needs beside its tile: a window plan and what kernels make. Asked
 * only of long rows. */
static inline bool task_has_room(struct task *task, size_t steps)
{
    enum { LONG_ROW = 16384, STEP_BYTES = 32 };

    return steps < LONG_ROW || query_has_room(task->query, steps * STEP_BYTES);
}

/* Reads the samples of a row; they are held against the limit while they are read. Valid until the task reads again. */
bool task_read(struct task *task, const struct selection *selection, uint32_t row, samples *out);

/* What samples count for against a limit: a histogram for more than one. */
uint64_t samples_weight(const samples *column);

/* Some of the samples of a column, in scratch memory; out may be from. */
void samples_pick(const samples *from, struct scratch *scratch,
                  bool (*keeps)(const void *context, const samples *column, size_t i), const void *context,
                  samples *out);

/* Whether any value is a stale marker. */
bool values_have_stale(const double *values, size_t count);

/* Replaces the column by one without stale markers, if it has any; in scratch memory. */
void task_remove_stale(struct task *task, samples *column);

#endif
