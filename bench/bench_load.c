/* Writes a made-up fleet to a remote-write URL and tells how the server kept up, as one line of JSON.
 *
 *     bench_load --url http://127.0.0.1:9090/api/v1/write --model node --hosts 200 --duration 10m
 *
 * Series are cut into requests of --batch neighbours, and each request belongs to one connection, which sends it in
 * each round: so the samples of a series arrive in order without any waiting between connections. Only a connection
 * that is ahead of the slowest by LEAD_MS of the data's time waits, because servers refuse samples far behind their
 * newest.
 */
#include "bench/arguments.h"
#include "bench/http_connection.h"
#include "bench/latencies.h"
#include "bench/write_template.h"
#include "storage/base/clock.h"

#include <getopt.h>
#include <pthread.h>
#include <time.h>

enum {
    STREAMS_MAX = 4,
    CONNECTIONS_MAX = 64,
    LEAD_MS = 20 * 60 * 1000,
    BACKOFF_MIN_MS = 30, /* as Prometheus does it */
    BACKOFF_MAX_MS = 5000
};

static const int64_t retry_ns_max = 120LL * 1000000000;

/* A fleet on its way: rounds of requests. */
struct stream {
    struct model_options options;
    struct model *model;
    uint32_t rounds, batch, request_count;
    struct write_template *requests; /* each belongs to the sender of its number modulo the connections */
};

struct load {
    /* constant after start */
    const char *url;
    struct http_target target;
    struct stream streams[STREAMS_MAX];
    uint32_t stream_count, connections, batch, rate;
    int64_t start_ms, duration_ms;
    uint64_t samples_total;
    bool retries;
    pthread_barrier_t ready;

    /* guarded by mutex */
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    int64_t reached_ms[CONNECTIONS_MAX]; /* begin of the round that a sender is in */
    bool has_complained;
};

struct sender {
    struct load *load;
    pthread_t thread;
    uint32_t number;
    struct http_connection connection;
    struct model_sample *samples; /* of one request */
    int64_t begin_ns;
    uint64_t sent, share; /* samples: handed to the server, to be sent in all */
    struct latencies latencies;
    uint64_t requests, retries, failures, bytes;
    bool gave_up; /* the server can not be reached */
};

static void sleep_ns(int64_t ns)
{
    struct timespec time = {ns / 1000000000, ns % 1000000000};
    if (ns > 0) nanosleep(&time, NULL);
}

static bool owns(const struct sender *sender, uint32_t request)
{
    return request % sender->load->connections == sender->number;
}

/* One line for the first failure; the others are only counted. */
static void complain(struct sender *sender, const char *text, str detail)
{
    pthread_mutex_lock(&sender->load->mutex);
    if (!sender->load->has_complained) fprintf(stderr, "%s%.*s\n", text, STR_ARG(str_part(detail, 0, 300)));
    sender->load->has_complained = true;
    pthread_mutex_unlock(&sender->load->mutex);
}

/* Begins a round once the slowest sender is near enough. */
static void enter_round(struct sender *sender, int64_t round_ms)
{
    struct load *load = sender->load;

    pthread_mutex_lock(&load->mutex);
    load->reached_ms[sender->number] = round_ms;
    pthread_cond_broadcast(&load->moved);
    for (;;) {
        int64_t slowest_ms = INT64_MAX;
        for (uint32_t i = 0; i < load->connections; i++) {
            if (load->reached_ms[i] < slowest_ms) slowest_ms = load->reached_ms[i];
        }
        if (round_ms <= slowest_ms + LEAD_MS) break;
        pthread_cond_wait(&load->moved, &load->mutex);
    }
    pthread_mutex_unlock(&load->mutex);
}

/* Lets the others go on without this sender. */
static void leave(struct sender *sender)
{
    pthread_mutex_lock(&sender->load->mutex);
    sender->load->reached_ms[sender->number] = INT64_MAX;
    pthread_cond_broadcast(&sender->load->moved);
    pthread_mutex_unlock(&sender->load->mutex);
}

/* When the next request is due: now, or as the rate says. */
static int64_t due_ns(const struct sender *sender)
{
    const struct load *load = sender->load;

    if (load->rate == 0) return clock_monotonic_ns();
    double own_rate = (double)load->rate * (double)sender->share / (double)load->samples_total;
    return sender->begin_ns + (int64_t)((double)sender->sent / own_rate * 1e9);
}

