/* The conformance runner: runs scripts of the PromQL test language against the engine.
 *
 *     conformance [--failures FILE] [--frozen] [--threads N] [-v] [files…]
 *
 * Without files, all *.test of the folder that VARVE_CONFORMANCE names. Prints a line for each file and a total; with
 * -v also what failed and why. With --failures it compares with the list of cases known to fail (file:line of the eval)
 * and fails when a case that is not listed fails, or one that is listed passes: so the list only shrinks.
 */
#include "storage/base/log.h"
#include "tests/conformance/session.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *failures;
    bool is_frozen, is_verbose;
    uint32_t threads;
};

/* Names as file:line. */
struct name_list {
    vec(str) names;
    struct arena arena;
};

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

static bool contains(const struct name_list *list, str name)
{
    for (size_t i = 0; i < list->names.count; i++) {
        if (str_equal(list->names.data[i], name)) return true;
    }
    return false;
}

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

/* Runs one file; failed cases are added to the list. */
static bool run_file(const char *path, const struct options *options, struct name_list *failed_cases, size_t *passed)
{
    struct session_options session_options = {options->is_frozen, options->threads};
    struct arena arena;
    struct script script;
    str text, error, name = base_name(path);
    size_t ok_count = 0, failed_count = 0;

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
        if (command->kind != COMMAND_EVAL) {
            if (!is_good && options->is_verbose) printf("%.*s:%u: %.*s\n", STR_ARG(name), command->line, STR_ARG(why));
            continue;
        }
        if (is_good) {
            ok_count++;
            continue;
        }
        failed_count++;
        vec_push(&failed_cases->names, arena_format(&failed_cases->arena, "%.*s:%u", STR_ARG(name), command->line));
        if (options->is_verbose)
            printf("%.*s:%u: %.*s\n    %.*s\n", STR_ARG(name), command->line, STR_ARG(command->eval.query),
                   STR_ARG(why));
    }
    session_free(session);
    arena_release(&arena);
    printf("%.*s: %zu passed, %zu failed\n", STR_ARG(name), ok_count, failed_count);
    *passed += ok_count;
    return true;
}

/* Compares what failed with what may fail. */
static bool compare_failures(const char *path, struct name_list *failed_cases)
{
    struct name_list known = {0};
    bool is_good = true;
    str text;

    arena_init(&known.arena, NULL);
    if (!read_file(path, &known.arena, &text)) text = STR("");
    while (text.len) {
        str line = str_trim(str_cut(&text, '\n'));
        if (line.len) vec_push(&known.names, line);
    }
    for (size_t i = 0; i < failed_cases->names.count; i++) {
        if (contains(&known, failed_cases->names.data[i])) continue;
        printf("fails and is not listed: %.*s\n", STR_ARG(failed_cases->names.data[i]));
        is_good = false;
    }
    for (size_t i = 0; i < known.names.count; i++) {
        if (contains(failed_cases, known.names.data[i])) continue;
        printf("is listed and passes: %.*s\n", STR_ARG(known.names.data[i]));
        is_good = false;
    }
    vec_release(&known.names);
    arena_release(&known.arena);
    return is_good;
}

static int is_script(const struct dirent *entry)
{
    return str_ends_with(str_from(entry->d_name), STR(".test"));
}

static bool run_folder(const char *folder, const struct options *options, struct name_list *failed_cases,
                       size_t *passed)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_script, alphasort);
    bool is_good = count > 0;

    if (count <= 0) fprintf(stderr, "no scripts in %s; VARVE_CONFORMANCE names their folder\n", folder);
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        is_good &= run_file(path, options, failed_cases, passed);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return is_good;
}

int main(int count, char **args)
{
    struct options options = {.threads = 2};
    struct name_list failed_cases = {0};
    const char *folder = getenv("VARVE_CONFORMANCE");
    bool is_good = true, has_files = false;
    size_t passed = 0;

    log_set_level(LOG_WARN);
    arena_init(&failed_cases.arena, NULL);
    for (int i = 1; i < count; i++) {
        if (strcmp(args[i], "--failures") == 0 && i + 1 < count) {
            options.failures = args[++i];
        } else if (strcmp(args[i], "--threads") == 0 && i + 1 < count) {
            options.threads = (uint32_t)atoi(args[++i]);
        } else if (strcmp(args[i], "--frozen") == 0) {
            options.is_frozen = true;
        } else if (strcmp(args[i], "-v") == 0) {
            options.is_verbose = true;
        } else {
            has_files = true;
            is_good &= run_file(args[i], &options, &failed_cases, &passed);
        }
    }
    if (!has_files) is_good = run_folder(folder ? folder : VARVE_CONFORMANCE_DEFAULT, &options, &failed_cases, &passed);
    if (failed_cases.names.count) qsort(failed_cases.names.data, failed_cases.names.count, sizeof(str), compare_names);
    printf("total: %zu passed, %zu failed\n", passed, failed_cases.names.count);
    if (options.failures) is_good &= compare_failures(options.failures, &failed_cases);
    vec_release(&failed_cases.names);
    arena_release(&failed_cases.arena);
    return is_good ? 0 : 1;
}
