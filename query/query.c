/* Engines and the life of a query; see query.h. */
#include "query/query.h"

#include "query/active.h"
#include "query/cost.h"
#include "query/duration_value.h"
#include "query/metrics.h"
#include "query/parse.h"
#include "query/plan.h"
#include "query/result.h"
#include "query/statistics.h"
#include "storage/base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

struct engine {
    /* constant after open */
    struct db *db;
    struct engine_options options;
    struct pool *pool;
    struct account account; /* all queries together */
    struct active active;
};

struct engine_options engine_options_default(void)
{
    return (struct engine_options){.lookback_ms = 5 * 60 * 1000,
                                   .subquery_step_ms = 60 * 1000,
                                   .timeout_ms = 2 * 60 * 1000,
                                   .samples_max = 50000000,
                                   .query_bytes_max = 128 << 20,
                                   .total_bytes_max = 256 << 20,
                                   .concurrency_max = 20,
                                   .queue_max = 200,
                                   .text_bytes_max = PARSE_TEXT_MAX};
}

status engine_open(struct db *db, const struct engine_options *options, struct engine **out)
{
    struct engine *engine = memory_zalloc(sizeof *engine);

    engine->db = db;
    engine->options = *options;
    if (engine->options.threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        engine->options.threads = cores > 1 ? (uint32_t)cores : 1;
    }
    account_init(&engine->account, options->total_bytes_max, NULL);
    active_init(&engine->active);
    engine->pool = pool_open(engine->options.threads, options->concurrency_max, options->queue_max);
    *out = engine;
    return ok();
}

void engine_close(struct engine *engine)
{
    if (!engine) return;
    active_cancel(&engine->active);
    pool_close(engine->pool);
    active_release(&engine->active);
    free(engine);
}

const struct engine_options *engine_get_options(const struct engine *engine)
{
    return &engine->options;
}

struct pool *engine_pool(struct engine *engine)
{
    return engine->pool;
}

struct active *engine_active(struct engine *engine)
{
    return &engine->active;
}

bool engine_submit(struct engine *engine, void (*job)(void *context), void *context)
{
    return pool_submit(engine->pool, job, context);
}

static void set_error(struct query *query, enum query_error_kind kind, str message)
{
    query->error_kind = kind;
    query->error = message;
}

static bool make_grid(struct query *query)
{
    const struct query_request *request = &query->request;

    if (!request->is_range) {
        query->grid = (struct grid){request->start_ms, 1, 1};
        return true;
    }
    if (request->step_ms <= 0 || request->end_ms < request->start_ms) {
        set_error(query, QUERY_BAD_DATA, STR("a range query needs a positive step and an end not before its start"));
        return false;
    }
    uint64_t span_ms = (uint64_t)request->end_ms - (uint64_t)request->start_ms; /* the whole of time fits */
    uint64_t steps = span_ms / (uint64_t)request->step_ms;
    if (steps < UINT64_MAX) steps++;
    if (steps > UINT32_MAX / 2) {
        set_error(query, QUERY_BAD_DATA,
                  arena_format(&query->text_arena, "a range query of %llu steps is too long",
                               (unsigned long long)steps));
        return false;
    }
    query->grid = (struct grid){request->start_ms, request->step_ms, (uint32_t)steps};
    return true;
}

static bool parse(struct query *query)
{
    struct parse_error error = {0};
    uint64_t most = query->engine->options.text_bytes_max;
    str message;

    if (query->request.text.len > most) {
        set_error(query, QUERY_BAD_DATA,
                  arena_format(&query->text_arena, "the query has %zu bytes, --query.max-length allows %llu",
                               query->request.text.len, (unsigned long long)most));
        return false;
    }
    query->tree = parse_query(query->request.text, query->features, &query->text_arena, &error);
    if (!query->tree) {
        set_error(query, QUERY_BAD_DATA, parse_error_text(&error, &query->text_arena));
        return false;
    }
    query->type = query->tree->type;
    if (query->request.is_range && query->type != VALUE_SCALAR && query->type != VALUE_VECTOR) {
        str name = value_type_name(query->type);
        set_error(query, QUERY_BAD_DATA,
                  arena_format(&query->text_arena,
                               "invalid expression type \"%.*s\" for range query, must be Scalar or instant Vector",
                               STR_ARG(name)));
        return false;
    }
    if (!duration_values_check(query, &query->text_arena, &message)) {
        set_error(query, QUERY_BAD_DATA, message);
        return false;
    }
    return true;
}

