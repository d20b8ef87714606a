/* What handlers work with. Made by the serve command, constant while the server runs; owns nothing. */
#ifndef VARVE_HTTP_SERVICES_H
#define VARVE_HTTP_SERVICES_H

#include "storage/base/memory.h"
#include "storage/base/status.h"
#include "storage/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct active_file;
struct config_holder;
struct db;
struct engine;
struct ingest;
struct workers;
struct regex;
struct settings;

struct services {
    struct db *db;
    struct engine *engine;
    struct ingest *ingest;
    struct workers *ingest_workers;  /* write requests */
    struct workers *service_workers; /* short administrative answers */
    struct workers *stream_workers;  /* long answers */
    struct account *bodies;          /* memory of all request bodies, with the limit */
    struct account *answers;         /* memory of all answers being sent, with the limit */
    const struct regex *cors_origin; /* origins that browsers may use us from; NULL: any */
    const struct settings *settings;
    str route_prefix; /* what stands before all paths; mostly empty */
    struct config_holder *config;
    struct active_file *active_file; /* NULL: running queries are not written down */
    int64_t started_ms;
    status (*reload)(void *context); /* what /-/reload does; may be called from many threads */
    void *reload_context;
    void (*quit)(void); /* what /-/quit does; NULL when it is switched off */
};

#endif
