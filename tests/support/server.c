/* The servers of the end-to-end tests; see server.h. */
#include "tests/support/server.h"

#include "storage/base/clock.h"
#include "tests/support/folder.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

static void add_argument(struct server *server, const char *argument)
{
    size_t count = 0;

    while (server->arguments[count]) count++;
    assert(count + 1 < SERVER_ARGUMENTS_MAX);
    server->arguments[count] = argument;
}

static void stop(void *server)
{
    process_kill(&((struct server *)server)->process);
}

/* A server with a port and a folder of its own. */
static status make(struct arena *arena, const char *name, const char *ready_path, struct server *out,
                   const char **folder)
{
    uint16_t port;

    TRY(process_free_port(&port));
    TRY(folder_make_temporary(arena, folder));
    *out = (struct server){.name = name};
    out->address = arena_format(arena, "127.0.0.1:%u", port).data;
    out->url = arena_format(arena, "http://%s", out->address).data;
    out->ready_url = arena_format(arena, "%s%s", out->url, ready_path).data;
    out->write_url = arena_format(arena, "%s/api/v1/write", out->url).data;
    out->log_path = arena_format(arena, "%s/log", *folder).data;
    arena_defer(arena, stop, out); /* runs before the folder goes */
    return ok();
}

status server_varve_binary(const char **out)
{
    *out = getenv("VARVE_BINARY");
    if (!*out || !**out) *out = VARVE_BINARY_DEFAULT;
    if (access(*out, X_OK) == 0) return ok();
    return status_make(STATUS_NOT_FOUND, "no program %s: build the preset release or set VARVE_BINARY", *out);
}

status server_varve(struct arena *arena, const char *const *flags, struct server *out)
{
    const char *folder, *binary;

    TRY(server_varve_binary(&binary));
    TRY(make(arena, "varve", "/-/ready", out, &folder));
    add_argument(out, binary);
    add_argument(out, "serve");
    add_argument(out, arena_format(arena, "--web.listen-address=%s", out->address).data);
    out->data_path = arena_format(arena, "%s/data", folder).data;
    add_argument(out, arena_format(arena, "--storage.tsdb.path=%s", out->data_path).data);
    for (; flags && *flags; flags++) add_argument(out, *flags);
    return ok();
}

status server_check_folder(const struct server *server, struct arena *arena)
{
    const char *binary, *output = arena_format(arena, "%s.check", server->log_path).data;
    int code;

    TRY(server_varve_binary(&binary));
    TRY(process_run((const char *const[]){binary, "check", server->data_path, NULL}, output, &code));
    return code == 0 ? ok() : status_make(STATUS_CORRUPT, "varve check %s ends with %d", server->data_path, code);
}

status server_configure(const struct server *server, str yaml)
{
    return folder_write_file(server->configuration_path, yaml);
}

static status make_prometheus(struct arena *arena, const char *name, struct server *out, const char **folder)
{
    TRY(make(arena, name, "/-/ready", out, folder));
    out->configuration_path = arena_format(arena, "%s/prometheus.yml", *folder).data;
    TRY(server_configure(out, STR("global: {scrape_interval: 1h}\n")));
    add_argument(out, "prometheus");
    add_argument(out, "--log.level=warn");
    add_argument(out, arena_format(arena, "--config.file=%s", out->configuration_path).data);
    add_argument(out, arena_format(arena, "--web.listen-address=%s", out->address).data);
    return ok();
}

status server_prometheus(struct arena *arena, struct server *out)
{
    const char *folder;

    TRY(make_prometheus(arena, "prometheus", out, &folder));
    out->data_path = arena_format(arena, "%s/data", folder).data;
    add_argument(out, "--web.enable-remote-write-receiver");
    add_argument(out, "--enable-feature=native-histograms,exemplar-storage");
    add_argument(out, arena_format(arena, "--storage.tsdb.path=%s", out->data_path).data);
    return ok();
}

status server_prometheus_agent(struct arena *arena, struct server *out)
{
    const char *folder;

    TRY(make_prometheus(arena, "prometheus agent", out, &folder));
    add_argument(out, "--enable-feature=agent");
    add_argument(out, arena_format(arena, "--storage.agent.path=%s/data", folder).data);
    return ok();
}

status server_node_exporter(struct arena *arena, struct server *out)
{
    const char *folder;

    TRY(make(arena, "node exporter", "/metrics", out, &folder));
    add_argument(out, "prometheus-node-exporter");
    add_argument(out, arena_format(arena, "--web.listen-address=%s", out->address).data);
    return ok();
}

