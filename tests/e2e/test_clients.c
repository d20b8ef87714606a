/* The programs around a Prometheus, with Varve in its place: a Prometheus that reads through it, senders that write
 * while it is killed, vmalert and an Alertmanager, promtool's checks. */
#include "storage/base/clock.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEP_MS = 1000, SERIES = 20, POINTS = 600, PATIENCE_MS = 60000, AGENT_MS = 30000 };

struct scene {
    struct arena arena;
    struct http_client *client;
    struct server varve;
};

static void open_scene(struct scene *scene)
{
    arena_init(&scene->arena, NULL);
    scene->client = http_client_new();
    must(server_varve(&scene->arena, NULL, &scene->varve));
    must(server_start(&scene->varve, scene->client));
}

static void close_scene(struct scene *scene)
{
    must(process_stop(&scene->varve.process, SERVER_STOP_MS));
    must(server_check_folder(&scene->varve, &scene->arena));
    arena_release(&scene->arena);
    http_client_free(scene->client);
}

static void send(struct scene *scene, struct write_request *request)
{
    struct http_answer answer;

    must(remote_write_send(scene->client, scene->varve.write_url, write_request_compress(request), &answer));
    cr_assert(answer.code == 204, "%d %.*s", answer.code, STR_ARG(answer.body));
    write_request_release(request);
}

static void send_one(struct scene *scene, const char *metric, double value, int64_t age_ms)
{
    struct write_request request = {0};
    const label pairs[] = {{METRIC_NAME, str_from(metric)}, {STR("job"), STR("test")}};
    struct write_sample sample = {clock_now_ms() - age_ms, value};

    write_request_add(&request, pairs, 2, &sample, 1);
    send(scene, &request);
}

/* The single value of an expression; NaN if there is none. */
static double ask(struct scene *scene, const char *base, const char *expression)
{
    struct prom_result result;

    must(prom_query(scene->client, base, str_from(expression), clock_now_ms(), &scene->arena, &result));
    return result.series_count == 1 ? result.series[0].points[0].value : (double)(0.0f / 0.0f);
}

/* Up to so long ago. */
static int64_t load_series(struct scene *scene, int64_t ago_ms)
{
    static struct write_sample points[POINTS];
    struct write_request request = {0};
    int64_t end_ms = (clock_now_ms() - ago_ms) / STEP_MS * STEP_MS;

    for (int i = 0; i < SERIES; i++) {
        char instance[16];
        snprintf(instance, sizeof instance, "%d", i);
        const label pairs[] = {{METRIC_NAME, STR("requests_total")}, {STR("instance"), str_from(instance)}};
        for (int j = 0; j < POINTS; j++)
            points[j] = (struct write_sample){end_ms - (POINTS - 1 - j) * (int64_t)STEP_MS, i * 1.5 * j};
        write_request_add(&request, pairs, 2, points, POINTS);
    }
    send(scene, &request);
    return end_ms;
}

static const char *const read_expressions[] = {"requests_total", "sum(rate(requests_total[1m]))",
                                               "count({__name__=~\".+\"})", "requests_total{instance=~\"1.\"}[20500ms]",
                                               "max by (instance) (requests_total) > 100"};

