/* The query log; see query_log.h. */
#include "http/query_log.h"

#include "http/json.h"
#include "http/metrics.h"
#include "http/query_stats.h"
#include "http/times.h"
#include "storage/base/clock.h"
#include "storage/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct query_log {
    int file;
    _Atomic bool is_broken; /* the last line was not written, and that has been told */
};

status query_log_open(str path, struct query_log **out)
{
    struct arena arena = {0};
    int file = open(arena_copy_str(&arena, path).data, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    int reason = errno;

    arena_release(&arena);
    if (file < 0) return status_make(STATUS_INVALID, "query_log_file %.*s: %s", STR_ARG(path), strerror(reason));
    *out = memory_zalloc(sizeof **out);
    (*out)->file = file;
    return ok();
}

void query_log_close(struct query_log *log)
{
    if (!log) return;
    close(log->file);
    free(log);
}

static void put_text(struct writer *w, const char *key, str text)
{
    json_put_string(w, str_from(key));
    writer_u8(w, ':');
    json_put_string(w, text);
}

static str method_text(enum method method)
{
    switch (method) {
#define X(name, bit) \
    case METHOD_##name: return STR(#name);
        METHODS(X)
#undef X
    case METHOD_OTHER: break;
    }
    return STR("");
}

static void put_line(struct writer *w, const struct request *request, const struct query_request *asked,
                     const struct query *query, struct arena *arena)
{
    writer_u8(w, '{');
    put_text(w, "ts", times_print(clock_now_ms(), arena));
    json_put_raw(w, ",\"level\":\"INFO\",\"msg\":\"promql query logged\",\"params\":{");
    put_text(w, "query", asked->text);
    writer_u8(w, ',');
    put_text(w, "start", times_print(asked->start_ms, arena));
    writer_u8(w, ',');
    put_text(w, "end", times_print(asked->is_range ? asked->end_ms : asked->start_ms, arena));
    json_put_raw(w, ",\"step\":");
    json_put_signed(w, asked->is_range ? asked->step_ms / 1000 : 0);
    json_put_raw(w, "},");
    if (query_error_kind(query) != QUERY_OK) {
        put_text(w, "error", query_error(query));
        writer_u8(w, ',');
    }
    query_stats_put(w, query);
    json_put_raw(w, ",\"httpRequest\":{");
    put_text(w, "clientIP", request->client);
    writer_u8(w, ',');
    put_text(w, "method", method_text(request->method));
    writer_u8(w, ',');
    put_text(w, "path", request->path);
    json_put_raw(w, "}}\n");
}

void query_log_write(struct query_log *log, const struct request *request, const struct query_request *asked,
                     const struct query *query)
{
    struct arena arena = {0};
    struct writer w = {0};

    put_line(&w, request, asked, query, &arena);
    ssize_t written = write(log->file, w.data, w.count);
    if (written == (ssize_t)w.count) {
        log->is_broken = false;
    } else {
        metric_add(&metric_query_log_failures, 1);
        if (!atomic_exchange(&log->is_broken, true))
            log_error("query not logged", "error=%s",
                      LOG_QUOTED(str_from(written < 0 ? strerror(errno) : "no room for the line")));
    }
    writer_release(&w);
    arena_release(&arena);
}
