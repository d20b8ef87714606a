/* A live stack: a node exporter, and a Prometheus that scrapes it and itself every second and forwards to Varve.
 *
 * After a minute the same queries go to Varve and to the Prometheus that got the same samples: the scraping one in
 * server mode, a second receiver in agent mode. promtool, Prometheus' own client, must print the same for both, too.
 * Queries are evaluated at a phase of the second at which nobody scrapes, so no sample lies at the edge of a window,
 * where versions of Prometheus disagree.
 */
#include "storage/base/clock.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/server.h"

#include <stdlib.h>

enum { STACK_MS = 60000, SETTLE_MS = 10000, RANGE_MS = 40000, ARRIVE_MS = 30000, LINES_MAX = 10000 };

#define TOLERANCE 1e-9

struct stack {
    struct arena arena;
    struct http_client *client;
    struct server exporter, scraper, varve, receiver;
    const struct server *reference; /* the Prometheus that Varve is compared with */
};

static const str expressions[] = {
    STR("up"),
    STR("{__name__!=\"\"}"),
    STR("count by (__name__, job) ({__name__!=\"\"})"),
    STR("scrape_samples_scraped - scrape_samples_post_metric_relabeling"),
    STR("rate(node_cpu_seconds_total[10s])"),
    STR("sum by (mode) (rate(node_cpu_seconds_total[15s]))"),
    STR("100 - (avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[15s])) * 100)"),
    STR("(1 - (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)) * 100"),
    STR("(1 - (node_filesystem_avail_bytes{mountpoint=\"/\"} / node_filesystem_size_bytes{mountpoint=\"/\"})) * 100"),
    STR("rate(node_network_receive_bytes_total[5s])"),
    STR("irate(node_network_transmit_bytes_total[5s])"),
    STR("increase(node_context_switches_total[20s])"),
    STR("histogram_quantile(0.9, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[20s])))"),
    STR("histogram_quantile(0.95, prometheus_http_request_duration_seconds_bucket)"),
    STR("avg_over_time(node_load1[20s])"),
    STR("max_over_time(scrape_duration_seconds[20s])"),
    STR("count_over_time(up[30s])"),
    STR("changes(node_procs_running[30s])"),
    STR("node_memory_MemFree_bytes offset 10s"),
    STR("topk by (job) (1, scrape_samples_scraped)"),
    STR("sum(rate(node_disk_reads_completed_total{device=~\".+\"}[10s])) > 1e12"),
    STR("absent(no_such_metric{job=\"x\"})"),
    STR("no_such_metric"),
    STR("label_replace(up, \"host\", \"$1\", \"instance\", \"(.*):.*\")"),
    STR("up[5s]"),
};

/* Values in these are whole, so that promtool prints the same text whatever the order of a sum. */
static const char *const promtool_expressions[] = {
    "up",
    "count by (job) ({__name__!=\"\"})",
    "node_memory_MemTotal_bytes",
    "node_cpu_seconds_total{mode=\"idle\"}",
};

static str configuration(struct stack *stack, const char *more_global, const struct server *const *targets)
{
    struct arena *arena = &stack->arena;
    str text = arena_format(arena, "global: {scrape_interval: 1s, scrape_timeout: 1s%s}\nremote_write:\n", more_global);

    for (; *targets; targets++)
        text = arena_format(arena, "%.*s  - {url: '%s', queue_config: {batch_send_deadline: 500ms}}\n", STR_ARG(text),
                            (*targets)->write_url);
    return arena_format(arena,
                        "%.*sscrape_configs:\n"
                        "  - {job_name: node_exporter, static_configs: [{targets: ['%s']}]}\n"
                        "  - {job_name: prometheus, static_configs: [{targets: ['%s']}]}\n",
                        STR_ARG(text), stack->exporter.address, stack->scraper.address);
}

