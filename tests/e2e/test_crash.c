/* Kills Varve at random moments and looks whether it kept its word.
 *
 * Several writers, each with its own series, and a reader keep the server busy until SIGKILL ends it, fifty times (with
 * VARVE_LONG a thousand, on twenty folders), now and then again while it recovers. After each restart every sample of
 * every request that was answered 2xx must be there, bit for bit, and nothing that was never sent. What was sent but
 * not answered may be there or not, but once a restart has shown it, it stays so. The truth is kept here: a byte for
 * each sample; values and times follow from the numbers of writer, request and series. NaN is left out, since JSON can
 * not carry its bits.
 *
 * The moments come from a seed, printed when the test fails and taken from VARVE_CRASH_SEED if that is set.
 */
#include "storage/base/clock.h"
#include "storage/base/hash.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CYCLES = 50,
    TRIALS_LONG = 20,
    WRITERS = 3,
    SERIES = 12, /* of a writer; each request has a sample of each */
    STEP_MS = 200,
    WINDOW_MS = 60 * 60 * 1000,
    AGE_MS = 55 * 60 * 1000,
    REQUESTS_MAX = WINDOW_MS / STEP_MS - 1,
    BUSY_MS_MAX = 500,   /* until the server is killed */
    RECOVER_MS_MAX = 60, /* until it is killed again, in one cycle of four */
    PAUSE_MS = 3         /* between the requests of a writer */
};

/* Makes heads freeze and blocks merge many times within the test. */
static const char *const freeze_early[] = {"--storage.memory=500KB", NULL};

enum fate { NEVER, PERHAPS, CERTAIN }; /* of a sample: may not be, may be, must be there */

struct writer_log {
    unsigned number;
    struct server *server;
    int64_t base_ms;

    /* guarded by mutex */
    pthread_mutex_t mutex;
    uint8_t *fates; /* enum fate of request * SERIES + series; all NEVER at first */
    unsigned sent;  /* requests that were begun */
    bool repeats;   /* the last one was not answered and is to be sent again */
};

struct trial {
    uint64_t seed;
    struct server server;
    struct writer_log logs[WRITERS];
    atomic_bool is_over; /* of the present cycle */

    /* guarded by mutex */
    pthread_mutex_t mutex;
    char complaint[400]; /* the first one */
};

static void complain(struct trial *trial, str text)
{
    pthread_mutex_lock(&trial->mutex);
    if (!trial->complaint[0]) {
        str part = str_part(text, 0, sizeof trial->complaint - 1);
        memcpy(trial->complaint, part.data, part.len);
    }
    pthread_mutex_unlock(&trial->mutex);
}

static double value_of(unsigned writer, unsigned series, unsigned request)
{
    static const double corners[] = {INFINITY, -INFINITY, 0.0, -0.0, 5e-324, -1.7976931348623157e308};
    uint64_t random = hash_mix(hash_mix(writer, series), request);
    double value = double_from_bits(random);

    switch (series % 6) {
    case 0: return request * 3.0 + series;
    case 1: return (double)(request * 1000 + random % 1000) / 100;
    case 2: return isfinite(value) ? value : 1.5;
    case 3: return 42.5;
    case 4: return corners[random % (sizeof corners / sizeof corners[0])];
    default: return (double)(random % 8 + request / 50);
    }
}

static struct write_request make_request(unsigned writer, unsigned request, int64_t base_ms)
{
    struct write_request made = {0};

    for (unsigned i = 0; i < SERIES; i++) {
        char series[12], number[12];
        int series_len = snprintf(series, sizeof series, "%u", i),
            number_len = snprintf(number, sizeof number, "%u", writer);
        const label pairs[] = {{METRIC_NAME, STR("crash_test")},
                               {STR("series"), str_make(series, (size_t)series_len)},
                               {STR("writer"), str_make(number, (size_t)number_len)}};
        struct write_sample sample = {base_ms + request * STEP_MS, value_of(writer, i, request)};
        write_request_add(&made, pairs, sizeof pairs / sizeof pairs[0], &sample, 1);
    }
    return made;
}

static void set_fates(struct writer_log *log, unsigned request, enum fate fate)
{
    pthread_mutex_lock(&log->mutex);
    for (size_t place = (size_t)request * SERIES; place < (size_t)(request + 1) * SERIES; place++) {
        if (fate > log->fates[place])
            log->fates[place] = (uint8_t)fate; /* a restart may have shown some of it already */
    }
    if (request == log->sent) log->sent++;
    log->repeats = fate == PERHAPS;
    pthread_mutex_unlock(&log->mutex);
}

/* What one thread of a cycle works with. */
struct task {
    struct trial *trial;
    struct writer_log *log; /* of a writer */
    pthread_t thread;
};

