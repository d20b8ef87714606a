/* Queries: the public entry of the query layer.
 *
 * An engine belongs to one db and has a pool of workers. A query is prepared (parsed, checked, planned on a snapshot)
 * and run on a worker; its result is complete before anything of it is handed on. All memory of a query is charged to
 * one account and goes with query_free.
 */
#ifndef VARVE_QUERY_QUERY_H
#define VARVE_QUERY_QUERY_H

#include "query/ast.h"
#include "query/features.h"
#include "storage/base/bytes.h"
#include "tsdb/snapshot.h"

struct db;
struct engine;
struct query;

struct engine_options {
    int64_t lookback_ms;      /* how old the newest sample of an instant vector may be; default 5 min */
    int64_t subquery_step_ms; /* of subqueries without a step; default 1 min */
    int64_t timeout_ms;       /* default 2 min */
    uint64_t samples_max;     /* samples and points held at one time; default 50 million */
    uint64_t query_bytes_max; /* memory of one query; default 128 MiB */
    uint64_t total_bytes_max; /* memory of all queries together; default 256 MiB */
    uint32_t concurrency_max; /* queries evaluated at a time, others wait; default 20 */
    uint32_t queue_max;       /* queries waiting; default 200 */
    uint64_t text_bytes_max;  /* of a query; default and most PARSE_TEXT_MAX */
    uint32_t threads;         /* workers; 0: one a core */
    unsigned features;        /* query/features.h */
};

struct engine_options engine_options_default(void);
status engine_open(struct db *db, const struct engine_options *options, struct engine **out);

/* Cancels what runs, waits for the workers, frees. */
void engine_close(struct engine *engine);

const struct engine_options *engine_get_options(const struct engine *engine);

/* Runs job(context) on a worker of the engine. False when the queue is full: answer 503 and Retry-After at once. */
bool engine_submit(struct engine *engine, void (*job)(void *context), void *context);

enum query_error_kind {
    QUERY_OK,
    QUERY_BAD_DATA,  /* 400: does not parse, types, parameters */
    QUERY_EXECUTION, /* 422: failed while it was evaluated */
    QUERY_CANCELED,  /* 499 */
    QUERY_TIMEOUT,   /* 503 */
    QUERY_OVERLOAD,  /* 503: no memory for it now */
    QUERY_INTERNAL   /* 500: storage failed */
};

struct query_request {
    str text;
    bool is_range;
    int64_t start_ms, end_ms, step_ms; /* instant: start is the time, end and step are ignored */
    int64_t lookback_ms;               /* 0: the engine's */
    int64_t timeout_ms;                /* 0: the engine's; can only shorten it */
    uint64_t limit;                    /* series in the result; 0: all */
    int64_t arrived_ns;                /* on the monotonic clock; since then it waited for a worker; 0: now */
    str client;                        /* who asks, for the list of running queries; may be empty */
    bool wants_step_stats;             /* statistics by step, if FEATURE_PER_STEP_STATS is on */
    bool without_positions;            /* annotations do not say where in the query; for test scripts */
};

/* What a query that has not ended is doing. Valid during the visit. */
struct query_activity {
    uint64_t id;
    const struct query_request *request;
    int64_t started_ms; /* wall clock */
    double seconds;     /* since it arrived */
    uint64_t samples;   /* read so far */
    uint64_t bytes;     /* held now */
    const char *phase;  /* "parsing", "estimating", "evaluating", "answering" */
};

/* Shows all, the newest first. Nothing can start or end meanwhile. */
void engine_visit_queries(struct engine *engine, void (*visit)(void *context, const struct query_activity *activity),
                          void *context);

/* Ends a query with the error that it was killed. False if there is none of this id. */
bool engine_kill_query(struct engine *engine, uint64_t id);

/* Parses and checks; keeps a copy of the text. Always returns a query; look at query_error_kind. */
struct query *query_prepare(struct engine *engine, const struct query_request *request);
void query_free(struct query *query);

/* Ends the query soon, from any thread. */
void query_cancel(struct query *query);

enum query_error_kind query_error_kind(const struct query *query);
str query_error(const struct query *query); /* the message, e.g. "1:5: parse error: …" */

/* Some consecutive series of the result, in the result's order. */
struct result_series {
    const struct label_id *labels; /* sorted by name as bytes */
    size_t label_count;
    size_t point_count; /* > 0 */
    const int64_t *times_ms;
    const double *values;
    const struct histogram *const *histograms; /* native ones; NULL where a point is a float; NULL: all are */
};

struct result_part {
    const struct query *query;
    const struct result_series *series;
    size_t series_count;
};

/* Evaluates. For vectors and matrices render() is called with parts of the result, by several workers at a time, and
 * appends what it makes of a part to `out`; afterwards *output holds these bytes in the result's order. */
void query_run(struct query *query, void (*render)(void *context, const struct result_part *part, struct writer *out),
               void *context);

/* Instead of query_run: what it would take (query/cost.h). False if the query ended with an error before that was
 * known; else an error says why it would be refused. The costs live as long as the query. */
struct query_cost;
bool query_explain(struct query *query, struct query_cost *out);

/* After query_run. */
enum value_type query_type(const struct query *query);
size_t query_output_count(const struct query *query);
str query_output(const struct query *query, size_t index); /* bytes of one part; never empty */
size_t query_series_count(const struct query *query);
bool query_was_truncated(const struct query *query); /* by the request's limit */
double query_scalar(const struct query *query);
int64_t query_time_ms(const struct query *query); /* of a scalar or string */
str query_string(const struct query *query);

/* The text of a label id in a result. */
str query_label(const struct query *query, uint32_t id);

/* Whether the query failed because the labels of a series are damaged: a new query will do without that block. */
bool query_met_damage(const struct query *query);

/* Warnings and infos as the API shows them, with positions, at most 10 of each and then a line that counts the rest;
 * behind them warnings of data that is damaged and was left out. */
size_t query_warning_count(const struct query *query);
str query_warning(const struct query *query, size_t index);
size_t query_info_count(const struct query *query);
str query_info(const struct query *query, size_t index);

struct query_stats {
    double prepare_seconds, eval_seconds, queue_seconds, total_seconds;
    uint64_t samples_queryable, samples_read, samples_peak; /* see query/statistics.h for the first two */
    const uint64_t *step_queryable, *step_read;             /* of each step; NULL: not counted */
    int64_t start_ms, step_ms;
    size_t steps;
};
struct query_stats query_get_stats(const struct query *query);

#endif
