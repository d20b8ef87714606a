/* One kept-alive HTTP/1.1 connection, blocking: as little of the protocol as the peers need, at as little cost as can
 * be, since the load generator shares the machine with the server that it measures. A connection belongs to one thread.
 */
#ifndef VARVE_BENCH_HTTP_CONNECTION_H
#define VARVE_BENCH_HTTP_CONNECTION_H

#include "storage/base/bytes.h"
#include "storage/base/status.h"

/* Where a URL of the form http://HOST[:PORT][/PATH] points; the texts are those of the URL. */
struct http_target {
    str host, port, path; /* port "80" and path "/" by default */
};

struct http_connection {
    struct http_target target;
    int socket; /* -1 while closed */
    struct writer in;
};

struct http_reply {
    int code;
    str body; /* valid until the next exchange */
};

/* INVALID for anything else than the form above. */
status http_target_parse(str url, struct http_target *out);

/* Makes a closed connection; the first exchange opens it. The target's texts must outlive it. */
void http_connection_init(struct http_connection *c, struct http_target target);
void http_connection_release(struct http_connection *c);

/* Sends a request (head with the empty line at its end, body) and waits for the reply, two minutes at most for each
 * piece of it. A server may close a kept-alive connection at any time; the request is then sent once more over a new
 * one, so it must be harmless to repeat. */
status http_connection_exchange(struct http_connection *c, str head, str body, struct http_reply *out);

#endif
