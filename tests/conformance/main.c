/* The conformance runner: runs scripts of the PromQL test language against the engine.
 *
 *     conformance [--frozen] [--printed] [--threads N] [-v] [files…]
 *
 * Without files, every .test of promql/ and the queries of compliance/ in the folder that VARVE_CONFORMANCE names; each
 * expression goes through its other forms, too (forms.h). Prints a line for each file and a total; with -v also what
 * failed and why. Fails when any case does. With --frozen every load becomes a block; with
 * --printed the expressions are run as the printer lays them out. A folder without scripts is said plainly and is no
 * failure: they do not belong to the project.
 */
#include "storage/base/log.h"
#include "tests/conformance/compliance.h"
#include "tests/conformance/session.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool is_frozen, is_printed, is_verbose;
    uint32_t threads;
};

/* Cases, and loads that went wrong. */
struct counts {
    size_t passed, failed;
};

static bool read_file(const char *path, struct arena *arena, str *out)
{
    FILE *file = fopen(path, "rb");
    struct writer text = {0};
    size_t got;

    if (!file) return false;
    do {
        got = fread(writer_reserve(&text, 1 << 16), 1, 1 << 16, file);
        text.count += got;
    } while (got);
    fclose(file);
    *out = arena_copy_str(arena, str_make((const char *)text.data, text.count));
    writer_release(&text);
    return true;
}

static str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_from(slash ? slash + 1 : path);
}

/* Runs one file; counts its cases. */
static bool run_file(const char *path, const struct options *options, struct counts *total)
{
    struct session_options session_options = {options->is_frozen, options->is_printed, options->threads};
    struct arena arena;
    struct script script;
    str text, error, name = base_name(path);
    struct counts counts = {0};

    arena_init(&arena, NULL);
    if (!read_file(path, &arena, &text)) {
        fprintf(stderr, "%s: can not be read\n", path);
        arena_release(&arena);
        return false;
    }
    if (!script_parse(text, &script, &arena, &error)) {
        fprintf(stderr, "%s:%.*s\n", path, STR_ARG(error));
        arena_release(&arena);
        return false;
    }
    struct session *session = session_new(&session_options);
    for (size_t i = 0; i < script.command_count; i++) {
        const struct command *command = &script.commands[i];
        str why = STR("");
        bool is_good = session_run(session, command, &why, &arena);
        counts.passed += is_good && command->kind == COMMAND_EVAL;
        counts.failed += !is_good;
        if (!is_good && options->is_verbose)
            printf("%.*s:%u: %.*s\n    %.*s\n", STR_ARG(name), command->line, STR_ARG(command->eval.query),
                   STR_ARG(why));
    }
    session_free(session);
    arena_release(&arena);
    printf("%.*s: %zu passed, %zu failed\n", STR_ARG(name), counts.passed, counts.failed);
    total->passed += counts.passed;
    total->failed += counts.failed;
    return true;
}

static int is_script(const struct dirent *entry)
{
    return str_ends_with(str_from(entry->d_name), STR(".test"));
}

static bool run_folder(const char *suites, const struct options *options, struct counts *total)
{
    struct arena arena;
    struct dirent **entries;
    bool is_good = true;

    arena_init(&arena, NULL);
    str folder = arena_format(&arena, "%s/promql", suites);
    int count = scandir(folder.data, &entries, is_script, alphasort);
    if (count <= 0) {
        printf("no scripts in %.*s, so none is run; VARVE_CONFORMANCE names the folder of promql/\n", STR_ARG(folder));
    }
    for (int i = 0; i < count; i++) {
        str path = arena_format(&arena, "%.*s/%s", STR_ARG(folder), entries[i]->d_name);
        is_good &= run_file(path.data, options, total);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    arena_release(&arena);
    return is_good;
}

static void run_list(const char *suites, const struct options *options, struct counts *total)
{
    struct session_options session_options = {options->is_frozen, options->is_printed, options->threads};
    struct counts counts = {0};
    struct arena arena;
    str list;

    arena_init(&arena, NULL);
    str path = arena_format(&arena, "%s/compliance/queries.txt", suites);
    if (read_file(path.data, &arena, &list)) {
        compliance_run(list, &session_options, options->is_verbose, &counts.passed, &counts.failed);
        printf("compliance queries: %zu passed, %zu failed\n", counts.passed, counts.failed);
    } else {
        printf("no compliance queries at %.*s, so none is run\n", STR_ARG(path));
    }
    arena_release(&arena);
    total->passed += counts.passed;
    total->failed += counts.failed;
}

int main(int count, char **args)
{
    struct options options = {.threads = 2};
    struct counts total = {0};
    const char *folder = getenv("VARVE_CONFORMANCE");
    bool is_good = true, has_files = false;

    log_set_level(LOG_WARN);
    for (int i = 1; i < count; i++) {
        if (strcmp(args[i], "--threads") == 0 && i + 1 < count) {
            options.threads = (uint32_t)atoi(args[++i]);
        } else if (strcmp(args[i], "--frozen") == 0) {
            options.is_frozen = true;
        } else if (strcmp(args[i], "--printed") == 0) {
            options.is_printed = true;
        } else if (strcmp(args[i], "-v") == 0) {
            options.is_verbose = true;
        } else {
            has_files = true;
            is_good &= run_file(args[i], &options, &total);
        }
    }
    if (!folder) folder = VARVE_CONFORMANCE_DEFAULT;
    if (!has_files) is_good = run_folder(folder, &options, &total);
    if (!has_files) run_list(folder, &options, &total);
    printf("total: %zu passed, %zu failed\n", total.passed, total.failed);
    return is_good && total.failed == 0 ? 0 : 1;
}
