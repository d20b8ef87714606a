/* Hosts that run node_exporter and the exporters of a web application; see model.h.
 *
 * A row of `families` is a metric with the label values that it fans out over; a histogram fans out over its buckets
 * too and brings _sum and _count. `pace` is what the kind of series_values.h asks for: mean step a scrape for counters
 * and gauges, nanoseconds for noise, the value for constants, observations a scrape for histograms.
 */
#include "bench/fleet.h"
#include "storage/base/hash.h"

enum { SERIES_PER_HOST = 500, DIMENSIONS_MAX = 2 };

enum exporter { NODE, DJANGO, NGINX, MYSQL, REDIS, CELERY };

static const struct {
    const char *job;
    uint32_t port;
} exporters[] = {
    [NODE] = {"node_exporter", 9100}, [DJANGO] = {"django", 8000}, [NGINX] = {"nginx", 9113},
    [MYSQL] = {"mysql", 9104},        [REDIS] = {"redis", 9121},   [CELERY] = {"celery", 9808},
};

/* Label values that go together, as "name=value,name=value"; ends with NULL. */
typedef const char *const dimension[];

static dimension cpus = {"cpu=0", "cpu=1", "cpu=2", "cpu=3", "cpu=4", "cpu=5", "cpu=6", "cpu=7", NULL};
static dimension modes = {"mode=idle",  "mode=iowait", "mode=irq",  "mode=nice", "mode=softirq",
                          "mode=steal", "mode=system", "mode=user", NULL};
static dimension devices = {"device=eth0", "device=eth1", "device=docker0", "device=lo", NULL};
static dimension disks = {"device=nvme0n1", "device=nvme1n1", "device=dm-0", NULL};
static dimension mounts = {"device=/dev/nvme0n1p2,fstype=ext4,mountpoint=/",
                           "device=/dev/nvme0n1p1,fstype=vfat,mountpoint=/boot/efi",
                           "device=/dev/mapper/vg0-data,fstype=xfs,mountpoint=/var/lib/mysql",
                           "device=tmpfs,fstype=tmpfs,mountpoint=/run/user/1000", NULL};
static dimension sensors = {"chip=platform_coretemp_0,sensor=temp1",
                            "chip=platform_coretemp_0,sensor=temp2",
                            "chip=platform_coretemp_0,sensor=temp3",
                            "chip=nvme_nvme0,sensor=temp1",
                            "chip=nvme_nvme1,sensor=temp1",
                            "chip=acpitz_acpitz_0,sensor=temp0",
                            NULL};
static dimension collectors = {"collector=cpu",     "collector=diskstats", "collector=filesystem",
                               "collector=hwmon",   "collector=meminfo",   "collector=netdev",
                               "collector=netstat", "collector=systemd",   NULL};
static dimension slow_collectors = {"collector=filesystem", "collector=hwmon", "collector=systemd", NULL};
static dimension pressures = {"resource=cpu", "resource=io", "resource=memory", NULL};
static dimension states = {"state=established", "state=time_wait", "state=close_wait",
                           "state=listen",      "state=syn_recv",  NULL};
static dimension system_info = {"machine=x86_64,release=6.1.0-28-amd64,sysname=Linux", NULL};
static dimension pages = {"view=catalogue.views.ProductListView", "view=catalogue.views.ProductDetailView",
                          "view=checkout.views.PaymentView", NULL};
static dimension methods = {"method=GET", "method=POST", "method=PUT", "method=DELETE", NULL};
static dimension statuses = {"status=200", "status=301", "status=400", "status=404", "status=500", "status=503", NULL};
static dimension databases = {"alias=default,vendor=mysql", NULL};
static dimension caches = {"backend=django_redis.cache.RedisCache", NULL};
static dimension commands = {"command=select",       "command=insert",         "command=update",
                             "command=delete",       "command=replace",        "command=begin",
                             "command=commit",       "command=rollback",       "command=set_option",
                             "command=show_status",  "command=show_variables", "command=stmt_prepare",
                             "command=stmt_execute", "command=stmt_close",     NULL};
static dimension row_operations = {"operation=read", "operation=inserted", "operation=updated", "operation=deleted",
                                   NULL};
