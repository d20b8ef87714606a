/* The servers of the end-to-end tests: Varve itself, and the programs that it works with.
 *
 *     struct server varve;
 *     must(server_varve(&arena, NULL, &varve));
 *     must(server_start(&varve, client));
 *
 * A server keeps its port and its folder over restarts; the arena's release stops it and removes the folder. Varve's
 * binary is taken from the environment variable VARVE_BINARY, else from the release build; Prometheus and the node
 * exporter from PATH.
 */
#ifndef VARVE_TESTS_SUPPORT_SERVER_H
#define VARVE_TESTS_SUPPORT_SERVER_H

#include "storage/base/arena.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"

enum { SERVER_ARGUMENTS_MAX = 24, SERVER_READY_MS = 30000, SERVER_STOP_MS = 30000 };

struct server {
    const char *name;
    const char *address; /* "127.0.0.1:PORT" */
    const char *url;     /* "http://127.0.0.1:PORT" */
    const char *ready_url, *write_url, *log_path;
    const char *configuration_path; /* of Prometheus and vmagent, else NULL */
    const char *data_path;          /* of Varve and of Prometheus as a server, else NULL */
    const char *arguments[SERVER_ARGUMENTS_MAX];
    struct process process;
};

/* Varve's program. */
status server_varve_binary(const char **out);

/* Makes a server that is not started yet. Additional flags end with NULL; NULL for none. */
status server_varve(struct arena *arena, const char *const *flags, struct server *out);

/* Runs `varve check` on the folder of a server of Varve's that is stopped; CORRUPT with where its findings are. */
status server_check_folder(const struct server *server, struct arena *arena);

/* Prometheus, accepting remote-write, and in agent mode. They scrape nothing until they are configured. */
status server_prometheus(struct arena *arena, struct server *out);
status server_prometheus_agent(struct arena *arena, struct server *out);

/* Gives Prometheus a configuration for its next start. */
status server_configure(const struct server *server, str yaml);

status server_node_exporter(struct arena *arena, struct server *out);

/* Programs of VictoriaMetrics: an agent that has to be configured, and one that evaluates rule files. */
status server_vmagent(struct arena *arena, const char *write_url, struct server *out);
status server_vmalert(struct arena *arena, const struct server *varve, const struct server *alertmanager,
                      const char *const *rules, struct server *out);

status server_alertmanager(struct arena *arena, struct server *out);

/* Starts it and waits until it is ready; the sentence of a failure names the server's last line of output. */
status server_start(struct server *server, struct http_client *client);

/* Starts it without waiting. */
status server_launch(struct server *server);
status server_wait(struct server *server, struct http_client *client);

/* What a test needs at once: an arena, a client, and Varve running beside the Prometheus it is compared with. */
struct server_pair {
    struct arena arena;
    struct http_client *client;
    struct server varve, prometheus;
};

status server_pair_start(struct server_pair *pair);

/* Fails when Varve does not end well. */
status server_pair_stop(struct server_pair *pair);

#endif