static void start(struct stack *stack, bool as_agent)
{
    arena_init(&stack->arena, NULL);
    stack->client = http_client_new();
    must(server_varve(&stack->arena, NULL, &stack->varve));
    must(server_node_exporter(&stack->arena, &stack->exporter));
    if (as_agent) {
        must(server_prometheus_agent(&stack->arena, &stack->scraper));
        must(server_prometheus(&stack->arena, &stack->receiver));
        const struct server *both[] = {&stack->varve, &stack->receiver, NULL};
        must(server_configure(&stack->scraper, configuration(stack, ", external_labels: {cluster: production}", both)));
        must(server_start(&stack->receiver, stack->client));
        stack->reference = &stack->receiver;
    } else {
        must(server_prometheus(&stack->arena, &stack->scraper));
        const struct server *only[] = {&stack->varve, NULL};
        must(server_configure(&stack->scraper, configuration(stack, "", only)));
        stack->reference = &stack->scraper;
    }
    must(server_start(&stack->varve, stack->client));
    must(server_start(&stack->exporter, stack->client));
    must(server_start(&stack->scraper, stack->client));
}

static void stop(struct stack *stack)
{
    must(process_stop(&stack->scraper.process, SERVER_STOP_MS));
    must(process_stop(&stack->varve.process, SERVER_STOP_MS));
    must(server_check_folder(&stack->varve, &stack->arena));
    arena_release(&stack->arena);
    http_client_free(stack->client);
}

/* Waits until a server has a sample of every target that is newer than `time_ms`. */
static void wait_for_samples(struct stack *stack, const struct server *server, int64_t time_ms)
{
    int64_t deadline_ms = clock_now_ms() + ARRIVE_MS;
    struct prom_result result;

    for (;;) {
        str newer = arena_format(&stack->arena, "count(timestamp(up) > %lld.%03lld)", (long long)(time_ms / 1000),
                                 (long long)(time_ms % 1000));
        must(prom_query(stack->client, server->url, newer, clock_now_ms(), &stack->arena, &result));
        if (result.series_count == 1 && result.series[0].points[0].value >= 2) return;
        cr_assert(clock_now_ms() < deadline_ms, "%s has no samples of both targets after %lld", server->name,
                  (long long)time_ms);
        process_sleep_ms(200);
    }
}

/* The time closest before `time_ms` that is as far as can be from each second's scrapes. */
static int64_t quiet_time_ms(struct stack *stack, int64_t time_ms)
{
    struct prom_result scrapes;
    int64_t best_ms = time_ms, best_distance_ms = -1;

    must(prom_query(stack->client, stack->reference->url, STR("up[5s]"), time_ms, &stack->arena, &scrapes));
    cr_assert(scrapes.series_count == 2, "%zu targets are scraped, not 2", scrapes.series_count);
    for (int64_t candidate_ms = time_ms - 999; candidate_ms <= time_ms; candidate_ms++) {
        int64_t distance_ms = 500;
        for (size_t i = 0; i < scrapes.series_count; i++) {
            for (size_t j = 0; j < scrapes.series[i].point_count; j++) {
                int64_t apart_ms = llabs(candidate_ms - scrapes.series[i].points[j].time_ms) % 1000;
                if (apart_ms > 500) apart_ms = 1000 - apart_ms;
                if (apart_ms < distance_ms) distance_ms = apart_ms;
            }
        }
        if (distance_ms > best_distance_ms) {
            best_ms = candidate_ms;
            best_distance_ms = distance_ms;
        }
    }
    return best_ms;
}

static void compare_queries(struct stack *stack, int64_t time_ms)
{
    static const int64_t steps_ms[] = {0, 1000, 7000}; /* 0: an instant query */

    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        for (size_t j = 0; j < sizeof steps_ms / sizeof steps_ms[0]; j++) {
            struct prom_result results[2];
            const char *urls[2] = {stack->reference->url, stack->varve.url};
            struct prom_range range = {time_ms - RANGE_MS, time_ms, steps_ms[j]};
            if (range.step_ms && str_ends_with(expressions[i], STR("[5s]"))) continue;
            for (size_t k = 0; k < 2; k++)
                must(range.step_ms
                         ? prom_query_range(stack->client, urls[k], expressions[i], range, &stack->arena, &results[k])
                         : prom_query(stack->client, urls[k], expressions[i], time_ms, &stack->arena, &results[k]));
            str difference = prom_difference(&results[0], &results[1], TOLERANCE, &stack->arena);
            cr_expect(difference.len == 0, "%.*s at %lld, step %lld ms (left prometheus, right varve): %.*s",
                      STR_ARG(expressions[i]), (long long)time_ms, (long long)range.step_ms, STR_ARG(difference));
        }
    }
}