status server_vmagent(struct arena *arena, const char *write_url, struct server *out)
{
    const char *folder;

    TRY(make(arena, "vmagent", "/metrics", out, &folder));
    out->configuration_path = arena_format(arena, "%s/scrape.yml", folder).data;
    add_argument(out, "vmagent");
    add_argument(out, arena_format(arena, "-httpListenAddr=%s", out->address).data);
    add_argument(out, arena_format(arena, "-promscrape.config=%s", out->configuration_path).data);
    add_argument(out, arena_format(arena, "-remoteWrite.url=%s", write_url).data);
    add_argument(out, arena_format(arena, "-remoteWrite.tmpDataPath=%s/queue", folder).data);
    add_argument(out, "-remoteWrite.flushInterval=1s");
    return ok();
}

status server_vmalert(struct arena *arena, const struct server *varve, const struct server *alertmanager,
                      const char *const *rules, struct server *out)
{
    const char *folder;

    TRY(make(arena, "vmalert", "/metrics", out, &folder));
    add_argument(out, "vmalert");
    add_argument(out, arena_format(arena, "-httpListenAddr=%s", out->address).data);
    add_argument(out, arena_format(arena, "-datasource.url=%s", varve->url).data);
    add_argument(out, arena_format(arena, "-remoteRead.url=%s", varve->url).data);
    add_argument(out, arena_format(arena, "-remoteWrite.url=%s", varve->url).data);
    add_argument(out, arena_format(arena, "-notifier.url=%s", alertmanager->url).data);
    add_argument(out, "-evaluationInterval=1s");
    add_argument(out, "-remoteWrite.flushInterval=1s");
    for (; *rules; rules++) add_argument(out, arena_format(arena, "-rule=%s", *rules).data);
    return ok();
}

status server_alertmanager(struct arena *arena, struct server *out)
{
    const char *folder;

    TRY(make(arena, "alertmanager", "/-/ready", out, &folder));
    str path = arena_format(arena, "%s/alertmanager.yml", folder);
    TRY(folder_write_file(path.data, STR("route: {receiver: none}\nreceivers: [{name: none}]\n")));
    add_argument(out, "prometheus-alertmanager");
    add_argument(out, arena_format(arena, "--web.listen-address=%s", out->address).data);
    add_argument(out, arena_format(arena, "--config.file=%s", path.data).data);
    add_argument(out, arena_format(arena, "--storage.path=%s/data", folder).data);
    add_argument(out, "--cluster.listen-address=");
    return ok();
}

status server_launch(struct server *server)
{
    return process_start(&server->process, server->arguments, server->log_path);
}

/* The sentence of `s`, with the last line that the server wrote. */
static status with_last_words(const struct server *server, status s)
{
    struct arena arena;
    str text = STR(""), line = STR("");

    arena_init(&arena, NULL);
    if (!failed(folder_read_file(server->log_path, &arena, &text))) {
        for (text = str_trim(text); text.len;) line = str_cut(&text, '\n');
    }
    s = status_make(s.code, "%s: %s; its last line: %.*s", server->name, s.text, STR_ARG(line));
    arena_release(&arena);
    return s;
}

status server_wait(struct server *server, struct http_client *client)
{
    int64_t deadline_ns = clock_monotonic_ns() + SERVER_READY_MS * 1000000LL;

    for (;;) {
        int64_t soon_ns = clock_monotonic_ns() + 100 * 1000000LL;
        status s = http_wait_ready(client, server->ready_url, soon_ns < deadline_ns ? soon_ns : deadline_ns);
        if (!failed(s)) return ok();
        if (!process_is_running(&server->process))
            return with_last_words(server, status_make(STATUS_UNAVAILABLE, "it has ended"));
        if (soon_ns >= deadline_ns) return with_last_words(server, s);
    }
}

status server_start(struct server *server, struct http_client *client)
{
    TRY(server_launch(server));
    return server_wait(server, client);
}

status server_pair_start(struct server_pair *pair)
{
    arena_init(&pair->arena, NULL);
    pair->client = http_client_new();
    TRY(server_varve(&pair->arena, NULL, &pair->varve));
    TRY(server_prometheus(&pair->arena, &pair->prometheus));
    TRY(server_launch(&pair->varve));
    TRY(server_launch(&pair->prometheus));
    TRY(server_wait(&pair->varve, pair->client));
    return server_wait(&pair->prometheus, pair->client);
}

status server_pair_stop(struct server_pair *pair)
{
    status s = process_stop(&pair->varve.process, SERVER_STOP_MS);

    arena_release(&pair->arena);
    http_client_free(pair->client);
    return s;
}