/* Sends until the server takes the request or retrying is over; latency counts from when the request was due. */
static void send_request(struct sender *sender, str body, uint32_t samples)
{
    struct load *load = sender->load;
    int64_t due = due_ns(sender), backoff_ms = BACKOFF_MIN_MS;
    struct http_reply reply = {0};
    char head[512];
    int head_len =
        snprintf(head, sizeof head,
                 "POST %.*s HTTP/1.1\r\nHost: %.*s:%.*s\r\nContent-Encoding: snappy\r\n"
                 "Content-Type: application/x-protobuf\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n"
                 "User-Agent: bench_load\r\nContent-Length: %zu\r\n\r\n",
                 STR_ARG(load->target.path), STR_ARG(load->target.host), STR_ARG(load->target.port), body.len);

    sleep_ns(due - clock_monotonic_ns());
    for (;;) {
        status s = http_connection_exchange(&sender->connection, str_make(head, (size_t)head_len), body, &reply);
        bool may_succeed_later = failed(s) || reply.code >= 500 || reply.code == 429;
        if (!may_succeed_later || !load->retries || clock_monotonic_ns() - due > retry_ns_max) {
            sender->gave_up = failed(s);
            if (failed(s)) complain(sender, s.text, STR(""));
            break;
        }
        sender->retries++;
        sleep_ns(backoff_ms * 1000000);
        backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
    }
    latencies_add(&sender->latencies, clock_monotonic_ns() - due);
    sender->requests++;
    sender->bytes += (size_t)head_len + body.len;
    sender->sent += samples;
    if (!sender->gave_up && reply.code >= 200 && reply.code < 300) return;
    sender->failures++;
    if (!sender->gave_up) {
        char text[64];
        snprintf(text, sizeof text, "the server answered %d: ", reply.code);
        complain(sender, text, reply.body);
    }
}

static void send_round(struct sender *sender, struct stream *stream, uint32_t round)
{
    for (uint32_t i = sender->number; i < stream->request_count && !sender->gave_up; i += sender->load->connections) {
        struct write_template *request = &stream->requests[i];
        model_read(stream->model, round, i * stream->batch, request->hole_count, sender->samples);
        send_request(sender, write_template_fill(request, sender->samples), request->hole_count);
    }
}

static void make_requests(struct sender *sender, struct stream *stream)
{
    for (uint32_t i = 0; i < stream->request_count; i++) {
        uint32_t first = i * stream->batch, left = model_series_count(stream->model) - first;
        if (!owns(sender, i)) continue;
        stream->requests[i] = write_template_make(stream->model, first, left < stream->batch ? left : stream->batch);
        sender->share += (uint64_t)stream->requests[i].hole_count * stream->rounds;
    }
}

/* The stream whose next round is the earliest, or NULL when all are done. */
static struct stream *next_stream(struct load *load, const uint32_t *rounds)
{
    struct stream *next = NULL;
    int64_t next_ms = INT64_MAX;

    for (uint32_t i = 0; i < load->stream_count; i++) {
        struct stream *stream = &load->streams[i];
        if (rounds[i] < stream->rounds && model_round_ms(stream->model, rounds[i]) < next_ms) {
            next = stream;
            next_ms = model_round_ms(stream->model, rounds[i]);
        }
    }
    return next;
}

static void *run_sender(void *context)
{
    struct sender *sender = context;
    struct load *load = sender->load;
    uint32_t rounds[STREAMS_MAX] = {0};
    struct stream *stream;

    for (uint32_t i = 0; i < load->stream_count; i++) make_requests(sender, &load->streams[i]);
    pthread_barrier_wait(&load->ready);
    sender->begin_ns = clock_monotonic_ns();
    while (!sender->gave_up && (stream = next_stream(load, rounds))) {
        uint32_t round = rounds[stream - load->streams]++;
        enter_round(sender, model_round_ms(stream->model, round));
        send_round(sender, stream, round);
    }
    leave(sender);
    return NULL;
}

