/* Stand-ins for the layers below http; see fakes.h. */
#include "tests/http/fakes.h"

#include "http/workers.h"
#include "storage/base/clock.h"
#include "tsdb/check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake fake = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct kept_done {
    void (*done)(void *context, status outcome);
    void *context;
    status outcome;
};

static vec(struct kept_done) kept; /* guarded by fake.mutex */

void fake_reset(void)
{
    pthread_mutex_lock(&fake.mutex);
    fake.done = FAKE_DONE_INSIDE;
    fake.append_status = fake.outcome = ok();
    fake.result = (struct append_result){0};
    fake.engine_is_full = false;
    fake.series.count = fake.metadata.count = 0;
    fake.appends = fake.cancels = 0;
    arena_release(&fake.arena);
    pthread_mutex_unlock(&fake.mutex);
}

void fake_release_appends(void)
{
    pthread_mutex_lock(&fake.mutex);
    struct kept_done *calls = kept.data;
    size_t count = kept.count;
    kept.data = NULL;
    kept.count = kept.capacity = 0;
    pthread_mutex_unlock(&fake.mutex);
    for (size_t i = 0; i < count; i++) calls[i].done(calls[i].context, calls[i].outcome);
    free(calls);
}

static void record(const struct append_batch *batch)
{
    for (size_t i = 0; i < batch->series_count; i++) {
        const struct append_series *series = &batch->series[i];
        vec_push(&fake.series, (struct fake_series){arena_copy_str(&fake.arena, series->labels), series->count,
                                                    batch->times_ms[series->first], batch->values[series->first]});
    }
    for (size_t i = 0; i < batch->metadata_count; i++) {
        struct append_metadata entry = batch->metadata[i];
        entry.metric = arena_copy_str(&fake.arena, entry.metric);
        entry.help = arena_copy_str(&fake.arena, entry.help);
        entry.unit = arena_copy_str(&fake.arena, entry.unit);
        vec_push(&fake.metadata, entry);
    }
}

static void *call_done(void *context)
{
    struct kept_done *call = context;

    call->done(call->context, call->outcome);
    free(call);
    return NULL;
}

status db_append(struct db *db, const struct append_batch *batch, struct append_result *result,
                 void (*done)(void *context, status outcome), void *context)
{
    (void)db;
    pthread_mutex_lock(&fake.mutex);
    status s = fake.append_status;
    struct kept_done call = {done, context, fake.outcome};
    enum fake_done how = fake.done;
    fake.appends++;
    if (!failed(s)) {
        record(batch);
        *result = fake.result;
        result->stored = batch->sample_count;
        for (int i = 0; i < APPEND_REASON_COUNT; i++) result->stored -= result->rejected[i];
        if (how == FAKE_DONE_NEVER) vec_push(&kept, call);
    }
    pthread_mutex_unlock(&fake.mutex);
    if (failed(s)) return s;
    if (how == FAKE_DONE_INSIDE) done(context, call.outcome);
    if (how == FAKE_DONE_THREAD) {
        struct kept_done *copy = memory_alloc(sizeof *copy);
        pthread_t thread;
        *copy = call;
        if (pthread_create(&thread, NULL, call_done, copy) != 0) abort();
        pthread_detach(thread);
    }
    return ok();
}

void db_metadata(struct db *db, str metric, void (*each)(void *context, const struct append_metadata *entry),
                 void *context)
{
    static const struct append_metadata entries[] = {
        {METRIC_COUNTER, STR("http_requests_total"), STR("All \"requests\"."), STR("")},
        {METRIC_GAUGE_HISTOGRAM, STR("sizes"), STR(""), STR("bytes")},
        {METRIC_GAUGE, STR("up"), STR("Whether it is."), STR("")},
    };

    (void)db;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (metric.len == 0 || str_equal(metric, entries[i].metric)) each(context, &entries[i]);
    }
}

void db_stats(struct db *db, struct db_stats *out)
{
    (void)db;
    *out = (struct db_stats){
        .head_series = 3, .label_pairs = 5, .head_chunks = 3, .head_min_ms = 1000, .head_max_ms = 2000};
}

void db_cardinality(struct db *db, size_t limit, struct cardinality_report *out, struct arena *arena)
{
    (void)db;
    *out = (struct cardinality_report){.series_by_metric = arena_array(arena, struct cardinality, 1)};
    out->series_by_metric[0] = (struct cardinality){STR("up"), 2};
    out->series_by_metric_count = limit ? 1 : 0;
}