/* This version asks for samples; those that ask for chunks are stood in for by tests/http/test_api_read.c. */
Test(clients, prometheus_reads_through, .timeout = 120)
{
    struct scene scene;
    struct server prometheus;
    struct prom_result direct, through;

    open_scene(&scene);
    int64_t end_ms = load_series(&scene, 0);
    must(server_prometheus(&scene.arena, &prometheus));
    must(server_configure(&prometheus,
                          arena_format(&scene.arena, "remote_read: [{url: '%s/api/v1/read', read_recent: true}]\n",
                                       scene.varve.url)));
    must(server_start(&prometheus, scene.client));
    for (size_t i = 0; i < sizeof read_expressions / sizeof read_expressions[0]; i++) {
        str text = str_from(read_expressions[i]);
        must(prom_query(scene.client, scene.varve.url, text, end_ms, &scene.arena, &direct));
        must(prom_query(scene.client, prometheus.url, text, end_ms, &scene.arena, &through));
        str difference = prom_difference(&direct, &through, 1e-9, &scene.arena);
        cr_expect(direct.series_count > 0 && difference.len == 0, "%s: %.*s", read_expressions[i], STR_ARG(difference));
        struct prom_range range = {end_ms - 300000, end_ms, 15000};
        if (str_ends_with(text, STR("]"))) continue;
        must(prom_query_range(scene.client, scene.varve.url, text, range, &scene.arena, &direct));
        must(prom_query_range(scene.client, prometheus.url, text, range, &scene.arena, &through));
        difference = prom_difference(&direct, &through, 1e-9, &scene.arena);
        cr_expect(difference.len == 0, "%s over a range: %.*s", read_expressions[i], STR_ARG(difference));
    }
    must(process_stop(&prometheus.process, SERVER_STOP_MS));
    close_scene(&scene);
}

/* The value of an expression becomes this on a server. */
static bool becomes(struct scene *scene, const struct server *server, const char *expression, double value)
{
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;

    while (ask(scene, server->url, expression) != value) {
        if (clock_now_ms() > deadline_ms) return false;
        process_sleep_ms(500);
    }
    return true;
}

/* Its own metrics, and what it has for others as federation. */
Test(clients, prometheus_scrapes_it, .timeout = 120)
{
    struct scene scene;
    struct server prometheus;

    open_scene(&scene);
    load_series(&scene, 0);
    must(server_prometheus(&scene.arena, &prometheus));
    must(server_configure(
        &prometheus,
        arena_format(&scene.arena,
                     "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                     "scrape_configs:\n"
                     "  - {job_name: varve, static_configs: [{targets: ['%s']}]}\n"
                     "  - {job_name: federation, honor_labels: true, metrics_path: /federate,\n"
                     "     params: {'match[]': ['requests_total']}, static_configs: [{targets: ['%s']}]}\n",
                     scene.varve.address, scene.varve.address)));
    must(server_start(&prometheus, scene.client));
    cr_expect(becomes(&scene, &prometheus, "sum(up)", 2), "both targets are up");
    cr_expect(becomes(&scene, &prometheus, "count(requests_total{instance=~\".+\"})", SERIES), "federation");
    const char *sum = "sum(requests_total)";
    cr_expect(ask(&scene, prometheus.url, sum) == ask(&scene, scene.varve.url, sum));
    cr_expect(becomes(&scene, &prometheus, "varve_head_series{job=\"varve\"}", SERIES), "its own metrics");
    cr_expect(becomes(&scene, &prometheus,
                      "count(count by (handler) (varve_http_request_duration_seconds_bucket{le=\"+Inf\"})) > bool 20",
                      1));
    must(process_stop(&prometheus.process, SERVER_STOP_MS));
    close_scene(&scene);
}

/* The largest distance between neighbouring samples of `up` of one job, and the newest of them. */
static int64_t largest_gap_ms(struct scene *scene, const char *job, int64_t *newest_ms)
{
    struct prom_result result;
    str expression = arena_format(&scene->arena, "up{job=\"%s\"}[1h]", job);
    int64_t gap_ms = 0;

    must(prom_query(scene->client, scene->varve.url, expression, clock_now_ms(), &scene->arena, &result));
    *newest_ms = 0;
    if (result.series_count != 1) return INT64_MAX;
    for (size_t i = 1; i < result.series[0].point_count; i++) {
        int64_t gap = result.series[0].points[i].time_ms - result.series[0].points[i - 1].time_ms;
        if (gap > gap_ms) gap_ms = gap;
    }
    *newest_ms = result.series[0].points[result.series[0].point_count - 1].time_ms;
    return gap_ms;
}

enum { VMAGENT, PROMETHEUS, PROMETHEUS_AGENT, SENDERS };

