/* varve serve: opens the database, the engine and the server, waits for a signal, closes them in reverse order. */
#include "http/active_file.h"
#include "http/api_write.h"
#include "http/config.h"
#include "http/main/commands.h"
#include "http/options.h"
#include "http/route_prefix.h"
#include "http/server.h"
#include "http/version.h"
#include "http/workers.h"
#include "storage/base/clock.h"
#include "tsdb/regex.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    INGEST_THREADS = 2,
    INGEST_QUEUE_MAX = 64,
    SERVICE_THREADS = 1,
    SERVICE_QUEUE_MAX = 64,
    STREAM_QUEUE_MAX = 64,
    MALLOC_ARENAS = 2,           /* more of them keep more memory, and gain nothing: hot paths do not allocate */
    MALLOC_MAP_BYTES = 16 << 20, /* what is as large goes back to the system at once; what requests need is smaller */
    FILES_FOR_DATA = 256,        /* descriptors that connections may not take */
    GRACE_MS = 10 * 1000,
    LOOK_SECONDS = 2 /* how often the web configuration is looked at */
};

struct serving {
    struct settings settings;
    struct config_holder *config;
    struct active_file *active_file;
    pthread_mutex_t reloading;
    uint64_t web_fingerprint; /* guarded by reloading */
    struct account bodies, answers;
    struct fs *fs;
    struct db *db;
    struct engine *engine;
    struct regex *cors_origin;
    struct arena arena; /* of what is made of the settings */
    struct ingest *ingest;
    struct workers *ingest_workers, *service_workers, *stream_workers;
    struct services services;
    struct server *server;
    bool is_guarded; /* whoever is not known is kept out */
};

static void quit(void)
{
    kill(getpid(), SIGTERM);
}

/* As many descriptors as the system allows, and no more connections than they leave room for. */
static void fit_descriptors(struct settings *settings)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    uint64_t room = limit.rlim_cur > 2 * FILES_FOR_DATA ? limit.rlim_cur - FILES_FOR_DATA : limit.rlim_cur / 2;
    if (settings->connections_max <= room) return;
    log_warn("fewer connections than asked for", "web.max-connections=%llu descriptors=%llu", (unsigned long long)room,
             (unsigned long long)limit.rlim_cur);
    settings->connections_max = room;
}

/* Follows the file of --web.config.file; does nothing when it is as it was. */
static status follow_web_config(struct serving *serving)
{
    struct arena arena = {0};
    struct web_config web;

    pthread_mutex_lock(&serving->reloading);
    status s = web_config_load(serving->settings.web_config_path, &arena, &web);
    if (!failed(s) && web.fingerprint != serving->web_fingerprint) {
        s = server_set_web_config(serving->server, &web);
        if (!failed(s)) {
            serving->web_fingerprint = web.fingerprint;
            log_info("web configuration loaded", "file=%s", LOG_QUOTED(serving->settings.web_config_path));
        }
    }
    pthread_mutex_unlock(&serving->reloading);
    arena_release(&arena);
    return s;
}

static status load_config(struct serving *serving)
{
    struct config *config;

    TRY(config_load(serving->settings.config_path, &config));
    for (size_t i = 0; i < config->warning_count; i++)
        log_warn("configuration", "file=%s warning=%s", LOG_QUOTED(serving->settings.config_path),
                 LOG_QUOTED(config->warnings[i]));
    status s = config_open_files(config);
    if (failed(s)) {
        config_unref(config);
        return s;
    }
    if (serving->config) {
        config_holder_set(serving->config, config);
    } else {
        serving->config = config_holder_new(config);
    }
    return ok();
}

static status reload(void *context)
{
    struct serving *serving = context;
    status s = load_config(serving);

    if (!failed(s)) s = follow_web_config(serving);
    config_holder_note(serving->config, !failed(s), clock_now_ms());
    if (failed(s)) {
        log_error("configuration not loaded", "error=%s", LOG_QUOTED(str_from(s.text)));
    } else {
        log_info("configuration loaded", "file=%s", LOG_QUOTED(serving->settings.config_path));
    }
    return s;
}

static status open_services(struct serving *serving)
{
    const struct settings *settings = &serving->settings;

    account_init(&serving->bodies, settings->body_bytes, NULL);
    account_init(&serving->answers, settings->answer_bytes, NULL);
    serving->ingest = ingest_new(db_append);
    TRY(workers_open("ingest", INGEST_THREADS, INGEST_QUEUE_MAX, &serving->ingest_workers));
    TRY(workers_open("service", SERVICE_THREADS, SERVICE_QUEUE_MAX, &serving->service_workers));
    TRY(workers_open("stream", (uint32_t)settings->streams_max, STREAM_QUEUE_MAX, &serving->stream_workers));
    if (!str_equal(settings->cors_origin, STR(".*"))) TRY(regex_compile(settings->cors_origin, &serving->cors_origin));
    str prefix;
    TRY(route_prefix_read(settings->external_url, settings->route_prefix, &serving->arena, &prefix));
    serving->services = (struct services){
        .route_prefix = prefix,
        .db = serving->db,
        .engine = serving->engine,
        .ingest = serving->ingest,
        .ingest_workers = serving->ingest_workers,
        .service_workers = serving->service_workers,
        .stream_workers = serving->stream_workers,
        .bodies = &serving->bodies,
        .answers = &serving->answers,
        .cors_origin = serving->cors_origin,
        .settings = settings,
        .config = serving->config,
        .active_file = serving->active_file,
        .started_ms = clock_now_ms(),
        .reload = reload,
        .reload_context = serving,
        .quit = settings->enable_lifecycle ? quit : NULL,
    };
    return ok();
}

