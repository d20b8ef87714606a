/* Running commands; see session.h.
 *
 * Series that need native histograms or start times can not be stored yet. They are left out of a load and remembered;
 * an eval with a selector that would find one of them counts as failed.
 */
#include "tests/conformance/session.h"

#include "query/functions.h"
#include "query/parse.h"
#include "query/query.h"
#include "storage/fs_memory.h"
#include "tests/conformance/answer.h"
#include "tsdb/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Labels of a series that could not be stored. */
struct missing {
    const label *labels;
    size_t count;
};

struct session {
    struct session_options options;
    struct fs *fs;
    struct db *db;
    struct engine *engine;
    vec(struct missing) missing;
};

static void must(status s)
{
    if (!failed(s)) return;
    fprintf(stderr, "%s\n", s.text);
    abort();
}

static void open_session(struct session *session)
{
    struct db_options options = db_options_default();
    struct engine_options engine_options = engine_options_default();

    session->fs = fs_memory_new();
    options.fs = session->fs;
    options.retention_ms = 0;
    options.future_max_ms = 0;
    options.background = false;
    must(db_open(&options, &session->db));
    engine_options.samples_max = 10000;
    engine_options.threads = session->options.threads;
    engine_options.features = FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_EXTENDED_RANGE_SELECTORS |
                              FEATURE_FILL_MODIFIERS | FEATURE_DELAYED_NAME_REMOVAL | FEATURE_START_TIMESTAMPS;
    must(engine_open(session->db, &engine_options, &session->engine));
}

static void close_session(struct session *session)
{
    engine_close(session->engine);
    db_abandon(session->db);
    fs_release(session->fs);
    vec_release(&session->missing);
}

struct session *session_new(const struct session_options *options)
{
    struct session *session = memory_zalloc(sizeof *session);

    session->options = *options;
    open_session(session);
    return session;
}

void session_free(struct session *session)
{
    close_session(session);
    free(session);
}

static void remember(struct session *session, const struct series *series)
{
    vec_push(&session->missing, (struct missing){series->labels, series->label_count});
}

/* load_with_nhcb makes a histogram series out of those of its buckets, count and sum. */
static void remember_derived(struct session *session, const struct series *series, struct arena *arena)
{
    static const char *const suffixes[] = {"_bucket", "_count", "_sum"};
    label *pairs = arena_array(arena, label, series->label_count);
    bool is_part = false;
    size_t count = 0;

    for (size_t i = 0; i < series->label_count; i++) {
        label pair = series->labels[i];
        if (str_equal(pair.name, STR("le"))) continue;
        for (size_t s = 0; s < 3 && str_equal(pair.name, METRIC_NAME) && !is_part; s++) {
            str suffix = str_from(suffixes[s]);
            is_part = str_ends_with(pair.value, suffix);
            if (is_part) pair.value.len -= suffix.len;
        }
        pairs[count++] = pair;
    }
    if (is_part) vec_push(&session->missing, (struct missing){pairs, count});
}

/* A load as one batch. */
struct batch {
    vec(struct append_series) series;
    vec(int64_t) times;
    vec(uint64_t) values;
};

static void add_series(struct batch *batch, const struct series *series, int64_t step_ms, struct arena *arena)
{
    struct append_series entry = {.first = (uint32_t)batch->times.count};
    struct writer text = {0};

    labels_write(series->labels, series->label_count, &text);
    entry.labels = arena_copy_str(arena, str_make((const char *)text.data, text.count));
    writer_release(&text);
    for (size_t i = 0; i < series->item_count; i++) {
        if (series->items[i].kind != ITEM_FLOAT) continue;
        vec_push(&batch->times, (int64_t)i * step_ms);
        vec_push(&batch->values, double_bits(series->items[i].value));
        entry.count++;
    }
    if (entry.count) vec_push(&batch->series, entry);
}

static bool append(struct session *session, const struct batch *batch, str *why, struct arena *arena)
{
    struct append_batch request = {.series = batch->series.data,
                                   .series_count = batch->series.count,
                                   .times_ms = batch->times.data,
                                   .values = batch->values.data,
                                   .sample_count = batch->times.count};
    struct append_result result = {0};

    if (request.series_count == 0) return true;
    must(db_append_wait(session->db, &request, &result));
    if (session->options.is_frozen) must(db_freeze(session->db));
    *why = arena_copy_str(arena, str_from(result.error));
    return why->len == 0;
}

static bool run_load(struct session *session, const struct command *load, str *why, struct arena *arena)
{
    struct batch batch = {0};
    bool is_whole = !load->with_nhcb;

    for (size_t i = 0; i < load->series_count; i++) {
        const struct series *series = &load->series[i];
        if (series->has_histograms || series->has_start_times) {
            remember(session, series);
            is_whole = false;
        } else {
            add_series(&batch, series, load->step_ms, arena);
            if (load->with_nhcb) remember_derived(session, series, arena);
        }
    }
    bool is_stored = append(session, &batch, why, arena);
    if (is_stored && !is_whole) *why = STR("native histograms or start times are left out");
    vec_release(&batch.series);
    vec_release(&batch.times);
    vec_release(&batch.values);
    return is_stored && is_whole;
}

static str value_of(const struct missing *missing, str name)
{
    for (size_t i = 0; i < missing->count; i++) {
        if (str_equal(missing->labels[i].name, name)) return missing->labels[i].value;
    }
    return STR("");
}

static bool selects(const struct selector *selector, const struct missing *missing)
{
    for (size_t i = 0; i < selector->matcher_count; i++) {
        if (!matcher_matches(&selector->matchers[i], value_of(missing, selector->matchers[i].name))) return false;
    }
    return true;
}