static void prepare_stream(struct load *load, struct stream *stream)
{
    stream->options.start_ms = load->start_ms;
    stream->model = model_new(&stream->options);
    uint32_t series = model_series_count(stream->model);
    uint32_t batch_max = (series + load->connections - 1) / load->connections; /* work for every connection */
    stream->batch = load->batch < batch_max ? load->batch : batch_max;
    stream->request_count = (series + stream->batch - 1) / stream->batch;
    stream->requests = memory_zalloc(sizeof *stream->requests * stream->request_count);
    int64_t step_ms = model_step_ms(stream->model);
    stream->rounds = (uint32_t)((load->duration_ms + step_ms - 1) / step_ms);
    load->samples_total += (uint64_t)series * stream->rounds;
}

static void release_stream(struct stream *stream)
{
    for (uint32_t i = 0; i < stream->request_count; i++) write_template_release(&stream->requests[i]);
    free(stream->requests);
    model_free(stream->model);
}

static void print_result(const struct load *load, struct sender *senders, double seconds, double own_cpu_seconds)
{
    struct sender sum = {0};
    uint32_t series = 0;

    for (uint32_t i = 0; i < load->stream_count; i++) series += model_series_count(load->streams[i].model);
    for (uint32_t i = 0; i < load->connections; i++) {
        latencies_merge(&sum.latencies, &senders[i].latencies);
        sum.sent += senders[i].sent;
        sum.requests += senders[i].requests;
        sum.retries += senders[i].retries;
        sum.failures += senders[i].failures;
        sum.bytes += senders[i].bytes;
    }
    printf("{\"series\": %u, \"samples\": %llu, \"requests\": %llu, \"retries\": %llu, \"failures\": %llu, "
           "\"bytes\": %llu, \"first_ms\": %lld, \"last_ms\": %lld, \"wall_seconds\": %.4f, "
           "\"samples_per_second\": %.0f, \"own_cpu_seconds\": %.4f, \"latency_ms\": ",
           series, (unsigned long long)sum.sent, (unsigned long long)sum.requests, (unsigned long long)sum.retries,
           (unsigned long long)sum.failures, (unsigned long long)sum.bytes, (long long)load->start_ms,
           (long long)(load->start_ms + load->duration_ms), seconds, (double)sum.sent / seconds, own_cpu_seconds);
    latencies_print(&sum.latencies, stdout);
    printf("}\n");
    latencies_release(&sum.latencies);
}

/* Runs the load; false when not every sample was taken. */
static bool run(struct load *load)
{
    struct sender senders[CONNECTIONS_MAX] = {0};
    bool is_complete = true;

    for (uint32_t i = 0; i < load->stream_count; i++) prepare_stream(load, &load->streams[i]);
    pthread_barrier_init(&load->ready, NULL, load->connections + 1);
    for (uint32_t i = 0; i < load->connections; i++) {
        senders[i].load = load;
        senders[i].number = i;
        senders[i].samples = memory_alloc(sizeof *senders[i].samples * load->batch);
        load->reached_ms[i] = load->start_ms;
        http_connection_init(&senders[i].connection, load->target);
        pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]);
    }
    pthread_barrier_wait(&load->ready);
    int64_t begin_ns = clock_monotonic_ns();
    double begin_cpu_seconds = clock_process_seconds();
    for (uint32_t i = 0; i < load->connections; i++) pthread_join(senders[i].thread, NULL);
    print_result(load, senders, (double)(clock_monotonic_ns() - begin_ns) / 1e9,
                 clock_process_seconds() - begin_cpu_seconds);
    for (uint32_t i = 0; i < load->connections; i++) {
        is_complete = is_complete && senders[i].failures == 0;
        http_connection_release(&senders[i].connection);
        latencies_release(&senders[i].latencies);
        free(senders[i].samples);
    }
    for (uint32_t i = 0; i < load->stream_count; i++) release_stream(&load->streams[i]);
    pthread_barrier_destroy(&load->ready);
    return is_complete;
}

