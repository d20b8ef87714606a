/* varve export: the data of a folder that no server uses, for others. */
#include "http/main/commands.h"
#include "http/options.h"
#include "http/times.h"
#include "prometheus/prom_export.h"
#include "query/parse.h"
#include "storage/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static void tell_block(void *context, const struct prom_meta *meta)
{
    (void)context;
    log_info("block written", "block=%s from=%lld to=%lld series=%llu chunks=%llu samples=%llu", meta->ulid,
             (long long)meta->min_ms, (long long)meta->end_ms, (unsigned long long)meta->series,
             (unsigned long long)meta->chunks, (unsigned long long)meta->samples);
}

static status read_time(const char *flag, str text, int64_t *out_ms)
{
    if (text.len == 0 || times_parse(text, out_ms)) return ok();
    return status_make(STATUS_INVALID, "--%s=%.*s: want Unix seconds or RFC 3339", flag, STR_ARG(text));
}

static status read_request(const struct settings *settings, struct prom_export_request *out, struct arena *arena)
{
    struct prom_selector *selectors = arena_array(arena, struct prom_selector, settings->match_count);
    struct parse_error error;

    *out = (struct prom_export_request){selectors, settings->match_count, INT64_MIN, INT64_MAX};
    TRY(read_time("from", settings->from, &out->from_ms));
    TRY(read_time("to", settings->to, &out->to_ms));
    if (out->to_ms < out->from_ms) return status_make(STATUS_INVALID, "--to is before --from");
    for (size_t i = 0; i < settings->match_count; i++) {
        if (!parse_selector(settings->match[i], arena, &selectors[i].matchers, &selectors[i].count, &error))
            return status_make(STATUS_INVALID, "--match=%.*s: %.*s", STR_ARG(settings->match[i]),
                               STR_ARG(parse_error_text(&error, arena)));
    }
    return ok();
}

static status export_all(struct db *db, const struct prom_export_request *request, str path)
{
    struct prom_export_total total = {0};
    int64_t start_ns = clock_monotonic_ns();
    struct fs *to;

    TRY(fs_open_folder(path.data, &to));
    status s = prom_export(db, request, to, tell_block, NULL, &total);
    fs_release(to);
    log_info(failed(s) ? "export failed" : "export done", "blocks=%u samples=%llu seconds=%.1f", total.blocks,
             (unsigned long long)total.samples, (double)(clock_monotonic_ns() - start_ns) / 1e9);
    return s;
}

static int run(const struct settings *settings, const struct prom_export_request *request, str path)
{
    struct fs *fs = NULL;
    struct db *db = NULL;
    struct stat folder;

    if (stat(settings->data_path.data, &folder) != 0) { /* opening it would make one */
        fprintf(stderr, "varve: %s: %s\n", settings->data_path.data, strerror(errno));
        return 1;
    }
    status s = fs_open_folder(settings->data_path.data, &fs);
    if (!failed(s)) {
        struct db_options options = options_for_db(settings, fs);
        options.background = false;
        options.retention_ms = 0; /* a look changes nothing */
        s = db_open(&options, &db);
    }
    if (!failed(s)) s = export_all(db, request, path);
    status closed = db ? db_close(db) : ok();
    fs_release(fs);
    if (failed(s)) return command_fail(s.text);
    return failed(closed) ? command_fail(closed.text) : 0;
}

int command_export(int count, char *const *arguments)
{
    struct settings settings;
    struct prom_export_request request;
    struct arena arena = {0};
    size_t rest_count;
    int code;

    if (count == 0 || !str_equal(str_from(arguments[0]), STR("prometheus")))
        return command_fail("say export prometheus; see varve help export");
    str *rest = memory_alloc((size_t)count * sizeof *rest);
    status s = options_parse(COMMAND_EXPORT, count - 1, arguments + 1, &settings, rest, &rest_count);
    if (!failed(s) && rest_count != 1)
        s = status_make(STATUS_INVALID, "export prometheus takes one folder, which the blocks go to");
    str path = rest_count ? rest[0] : STR("");
    free(rest);
    if (!failed(s)) s = read_request(&settings, &request, &arena);
    if (failed(s)) {
        code = command_fail(s.text);
    } else {
        log_set_level(settings.log_level);
        code = run(&settings, &request, path);
    }
    arena_release(&arena);
    return code;
}
