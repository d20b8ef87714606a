/* Native histograms through the whole program: sent, queried, and there again after SIGKILL and after a clean stop. */
#include "http/write_histogram.h"
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <stdio.h>
#include <string.h>

enum { SAMPLES = 20, STEP_MS = 15000 };

/* One series, one histogram: `1 + i` in (0.5, 1], twice that in (1, 2]. */
static void put_histogram(struct write_request *request, int64_t time_ms, unsigned i, bool is_good)
{
    static const int32_t indexes[] = {0, 1};
    double counts[] = {1 + i, 2 + 2 * i};
    struct histogram h = {.is_integer = true,
                          .count = counts[0] + counts[1] + (is_good ? 0 : 1),
                          .sum = 4.5 * (1 + i),
                          .positive = {2, indexes, counts}};
    static const label pairs[] = {{STR("__name__"), STR("seconds")}, {STR("job"), STR("api")}};
    struct writer series = {0}, message = {0};

    labels_write(pairs, 2, &series);
    write_histogram_encode(&h, time_ms, &message);
    writer_u8(&series, 4 << 3 | 2);
    writer_str(&series, str_make((const char *)message.data, message.count));
    writer_u8(&request->message, 1 << 3 | 2);
    writer_str(&request->message, str_make((const char *)series.data, series.count));
    writer_release(&series);
    writer_release(&message);
}

static void expect_answer(struct server *varve, struct http_client *client, const char *query, int64_t time_ms,
                          const char *part)
{
    struct http_answer answer;
    char url[512];

    snprintf(url, sizeof url, "%s/api/v1/query?query=%s&time=%lld.%03lld", varve->url, query, (long long)time_ms / 1000,
             (long long)time_ms % 1000);
    must(http_get(client, url, &answer));
    cr_expect(answer.code == 200 && memmem(answer.body.data, answer.body.len, part, strlen(part)), "%s: %d %.*s", query,
              answer.code, STR_ARG(answer.body));
}

static void expect_answers(struct server *varve, struct http_client *client, int64_t end_ms)
{
    expect_answer(varve, client, "seconds", end_ms,
                  "{\"count\":\"60\",\"sum\":\"90\",\"buckets\":[[0,\"0.5\",\"1\",\"20\"],[0,\"1\",\"2\",\"40\"]]}");
    expect_answer(varve, client, "count_over_time(seconds[1h])", end_ms, "\"20\"]");
    expect_answer(varve, client, "histogram_quantile(1,seconds)", end_ms, "\"2\"]");
    expect_answer(varve, client, "histogram_count(increase(seconds[60s]))", end_ms, "\"12\"]");
}

Test(native_histograms, survive, .timeout = 120)
{
    struct http_client *client = http_client_new();
    struct write_request request = {0};
    struct http_answer answer;
    struct server varve;
    struct arena arena;
    int64_t end_ms = clock_now_ms() - 60000, start_ms = end_ms - (SAMPLES - 1) * STEP_MS;

    arena_init(&arena, NULL);
    must(server_varve(&arena, NULL, &varve));
    must(server_start(&varve, client));
    for (unsigned i = 0; i < SAMPLES; i++) {
        write_request_reset(&request);
        put_histogram(&request, start_ms + i * STEP_MS, i, true);
        must(remote_write_send(client, varve.write_url, write_request_compress(&request), &answer));
        cr_assert(answer.code / 100 == 2, "%d: %.*s", answer.code, STR_ARG(answer.body));
    }
    write_request_reset(&request);
    put_histogram(&request, end_ms + 1, SAMPLES, false);
    must(remote_write_send(client, varve.write_url, write_request_compress(&request), &answer));
    static const char refused[] =
        "1 invalid_histogram; first: 63 observations found in buckets, but the Count field is 64";
    cr_expect(answer.code == 400 && memmem(answer.body.data, answer.body.len, refused, sizeof refused - 1), "%.*s",
              STR_ARG(answer.body));

    expect_answers(&varve, client, end_ms);
    process_kill(&varve.process);
    must(server_start(&varve, client));
    expect_answers(&varve, client, end_ms);
    must(process_stop(&varve.process, SERVER_STOP_MS));
    must(server_start(&varve, client));
    expect_answers(&varve, client, end_ms);
    must(process_stop(&varve.process, SERVER_STOP_MS));
    must(server_check_folder(&varve, &arena));
    write_request_release(&request);
    http_client_free(client);
    arena_release(&arena);
}