static const char *const sender_names[SENDERS] = {"vmagent", "prometheus", "prometheus-agent"};

/* Each scrapes itself every second, so that there is something to scrape while Varve is away. */
static void start_sender(struct scene *scene, int kind, struct server *sender)
{
    if (kind == VMAGENT) must(server_vmagent(&scene->arena, scene->varve.write_url, sender));
    if (kind == PROMETHEUS) must(server_prometheus(&scene->arena, sender));
    if (kind == PROMETHEUS_AGENT) must(server_prometheus_agent(&scene->arena, sender));
    str yaml = arena_format(&scene->arena,
                            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                            "scrape_configs: [{job_name: %s, static_configs: [{targets: ['%s']}]}]\n",
                            sender_names[kind], sender->address);
    if (kind != VMAGENT)
        yaml =
            arena_format(&scene->arena,
                         "%.*sremote_write: [{url: '%s', queue_config: {batch_send_deadline: 1s, max_backoff: 1s}}]\n",
                         STR_ARG(yaml), scene->varve.write_url);
    must(folder_write_file(sender->configuration_path, yaml));
    must(server_start(sender, scene->client));
}

static void wait_until_caught_up(struct scene *scene, const char *job, int64_t since_ms)
{
    int64_t newest_ms, gap_ms, deadline_ms = clock_now_ms() + PATIENCE_MS;

    do {
        process_sleep_ms(1000);
        gap_ms = largest_gap_ms(scene, job, &newest_ms);
    } while ((newest_ms < since_ms + 3000 || gap_ms > 2500) && clock_now_ms() < deadline_ms);
    cr_expect(newest_ms >= since_ms + 3000, "%s has not caught up", job);
    cr_expect(gap_ms <= 2500, "%s: samples of %lld ms are missing", job, (long long)gap_ms);
}

/* Killed and stopped in between, Varve has everything once its senders have caught up: every second of each, and all
 * that Prometheus has itself. With VARVE_LONG set that goes on for minutes. */
Test(clients, senders, .timeout = 1200)
{
    struct scene scene;
    struct server senders[SENDERS];
    int rounds = getenv("VARVE_LONG") ? 30 : 3;

    open_scene(&scene);
    for (int i = 0; i < SENDERS; i++) start_sender(&scene, i, &senders[i]);
    int64_t begin_ms = clock_now_ms();
    for (int i = 0; i < SENDERS; i++) wait_until_caught_up(&scene, sender_names[i], begin_ms);
    begin_ms = clock_now_ms();
    for (int i = 0; i < rounds; i++) {
        process_sleep_ms(AGENT_MS / 6);
        if (i % 3 == 1) {
            must(process_stop(&scene.varve.process, SERVER_STOP_MS));
        } else {
            process_kill(&scene.varve.process);
        }
        process_sleep_ms(AGENT_MS / 10);
        must(server_start(&scene.varve, scene.client));
    }
    int64_t since_ms = clock_now_ms();
    for (int i = 0; i < SENDERS; i++) wait_until_caught_up(&scene, sender_names[i], since_ms);
    str count =
        arena_format(&scene.arena,
                     "sum(count_over_time(go_gc_duration_seconds{job=\"prometheus\"}[%lldms] @ %lld.%03lld))",
                     (long long)(since_ms - begin_ms), (long long)(since_ms / 1000), (long long)(since_ms % 1000));
    double sent = ask(&scene, senders[PROMETHEUS].url, count.data), got = ask(&scene, scene.varve.url, count.data);
    cr_expect(sent > 0 && sent == got, "%g of %g samples", got, sent);
    for (int i = 0; i < SENDERS; i++) must(process_stop(&senders[i].process, SERVER_STOP_MS));
    close_scene(&scene);
}

/* An alert, and the values of a metric that make it fire and end it. */
struct case_of_alert {
    const char *name, *metric;
    double firing, quiet;
};