static status open_server(struct serving *serving)
{
    const struct settings *settings = &serving->settings;
    struct server_options options = server_options_default();

    options.listen_address = settings->listen_address;
    options.routes = routes_all(&options.route_count);
    options.services = &serving->services;
    options.address_connections_max = (uint32_t)settings->address_connections_max;
    options.connections_max = (uint32_t)settings->connections_max;
    options.idle_seconds = (uint32_t)(settings->read_timeout_ms / 1000);
    struct arena arena = {0};
    struct web_config web;
    status s = web_config_load(settings->web_config_path, &arena, &web);
    options.web = &web;
    pthread_mutex_lock(&serving->reloading); /* requests may come before server_open returns */
    if (!failed(s)) s = server_open(&options, &serving->server);
    if (!failed(s)) serving->web_fingerprint = web.fingerprint;
    pthread_mutex_unlock(&serving->reloading);
    if (!failed(s)) serving->is_guarded = web_config_authenticates(&web);
    arena_release(&arena);
    return s;
}

static status open_all(struct serving *serving)
{
    struct settings *settings = &serving->settings;

    TRY(load_config(serving));
    config_holder_note(serving->config, true, clock_now_ms());
    TRY(fs_open_folder(settings->data_path.data, &serving->fs));
    struct db_options db = options_for_db(settings, serving->fs);
    TRY(db_open(&db, &serving->db));
    TRY(active_file_open(settings->data_path, (uint32_t)settings->query_concurrency, &serving->active_file));
    struct engine_options engine = options_for_engine(settings);
    TRY(engine_open(serving->db, &engine, &serving->engine));
    TRY(open_services(serving));
    return open_server(serving);
}

/* In the order in which nobody misses what is gone. */
static status close_all(struct serving *serving)
{
    status s = ok();

    if (serving->server) server_close(serving->server, GRACE_MS);
    workers_close(serving->ingest_workers);
    workers_close(serving->service_workers);
    workers_close(serving->stream_workers);
    ingest_free(serving->ingest);
    if (serving->cors_origin) regex_free(serving->cors_origin);
    arena_release(&serving->arena);
    config_holder_free(serving->config);
    if (serving->engine) engine_close(serving->engine);
    active_file_close(serving->active_file);
    if (serving->db) s = db_close(serving->db);
    fs_release(serving->fs);
    return s;
}

static void announce(const struct serving *serving)
{
    const struct settings *settings = &serving->settings;

    log_info("ready", "address=%s version=%s revision=%s data=%s", server_address(serving->server), version_text,
             version_revision, LOG_QUOTED(settings->data_path));
    if (!server_is_loopback(serving->server) && !serving->is_guarded)
        log_warn("anyone who reaches this address can read and write all data", "address=%s",
                 server_address(serving->server));
}

/* Waits for SIGTERM or SIGINT, and follows the configuration meanwhile. A second signal ends the process as it stands:
 * the log brings everything back. */
static void wait_for_end(struct serving *serving, const sigset_t *signals)
{
    const struct timespec look_after = {.tv_sec = LOOK_SECONDS};
    int received;

    while ((received = sigtimedwait(signals, NULL, &look_after)) != SIGTERM && received != SIGINT) {
        if (received == SIGHUP) reload(serving);
        if (received >= 0 || serving->settings.web_config_path.len == 0) continue;
        status s = follow_web_config(serving);
        if (failed(s)) log_error("web configuration not loaded", "error=%s", LOG_QUOTED(str_from(s.text)));
    }
    log_info("stopping", "signal=%s", received == SIGINT ? "SIGINT" : "SIGTERM");
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

int command_serve(int count, char *const *arguments)
{
    static struct serving serving = {.reloading = PTHREAD_MUTEX_INITIALIZER};
    sigset_t signals;
    size_t rest_count;
    str *rest = memory_alloc((size_t)count * sizeof *rest);
    status s = options_parse(COMMAND_SERVE, count, arguments, &serving.settings, rest, &rest_count);

    free(rest);
    if (failed(s)) return command_fail(s.text);
    if (rest_count) return command_fail("serve takes flags only; see varve help serve");
    mallopt(M_ARENA_MAX, MALLOC_ARENAS);
    mallopt(M_MMAP_THRESHOLD, MALLOC_MAP_BYTES);
    log_set_level(serving.settings.log_level);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads, which inherit it */
    fit_descriptors(&serving.settings);

    s = open_all(&serving);
    if (!failed(s)) {
        announce(&serving);
        memory_drop_code();
        wait_for_end(&serving, &signals);
    } else {
        log_error("can not start", "error=%s", LOG_QUOTED(str_from(s.text)));
    }
    status closed = close_all(&serving);
    if (failed(closed)) log_error("not closed cleanly", "error=%s", LOG_QUOTED(str_from(closed.text)));
    if (!failed(s) && !failed(closed))
        log_info("stopped", "uptime_seconds=%lld", (long long)(clock_now_ms() - serving.services.started_ms) / 1000);
    return failed(s) || failed(closed);
}