static dimension queues = {"queue_name=celery", "queue_name=mail", "queue_name=reports", NULL};
static dimension tasks = {"name=checkout.tasks.capture_payment", NULL};
static dimension task_states = {
    "state=sent", "state=received", "state=started", "state=succeeded", "state=failed", "state=retried", NULL};

#define NETWORK(what, pace)                                                  \
    {                                                                        \
        NODE, "node_network_" what "_total", VALUE_INTEGER_COUNTER, pace, 1, \
        {                                                                    \
            devices                                                          \
        }                                                                    \
    }
#define MEMORY(what, pace)                                              \
    {                                                                   \
        NODE, "node_memory_" what "_bytes", VALUE_BYTES_GAUGE, pace, 1, \
        {                                                               \
            NULL                                                        \
        }                                                               \
    }
#define NODE_COUNT(what, pace)                              \
    {                                                       \
        NODE, "node_" what, VALUE_INTEGER_COUNTER, pace, 1, \
        {                                                   \
            NULL                                            \
        }                                                   \
    }
#define MYSQL_COUNT(what, pace)                                             \
    {                                                                       \
        MYSQL, "mysql_global_status_" what, VALUE_INTEGER_COUNTER, pace, 1, \
        {                                                                   \
            NULL                                                            \
        }                                                                   \
    }
#define REDIS_COUNT(what, pace)                                        \
    {                                                                  \
        REDIS, "redis_" what "_total", VALUE_INTEGER_COUNTER, pace, 1, \
        {                                                              \
            NULL                                                       \
        }                                                              \
    }

/* What client libraries report about the process of an exporter. */
#define PROCESS(exporter)                                                              \
    {exporter, "up", VALUE_CONSTANT, 1, 1, {NULL}},                                    \
        {exporter, "scrape_duration_seconds", VALUE_NOISE, 4e6, 1, {NULL}},            \
        {exporter, "scrape_samples_scraped", VALUE_CONSTANT, 83, 1, {NULL}},           \
        {exporter, "process_cpu_seconds_total", VALUE_DECIMAL_COUNTER, 40, 1, {NULL}}, \
        {exporter, "process_resident_memory_bytes", VALUE_BYTES_GAUGE, 60, 1, {NULL}}, \
        {exporter, "process_virtual_memory_bytes", VALUE_BYTES_GAUGE, 20, 1, {NULL}},  \
        {exporter, "process_open_fds", VALUE_SLOW_GAUGE, 3, 1, {NULL}},                \
    {                                                                                  \
        exporter, "process_start_time_seconds", VALUE_CONSTANT, 1699990000.25, 1,      \
        {                                                                              \
            NULL                                                                       \
        }                                                                              \
    }