/* Asks the Alertmanager until the alert is there, or gone. */
static bool alert_becomes(struct scene *scene, const struct server *alertmanager, const struct case_of_alert *alert,
                          bool there)
{
    str url = arena_format(&scene->arena, "%s/api/v2/alerts?active=true&filter=alertname=%%22%s%%22", alertmanager->url,
                           alert->name);
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    struct http_answer answer;

    do {
        must(http_get(scene->client, url.data, &answer));
        bool found =
            answer.code == 200 && memmem(answer.body.data, answer.body.len, alert->name, strlen(alert->name)) != NULL;
        if (answer.code == 200 && found == there) return true;
        process_sleep_ms(500);
        send_one(scene, alert->metric, there ? alert->firing : alert->quiet, 0);
    } while (clock_now_ms() < deadline_ms);
    return false;
}

/* The sum of vmalert's own metric of failed evaluations. */
static double evaluation_errors(struct scene *scene, const struct server *vmalert)
{
    struct http_answer answer;
    double total = 0, value;

    must(http_get(scene->client, vmalert->ready_url, &answer));
    str rest = answer.body;
    while (rest.len) {
        str line = str_cut(&rest, '\n');
        bool is_it = str_starts_with(line, STR("vmalert_alerting_rules_error{")) ||
                     str_starts_with(line, STR("vmalert_execution_errors_total{")) ||
                     str_starts_with(line, STR("vmalert_execution_errors_total ")) ||
                     str_starts_with(line, STR("vmalert_remotewrite_errors_total"));
        while (line.len && str_find(line, ' ') < line.len) str_cut(&line, ' ');
        if (is_it && str_to_double(line, &value)) total += value;
    }
    return total;
}

/* The stack's rules, evaluated every second and not every thirty. */
static str stack_rules(struct scene *scene)
{
    str path = str_from(VARVE_STACK_DEFAULT), text, out = STR("");

    path.len -= STR("expressions.txt").len;
    if (failed(
            folder_read_file(arena_format(&scene->arena, "%.*salerts.yml", STR_ARG(path)).data, &scene->arena, &text)))
        return out;
    while (text.len) {
        str line = str_cut(&text, '\n');
        bool is_interval = str_equal(str_trim(line), STR("interval: 30s"));
        out = arena_format(&scene->arena, "%.*s%.*s\n", STR_ARG(out),
                           STR_ARG(is_interval ? STR("    interval: 1s") : line));
    }
    return out;
}

/* What the stack's rule for targets that are down has waited for is half over: a vmalert from before has written so. */
static void remember_pending(struct scene *scene)
{
    struct write_request request = {0};
    int64_t now_ms = clock_now_ms();
    const label pairs[] = {{METRIC_NAME, STR("ALERTS_FOR_STATE")},
                           {STR("alertgroup"), STR("application")},
                           {STR("alertname"), STR("ServiceDown")},
                           {STR("job"), STR("test")},
                           {STR("severity"), STR("critical")}};
    struct write_sample sample = {now_ms - 10000, (double)(now_ms / 1000 - 600)};

    write_request_add(&request, pairs, 5, &sample, 1);
    send(scene, &request);
}

/* Arrives, is written back, and is resolved. */
static void expect_alert(struct scene *scene, const struct server *alertmanager, const struct case_of_alert *alert)
{
    cr_expect(alert_becomes(scene, alertmanager, alert, true), "%s has not arrived", alert->name);
    process_sleep_ms(3000);
    str firing = arena_format(&scene->arena, "count(ALERTS{alertname=\"%s\",alertstate=\"firing\"})", alert->name);
    cr_expect(ask(scene, scene->varve.url, firing.data) == 1, "ALERTS of %s has not been written back", alert->name);
    firing = arena_format(&scene->arena, "count(ALERTS_FOR_STATE{alertname=\"%s\"})", alert->name);
    cr_expect(ask(scene, scene->varve.url, firing.data) == 1);
    cr_expect(alert_becomes(scene, alertmanager, alert, false), "%s has not been resolved", alert->name);
}

