/* The expressions of a real stack's rules and dashboards, answered by Varve as Prometheus answers them.
 *
 * Both get the same made-up samples of that stack by remote-write: 90 minutes, every 15 s, with the traps that such
 * data has: counter resets, a target that is down and one that leaves, gaps longer than the lookback, series that begin
 * late, a histogram without observations, a division of zero by zero. Samples lie 137 ms after a whole second and
 * evaluation times on whole seconds, so no sample is ever at the edge of a window, where versions of Prometheus
 * disagree.
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

enum { STEP_MS = 15000, PHASE_MS = 137, SCRAPES = 360, LABELS_MAX = 8, AGE_MS = 2 * 60 * 60 * 1000 };

#define TOLERANCE 1e-9

enum movement {
    COUNTER, /* about `a` a scrape */
    GAUGE,   /* between a and a + b */
    RAMP     /* from a, b more with each scrape */
};

enum event {
    NOTHING,
    RESETS, /* begins again at zero after two thirds */
    LEAVES, /* after two thirds: a stale marker, then nothing */
    STUMBLES /* twelve minutes are missing in the middle */,
    IS_LATE /* begins after a third */
};

#define NODE(n)   "job=node_exporter,instance=10.0.0." #n ":9100"
#define DJANGO(n) "job=django,instance=10.0.1." #n ":8000"
#define REDIS(n)  "job=redis,instance=10.0.2." #n ":9121"

/* One host's node exporter; `used` is in percent. */
#define NODE_ROWS(n, used, event)                                                                                    \
    {"__name__=up," NODE(n), RAMP, 1, 0, event},                                                                     \
        {"__name__=node_cpu_seconds_total,cpu=0,mode=idle," NODE(n), COUNTER, 15 - (used)*0.15, 0, event},           \
        {"__name__=node_cpu_seconds_total,cpu=0,mode=user," NODE(n), COUNTER, (used)*0.1, 0, event},                 \
        {"__name__=node_cpu_seconds_total,cpu=0,mode=system," NODE(n), COUNTER, (used)*0.05, 0, event},              \
        {"__name__=node_cpu_seconds_total,cpu=1,mode=idle," NODE(n), COUNTER, 15 - (used)*0.15, 0, event},           \
        {"__name__=node_cpu_seconds_total,cpu=1,mode=user," NODE(n), COUNTER, (used)*0.15, 0, event},                \
        {"__name__=node_memory_MemTotal_bytes," NODE(n), RAMP, 67385671680, 0, event},                               \
        {"__name__=node_memory_MemAvailable_bytes," NODE(n), GAUGE, 673856716.80 * (100 - (used)), 1e9, event},      \
        {"__name__=node_filesystem_size_bytes,device=/dev/sda1,fstype=ext4,mountpoint=/," NODE(n), RAMP, 4e11, 0,    \
         event},                                                                                                     \
        {"__name__=node_filesystem_avail_bytes,device=/dev/sda1,fstype=ext4,mountpoint=/," NODE(n), RAMP,            \
         4e9 * (100 - (used)), -1e7, event},                                                                         \
        {"__name__=node_filesystem_size_bytes,device=/dev/sdb1,fstype=xfs,mountpoint=/data," NODE(n), RAMP, 8e12, 0, \
         event},                                                                                                     \
        {"__name__=node_filesystem_avail_bytes,device=/dev/sdb1,fstype=xfs,mountpoint=/data," NODE(n), GAUGE, 1e11,  \
         1e12, event},                                                                                               \
        {"__name__=node_network_receive_bytes_total,device=eth0," NODE(n), COUNTER, 1e6, 0, event},                  \
        {"__name__=node_network_receive_bytes_total,device=lo," NODE(n), COUNTER, 12345, 0, event},                  \
        {"__name__=node_network_transmit_bytes_total,device=eth0," NODE(n), COUNTER, 7e5, 0, event},                 \
    {                                                                                                                \
        "__name__=node_network_transmit_bytes_total,device=lo," NODE(n), COUNTER, 12345, 0, event                    \
    }

