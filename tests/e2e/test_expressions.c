/* The expressions of a real stack's rules and dashboards, answered by Varve as Prometheus answers them, and by a
 * Prometheus that reads through Varve.
 *
 * Both get the same made-up samples of that stack by remote-write: 90 minutes, every 15 s, with the traps that such
 * data has: counter resets, a target that is down and one that leaves, gaps longer than the lookback, series that begin
 * late, a histogram without observations, a division of zero by zero. Samples lie 137 ms after a whole second and
 * evaluation times on whole seconds, so no sample is ever at the edge of a window, where versions of Prometheus
 * disagree. They also disagree on how far before its first sample a counter may have been zero, so counters begin well
 * above it.
 */
#include "storage/base/clock.h"
#include "storage/base/hash.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEP_MS = 15000, PHASE_MS = 137, SCRAPES = 360, EXPORTER_LABELS_MAX = 8, AGE_MS = 2 * 60 * 60 * 1000 };

#define TOLERANCE         1e-9
#define STALE_MARKER_BITS 0x7FF0000000000002

enum movement {
    COUNTER, /* about `a` a scrape */
    GAUGE,   /* between a and a + b */
    RAMP     /* from a, b more with each scrape */
};

enum event {
    NOTHING,
    RESETS,   /* begins again at zero after two thirds */
    LEAVES,   /* after two thirds: a stale marker, then nothing */
    STUMBLES, /* twelve minutes are missing in the middle */
    IS_LATE   /* begins after a third */
};

#define DJANGO(n) "job=django,instance=10.0.1." #n ":8000"
#define REDIS(n)  "job=redis,instance=10.0.2." #n ":9121"
#define RESPONSES "__name__=django_http_responses_total_by_status_total,"
#define LATENCY   "__name__=django_http_requests_latency_seconds_bucket,"

/* Labels as "name=value,name=value". */
static const struct row {
    const char *labels;
    enum movement movement;
    double a, b;
    enum event event;
} rows[] = {
    {"__name__=up," DJANGO(1), RAMP, 1, 0, NOTHING},
    {"__name__=up," DJANGO(2), RAMP, 0, 0, NOTHING},
    {"__name__=up," REDIS(1), RAMP, 1, 0, STUMBLES},
    {RESPONSES "status=200," DJANGO(1), COUNTER, 400, 0, NOTHING},
    {RESPONSES "status=404," DJANGO(1), COUNTER, 12, 0, RESETS},
    {RESPONSES "status=500," DJANGO(1), COUNTER, 9, 0, NOTHING},
    {RESPONSES "status=503," DJANGO(1), COUNTER, 0.1, 0, STUMBLES},
    {RESPONSES "status=50," DJANGO(1), COUNTER, 50, 0, NOTHING}, /* no match for "5..", nor is the next one */
    {RESPONSES "status=5000," DJANGO(1), COUNTER, 50, 0, NOTHING},
    {RESPONSES "status=502," DJANGO(2), COUNTER, 3, 0, LEAVES},
    {"__name__=django_http_requests_total," DJANGO(1), COUNTER, 420, 0, RESETS},
    {"__name__=django_http_requests_total," DJANGO(2), COUNTER, 300, 0, IS_LATE},
    /* a histogram's buckets grow in step */
    {LATENCY "view=list,le=0.1," DJANGO(1), RAMP, 0, 10, NOTHING},
    {LATENCY "view=list,le=0.5," DJANGO(1), RAMP, 0, 18, NOTHING},
    {LATENCY "view=list,le=1.0," DJANGO(1), RAMP, 0, 19, NOTHING},
    {LATENCY "view=list,le=5.0," DJANGO(1), RAMP, 0, 20, NOTHING},
    {LATENCY "view=list,le=+Inf," DJANGO(1), RAMP, 0, 20, NOTHING},
    {LATENCY "view=payment,le=0.1," DJANGO(1), RAMP, 0, 1, RESETS},
    {LATENCY "view=payment,le=0.5," DJANGO(1), RAMP, 0, 3, RESETS},
    {LATENCY "view=payment,le=1.0," DJANGO(1), RAMP, 0, 7, RESETS},
    {LATENCY "view=payment,le=5.0," DJANGO(1), RAMP, 0, 12, RESETS},
    {LATENCY "view=payment,le=+Inf," DJANGO(1), RAMP, 0, 15, RESETS},
    {LATENCY "view=unused,le=0.1," DJANGO(1), RAMP, 0, 0, NOTHING},
    {LATENCY "view=unused,le=1.0," DJANGO(1), RAMP, 0, 0, NOTHING},
    {LATENCY "view=unused,le=+Inf," DJANGO(1), RAMP, 0, 0, NOTHING},
    {LATENCY "view=unbounded,le=+Inf," DJANGO(1), RAMP, 0, 4, NOTHING}, /* no other bucket: nothing to interpolate in */
    {LATENCY "view=endless,le=0.1," DJANGO(1), RAMP, 0, 2, STUMBLES},   /* no +Inf bucket */
    {LATENCY "view=endless,le=1.0," DJANGO(1), RAMP, 0, 4, STUMBLES},
    {"__name__=django_db_query_duration_seconds_count,alias=default," DJANGO(1), COUNTER, 900, 0, RESETS},
    {"__name__=django_db_query_duration_seconds_count,alias=replica," DJANGO(1), COUNTER, 90, 0, LEAVES},
    {"__name__=django_db_connections_total,alias=default," DJANGO(1), RAMP, 1000, 3, NOTHING},
    {"__name__=django_db_connections_closed_total,alias=default," DJANGO(1), RAMP, 1000, 2, NOTHING},
    {"__name__=django_db_connections_total,alias=replica," DJANGO(1), RAMP, 50, 1, NOTHING}, /* without a partner */
    {"__name__=redis_keyspace_hits_total," REDIS(1), COUNTER, 4000, 0, RESETS},
    {"__name__=redis_keyspace_misses_total," REDIS(1), COUNTER, 200, 0, RESETS},
    {"__name__=redis_keyspace_hits_total," REDIS(2), RAMP, 0, 0, NOTHING}, /* 0 / 0 */
    {"__name__=redis_keyspace_misses_total," REDIS(2), RAMP, 0, 0, NOTHING},
    {"__name__=celery_queue_length,queue_name=celery", RAMP, 0, 5, NOTHING},
    {"__name__=celery_queue_length,queue_name=mail", GAUGE, 0, 40, STUMBLES},
    {"__name__=celery_queue_length,queue_name=reports", RAMP, 900, 5, LEAVES},
};

