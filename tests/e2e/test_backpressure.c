/* Ingest keeps its share while queries are heavy, and queries keep theirs while all write; what is too much is refused
 * at once. That one does not wait for the other shows in their order: all of the one is done while the other goes on.
 */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SERIES = 200,
    POINTS = 4000,
    STEP_MS = 15000,
    HEAVY = 300, /* more than run and wait */
    WRITES = 100,
    WRITERS = 8,
    QUERIES = 50,
    PATIENCE_MS = 60000
};

struct scene {
    struct arena arena;
    struct http_client *client;
    struct server varve;
    int64_t end_ms;
};

/* `count` series of a metric, each with samples up to the given time. */
static int write_series(struct http_client *client, const struct server *varve, const char *metric, int count,
                        int point_count, int64_t end_ms)
{
    struct write_sample *points = calloc((size_t)point_count, sizeof *points);
    struct write_request request = {0};
    struct http_answer answer;

    for (int i = 0; i < point_count; i++)
        points[i] = (struct write_sample){end_ms - (point_count - 1 - i) * (int64_t)STEP_MS, i * 1.1};
    for (int i = 0; i < count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        const label pairs[] = {{METRIC_NAME, str_from(metric)}, {STR("i"), str_from(number)}};
        write_request_add(&request, pairs, 2, points, (size_t)point_count);
    }
    must(remote_write_send(client, varve->write_url, write_request_compress(&request), &answer));
    write_request_release(&request);
    free(points);
    cr_expect(answer.code == 204 || http_answer_header(&answer, STR("Retry-After")).len, "%d %.*s", answer.code,
              STR_ARG(answer.body));
    return answer.code;
}

static void open_scene(struct scene *scene)
{
    const char *const flags[] = {"--query.max-concurrency=2", "--web.max-connections-per-address=0", NULL};

    *scene = (struct scene){.client = http_client_new(), .end_ms = clock_now_ms()};
    must(server_varve(&scene->arena, flags, &scene->varve));
    must(server_start(&scene->varve, scene->client));
    cr_assert(write_series(scene->client, &scene->varve, "long", SERIES, POINTS, scene->end_ms) == 204);
}

static void close_scene(struct scene *scene)
{
    must(process_stop(&scene->varve.process, SERVER_STOP_MS));
    arena_release(&scene->arena);
    http_client_free(scene->client);
}

static int begin_heavy_query(struct scene *scene)
{
    str rest = str_from(scene->varve.address);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    uint64_t port = 0;

    str_cut(&rest, ':');
    str_to_uint64(rest, &port);
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    str text =
        arena_format(&scene->arena,
                     "GET /api/v1/query_range?query=sum(quantile_over_time(0.5,long[6h]))&start=%lld&end=%lld&step=6 "
                     "HTTP/1.1\r\nHost: x\r\n\r\n",
                     (long long)(scene->end_ms / 1000 - 60000), (long long)(scene->end_ms / 1000));
    cr_assert(send(fd, text.data, text.len, MSG_NOSIGNAL) == (ssize_t)text.len);
    return fd;
}

struct tally {
    int waiting, refused, others;
};

/* How the heavy queries stand now. */
static struct tally look(const int *sockets)
{
    struct tally tally = {0, 0, 0};

    for (int i = 0; i < HEAVY; i++) {
        char text[512];
        ssize_t got = recv(sockets[i], text, sizeof text, MSG_PEEK | MSG_DONTWAIT);
        if (got <= 0) {
            tally.waiting++;
        } else if (memmem(text, (size_t)got, "HTTP/1.1 503", 12) && memmem(text, (size_t)got, "Retry-After: ", 13)) {
            tally.refused++;
        } else {
            tally.others++;
        }
    }
    return tally;
}

Test(backpressure, ingest_keeps_its_share, .timeout = 120)
{
    struct scene scene;
    int sockets[HEAVY];

    open_scene(&scene);
    for (int i = 0; i < HEAVY; i++) sockets[i] = begin_heavy_query(&scene);
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    while (look(sockets).refused < 50 && clock_now_ms() < deadline_ms) process_sleep_ms(50);
    struct tally before = look(sockets);
    cr_expect(before.refused >= 50, "more than the queue holds: %d", before.refused);
    for (int i = 0; i < WRITES; i++)
        cr_expect(write_series(scene.client, &scene.varve, "beside", 10, 1, scene.end_ms + 1 + i) == 204);
    struct tally after = look(sockets);
    cr_expect(after.waiting > 100, "all writes are done while queries still wait: %d", after.waiting);
    for (int i = 0; i < HEAVY; i++) close(sockets[i]);
    close_scene(&scene);
}

struct flood {
    struct scene *scene;
    int number;
    _Atomic int stored;
    _Atomic bool *over;
};

static void *write_on(void *context)
{
    struct flood *flood = context;
    struct http_client *client = http_client_new();
    char metric[32];

    snprintf(metric, sizeof metric, "flood_%d", flood->number);
    for (int i = 0; !*flood->over; i++)
        flood->stored += write_series(client, &flood->scene->varve, metric, 2000, 1, flood->scene->end_ms + i) == 204;
    http_client_free(client);
    return NULL;
}

static int stored_by(struct flood *floods)
{
    int stored = 0;

    for (int i = 0; i < WRITERS; i++) stored += floods[i].stored;
    return stored;
}

Test(backpressure, queries_keep_their_share, .timeout = 120)
{
    struct scene scene;
    struct flood floods[WRITERS];
    pthread_t threads[WRITERS];
    struct http_answer answer;
    _Atomic bool over = false;

    open_scene(&scene);
    for (int i = 0; i < WRITERS; i++) {
        floods[i] = (struct flood){.scene = &scene, .number = i, .over = &over};
        cr_assert(pthread_create(&threads[i], NULL, write_on, &floods[i]) == 0);
    }
    while (stored_by(floods) < WRITERS) process_sleep_ms(10);
    int before = stored_by(floods);
    str url = arena_format(&scene.arena, "%s/api/v1/query?query=count(long)&time=%lld", scene.varve.url,
                           (long long)(scene.end_ms / 1000));
    for (int i = 0; i < QUERIES; i++) {
        must(http_get(scene.client, url.data, &answer));
        cr_expect(answer.code == 200 && memmem(answer.body.data, answer.body.len, ",\"200\"]", 7), "%d %.*s",
                  answer.code, STR_ARG(answer.body));
    }
    cr_expect(stored_by(floods) > before, "nothing was written meanwhile");
    over = true;
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    close_scene(&scene);
}