#define RESPONSES(n, status, pace, event)                                                                            \
    {                                                                                                                \
        "__name__=django_http_responses_total_by_status_total,status=" status "," DJANGO(n), COUNTER, pace, 0, event \
    }

/* A histogram's buckets grow in step: the paces are cumulative. */
#define LATENCY(n, view, le, pace, event)                                                                         \
    {                                                                                                             \
        "__name__=django_http_requests_latency_seconds_bucket,view=" view ",le=" le "," DJANGO(n), RAMP, 0, pace, \
            event                                                                                                 \
    }

static const struct row {
    const char *labels;
    enum movement movement;
    double a, b;
    enum event event;
} rows[] = {
    NODE_ROWS(1, 30, NOTHING),
    NODE_ROWS(2, 92, RESETS),
    NODE_ROWS(3, 60, LEAVES),
    NODE_ROWS(4, 88, STUMBLES),
    NODE_ROWS(5, 81, IS_LATE),
    {"__name__=up," DJANGO(1), RAMP, 1, 0, NOTHING},
    {"__name__=up," DJANGO(2), RAMP, 0, 0, NOTHING},
    {"__name__=up," REDIS(1), RAMP, 1, 0, STUMBLES},
    RESPONSES(1, "200", 400, NOTHING),
    RESPONSES(1, "404", 12, RESETS),
    RESPONSES(1, "500", 9, NOTHING),
    RESPONSES(1, "503", 0.1, STUMBLES),
    RESPONSES(1, "50", 50, NOTHING), /* no match for "5..", nor is the next one */
    RESPONSES(1, "5000", 50, NOTHING),
    RESPONSES(2, "502", 3, LEAVES),
    {"__name__=django_http_requests_total," DJANGO(1), COUNTER, 420, 0, RESETS},
    {"__name__=django_http_requests_total," DJANGO(2), COUNTER, 300, 0, IS_LATE},
    LATENCY(1, "list", "0.1", 10, NOTHING),
    LATENCY(1, "list", "0.5", 18, NOTHING),
    LATENCY(1, "list", "1.0", 19, NOTHING),
    LATENCY(1, "list", "5.0", 20, NOTHING),
    LATENCY(1, "list", "+Inf", 20, NOTHING),
    LATENCY(1, "payment", "0.1", 1, RESETS),
    LATENCY(1, "payment", "0.5", 3, RESETS),
    LATENCY(1, "payment", "1.0", 7, RESETS),
    LATENCY(1, "payment", "5.0", 12, RESETS),
    LATENCY(1, "payment", "+Inf", 15, RESETS),
    LATENCY(1, "unused", "0.1", 0, NOTHING),
    LATENCY(1, "unused", "1.0", 0, NOTHING),
    LATENCY(1, "unused", "+Inf", 0, NOTHING),
    LATENCY(1, "unbounded", "+Inf", 4, NOTHING), /* no other bucket: nothing to interpolate in */
    LATENCY(1, "endless", "0.1", 2, STUMBLES),   /* no +Inf bucket */
    LATENCY(1, "endless", "1.0", 4, STUMBLES),
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

enum { ROWS = sizeof rows / sizeof rows[0] };

/* Whether the series has a sample at this scrape, and which; `level` is a counter's state. */
static bool sample_of(const struct row *row, unsigned number, unsigned scrape, double *level, double *value)
{
    double noise = (double)(hash_mix(number, scrape) >> 11) * 0x1p-53;

    if (row->event == IS_LATE && scrape < SCRAPES / 3) return false;
    if (row->event == STUMBLES && scrape >= SCRAPES / 2 && scrape < SCRAPES / 2 + 48) return false;
    if (row->event == LEAVES && scrape > SCRAPES * 2 / 3) return false;
    if (row->event == RESETS && scrape == SCRAPES * 2 / 3) *level = 0;
    switch (row->movement) {
    case COUNTER: *value = *level += row->a * (0.5 + noise); break;
    case GAUGE: *value = row->a + row->b * noise; break;
    case RAMP:
        *value = row->a + *level;
        *level += row->b;
        break;
    }
    if (row->event == LEAVES && scrape == SCRAPES * 2 / 3) *value = double_from_bits(0x7FF0000000000002);
    return true;
}

static size_t read_labels(const char *spelling, label *out)
{
    str rest = str_from(spelling);
    size_t count = 0;

    while (rest.len) {
        str pair = str_cut(&rest, ','), name = str_cut(&pair, '=');
        cr_assert(count < LABELS_MAX, "more labels than there is room for: %s", spelling);
        out[count++] = (label){name, pair};
    }
    labels_sort(out, count);
    return count;
}

static void write_stack(struct server_pair *pair, int64_t start_ms)
{
    double levels[ROWS] = {0};
    struct write_request request = {0};

    for (unsigned scrape = 0; scrape < SCRAPES; scrape++) {
        write_request_reset(&request);
        for (unsigned i = 0; i < ROWS; i++) {
            label pairs[LABELS_MAX];
            struct write_sample sample = {start_ms + scrape * STEP_MS + PHASE_MS, 0};
            if (!sample_of(&rows[i], i, scrape, &levels[i], &sample.value)) continue;
            write_request_add(&request, pairs, read_labels(rows[i].labels, pairs), &sample, 1);
        }
        const struct server *servers[] = {&pair->varve, &pair->prometheus};
        for (size_t i = 0; i < 2; i++) {
            struct http_answer answer;
            must(remote_write_send(pair->client, servers[i]->write_url, write_request_compress(&request), &answer));
            cr_assert(answer.code / 100 == 2, "%s answers %d: %.*s", servers[i]->name, answer.code,
                      STR_ARG(answer.body));
        }
    }
    write_request_release(&request);
}

/* Asks both at one time; returns how many series Prometheus gave. */
static size_t compare_instant(struct server_pair *pair, str expression, int64_t time_ms)
{
    struct prom_result expected, found;

    must(prom_query(pair->client, pair->prometheus.url, expression, time_ms, &pair->arena, &expected));
    must(prom_query(pair->client, pair->varve.url, expression, time_ms, &pair->arena, &found));
    str difference = prom_difference(&expected, &found, TOLERANCE, &pair->arena);
    cr_expect(difference.len == 0, "%.*s at %lld (left prometheus, right varve): %.*s", STR_ARG(expression),
              (long long)time_ms, STR_ARG(difference));
    return expected.series_count;
}

static size_t compare_range(struct server_pair *pair, str expression, struct prom_range range)
{
    struct prom_result expected, found;

    must(prom_query_range(pair->client, pair->prometheus.url, expression, range, &pair->arena, &expected));
    must(prom_query_range(pair->client, pair->varve.url, expression, range, &pair->arena, &found));
    str difference = prom_difference(&expected, &found, TOLERANCE, &pair->arena);
    cr_expect(difference.len == 0, "%.*s every %lld ms (left prometheus, right varve): %.*s", STR_ARG(expression),
              (long long)range.step_ms, STR_ARG(difference));
    return expected.series_count;
}

Test(expressions, are_answered_as_prometheus_does, .timeout = 300)
{
    static const int64_t steps_ms[] = {7000, 15000, 60000, 300000};
    const char *path = getenv("VARVE_STACK");
    struct server_pair pair;
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
    while (lines.len) {
        str expression = str_trim(str_cut(&lines, '\n'));
        size_t series = 0;
        if (expression.len == 0) continue;
        for (int64_t time_ms = start_ms - 60000; time_ms < end_ms + 600000; time_ms += 173000)
            series += compare_instant(&pair, expression, time_ms);
        for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++)
            series += compare_range(&pair, expression, (struct prom_range){start_ms, end_ms + 600000, steps_ms[i]});
        expressions++;
        with_answer += series > 0;
    }
    cr_expect(expressions > 0 && with_answer == expressions, "only %u of %u expressions have an answer at all",
              with_answer, expressions);
    must(server_pair_stop(&pair));
}
