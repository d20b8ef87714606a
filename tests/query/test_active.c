/* Running queries: they are listed with what they do, and end when they are killed. */
#include "query/active.h"

#include "tests/query/fixture.h"

#include <stdio.h>
#include <unistd.h>

/* A query that runs for minutes unless it is killed, as a job of the engine. */
struct endless {
    struct engine *engine;
    const char *text;
    enum query_error_kind kind;
    char message[128];
    _Atomic bool ended;
};

static void render_nothing(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    (void)part;
    (void)out;
}

static void run_endless(void *context)
{
    struct endless *endless = context;
    struct query_request request = {.text = str_from(endless->text),
                                    .is_range = true,
                                    .start_ms = 1000,
                                    .end_ms = 11000000,
                                    .step_ms = 1000,
                                    .client = STR("::1")};
    struct query *query = query_prepare(endless->engine, &request);

    query_run(query, render_nothing, NULL);
    endless->kind = query_error_kind(query);
    str message = query_error(query);
    memcpy(endless->message, message.data, message.len < 127 ? message.len : 127);
    query_free(query);
    endless->ended = true;
}

struct seen {
    uint64_t id, samples, bytes;
    double seconds;
    char text[128], client[64], phase[64];
    int count;
};

static void see(void *context, const struct query_activity *activity)
{
    struct seen *seen = context;
    str text = activity->request->text, client = activity->request->client;

    seen->count++;
    seen->id = activity->id;
    seen->samples = activity->samples;
    seen->bytes = activity->bytes;
    seen->seconds = activity->seconds;
    cr_expect(activity->request->is_range && activity->request->step_ms == 1000);
    cr_assert(text.len < sizeof seen->text && client.len < sizeof seen->client);
    snprintf(seen->text, sizeof seen->text, "%.*s", STR_ARG(text));
    snprintf(seen->client, sizeof seen->client, "%.*s", STR_ARG(client));
    snprintf(seen->phase, sizeof seen->phase, "%s", activity->phase);
}

static struct seen look(struct engine *engine)
{
    struct seen seen = {0};

    engine_visit_queries(engine, see, &seen);
    return seen;
}

/* Kernels that walk windows, of floats and of histograms, and those that pile up subqueries. */
static const char *const endless_queries[] = {
    "quantile_over_time(0.5,vector(time())[11h:1s])",
    "mad_over_time(vector(time())[11h:1s])",
    "stddev_over_time(vector(time())[11h:1s])",
    "deriv(vector(time())[11h:1s])",
    "predict_linear(vector(time())[11h:1s], 60)",
    "double_exponential_smoothing(vector(time())[11h:1s], 0.5, 0.5)",
    "sum(sum_over_time(h[11h]))",
    "count(quantile_over_time(0.3, quantile_over_time(0.2, vector(time())[1h:1s])[1h:1s]))",
};

Test(active, killed_queries_end)
{
    struct fixture fixture;
    struct writer lines = {0};

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    writer_bytes(&lines, "h", 1);
    for (int i = 0; i < 20000; i++) writer_bytes(&lines, " h1,2,3,4,5", 11);
    writer_bytes(&lines, "\n\0", 2);
    fixture_load(&fixture, 1000, (const char *)lines.data);
    writer_release(&lines);
    for (size_t i = 0; i < sizeof endless_queries / sizeof endless_queries[0]; i++) {
        struct endless endless = {.engine = fixture.engine, .text = endless_queries[i]};
        struct seen seen = {0};
        cr_assert(engine_submit(fixture.engine, run_endless, &endless));
        while (strcmp(seen.phase, "evaluating") != 0) {
            usleep(1000);
            seen = look(fixture.engine);
            cr_assert(!endless.ended, "%s: %s", endless.text, endless.message);
        }
        usleep(20000);
        cr_expect(seen.count == 1 && seen.id == i + 1 && seen.bytes > 0 && seen.seconds > 0);
        cr_expect(strcmp(seen.text, endless.text) == 0 && strcmp(seen.client, "::1") == 0);
        cr_expect(!engine_kill_query(fixture.engine, 0) && !engine_kill_query(fixture.engine, seen.id + 1));
        cr_expect(engine_kill_query(fixture.engine, seen.id));
        for (int k = 0; k < 12000 && !endless.ended; k++) usleep(10000);
        cr_assert(endless.ended, "%s", endless.text);
        cr_expect(endless.kind == QUERY_CANCELED);
        cr_expect(strcmp(endless.message, "query was killed in expression evaluation, by an administrator") == 0);
        cr_expect(look(fixture.engine).count == 0);
    }
    fixture_close(&fixture);
}
