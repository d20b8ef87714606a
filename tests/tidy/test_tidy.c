/* The project's rules, read off its own sources: layers, sizes, calls that are not made, a test for every file. */
#include "storage/base/arena.h"
#include "storage/base/vec.h"
#include "storage/fs.h"
#include "tests/support/test.h"

#include <stdio.h>

#ifndef VARVE_SOURCE_DIR
#error "VARVE_SOURCE_DIR names the project's folder"
#endif

enum { FILE_LINES_MAX = 800, FUNCTION_LINES_MAX = 70, SOURCE_BYTES_MAX = 1 << 20 };

/* Folders from the lowest layer up; an include may name its own and those before it. */
static const struct layer {
    const char *folder;
    int rank;
    bool only_base; /* of storage it may include base only */
    bool is_aside;  /* layers above may not include it, but for http/main */
} layers[] = {
    {"storage/base", 0, false, false}, {"storage", 1, false, false}, {"tsdb", 2, false, false},
    {"prometheus", 3, false, true},    {"query", 4, true, false},    {"http", 5, false, false},
    {"http/main", 6, false, false},
};

struct source {
    const struct layer *layer;
    str name; /* without folder */
    str text;
};

static struct arena arena;
static vec(struct source) sources;

static void load_sources(void)
{
    struct fs *fs;

    cr_assert(!failed(fs_open_folder(VARVE_SOURCE_DIR, &fs)));
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        str *names;
        size_t count;
        cr_assert(!failed(fs_list(fs, layers[i].folder, &arena, &names, &count)));
        for (size_t k = 0; k < count; k++) {
            struct source source = {&layers[i], names[k], {0}};
            str path = arena_format(&arena, "%s/%.*s", layers[i].folder, STR_ARG(names[k]));
            cr_assert(!failed(fs_read_file(fs, path.data, SOURCE_BYTES_MAX, &arena, &source.text)));
            vec_push(&sources, source);
        }
    }
    fs_release(fs);
}

static bool is_code(const struct source *source)
{
    return str_ends_with(source->name, STR(".c")) || str_ends_with(source->name, STR(".h")) ||
           str_ends_with(source->name, STR(".cc"));
}

/* The layer that an included path lies in, or NULL: not ours. */
static const struct layer *layer_of(str path)
{
    const struct layer *best = NULL;

    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        str folder = str_from(layers[i].folder);
        if (str_starts_with(path, folder) && path.len > folder.len && path.data[folder.len] == '/' &&
            (!best || folder.len > strlen(best->folder)))
            best = &layers[i];
    }
    return best;
}

Test(tidy, includes_point_down, .init = load_sources)
{
    vec_each (source, &sources) {
        str rest = source->text;
        while (rest.len) {
            str line = str_cut(&rest, '\n');
            if (!str_starts_with(line, STR("#include \""))) continue;
            str path = str_part(line, 10, str_find(str_part(line, 10, line.len), '"'));
            const struct layer *to = layer_of(path);
            bool fine = to && to->rank <= source->layer->rank &&
                        !(source->layer->only_base && strcmp(to->folder, "storage") == 0);
            if (to && to->is_aside && to != source->layer) fine = strcmp(source->layer->folder, "http/main") == 0;
            cr_expect(fine, "%s/%.*s includes %.*s", source->layer->folder, STR_ARG(source->name), STR_ARG(path));
        }
    }
}

Test(tidy, files_and_functions_are_short, .init = load_sources)
{
    vec_each (source, &sources) {
        str rest = source->text;
        int lines = 0, body = 0;
        if (!is_code(source)) continue;
        cr_expect(str_starts_with(source->text, STR("/*")) || str_starts_with(source->text, STR("//")),
                  "%s/%.*s does not say what it is", source->layer->folder, STR_ARG(source->name));
        while (rest.len) {
            str line = str_cut(&rest, '\n');
            lines++;
            if (str_equal(line, STR("{"))) body = lines;
            if (str_equal(line, STR("}")) && body) {
                cr_expect(lines - body <= FUNCTION_LINES_MAX, "%s/%.*s:%d: a function of %d lines",
                          source->layer->folder, STR_ARG(source->name), body, lines - body);
                body = 0;
            }
        }
        cr_expect(lines <= FILE_LINES_MAX, "%s/%.*s has %d lines", source->layer->folder, STR_ARG(source->name), lines);
    }
}