/* What each host with a node exporter has; `a` gets `a_per_percent` for each percent that the host is used. */
static const struct node_row {
    const char *labels;
    enum movement movement;
    double a, a_per_percent, b;
} node_rows[] = {
    {"__name__=up", RAMP, 1, 0, 0},
    {"__name__=node_cpu_seconds_total,cpu=0,mode=idle", COUNTER, 15, -0.15, 0},
    {"__name__=node_cpu_seconds_total,cpu=0,mode=user", COUNTER, 0, 0.1, 0},
    {"__name__=node_cpu_seconds_total,cpu=0,mode=system", COUNTER, 0, 0.05, 0},
    {"__name__=node_cpu_seconds_total,cpu=1,mode=idle", COUNTER, 15, -0.15, 0},
    {"__name__=node_cpu_seconds_total,cpu=1,mode=user", COUNTER, 0, 0.15, 0},
    {"__name__=node_memory_MemTotal_bytes", RAMP, 67385671680, 0, 0},
    {"__name__=node_memory_MemAvailable_bytes", GAUGE, 67385671680, -673856716.80, 1e9},
    {"__name__=node_filesystem_size_bytes,device=/dev/sda1,fstype=ext4,mountpoint=/", RAMP, 4e11, 0, 0},
    {"__name__=node_filesystem_avail_bytes,device=/dev/sda1,fstype=ext4,mountpoint=/", RAMP, 4e11, -4e9, -1e7},
    {"__name__=node_filesystem_size_bytes,device=/dev/sdb1,fstype=xfs,mountpoint=/data", RAMP, 8e12, 0, 0},
    {"__name__=node_filesystem_avail_bytes,device=/dev/sdb1,fstype=xfs,mountpoint=/data", GAUGE, 1e11, 0, 1e12},
    {"__name__=node_network_receive_bytes_total,device=eth0", COUNTER, 1e6, 0, 0},
    {"__name__=node_network_receive_bytes_total,device=lo", COUNTER, 12345, 0, 0},
    {"__name__=node_network_transmit_bytes_total,device=eth0", COUNTER, 7e5, 0, 0},
    {"__name__=node_network_transmit_bytes_total,device=lo", COUNTER, 12345, 0, 0},
};

