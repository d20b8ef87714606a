/* Any query over a small database of floats and histograms: evaluation ends within its limits, says the same with one
 * thread and with three, and took at least what was said before that it would take at least.
 *
 * The first byte of the input chooses the features, the second instant or range; in half of the cases the rest is the
 * text of a query, in the others it chooses a way through the grammar, so that most of the queries mean something.
 */
#include "query/cost.h"
#include "query/functions.h"
#include "query/run.h"
#include "storage/base/log.h"
#include "tests/query/fixture.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The fixture's checks. */
void plain_fail(const char *file, int line, bool stop, const char *condition, const char *format, ...)
{
    (void)stop;
    (void)format;
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

static const char series[] = "a{x=\"1\",l=\"p\"} 1 2 3 4 5 6 7 8 9 10\n"
                             "a{x=\"2\",l=\"p\"} 10 _ 30 stale 50 0 NaN 5 +Inf 7\n"
                             "a{x=\"3\"} -1 -2 -3 4e300 -5 6 -7e300 8\n"
                             "b{x=\"1\"} 2 2 2 2 2 2 _ _ 2 2\n"
                             "b{x=\"3\",m=\"q\"} 7 7 0 7 7 7 7\n"
                             "c_total{x=\"1\",y=\"p\"} 1 5 9 2 4 8 8 8 9\n"
                             "c_bucket{le=\"1\"} 1 2 3 4 4 4 4\nc_bucket{le=\"5\"} 2 2 5 6 7 7 7\n"
                             "c_bucket{le=\"+Inf\"} 2 4 6 8 8 8 8\n"
                             "h{x=\"1\"} h1,2,3 h1,2,4 h1,2,9 h0,1 _ h2,2,2 h3,3,3\n"
                             "h{x=\"2\"} g1,2 g3,1 5 g1,1,1 c1,2,3 c1,3,3 7\n"
                             "target_info{x=\"1\",instance=\"i\",job=\"j\",v=\"1\"} 1 1 1 1 1 1 1 1\n"
                             "s{instance=\"i\",job=\"j\"} 1 2 3 4 5 6 7 8\n";

enum { STEP_MS = 10000, DEPTH_MAX = 5, THREADS = 2 };

static struct fixture fixtures[THREADS]; /* one with a thread, one with three */

static void close_fixtures(void)
{
    for (int i = 0; i < THREADS; i++) fixture_close(&fixtures[i]);
}

static void open_fixtures(unsigned features)
{
    static unsigned opened_with;
    struct engine_options options = engine_options_default();

    if (!fixtures[0].db) atexit(close_fixtures);
    log_set_level(LOG_ERROR);
    for (uint32_t i = 0; i < THREADS; i++) {
        if (!fixtures[i].db) {
            fixture_open(&fixtures[i], 1, features);
            fixture_load(&fixtures[i], STEP_MS, series);
        } else if (opened_with == features) {
            continue;
        }
        options.threads = i ? 3 : 1;
        options.features = features;
        options.samples_max = 1000000;
        options.query_bytes_max = 16 << 20;
        options.timeout_ms = 5000;
        fixture_engine(&fixtures[i], &options);
    }
    opened_with = features;
}

/* A way through the grammar. */
struct source {
    const uint8_t *at, *end;
    struct writer out;
    int depth;
};

static unsigned choose(struct source *source, unsigned count)
{
    return source->at < source->end ? *source->at++ % count : 0;
}

static void put(struct source *source, const char *text)
{
    writer_bytes(&source->out, text, strlen(text));
}

#define PUT_ONE(source, words) put((source), (words)[choose((source), sizeof(words) / sizeof(words)[0])])

static void put_expr(struct source *source, char type);

static void put_label(struct source *source)
{
    static const char *const labels[] = {"x", "y", "l", "le", "m", "instance", "nope", "__name__"};

    PUT_ONE(source, labels);
}

static void put_selector(struct source *source)
{
    static const char *const selectors[] = {"a",
                                            "b",
                                            "c_total",
                                            "h",
                                            "c_bucket",
                                            "{x=\"1\"}",
                                            "a{x=~\"1|2\"}",
                                            "nope",
                                            "{__name__=~\"a|b|h\"}",
                                            "a{x!=\"1\"}",
                                            "{l=~\".+\"}",
                                            "s"};

    PUT_ONE(source, selectors);
}

static void put_time(struct source *source)
{
    static const char *const times[] = {"",          "",           "",         " offset 10s", " offset -20s",
                                        " @ 30",     " @ start()", " @ end()", " offset 1m",  " @ 50 offset 20s",
                                        " anchored", " smoothed",  " @ -1"};

    PUT_ONE(source, times);
}

static void put_range(struct source *source)
{
    static const char *const ranges[] = {"[30s]", "[1m]", "[10s]", "[1ms]", "[3m]", "[step()+20s]"};
    static const char *const inner[] = {"[1m:10s]", "[30s:5s]", "[2m:]", "[50s:7s]", "[1s:10s]"};

    if (choose(source, 3)) {
        put_selector(source);
        PUT_ONE(source, ranges);
    } else {
        put(source, "(");
        put_expr(source, 'v');
        put(source, ")");
        PUT_ONE(source, inner);
    }
    put_time(source);
}

static void put_call(struct source *source, char type)
{
    size_t count, at;
    const struct function *functions = functions_all(&count);
    enum value_type gives = type == 's' ? VALUE_SCALAR : VALUE_VECTOR;

    at = choose(source, (unsigned)count);
    while (functions[at].gives != gives) at = (at + 1) % count;
    put(source, functions[at].name);
    put(source, "(");
    for (const char *letter = functions[at].takes; *letter; letter++) {
        if (!strchr("vmstl", *letter)) continue;
        if (letter != functions[at].takes) put(source, ", ");
        put_expr(source, *letter);
    }
    put(source, ")");
}

static void put_labels(struct source *source)
{
    put(source, "(");
    for (unsigned i = 0, count = choose(source, 3); i < count; i++) {
        if (i) put(source, ", ");
        put_label(source);
    }
    put(source, ")");
}

static void put_aggregate(struct source *source)
{
    enum aggregate_kind op = (enum aggregate_kind)choose(source, AGGREGATE_LIMIT_RATIO + 1);
    bool takes_scalar = op >= AGGREGATE_TOPK && op != AGGREGATE_COUNT_VALUES;

    put(source, aggregate_text(op).data);
    if (choose(source, 2)) {
        put(source, choose(source, 2) ? " by " : " without ");
        put_labels(source);
    }
    put(source, "(");
    if (op == AGGREGATE_COUNT_VALUES) put(source, "\"v\", ");
    if (takes_scalar) put_expr(source, 's');
    if (takes_scalar) put(source, ", ");
    put_expr(source, 'v');
    put(source, ")");
}

static void put_binary(struct source *source, char left, char right)
{
    static const char *const operators[] = {" + ",       " - ",  " * ",   " / ",  " % ",     " ^ ", " atan2 ",
                                            " == bool ", " == ", " != ",  " >= ", " < ",     " > ", " <= bool ",
                                            " </ ",      " >/ ", " and ", " or ", " unless "};
    static const char *const groups[] = {
        "", "", " group_left ", " group_right ", " group_left(l) ", " fill(0) ", " fill_left(1) "};
    bool are_vectors = left == 'v' && right == 'v';
    unsigned op = choose(source, are_vectors ? 19 : left == 's' && right == 's' ? 8 : 16);

    put(source, "(");
    put_expr(source, left);
    put(source, operators[op]);
    if (are_vectors && choose(source, 2)) {
        put(source, choose(source, 2) ? "on" : "ignoring");
        put_labels(source);
        if (op < 16) PUT_ONE(source, groups);
    }
    put_expr(source, right);
    put(source, ")");
}

static void put_scalar(struct source *source)
{
    static const char *const numbers[] = {"0", "1", "0.5", "-1", "2", "30", "NaN", "Inf", "1e300", "-0.9", "3"};

    switch (choose(source, 6)) {
    case 0:
        if (source->depth < DEPTH_MAX) {
            put_call(source, 's');
            return;
        }
        break;
    case 1:
        if (source->depth < DEPTH_MAX) {
            put_binary(source, 's', 's');
            return;
        }
        break;
    default: break;
    }
    PUT_ONE(source, numbers);
}

static void put_vector(struct source *source)
{
    unsigned way = source->depth < DEPTH_MAX ? choose(source, 9) : 0;

    switch (way) {
    case 1:
    case 2: put_call(source, 'v'); return;
    case 3:
    case 4: put_aggregate(source); return;
    case 5: put_binary(source, 'v', 'v'); return;
    case 6: put_binary(source, 'v', 's'); return;
    case 7: put_binary(source, 's', 'v'); return;
    case 8:
        put(source, "-");
        put_expr(source, 'v');
        return;
    default: put_selector(source); put_time(source);
    }
}

static void put_expr(struct source *source, char type)
{
    static const char *const strings[] = {"\"x\"", "\"dst\"", "\"(.*)\"", "\"$1\"", "\"\"", "\"l\"", "\"a|b\""};

    source->depth++;
    switch (type) {
    case 's': put_scalar(source); break;
    case 'm': put_range(source); break;
    case 't': PUT_ONE(source, strings); break;
    case 'l': put(source, "{v=~\".*\"}"); break;
    default: put_vector(source);
    }
    source->depth--;
}

static void render_nothing(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    (void)part;
    writer_u8(out, 'x');
}

/* What was needed at least, and what was taken. */
static void check_cost(const struct query_request *request)
{
    struct query *query = query_prepare(fixtures[0].engine, request);
    struct query_cost cost;
    bool is_known = query_explain(query, &cost) && query_error_kind(query) == QUERY_OK;

    query_free(query);
    query = query_prepare(fixtures[0].engine, request);
    query_run(query, render_nothing, NULL);
    if (query_error_kind(query) == QUERY_INTERNAL) abort();
    if (query_error_kind(query) == QUERY_OK && is_known &&
        (cost.bytes_least > query->account.peak_bytes || cost.points_least > query->samples_peak))
        abort();
    query_free(query);
}

static void run(const char *text, bool is_range)
{
    struct query_request request = {.text = str_from(text),
                                    .is_range = is_range,
                                    .start_ms = is_range ? 0 : 60000,
                                    .end_ms = 90000,
                                    .step_ms = 7000};
    int64_t step_ms = is_range ? request.step_ms : 0;
    str first = fixture_ask(&fixtures[0], text, request.start_ms, request.end_ms, step_ms);
    str second = fixture_ask(&fixtures[1], text, request.start_ms, request.end_ms, step_ms);
    bool is_late =
        str_starts_with(first, STR("error query timed")) || str_starts_with(second, STR("error query timed"));
    bool is_large =
        str_starts_with(first, STR("error query needs")) || str_starts_with(second, STR("error query needs"));

    if (!is_late && !is_large && !str_equal(first, second)) {
        fprintf(stderr, "%s\none thread:\n%.*sthree:\n%.*s", text, STR_ARG(first), STR_ARG(second));
        abort();
    }
    if (!is_late) check_cost(&request);
    for (int i = 0; i < THREADS; i++) {
        arena_release(&fixtures[i].arena);
        arena_init(&fixtures[i].arena, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct source source = {0};

    if (bytes < 2 || bytes > 4096) return 0;
    open_fixtures(data[0] & 0x3f);
    if (data[1] & 2) {
        for (size_t i = 2; i < bytes && data[i]; i++) writer_u8(&source.out, data[i]);
    } else {
        source.at = data + 2;
        source.end = data + bytes;
        put_expr(&source, 'v');
    }
    writer_u8(&source.out, 0);
    run((const char *)source.out.data, data[1] & 1);
    writer_release(&source.out);
    return 0;
}