Test(tidy, calls_that_are_not_made, .init = load_sources)
{
    static const char *const banned[] = {"strcpy(", "strcat(", "sprintf(", "vsprintf(", "gets(",   "strtok(",
                                         "atoi(",   "atol(",   "atof(",    "alloca(",   "rand(",   "srand(",
                                         "system(", "popen(",  "setjmp(",  "longjmp(",  "mktemp(", "tmpnam("};
    static const char *const marks[] = {"TODO", "FIXME", "XXX", "HACK"};

    vec_each (source, &sources) {
        for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++) {
            size_t len = strlen(banned[i]);
            for (size_t at = 0; at + len <= source->text.len; at++) {
                char before = at ? source->text.data[at - 1] : ' ';
                bool word = (before >= 'a' && before <= 'z') || before == '_' || (before >= '0' && before <= '9');
                cr_expect(word || memcmp(source->text.data + at, banned[i], len) != 0, "%s/%.*s calls %s",
                          source->layer->folder, STR_ARG(source->name), banned[i]);
            }
        }
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
            cr_expect(!memmem(source->text.data, source->text.len, marks[i], strlen(marks[i])), "%s/%.*s says %s",
                      source->layer->folder, STR_ARG(source->name), marks[i]);
    }
}

/* Files whose tests are those of another file, which is named. */
static const char *const tested_elsewhere[][2] = {
    {"storage/base", "number_digits"}, /* number */
    {"tsdb", "snapshot_source"},       /* snapshot, db_delete */
    {"tsdb", "block_columns"},         /* block_runs: what one writes the other reads */
    {"tsdb", "head_file"},             /* inspect */
    {"tsdb", "registry_file"},         /* check, which tells every bad byte of it */
    {"http/main", "dump_block"},       /* dump */
    {"http/main", "dump_wal"},         /* dump */
};

Test(tidy, every_file_has_a_test, .init = load_sources)
{
    struct fs *fs;

    cr_assert(!failed(fs_open_folder(VARVE_SOURCE_DIR, &fs)));
    vec_each (source, &sources) {
        str stem = source->name;
        bool found = false;
        if (!str_ends_with(stem, STR(".c")) && !str_ends_with(stem, STR(".cc"))) continue;
        stem.len = str_find(stem, '.');
        for (size_t i = 0; i < sizeof tested_elsewhere / sizeof tested_elsewhere[0]; i++)
            found = found || (strcmp(tested_elsewhere[i][0], source->layer->folder) == 0 &&
                              str_equal(stem, str_from(tested_elsewhere[i][1])));
        str folder = str_from(source->layer->folder);
        folder.len = str_find(folder, '/');
        str path = arena_format(&arena, "tests/%.*s/test_%.*s.c", STR_ARG(folder), STR_ARG(stem));
        str text;
        found = found || !failed(fs_read_file(fs, path.data, SOURCE_BYTES_MAX, &arena, &text));
        cr_expect(found, "%s/%.*s has no test %.*s", source->layer->folder, STR_ARG(source->name), STR_ARG(path));
    }
    fs_release(fs);
}

Test(tidy, every_folder_says_what_it_is)
{
    static const char *const folders[] = {"storage", "tsdb", "prometheus", "query", "http", "bench", "tests"};
    struct fs *fs;

    cr_assert(!failed(fs_open_folder(VARVE_SOURCE_DIR, &fs)));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        str path = arena_format(&arena, "%s/README.md", folders[i]), text;
        cr_expect(!failed(fs_read_file(fs, path.data, SOURCE_BYTES_MAX, &arena, &text)), "%s has no README.md",
                  folders[i]);
    }
    fs_release(fs);
}
