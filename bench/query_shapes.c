/* The queries that servers are compared by; see query_shapes.h. */
#include "bench/query_shapes.h"

#include "storage/base/hash.h"

#include <stdio.h>

#define SECONDS(n) ((n)*1000LL)
#define MINUTES(n) SECONDS(60LL * (n))
#define HOURS(n)   MINUTES(60LL * (n))

enum { HOSTS_MAX = 8, PHASE_MS = 7 };

static const char *const fields[] = {"usage_user", "usage_system",  "usage_idle",  "usage_nice",  "usage_iowait",
                                     "usage_irq",  "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"};

/* Rows of the suite: maximum of fields per minute or hour, mean of fields by host and hour. */
#define MAXIMUM(name, fields, hosts, hours, step)                                         \
    {                                                                                     \
        name, "tsbs", QUERY_RANGE, HOURS(hours), step, fields, hosts,                     \
            step == HOURS(1) ? "max(max_over_time(cpu_$field{hostname=~\"$hosts\"}[1h]))" \
                             : "max(max_over_time(cpu_$field{hostname=~\"$hosts\"}[1m]))" \
    }
#define MEAN_BY_HOST(name, fields)                                                                                     \
    {                                                                                                                  \
        name, "tsbs", QUERY_RANGE, HOURS(12), HOURS(1), fields, 0, "avg by (hostname) (avg_over_time(cpu_$field[1h]))" \
    }

#define DASHBOARD(name, hours, step, text)                             \
    {                                                                  \
        name, "dashboard", QUERY_RANGE, HOURS(hours), step, 0, 0, text \
    }
#define PANEL(name, text)                                  \
    {                                                      \
        name, "dashboard", QUERY_INSTANT, 0, 0, 0, 0, text \
    }
#define API(name, text)                          \
    {                                            \
        name, "api", QUERY_API, 0, 0, 0, 1, text \
    }
#define WIDE(name, text)                              \
    {                                                 \
        name, "wide", QUERY_INSTANT, 0, 0, 0, 0, text \
    }

const struct query_shape query_shapes[] = {
    MAXIMUM("single-groupby-1-1-1", 1, 1, 1, MINUTES(1)),
    MAXIMUM("single-groupby-1-1-12", 1, 1, 12, MINUTES(1)),
    MAXIMUM("single-groupby-1-8-1", 1, 8, 1, MINUTES(1)),
    MAXIMUM("single-groupby-5-1-1", 5, 1, 1, MINUTES(1)),
    MAXIMUM("single-groupby-5-8-1", 5, 8, 1, MINUTES(1)),
    MAXIMUM("cpu-max-all-1", 10, 1, 8, HOURS(1)),
    MAXIMUM("cpu-max-all-8", 10, 8, 8, HOURS(1)),
    MEAN_BY_HOST("double-groupby-1", 1),
    MEAN_BY_HOST("double-groupby-5", 5),
    MEAN_BY_HOST("double-groupby-all", 10),
    {"high-cpu-1", "tsbs", QUERY_RANGE, HOURS(12), MINUTES(1), 0, 1, "cpu_usage_user{hostname=~\"$hosts\"} > 90"},
    {"high-cpu-all", "tsbs", QUERY_RANGE, HOURS(12), MINUTES(1), 0, 0, "cpu_usage_user > 90"},
    {"lastpoint", "tsbs", QUERY_INSTANT, 0, 0, 0, 0, "{__name__=~\"cpu_usage_.*\"}"},
    {"groupby-orderby-limit", "tsbs", QUERY_RANGE, MINUTES(4), MINUTES(1), 0, 0,
     "max(max_over_time(cpu_usage_user[1m]))"},

    DASHBOARD("cpu-busy", 6, SECONDS(15),
              "100 - (avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100)"),
    DASHBOARD("sum-rate-by-job", 6, SECONDS(15), "sum by (job) (rate(node_cpu_seconds_total[5m]))"),
    DASHBOARD("memory-used", 6, SECONDS(15),
              "(1 - (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)) * 100"),
    DASHBOARD(
        "disk-used", 6, SECONDS(15),
        "(1 - (node_filesystem_avail_bytes{mountpoint=\"/\"} / node_filesystem_size_bytes{mountpoint=\"/\"})) * 100"),
    DASHBOARD("network-rate", 1, SECONDS(15), "rate(node_network_receive_bytes_total[5m])"),
    DASHBOARD("request-rate", 6, SECONDS(15), "sum(rate(django_http_requests_total[5m]))"),
    DASHBOARD("error-rate", 6, SECONDS(15),
              "sum(rate(django_http_responses_total_by_status_total{status=~\"5..\"}[5m]))"),
    DASHBOARD("latency-p95", 6, MINUTES(1),
              "histogram_quantile(0.95, sum by (le) (rate(django_http_requests_latency_seconds_bucket[5m])))"),
    DASHBOARD("latency-p95-raw", 1, SECONDS(15),
              "histogram_quantile(0.95, django_http_requests_latency_seconds_bucket)"),
    DASHBOARD("cache-hit-rate", 6, SECONDS(15),
              "redis_keyspace_hits_total / (redis_keyspace_hits_total + redis_keyspace_misses_total) * 100"),
    DASHBOARD("topk-commands", 1, SECONDS(15), "topk(5, rate(mysql_global_status_commands_total[5m]))"),
    DASHBOARD("regex-by-name", 1, SECONDS(15), "sum by (job) ({__name__=~\"process_.*_bytes\",job!~\"n.*\"})"),
    PANEL("max-over-day", "max_over_time(node_memory_MemAvailable_bytes[1d])"),
    PANEL("increase-over-day", "sum by (instance) (increase(nginx_http_requests_total[1d]))"),
    PANEL("subquery", "max_over_time(sum by (instance) (rate(node_network_receive_bytes_total[5m]))[1h:1m])"),
    PANEL("quantile-over-time", "quantile_over_time(0.99, node_load1[6h])"),
    PANEL("service-down", "up == 0"),

    API("label-names", "/api/v1/labels?"),
    API("label-names-of-metric", "/api/v1/labels?match[]=node_filesystem_avail_bytes&"),
    API("metric-names", "/api/v1/label/__name__/values?"),
    API("instances", "/api/v1/label/instance/values?"),
    API("modes-of-metric", "/api/v1/label/mode/values?match[]=node_cpu_seconds_total&"),
    API("series-of-metric", "/api/v1/series?match[]=node_filesystem_avail_bytes&"),
    API("series-of-host", "/api/v1/series?match[]={hostname=\"$hosts\"}&"),
    API("series-of-nothing", "/api/v1/series?match[]=no_such_metric&"),

    WIDE("count-all", "count({__name__!=\"\"})"),
    WIDE("sum-by-job", "sum by (job) ({__name__!=\"\"})"),
};