static const struct host {
    const char *instance;
    double used_percent;
    enum event event;
} hosts[] = {
    {"10.0.0.1:9100", 30, NOTHING},  {"10.0.0.2:9100", 92, RESETS},  {"10.0.0.3:9100", 60, LEAVES},
    {"10.0.0.4:9100", 88, STUMBLES}, {"10.0.0.5:9100", 81, IS_LATE},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { SERIES_MAX = COUNT(rows) + COUNT(hosts) * COUNT(node_rows) };

struct series {
    label pairs[EXPORTER_LABELS_MAX];
    size_t pair_count;
    struct row row;
    double level; /* of a counter or a ramp */
};

/* Whether the series has a sample at this scrape, and which. */
static bool next_sample(struct series *series, unsigned number, unsigned scrape, double *value)
{
    const struct row *row = &series->row;
    double noise = (double)(hash_mix(number, scrape) >> 11) * 0x1p-53;

    if (row->event == IS_LATE && scrape < SCRAPES / 3) return false;
    if (row->event == STUMBLES && scrape >= SCRAPES / 2 && scrape < SCRAPES / 2 + 48) return false;
    if (row->event == LEAVES && scrape > SCRAPES * 2 / 3) return false;
    if (row->event == RESETS && scrape == SCRAPES * 2 / 3) series->level = 0;
    switch (row->movement) {
    case COUNTER: *value = series->level += row->a * (0.5 + noise); break;
    case GAUGE: *value = row->a + row->b * noise; break;
    case RAMP:
        *value = row->a + series->level;
        series->level += row->b;
        break;
    }
    if (row->event == LEAVES && scrape == SCRAPES * 2 / 3) *value = double_from_bits(STALE_MARKER_BITS);
    return true;
}

static void add_label(struct series *series, str name, str value)
{
    cr_assert(series->pair_count < EXPORTER_LABELS_MAX, "more labels than there is room for: %s", series->row.labels);
    series->pairs[series->pair_count++] = (label){name, value};
}

static void init_series(struct series *series, struct row row)
{
    str rest = str_from(row.labels);

    *series = (struct series){.row = row, .level = row.movement == COUNTER ? 100 * row.a : 0};
    while (rest.len) {
        str pair = str_cut(&rest, ','), name = str_cut(&pair, '=');
        add_label(series, name, pair);
    }
}

static size_t make_series(struct series *out)
{
    size_t count = 0;

    for (size_t i = 0; i < COUNT(rows); i++) init_series(&out[count++], rows[i]);
    for (size_t i = 0; i < COUNT(hosts); i++) {
        for (size_t j = 0; j < COUNT(node_rows); j++) {
            const struct node_row *row = &node_rows[j];
            double a = row->a + row->a_per_percent * hosts[i].used_percent;
            init_series(&out[count], (struct row){row->labels, row->movement, a, row->b, hosts[i].event});
            add_label(&out[count], STR("job"), STR("node_exporter"));
            add_label(&out[count++], STR("instance"), str_from(hosts[i].instance));
        }
    }
    for (size_t i = 0; i < count; i++) labels_sort(out[i].pairs, out[i].pair_count);
    return count;
}

static void write_scrape(struct server_pair *pair, struct write_request *request)
{
    const struct server *servers[] = {&pair->varve, &pair->prometheus};

    for (size_t i = 0; i < COUNT(servers); i++) {
        struct http_answer answer;
        must(remote_write_send(pair->client, servers[i]->write_url, write_request_compress(request), &answer));
        cr_assert(answer.code / 100 == 2, "%s answers %d: %.*s", servers[i]->name, answer.code, STR_ARG(answer.body));
    }
}

static void write_stack(struct server_pair *pair, int64_t start_ms)
{
    struct series series[SERIES_MAX];
    size_t count = make_series(series);
    struct write_request request = {0};

    for (unsigned scrape = 0; scrape < SCRAPES; scrape++) {
        write_request_reset(&request);
        for (unsigned i = 0; i < count; i++) {
            struct write_sample sample = {start_ms + scrape * STEP_MS + PHASE_MS, 0};
            if (!next_sample(&series[i], i, scrape, &sample.value)) continue;
            write_request_add(&request, series[i].pairs, series[i].pair_count, &sample, 1);
        }
        write_scrape(pair, &request);
    }
    write_request_release(&request);
}

/* Asks Prometheus and another server at one time; returns how many series Prometheus gave. */
static size_t compare_instant(struct server_pair *pair, const struct server *other, str expression, int64_t time_ms)
{
    struct prom_result expected, found;

    must(prom_query(pair->client, pair->prometheus.url, expression, time_ms, &pair->arena, &expected));
    must(prom_query(pair->client, other->url, expression, time_ms, &pair->arena, &found));
    str difference = prom_difference(&expected, &found, TOLERANCE, &pair->arena);
    cr_expect(difference.len == 0, "%.*s at %lld (left prometheus, right %s): %.*s", STR_ARG(expression),
              (long long)time_ms, other->name, STR_ARG(difference));
    return expected.series_count;
}

static size_t compare_range(struct server_pair *pair, const struct server *other, str expression,
                            struct prom_range range)
{
    struct prom_result expected, found;

    must(prom_query_range(pair->client, pair->prometheus.url, expression, range, &pair->arena, &expected));
    must(prom_query_range(pair->client, other->url, expression, range, &pair->arena, &found));
    str difference = prom_difference(&expected, &found, TOLERANCE, &pair->arena);
    cr_expect(difference.len == 0, "%.*s every %lld ms (left prometheus, right %s): %.*s", STR_ARG(expression),
              (long long)range.step_ms, other->name, STR_ARG(difference));
    return expected.series_count;
}

/* A Prometheus without samples of its own, which reads Varve's. */
static void start_reader(struct server_pair *pair, struct server *reader)
{
    must(server_prometheus(&pair->arena, reader));
    reader->name = "prometheus through varve";
    must(server_configure(reader,
                          arena_format(&pair->arena, "remote_read: [{url: '%s/api/v1/read', read_recent: true}]\n",
                                       pair->varve.url)));
    must(server_start(reader, pair->client));
}

Test(expressions, are_answered_as_prometheus_does, .timeout = 300)
{
    static const int64_t steps_ms[] = {7000, 15000, 60000, 300000};
    const char *path = getenv("VARVE_STACK");
    struct server_pair pair;
    struct server reader;
    str lines;
    unsigned expressions = 0, with_answer = 0;

    if (!path || !*path) path = VARVE_STACK_DEFAULT;
    must(server_pair_start(&pair));
    if (failed(folder_read_file(path, &pair.arena, &lines))) {
        printf("skipped: no list of expressions at %s; VARVE_STACK names one\n", path);
        must(server_pair_stop(&pair));
        return;
    }
    int64_t start_ms = (clock_now_ms() - AGE_MS) / 1000 * 1000, end_ms = start_ms + SCRAPES * STEP_MS;
    write_stack(&pair, start_ms);
    start_reader(&pair, &reader);
    const struct server *others[] = {&pair.varve, &reader};
    while (lines.len) {
        str expression = str_trim(str_cut(&lines, '\n'));
        size_t series = 0;
        if (expression.len == 0) continue;
        for (size_t j = 0; j < COUNT(others); j++) {
            for (int64_t time_ms = start_ms - 60000; time_ms < end_ms + 600000; time_ms += 173000)
                series += compare_instant(&pair, others[j], expression, time_ms);
            for (size_t i = 0; i < COUNT(steps_ms); i++)
                series += compare_range(&pair, others[j], expression,
                                        (struct prom_range){start_ms, end_ms + 600000, steps_ms[i]});
        }
        expressions++;
        with_answer += series > 0;
    }
    cr_expect(expressions > 0 && with_answer == expressions, "only %u of %u expressions have an answer at all",
              with_answer, expressions);
    must(process_stop(&reader.process, SERVER_STOP_MS));
    must(server_pair_stop(&pair));
}
