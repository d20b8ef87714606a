/* The open connections; see connections.h. */
#include "http/connections.h"

#include "http/metrics.h"
#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "storage/base/memory.h"
#include "storage/base/vec.h"

#include <assert.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    /* constant */
    struct connections *owner;
    int socket;
    uint32_t generation; /* tells an event of this connection from one of an earlier owner of the number */
    /* guarded by the owner's mutex; changed only by the thread that has the request */
    enum connection_phase phase;
    int64_t since_ns;    /* of the phase, or of the first byte of a head that was noticed; 0: none */
    uint64_t bytes_read; /* when the last request was complete, as TCP counts them: more are the next one's head */
    int64_t entered_ns;  /* when the phase began */
    uint64_t bytes_then; /* of a stream, at since_ns */
    void *request;
    bool is_watched; /* somebody wants to know when the client leaves */
    bool has_left;   /* the client sends nothing more */
    bool is_ended;   /* by us */
    /* atomic */
    _Atomic uint64_t body_bytes; /* received; of a stream: sent */
};

struct connections {
    /* constant after open */
    struct connections_options options;
    int epoll, wake;
    pthread_t thread;
    /* guarded by mutex */
    pthread_mutex_t mutex;
    vec(struct connection *) by_socket; /* NULL where there is none */
    size_t count, idle;
    uint32_t generations;
    bool closing;
};

enum { EVENTS_AT_ONCE = 64, SOCKETS_AT_ONCE = 64, LEFT_MS = 1000 };

#define WAKE_TAG UINT64_MAX

struct connections_options connections_options_default(void)
{
    return (struct connections_options){
        .head_ms = 10 * 1000,
        .body_ms = 60 * 1000,
        .body_bytes_per_second = 64 << 10,
        .answer_ms = 5 * 60 * 1000,
        .stream_ms = 30 * 1000,
        .stream_bytes = 1 << 20,
        .tick_ms = 1000,
    };
}

static uint64_t tag_of(const struct connection *connection)
{
    return (uint64_t)connection->generation << 32 | (uint32_t)connection->socket;
}

/* Bytes that the client has sent on this connection; 0 if the kernel does not say. */
static uint64_t bytes_received(int socket)
{
    struct tcp_info info = {0};
    socklen_t bytes = sizeof info;

    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) return 0;
    return info.tcpi_bytes_received;
}

/* When a head began to arrive is known only roughly: a tick notices that the byte count has moved. */
static bool head_is_late_locked(struct connection *connection, int64_t now_ns)
{
    if (connection->since_ns == 0) {
        if (bytes_received(connection->socket) != connection->bytes_read) connection->since_ns = now_ns;
        return false;
    }
    return now_ns - connection->since_ns > connection->owner->options.head_ms * 1000000;
}

static bool body_is_late(struct connection *connection, int64_t now_ns)
{
    const struct connections_options *options = &connection->owner->options;
    int64_t spent_ms = (now_ns - connection->since_ns) / 1000000;
    uint64_t bytes = atomic_load_explicit(&connection->body_bytes, memory_order_relaxed);

    return spent_ms > options->body_ms && (int64_t)(bytes * 1000) / spent_ms < options->body_bytes_per_second;
}

/* Whether a client has not read what it should in a time. */
static bool stream_is_late_locked(struct connection *connection, int64_t now_ns)
{
    const struct connections_options *options = &connection->owner->options;
    uint64_t bytes = atomic_load_explicit(&connection->body_bytes, memory_order_relaxed);

    if ((int64_t)(bytes - connection->bytes_then) < options->stream_bytes)
        return now_ns - connection->since_ns > options->stream_ms * 1000000;
    connection->bytes_then = bytes;
    connection->since_ns = now_ns;
    return false;
}

/* The client has left, and nothing that it sent before leaving moves its connection on any more. */
static bool is_abandoned(const struct connection *connection, int64_t now_ns)
{
    return connection->has_left && now_ns - connection->entered_ns > LEFT_MS * 1000000LL;
}

/* Why the connection is to be ended; NULL if it is not. */
static const char *end_reason_locked(struct connection *connection, int64_t now_ns)
{
    switch (connection->phase) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
        if (is_abandoned(connection, now_ns)) return "left";
        return head_is_late_locked(connection, now_ns) ? "late head" : NULL;
    case CONNECTION_BODY:
        if (is_abandoned(connection, now_ns)) return "left";
        return body_is_late(connection, now_ns) ? "late body" : NULL;
    case CONNECTION_ANSWER: /* who sends nothing more may still read */
        return now_ns - connection->since_ns > connection->owner->options.answer_ms * 1000000 ? "late answer" : NULL;
    case CONNECTION_STREAM: return stream_is_late_locked(connection, now_ns) ? "late reader" : NULL;
    case CONNECTION_WORK: break; /* queries have their own deadline, and writes end with the log */
    }
    return NULL;
}