/* Three series, as text pairs. */
enum { FAKE_SERIES = 3 };
static const label fake_labels[FAKE_SERIES][3] = {
    {{STR("__name__"), STR("up")}, {STR("instance"), STR("b")}, {STR("job"), STR("node")}},
    {{STR("__name__"), STR("up")}, {STR("instance"), STR("a")}, {STR("job"), STR("node")}},
    {{STR("__name__"), STR("http_requests_total")}, {STR("a.b/c"), STR("\"x\"")}, {STR("job"), STR("api")}},
};

struct snapshot {
    struct arena arena;
    vec(str) strings;
};

struct selection {
    struct snapshot *snapshot;
    size_t rows[FAKE_SERIES];
    uint32_t count;
};

struct snapshot *db_snapshot(struct db *db, struct account *account)
{
    struct snapshot *snapshot = memory_zalloc(sizeof *snapshot);

    (void)db;
    arena_init(&snapshot->arena, account);
    vec_push(&snapshot->strings, STR(""));
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    vec_release(&snapshot->strings);
    arena_release(&snapshot->arena);
    free(snapshot);
}

struct arena *snapshot_arena(struct snapshot *snapshot)
{
    return &snapshot->arena;
}

static uint32_t intern(struct snapshot *snapshot, str text)
{
    for (size_t i = 0; i < snapshot->strings.count; i++) {
        if (str_equal(snapshot->strings.data[i], text)) return (uint32_t)i;
    }
    vec_push(&snapshot->strings, text);
    return (uint32_t)snapshot->strings.count - 1;
}

str snapshot_string(const struct snapshot *snapshot, uint32_t id)
{
    return snapshot->strings.data[id];
}

static str label_of(size_t row, str name)
{
    for (size_t i = 0; i < 3; i++) {
        if (str_equal(fake_labels[row][i].name, name)) return fake_labels[row][i].value;
    }
    return STR("");
}

static bool row_matches(size_t row, const struct select_request *request)
{
    for (size_t i = 0; i < request->matcher_count; i++) {
        if (!matcher_matches(&request->matchers[i], label_of(row, request->matchers[i].name))) return false;
    }
    return request->to_ms >= 1000; /* all samples are from then on */
}

status snapshot_select(struct snapshot *snapshot, const struct select_request *request, struct selection **out)
{
    struct selection *selection = arena_zalloc(&snapshot->arena, sizeof *selection);

    selection->snapshot = snapshot;
    for (size_t i = 0; i < FAKE_SERIES; i++) {
        if (row_matches(i, request)) selection->rows[selection->count++] = i;
    }
    *out = selection;
    return ok();
}

uint32_t selection_count(const struct selection *selection)
{
    return selection->count;
}

status selection_label_pairs(struct selection *selection, uint32_t row, struct label_id *pairs, size_t *count)
{
    for (size_t i = 0; i < 3; i++) {
        const label *pair = &fake_labels[selection->rows[row]][i];
        pairs[i] = (struct label_id){intern(selection->snapshot, pair->name), intern(selection->snapshot, pair->value)};
    }
    *count = 3;
    return ok();
}

