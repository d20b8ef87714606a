/* The library as others get it: installed into a folder of its own, found by pkg-config, linked both ways. */
#include "storage/base/vec.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena arena;

/* Runs a line of shell and gives what it prints. */
static str run(const char *line)
{
    const char *const arguments[] = {"sh", "-c", line, NULL};
    str output;
    int code;

    folder_remove("output");
    must(process_run(arguments, "output", &code));
    must(folder_read_file("output", &arena, &output));
    cr_assert(code == 0, "%s: %d %.*s", line, code, STR_ARG(output));
    return arena_copy_str(&arena, output); /* terminated */
}

static void enter(void)
{
    const char *path;

    arena_init(&arena, NULL);
    must(folder_make_temporary(&arena, &path));
    cr_assert(chdir(path) == 0);
    run("cmake --install " VARVE_BUILD_DIR " --prefix $PWD/there");
    setenv("PKG_CONFIG_PATH", run("dirname $PWD/$(find there -name libvarve.pc) | tr -d '\\n'").data, 1);
    setenv("LD_LIBRARY_PATH", run("pkg-config --variable=libdir libvarve | tr -d '\\n'").data, 1);
}

static void leave(void)
{
    cr_expect(chdir("/") == 0);
    arena_release(&arena);
}

#define COMPILE VARVE_COMPILER " " VARVE_COMPILER_FLAGS " $(pkg-config --cflags libvarve) "

static const char *const ways[] = {
    "$(pkg-config --libs libvarve)",
    "-Wl,--as-needed -l:libvarve.a $(pkg-config --static --libs libvarve)",
};

Test(install, the_example_runs, .init = enter, .fini = leave)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        run(arena_format(&arena,
                         COMPILE "-std=c17 -Wall -Wextra -Werror " VARVE_SOURCE_DIR "/docs/example.c -o example%d %s",
                         (int)i, ways[i])
                .data);
        str needs = run(arena_format(&arena, "readelf -d example%d", (int)i).data);
        bool shared = memmem(needs.data, needs.len, "[libvarve.so.", 13) != NULL;
        cr_expect(shared == (i == 0), "%.*s", STR_ARG(needs));
        str output = run(arena_format(&arena, "rm -rf data && ./example%d 2>log && ./example%d 2>log", (int)i, (int)i)
                             .data); /* the second time all is there already */
        cr_expect(str_equal(output, STR("1000 20.5\n2000 20.75\n3000 21\n1000 20.5\n2000 20.75\n3000 21\n")), "%.*s",
                  STR_ARG(output));
    }
}

Test(install, headers_are_cpp_too, .init = enter, .fini = leave)
{
    must(folder_write_file("version.cc", STR("#include <tsdb/db.h>\n"
                                             "int main() { return db_options_default().fs != nullptr; }\n")));
    run(COMPILE "-x c++ -std=c++17 -Wall -Wextra -Werror version.cc -o version $(pkg-config --libs libvarve) -lstdc++ "
                "&& ./version");
}

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* Names of the functions that the installed headers declare public, sorted, a line each. */
static str public_functions(void)
{
    str rest = run("cat $(find there -path '*/include/*' -name '*.h' ! -name public.h)");
    vec(str) names = {0};
    str text = STR("");

    while (rest.len) {
        str line = str_cut(&rest, '\n');
        if (!str_starts_with(line, STR("VARVE_PUBLIC "))) continue;
        size_t end = str_find(line, '('), begin = end;
        while (begin && line.data[begin - 1] != ' ' && line.data[begin - 1] != '*') begin--;
        vec_push(&names, str_part(line, begin, end - begin));
    }
    qsort(names.data, names.count, sizeof(str), compare_texts);
    vec_each (name, &names) text = arena_format(&arena, "%.*s%.*s\n", STR_ARG(text), STR_ARG(*name));
    vec_release(&names);
    return text;
}

/* Names with two underscores are the compiler's (sanitizers, coverage). */
Test(install, what_is_exported_is_what_is_public, .init = enter, .fini = leave)
{
    str exported = run("nm -D --defined-only --format=posix $(find there -name libvarve.so) | cut -d' ' -f1 | "
                       "grep -v '^__' | LC_ALL=C sort");
    str declared = public_functions();

    cr_expect(declared.len > 0);
    cr_expect(str_equal(exported, declared), "exported:\n%.*s\npublic:\n%.*s", STR_ARG(exported), STR_ARG(declared));
}
