/* Routes outside the API; see pages.h. */
#include "http/pages.h"

#include "http/api_status.h"
#include "http/exposition.h"
#include "http/metrics.h"
#include "http/options.h"
#include "http/process.h"
#include "http/services.h"
#include "http/version.h"
#include "query/metrics.h"
#include "storage/metrics.h"
#include "tsdb/metrics.h"

#define PLAIN_TEXT "text/plain; charset=utf-8"

/* The lists of all layers, in the order of the page: a row for each layer that counts. */
static const struct metric_list *const lists[] = {
    &http_metrics,  &http_request_metrics, &http_duration_metrics, &http_rejection_metrics,
    &query_metrics, &tsdb_metrics,         &storage_metrics,
};

const struct metric_list *const *pages_metric_lists(size_t *count)
{
    *count = sizeof lists / sizeof lists[0];
    return lists;
}

status page_healthy(struct request *request, struct response *response)
{
    (void)request;
    response_text(response, 200, PLAIN_TEXT, STR("Varve is Healthy.\n"));
    return ok();
}

/* The server listens only when everything is open, and refuses every request from the moment it stops. */
status page_ready(struct request *request, struct response *response)
{
    (void)request;
    response_text(response, 200, PLAIN_TEXT, STR("Varve is Ready.\n"));
    return ok();
}

status page_reload(struct request *request, struct response *response)
{
    const struct services *services = request->services;

    if (!services->settings->enable_lifecycle) {
        response_fail(response, FAIL_FORBIDDEN, STR("Lifecycle API is not enabled."));
        return ok();
    }
    status s = services->reload(services->reload_context);
    if (failed(s)) {
        response_fail(response, FAIL_INTERNAL, arena_format(&request->arena, "failed to reload config: %s", s.text));
    } else {
        response_text(response, 200, PLAIN_TEXT, STR(""));
    }
    return ok();
}

status page_quit(struct request *request, struct response *response)
{
    const struct services *services = request->services;

    if (!services->quit) {
        response_fail(response, FAIL_FORBIDDEN, STR("Lifecycle API is not enabled."));
        return ok();
    }
    response_text(response, 200, PLAIN_TEXT, STR("Requesting termination... Goodbye!"));
    services->quit();
    return ok();
}

/* What Prometheus' own process collector says, under its names. */
static void write_process(struct writer *w)
{
    struct process_stats process;

    process_read(&process);
    exposition_write_value(w, "counter", "process_cpu_seconds_total", "", "Total user and system CPU time in seconds.",
                           process.cpu_seconds);
    exposition_write_value(w, "gauge", "process_max_fds", "", "Maximum number of open file descriptors.",
                           (double)process.open_files_max);
    exposition_write_value(w, "gauge", "process_open_fds", "", "Number of open file descriptors.",
                           (double)process.open_files);
    exposition_write_value(w, "gauge", "process_resident_memory_bytes", "", "Resident memory size in bytes.",
                           (double)process.resident_bytes);
    exposition_write_value(w, "gauge", "process_start_time_seconds", "",
                           "Start time of the process since the Unix epoch in seconds.", process.start_seconds);
    exposition_write_value(w, "gauge", "process_virtual_memory_bytes", "", "Virtual memory size in bytes.",
                           (double)process.virtual_bytes);
}

static void set_from_account(struct metric *used, struct metric *limit, const struct account *account)
{
    metric_set(used, (int64_t)atomic_load_explicit(&account->used_bytes, memory_order_relaxed));
    metric_set(limit, (int64_t)account->limit_bytes);
}

status page_metrics(struct request *request, struct response *response)
{
    const struct services *services = request->services;

    set_from_account(&metric_http_body_bytes, &metric_http_body_bytes_max, services->bodies);
    set_from_account(&metric_http_answer_bytes, &metric_http_answer_bytes_max, services->answers);
    response_text(response, 200, EXPOSITION_CONTENT_TYPE, STR(""));
    struct writer *w = response_writer(response);
    str build = arena_format(&request->arena, "version=\"%s\",revision=\"%s\"", version_text, version_revision);
    exposition_write_value(w, "gauge", "varve_build_info", build.data, "The running version; always 1.", 1);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        exposition_write_list(response_writer(response), lists[i]);
    write_process(response_writer(response));
    return ok();
}

status page_version(struct request *request, struct response *response)
{
    (void)request;
    response_text(response, 200, "application/json", STR(""));
    api_status_write_build(response_writer(response));
    return ok();
}
