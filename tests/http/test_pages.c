#include "http/version.h"
#include "tests/http/harness.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

static int quits;

static void quit(void)
{
    quits++;
}

Test(pages, health)
{
    struct site site;

    site_open(&site);
    struct reply reply = site_get(&site, "/-/ready");
    cr_expect(reply.code == 200 && str_equal(reply.body, STR("Varve is Ready.\n")));
    reply = site_get(&site, "/version");
    cr_expect(str_starts_with(reply.body, STR("{\"version\":\"" VERSION_OF_API "\",")));
    site_close(&site);
}

Test(pages, quit_is_switched_on)
{
    struct site site;

    site_open(&site);
    struct reply reply = site_call(&site, "POST", "/-/quit", NULL, STR(""));
    cr_expect(reply.code == 403 && str_equal(reply.body, STR("Lifecycle API is not enabled.\n")));
    site.services.quit = quit;
    reply = site_call(&site, "PUT", "/-/quit", NULL, STR(""));
    cr_expect(reply.code == 200 && str_equal(reply.body, STR("Requesting termination... Goodbye!")) && quits == 1);
    reply = site_get(&site, "/-/quit");
    cr_expect(reply.code == 405 && quits == 1);
    site_close(&site);
}

static status reload(void *context)
{
    ++*(int *)context;
    return *(int *)context == 1 ? ok() : status_make(STATUS_INVALID, "varve.yml: line 1: unknown key x");
}

Test(pages, reload_is_switched_on)
{
    struct site site;
    int reloads = 0;

    site_open(&site);
    site.services.reload = reload;
    site.services.reload_context = &reloads;
    struct reply reply = site_call(&site, "POST", "/-/reload", NULL, STR(""));
    cr_expect(reply.code == 403 && reloads == 0);
    site.settings.enable_lifecycle = true;
    reply = site_call(&site, "POST", "/-/reload", NULL, STR(""));
    cr_expect(reply.code == 200 && reply.body.len == 0 && reloads == 1);
    reply = site_call(&site, "PUT", "/-/reload", NULL, STR(""));
    cr_expect(reply.code == 500 &&
              str_equal(reply.body, STR("failed to reload config: varve.yml: line 1: unknown key x\n")));
    site_close(&site);
}

static const char *const lines[] = {
    "# TYPE varve_build_info gauge\nvarve_build_info{version=\"",
    "\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total ",
    "\nprocess_resident_memory_bytes ",
    "\nprocess_open_fds ",
    "\nprocess_start_time_seconds 1",
    "\nvarve_http_body_bytes_max 67108864\n",
    "\nvarve_http_requests_total{handler=\"/api/v1/query\",code=\"2xx\"} ",
    "\nvarve_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"+Inf\"} ",
    "\nvarve_ingest_rejected_samples_total{reason=\"too_old\"} 0\n",
    "\nvarve_http_refused_requests_total{reason=\"query_queue\"} ",
    "\nvarve_query_stage_duration_seconds_count{stage=\"queue\"} ",
    "\nvarve_query_stage_duration_seconds_count{stage=\"prepare\"} ",
    "\nvarve_query_stage_duration_seconds_bucket{stage=\"evaluate\",le=\"+Inf\"} ",
};

Test(pages, metrics)
{
    struct site site;

    site_open(&site);
    struct reply reply = site_get(&site, "/metrics");
    cr_expect(reply.code == 200);
    cr_expect(str_equal(reply_header(&reply, "Content-Type"), STR("text/plain; version=0.0.4; charset=utf-8")));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_expect(contains(reply.body, lines[i]), "%s", lines[i]);
    cr_expect(str_ends_with(reply.body, STR("\n")));
    site_close(&site);
}

/* Each name has one head, its samples follow, and each line is a comment or a sample. */
Test(pages, metrics_are_well_formed)
{
    struct site site;

    site_open(&site);
    str rest = site_get(&site, "/metrics").body, family = STR("");
    vec(str) seen = {0};
    while (rest.len) {
        str line = str_cut(&rest, '\n');
        if (str_starts_with(line, STR("# HELP "))) continue;
        if (str_starts_with(line, STR("# TYPE "))) {
            str words = str_part(line, 7, line.len);
            family = str_cut(&words, ' ');
            vec_each (name, &seen) cr_expect(!str_equal(*name, family), "%.*s twice", STR_ARG(family));
            vec_push(&seen, family);
            continue;
        }
        str value = str_part(line, line.len, 0);
        while (value.data > line.data && value.data[-1] != ' ') value = (str){value.data - 1, value.len + 1};
        double number;
        cr_expect(str_starts_with(line, family) && str_to_double(value, &number), "%.*s", STR_ARG(line));
    }
    vec_release(&seen);
    site_close(&site);
}

/* Every metric that the dashboard and the alerts name is on the page. */
Test(pages, the_dashboard_names_what_there_is)
{
    static const char *const files[] = {"/docs/grafana-dashboard.json", "/docs/alerts.yml"};
    struct site site;

    site_open(&site);
    str page = site_get(&site, "/metrics").body;
    for (size_t i = 0; i < 2; i++) {
        str text, path = arena_format(&site.arena, "%s%s", VARVE_SOURCE_DIR, files[i]);
        size_t found = 0;
        must(folder_read_file(path.data, &site.arena, &text));
        for (size_t at = 0; at + 6 < text.len; at++) {
            size_t len = 0;
            str rest = str_part(text, at, text.len);
            if (!str_starts_with(rest, STR("varve_")) || (at && (text.data[at - 1] == '_' || text.data[at - 1] == '/')))
                continue;
            while (len < rest.len && (rest.data[len] == '_' || (rest.data[len] >= 'a' && rest.data[len] <= 'z'))) len++;
            str name = arena_copy_str(&site.arena, str_part(rest, 0, len));
            cr_expect(contains(page, name.data), "%s: %.*s", files[i], STR_ARG(name));
            found++;
        }
        cr_expect(found > 5);
    }
    site_close(&site);
}