static double seconds_since(int64_t since_ns)
{
    return (double)(clock_monotonic_ns() - since_ns) / 1e9;
}

struct query *query_prepare(struct engine *engine, const struct query_request *request)
{
    struct query *query = memory_zalloc(sizeof *query);
    const struct engine_options *options = &engine->options;
    int64_t timeout = options->timeout_ms;

    query->engine = engine;
    query->prepared_ns = request->arrived_ns ? request->arrived_ns : clock_monotonic_ns();
    query->created_ms = clock_now_ms();
    query->request = *request;
    query->features = options->features;
    query->lookback_ms = request->lookback_ms ? request->lookback_ms : options->lookback_ms;
    if (request->timeout_ms && request->timeout_ms < timeout) timeout = request->timeout_ms;
    query->deadline_ns = query->prepared_ns + timeout * 1000000;
    account_init(&query->account, options->query_bytes_max, &engine->account);
    pthread_mutex_init(&query->mutex, NULL);
    arena_init(&query->text_arena, &query->account);
    annotations_init(&query->annotations);
    query->request.text = arena_copy_str(&query->text_arena, request->text);
    query->request.client = arena_copy_str(&query->text_arena, request->client);
    query->stats.queue_seconds = seconds_since(query->prepared_ns);
    active_add(&engine->active, query);
    if (make_grid(query)) parse(query);
    return query;
}

static void free_tasks(struct query *query)
{
    while (query->tasks) {
        struct task *task = query->tasks;
        query->tasks = task->next;
        scratch_release(&task->scratch);
        scratch_release(&task->cells);
        arena_release(&task->kept);
        column_buffer_release(&task->columns);
        account_return(&query->account, task->columns_bytes);
        free(task);
    }
}

static void free_output(struct query *query)
{
    for (size_t i = 0; i < query->output_count; i++) {
        account_return(&query->account, query->output[i].capacity);
        writer_release(&query->output[i]);
    }
    free(query->output);
    query->output = NULL;
    query->output_count = query->series_count = 0;
}

void query_free(struct query *query)
{
    if (!query) return;
    active_remove(&query->engine->active, query);
    free_output(query);
    arena_release(&query->text_arena);
    annotations_release(&query->annotations);
    pthread_mutex_destroy(&query->mutex);
    free(query);
}

void query_cancel(struct query *query)
{
    query_stop(query, STOP_CANCELED);
}

static void intern_known(struct query *query)
{
    query->ids = (struct known_ids){.name = snapshot_intern(query->snapshot, METRIC_NAME),
                                    .type = snapshot_intern(query->snapshot, STR("__type__")),
                                    .unit = snapshot_intern(query->snapshot, STR("__unit__")),
                                    .bucket = snapshot_intern(query->snapshot, STR("le"))};
}

/* A scalar of an instant query is no series. */
static bool run_scalar(struct query *query, struct stage *root)
{
    struct column column;

    if (!stage_column(root, query, &column)) return false;
    query->scalar = column.values[0];
    return true;
}

/* A range vector as the result: raw samples, or the points of a subquery. */
static bool run_range(struct query *query, struct rendering *rendering)
{
    struct plan plan = {.query = query, .grid = query->grid};
    struct feed *feed = arena_alloc(&query->arena, sizeof *feed);

    plan_feed(&plan, query->tree, feed);
    if (feed->points && query_has(query, FEATURE_DELAYED_NAME_REMOVAL)) {
        plan.grid = feed->points->grid;
        feed->points = plan_cleanup(&plan, feed->points);
    }
    return feed_open(feed, query) && result_range(rendering, feed);
}

static bool run_tree(struct query *query, struct rendering *rendering)
{
    query->phase = QUERY_EVALUATING;
    if (query->type == VALUE_STRING) {
        query->string = ast_unwrap(query->tree)->string;
        return true;
    }
    if (query->type == VALUE_MATRIX) return run_range(query, rendering);
    struct stage *root = plan_query(query);
    query->stats.prepare_seconds = seconds_since(query->started_ns);
    if (query->type == VALUE_SCALAR && !query->request.is_range) return run_scalar(query, root);
    if (!stage_open(root, query)) return false;
    if (query->request.is_range) query->type = VALUE_MATRIX;
    return query->grid.steps == 1 && !query->request.is_range ? result_vector(rendering, root)
                                                              : result_matrix(rendering, root);
}