const size_t query_shape_count = sizeof query_shapes / sizeof query_shapes[0];

static void put(struct writer *out, const char *text)
{
    writer_bytes(out, text, strlen(text));
}

/* Characters that stand for themselves in a URL's parameters, = & and ? among them when they are part of its form. */
static bool is_plain(char c, bool is_form)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr(is_form ? "-_.~/=&?" : "-_.~", c) != NULL;
}

static void put_encoded(struct writer *out, str text, bool is_form)
{
    for (size_t i = 0; i < text.len; i++) {
        char encoded[4];
        if (is_plain(text.data[i], is_form)) {
            writer_u8(out, (uint8_t)text.data[i]);
        } else {
            snprintf(encoded, sizeof encoded, "%%%02X", (unsigned char)text.data[i]);
            put(out, encoded);
        }
    }
}

/* host_3|host_77|…: different hosts, neighbours modulo their number by a stride that skips about. */
static void put_hosts(struct writer *out, unsigned count, unsigned of, uint64_t random)
{
    assert(count <= HOSTS_MAX);
    for (unsigned i = 0; i < count; i++) {
        char host[24];
        snprintf(host, sizeof host, "%shost_%u", i ? "|" : "", (unsigned)((random + i * (of / HOSTS_MAX + 1)) % of));
        put(out, host);
    }
}

/* The text with its variables filled in. */
static void put_text(struct writer *out, const struct query_shape *shape, const char *field, unsigned cpu_hosts,
                     uint64_t random)
{
    str rest = str_from(shape->text);

    for (;;) {
        str part = str_cut(&rest, '$');
        writer_bytes(out, part.data, part.len);
        if (rest.len == 0) return;
        if (str_starts_with(rest, STR("field"))) {
            put(out, field);
        } else {
            put_hosts(out, shape->hosts, cpu_hosts, random);
        }
        rest = str_part(rest, 5, rest.len); /* both names have five letters */
    }
}

static void put_expression(struct writer *out, const struct query_shape *shape, unsigned cpu_hosts, uint64_t random)
{
    if (shape->fields <= 1) {
        put_text(out, shape, fields[0], cpu_hosts, random);
        return;
    }
    for (unsigned i = 0; i < shape->fields; i++) {
        put(out, i ? " or label_replace(" : "label_replace(");
        put_text(out, shape, fields[i], cpu_hosts, random);
        put(out, ", \"field\", \"");
        put(out, fields[i]);
        put(out, "\", \"\", \"\")");
    }
}

static void put_time(struct writer *out, const char *name, int64_t ms)
{
    char text[48];

    snprintf(text, sizeof text, "%s=%lld.%03lld", name, (long long)(ms / 1000), (long long)(ms % 1000));
    put(out, text);
}

/* A second within the data that has the window before it, a few milliseconds past: no sample of the `cpu` hosts then
 * lies at the edge of a window. */
static int64_t pick_time(const struct query_data *data, int64_t window_ms, uint64_t random)
{
    int64_t room_ms = data->end_ms - data->start_ms - window_ms - 1000;

    if (room_ms < 1) return data->end_ms;
    return (data->start_ms + window_ms + (int64_t)(hash_mix(random, 1) % (uint64_t)room_ms)) / 1000 * 1000 + PHASE_MS;
}

void query_shape_write(const struct query_shape *shape, const struct query_data *data, uint64_t random,
                       struct writer *out)
{
    struct writer text = {0};
    int64_t time_ms = pick_time(data, shape->window_ms, random);

    if (shape->kind == QUERY_API) {
        put_text(&text, shape, NULL, data->cpu_hosts, random);
        put_encoded(out, str_make((const char *)text.data, text.count), true);
        put_time(out, "start", data->start_ms);
        put_time(out, "&end", data->end_ms);
    } else {
        put_expression(&text, shape, data->cpu_hosts, random);
        put(out, shape->kind == QUERY_INSTANT ? "/api/v1/query?query=" : "/api/v1/query_range?query=");
        put_encoded(out, str_make((const char *)text.data, text.count), false);
    }
    if (shape->kind == QUERY_INSTANT) put_time(out, "&time", data->end_ms + PHASE_MS);
    if (shape->kind == QUERY_RANGE) {
        put_time(out, "&start", time_ms - shape->window_ms);
        put_time(out, "&end", time_ms);
        put_time(out, "&step", shape->step_ms);
    }
    writer_release(&text);
}

bool query_shape_chosen(const struct query_shape *shape, str list)
{
    while (list.len) {
        str choice = str_trim(str_cut(&list, ','));
        if (str_equal(choice, str_from(shape->name)) || str_equal(choice, str_from(shape->group))) return true;
    }
    return false;
}