Test(clients, vmalert_and_alertmanager, .timeout = 300)
{
    static const char rules[] = "groups: [{name: test, interval: 1s, rules: [\n"
                                "  {alert: Triggered, expr: 'trigger > 0', for: 1s, labels: {severity: page}},\n"
                                "  {record: 'job:trigger:sum', expr: 'sum by (job) (trigger)'}]}]\n";
    const struct case_of_alert own = {"Triggered", "trigger", 1, 0}, of_stack = {"ServiceDown", "up", 0, 1};
    struct scene scene;
    struct server vmalert, alertmanager;
    const char *folder;

    open_scene(&scene);
    must(folder_make_temporary(&scene.arena, &folder));
    str own_path = arena_format(&scene.arena, "%s/rules.yml", folder),
        stack_path = arena_format(&scene.arena, "%s/stack.yml", folder), stack = stack_rules(&scene);
    must(folder_write_file(own_path.data, str_from(rules)));
    must(folder_write_file(stack_path.data, stack));
    /* vmalert asks for whole seconds that are past, and looks for what was pending once: at its first evaluation. */
    send_one(&scene, "trigger", 1, 10000);
    send_one(&scene, "up", 0, 10000);
    remember_pending(&scene);
    must(server_alertmanager(&scene.arena, &alertmanager));
    must(server_start(&alertmanager, scene.client));
    must(server_vmalert(&scene.arena, &scene.varve, &alertmanager,
                        (const char *const[]){own_path.data, stack.len ? stack_path.data : NULL, NULL}, &vmalert));
    must(server_start(&vmalert, scene.client));
    expect_alert(&scene, &alertmanager, &own);
    cr_expect(ask(&scene, scene.varve.url, "count(job:trigger:sum{job=\"test\"})") == 1, "the recorded series");
    if (stack.len) {
        expect_alert(&scene, &alertmanager, &of_stack);
    } else {
        printf("skipped: no rules beside %s\n", VARVE_STACK_DEFAULT);
    }
    cr_expect(evaluation_errors(&scene, &vmalert) == 0, "%g", evaluation_errors(&scene, &vmalert));
    must(process_stop(&vmalert.process, SERVER_STOP_MS));
    must(process_stop(&alertmanager.process, SERVER_STOP_MS));
    close_scene(&scene);
}

/* The exit code of promtool, or of another program; what it prints is of no interest. */
static int promtool(struct scene *scene, const char *const *arguments)
{
    int exit_code = -1;

    must(process_run(arguments, scene->varve.log_path, &exit_code));
    return exit_code;
}

/* Whether it is up and ready, and what it says of itself. */
Test(clients, promtool_checks, .timeout = 60)
{
    struct scene scene;
    const char *folder;

    open_scene(&scene);
    must(folder_make_temporary(&scene.arena, &folder));
    str url = arena_format(&scene.arena, "--url=%s", scene.varve.url);
    bool has_checks = promtool(&scene, (const char *const[]){"promtool", "check", "healthy", "--help", NULL}) == 0;
    if (has_checks) { /* of later versions */
        cr_expect(promtool(&scene, (const char *const[]){"promtool", "check", "healthy", url.data, NULL}) == 0);
        cr_expect(promtool(&scene, (const char *const[]){"promtool", "check", "ready", url.data, NULL}) == 0);
    }
    /* It leaves an archive in the folder that it runs in. */
    str script = arena_format(&scene.arena, "cd %s && exec promtool debug metrics %s", folder, scene.varve.url);
    cr_expect(promtool(&scene, (const char *const[]){"sh", "-c", script.data, NULL}) == 0);
    script = arena_format(&scene.arena, "curl -s %s/metrics | promtool check metrics", scene.varve.url);
    cr_expect(promtool(&scene, (const char *const[]){"sh", "-c", script.data, NULL}) == 0, "its own metrics");
    close_scene(&scene);
}