static const char usage[] =
    "usage: bench_load --url URL [--model node|cpu [--hosts N] [--step D] [--resets] [--stale]]... [options]\n"
    "  --url URL         where to write to, e.g. http://127.0.0.1:9090/api/v1/write\n"
    "  --model NAME      a fleet to write; given again, a further one, in step with the first (node)\n"
    "  --hosts N         its hosts (8)\n"
    "  --step D          between its scrapes (its own: node 15s, cpu 10s)\n"
    "  --resets          now and then, counters of a host begin again at zero\n"
    "  --stale           now and then, a host is not scraped: stale markers\n"
    "  --seed N          of all values (1)\n"
    "  --start SECONDS   Unix time of the first sample (now - duration)\n"
    "  --duration D      of the data (10m)\n"
    "  --batch N         samples a request (500)\n"
    "  --connections N   (4)\n"
    "  --rate N          samples a second in all, 0 for as fast as can be (0)\n"
    "  --retry           repeat what was answered 429 or 5xx or not at all, for two minutes\n"
    "Durations are like 15s, 10m, 25h. Exit: 0 all samples taken, 1 not all, 2 wrong usage.\n";

static struct stream *add_stream(struct load *load, const char *kind)
{
    if (load->stream_count == STREAMS_MAX) arguments_refuse("model", kind, "at most 4 models");
    struct stream *stream = &load->streams[load->stream_count++];
    stream->options = (struct model_options){.hosts = 8};
    if (!model_parse_kind(str_from(kind), &stream->options.kind)) arguments_refuse("model", kind, "node or cpu");
    return stream;
}

enum choice { URL, MODEL, HOSTS, STEP, RESETS, STALE, SEED, START, DURATION, BATCH, CONNECTIONS, RATE, RETRY, HELP };

static const struct option options[] = {
    {"url", required_argument, NULL, URL},
    {"model", required_argument, NULL, MODEL},
    {"hosts", required_argument, NULL, HOSTS},
    {"step", required_argument, NULL, STEP},
    {"resets", no_argument, NULL, RESETS},
    {"stale", no_argument, NULL, STALE},
    {"seed", required_argument, NULL, SEED},
    {"start", required_argument, NULL, START},
    {"duration", required_argument, NULL, DURATION},
    {"batch", required_argument, NULL, BATCH},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"rate", required_argument, NULL, RATE},
    {"retry", no_argument, NULL, RETRY},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void read_options(struct load *load, int count, char **values)
{
    struct stream *stream = NULL;
    uint64_t seed = 1;
    int choice, index = 0;

    while ((choice = getopt_long(count, values, "", options, &index)) >= 0) {
        const char *name = options[index].name;
        if (choice >= HOSTS && choice <= STALE && !stream) stream = add_stream(load, "node");
        switch (choice) {
        case URL: load->url = optarg; break;
        case MODEL: stream = add_stream(load, optarg); break;
        case HOSTS: stream->options.hosts = (uint32_t)arguments_number(name, optarg, 1, 1000000); break;
        case STEP: stream->options.step_ms = arguments_duration_ms(name, optarg); break;
        case RESETS: stream->options.resets = true; break;
        case STALE: stream->options.stale_markers = true; break;
        case SEED: seed = arguments_number(name, optarg, 0, UINT64_MAX); break;
        case START: load->start_ms = arguments_time_ms(name, optarg); break;
        case DURATION: load->duration_ms = arguments_duration_ms(name, optarg); break;
        case BATCH: load->batch = (uint32_t)arguments_number(name, optarg, 1, 50000); break;
        case CONNECTIONS: load->connections = (uint32_t)arguments_number(name, optarg, 1, CONNECTIONS_MAX); break;
        case RATE: load->rate = (uint32_t)arguments_number(name, optarg, 0, UINT32_MAX); break;
        case RETRY: load->retries = true; break;
        case HELP: fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(2);
        }
    }
    if (!load->url || optind < count) {
        fputs(usage, stderr);
        exit(2);
    }
    if (!stream) add_stream(load, "node");
    for (uint32_t i = 0; i < load->stream_count; i++) load->streams[i].options.seed = seed + i;
    if (load->start_ms == 0) load->start_ms = clock_now_ms() - load->duration_ms;
}

int main(int count, char **values)
{
    static struct load load = {.batch = 500,
                               .connections = 4,
                               .duration_ms = 600000,
                               .mutex = PTHREAD_MUTEX_INITIALIZER,
                               .moved = PTHREAD_COND_INITIALIZER};

    read_options(&load, count, values);
    status s = http_target_parse(str_from(load.url), &load.target);
    if (failed(s)) {
        fprintf(stderr, "%s\n", s.text);
        return 2;
    }
    return run(&load) ? 0 : 1;
}
