/* Hosts that run node_exporter and the exporters of a web application; see model.h.
 *
 * A row of `families` is a metric with the label values that it fans out over; a histogram fans out over its buckets
 * too and brings _sum and _count. `pace` is what the kind of series_values.h asks for: mean step a scrape for counters
 * and gauges, nanoseconds for noise, the value for constants, observations a scrape for histograms.
 */
#include "bench/fleet.h"
#include "storage/base/hash.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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
    {NODE, "node_network_receive_bytes_total", VALUE_INTEGER_COUNTER, 900000, 1, {devices}},
    {NODE, "node_network_receive_packets_total", VALUE_INTEGER_COUNTER, 1500, 1, {devices}},
    {NODE, "node_network_receive_errs_total", VALUE_INTEGER_COUNTER, 0.01, 1, {devices}},
    {NODE, "node_network_receive_drop_total", VALUE_INTEGER_COUNTER, 0.2, 1, {devices}},
    {NODE, "node_network_transmit_bytes_total", VALUE_INTEGER_COUNTER, 700000, 1, {devices}},
    {NODE, "node_network_transmit_packets_total", VALUE_INTEGER_COUNTER, 1300, 1, {devices}},
    {NODE, "node_network_transmit_errs_total", VALUE_INTEGER_COUNTER, 0.01, 1, {devices}},
    {NODE, "node_network_transmit_drop_total", VALUE_INTEGER_COUNTER, 0.1, 1, {devices}},
    {NODE, "node_disk_reads_completed_total", VALUE_INTEGER_COUNTER, 120, 1, {disks}},
    {NODE, "node_disk_writes_completed_total", VALUE_INTEGER_COUNTER, 400, 1, {disks}},
    {NODE, "node_disk_reads_merged_total", VALUE_INTEGER_COUNTER, 15, 1, {disks}},
    {NODE, "node_disk_writes_merged_total", VALUE_INTEGER_COUNTER, 160, 1, {disks}},
    {NODE, "node_disk_read_bytes_total", VALUE_INTEGER_COUNTER, 90000, 1, {disks}},
    {NODE, "node_disk_written_bytes_total", VALUE_INTEGER_COUNTER, 250000, 1, {disks}},
    {NODE, "node_softnet_processed_total", VALUE_INTEGER_COUNTER, 1200, 1, {cpus}},
    {NODE, "node_softnet_dropped_total", VALUE_INTEGER_COUNTER, 0.02, 1, {cpus}},
    {NODE, "node_softnet_times_squeezed_total", VALUE_INTEGER_COUNTER, 2, 1, {cpus}},
    {NODE, "node_context_switches_total", VALUE_INTEGER_COUNTER, 42000, 1, {NULL}},
    {NODE, "node_intr_total", VALUE_INTEGER_COUNTER, 30000, 1, {NULL}},
    {NODE, "node_forks_total", VALUE_INTEGER_COUNTER, 90, 1, {NULL}},
    {NODE, "node_vmstat_pgfault", VALUE_INTEGER_COUNTER, 9000, 1, {NULL}},
    {NODE, "node_vmstat_pgmajfault", VALUE_INTEGER_COUNTER, 3, 1, {NULL}},
    {NODE, "node_vmstat_pgpgin", VALUE_INTEGER_COUNTER, 2500, 1, {NULL}},
    {NODE, "node_vmstat_pgpgout", VALUE_INTEGER_COUNTER, 5200, 1, {NULL}},
    {NODE, "node_vmstat_pswpin", VALUE_INTEGER_COUNTER, 0.1, 1, {NULL}},
    {NODE, "node_vmstat_pswpout", VALUE_INTEGER_COUNTER, 0.1, 1, {NULL}},
    {NODE, "node_vmstat_oom_kill", VALUE_INTEGER_COUNTER, 0.001, 1, {NULL}},
    {NODE, "node_netstat_Tcp_ActiveOpens", VALUE_INTEGER_COUNTER, 110, 1, {NULL}},
    {NODE, "node_netstat_Tcp_PassiveOpens", VALUE_INTEGER_COUNTER, 240, 1, {NULL}},
    {NODE, "node_netstat_Tcp_InSegs", VALUE_INTEGER_COUNTER, 5200, 1, {NULL}},
    {NODE, "node_netstat_Tcp_OutSegs", VALUE_INTEGER_COUNTER, 6100, 1, {NULL}},
    {NODE, "node_netstat_Tcp_RetransSegs", VALUE_INTEGER_COUNTER, 6, 1, {NULL}},
    {NODE, "node_netstat_Tcp_InErrs", VALUE_INTEGER_COUNTER, 0.02, 1, {NULL}},
    {NODE, "node_netstat_Tcp_OutRsts", VALUE_INTEGER_COUNTER, 18, 1, {NULL}},
    {NODE, "node_netstat_TcpExt_ListenDrops", VALUE_INTEGER_COUNTER, 0.01, 1, {NULL}},
    {NODE, "node_netstat_TcpExt_TCPTimeouts", VALUE_INTEGER_COUNTER, 1, 1, {NULL}},
    {NODE, "node_netstat_Udp_InDatagrams", VALUE_INTEGER_COUNTER, 160, 1, {NULL}},
    {NODE, "node_netstat_Udp_OutDatagrams", VALUE_INTEGER_COUNTER, 170, 1, {NULL}},
    {NODE, "node_netstat_Udp_NoPorts", VALUE_INTEGER_COUNTER, 0.05, 1, {NULL}},
    {NODE, "node_netstat_Ip_Forwarding_total", VALUE_INTEGER_COUNTER, 700, 1, {NULL}},
    {NODE, "node_netstat_Icmp_InMsgs", VALUE_INTEGER_COUNTER, 1, 1, {NULL}},
    {NODE, "node_memory_MemFree_bytes", VALUE_BYTES_GAUGE, 1500, 1, {NULL}},
    {NODE, "node_memory_MemAvailable_bytes", VALUE_BYTES_GAUGE, 1200, 1, {NULL}},
    {NODE, "node_memory_Buffers_bytes", VALUE_BYTES_GAUGE, 20, 1, {NULL}},
    {NODE, "node_memory_Cached_bytes", VALUE_BYTES_GAUGE, 700, 1, {NULL}},
    {NODE, "node_memory_Active_bytes", VALUE_BYTES_GAUGE, 900, 1, {NULL}},
    {NODE, "node_memory_Inactive_bytes", VALUE_BYTES_GAUGE, 600, 1, {NULL}},
    {NODE, "node_memory_Active_anon_bytes", VALUE_BYTES_GAUGE, 500, 1, {NULL}},
    {NODE, "node_memory_Inactive_anon_bytes", VALUE_BYTES_GAUGE, 200, 1, {NULL}},
    {NODE, "node_memory_Active_file_bytes", VALUE_BYTES_GAUGE, 300, 1, {NULL}},
    {NODE, "node_memory_Inactive_file_bytes", VALUE_BYTES_GAUGE, 300, 1, {NULL}},
    {NODE, "node_memory_AnonPages_bytes", VALUE_BYTES_GAUGE, 500, 1, {NULL}},
    {NODE, "node_memory_Mapped_bytes", VALUE_BYTES_GAUGE, 40, 1, {NULL}},
    {NODE, "node_memory_Shmem_bytes", VALUE_BYTES_GAUGE, 10, 1, {NULL}},
    {NODE, "node_memory_Slab_bytes", VALUE_BYTES_GAUGE, 30, 1, {NULL}},
    {NODE, "node_memory_SReclaimable_bytes", VALUE_BYTES_GAUGE, 25, 1, {NULL}},
    {NODE, "node_memory_PageTables_bytes", VALUE_BYTES_GAUGE, 12, 1, {NULL}},
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
    {DJANGO, "django_http_requests_latency_seconds", VALUE_BUCKET, 230, 1, {pages}},
    {DJANGO, "django_db_query_duration_seconds", VALUE_BUCKET, 900, 1, {databases}},
    {DJANGO, "django_http_responses_total_by_status_total", VALUE_INTEGER_COUNTER, 260, 1, {statuses}},
    {DJANGO, "django_http_requests_total", VALUE_INTEGER_COUNTER, 500, 1, {methods, pages}},
    {DJANGO, "django_db_connections_total", VALUE_INTEGER_COUNTER, 40, 1, {databases}},
    {DJANGO, "django_db_connections_closed_total", VALUE_INTEGER_COUNTER, 40, 1, {databases}},
    {DJANGO, "django_cache_get_total", VALUE_INTEGER_COUNTER, 3000, 1, {caches}},
    {DJANGO, "django_cache_hits_total", VALUE_INTEGER_COUNTER, 2700, 1, {caches}},
    {DJANGO, "django_cache_misses_total", VALUE_INTEGER_COUNTER, 300, 1, {caches}},
    {NGINX, "nginx_http_requests_total", VALUE_INTEGER_COUNTER, 1600, 1, {NULL}},
    {NGINX, "nginx_connections_accepted", VALUE_INTEGER_COUNTER, 300, 1, {NULL}},
    {NGINX, "nginx_connections_handled", VALUE_INTEGER_COUNTER, 300, 1, {NULL}},
    {NGINX, "nginx_connections_active", VALUE_SLOW_GAUGE, 8, 1, {NULL}},
    {NGINX, "nginx_connections_reading", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {NGINX, "nginx_connections_waiting", VALUE_SLOW_GAUGE, 6, 1, {NULL}},
    {NGINX, "nginx_connections_writing", VALUE_SLOW_GAUGE, 3, 1, {NULL}},
    {MYSQL, "mysql_global_status_commands_total", VALUE_INTEGER_COUNTER, 800, 1, {commands}},
    {MYSQL, "mysql_global_status_innodb_row_ops_total", VALUE_INTEGER_COUNTER, 3000, 1, {row_operations}},
    {MYSQL, "mysql_global_status_queries", VALUE_INTEGER_COUNTER, 6000, 1, {NULL}},
    {MYSQL, "mysql_global_status_questions", VALUE_INTEGER_COUNTER, 5800, 1, {NULL}},
    {MYSQL, "mysql_global_status_slow_queries", VALUE_INTEGER_COUNTER, 0.3, 1, {NULL}},
    {MYSQL, "mysql_global_status_bytes_sent", VALUE_INTEGER_COUNTER, 1500000, 1, {NULL}},
    {MYSQL, "mysql_global_status_bytes_received", VALUE_INTEGER_COUNTER, 400000, 1, {NULL}},
    {MYSQL, "mysql_global_status_created_tmp_disk_tables", VALUE_INTEGER_COUNTER, 8, 1, {NULL}},
    {MYSQL, "mysql_global_status_created_tmp_tables", VALUE_INTEGER_COUNTER, 60, 1, {NULL}},
    {MYSQL, "mysql_global_status_select_full_join", VALUE_INTEGER_COUNTER, 2, 1, {NULL}},
    {MYSQL, "mysql_global_status_sort_merge_passes", VALUE_INTEGER_COUNTER, 0.1, 1, {NULL}},
    {MYSQL, "mysql_global_status_table_locks_immediate", VALUE_INTEGER_COUNTER, 900, 1, {NULL}},
    {MYSQL, "mysql_global_status_threads_connected", VALUE_SLOW_GAUGE, 4, 1, {NULL}},
    {MYSQL, "mysql_global_status_threads_running", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {MYSQL, "mysql_global_status_open_files", VALUE_SLOW_GAUGE, 2, 1, {NULL}},
    {MYSQL, "mysql_global_status_innodb_buffer_pool_bytes_data", VALUE_BYTES_GAUGE, 90, 1, {NULL}},
    {MYSQL, "mysql_global_variables_max_connections", VALUE_CONSTANT, 151, 1, {NULL}},
    {REDIS, "redis_keyspace_hits_total", VALUE_INTEGER_COUNTER, 4000, 1, {NULL}},
    {REDIS, "redis_keyspace_misses_total", VALUE_INTEGER_COUNTER, 250, 1, {NULL}},
    {REDIS, "redis_commands_processed_total", VALUE_INTEGER_COUNTER, 5200, 1, {NULL}},
    {REDIS, "redis_connections_received_total", VALUE_INTEGER_COUNTER, 30, 1, {NULL}},
    {REDIS, "redis_expired_keys_total", VALUE_INTEGER_COUNTER, 45, 1, {NULL}},
    {REDIS, "redis_evicted_keys_total", VALUE_INTEGER_COUNTER, 0.1, 1, {NULL}},
    {REDIS, "redis_net_input_bytes_total", VALUE_INTEGER_COUNTER, 300000, 1, {NULL}},
    {REDIS, "redis_net_output_bytes_total", VALUE_INTEGER_COUNTER, 800000, 1, {NULL}},
    {REDIS, "redis_connected_clients", VALUE_SLOW_GAUGE, 3, 1, {NULL}},
    {REDIS, "redis_blocked_clients", VALUE_SLOW_GAUGE, 1.5, 1, {NULL}},
    {REDIS, "redis_memory_used_bytes", VALUE_BYTES_GAUGE, 70, 1, {NULL}},
    {REDIS, "redis_memory_max_bytes", VALUE_CONSTANT, 4294967296, 1, {NULL}},
    {CELERY, "celery_queue_length", VALUE_SLOW_GAUGE, 12, 1, {queues}},
    {CELERY, "celery_tasks_total", VALUE_INTEGER_COUNTER, 70, 1, {task_states}},
    {CELERY, "celery_task_runtime_seconds", VALUE_BUCKET, 110, 1, {tasks}},
    {CELERY, "celery_workers", VALUE_CONSTANT, 8, 1, {NULL}},
};

/* What client libraries report about the process of an exporter: every exporter has them. */
static const struct family process_families[] = {
    {0, "up", VALUE_CONSTANT, 1, 1, {NULL}},
    {0, "scrape_duration_seconds", VALUE_NOISE, 4e6, 1, {NULL}},
    {0, "scrape_samples_scraped", VALUE_CONSTANT, 83, 1, {NULL}},
    {0, "process_cpu_seconds_total", VALUE_DECIMAL_COUNTER, 40, 1, {NULL}},
    {0, "process_resident_memory_bytes", VALUE_BYTES_GAUGE, 60, 1, {NULL}},
    {0, "process_virtual_memory_bytes", VALUE_BYTES_GAUGE, 20, 1, {NULL}},
    {0, "process_open_fds", VALUE_SLOW_GAUGE, 3, 1, {NULL}},
    {0, "process_start_time_seconds", VALUE_CONSTANT, 1699990000.25, 1, {NULL}},
};

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

    for (size_t i = 0; i < COUNT(buckets); i++) {
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
static void add_combinations(struct prototypes *out, const struct family *family, unsigned depth,
                             const struct prototype *base, struct arena *arena)
{
    if (depth < DIMENSIONS_MAX && family->dimensions[depth]) {
        for (const char *const *choice = family->dimensions[depth]; *choice; choice++) {
            struct prototype narrowed = *base;
            add_spelled(&narrowed, *choice);
            add_combinations(out, family, depth + 1, &narrowed, arena);
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

static void add_family(struct prototypes *out, const struct family *family, enum exporter exporter, struct arena *arena)
{
    struct prototype base = {.port = exporters[exporter].port,
                             .kind = family->kind,
                             .pace = family->pace,
                             .share = family->divisor};

    add_label(&base, STR("job"), str_from(exporters[exporter].job));
    add_combinations(out, family, 0, &base, arena);
}

static void describe(struct prototypes *out, struct arena *arena)
{
    for (size_t i = 0; i < COUNT(families); i++) add_family(out, &families[i], families[i].exporter, arena);
    for (size_t i = 0; i < COUNT(exporters); i++) {
        for (size_t j = 0; j < COUNT(process_families); j++)
            add_family(out, &process_families[j], (enum exporter)i, arena);
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
    return COUNT(pairs);
}

const struct fleet node_fleet = {.step_ms = 15000, .jitter_ms = 8, .describe = describe, .name_host = name_host};