#define TOO_MANY_SAMPLES "query processing would load too many samples into memory in query execution"

/* Says why the query was ended, which counts for more than what it found until then. */
static void report_stop(struct query *query)
{
    const struct engine_options *options = &query->engine->options;
    struct arena *arena = &query->text_arena;
    uint64_t limit = options->query_bytes_max;
    if (options->total_bytes_max && (limit == 0 || options->total_bytes_max < limit)) limit = options->total_bytes_max;
    unsigned long long query_mib = limit >> 20;

    switch ((enum stop_reason)query->stop) {
    case STOP_CANCELED: set_error(query, QUERY_CANCELED, STR("query was canceled in expression evaluation")); return;
    case STOP_KILLED:
        set_error(query, QUERY_CANCELED, STR("query was killed in expression evaluation, by an administrator"));
        return;
    case STOP_TIMEOUT: set_error(query, QUERY_TIMEOUT, STR("query timed out in expression evaluation")); return;
    case STOP_SAMPLES: set_error(query, QUERY_EXECUTION, STR(TOO_MANY_SAMPLES)); return;
    case STOP_MEMORY:
        set_error(query, QUERY_EXECUTION,
                  arena_format(arena,
                               "query needs more than the %llu MiB of memory that --query.memory allows; ask for fewer "
                               "series or steps, or raise the limit",
                               query_mib));
        return;
    case STOP_TOTAL_MEMORY:
        set_error(query, QUERY_OVERLOAD,
                  arena_format(arena,
                               "all queries together need more than the %llu MiB of memory that --query.total-memory "
                               "allows; try again later",
                               (unsigned long long)options->total_bytes_max >> 20));
        return;
    case STOP_REFUSED_SAMPLES:
        set_error(query, QUERY_EXECUTION,
                  arena_format(arena, TOO_MANY_SAMPLES ": at least %llu, --query.max-samples allows %llu",
                               (unsigned long long)query->refused, (unsigned long long)options->samples_max));
        return;
    case STOP_REFUSED_MEMORY:
        set_error(query, QUERY_EXECUTION,
                  arena_format(arena, "query needs at least %llu MiB of memory, --query.memory allows %llu MiB",
                               ((unsigned long long)query->refused >> 20) + 1, query_mib));
        return;
    case STOP_NOT: return;
    }
}

/* Parts without a byte are left out. */
static void pack_output(struct query *query)
{
    size_t kept = 0;

    for (size_t i = 0; i < query->output_count; i++) {
        if (query->output[i].count) {
            query->output[kept++] = query->output[i];
        } else {
            account_return(&query->account, query->output[i].capacity);
            writer_release(&query->output[i]);
        }
    }
    query->output_count = kept;
}

/* What the storage left out is told behind the warnings of the evaluation. */
static void tell_damage(struct query *query)
{
    str lines[SNAPSHOT_WARNINGS_MAX];
    size_t count = snapshot_warnings(query->snapshot, lines);

    for (size_t i = 0; i < count; i++)
        query->lines[1][query->line_count[1]++] = arena_copy_str(&query->text_arena, lines[i]);
    query->met_damage = query->error_kind == QUERY_INTERNAL && snapshot_met_damage(query->snapshot);
}

/* All that evaluation needed goes before anybody waits for a client. */
static void finish(struct query *query)
{
    const str *text = query->request.without_positions ? NULL : &query->request.text;

    query->phase = QUERY_ANSWERING;
    stage_settle_error(query);
    query_settle_notes(query);
    if (query->stop != STOP_NOT) report_stop(query);
    if (query->error_kind == QUERY_OK) {
        pack_output(query);
    } else {
        free_output(query);
    }
    for (int warnings = 0; warnings < 2; warnings++)
        query->line_count[warnings] = annotations_print(&query->annotations, warnings, text, query->lines[warnings]);
    free_tasks(query);
    arena_release(&query->arena);
    tell_damage(query);
    snapshot_release(query->snapshot);
    query->snapshot = NULL;
    query->stats.eval_seconds = seconds_since(query->started_ns);
    query->stats.total_seconds = seconds_since(query->prepared_ns);
    query->stats.samples_queryable = query->samples_queryable;
    query->stats.samples_read = query->samples_read;
    query->stats.step_queryable = query->step_queryable;
    query->stats.step_read = query->step_read;
    query->stats.start_ms = query->grid.start_ms;
    query->stats.step_ms = query->grid.step_ms;
    query->stats.steps = query->grid.steps;
    query->stats.samples_peak = query->samples_peak;
}