/* It evaluates recording rules over the past by asking for ranges, and makes blocks of the answers. */
Test(clients, promtool_makes_blocks_from_rules, .timeout = 60)
{
    enum { AGO_MS = 5 * 60 * 60 * 1000 };
    struct scene scene;
    const char *folder;

    open_scene(&scene);
    must(folder_make_temporary(&scene.arena, &folder));
    int64_t end_ms = load_series(&scene, AGO_MS);
    str rules = arena_format(&scene.arena, "%s/rules.yml", folder),
        blocks = arena_format(&scene.arena, "%s/data", folder);
    must(folder_write_file(
        rules.data, STR("groups: [{name: g, interval: 10s, rules: [{record: all, expr: 'sum(requests_total)'}]}]\n")));
    const char *const arguments[] = {"promtool",
                                     "tsdb",
                                     "create-blocks-from",
                                     "rules",
                                     arena_format(&scene.arena, "--url=%s", scene.varve.url).data,
                                     arena_format(&scene.arena, "--start=%lld", (long long)(end_ms / 1000 - 300)).data,
                                     arena_format(&scene.arena, "--end=%lld", (long long)(end_ms / 1000)).data,
                                     arena_format(&scene.arena, "--output-dir=%.*s", STR_ARG(blocks)).data,
                                     rules.data,
                                     NULL};
    cr_expect(promtool(&scene, arguments) == 0);
    str script =
        arena_format(&scene.arena, "promtool tsdb list %.*s | awk 'NR == 2 && $5 >= 30 {good = 1} END {exit !good}'",
                     STR_ARG(blocks));
    cr_expect(promtool(&scene, (const char *const[]){"sh", "-c", script.data, NULL}) == 0, "one sample every 10 s");
    close_scene(&scene);
}

/* It moves the blocks of a Prometheus to what it takes for a VictoriaMetrics, as lines of JSON. It wants a terminal;
 * and this version of it at times ends before it has read all, and counts what it has sent: then it is started again.
 */
Test(clients, vmctl_moves_blocks, .timeout = 120)
{
    enum { LINES = 500, AGO_S = 7200, ATTEMPTS = 20 };
    struct scene scene;
    const char *folder;
    int64_t start_s = clock_now_ms() / 1000 - AGO_S;
    str text = STR("");
    double moved = 0;

    open_scene(&scene);
    must(folder_make_temporary(&scene.arena, &folder));
    for (int i = 0; i < LINES; i++)
        text =
            arena_format(&scene.arena, "%.*smoved{a=\"b\"} %d.5 %lld\n", STR_ARG(text), i, (long long)start_s + 10 * i);
    must(folder_write_file(arena_format(&scene.arena, "%s/text", folder).data,
                           arena_format(&scene.arena, "%.*s# EOF\n", STR_ARG(text))));
    str script =
        arena_format(&scene.arena, "cd %s && promtool tsdb create-blocks-from openmetrics text blocks", folder);
    cr_expect(promtool(&scene, (const char *const[]){"sh", "-c", script.data, NULL}) == 0);
    script = arena_format(&scene.arena,
                          "script -qec 'vmctl prometheus --prom-snapshot=%s/blocks --vm-addr=%s --vm-concurrency=1 "
                          "--vm-extra-label=moved=yes -s' /dev/null",
                          folder, scene.varve.url);
    for (int i = 0; i < ATTEMPTS && moved != LINES; i++) {
        cr_expect(promtool(&scene, (const char *const[]){"sh", "-c", script.data, NULL}) == 0);
        moved = ask(&scene, scene.varve.url, "count_over_time(moved{a=\"b\",moved=\"yes\"}[3h])");
    }
    cr_expect(moved == LINES, "%g", moved);
    cr_expect(ask(&scene, scene.varve.url, "sum_over_time(moved[3h])") == LINES * (LINES - 1) / 2.0 + LINES * 0.5);
    close_scene(&scene);
}
