/* Ten thousand idle connections and a thousand slow ones leave ingest and queries working. */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE = 10000, SLOW = 1000, ROUNDS = 20, MEMORY_MAX = 200 << 20 };

static int connect_to(const struct server *server)
{
    str rest = str_from(server->address);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    uint64_t port = 0;

    str_cut(&rest, ':');
    str_to_uint64(rest, &port);
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* Room for all of them here; the server makes room itself. False if the system does not allow so many. */
static bool allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < IDLE + SLOW + 500) return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

Test(connections, idle_and_slow_ones, .timeout = 180)
{
    const char *const flags[] = {"--web.max-connections=12000", "--web.max-connections-per-address=0", NULL};
    struct arena arena = {0};
    struct http_client *client = http_client_new();
    struct server varve;
    struct http_answer answer;
    struct process_usage usage;
    int *sockets = calloc(IDLE + SLOW, sizeof *sockets);

    if (!allow_descriptors()) return;
    must(server_varve(&arena, flags, &varve));
    must(server_start(&varve, client));
    for (int i = 0; i < IDLE + SLOW; i++) sockets[i] = connect_to(&varve);
    for (int round = 0; round < ROUNDS; round++) {
        struct write_request request = {0};
        const label pairs[] = {{METRIC_NAME, STR("up")}};
        struct write_sample sample = {clock_now_ms(), round};
        for (int i = IDLE; i < IDLE + SLOW; i++) send(sockets[i], "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        write_request_add(&request, pairs, 1, &sample, 1);
        int64_t since_ns = clock_monotonic_ns();
        must(remote_write_send(client, varve.write_url, write_request_compress(&request), &answer));
        cr_expect(answer.code == 204, "write: %d", answer.code);
        must(http_get(client, arena_format(&arena, "%s/api/v1/query?query=up", varve.url).data, &answer));
        cr_expect(answer.code == 200 && memmem(answer.body.data, answer.body.len, "\"value\"", 7), "query: %d",
                  answer.code);
        cr_expect(clock_monotonic_ns() - since_ns < 10 * 1000000000LL, "somebody was kept waiting");
        write_request_release(&request);
        process_sleep_ms(100);
    }
    must(process_usage(varve.process.pid, &usage));
    cr_expect(usage.rss_bytes < MEMORY_MAX, "%zu MiB", usage.rss_bytes >> 20);
    for (int i = 0; i < IDLE + SLOW; i++) close(sockets[i]);
    free(sockets);
    must(process_stop(&varve.process, SERVER_STOP_MS));
    arena_release(&arena);
    http_client_free(client);
}
