/* The open connections: what each is doing, since when, and whether its client is still there.
 *
 * libmicrohttpd knows of inactivity only, and sees nothing of a connection that is suspended. So one thread of ours
 * looks after them all: it ends those that are too slow at sending a head or a body or at reading an answer, and tells
 * when the client of a suspended request hangs up. It ends a connection by shutdown(2), which the owner of the socket
 * then notices; the socket is closed only after connections_remove, so a number is never mistaken for its successor's.
 *
 * Thread-safe. A connection's own functions are called by the thread that has its request.
 */
#ifndef VARVE_HTTP_CONNECTIONS_H
#define VARVE_HTTP_CONNECTIONS_H

#include "storage/base/status.h"

#include <stddef.h>
#include <stdint.h>

struct connections;
struct connection;

enum connection_phase {
    CONNECTION_IDLE, /* between requests; a head that has begun to arrive counts as idle until it is noticed */
    CONNECTION_HEAD, /* the request line is there */
    CONNECTION_BODY,
    CONNECTION_WORK, /* suspended */
    CONNECTION_ANSWER,
    CONNECTION_STREAM /* an answer without a known end */
};

struct connections_options {
    int64_t head_ms; /* for the head, from its first byte */
    int64_t body_ms; /* for the body; longer only at this rate on average: */
    int64_t body_bytes_per_second;
    int64_t answer_ms; /* for the client to read the answer */
    int64_t stream_ms; /* for each so many bytes of a stream: */
    int64_t stream_bytes;
    int64_t tick_ms;                /* how often the thread looks */
    void (*hang_up)(void *request); /* called under the lock: must be short and not come back here */
};

struct connections_options connections_options_default(void);

status connections_open(const struct connections_options *options, struct connections **out);

/* All connections have been removed. NULL is fine. */
void connections_close(struct connections *connections);

struct connection *connections_add(struct connections *connections, int socket);
void connections_remove(struct connection *connection);

/* The connection begins something, for this request (NULL when idle). */
void connection_enter(struct connection *connection, enum connection_phase phase, void *request);

/* For which request the connection is doing something; NULL if it is idle. */
void *connection_request(struct connection *connection);

/* Bytes of a stream have been handed over. */
void connection_sent(struct connection *connection, size_t bytes);

/* Bytes of a body have arrived. */
void connection_received(struct connection *connection, size_t bytes);

/* Calls hang_up when the client of this suspended request goes away, until the next connection_enter. */
void connection_watch(struct connection *connection);

size_t connections_count(struct connections *connections);
size_t connections_idle(struct connections *connections);

/* Ends all connections and hangs up all requests that are suspended. */
void connections_end_all(struct connections *connections);

#endif