static void count_outcome(const struct query *query)
{
    const struct query_stats *stats = &query->stats;

    metric_observe(&metric_query_seconds, (int64_t)(stats->eval_seconds * 1e9));
    metric_observe(&metric_query_queue_seconds, (int64_t)(stats->queue_seconds * 1e9));
    metric_observe(&metric_query_prepare_seconds, (int64_t)(stats->prepare_seconds * 1e9));
    metric_observe(&metric_query_evaluate_seconds, (int64_t)((stats->eval_seconds - stats->prepare_seconds) * 1e9));
    metric_add(&metric_query_samples_queryable, (int64_t)query->stats.samples_queryable);
    metric_add(&metric_query_samples, (int64_t)query->stats.samples_read);
    metric_add(query->error_kind == QUERY_OK ? &metric_queries_ok
               : query->stop != STOP_NOT     ? &metric_queries_ended
                                             : &metric_queries_failed,
               1);
}

/* On the snapshot that the evaluation will see. */
static void start(struct query *query)
{
    query->phase = QUERY_ESTIMATING;
    query->started_ns = clock_monotonic_ns();
    arena_init(&query->arena, &query->account);
    query->snapshot = db_snapshot(query->engine->db, &query->account);
    snapshot_tolerate_damage(query->snapshot);
    intern_known(query);
}

bool query_explain(struct query *query, struct query_cost *out)
{
    *out = (struct query_cost){0};
    if (query->error_kind != QUERY_OK) return false;
    start(query);
    bool done = cost_estimate(query, true, out);
    if (done) cost_check(query, out);
    finish(query);
    return done;
}

void query_run(struct query *query, void (*render)(void *context, const struct result_part *part, struct writer *out),
               void *context)
{
    struct rendering rendering = {query, render, context};
    struct query_cost cost;

    if (query->error_kind != QUERY_OK) return;
    metric_add(&metric_queries_running, 1);
    start(query);
    statistics_init(query);
    bool done = query_may_go_on(query) && cost_estimate(query, false, &cost) && cost_check(query, &cost) &&
                run_tree(query, &rendering) && query_may_go_on(query);
    assert(done || query->stop != STOP_NOT || query->error_kind != QUERY_OK);
    (void)done;
    finish(query);
    count_outcome(query);
    metric_add(&metric_queries_running, -1);
}

enum query_error_kind query_error_kind(const struct query *query)
{
    return query->error_kind;
}

str query_error(const struct query *query)
{
    return query->error;
}

enum value_type query_type(const struct query *query)
{
    return query->type;
}

size_t query_output_count(const struct query *query)
{
    return query->output_count;
}

str query_output(const struct query *query, size_t index)
{
    return str_make((const char *)query->output[index].data, query->output[index].count);
}

size_t query_series_count(const struct query *query)
{
    return query->series_count;
}

bool query_was_truncated(const struct query *query)
{
    return query->was_truncated;
}

double query_scalar(const struct query *query)
{
    return query->scalar;
}

int64_t query_time_ms(const struct query *query)
{
    return query->request.start_ms;
}

str query_string(const struct query *query)
{
    return query->string;
}

str query_label(const struct query *query, uint32_t id)
{
    return snapshot_string(query->snapshot, id);
}

bool query_met_damage(const struct query *query)
{
    return query->met_damage;
}

size_t query_warning_count(const struct query *query)
{
    return query->line_count[1];
}

str query_warning(const struct query *query, size_t index)
{
    return query->lines[1][index];
}

size_t query_info_count(const struct query *query)
{
    return query->line_count[0];
}

str query_info(const struct query *query, size_t index)
{
    return query->lines[0][index];
}

struct query_stats query_get_stats(const struct query *query)
{
    return query->stats;
}
