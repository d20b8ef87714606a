/* The queries of Prometheus' compliance suite, answered by Varve as by Prometheus, over made-up series of the demo
 * service that the suite is about.
 *
 * The list is no part of the project: VARVE_CONFORMANCE names the folder with compliance/queries.txt. One query a line;
 * those with a remark after a tab are refused or changed between versions and left out here. Samples lie 137 ms and
 * evaluation times 7 s after whole minutes, so nothing is at the edge of a window, where versions of Prometheus
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

enum { STEP_MS = 15000, PHASE_MS = 137, EVAL_PHASE_MS = 7000, SCRAPES = 240, AGE_MS = 90 * 60 * 1000 };

#define TOLERANCE 1e-9
#define DEMO(n)   "job=demo,instance=demo.promlabs.com:1000" #n
#define LATENCY   "__name__=demo_api_request_duration_seconds_bucket,method=GET,path=/,status=200,"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* From `base`, `pace` more with each scrape, and up to `noise` besides. */
static const struct row {
    const char *labels; /* name=value,… */
    double base, pace, noise;
} rows[] = {
    {"__name__=demo_num_cpus," DEMO(0), 4, 0, 0},
    {"__name__=demo_num_cpus," DEMO(1), 8, 0, 0},
    {"__name__=demo_cpu_usage_seconds_total,mode=idle," DEMO(0), 1e5, 14, 1},
    {"__name__=demo_cpu_usage_seconds_total,mode=user," DEMO(0), 1e4, 1.5, 0.5},
    {"__name__=demo_cpu_usage_seconds_total,mode=idle," DEMO(1), 2e5, 13, 1},
    {"__name__=demo_memory_usage_bytes,type=free," DEMO(0), 5e8, 1e5, 1e7},
    {"__name__=demo_memory_usage_bytes,type=used," DEMO(0), 3e8, -1e5, 1e7},
    {"__name__=demo_memory_usage_bytes,type=free," DEMO(1), 6e8, 2e5, 1e7},
    {"__name__=demo_memory_usage_bytes,type=used," DEMO(1), 1e8, 3e5, 1e7},
    {"__name__=demo_disk_usage_bytes," DEMO(0), 1e9, 1e6, 1e5},
    {"__name__=demo_disk_usage_bytes," DEMO(1), 2e9, 3e6, 1e5},
    {"__name__=demo_batch_last_success_timestamp_seconds," DEMO(0), 0, 15, 0},
    {"__name__=demo_batch_last_success_timestamp_seconds," DEMO(1), 1.6e9, 15, 0},
    {"__name__=demo_intermittent_metric," DEMO(0), 1, 0, 5},
    {LATENCY "le=0.1," DEMO(0), 1e5, 1, 0},
    {LATENCY "le=0.5," DEMO(0), 2e5, 3, 0},
    {LATENCY "le=+Inf," DEMO(0), 3e5, 4, 0},
};

static bool is_missing(const struct row *row, unsigned scrape)
{
    return strstr(row->labels, "intermittent") && scrape > SCRAPES / 3 && scrape < SCRAPES / 2;
}

static void add_row(struct write_request *request, const struct row *row, unsigned scrape, int64_t time_ms)
{
    double noise = (double)(hash_mix((uint64_t)(row - rows), scrape) >> 11) * 0x1p-53;
    struct write_sample sample = {time_ms, row->base + row->pace * scrape + row->noise * noise};
    label pairs[8];
    size_t count = 0;

    for (str rest = str_from(row->labels); rest.len; count++) {
        str value = str_cut(&rest, ','), name = str_cut(&value, '=');
        pairs[count] = (label){name, value};
    }
    labels_sort(pairs, count);
    if (!is_missing(row, scrape)) write_request_add(request, pairs, count, &sample, 1);
}

static void write_demo(struct server_pair *pair, int64_t start_ms)
{
    const struct server *servers[] = {&pair->varve, &pair->prometheus};
    struct write_request request = {0};

    for (unsigned scrape = 0; scrape < SCRAPES; scrape++) {
        write_request_reset(&request);
        for (size_t i = 0; i < COUNT(rows); i++)
            add_row(&request, &rows[i], scrape, start_ms + scrape * STEP_MS + PHASE_MS);
        for (size_t i = 0; i < COUNT(servers); i++) {
            struct http_answer answer;
            must(remote_write_send(pair->client, servers[i]->write_url, write_request_compress(&request), &answer));
            cr_assert(answer.code / 100 == 2, "%s answers %d", servers[i]->name, answer.code);
        }
    }
    write_request_release(&request);
}

/* Whether Prometheus' answer has series. */
static bool compare(struct server_pair *pair, str query, struct prom_range range)
{
    struct prom_result expected, found;
    struct arena arena;

    arena_init(&arena, NULL);
    status theirs = prom_query_range(pair->client, pair->prometheus.url, query, range, &arena, &expected);
    status ours = prom_query_range(pair->client, pair->varve.url, query, range, &arena, &found);
    cr_expect(!failed(theirs) && !failed(ours), "%.*s: prometheus: %s varve: %s", STR_ARG(query),
              failed(theirs) ? theirs.text : "answers", failed(ours) ? ours.text : "answers");
    bool are_there = !failed(theirs) && !failed(ours), has_series = are_there && expected.series_count > 0;
    str difference = are_there ? prom_difference(&expected, &found, TOLERANCE, &arena) : STR("");
    cr_expect(difference.len == 0, "%.*s (left prometheus, right varve): %.*s", STR_ARG(query), STR_ARG(difference));
    arena_release(&arena);
    return has_series;
}

Test(compliance, queries_are_answered_as_prometheus_does, .timeout = 300)
{
    const char *folder = getenv("VARVE_CONFORMANCE");
    unsigned queries = 0, with_series = 0;
    struct server_pair pair;
    str list;

    must(server_pair_start(&pair));
    if (!folder || !*folder) folder = VARVE_CONFORMANCE_DEFAULT;
    str path = arena_format(&pair.arena, "%s/compliance/queries.txt", folder);
    if (failed(folder_read_file(path.data, &pair.arena, &list))) {
        printf("skipped: no list of queries at %.*s; VARVE_CONFORMANCE names its folder\n", STR_ARG(path));
        must(server_pair_stop(&pair));
        return;
    }
    int64_t start_ms = (clock_now_ms() - AGE_MS) / 60000 * 60000;
    write_demo(&pair, start_ms);
    struct prom_range range = {start_ms + EVAL_PHASE_MS, start_ms + SCRAPES * STEP_MS, 60000};
    while (list.len) {
        str remark = str_trim(str_cut(&list, '\n')), query = str_cut(&remark, '\t');
        if (query.len == 0 || query.data[0] == '#' || remark.len) continue;
        with_series += compare(&pair, query, range);
        queries++;
    }
    printf("%u compliance queries asked, %u answers have series\n", queries, with_series);
    cr_expect(with_series > queries * 3 / 4, "only %u of %u answers have series", with_series, queries);
    must(server_pair_stop(&pair));
}