static void *write_until_killed(void *context)
{
    struct task *task = context;
    struct writer_log *log = task->log;
    struct http_client *client = http_client_new();

    while (!task->trial->is_over && log->sent < REQUESTS_MAX) {
        unsigned number = log->repeats ? log->sent - 1 : log->sent;
        struct write_request request = make_request(log->number, number, log->base_ms);
        struct http_answer answer;
        set_fates(log, number, PERHAPS);
        status s = remote_write_send(client, log->server->write_url, write_request_compress(&request), &answer);
        write_request_release(&request);
        if (failed(s)) break; /* killed */
        if (answer.code / 100 == 2) {
            set_fates(log, number, CERTAIN);
        } else if (answer.code / 100 != 5) {
            char text[300];
            int len = snprintf(text, sizeof text, "a write was answered %d: %.*s", answer.code,
                               STR_ARG(str_part(answer.body, 0, 200)));
            complain(task->trial, str_make(text, (size_t)len));
            break;
        }
        process_sleep_ms(PAUSE_MS);
    }
    http_client_free(client);
    return NULL;
}

/* A copy of what is known about a writer's samples. */
static uint8_t *copy_fates(struct writer_log *log, struct arena *arena)
{
    size_t bytes = (size_t)REQUESTS_MAX * SERIES;
    uint8_t *copy = arena_alloc(arena, bytes);

    pthread_mutex_lock(&log->mutex);
    memcpy(copy, log->fates, bytes);
    pthread_mutex_unlock(&log->mutex);
    return copy;
}

static status read_back(struct http_client *client, const struct writer_log *log, struct arena *arena,
                        struct prom_result *out)
{
    str selector = arena_format(arena, "crash_test{writer=\"%u\"}[1h]", log->number);
    return prom_query(client, log->server->url, selector, log->base_ms + WINDOW_MS - 1, arena, out);
}

/* Looks at each sample that came back: sent, of the right value, once, in order. Marks in `found` which ones they are;
 * `sent` has the fates as they were after the answer. Gives a complaint or nothing. */
static str check_found(const struct writer_log *log, const struct prom_result *result, const uint8_t *sent,
                       uint8_t *found, struct arena *arena)
{
    for (size_t i = 0; i < result->series_count; i++) {
        const struct prom_series *s = &result->series[i];
        unsigned series;
        const char *name = strstr(arena_copy_str(arena, s->labels).data, "series=\"");
        if (!name || sscanf(name, "series=\"%u\"", &series) != 1 || series >= SERIES)
            return arena_format(arena, "the series %.*s was never sent", STR_ARG(s->labels));
        for (size_t j = 0; j < s->point_count; j++) {
            int64_t age_ms = s->points[j].time_ms - log->base_ms;
            size_t place = (size_t)(age_ms / STEP_MS) * SERIES + series;
            if (age_ms < 0 || age_ms % STEP_MS || age_ms / STEP_MS >= REQUESTS_MAX || sent[place] == NEVER)
                return arena_format(arena, "%.*s has a sample at %lld that was never sent", STR_ARG(s->labels),
                                    (long long)s->points[j].time_ms);
            double expected = value_of(log->number, series, (unsigned)(age_ms / STEP_MS));
            if (double_bits(expected) != double_bits(s->points[j].value))
                return arena_format(arena, "%.*s at %lld is %.17g, sent was %.17g", STR_ARG(s->labels),
                                    (long long)s->points[j].time_ms, s->points[j].value, expected);
            if (found[place]++)
                return arena_format(arena, "%.*s has two samples at %lld", STR_ARG(s->labels),
                                    (long long)s->points[j].time_ms);
        }
    }
    return STR("");
}

/* The first sample that must have been found and was not. */
static str check_missing(const struct writer_log *log, const uint8_t *certain, const uint8_t *found,
                         struct arena *arena)
{
    for (size_t place = 0; place < (size_t)REQUESTS_MAX * SERIES; place++) {
        if (certain[place] == CERTAIN && !found[place])
            return arena_format(arena, "writer %u, series %zu: the sample of request %zu was acknowledged and is gone",
                                log->number, place % SERIES, place / SERIES);
    }
    return STR("");
}

static void *read_until_killed(void *context)
{
    struct task *task = context;
    struct http_client *client = http_client_new();
    struct arena arena;

    arena_init(&arena, NULL);
    for (unsigned i = 0; !task->trial->is_over; i++) {
        struct writer_log *log = &task->trial->logs[i % WRITERS];
        const uint8_t *before = copy_fates(log, &arena);
        uint8_t *found = arena_zarray(&arena, uint8_t, (size_t)REQUESTS_MAX * SERIES);
        struct prom_result result;
        status s = read_back(client, log, &arena, &result);
        if (s.code == STATUS_UNAVAILABLE) break; /* killed */
        if (failed(s)) complain(task->trial, str_from(s.text));
        if (failed(s)) break;
        str complaint = check_found(log, &result, copy_fates(log, &arena), found, &arena);
        if (complaint.len == 0) complaint = check_missing(log, before, found, &arena);
        if (complaint.len) complain(task->trial, arena_format(&arena, "while writing: %.*s", STR_ARG(complaint)));
        arena_reset(&arena);
    }
    arena_release(&arena);
    http_client_free(client);
    return NULL;
}

