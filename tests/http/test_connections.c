#include "http/connections.h"
#include "storage/base/clock.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Atomic int hang_ups;

static void count_hang_up(void *request)
{
    hang_ups += *(const int *)request;
}

/* Two ends of a connection over the loopback. */
struct pair {
    int client, server;
};

static struct pair connect_pair(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct pair pair = {.client = socket(AF_INET, SOCK_STREAM, 0)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(bind(listener, (struct sockaddr *)&address, bytes) == 0 && listen(listener, 1) == 0);
    cr_assert(getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
    cr_assert(connect(pair.client, (struct sockaddr *)&address, bytes) == 0);
    pair.server = accept(listener, NULL, NULL);
    cr_assert(pair.server >= 0);
    close(listener);
    return pair;
}

static struct connections *open_watched(int64_t deadline_ms)
{
    struct connections_options options = {.head_ms = deadline_ms,
                                          .body_ms = deadline_ms,
                                          .body_bytes_per_second = 1000,
                                          .answer_ms = deadline_ms,
                                          .tick_ms = 10,
                                          .hang_up = count_hang_up};
    struct connections *connections = NULL;

    cr_assert(!failed(connections_open(&options, &connections)));
    return connections;
}

static bool ends_within(int socket, int ms)
{
    struct pollfd poll_fd = {.fd = socket, .events = POLLIN};
    char byte;

    return poll(&poll_fd, 1, ms) == 1 && recv(socket, &byte, 1, 0) == 0;
}

Test(connections, late_phases_end)
{
    static const struct {
        enum connection_phase phase;
        const char *sent;
        bool ends;
    } rows[] = {
        {CONNECTION_IDLE, "", false}, {CONNECTION_IDLE, "G", true}, {CONNECTION_HEAD, "GET /", true},
        {CONNECTION_BODY, "", true},  {CONNECTION_WORK, "", false}, {CONNECTION_ANSWER, "", true},
    };
    struct connections *connections = open_watched(100);
    int one = 1;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair = connect_pair();
        struct connection *connection = connections_add(connections, pair.server);
        cr_assert(send(pair.client, rows[i].sent, strlen(rows[i].sent), 0) == (ssize_t)strlen(rows[i].sent));
        if (rows[i].phase != CONNECTION_IDLE) connection_enter(connection, rows[i].phase, &one);
        cr_expect(ends_within(pair.client, rows[i].ends ? 10000 : 500) == rows[i].ends, "row %zu", i);
        connections_remove(connection);
        close(pair.client);
        close(pair.server);
    }
    cr_expect(hang_ups == 0);
    connections_close(connections);
}

Test(connections, a_fast_body_goes_on)
{
    struct connections *connections = open_watched(50);
    struct pair pair = connect_pair();
    struct connection *connection = connections_add(connections, pair.server);
    int one = 1;

    connection_enter(connection, CONNECTION_BODY, &one);
    connection_received(connection, 1000000);
    cr_expect(!ends_within(pair.client, 500));
    connections_remove(connection);
    connections_close(connections);
    close(pair.client);
    close(pair.server);
}

Test(connections, hang_ups_are_told_while_watched)
{
    struct connections *connections = open_watched(10000);
    int one = 1;

    for (int watched = 0; watched < 2; watched++) {
        struct pair pair = connect_pair();
        struct connection *connection = connections_add(connections, pair.server);
        connection_enter(connection, CONNECTION_WORK, &one);
        if (watched) connection_watch(connection);
        close(pair.client);
        for (int i = 0; i < (watched ? 1000 : 10) && hang_ups == 0; i++) usleep(10000);
        cr_expect(hang_ups == watched);
        connection_enter(connection, CONNECTION_ANSWER, &one);
        connections_remove(connection);
        close(pair.server);
    }
    connections_close(connections);
}

Test(connections, all_are_ended)
{
    struct connections *connections = open_watched(10000);
    struct pair idle = connect_pair(), working = connect_pair();
    struct connection *one = connections_add(connections, idle.server);
    struct connection *other = connections_add(connections, working.server);
    int weight = 1;

    connection_enter(other, CONNECTION_WORK, &weight);
    cr_expect(connections_count(connections) == 2 && connections_idle(connections) == 1);
    connections_end_all(connections);
    cr_expect(ends_within(idle.client, 1000) && ends_within(working.client, 1000));
    cr_expect(hang_ups == 1);
    connections_remove(one);
    connections_remove(other);
    cr_expect(connections_count(connections) == 0 && connections_idle(connections) == 0);
    connections_close(connections);
    connections_close(NULL);
    close(idle.client);
    close(idle.server);
    close(working.client);
    close(working.server);
}
