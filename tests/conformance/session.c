/* Running commands; see session.h. */
#include "tests/conformance/session.h"

#include "query/functions.h"
#include "query/query.h"
#include "storage/fs_memory.h"
#include "tests/conformance/answer.h"
#include "tests/conformance/forms.h"
#include "tests/conformance/nhcb.h"
#include "tsdb/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct session_options options;
    struct fs *fs;
    struct db *db;
    struct engine *engine;
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
    options.reserve_bytes = 0;
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

/* A load as one batch. */
struct batch {
    vec(struct append_series) series;
    vec(int64_t) times;
    vec(uint64_t) values;
    vec(const struct histogram *) histograms;
    vec(int64_t) starts;
};

static void add_series(struct batch *batch, const struct series *series, int64_t step_ms, struct arena *arena)
{
    struct append_series entry = {.first = (uint32_t)batch->times.count};
    struct writer text = {0};

    labels_write(series->labels, series->label_count, &text);
    entry.labels = arena_copy_str(arena, str_make((const char *)text.data, text.count));
    writer_release(&text);
    for (size_t i = 0; i < series->item_count; i++) {
        const struct item *item = &series->items[i];
        int64_t time_ms = (int64_t)i * step_ms;
        if (item->kind == ITEM_OMITTED) continue;
        vec_push(&batch->times, time_ms);
        vec_push(&batch->values, double_bits(item->value));
        vec_push(&batch->histograms, item->kind == ITEM_HISTOGRAM ? item->histogram : NULL);
        vec_push(&batch->starts, item->has_start ? time_ms + item->start_offset_ms : 0);
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
                                   .histograms = batch->histograms.data,
                                   .starts_ms = batch->starts.data,
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
    struct series *derived = NULL;
    size_t derived_count = 0;
    bool done = true;

    for (size_t i = 0; i < load->series_count; i++) add_series(&batch, &load->series[i], load->step_ms, arena);
    if (load->with_nhcb) done = nhcb_make(load->series, load->series_count, &derived, &derived_count, arena, why);
    for (size_t i = 0; i < derived_count && done; i++) add_series(&batch, &derived[i], load->step_ms, arena);
    done = done && append(session, &batch, why, arena);
    vec_release(&batch.series);
    vec_release(&batch.times);
    vec_release(&batch.values);
    vec_release(&batch.histograms);
    vec_release(&batch.starts);
    return done;
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
    struct eval printed = *eval;

    if (!forms_agree(eval->tree, why, arena)) return false;
    if (session->options.is_printed) request.text = printed.query = ast_pretty(eval->tree, arena);
    if (!eval->is_range) return run_instants(session, session->options.is_printed ? &printed : eval, why, arena);
    answer_make(session->engine, &request, &answer, arena);
    return answer_matches(&answer, eval, why, arena);
}

bool session_run(struct session *session, const struct command *command, str *why, struct arena *arena)
{
    switch (command->kind) {
    case COMMAND_CLEAR:
        close_session(session);
        open_session(session);
        return true;
    case COMMAND_LOAD: return run_load(session, command, why, arena);
    default: return run_eval(session, &command->eval, why, arena);
    }
}

struct engine *session_engine(struct session *session)
{
    return session->engine;
}
