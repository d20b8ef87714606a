/* The query log: lines as Prometheus writes them, and what happens when they can not be written. */
#include "http/query_log.h"

#include "http/config.h"
#include "http/metrics.h"
#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tests/http/harness.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <jansson.h>
#include <stdio.h>

static struct arena arena;

/* A site whose configuration names the log. */
static void open_logged(struct site *site, const char *log)
{
    struct config *config;
    const char *folder;

    site_open(site);
    must(folder_make_temporary(&arena, &folder));
    str path = arena_format(&arena, "%s/varve.yml", folder);
    must(folder_write_file(path.data, arena_format(&arena, "global: {query_log_file: %s}\n", log)));
    must(config_load(path, &config));
    cr_expect(str_ends_with(config->query_log_file, str_from(log)));
    must(config_open_files(config));
    config_holder_set(site->services.config, config);
}

static json_t *read_line(FILE *file)
{
    char line[4096];
    json_error_t error;

    cr_assert(fgets(line, sizeof line, file), "a line is missing");
    json_t *root = json_loads(line, 0, &error);
    cr_assert(root, "%s: %s", error.text, line);
    return root;
}

static const char *text_at(json_t *root, const char *outer, const char *inner)
{
    const char *text = json_string_value(json_object_get(json_object_get(root, outer), inner));

    return text ? text : "";
}

Test(query_log, lines)
{
    struct site site;

    clock_hold(1770000000123);
    open_logged(&site, "queries.log");
    site_load_few(&site);
    struct config *config = config_holder_get(site.services.config);
    site_get(&site, "/api/v1/query_range?query=up&start=1&end=61.5&step=2500ms");
    site_get(&site, "/api/v1/query?query=up%2Bon(job)up&time=4");
    site_get(&site, "/api/v1/query?query=up%2B&time=4"); /* does not parse */
    FILE *file = fopen(config->query_log_file.data, "r");
    cr_assert(file);
    json_t *root = read_line(file);
    cr_expect(strcmp(json_string_value(json_object_get(root, "ts")), "2026-02-02T02:40:00.123Z") == 0);
    cr_expect(strcmp(text_at(root, "params", "query"), "up") == 0);
    cr_expect(strcmp(text_at(root, "params", "start"), "1970-01-01T00:00:01.000Z") == 0);
    cr_expect(strcmp(text_at(root, "params", "end"), "1970-01-01T00:01:01.500Z") == 0);
    cr_expect(json_integer_value(json_object_get(json_object_get(root, "params"), "step")) == 2);
    cr_expect(strcmp(text_at(root, "httpRequest", "method"), "GET") == 0);
    cr_expect(strcmp(text_at(root, "httpRequest", "path"), "/api/v1/query_range") == 0);
    json_t *stats = json_object_get(root, "stats");
    cr_expect(json_is_number(json_object_get(json_object_get(stats, "timings"), "execTotalTime")));
    cr_expect(json_is_integer(json_object_get(json_object_get(stats, "samples"), "peakSamples")));
    cr_expect(!json_object_get(root, "error"));
    json_decref(root);
    root = read_line(file);
    cr_expect(strcmp(text_at(root, "params", "start"), text_at(root, "params", "end")) == 0);
    cr_expect(strstr(json_string_value(json_object_get(root, "error")), "found duplicate series"));
    json_decref(root);
    cr_expect(fgetc(file) == EOF);
    fclose(file);
    config_unref(config);
    site_close(&site);
    clock_release();
    arena_release(&arena);
}

static int told;

static void count_line(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    told += contains(line, "query not logged");
}

/* The answers are as ever; the trouble is told once. */
Test(query_log, may_fail)
{
    struct site site;
    int64_t before = metric_get(&metric_query_log_failures);

    log_set_sink(count_line, NULL);
    open_logged(&site, "/dev/full");
    for (int i = 0; i < 3; i++) cr_expect(site_get(&site, "/api/v1/query?query=1&time=4").code == 200);
    cr_expect(metric_get(&metric_query_log_failures) == before + 3 && told == 1);
    site_close(&site);
    log_set_sink(NULL, NULL);
    arena_release(&arena);
}

Test(query_log, needs_a_folder)
{
    struct query_log *log;
    status s = query_log_open(STR("/nowhere/queries.log"), &log);

    cr_expect(failed(s) && strcmp(s.text, "query_log_file /nowhere/queries.log: No such file or directory") == 0, "%s",
              s.text);
}
