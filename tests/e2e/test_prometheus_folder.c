/* Data folders of Prometheus in and out, shown with Debian's prometheus and promtool.
 *
 * What promtool prints of a folder must be the same, line by line, for the folder that was imported and for what is
 * exported again; and a Prometheus that runs on either must answer queries as Varve does. Samples lie within the last
 * day, so that nobody's retention takes them.
 */
#include "http/write_histogram.h"
#include "storage/base/clock.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <stdio.h>
#include <sys/stat.h>

enum {
    STEP_MS = 15000,
    SERIES = 60,
    TEXT_SAMPLES = 4000,
    WRITTEN_SAMPLES = 360,
    LATE_SERIES = 10,
    LATE_STEPS = 40,
    EXEMPLARS = 60,
    QUIET_MS = 7777
};

struct place {
    struct arena arena;
    struct http_client *client;
    const char *folder;
    unsigned outputs;
};

static struct place make_place(void)
{
    struct place place = {.client = http_client_new()};

    arena_init(&place.arena, NULL);
    must(folder_make_temporary(&place.arena, &place.folder));
    return place;
}

static void release_place(struct place *place)
{
    arena_release(&place->arena);
    http_client_free(place->client);
}

static const char *path_in(struct place *place, const char *name)
{
    return arena_format(&place->arena, "%s/%s", place->folder, name).data;
}

/* Runs a program that must succeed; its standard output. */
static str run(struct place *place, const char *const *arguments)
{
    const char *output = arena_format(&place->arena, "%s/output-%u", place->folder, place->outputs++).data;
    int code;
    str text;

    must(folder_write_file(output, STR("")));
    must(process_run(arguments, output, &code));
    must(folder_read_file(output, &place->arena, &text));
    cr_assert(code == 0, "%s %s %s: exit code %d", arguments[0], arguments[1], arguments[2], code);
    return text;
}

static void varve(struct place *place, const char *command, const char *data, const char *argument)
{
    const char *binary, *flag = arena_format(&place->arena, "--storage.tsdb.path=%s", data).data;

    must(server_varve_binary(&binary));
    const char *const arguments[] = {binary, command, "prometheus", "--log.level=warn", flag, argument, NULL};
    run(place, arguments);
}

