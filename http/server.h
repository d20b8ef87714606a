/* The HTTP server.
 *
 * Two threads speak HTTP and never wait: they collect bodies, run the handlers that answer at once, and send answers. A
 * request that needs work is suspended and handed to a queue; whoever finishes it resumes the connection, exactly once,
 * and the server's thread sends what was rendered. This file and its .c are the only ones that know libmicrohttpd.
 *
 * Refusals that are known from the head, and those that come up while a body arrives, are answered when the body has
 * passed by unread, so that the connection can be used again; a body far beyond its limit ends it.
 */
#ifndef VARVE_HTTP_SERVER_H
#define VARVE_HTTP_SERVER_H

#include "http/connections.h"
#include "http/routes.h"
#include "http/services.h"
#include "http/web_config.h"

struct server;

struct server_options {
    str listen_address;
    const struct route *routes;
    size_t route_count;
    const struct services *services; /* outlive the server; `bodies` and `answers` must be there */
    const struct web_config *web;    /* TLS, users, headers; copied; NULL: none of them */
    uint32_t connections_max;
    uint32_t address_connections_max; /* of one client address; 0: any number */
    uint32_t idle_seconds;            /* a connection without any traffic is closed after that */
    uint64_t form_bytes_max;          /* of one body */
    uint64_t large_bytes_max;         /* of one body of a ROUTE_LARGE route */
    struct connections_options deadlines;
};

/* Defaults for everything but address, routes and services. */
struct server_options server_options_default(void);

status server_open(const struct server_options *options, struct server **out);

/* Changes TLS, users and headers. Connections that are open keep the TLS they have; for others a second daemon takes
 * over the socket. On failure all stays as it was. One thread at a time. */
status server_set_web_config(struct server *server, const struct web_config *web);

/* Where it listens, as text and as a number. */
const char *server_address(const struct server *server);
uint16_t server_port(const struct server *server);
bool server_is_loopback(const struct server *server);

/* Accepts nothing any more, lets running requests finish for up to grace_ms, cancels the rest, returns when all
 * connections are closed, and frees. */
void server_close(struct server *server, int64_t grace_ms);

#endif