/* For ast_walk: goes on as long as no selector would find a series that could not be stored. */
static bool needs_none_missing(void *context, const struct node *node)
{
    const struct session *session = context;

    for (size_t i = 0; node->kind == NODE_SELECTOR && i < session->missing.count; i++) {
        if (selects(&node->selector, &session->missing.data[i])) return false;
    }
    return true;
}

static bool is_fixed_call(void *context, const struct node *node)
{
    (void)context;
    return node->kind != NODE_CALL || !(node->call.function->how.follows_time || node->call.function->how.folds);
}

static void pin_time(struct time_modifier *time, int64_t at_ms)
{
    if (time->at == AT_TIME) return;
    time->at = AT_TIME;
    time->at_ms = at_ms;
}

/* Gives `@` to what has none; what is inside a subquery that has it then stays as it is. */
static void pin(struct node *node, int64_t at_ms)
{
    switch (node->kind) {
    case NODE_SELECTOR: pin_time(&node->selector.time, at_ms); return;
    case NODE_RANGE: pin_time(&node->range.selector->selector.time, at_ms); return;
    case NODE_SUBQUERY: pin_time(&node->subquery.time, at_ms); return;
    case NODE_CALL:
        for (size_t i = 0; i < node->call.arg_count; i++) pin(node->call.args[i], at_ms);
        return;
    case NODE_AGGREGATE:
        pin(node->aggregate.expr, at_ms);
        if (node->aggregate.param) pin(node->aggregate.param, at_ms);
        return;
    case NODE_BINARY:
        pin(node->binary.left, at_ms);
        pin(node->binary.right, at_ms);
        return;
    case NODE_UNARY: pin(node->unary.expr, at_ms); return;
    case NODE_PAREN: pin(node->paren, at_ms); return;
    default: return;
    }
}

static bool has_text(str text, const char *part)
{
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* The same query as a range query around the instant. */
static bool run_around(struct session *session, const struct eval *eval, str query, int64_t at_ms, str *why,
                       struct arena *arena)
{
    struct query_request request = {.text = query,
                                    .is_range = true,
                                    .start_ms = at_ms - 60000,
                                    .end_ms = at_ms + 60000,
                                    .step_ms = 60000,
                                    .without_positions = true};
    struct answer answer;

    if (eval_expects(eval, EXPECT_FAIL) || eval->expects_string || eval->expects_range_vector) return true;
    if (has_text(query, "start()") || has_text(query, "end()") || has_text(query, "range()") ||
        has_text(query, "step()"))
        return true;
    answer_make(session->engine, &request, &answer, arena);
    if (eval_expects(eval, EXPECT_ORDERED)) {
        *why = answer.error;
        return answer.error.len == 0;
    }
    return answer_matches_at(&answer, eval, at_ms, why, arena);
}

static bool run_instant(struct session *session, const struct eval *eval, str query, int64_t at_ms, str *why,
                        struct arena *arena)
{
    struct query_request request = {.text = query, .start_ms = at_ms, .without_positions = true};
    struct answer answer;
    str reason = STR("");

    answer_make(session->engine, &request, &answer, arena);
    bool is_good = answer_matches(&answer, eval, &reason, arena);
    const char *mode = "instant";
    if (is_good) {
        mode = "range";
        is_good = run_around(session, eval, query, at_ms, &reason, arena);
    }
    if (!is_good)
        *why = arena_format(arena, "%s at %lld: %.*s (%.*s)", mode, (long long)at_ms, STR_ARG(reason), STR_ARG(query));
    return is_good;
}

/* Once as written; then with everything pinned to the time, evaluated at others. */
static bool run_instants(struct session *session, const struct eval *eval, str *why, struct arena *arena)
{
    int64_t t = eval->expects_range_vector ? eval->range_end_ms : eval->start_ms;
    int64_t times[] = {-10 * t, 0, t / 5, t, 10 * t}, around_zero[] = {-1000, 0, 1000};
    size_t count = t ? 5 : 3;

    if (!run_instant(session, eval, eval->query, t, why, arena)) return false;
    if (!ast_walk(eval->tree, is_fixed_call, NULL)) return true;
    pin(eval->tree, t);
    str pinned = ast_print(eval->tree, arena);
    for (size_t i = 0; i < count; i++) {
        if (!run_instant(session, eval, pinned, t ? times[i] : around_zero[i], why, arena)) return false;
    }
    return true;
}

static bool run_eval(struct session *session, const struct eval *eval, str *why, struct arena *arena)
{
    struct query_request request = {.text = eval->query,
                                    .is_range = true,
                                    .start_ms = eval->start_ms,
                                    .end_ms = eval->end_ms,
                                    .step_ms = eval->step_ms,
                                    .without_positions = true};
    struct answer answer;

    if (!ast_walk(eval->tree, needs_none_missing, session)) {
        *why = STR("needs native histograms or start times");
        return false;
    }
    if (!eval->is_range) return run_instants(session, eval, why, arena);
    answer_make(session->engine, &request, &answer, arena);
    return answer_matches(&answer, eval, why, arena);
}

bool session_run(struct session *session, const struct command *command, str *why, struct arena *arena)
{
    switch (command->kind) {
    case COMMAND_CLEAR:
        close_session(session);
        session->missing.data = NULL;
        session->missing.count = session->missing.capacity = 0;
        open_session(session);
        return true;
    case COMMAND_LOAD: return run_load(session, command, why, arena);
    default: return run_eval(session, &command->eval, why, arena);
    }
}