static int compare_lines(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* The lines of `promtool tsdb dump`, sorted. It wants a folder `wal`, which an export has not. */
static size_t dump(struct place *place, const char *folder, str **lines)
{
    const char *const arguments[] = {"promtool", "tsdb", "dump", folder, NULL};
    size_t count = 0;

    (void)mkdir(arena_format(&place->arena, "%s/wal", folder).data, 0777);
    str text = run(place, arguments), rest = text;
    while (rest.len) count += str_cut(&rest, '\n').len > 0;
    *lines = arena_array(&place->arena, str, count);
    for (size_t i = 0; i < count; i++) (*lines)[i] = str_cut(&text, '\n');
    qsort(*lines, count, sizeof **lines, compare_lines);
    return count;
}

static void expect_same_dump(struct place *place, const char *one, const char *two)
{
    str *a, *b;
    size_t a_count = dump(place, one, &a), b_count = dump(place, two, &b);

    cr_assert(a_count > 0 && a_count == b_count, "%s has %zu samples, %s has %zu", one, a_count, two, b_count);
    for (size_t i = 0; i < a_count; i++)
        cr_assert(str_equal(a[i], b[i]), "%s: %.*s; %s: %.*s", one, STR_ARG(a[i]), two, STR_ARG(b[i]));
}

/* At times between samples: whether one at the edge of a window belongs to it is not told alike by all versions. */
static void expect_same_answers(struct place *place, const struct server *one, const struct server *two,
                                const char *const *expressions, int64_t start_ms, int64_t end_ms)
{
    for (; *expressions; expressions++) {
        struct prom_range range = {start_ms + QUIET_MS, end_ms, (end_ms - start_ms) / STEP_MS / 50 * STEP_MS};
        struct prom_result results[2];
        const struct server *servers[] = {one, two};
        for (int i = 0; i < 2; i++)
            must(prom_query_range(place->client, servers[i]->url, str_from(*expressions), range, &place->arena,
                                  &results[i]));
        str difference = prom_difference(&results[0], &results[1], 1e-12, &place->arena);
        cr_expect(results[0].series_count > 0, "%s is empty", *expressions);
        cr_expect(difference.len == 0, "%s: %.*s", *expressions, STR_ARG(difference));
    }
}

static void write_text(struct place *place, const char *path, int64_t start_ms)
{
    static const char *const values[] = {"NaN", "+Inf", "-Inf", "-0", "0", "1e-300", "0.1", "12345678901234567"};
    FILE *file = fopen(path, "w");

    cr_assert(file);
    for (int metric = 0; metric < 3; metric++) {
        fprintf(file, "# HELP m%d Of metric %d.\n# TYPE m%d gauge\n", metric, metric, metric);
        for (int s = 0; s < SERIES / 3; s++) {
            for (int i = s; i < TEXT_SAMPLES - 7 * s; i++) { /* series come and go */
                int64_t time_ms = start_ms + (int64_t)i * STEP_MS + s;
                fprintf(file, "m%d{Upper=\"x%d\",s=\"%d \\\"q\\\" ü\"} ", metric, s % 3, s);
                if (i % 11 == s % 11) {
                    fprintf(file, "%s", values[(i / 11) % 8]);
                } else {
                    fprintf(file, "%.17g", metric ? (double)i * 0.37 + s : (double)(i * s));
                }
                fprintf(file, " %lld.%03lld\n", (long long)(time_ms / 1000), (long long)(time_ms % 1000));
            }
        }
    }
    fprintf(file, "# EOF\n");
    cr_assert(fclose(file) == 0);
    (void)place;
}

/* promtool makes blocks of a text; in, out, in, out: what promtool prints stays the same, and a Prometheus that runs on
 * the exported blocks answers as Varve does. */
Test(prometheus_folder, blocks, .timeout = 600)
{
    static const char *const expressions[] = {"m1",
                                              "sum by (Upper) (m2)",
                                              "count(m0)",
                                              "rate(m0[5m])",
                                              "max_over_time(m1[1h])",
                                              "m2{s=~\"1.*\",Upper!=\"x1\"}",
                                              NULL};
    struct place place = make_place();
    struct server prometheus, server;
    int64_t end_ms = clock_now_ms() / STEP_MS * STEP_MS - 60000, start_ms = end_ms - (int64_t)TEXT_SAMPLES * STEP_MS;
    const char *text = path_in(&place, "text"), *blocks = path_in(&place, "blocks");
    const char *again = path_in(&place, "again"), *second = path_in(&place, "second");

    write_text(&place, text, start_ms);
    run(&place, (const char *const[]){"promtool", "tsdb", "create-blocks-from", "openmetrics", text, blocks, NULL});
    must(server_varve(&place.arena, NULL, &server));
    must(server_prometheus(&place.arena, &prometheus));
    varve(&place, "import", server.data_path, blocks);
    varve(&place, "export", server.data_path, prometheus.data_path);
    expect_same_dump(&place, blocks, prometheus.data_path);
    run(&place, (const char *const[]){"promtool", "tsdb", "list", prometheus.data_path, NULL});
    run(&place, (const char *const[]){"promtool", "tsdb", "analyze", prometheus.data_path, NULL});
    varve(&place, "import", again, prometheus.data_path);
    varve(&place, "import", again, prometheus.data_path); /* a second time changes nothing */
    varve(&place, "export", again, second);
    expect_same_dump(&place, blocks, second);

    must(server_start(&server, place.client));
    must(server_start(&prometheus, place.client));
    expect_same_answers(&place, &prometheus, &server, expressions, start_ms, end_ms);
    must(process_stop(&prometheus.process, SERVER_STOP_MS));
    must(process_stop(&server.process, SERVER_STOP_MS));
    must(server_check_folder(&server, &place.arena));
    release_place(&place);
}

static void put_histogram(struct write_request *request, int64_t time_ms, unsigned i, const char *kind)
{
    static const int32_t indexes[] = {-3, -2, 4, 9};
    bool is_integer = strcmp(kind, "integer") == 0;
    unsigned n = i % 150; /* it begins anew now and then */
    double grain = is_integer ? 1 : 0.25,
           counts[] = {grain * (n + 1), grain * (n / 2 + 1), grain * (n + 3), grain * (n / 7 + 1)};
    struct histogram h = {.schema = 2, .is_integer = is_integer, .zero_threshold = 0.001, .zero_count = grain * n};
    const label pairs[] = {{STR("__name__"), STR("h")}, {STR("kind"), str_from(kind)}};
    struct writer series = {0}, message = {0};

    h.positive = (struct bucket_list){n < 40 ? 3 : 4, indexes, counts};
    h.negative = (struct bucket_list){2, indexes, counts};
    h.count = h.zero_count + counts[0] + counts[1];
    for (uint32_t k = 0; k < h.positive.count; k++) h.count += counts[k];
    h.sum = h.count * 1.5;
    labels_write(pairs, 2, &series);
    write_histogram_encode(&h, time_ms, &message);
    writer_u8(&series, 4 << 3 | 2);
    writer_str(&series, str_make((const char *)message.data, message.count));
    writer_u8(&request->message, 1 << 3 | 2);
    writer_str(&request->message, str_make((const char *)series.data, series.count));
    writer_release(&series);
    writer_release(&message);
}

static void put_float(struct place *place, struct write_request *request, int s, int64_t time_ms, double value)
{
    const label pairs[] = {{STR("__name__"), STR("w")}, {STR("s"), arena_format(&place->arena, "%d", s)}};
    struct write_sample sample = {time_ms, value};

    write_request_add(request, pairs, 2, &sample, 1);
}

/* An exemplar for the newest sample of a series. */
static void put_exemplar(struct place *place, struct write_request *request, int s, int64_t time_ms, double value)
{
    const label pairs[] = {{STR("__name__"), STR("w")}, {STR("s"), arena_format(&place->arena, "%d", s)}};
    const label trace = {STR("trace_id"), arena_format(&place->arena, "t%d-%lld", s, (long long)time_ms)};
    struct writer series = {0}, exemplar = {0};

    labels_write(&trace, 1, &exemplar);
    writer_u8(&exemplar, 2 << 3 | 1);
    writer_u64(&exemplar, double_bits(value));
    writer_u8(&exemplar, 3 << 3);
    writer_varint(&exemplar, (uint64_t)time_ms);
    labels_write(pairs, 2, &series);
    writer_u8(&series, 3 << 3 | 2);
    writer_str(&series, str_make((const char *)exemplar.data, exemplar.count));
    writer_u8(&request->message, 1 << 3 | 2);
    writer_str(&request->message, str_make((const char *)series.data, series.count));
    writer_release(&series);
    writer_release(&exemplar);
}

static void expect_same_exemplars(struct place *place, const struct server *one, const struct server *two,
                                  int64_t start_ms, int64_t end_ms)
{
    const struct server *servers[] = {one, two};
    str bodies[2];

    for (int i = 0; i < 2; i++) {
        struct http_answer answer;
        must(http_get(place->client,
                      arena_format(&place->arena, "%s/api/v1/query_exemplars?query=w&start=%lld&end=%lld",
                                   servers[i]->url, (long long)(start_ms / 1000), (long long)(end_ms / 1000))
                          .data,
                      &answer));
        cr_assert(answer.code == 200, "%d: %.*s", answer.code, STR_ARG(answer.body));
        bodies[i] = arena_copy_str(&place->arena, answer.body);
    }
    size_t count = 0;
    for (str rest = bodies[0]; rest.len; str_cut(&rest, '-')) count++;
    cr_expect(count > EXEMPLARS / 2, "%.*s", STR_ARG(bodies[0]));
    cr_expect(str_equal(bodies[0], bodies[1]), "%.*s\n%.*s", STR_ARG(bodies[0]), STR_ARG(bodies[1]));
}

static void send_request(struct place *place, const struct server *to, struct write_request *request)
{
    struct http_answer answer;

    must(remote_write_send(place->client, to->write_url, write_request_compress(request), &answer));
    cr_assert(answer.code / 100 == 2, "%d: %.*s", answer.code, STR_ARG(answer.body));
    write_request_reset(request);
}

/* In the order of time, as scrapes would come; then samples that are late. */
static void fill(struct place *place, const struct server *to, int64_t start_ms)
{
    struct write_request request = {0};

    for (int i = 0; i < WRITTEN_SAMPLES; i++) {
        int64_t time_ms = start_ms + (int64_t)i * STEP_MS;
        for (int s = 0; s < SERIES; s++) {
            bool ends = s % 7 == 0 && i == 200; /* with a stale marker */
            if (s % 7 == 0 && i > 200) continue;
            put_float(place, &request, s, time_ms, ends ? double_from_bits(0x7FF0000000000002ULL) : i * 0.1 * s);
        }
        if (i % 6 == 5) put_exemplar(place, &request, 1 + i % 4, time_ms, i);
        put_histogram(&request, time_ms, (unsigned)i, "integer");
        put_histogram(&request, time_ms, (unsigned)i, "float");
        send_request(place, to, &request);
    }
    for (int i = 0; i < LATE_STEPS; i++) {
        int64_t time_ms = start_ms + (int64_t)(WRITTEN_SAMPLES - 2 - i) * STEP_MS + 5000;
        for (int s = 1; s <= LATE_SERIES; s++) put_float(place, &request, s, time_ms, 1000 + i);
        send_request(place, to, &request);
    }
    write_request_release(&request);
}

/* A Prometheus that was killed, or stopped: its log, its head's chunks and its log of late samples have everything. */
static void head_survives(bool killed)
{
    /* No rates and quantiles: how they are extra- and interpolated has changed since 2.42. */
    static const char *const expressions[] = {"w",
                                              "sum_over_time(w[5m])",
                                              "count_over_time(w[10m])",
                                              "changes(w[5m])",
                                              "resets(w[10m])",
                                              "histogram_count(h)",
                                              "histogram_sum(h)",
                                              "histogram_fraction(0.5, 1, h)",
                                              "histogram_fraction(1, 2, h)",
                                              "histogram_fraction(2, 8, h)",
                                              "histogram_fraction(-1, -0.5, h)",
                                              NULL};
    struct place place = make_place();
    struct server prometheus, server;
    int64_t end_ms = clock_now_ms() / STEP_MS * STEP_MS, start_ms = end_ms - (int64_t)WRITTEN_SAMPLES * STEP_MS;
    const char *out = path_in(&place, "out");

    must(server_varve(&place.arena, NULL, &server));
    must(server_prometheus(&place.arena, &prometheus));
    must(server_configure(&prometheus,
                          STR("global: {scrape_interval: 1h}\n"
                              "storage: {tsdb: {out_of_order_time_window: 1h}, exemplars: {max_exemplars: 1000}}\n")));
    must(server_start(&prometheus, place.client));
    fill(&place, &prometheus, start_ms);
    if (killed) {
        process_kill(&prometheus.process);
    } else {
        must(process_stop(&prometheus.process, SERVER_STOP_MS));
    }
    varve(&place, "import", server.data_path, prometheus.data_path);
    varve(&place, "export", server.data_path, out);
    must(server_start(&server, place.client));
    must(server_start(&prometheus, place.client)); /* on its own folder */
    expect_same_exemplars(&place, &prometheus, &server, start_ms, end_ms);
    expect_same_answers(&place, &prometheus, &server, expressions, start_ms, end_ms);
    must(process_stop(&prometheus.process, SERVER_STOP_MS));

    /* A second one, on what was exported. */
    struct server other;
    must(server_prometheus(&place.arena, &other));
    cr_assert(rename(out, other.data_path) == 0);
    must(server_start(&other, place.client));
    expect_same_answers(&place, &other, &server, expressions, start_ms, end_ms);
    must(process_stop(&other.process, SERVER_STOP_MS));
    must(process_stop(&server.process, SERVER_STOP_MS));
    must(server_check_folder(&server, &place.arena));
    release_place(&place);
}

Test(prometheus_folder, head_of_a_killed_one, .timeout = 600)
{
    head_survives(true);
}

Test(prometheus_folder, head_of_a_stopped_one, .timeout = 600)
{
    head_survives(false);
}
