/* Ten thousand idle connections and a thousand slow ones, which send or read slowly, leave ingest and queries working,
 * and take little memory. */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SLOW_HEADS = 650,
    SLOW_BODIES = 300,
    SLOW_READERS = 50,
    IDLE = 10000,
    ALL = SLOW_HEADS + SLOW_BODIES + SLOW_READERS + IDLE,
    ROUNDS = 20,
    SERIES = 50,
    POINTS = 4000,
    STEP_MS = 15000,
    MORE_BYTES_MAX = 64 << 20
};

static int connect_to(const struct server *server)
{
    str rest = str_from(server->address);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int receive_bytes = 4096; /* so that the system does not read for who reads slowly */
    uint64_t port = 0;

    str_cut(&rest, ':');
    str_to_uint64(rest, &port);
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    cr_assert(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

static void send_text(int fd, str text)
{
    send(fd, text.data, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Room for all of them here; the server makes room itself. False if the system does not allow so many. */
static bool allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    if (limit.rlim_max < ALL + 500) limit.rlim_max = ALL + 500;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

struct crowd {
    struct arena arena;
    struct http_client *client;
    struct server varve;
    int64_t end_ms;
    int *sockets; /* slow heads, slow bodies, slow readers, idle ones */
};

static void load(struct crowd *crowd)
{
    static struct write_sample points[POINTS];
    struct write_request request = {0};
    struct http_answer answer;

    crowd->end_ms = clock_now_ms();
    for (int i = 0; i < POINTS; i++)
        points[i] = (struct write_sample){crowd->end_ms - (POINTS - 1 - i) * (int64_t)STEP_MS, i * 1.1};
    for (int i = 0; i < SERIES; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        const label pairs[] = {{METRIC_NAME, STR("long")}, {STR("i"), str_from(number)}};
        write_request_add(&request, pairs, 2, points, POINTS);
    }
    must(remote_write_send(crowd->client, crowd->varve.write_url, write_request_compress(&request), &answer));
    cr_assert(answer.code == 204, "%d %.*s", answer.code, STR_ARG(answer.body));
    write_request_release(&request);
}

/* One goes on writing and asking. */
static void write_and_ask(struct crowd *crowd, int round)
{
    struct write_request request = {0};
    const label pairs[] = {{METRIC_NAME, STR("up")}};
    struct write_sample sample = {0, round};
    struct http_answer answer;

    process_sleep_ms(2); /* so that each sample has its own time */
    sample.time_ms = clock_now_ms();
    write_request_add(&request, pairs, 1, &sample, 1);
    must(remote_write_send(crowd->client, crowd->varve.write_url, write_request_compress(&request), &answer));
    cr_expect(answer.code == 204, "write: %d", answer.code);
    write_request_release(&request);
    str url = arena_format(&crowd->arena, "%s/api/v1/query?query=up", crowd->varve.url);
    must(http_get(crowd->client, url.data, &answer));
    str value = arena_format(&crowd->arena, ",\"%d\"]", round);
    cr_expect(answer.code == 200 && memmem(answer.body.data, answer.body.len, value.data, value.len), "query: %d %.*s",
              answer.code, STR_ARG(answer.body));
}

/* Half of the readers want an export of megabytes, which is sent while it is made, the others an answer of one. */
static void begin(struct crowd *crowd)
{
    struct arena *arena = &crowd->arena;
    const str heads[] = {
        STR("G"),
        STR("POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Encoding: snappy\r\nContent-Length: 100000\r\n\r\n"),
        STR("GET /api/v1/export?match[]=long HTTP/1.1\r\nHost: x\r\n\r\n"),
        arena_format(arena,
                     "GET /api/v1/query_range?query=long{i=~\"1.\"}&start=%lld&end=%lld&step=15 HTTP/1.1\r\n"
                     "Host: x\r\n\r\n",
                     (long long)((crowd->end_ms - (POINTS - 1) * (int64_t)STEP_MS) / 1000),
                     (long long)(crowd->end_ms / 1000))};

    for (int i = 0; i < ALL; i++) {
        bool is_reader = i >= SLOW_HEADS + SLOW_BODIES;
        crowd->sockets[i] = connect_to(&crowd->varve);
        if (i < ALL - IDLE) send_text(crowd->sockets[i], heads[is_reader ? 2 + i % 2 : i >= SLOW_HEADS]);
    }
}

/* All the slow ones move by a byte. */
static void move(struct crowd *crowd)
{
    char byte;

    for (int i = 0; i < SLOW_HEADS + SLOW_BODIES; i++) send_text(crowd->sockets[i], STR("E"));
    for (int i = SLOW_HEADS + SLOW_BODIES; i < ALL - IDLE; i++) recv(crowd->sockets[i], &byte, 1, MSG_DONTWAIT);
}

static size_t memory_of(struct crowd *crowd)
{
    struct process_usage usage;

    must(process_usage(crowd->varve.process.pid, &usage));
    return usage.rss_bytes;
}

/* How many of the readers have got the beginning of an answer of success. */
static int readers_answered(struct crowd *crowd)
{
    int count = 0;

    for (int i = SLOW_HEADS + SLOW_BODIES; i < ALL - IDLE; i++) {
        char text[16] = "";
        ssize_t got = recv(crowd->sockets[i], text, 12, MSG_PEEK | MSG_DONTWAIT);
        count += got == 12 && memcmp(text, "HTTP/1.1 200", 12) == 0;
    }
    return count;
}

Test(connections, idle_and_slow_ones, .timeout = 180)
{
    const char *const flags[] = {"--web.max-connections=12000", "--web.max-connections-per-address=0", NULL};
    struct crowd crowd = {.client = http_client_new(), .sockets = calloc(ALL, sizeof *crowd.sockets)};

    if (!allow_descriptors()) {
        printf("skipped: the system does not allow %d open files\n", ALL + 500);
        return;
    }
    must(server_varve(&crowd.arena, flags, &crowd.varve));
    must(server_start(&crowd.varve, crowd.client));
    load(&crowd);
    for (int round = 0; round < ROUNDS; round++) write_and_ask(&crowd, round);
    size_t before = memory_of(&crowd), most = before;
    begin(&crowd);
    for (int round = 0; round < ROUNDS; round++) {
        if (round) move(&crowd);
        write_and_ask(&crowd, round);
        if (memory_of(&crowd) > most) most = memory_of(&crowd);
        if (round == 0) process_sleep_ms(1000);
        if (round == 0) cr_expect(readers_answered(&crowd) >= SLOW_READERS / 2, "%d", readers_answered(&crowd));
        process_sleep_ms(100);
    }
    cr_expect(most < before + MORE_BYTES_MAX, "%zu KiB more", (most - before) >> 10);
    for (int i = 0; i < ALL; i++) close(crowd.sockets[i]);
    free(crowd.sockets);
    must(process_stop(&crowd.varve.process, SERVER_STOP_MS));
    arena_release(&crowd.arena);
    http_client_free(crowd.client);
}
