/* What tests of the http layer stand on: services over a database in memory and an engine, requests without a server,
 * and a server with raw sockets. */
#ifndef VARVE_TESTS_HTTP_HARNESS_H
#define VARVE_TESTS_HTTP_HARNESS_H

#include "http/api_write.h"
#include "http/dispatch.h"
#include "http/options.h"
#include "http/server.h"
#include "http/workers.h"
#include "tests/query/fixture.h"
#include "tests/support/test.h"

struct site {
    struct fixture fixture; /* database and engine */
    struct account bodies, answers;
    struct settings settings;
    struct services services;
    struct arena arena; /* replies */
    pthread_mutex_t arena_mutex;
};

/* An empty database. */
void site_open(struct site *site);

/* Three series and the metadata of three metrics, see harness.c; all samples lie at 1 s. */
void site_load_few(struct site *site);

/* `many{i="0"}` up to `many{i="399"}`, each 0 at second 0. */
enum { SITE_MANY = 400 };
void site_load_many(struct site *site);

/* Another engine. */
void site_engine(struct site *site, const struct engine_options *options);

/* Writes go to the appender instead of the database; see appender.h. */
void site_stand_in(struct site *site);

void site_close(struct site *site);

struct reply {
    unsigned code;
    str head; /* `Name: value` lines, as the response holds them or as they came over the wire */
    str body;
};

/* Sends a request to its handler without a server. `headers` are `Name: value` lines, may be NULL. The target is given
 * to the server's own routes. */
struct reply site_call(struct site *site, const char *method, const char *target, const char *headers, str body);
struct reply site_get(struct site *site, const char *target);

/* A query that runs for minutes unless it is canceled. */
#define SLOW_QUERY "/api/v1/query_range?query=quantile_over_time(0.5,vector(1)[11h:1s])&start=0&end=11000&step=1"

/* The value of a header in a reply; empty if it is not there. */
str reply_header(const struct reply *reply, const char *name);

/* Whether the text holds the part. */
bool contains(str text, const char *part);

/* The text decompressed with gzip; in the arena. */
str gunzip(str text, struct arena *arena);

/* A remote-write body, compressed: `series` series of one sample each; in the arena. */
str write_body(size_t series, struct arena *arena);

/* A server on a free port of the loopback. */
struct server *site_serve(struct site *site, struct server_options options);

/* A raw connection to it, and the reply to what was sent: reads one answer with Content-Length or until the end. A code
 * of 0 says that the connection ended without one. */
int wire_connect(const struct server *server);
void wire_send(int socket, const char *data, size_t bytes);
void wire_text(int socket, const char *text);
struct reply wire_reply(int socket, struct arena *arena);

/* Whether the other side ends the connection within ten seconds. */
bool wire_ends(int socket);

#endif