static const struct family {
    enum exporter exporter;
    const char *name;
    enum value_kind kind; /* VALUE_BUCKET stands for a whole histogram */
    double pace, divisor;
    const char *const *dimensions[DIMENSIONS_MAX];
} families[] = {
    {NODE, "node_cpu_seconds_total", VALUE_DECIMAL_COUNTER, 185, 1, {cpus, modes}},
    {NODE, "node_schedstat_running_seconds_total", VALUE_DECIMAL_COUNTER, 600, 1, {cpus}},
    {NODE, "node_schedstat_waiting_seconds_total", VALUE_DECIMAL_COUNTER, 90, 1, {cpus}},
    {NODE, "node_disk_io_time_seconds_total", VALUE_DECIMAL_COUNTER, 250, 1, {disks}},
    {NODE, "node_disk_read_time_seconds_total", VALUE_DECIMAL_COUNTER, 120, 1, {disks}},
    {NODE, "node_disk_write_time_seconds_total", VALUE_DECIMAL_COUNTER, 420, 1, {disks}},
    {NODE, "node_pressure_waiting_seconds_total", VALUE_DECIMAL_COUNTER, 30, 1, {pressures}},
    NETWORK("receive_bytes", 900000),
    NETWORK("receive_packets", 1500),
    NETWORK("receive_errs", 0.01),
    NETWORK("receive_drop", 0.2),
    NETWORK("transmit_bytes", 700000),
    NETWORK("transmit_packets", 1300),
    NETWORK("transmit_errs", 0.01),
    NETWORK("transmit_drop", 0.1),
    {NODE, "node_disk_reads_completed_total", VALUE_INTEGER_COUNTER, 120, 1, {disks}},
    {NODE, "node_disk_writes_completed_total", VALUE_INTEGER_COUNTER, 400, 1, {disks}},
    {NODE, "node_disk_reads_merged_total", VALUE_INTEGER_COUNTER, 15, 1, {disks}},
    {NODE, "node_disk_writes_merged_total", VALUE_INTEGER_COUNTER, 160, 1, {disks}},
    {NODE, "node_disk_read_bytes_total", VALUE_INTEGER_COUNTER, 90000, 1, {disks}},
    {NODE, "node_disk_written_bytes_total", VALUE_INTEGER_COUNTER, 250000, 1, {disks}},
    {NODE, "node_softnet_processed_total", VALUE_INTEGER_COUNTER, 1200, 1, {cpus}},
    {NODE, "node_softnet_dropped_total", VALUE_INTEGER_COUNTER, 0.02, 1, {cpus}},
    {NODE, "node_softnet_times_squeezed_total", VALUE_INTEGER_COUNTER, 2, 1, {cpus}},
    NODE_COUNT("context_switches_total", 42000),
    NODE_COUNT("intr_total", 30000),
    NODE_COUNT("forks_total", 90),
    NODE_COUNT("vmstat_pgfault", 9000),
    NODE_COUNT("vmstat_pgmajfault", 3),
    NODE_COUNT("vmstat_pgpgin", 2500),
    NODE_COUNT("vmstat_pgpgout", 5200),
    NODE_COUNT("vmstat_pswpin", 0.1),
    NODE_COUNT("vmstat_pswpout", 0.1),
    NODE_COUNT("vmstat_oom_kill", 0.001),
    NODE_COUNT("netstat_Tcp_ActiveOpens", 110),
    NODE_COUNT("netstat_Tcp_PassiveOpens", 240),
    NODE_COUNT("netstat_Tcp_InSegs", 5200),
    NODE_COUNT("netstat_Tcp_OutSegs", 6100),
    NODE_COUNT("netstat_Tcp_RetransSegs", 6),
    NODE_COUNT("netstat_Tcp_InErrs", 0.02),
    NODE_COUNT("netstat_Tcp_OutRsts", 18),
    NODE_COUNT("netstat_TcpExt_ListenDrops", 0.01),
    NODE_COUNT("netstat_TcpExt_TCPTimeouts", 1),
    NODE_COUNT("netstat_Udp_InDatagrams", 160),
    NODE_COUNT("netstat_Udp_OutDatagrams", 170),
    NODE_COUNT("netstat_Udp_NoPorts", 0.05),
    NODE_COUNT("netstat_Ip_Forwarding_total", 700),
    NODE_COUNT("netstat_Icmp_InMsgs", 1),
    MEMORY("MemFree", 1500),
    MEMORY("MemAvailable", 1200),
    MEMORY("Buffers", 20),
    MEMORY("Cached", 700),
    MEMORY("Active", 900),
    MEMORY("Inactive", 600),
    MEMORY("Active_anon", 500),
    MEMORY("Inactive_anon", 200),
    MEMORY("Active_file", 300),
    MEMORY("Inactive_file", 300),
    MEMORY("AnonPages", 500),
    MEMORY("Mapped", 40),
    MEMORY("Shmem", 10),
    MEMORY("Slab", 30),
    MEMORY("SReclaimable", 25),
    MEMORY("PageTables", 12),
    {NODE, "node_memory_MemTotal_bytes", VALUE_CONSTANT, 67385671680, 1, {NULL}},
    {NODE, "node_memory_SwapTotal_bytes", VALUE_CONSTANT, 2147479552, 1, {NULL}},
    {NODE, "node_filesystem_avail_bytes", VALUE_BYTES_GAUGE, 150, 1, {mounts}},
    {NODE, "node_filesystem_free_bytes", VALUE_BYTES_GAUGE, 150, 1, {mounts}},
    {NODE, "node_filesystem_size_bytes", VALUE_CONSTANT, 1006450962432, 1, {mounts}},
    {NODE, "node_filesystem_files", VALUE_CONSTANT, 62488576, 1, {mounts}},
    {NODE, "node_filesystem_files_free", VALUE_SLOW_GAUGE, 20, 1, {mounts}},
    {NODE, "node_filesystem_readonly", VALUE_CONSTANT, 0, 1, {mounts}},
    {NODE, "node_load1", VALUE_SLOW_GAUGE, 12, 100, {NULL}},
    {NODE, "node_load5", VALUE_SLOW_GAUGE, 6, 100, {NULL}},
    {NODE, "node_load15", VALUE_SLOW_GAUGE, 3, 100, {NULL}},
    {NODE, "node_hwmon_temp_celsius", VALUE_SLOW_GAUGE, 3, 1, {sensors}},
    {NODE, "node_tcp_connection_states", VALUE_SLOW_GAUGE, 9, 1, {states}},
    {NODE, "node_sockstat_sockets_used", VALUE_SLOW_GAUGE, 7, 1, {NULL}},
    {NODE, "node_sockstat_TCP_alloc", VALUE_SLOW_GAUGE, 6, 1, {NULL}},
    {NODE, "node_sockstat_TCP_inuse", VALUE_SLOW_GAUGE, 6, 1, {NULL}},
    {NODE, "node_sockstat_TCP_mem", VALUE_SLOW_GAUGE, 5, 1, {NULL}},
    {NODE, "node_sockstat_UDP_inuse", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {NODE, "node_procs_running", VALUE_SLOW_GAUGE, 4, 1, {NULL}},
    {NODE, "node_procs_blocked", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {NODE, "node_nf_conntrack_entries", VALUE_SLOW_GAUGE, 40, 1, {NULL}},
    {NODE, "node_filefd_allocated", VALUE_SLOW_GAUGE, 30, 1, {NULL}},
    {NODE, "node_entropy_available_bits", VALUE_CONSTANT, 256, 1, {NULL}},
    {NODE, "node_time_zone_offset_seconds", VALUE_CONSTANT, 0, 1, {NULL}},
    {NODE, "node_boot_time_seconds", VALUE_CONSTANT, 1699980000, 1, {NULL}},
    {NODE, "node_uname_info", VALUE_CONSTANT, 1, 1, {system_info}},
    {NODE, "node_network_up", VALUE_CONSTANT, 1, 1, {devices}},
    {NODE, "node_network_speed_bytes", VALUE_CONSTANT, 1250000000, 1, {devices}},
    {NODE, "node_network_mtu_bytes", VALUE_CONSTANT, 1500, 1, {devices}},
    {NODE, "node_scrape_collector_success", VALUE_CONSTANT, 1, 1, {collectors}},
    {NODE, "node_scrape_collector_duration_seconds", VALUE_NOISE, 3e6, 1, {slow_collectors}},
    PROCESS(NODE),
    {DJANGO, "django_http_requests_latency_seconds", VALUE_BUCKET, 230, 1, {pages}},
    {DJANGO, "django_db_query_duration_seconds", VALUE_BUCKET, 900, 1, {databases}},
    {DJANGO, "django_http_responses_total_by_status_total", VALUE_INTEGER_COUNTER, 260, 1, {statuses}},
    {DJANGO, "django_http_requests_total", VALUE_INTEGER_COUNTER, 500, 1, {methods, pages}},
    {DJANGO, "django_db_connections_total", VALUE_INTEGER_COUNTER, 40, 1, {databases}},
    {DJANGO, "django_db_connections_closed_total", VALUE_INTEGER_COUNTER, 40, 1, {databases}},
    {DJANGO, "django_cache_get_total", VALUE_INTEGER_COUNTER, 3000, 1, {caches}},
    {DJANGO, "django_cache_hits_total", VALUE_INTEGER_COUNTER, 2700, 1, {caches}},
    {DJANGO, "django_cache_misses_total", VALUE_INTEGER_COUNTER, 300, 1, {caches}},
    PROCESS(DJANGO),
    {NGINX, "nginx_http_requests_total", VALUE_INTEGER_COUNTER, 1600, 1, {NULL}},
    {NGINX, "nginx_connections_accepted", VALUE_INTEGER_COUNTER, 300, 1, {NULL}},
    {NGINX, "nginx_connections_handled", VALUE_INTEGER_COUNTER, 300, 1, {NULL}},
    {NGINX, "nginx_connections_active", VALUE_SLOW_GAUGE, 8, 1, {NULL}},
    {NGINX, "nginx_connections_reading", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {NGINX, "nginx_connections_waiting", VALUE_SLOW_GAUGE, 6, 1, {NULL}},
    {NGINX, "nginx_connections_writing", VALUE_SLOW_GAUGE, 3, 1, {NULL}},
    PROCESS(NGINX),
    {MYSQL, "mysql_global_status_commands_total", VALUE_INTEGER_COUNTER, 800, 1, {commands}},
    {MYSQL, "mysql_global_status_innodb_row_ops_total", VALUE_INTEGER_COUNTER, 3000, 1, {row_operations}},
    MYSQL_COUNT("queries", 6000),
    MYSQL_COUNT("questions", 5800),
    MYSQL_COUNT("slow_queries", 0.3),
    MYSQL_COUNT("bytes_sent", 1500000),
    MYSQL_COUNT("bytes_received", 400000),
    MYSQL_COUNT("created_tmp_disk_tables", 8),
    MYSQL_COUNT("created_tmp_tables", 60),
    MYSQL_COUNT("select_full_join", 2),
    MYSQL_COUNT("sort_merge_passes", 0.1),
    MYSQL_COUNT("table_locks_immediate", 900),
    {MYSQL, "mysql_global_status_threads_connected", VALUE_SLOW_GAUGE, 4, 1, {NULL}},
    {MYSQL, "mysql_global_status_threads_running", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {MYSQL, "mysql_global_status_open_files", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {MYSQL, "mysql_global_status_innodb_buffer_pool_bytes_data", VALUE_BYTES_GAUGE, 90, 1, {NULL}},
    {MYSQL, "mysql_global_variables_max_connections", VALUE_CONSTANT, 151, 1, {NULL}},
    PROCESS(MYSQL),
    REDIS_COUNT("keyspace_hits", 4000),
    REDIS_COUNT("keyspace_misses", 250),
    REDIS_COUNT("commands_processed", 5200),
    REDIS_COUNT("connections_received", 30),
    REDIS_COUNT("expired_keys", 45),
    REDIS_COUNT("evicted_keys", 0.1),
    REDIS_COUNT("net_input_bytes", 300000),
    REDIS_COUNT("net_output_bytes", 800000),
    {REDIS, "redis_connected_clients", VALUE_SLOW_GAUGE, 3, 1, {NULL}},
    {REDIS, "redis_blocked_clients", VALUE_SLOW_GAUGE, 1.5, 1, {NULL}},
    {REDIS, "redis_memory_used_bytes", VALUE_BYTES_GAUGE, 70, 1, {NULL}},
    {REDIS, "redis_memory_max_bytes", VALUE_CONSTANT, 4294967296, 1, {NULL}},
    PROCESS(REDIS),
    {CELERY, "celery_queue_length", VALUE_SLOW_GAUGE, 12, 1, {queues}},
    {CELERY, "celery_tasks_total", VALUE_INTEGER_COUNTER, 70, 1, {task_states}},
    {CELERY, "celery_task_runtime_seconds", VALUE_BUCKET, 110, 1, {tasks}},
    {CELERY, "celery_workers", VALUE_CONSTANT, 8, 1, {NULL}},
    PROCESS(CELERY),
};

#undef NETWORK
#undef MEMORY
#undef NODE_COUNT
#undef MYSQL_COUNT
#undef REDIS_COUNT
#undef PROCESS

/* The Python client's default buckets, and how much of a web application's requests they hold. */
static const struct {
    const char *le;
    double share;
} buckets[] = {
    {"0.005", 0.02}, {"0.01", 0.09}, {"0.025", 0.27}, {"0.05", 0.46},  {"0.075", 0.58},
    {"0.1", 0.67},   {"0.25", 0.87}, {"0.5", 0.95},   {"0.75", 0.97},  {"1.0", 0.98},
    {"2.5", 0.994},  {"5.0", 0.997}, {"7.5", 0.998},  {"10.0", 0.999}, {"+Inf", 1},
};

static void add_label(struct prototype *p, str name, str value)
{
    assert(p->label_count < FLEET_LABELS_MAX);
    p->labels[p->label_count++] = (label){name, value};
}

/* Adds the labels spelled "name=value,name=value". */
static void add_spelled(struct prototype *p, const char *spelling)
{
    str rest = str_from(spelling);

    while (rest.len) {
        str pair = str_cut(&rest, ','), name = str_cut(&pair, '=');
        add_label(p, name, pair);
    }
}

static void add_histogram(struct prototypes *out, const struct prototype *base, const char *name, struct arena *arena)
{
    str bucket_name = arena_format(arena, "%s_bucket", name);

    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        struct prototype bucket = *base;
        add_label(&bucket, METRIC_NAME, bucket_name);
        add_label(&bucket, STR("le"), str_from(buckets[i].le));
        bucket.share = buckets[i].share;
        vec_push(&out->rows, bucket);
    }
    struct prototype count = *base, sum = *base;
    add_label(&count, METRIC_NAME, arena_format(arena, "%s_count", name));
    add_label(&sum, METRIC_NAME, arena_format(arena, "%s_sum", name));
    sum.kind = VALUE_SUM;
    vec_push(&out->rows, count);
    vec_push(&out->rows, sum);
}

/* Adds the series of a family, with the labels of `base` and all combinations of the dimensions from `depth` on. */
static void add_family(struct prototypes *out, const struct family *family, unsigned depth,
                       const struct prototype *base, struct arena *arena)
{
    if (depth < DIMENSIONS_MAX && family->dimensions[depth]) {
        for (const char *const *choice = family->dimensions[depth]; *choice; choice++) {
            struct prototype narrowed = *base;
            add_spelled(&narrowed, *choice);
            add_family(out, family, depth + 1, &narrowed, arena);
        }
        return;
    }
    struct prototype p = *base;
    p.group = (uint32_t)out->rows.count;
    if (family->kind == VALUE_BUCKET) {
        add_histogram(out, &p, family->name, arena);
    } else {
        add_label(&p, METRIC_NAME, str_from(family->name));
        vec_push(&out->rows, p);
    }
}

static void describe(struct prototypes *out, struct arena *arena)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct family *family = &families[i];
        struct prototype base = {.port = exporters[family->exporter].port,
                                 .kind = family->kind,
                                 .pace = family->pace,
                                 .share = family->divisor};
        add_label(&base, STR("job"), str_from(exporters[family->exporter].job));
        add_family(out, family, 0, &base, arena);
    }
    assert(out->rows.count == SERIES_PER_HOST);
}

static uint32_t name_host(uint32_t host, uint64_t seed, uint32_t port, label *out, struct arena *arena)
{
    char zone = (char)('a' + hash_mix(seed ^ 0x20E, host) % 3);
    unsigned a = host >> 14 & 0xFF, b = host >> 7 & 0x7F, c = host & 0x7F;
    const label pairs[] = {
        {STR("cluster"), STR("production-eu-central-1")},
        {STR("environment"), STR("production")},
        {STR("prometheus"), STR("main-0")},
        {STR("zone"), arena_format(arena, "eu-central-1%c", zone)},
        {STR("team"), STR("infra")},
        {STR("host_id"), arena_format(arena, "i-%08x", (unsigned)hash_mix(seed, host))},
        {STR("instance"), arena_format(arena, "ip-10-%u-%u-%u.eu-central-1.internal:%u", a, b, c, port)},
    };

    memcpy(out, pairs, sizeof pairs);
    return sizeof pairs / sizeof pairs[0];
}

const struct fleet node_fleet = {.step_ms = 15000, .jitter_ms = 4, .describe = describe, .name_host = name_host};
