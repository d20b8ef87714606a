/* Asks a server the queries of query_shapes.h and tells what they cost, one line of JSON a shape.
 *
 *     bench_query --url http://127.0.0.1:9090 --start 1700000000 --end 1700090000 --shapes tsbs,dashboard --pid 1234
 *
 * One client asks one query after the other, so the CPU time of the server, read from its clock in nanoseconds, divides
 * by the number of queries. With --duration several clients ask all chosen shapes at random at the same time, and the
 * one line is about all of them.
 */
#include "bench/answer_digest.h"
#include "bench/arguments.h"
#include "bench/http_connection.h"
#include "bench/latencies.h"
#include "bench/query_shapes.h"
#include "storage/base/clock.h"
#include "storage/base/hash.h"

#include <getopt.h>
#include <pthread.h>
#include <time.h>

enum { CLIENTS_MAX = 64, ANSWERS_LOOKED_AT = 3, COUNT_MIN = 3 };

struct driver {
    const char *url, *shapes, *parameter;
    struct http_target target;
    struct query_data data;
    uint64_t seed, count;
    int64_t budget_ms, duration_ms;
    uint32_t clients;
    clockid_t server_clock;
    bool has_server_clock;
};

/* One connection that asks. */
struct client {
    const struct driver *driver;
    pthread_t thread;
    uint32_t number;
    struct http_connection connection;
    struct writer head;
    struct latencies latencies;
    uint64_t answer_bytes, failures;
};

