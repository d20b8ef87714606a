/* varve import: data of others into a folder that no server uses. */
#include "http/import.h"
#include "http/main/commands.h"
#include "http/options.h"
#include "prometheus/prom_import.h"
#include "storage/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    PIECE_BYTES = 1 << 20, /* of a text, which is one request */
    LINE_BYTES_MAX = 16 << 20,
    SYNC_INTERVAL_MS = 1000 /* the log is synced this often; at the end all is durable */
};

static status open_db(const struct settings *settings, struct fs **fs, struct db **db)
{
    TRY(fs_open_folder(settings->data_path.data, fs));
    struct db_options options = options_for_db(settings, *fs);
    options.retention_ms = 0; /* the server's settings decide what is kept */
    options.retention_bytes = 0;
    options.future_max_ms = 0;
    options.out_of_order_ms = -1;
    options.series_max = 0;
    options.wal_sync_interval_ms = SYNC_INTERVAL_MS;
    options.background = false;
    return db_open(&options, db);
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static uint64_t samples_of(const struct prom_progress *progress)
{
    return progress->total.samples + progress->head.samples;
}

static void tell_progress(void *context, const struct prom_progress *progress)
{
    (void)context;
    log_info("imported", "part=%s done=%u of=%u blocks=%u samples=%llu bytes=%llu seconds=%.1f",
             LOG_QUOTED(str_from(progress->part)), progress->done, progress->parts, progress->total.blocks,
             (unsigned long long)samples_of(progress), (unsigned long long)progress->total.bytes,
             seconds(progress->spent_ns));
}

/* What could not be taken. */
static void warn_of_losses(const struct prom_progress *progress)
{
    const struct prom_head_total *head = &progress->head;

    if (progress->total.refused)
        log_warn("series were left out", "count=%llu first=%s", (unsigned long long)progress->total.refused,
                 LOG_QUOTED(str_from(progress->total.refusal)));
    if (head->refused)
        log_warn("samples of the log were left out", "count=%llu first=%s", (unsigned long long)head->refused,
                 LOG_QUOTED(str_from(head->refusal)));
    if (head->unknown)
        log_warn("samples and exemplars of the log belong to series that it does not name", "count=%llu",
                 (unsigned long long)head->unknown);
    if (head->damaged)
        log_warn("the log or the head chunks are damaged; what could be read was imported", "places=%u first=%s",
                 head->damaged, LOG_QUOTED(str_from(head->damage.text)));
}

static status import_prometheus(struct db *db, str path)
{
    struct prom_progress progress = {0};
    struct fs *from;
    struct stat folder;

    if (stat(path.data, &folder) != 0) return status_errno(errno, path.data); /* opening it would make one */
    TRY(fs_open_folder(path.data, &from));
    status s = prom_import(from, db, tell_progress, NULL, &progress);
    fs_release(from);
    warn_of_losses(&progress);
    log_info(failed(s) ? "import failed" : "import done",
             "parts=%u of=%u blocks=%u samples=%llu exemplars=%llu bytes=%llu seconds=%.1f", progress.done,
             progress.parts, progress.total.blocks, (unsigned long long)samples_of(&progress),
             (unsigned long long)progress.head.exemplars, (unsigned long long)progress.total.bytes,
             seconds(progress.spent_ns));
    return s;
}

/* A text on its way. */
struct text_import {
    struct db *db;
    struct import import;
    struct write_batch batch;
    struct writer text;
    uint64_t stored, repeated, rejected, malformed;
    char why[400]; /* of the first that was not stored */
};

static void note_why(struct text_import *of, str why)
{
    if (of->why[0] == 0) snprintf(of->why, sizeof of->why, "%.*s", STR_ARG(why));
}

static status append_piece(struct text_import *of, str piece)
{
    struct append_result result = {0};

    write_batch_reset(&of->batch);
    of->import.batch = &of->batch;
    TRY(import_text(&of->import, piece));
    write_batch_lay_out(&of->batch);
    struct append_batch batch = write_batch_view(&of->batch);
    of->malformed += of->batch.malformed;
    if (of->batch.malformed) note_why(of, of->batch.complaint);
    if (batch.series_count == 0 && batch.metadata_count == 0) return ok();
    TRY(db_append_wait(of->db, &batch, &result));
    of->stored += result.stored;
    of->repeated += result.repeated;
    for (int i = 0; i < APPEND_REASON_COUNT; i++) of->rejected += result.rejected[i];
    if (result.error[0]) note_why(of, str_from(result.error));
    return db_maintain(of->db);
}

/* Where the line begins that the byte at `at` belongs to or would follow. */
static size_t line_begin(const struct writer *text, size_t at)
{
    const uint8_t *newline = at ? memrchr(text->data, '\n', at) : NULL;
    return newline ? (size_t)(newline - text->data) + 1 : 0;
}

/* Where a piece may end: behind the last whole line that is no comment, since comments go with what follows. */
static size_t piece_end(const struct writer *text)
{
    size_t end = line_begin(text, text->count);

    while (end > 0) {
        size_t begin = line_begin(text, end - 1);
        if (text->data[begin] != '#') return end;
        end = begin;
    }
    return 0;
}

static status import_file(struct text_import *of, FILE *file, const char *path)
{
    for (;;) {
        uint8_t *to = writer_reserve(&of->text, PIECE_BYTES);
        size_t got = fread(to, 1, PIECE_BYTES, file);
        if (ferror(file)) return status_errno(errno, path);
        of->text.count += got;
        bool is_last = got == 0;
        size_t end = is_last ? of->text.count : piece_end(&of->text);
        if (end) TRY(append_piece(of, str_make((const char *)of->text.data, end)));
        memmove(of->text.data, of->text.data + end, of->text.count - end);
        of->text.count -= end;
        if (of->text.count > LINE_BYTES_MAX)
            return status_make(STATUS_LIMIT, "%s: line %zu has more than %d bytes", path, of->import.line + 1,
                               LINE_BYTES_MAX);
        if (is_last) return ok();
    }
}

static status import_openmetrics(struct db *db, str path)
{
    struct text_import of = {.db = db, .import = {.now_ms = clock_now_ms(), .is_openmetrics = true}};
    int64_t start_ns = clock_monotonic_ns();
    bool is_input = str_equal(path, STR("-"));
    FILE *file = is_input ? stdin : fopen(path.data, "rb");

    if (!file) return status_errno(errno, path.data);
    status s = import_file(&of, file, path.data);
    if (!is_input) fclose(file);
    if (of.rejected || of.malformed)
        log_warn("lines or samples were left out", "malformed=%llu rejected=%llu first=%s",
                 (unsigned long long)of.malformed, (unsigned long long)of.rejected, LOG_QUOTED(str_from(of.why)));
    log_info(failed(s) ? "import failed" : "import done", "lines=%zu samples=%llu repeated=%llu seconds=%.1f",
             of.import.line, (unsigned long long)of.stored, (unsigned long long)of.repeated,
             seconds(clock_monotonic_ns() - start_ns));
    write_batch_release(&of.batch);
    writer_release(&of.text);
    return s;
}

static int run(const struct settings *settings, status (*import)(struct db *db, str path), str path)
{
    struct fs *fs = NULL;
    struct db *db = NULL;
    status s = open_db(settings, &fs, &db);

    if (!failed(s)) s = import(db, path);
    status closed = db ? db_close(db) : ok();
    fs_release(fs);
    if (failed(s)) return command_fail(s.text);
    return failed(closed) ? command_fail(closed.text) : 0;
}

int command_import(int count, char *const *arguments)
{
    struct settings settings;
    size_t rest_count;
    str kind = count ? str_from(arguments[0]) : STR("");
    bool is_prometheus = str_equal(kind, STR("prometheus"));

    if (!is_prometheus && !str_equal(kind, STR("openmetrics")))
        return command_fail("say import prometheus or import openmetrics; see varve help import");
    str *rest = memory_alloc((size_t)count * sizeof *rest);
    status s = options_parse(COMMAND_IMPORT, count - 1, arguments + 1, &settings, rest, &rest_count);
    if (!failed(s) && rest_count != 1)
        s = status_make(STATUS_INVALID, is_prometheus ? "import prometheus takes one folder"
                                                      : "import openmetrics takes one file, or - for its input");
    str path = rest_count ? rest[0] : STR("");
    free(rest);
    if (failed(s)) return command_fail(s.text);
    log_set_level(settings.log_level);
    return run(&settings, is_prometheus ? import_prometheus : import_openmetrics, path);
}
