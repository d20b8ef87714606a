/* queries.active: what is in it while queries run, and what the next process tells of it. */
#include "http/active_file.h"

#include "storage/base/arena.h"
#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tests/http/harness.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <stdio.h>

static struct arena arena;
static str lines;

static void keep_line(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    lines = arena_format(&arena, "%.*s%.*s\n", STR_ARG(lines), STR_ARG(line));
}

static void init(void)
{
    arena_init(&arena, NULL);
    lines = STR("");
    log_set_sink(keep_line, NULL);
    clock_hold(1700000000999);
}

static void fini(void)
{
    log_set_sink(NULL, NULL);
    clock_release();
    arena_release(&arena);
}

static str read_file(const char *folder)
{
    static char bytes[8192];
    str path = arena_format(&arena, "%s/queries.active", folder);
    FILE *file = fopen(path.data, "r");

    cr_assert(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return str_make(bytes, count);
}

Test(active_file, what_a_crash_leaves_is_told, .init = init, .fini = fini)
{
    struct active_file *file;
    const char *folder;

    must(folder_make_temporary(&arena, &folder));
    must(active_file_open(str_from(folder), 3, &file));
    int a = active_file_add(file, STR("up{a=\"b\"}")), b = active_file_add(file, STR("sum(x)"));
    int c = active_file_add(file, STR("gone"));
    cr_expect(a == 0 && b == 1 && c == 2 && active_file_add(file, STR("no room")) < 0);
    active_file_remove(file, c);
    active_file_remove(file, -1);
    str bytes = read_file(folder);
    cr_expect(bytes.len == 3001 &&
              str_starts_with(bytes, STR("[{\"query\":\"up{a=\\\"b\\\"}\",\"timestamp_sec\":1700000000},\0")));
    cr_expect(str_starts_with(str_part(bytes, 1001, bytes.len), STR("{\"query\":\"sum(x)\",")));
    cr_expect(bytes.data[2001] == '\0');
    active_file_close(file); /* the entries stay, as when the process ends */
    cr_expect(lines.len == 0);
    must(active_file_open(str_from(folder), 1, &file));
    cr_expect(contains(lines,
                       "msg=\"a query was running when the last process ended\" entry=\"{\\\"query\\\":\\\"up{a="),
              "%.*s", STR_ARG(lines));
    cr_expect(contains(lines, "sum(x)") && contains(lines, "1700000000") && !contains(lines, "gone"));
    lines = STR("");
    active_file_close(file);
    must(active_file_open(str_from(folder), 1, &file));
    cr_expect(lines.len == 0, "%.*s", STR_ARG(lines));
    active_file_close(file);
}

Test(active_file, long_queries_are_cut, .init = init, .fini = fini)
{
    struct active_file *file;
    const char *folder;
    char query[5000];

    must(folder_make_temporary(&arena, &folder));
    must(active_file_open(str_from(folder), 2, &file));
    for (size_t i = 0; i < sizeof query; i++) query[i] = i % 3 ? '"' : (char)0xc3;
    cr_expect(active_file_add(file, str_make(query, sizeof query)) == 0);
    cr_expect(active_file_add(file, STR("next")) == 1);
    str bytes = read_file(folder);
    size_t len = strnlen(bytes.data, bytes.len);
    cr_expect(len < 1001 && str_ends_with(str_part(bytes, 0, len), STR("\",\"timestamp_sec\":1700000000},")));
    active_file_close(file);
    cr_expect(failed(active_file_open(STR("/nowhere"), 2, &file)));
}

Test(active_file, anything_may_be_in_it, .init = init, .fini = fini)
{
    static const char *const files[] = {"", "[", "{", "[{\"query\":\"", "{{{{{{", "[{\"query\":\"x", "\0\0\0"};
    struct active_file *file;
    const char *folder;

    must(folder_make_temporary(&arena, &folder));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        must(folder_write_file(arena_format(&arena, "%s/queries.active", folder).data, str_from(files[i])));
        must(active_file_open(str_from(folder), 2, &file));
        active_file_close(file);
    }
}