/* After a restart: compares, and takes what was uncertain as it turned out. */
static void verify(struct trial *trial, struct http_client *client, unsigned cycle)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer_log *log = &trial->logs[i];
        struct prom_result result;
        struct arena arena;
        arena_init(&arena, NULL);
        uint8_t *found = arena_zarray(&arena, uint8_t, (size_t)REQUESTS_MAX * SERIES);
        must(read_back(client, log, &arena, &result));
        str complaint = check_found(log, &result, log->fates, found, &arena);
        if (complaint.len == 0) complaint = check_missing(log, log->fates, found, &arena);
        cr_assert(complaint.len == 0, "after restart %u, seed %llu: %.*s", cycle, (unsigned long long)trial->seed,
                  STR_ARG(complaint));
        for (size_t place = 0; place < (size_t)REQUESTS_MAX * SERIES; place++)
            log->fates[place] = found[place] ? CERTAIN : NEVER;
        arena_release(&arena);
    }
}

/* Keeps the server busy for a while, then kills it under way. */
static void work_and_kill(struct trial *trial, int64_t busy_ms)
{
    struct task tasks[WRITERS + 1];

    trial->is_over = false;
    for (unsigned i = 0; i <= WRITERS; i++) {
        bool writes = i < WRITERS;
        tasks[i] = (struct task){.trial = trial, .log = writes ? &trial->logs[i] : NULL};
        int error = pthread_create(&tasks[i].thread, NULL, writes ? write_until_killed : read_until_killed, &tasks[i]);
        cr_assert(error == 0, "no thread: %s", strerror(error));
    }
    process_sleep_ms(busy_ms);
    bool was_running = process_is_running(&trial->server.process);
    process_kill(&trial->server.process);
    trial->is_over = true;
    for (unsigned i = 0; i <= WRITERS; i++) pthread_join(tasks[i].thread, NULL);
    cr_assert(was_running, "the server ended by itself; see %s", trial->server.log_path);
}

static void init_trial(struct trial *trial, uint64_t seed, struct arena *arena)
{
    int64_t base_ms = clock_now_ms() - AGE_MS;

    *trial = (struct trial){.seed = seed, .mutex = PTHREAD_MUTEX_INITIALIZER};
    must(server_varve(arena, freeze_early, &trial->server));
    for (unsigned i = 0; i < WRITERS; i++)
        trial->logs[i] = (struct writer_log){.number = i,
                                             .server = &trial->server,
                                             .base_ms = base_ms,
                                             .mutex = PTHREAD_MUTEX_INITIALIZER,
                                             .fates = arena_zarray(arena, uint8_t, (size_t)REQUESTS_MAX * SERIES)};
}

static void run_trial(uint64_t seed)
{
    struct http_client *client = http_client_new();
    struct trial trial;
    struct arena arena;

    arena_init(&arena, NULL);
    init_trial(&trial, seed, &arena);
    for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
        uint64_t random = hash_mix(trial.seed, cycle);
        must(server_launch(&trial.server));
        if (random % 4 == 0) {
            process_sleep_ms((int64_t)(random >> 8) % RECOVER_MS_MAX);
            process_kill(&trial.server.process);
            must(server_launch(&trial.server));
        }
        must(server_wait(&trial.server, client));
        verify(&trial, client, cycle);
        work_and_kill(&trial, (int64_t)(random >> 32) % BUSY_MS_MAX);
        cr_assert(!trial.complaint[0], "cycle %u, seed %llu: %s", cycle, (unsigned long long)trial.seed,
                  trial.complaint);
    }
    must(server_start(&trial.server, client));
    verify(&trial, client, CYCLES);
    must(process_stop(&trial.server.process, SERVER_STOP_MS));
    must(server_start(&trial.server, client));
    verify(&trial, client, CYCLES + 1);
    must(process_stop(&trial.server.process, SERVER_STOP_MS));
    must(server_check_folder(&trial.server, &arena));
    arena_release(&arena);
    http_client_free(client);
}

Test(crash, keeps_what_it_acknowledged, .timeout = 3600)
{
    const char *chosen = getenv("VARVE_CRASH_SEED");
    uint64_t seed = chosen ? strtoull(chosen, NULL, 10) : (uint64_t)clock_now_ms();
    uint64_t trials = getenv("VARVE_LONG") && !chosen ? TRIALS_LONG : 1;

    for (uint64_t i = 0; i < trials; i++) run_trial(seed + i);
}