static void end_locked(struct connection *connection, const char *reason)
{
    if (!connection->has_left) metric_add(&metric_http_deadlines, 1);
    log_debug("connection ended", "reason=%s", LOG_QUOTED(str_from(reason)));
    connection->is_ended = true;
    shutdown(connection->socket, SHUT_RDWR);
}

/* Looks at a batch of sockets; false when there are no more. The lock is not held longer: requests wait for it. */
static bool end_batch(struct connections *connections, size_t first, int64_t now_ns)
{
    pthread_mutex_lock(&connections->mutex);
    size_t end = connections->by_socket.count;
    if (end > first + SOCKETS_AT_ONCE) end = first + SOCKETS_AT_ONCE;
    for (size_t i = first; i < end; i++) {
        struct connection *connection = connections->by_socket.data[i];
        const char *reason = connection && !connection->is_ended ? end_reason_locked(connection, now_ns) : NULL;
        if (reason) end_locked(connection, reason);
    }
    pthread_mutex_unlock(&connections->mutex);
    return end == first + SOCKETS_AT_ONCE;
}

static void end_some(struct connections *connections)
{
    int64_t now_ns = clock_monotonic_ns();
    size_t first = 0;

    while (end_batch(connections, first, now_ns)) first += SOCKETS_AT_ONCE;
}

static void hang_up_locked(struct connection *connection)
{
    metric_add(&metric_http_hang_ups, 1);
    connection->owner->options.hang_up(connection->request);
}

static void note_leaving(struct connections *connections, uint64_t tag)
{
    uint32_t socket = (uint32_t)tag;

    pthread_mutex_lock(&connections->mutex);
    struct connection *connection = socket < connections->by_socket.count ? connections->by_socket.data[socket] : NULL;
    if (connection && tag_of(connection) == tag) {
        if (connection->is_watched && !connection->has_left) hang_up_locked(connection);
        connection->has_left = true;
    }
    pthread_mutex_unlock(&connections->mutex);
}

static bool is_closing(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    bool closing = connections->closing;
    pthread_mutex_unlock(&connections->mutex);
    return closing;
}

static void *watch(void *context)
{
    struct connections *connections = context;
    struct epoll_event events[EVENTS_AT_ONCE];
    int64_t tick_ns = connections->options.tick_ms * 1000000, next_ns = clock_monotonic_ns() + tick_ns;

    while (!is_closing(connections)) {
        int64_t wait_ns = next_ns - clock_monotonic_ns();
        int wait_ms = wait_ns > 0 ? (int)(wait_ns / 1000000) + 1 : 0;
        int count = epoll_wait(connections->epoll, events, EVENTS_AT_ONCE, wait_ms);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 != WAKE_TAG) note_leaving(connections, events[i].data.u64);
        }
        if (clock_monotonic_ns() >= next_ns) {
            end_some(connections);
            next_ns = clock_monotonic_ns() + tick_ns;
        }
    }
    return NULL;
}

status connections_open(const struct connections_options *options, struct connections **out)
{
    struct connections *connections = memory_zalloc(sizeof *connections);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE_TAG};

    connections->options = *options;
    pthread_mutex_init(&connections->mutex, NULL);
    connections->epoll = epoll_create1(EPOLL_CLOEXEC);
    connections->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    status s = ok();
    if (connections->epoll < 0 || connections->wake < 0 ||
        epoll_ctl(connections->epoll, EPOLL_CTL_ADD, connections->wake, &event) != 0) {
        s = status_errno(errno, "watch connections");
    } else if (pthread_create(&connections->thread, NULL, watch, connections) != 0) {
        s = status_make(STATUS_UNAVAILABLE, "can not start the thread that watches connections");
    }
    if (failed(s)) {
        if (connections->epoll >= 0) close(connections->epoll);
        if (connections->wake >= 0) close(connections->wake);
        pthread_mutex_destroy(&connections->mutex);
        free(connections);
        return s;
    }
    pthread_setname_np(connections->thread, "http-watch");
    *out = connections;
    return ok();
}

void connections_close(struct connections *connections)
{
    uint64_t one = 1;

    if (!connections) return;
    assert(connections->count == 0);
    pthread_mutex_lock(&connections->mutex);
    connections->closing = true;
    pthread_mutex_unlock(&connections->mutex);
    if (write(connections->wake, &one, sizeof one) < 0) log_warn("wake failed", "thread=http-watch"); /* a tick later */
    pthread_join(connections->thread, NULL);
    close(connections->epoll);
    close(connections->wake);
    pthread_mutex_destroy(&connections->mutex);
    vec_release(&connections->by_socket);
    free(connections);
}

