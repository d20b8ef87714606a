/* The conformance runner: runs scripts of the PromQL test language against the engine.
 *
 *     conformance [--failures FILE] [--frozen] [--threads N] [-v] [files…]
 *
 * Without files, every .test of promql/ in the folder that VARVE_CONFORMANCE names. Prints a line for each file and a
 * total; with -v also what failed and why. With --failures it compares with the list of cases known to fail (file:line
 * of the eval) and fails when a case that is not listed fails, or one that is listed passes: so the list only shrinks.
 * A folder without scripts is said plainly and is no failure: they do not belong to the project.
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

/* What came out of all files. */
struct score {
    size_t passed;
    struct name_list failed;
    struct name_list files; /* that were run */
};

/* Runs one file. */
static bool run_file(const char *path, const struct options *options, struct score *score)
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
        vec_push(&score->failed.names, arena_format(&score->failed.arena, "%.*s:%u", STR_ARG(name), command->line));
        if (options->is_verbose)
            printf("%.*s:%u: %.*s\n    %.*s\n", STR_ARG(name), command->line, STR_ARG(command->eval.query),
                   STR_ARG(why));
    }
    session_free(session);
    arena_release(&arena);
    printf("%.*s: %zu passed, %zu failed\n", STR_ARG(name), ok_count, failed_count);
    score->passed += ok_count;
    vec_push(&score->files.names, arena_copy_str(&score->files.arena, name));
    return true;
}

/* Compares what failed with what may fail. */
static bool compare_failures(const char *path, const struct score *score)
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
    for (size_t i = 0; i < score->failed.names.count; i++) {
        if (contains(&known, score->failed.names.data[i])) continue;
        printf("fails and is not listed: %.*s\n", STR_ARG(score->failed.names.data[i]));
        is_good = false;
    }
    for (size_t i = 0; i < known.names.count; i++) {
        str file = str_part(known.names.data[i], 0, str_find(known.names.data[i], ':'));
        if (contains(&score->failed, known.names.data[i]) || !contains(&score->files, file)) continue;
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

static bool run_folder(const char *suites, const struct options *options, struct score *score)
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
        is_good &= run_file(path.data, options, score);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    arena_release(&arena);
    return is_good;
}

int main(int count, char **args)
{
    struct options options = {.threads = 2};
    struct score score = {0};
    const char *folder = getenv("VARVE_CONFORMANCE");
    bool is_good = true, has_files = false;

    log_set_level(LOG_WARN);
    arena_init(&score.failed.arena, NULL);
    arena_init(&score.files.arena, NULL);
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
            is_good &= run_file(args[i], &options, &score);
        }
    }
    if (!has_files) is_good = run_folder(folder ? folder : VARVE_CONFORMANCE_DEFAULT, &options, &score);
    if (score.failed.names.count) qsort(score.failed.names.data, score.failed.names.count, sizeof(str), compare_names);
    printf("total: %zu passed, %zu failed\n", score.passed, score.failed.names.count);
    if (options.failures) is_good &= compare_failures(options.failures, &score);
    vec_release(&score.failed.names);
    vec_release(&score.files.names);
    arena_release(&score.failed.arena);
    arena_release(&score.files.arena);
    return is_good ? 0 : 1;
}
