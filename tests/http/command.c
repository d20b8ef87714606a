/* The program as tests of its commands run it; see command.h. */
#include "tests/http/command.h"

#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tsdb/db.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena folder_arena;

static void append(struct db *db, const char *metric, const char *job, double value)
{
    const int64_t times[] = {1000, 2000};
    const uint64_t values[] = {double_bits(value), double_bits(value + 1)};
    label pairs[] = {{METRIC_NAME, str_from(metric)}, {STR("job"), str_from(job)}};
    struct writer labels = {0};
    struct append_result result = {0};

    labels_write(pairs, 2, &labels);
    struct append_series series = {.labels = str_make((const char *)labels.data, labels.count), .count = 2};
    struct append_batch batch = {
        .series = &series, .series_count = 1, .times_ms = times, .values = values, .sample_count = 2};
    must(db_append_wait(db, &batch, &result));
    writer_release(&labels);
}

static void make_data(void)
{
    struct db_options options = db_options_default();
    struct fs *fs;
    struct db *db;

    must(fs_open_folder("data", &fs));
    options.fs = fs;
    options.retention_ms = 0;
    options.background = false;
    must(db_open(&options, &db));
    append(db, "up", "a \"b\"", 1.5);
    append(db, "up", "c", 3);
    append(db, "dotted.name", "c", 1e-7);
    must(db_close(db));
    fs_release(fs);
}

void command_enter(void)
{
    const char *path;

    must(folder_make_temporary(&folder_arena, &path));
    cr_assert(chdir(path) == 0);
    make_data();
}

void command_leave(void)
{
    cr_expect(chdir("/") == 0);
    arena_release(&folder_arena);
}

str command_run(const char *words, int *code, struct arena *arena)
{
    char line[1024];
    str output = STR("");
    char buffer[4096];
    size_t bytes;

    snprintf(line, sizeof line, "ASAN_OPTIONS=detect_leaks=0 %s %s 2>&1", VARVE_PROGRAM, words);
    FILE *pipe = popen(line, "r");
    cr_assert(pipe);
    while ((bytes = fread(buffer, 1, sizeof buffer, pipe)) > 0)
        output = arena_format(arena, "%.*s%.*s", STR_ARG(output), (int)bytes, buffer);
    int outcome = pclose(pipe);
    *code = WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
    return output;
}

void command_check_cases(const struct command_case *cases, size_t count)
{
    struct arena arena = {0};

    for (size_t i = 0; i < count; i++) {
        int code;
        str output = command_run(cases[i].words, &code, &arena);
        cr_expect(code == cases[i].code, "%s: %d", cases[i].words, code);
        cr_expect(str_starts_with(output, str_from(cases[i].output)), "%s: %.*s", cases[i].words, STR_ARG(output));
        if (!cases[i].output[0]) cr_expect(output.len == 0, "%s: %.*s", cases[i].words, STR_ARG(output));
    }
    arena_release(&arena);
}

pid_t command_start(const char *const *arguments, FILE **log)
{
    int ends[2];

    cr_assert(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        char *copies[16] = {(char *)(uintptr_t)VARVE_PROGRAM, (char *)(uintptr_t) "serve"};
        for (int i = 0; arguments[i] && i < 13; i++) copies[i + 2] = (char *)(uintptr_t)arguments[i];
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(VARVE_PROGRAM, copies);
        _exit(127);
    }
    close(ends[1]);
    *log = fdopen(ends[0], "r");
    return child;
}

bool command_log_says(FILE *log, const char *part, char line[512])
{
    while (fgets(line, 512, log)) {
        if (strstr(line, part)) return true;
    }
    return false;
}

int command_wait(pid_t child, FILE *log)
{
    int outcome;

    cr_assert(waitpid(child, &outcome, 0) == child);
    fclose(log);
    return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
}