static int compare(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

static status list(struct snapshot *snapshot, str name, const struct select_request *request, size_t limit, str **out,
                   size_t *count, bool *truncated)
{
    str *all = arena_array(&snapshot->arena, str, 3 * FAKE_SERIES);
    size_t found = 0, kept_count = 0;

    if (name.len && str_equal(name, STR("broken"))) return status_make(STATUS_CORRUPT, "index page 7 is damaged");
    for (size_t i = 0; i < FAKE_SERIES; i++) {
        if (!row_matches(i, request)) continue;
        for (size_t j = 0; j < 3; j++) {
            if (name.len == 0)
                all[found++] = fake_labels[i][j].name;
            else if (str_equal(fake_labels[i][j].name, name))
                all[found++] = fake_labels[i][j].value;
        }
    }
    qsort(all, found, sizeof *all, compare);
    for (size_t i = 0; i < found; i++) {
        if (kept_count == 0 || !str_equal(all[kept_count - 1], all[i])) all[kept_count++] = all[i];
    }
    *truncated = limit && kept_count > limit;
    *count = *truncated ? limit : kept_count;
    *out = all;
    return ok();
}

status snapshot_label_names(struct snapshot *snapshot, const struct select_request *request, size_t limit, str **out,
                            size_t *count, bool *truncated)
{
    return list(snapshot, STR(""), request, limit, out, count, truncated);
}

status snapshot_label_values(struct snapshot *snapshot, str name, const struct select_request *request, size_t limit,
                             str **out, size_t *count, bool *truncated)
{
    return list(snapshot, name, request, limit, out, count, truncated);
}

struct engine {
    struct workers *pool;
    struct engine_options options;
};

struct engine_options engine_options_default(void)
{
    return (struct engine_options){.lookback_ms = 300000, .timeout_ms = 120000, .query_bytes_max = 128 << 20};
}

status engine_open(struct db *db, const struct engine_options *options, struct engine **out)
{
    struct engine *engine = memory_zalloc(sizeof *engine);

    (void)db;
    engine->options = *options;
    *out = engine;
    return workers_open("fake-query", 2, 16, &engine->pool);
}

void engine_close(struct engine *engine)
{
    workers_close(engine->pool);
    free(engine);
}

struct engine *fake_engine(void)
{
    struct engine_options options = engine_options_default();
    struct engine *engine = NULL;

    if (failed(engine_open(NULL, &options, &engine))) abort();
    return engine;
}

const struct engine_options *engine_get_options(const struct engine *engine)
{
    return &engine->options;
}

bool engine_submit(struct engine *engine, void (*job)(void *context), void *context)
{
    pthread_mutex_lock(&fake.mutex);
    bool is_full = fake.engine_is_full;
    pthread_mutex_unlock(&fake.mutex);
    return !is_full && workers_submit(engine->pool, job, context);
}

/* A query whose text says what comes of it:
 *
 *     scalar, string       that value
 *     vector               two series, a warning and an info
 *     matrix               one series with three points off any grid
 *     range N M            N series with M points of the request's grid
 *     bad, exec, internal, overload, timeout     that error
 *     slow                 runs until it is canceled, at most ten seconds
 */
struct query {
    struct query_request request;
    struct arena arena;
    enum query_error_kind kind;
    str error;
    enum value_type type;
    struct writer outputs[2];
    size_t output_count;
    _Atomic bool canceled;
};

static bool says(const struct query *query, const char *word)
{
    return str_starts_with(query->request.text, str_from(word));
}

struct query *query_prepare(struct engine *engine, const struct query_request *request)
{
    struct query *query = memory_zalloc(sizeof *query);

    (void)engine;
    query->request = *request;
    query->request.text = arena_copy_str(&query->arena, request->text);
    query->type = says(query, "scalar") ? VALUE_SCALAR : says(query, "string") ? VALUE_STRING : VALUE_VECTOR;
    if (says(query, "matrix")) query->type = VALUE_MATRIX;
    if (says(query, "bad")) {
        query->kind = QUERY_BAD_DATA;
        query->error = STR("1:5: parse error: unexpected \"<bad>\"");
    }
    return query;
}

void query_free(struct query *query)
{
    for (size_t i = 0; i < 2; i++) writer_release(&query->outputs[i]);
    arena_release(&query->arena);
    free(query);
}

void query_cancel(struct query *query)
{
    pthread_mutex_lock(&fake.mutex);
    fake.cancels++;
    pthread_mutex_unlock(&fake.mutex);
    query->canceled = true;
}

static void fail_query(struct query *query, enum query_error_kind kind, const char *error)
{
    query->kind = kind;
    query->error = str_from(error);
}

static void run_slowly(struct query *query)
{
    for (int i = 0; i < 1000 && !query->canceled; i++) usleep(10000);
    if (query->canceled) fail_query(query, QUERY_CANCELED, "query was canceled in expression evaluation");
}

static const struct label_id vector_labels[] = {{1, 2}, {3, 4}};

str query_label(const struct query *query, uint32_t id)
{
    static const str texts[] = {STR(""), STR("__name__"), STR("up"), STR("job"), STR("a \"b\"")};

    (void)query;
    return texts[id];
}

typedef void render_function(void *context, const struct result_part *part, struct writer *out);

static void render_one(struct query *query, const struct result_series *series, size_t count, render_function *render,
                       void *context)
{
    struct result_part part = {query, series, count};

    render(context, &part, &query->outputs[query->output_count++]);
}

static void run_range(struct query *query, render_function *render, void *context)
{
    str text = str_part(query->request.text, 6, query->request.text.len);
    uint64_t series_count = 0, point_count = 0;

    str_to_uint64(str_cut(&text, ' '), &series_count);
    str_to_uint64(text, &point_count);
    if (series_count == 0 || point_count == 0) return;
    int64_t *times = arena_array(&query->arena, int64_t, point_count);
    double *values = arena_array(&query->arena, double, point_count);
    for (size_t i = 0; i < point_count; i++) {
        times[i] = query->request.start_ms + (int64_t)i * query->request.step_ms;
        values[i] = 0.1 * (double)i;
    }
    struct result_series *series = arena_array(&query->arena, struct result_series, series_count);
    for (size_t i = 0; i < series_count; i++)
        series[i] = (struct result_series){vector_labels, 2, point_count, times, values, NULL};
    render_one(query, series, series_count, render, context);
}

void query_run(struct query *query, void (*render)(void *context, const struct result_part *part, struct writer *out),
               void *context)
{
    static const double values[] = {1.5, 2, 1e-7};
    static const int64_t times[] = {1000, 1001, 2500};
    int64_t now_ms = query->request.start_ms;

    if (query->request.is_range) query->type = VALUE_MATRIX; /* before, it was its expression's */
    if (says(query, "slow")) run_slowly(query);
    if (says(query, "exec")) fail_query(query, QUERY_EXECUTION, "many-to-many matching not allowed");
    if (says(query, "internal")) fail_query(query, QUERY_INTERNAL, "page 3 is damaged");
    if (says(query, "overload")) fail_query(query, QUERY_OVERLOAD, "no memory for queries now");
    if (says(query, "timeout")) fail_query(query, QUERY_TIMEOUT, "query timed out in expression evaluation");
    if (says(query, "range ")) run_range(query, render, context);
    if (says(query, "matrix")) {
        struct result_series series = {vector_labels, 2, 3, times, values, NULL};
        render_one(query, &series, 1, render, context);
    }
    if (says(query, "vector")) {
        struct result_series series[] = {{vector_labels, 2, 1, &now_ms, values, NULL},
                                         {vector_labels, 1, 1, &now_ms, values + 1, NULL}};
        render_one(query, &series[0], 1, render, context);
        if (query->request.limit != 1) render_one(query, &series[1], 1, render, context);
    }
}

enum query_error_kind query_error_kind(const struct query *query)
{
    return query->kind;
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
    return str_make((const char *)query->outputs[index].data, query->outputs[index].count);
}

bool query_was_truncated(const struct query *query)
{
    return query->request.limit == 1;
}

double query_scalar(const struct query *query)
{
    (void)query;
    return 1e21;
}

int64_t query_time_ms(const struct query *query)
{
    return query->request.start_ms;
}

str query_string(const struct query *query)
{
    (void)query;
    return STR("te\nxt");
}

size_t query_warning_count(const struct query *query)
{
    return says(query, "vector warned");
}

str query_warning(const struct query *query, size_t index)
{
    (void)query, (void)index;
    return STR("careful (1:1)");
}

size_t query_info_count(const struct query *query)
{
    return says(query, "vector warned");
}

str query_info(const struct query *query, size_t index)
{
    (void)query, (void)index;
    return STR("by the way");
}

struct query_stats query_get_stats(const struct query *query)
{
    (void)query;
    return (struct query_stats){.prepare_seconds = 0.25, .eval_seconds = 0.5, .samples_read = 7, .samples_peak = 3};
}

struct db_options db_options_default(void)
{
    return (struct db_options){.background = true};
}

status db_open(const struct db_options *options, struct db **out)
{
    (void)options;
    *out = memory_alloc(1);
    return ok();
}

status db_close(struct db *db)
{
    free(db);
    return ok();
}

struct folder {
    struct fs fs;
    char path[256];
};

status fs_open_folder(const char *path, struct fs **out)
{
    struct folder *folder = memory_zalloc(sizeof *folder);

    snprintf(folder->path, sizeof folder->path, "%s", path);
    mkdir(path, 0777);
    *out = &folder->fs;
    return ok();
}

void fs_release(struct fs *fs)
{
    free(fs);
}

/* A folder whose path holds "bad" is damaged. */
status check_directory(struct fs *fs, void (*finding)(void *context, str sentence), void *context, size_t *count)
{
    bool is_bad = strstr(((const struct folder *)fs)->path, "bad") != NULL;

    if (is_bad) finding(context, STR("block/1:0: checksum differs"));
    *count = is_bad;
    return ok();
}