static int compare_lines(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* The lines that promtool prints, sorted; it must succeed. `before` and `after` are what stands around the server's URL
 * on its command line; both end with NULL. */
static size_t promtool(struct stack *stack, const char *const *before, const struct server *server,
                       const char *const *after, str *lines)
{
    const char *arguments[16] = {"promtool", "query"};
    const char *path = arena_format(&stack->arena, "%s.promtool", stack->varve.log_path).data;
    size_t count = 2, line_count = 0;
    int exit_code;
    str text;

    for (; *before; before++) arguments[count++] = *before;
    arguments[count++] = server->url;
    for (; *after; after++) arguments[count++] = *after;
    must(folder_write_file(path, STR("")));
    must(process_run(arguments, path, &exit_code));
    cr_assert(exit_code == 0, "promtool query %s %s: exit code %d", arguments[2], server->name, exit_code);
    must(folder_read_file(path, &stack->arena, &text));
    while (text.len && line_count < LINES_MAX) lines[line_count++] = str_cut(&text, '\n');
    qsort(lines, line_count, sizeof *lines, compare_lines);
    return line_count;
}

static void compare_promtool(struct stack *stack, const char *const *before, const char *const *after)
{
    str *expected = arena_array(&stack->arena, str, LINES_MAX), *found = arena_array(&stack->arena, str, LINES_MAX);
    size_t expected_count = promtool(stack, before, stack->reference, after, expected);
    size_t found_count = promtool(stack, before, &stack->varve, after, found);

    cr_expect(expected_count > 0, "promtool query %s %s prints nothing", before[0], after[0] ? after[0] : before[1]);
    cr_expect(expected_count == found_count, "promtool query %s %s: %zu lines from prometheus, %zu from varve",
              before[0], after[0] ? after[0] : before[1], expected_count, found_count);
    for (size_t i = 0; i < expected_count && i < found_count; i++)
        cr_assert(str_equal(expected[i], found[i]),
                  "promtool query %s prints \"%.*s\" of prometheus, \"%.*s\" of varve", before[0], STR_ARG(expected[i]),
                  STR_ARG(found[i]));
}

static void compare_with_promtool(struct stack *stack, int64_t time_ms)
{
    struct arena *arena = &stack->arena;
    double start = (double)(time_ms - RANGE_MS) / 1000, end = (double)time_ms / 1000;
    const char *time = arena_format(arena, "--time=%.3f", end).data;
    const char *from = arena_format(arena, "--start=%.3f", start).data;
    const char *to = arena_format(arena, "--end=%.3f", end).data;

    for (size_t i = 0; i < sizeof promtool_expressions / sizeof promtool_expressions[0]; i++) {
        const char *const expression[] = {promtool_expressions[i], NULL};
        compare_promtool(stack, (const char *const[]){"instant", time, NULL}, expression);
        compare_promtool(stack, (const char *const[]){"range", from, to, "--step=5s", NULL}, expression);
    }
    compare_promtool(stack, (const char *const[]){"series", "--match={job=\"node_exporter\"}", from, to, NULL},
                     (const char *const[]){NULL});
    compare_promtool(stack, (const char *const[]){"labels", from, to, NULL}, (const char *const[]){"job", NULL});
    compare_promtool(stack, (const char *const[]){"labels", from, to, NULL}, (const char *const[]){"__name__", NULL});
}

static void run_stack(bool as_agent)
{
    struct stack stack = {0};

    start(&stack, as_agent);
    process_sleep_ms(STACK_MS);
    int64_t time_ms = clock_now_ms() - SETTLE_MS;
    wait_for_samples(&stack, stack.reference, time_ms + 1000);
    wait_for_samples(&stack, &stack.varve, time_ms + 1000);
    time_ms = quiet_time_ms(&stack, time_ms);
    compare_queries(&stack, time_ms);
    compare_with_promtool(&stack, time_ms);
    stop(&stack);
}

Test(stack, prometheus_as_server, .timeout = 300)
{
    run_stack(false);
}

Test(stack, prometheus_as_agent, .timeout = 300)
{
    run_stack(true);
}
