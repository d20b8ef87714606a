/* Two million series from one sender, under a small budget of memory: the server stays within it, and who sends a few
 * series all the time goes on. */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <stdio.h>

enum {
    SERIES = 2000000,
    REQUEST_SERIES = 5000,
    KNOWN_EVERY = 10, /* requests */
    MEMORY_MB = 96,
    OTHERS_MB = 16, /* the program, requests, what malloc keeps */
    WAIT_MS = 20,
    WAIT_MAX_MS = 30000
};

/* Sends it until it is stored, as a sender does that is told to come again. Returns how often it was told so. */
static int send_until_stored(struct http_client *client, const struct server *varve, struct write_request *request)
{
    struct http_answer answer;

    for (int refused = 0;; refused++) {
        must(remote_write_send(client, varve->write_url, write_request_compress(request), &answer));
        if (answer.code / 100 == 2) return refused;
        cr_assert(answer.code == 503 && http_answer_header(&answer, STR("Retry-After")).len, "%d: %.*s", answer.code,
                  STR_ARG(answer.body));
        cr_assert(memmem(answer.body.data, answer.body.len, "--storage.memory", 16), "%.*s", STR_ARG(answer.body));
        cr_assert(refused < WAIT_MAX_MS / WAIT_MS, "it never goes on: %.*s", STR_ARG(answer.body));
        process_sleep_ms(WAIT_MS);
    }
}

static void make_bomb(struct write_request *request, int first, int64_t time_ms)
{
    write_request_reset(request);
    for (int i = first; i < first + REQUEST_SERIES; i++) {
        char user[24], path[24];
        snprintf(user, sizeof user, "user-%09d", i);
        snprintf(path, sizeof path, "/path/%d", i % 1000);
        label pairs[] = {{METRIC_NAME, STR("http_requests_total")},
                         {STR("instance"), STR("10.0.0.1:8080")},
                         {STR("job"), STR("shop")},
                         {STR("path"), str_from(path)},
                         {STR("user"), str_from(user)}};
        struct write_sample sample = {time_ms, i};
        write_request_add(request, pairs, sizeof pairs / sizeof pairs[0], &sample, 1);
    }
}

static void make_known(struct write_request *request, int64_t time_ms)
{
    write_request_reset(request);
    for (int i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        label pairs[] = {{METRIC_NAME, STR("up")}, {STR("i"), str_from(text)}};
        struct write_sample sample = {time_ms, 1};
        write_request_add(request, pairs, 2, &sample, 1);
    }
}

Test(series_bomb, memory_is_bounded, .timeout = 300)
{
    char memory[40];
    const char *const flags[] = {memory, NULL};
    struct arena arena = {0};
    struct http_client *client = http_client_new();
    struct server varve;
    struct write_request request = {0};
    struct process_usage usage;
    struct prom_result result;
    int64_t start_ms = clock_now_ms() - 600000, time_ms = start_ms;
    int known = 0;

    snprintf(memory, sizeof memory, "--storage.memory=%dMB", MEMORY_MB);
    must(server_varve(&arena, flags, &varve));
    must(server_start(&varve, client));
    for (int first = 0; first < SERIES; first += REQUEST_SERIES) {
        make_bomb(&request, first, time_ms += 1000);
        (void)send_until_stored(client, &varve, &request);
        if (first / REQUEST_SERIES % KNOWN_EVERY) continue;
        make_known(&request, time_ms);
        (void)send_until_stored(client, &varve, &request);
        known++;
    }
    must(process_usage(varve.process.pid, &usage));
    cr_expect(usage.rss_peak_bytes < (size_t)(MEMORY_MB + OTHERS_MB) << 20, "%zu bytes", usage.rss_peak_bytes);
    must(prom_query(client, varve.url, STR("sum(count_over_time(up{i=\"7\"}[1h]))"), time_ms, &arena, &result));
    cr_expect(result.series_count == 1 && result.series[0].points[0].value == known, "%f of %d",
              result.series_count ? result.series[0].points[0].value : 0, known);
    must(process_stop(&varve.process, SERVER_STOP_MS));
    must(server_check_folder(&varve, &arena));
    write_request_release(&request);
    http_client_free(client);
    arena_release(&arena);
}