static int64_t server_cpu_ns(const struct driver *driver)
{
    struct timespec t = {0};

    if (driver->has_server_clock) clock_gettime(driver->server_clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put(struct writer *out, str text)
{
    writer_bytes(out, text.data, text.len);
}

static status ask(struct client *client, const struct query_shape *shape, uint64_t random, struct http_reply *reply)
{
    const struct driver *driver = client->driver;
    struct writer *head = &client->head;

    head->count = 0;
    put(head, STR("GET "));
    if (driver->target.path.len > 1) put(head, driver->target.path);
    query_shape_write(shape, &driver->data, random, head);
    if (driver->parameter) {
        put(head, STR("&"));
        put(head, str_from(driver->parameter));
    }
    put(head, STR(" HTTP/1.1\r\nHost: "));
    put(head, driver->target.host);
    put(head, STR("\r\nUser-Agent: bench_query\r\n\r\n"));
    TRY(http_connection_exchange(&client->connection, str_make((const char *)head->data, head->count), STR(""), reply));
    if (reply->code == 200) return ok();
    return status_make(STATUS_INVALID, "%s: answered %d: %.*s", shape->name, reply->code,
                       STR_ARG(str_part(reply->body, 0, 150)));
}

/* Asks and measures; failures are counted and the first one is told. */
static void ask_timed(struct client *client, const struct query_shape *shape, uint64_t random)
{
    struct http_reply reply = {0};
    int64_t begin_ns = clock_monotonic_ns();
    status s = ask(client, shape, random, &reply);

    latencies_add(&client->latencies, clock_monotonic_ns() - begin_ns);
    client->answer_bytes += reply.body.len;
    if (failed(s) && client->failures++ == 0) fprintf(stderr, "%s\n", s.text);
}

static void init_client(struct client *client, const struct driver *driver, uint32_t number)
{
    *client = (struct client){.driver = driver, .number = number};
    http_connection_init(&client->connection, driver->target);
}

static void release_client(struct client *client)
{
    http_connection_release(&client->connection);
    writer_release(&client->head);
    latencies_release(&client->latencies);
}

/* Digests of the first answers in one; also warms up. */
static status look_at_answers(struct client *client, const struct query_shape *shape, uint64_t salt,
                              struct answer_digest *out)
{
    *out = (struct answer_digest){0};
    for (uint64_t i = 0; i < ANSWERS_LOOKED_AT; i++) {
        struct http_reply reply = {0};
        struct answer_digest digest;
        TRY(ask(client, shape, hash_mix(salt, i), &reply));
        TRY(answer_digest_make(reply.body, &digest));
        out->hash = hash_mix(out->hash, digest.hash);
        out->items += digest.items;
        out->points += digest.points;
    }
    return ok();
}

static void print_common(struct client *client, double server_cpu_ms)
{
    size_t queries = client->latencies.ns.count;
    double divisor = queries ? (double)queries : 1;

    printf("\"queries\": %zu, \"failures\": %llu, \"answer_bytes\": %.0f, ", queries,
           (unsigned long long)client->failures, (double)client->answer_bytes / divisor);
    if (client->driver->has_server_clock) printf("\"server_cpu_ms\": %.4f, ", server_cpu_ms / divisor);
    printf("\"latency_ms\": ");
    latencies_print(&client->latencies, stdout);
    printf("}\n");
    fflush(stdout);
}

/* All of one shape, one after the other. */
static bool run_shape(const struct driver *driver, const struct query_shape *shape)
{
    uint64_t salt = hash_mix(driver->seed, hash_bytes(shape->name, strlen(shape->name)));
    struct answer_digest digest;
    struct client client;

    init_client(&client, driver, 0);
    status s = look_at_answers(&client, shape, salt, &digest);
    if (failed(s)) {
        fprintf(stderr, "%s\n", s.text);
        client.failures++;
    }
    int64_t begin_ns = clock_monotonic_ns(), begin_cpu_ns = server_cpu_ns(driver);
    for (uint64_t i = 0; i < driver->count && client.failures == 0; i++) {
        if (i >= COUNT_MIN && clock_monotonic_ns() - begin_ns > driver->budget_ms * 1000000) break;
        ask_timed(&client, shape, hash_mix(salt, ANSWERS_LOOKED_AT + i));
    }
    double cpu_ms = (double)(server_cpu_ns(driver) - begin_cpu_ns) / 1e6;
    printf("{\"shape\": \"%s\", \"group\": \"%s\", \"answer\": \"%016llx\", \"items\": %zu, \"points\": %zu, ",
           shape->name, shape->group, (unsigned long long)digest.hash, digest.items, digest.points);
    print_common(&client, cpu_ms);
    bool is_fine = client.failures == 0;
    release_client(&client);
    return is_fine;
}

static void *run_client(void *context)
{
    struct client *client = context;
    const struct driver *driver = client->driver;
    const struct query_shape *chosen[64];
    size_t count = 0;
    int64_t end_ns = clock_monotonic_ns() + driver->duration_ms * 1000000;
    uint64_t random = hash_mix(driver->seed, client->number);

    for (size_t i = 0; i < query_shape_count; i++) {
        if (!query_shape_chosen(&query_shapes[i], str_from(driver->shapes))) continue;
        assert(count < sizeof chosen / sizeof chosen[0]);
        chosen[count++] = &query_shapes[i];
    }
    while (count && clock_monotonic_ns() < end_ns) {
        random = hash_mix(random, 1);
        ask_timed(client, chosen[random % count], hash_mix(random, 2));
    }
    return NULL;
}

/* All chosen shapes mixed, by several clients at once. */
static bool run_mixed(const struct driver *driver)
{
    struct client clients[CLIENTS_MAX], sum = {.driver = driver};
    int64_t begin_cpu_ns = server_cpu_ns(driver);

    for (uint32_t i = 0; i < driver->clients; i++) {
        init_client(&clients[i], driver, i);
        pthread_create(&clients[i].thread, NULL, run_client, &clients[i]);
    }
    for (uint32_t i = 0; i < driver->clients; i++) {
        pthread_join(clients[i].thread, NULL);
        latencies_merge(&sum.latencies, &clients[i].latencies);
        sum.answer_bytes += clients[i].answer_bytes;
        sum.failures += clients[i].failures;
        release_client(&clients[i]);
    }
    printf("{\"shape\": \"mixed\", \"clients\": %u, ", driver->clients);
    print_common(&sum, (double)(server_cpu_ns(driver) - begin_cpu_ns) / 1e6);
    latencies_release(&sum.latencies);
    return sum.failures == 0;
}

static bool run(const struct driver *driver)
{
    bool is_fine = true;

    if (driver->duration_ms) return run_mixed(driver);
    for (size_t i = 0; i < query_shape_count; i++) {
        if (query_shape_chosen(&query_shapes[i], str_from(driver->shapes)))
            is_fine = run_shape(driver, &query_shapes[i]) && is_fine;
    }
    return is_fine;
}

static void print_list(void)
{
    for (size_t i = 0; i < query_shape_count; i++)
        printf("%-10s %-22s %s\n", query_shapes[i].group, query_shapes[i].name, query_shapes[i].text);
}

static const char usage[] = "usage: bench_query --url URL --start SECONDS --end SECONDS [options]\n"
                            "  --url URL         the server's address, e.g. http://127.0.0.1:9090\n"
                            "  --start, --end    Unix times that the data spans\n"
                            "  --shapes LIST     names and groups, separated by commas (tsbs,dashboard,api)\n"
                            "  --list            print all shapes and end\n"
                            "  --count N         queries a shape (100)\n"
                            "  --budget D        begin no further query of a shape after this, 3 at least (2s)\n"
                            "  --pid N           the server's process, for its CPU time\n"
                            "  --cpu-hosts N     hosts of the model cpu in the data (100)\n"
                            "  --parameter TEXT  appended to every query, e.g. nocache=1\n"
                            "  --seed N          of hosts and times (1)\n"
                            "  --duration D      instead: ask all shapes mixed, for this long\n"
                            "  --clients N       by so many clients (2)\n"
                            "Exit: 0 all answered, 1 not all, 2 wrong usage.\n";

enum choice { URL, START, END, SHAPES, LIST, COUNT, BUDGET, PID, CPU_HOSTS, PARAMETER, SEED, DURATION, CLIENTS, HELP };

static const struct option options[] = {
    {"url", required_argument, NULL, URL},
    {"start", required_argument, NULL, START},
    {"end", required_argument, NULL, END},
    {"shapes", required_argument, NULL, SHAPES},
    {"list", no_argument, NULL, LIST},
    {"count", required_argument, NULL, COUNT},
    {"budget", required_argument, NULL, BUDGET},
    {"pid", required_argument, NULL, PID},
    {"cpu-hosts", required_argument, NULL, CPU_HOSTS},
    {"parameter", required_argument, NULL, PARAMETER},
    {"seed", required_argument, NULL, SEED},
    {"duration", required_argument, NULL, DURATION},
    {"clients", required_argument, NULL, CLIENTS},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void read_pid(struct driver *driver, const char *option, const char *value)
{
    pid_t pid = (pid_t)arguments_number(option, value, 1, INT32_MAX);

    if (clock_getcpuclockid(pid, &driver->server_clock) != 0) arguments_refuse(option, value, "a running process");
    driver->has_server_clock = true;
}

static void read_options(struct driver *driver, int count, char **values)
{
    int choice, index = 0;

    while ((choice = getopt_long(count, values, "", options, &index)) >= 0) {
        const char *name = options[index].name;
        switch (choice) {
        case URL: driver->url = optarg; break;
        case START: driver->data.start_ms = arguments_time_ms(name, optarg); break;
        case END: driver->data.end_ms = arguments_time_ms(name, optarg); break;
        case SHAPES: driver->shapes = optarg; break;
        case LIST: print_list(); exit(0);
        case COUNT: driver->count = arguments_number(name, optarg, 1, 1000000); break;
        case BUDGET: driver->budget_ms = arguments_duration_ms(name, optarg); break;
        case PID: read_pid(driver, name, optarg); break;
        case CPU_HOSTS: driver->data.cpu_hosts = (unsigned)arguments_number(name, optarg, 8, 1000000); break;
        case PARAMETER: driver->parameter = optarg; break;
        case SEED: driver->seed = arguments_number(name, optarg, 0, UINT64_MAX); break;
        case DURATION: driver->duration_ms = arguments_duration_ms(name, optarg); break;
        case CLIENTS: driver->clients = (uint32_t)arguments_number(name, optarg, 1, CLIENTS_MAX); break;
        case HELP: fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(2);
        }
    }
    if (!driver->url || !driver->data.start_ms || driver->data.end_ms <= driver->data.start_ms || optind < count) {
        fputs(usage, stderr);
        exit(2);
    }
}

int main(int count, char **values)
{
    struct driver driver = {.shapes = "tsbs,dashboard,api",
                            .count = 100,
                            .budget_ms = 2000,
                            .data.cpu_hosts = 100,
                            .clients = 2,
                            .seed = 1};

    read_options(&driver, count, values);
    status s = http_target_parse(str_from(driver.url), &driver.target);
    if (failed(s)) {
        fprintf(stderr, "%s\n", s.text);
        return 2;
    }
    return run(&driver) ? 0 : 1;
}