static void count_phase_locked(struct connection *connection, int by)
{
    if (connection->phase == CONNECTION_IDLE) connection->owner->idle += (size_t)by;
    if (connection->phase == CONNECTION_WORK) metric_add(&metric_http_suspended, by);
}

struct connection *connections_add(struct connections *connections, int socket)
{
    struct connection *connection = memory_zalloc(sizeof *connection);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET};

    assert(socket >= 0);
    connection->owner = connections;
    connection->socket = socket;
    connection->entered_ns = clock_monotonic_ns();
    pthread_mutex_lock(&connections->mutex);
    while (connections->by_socket.count <= (size_t)socket) vec_push(&connections->by_socket, NULL);
    assert(!connections->by_socket.data[socket]);
    connections->by_socket.data[socket] = connection;
    connection->generation = connections->generations++;
    connections->count++;
    count_phase_locked(connection, 1);
    event.data.u64 = tag_of(connection);
    if (epoll_ctl(connections->epoll, EPOLL_CTL_ADD, socket, &event) != 0)
        log_warn("connection is not watched", "errno=%d", errno); /* its deadlines are */
    pthread_mutex_unlock(&connections->mutex);
    metric_add(&metric_http_connections, 1);
    return connection;
}

void connections_remove(struct connection *connection)
{
    struct connections *connections = connection->owner;

    pthread_mutex_lock(&connections->mutex);
    epoll_ctl(connections->epoll, EPOLL_CTL_DEL, connection->socket, NULL);
    count_phase_locked(connection, -1);
    connections->by_socket.data[connection->socket] = NULL;
    connections->count--;
    pthread_mutex_unlock(&connections->mutex);
    metric_add(&metric_http_connections, -1);
    free(connection);
}

void connection_enter(struct connection *connection, enum connection_phase phase, void *request)
{
    struct connections *connections = connection->owner;
    int64_t now_ns = clock_monotonic_ns();
    enum connection_phase before = connection->phase; /* nobody else changes it */
    bool was_read = phase != CONNECTION_BODY && (before == CONNECTION_HEAD || before == CONNECTION_BODY);
    uint64_t bytes = was_read ? bytes_received(connection->socket) : 0;

    pthread_mutex_lock(&connections->mutex);
    count_phase_locked(connection, -1);
    connection->is_watched = false;
    /* A head that was noticed before keeps its first byte's time. */
    bool head_goes_on = phase == CONNECTION_HEAD && before == CONNECTION_IDLE && connection->since_ns;
    if (!head_goes_on) connection->since_ns = phase == CONNECTION_IDLE ? 0 : now_ns;
    if (was_read) connection->bytes_read = bytes;
    if (phase == CONNECTION_BODY) atomic_store_explicit(&connection->body_bytes, 0, memory_order_relaxed);
    if (phase == CONNECTION_STREAM) connection->bytes_then = atomic_load(&connection->body_bytes);
    connection->entered_ns = now_ns;
    connection->phase = phase;
    connection->request = request;
    count_phase_locked(connection, 1);
    pthread_mutex_unlock(&connections->mutex);
}

void *connection_request(struct connection *connection)
{
    return connection->request; /* only its own thread changes it */
}

void connection_sent(struct connection *connection, size_t bytes)
{
    connection_received(connection, bytes);
}

void connection_received(struct connection *connection, size_t bytes)
{
    atomic_fetch_add_explicit(&connection->body_bytes, bytes, memory_order_relaxed);
}

void connection_watch(struct connection *connection)
{
    struct connections *connections = connection->owner;

    pthread_mutex_lock(&connections->mutex);
    assert(connection->phase == CONNECTION_WORK);
    connection->is_watched = true;
    if (connection->has_left) hang_up_locked(connection);
    pthread_mutex_unlock(&connections->mutex);
}

size_t connections_count(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    size_t count = connections->count;
    pthread_mutex_unlock(&connections->mutex);
    return count;
}

size_t connections_idle(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    size_t idle = connections->idle;
    pthread_mutex_unlock(&connections->mutex);
    return idle;
}

void connections_end_all(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    vec_each (at, &connections->by_socket) {
        if (!*at) continue;
        shutdown((*at)->socket, SHUT_RDWR);
        if ((*at)->phase == CONNECTION_WORK) connections->options.hang_up((*at)->request);
    }
    pthread_mutex_unlock(&connections->mutex);
}
