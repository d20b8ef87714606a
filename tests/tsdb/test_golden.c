/* Folders that earlier versions wrote (tests/golden): today's code answers from each what was put into it then. */
#include "storage/base/log.h"
#include "storage/fs_memory.h"
#include "tests/golden/answers.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"

#include <stdio.h>

#ifndef VARVE_SOURCE_DIR
#error "VARVE_SOURCE_DIR names the project's folder"
#endif

enum { FILE_BYTES_MAX = 4 << 20 };

static struct arena arena;

static void init(void)
{
    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
}

static void fini(void)
{
    arena_release(&arena);
}

static void copy_files(struct fs *from, struct fs *to, const char *folder)
{
    str *names;
    size_t count;

    must(fs_list(from, folder, &arena, &names, &count));
    if (count && folder[0]) must(fs_make_folder(to, folder));
    for (size_t i = 0; i < count; i++) {
        str name = arena_format(&arena, "%s%s%.*s", folder, folder[0] ? "/" : "", STR_ARG(names[i])), content;
        must(fs_read_file(from, name.data, FILE_BYTES_MAX, &arena, &content));
        must(fs_replace_file(to, name.data, content));
    }
}

/* A copy of the data of a golden folder. */
static struct fs *copy_data(unsigned number)
{
    static const char *const folders[] = {"", "block", "wal", "registry"};
    struct fs *from, *to = fs_memory_new();

    must(fs_open_folder(arena_format(&arena, "%s/tests/golden/%u/data", VARVE_SOURCE_DIR, number).data, &from));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) copy_files(from, to, folders[i]);
    fs_release(from);
    return to;
}

static str answers_of(struct db *db)
{
    struct golden_answers answers;
    struct writer text = {0};

    golden_init(&answers);
    must(golden_read(db, &answers));
    golden_print(&answers, &text);
    str copy = arena_copy_str(&arena, str_make((const char *)text.data, text.count));
    writer_release(&text);
    golden_release(&answers);
    return copy;
}

static void expect_lines(str expected, str got, const char *when)
{
    while (expected.len || got.len) {
        str want = str_cut(&expected, '\n'), line = str_cut(&got, '\n');
        cr_assert(str_equal(want, line), "%s: \"%.*s\", expected \"%.*s\"", when, STR_ARG(line), STR_ARG(want));
    }
}

static void test_folder(unsigned number)
{
    struct fs *fs = copy_data(number);
    str expected;

    must(folder_read_file(arena_format(&arena, "%s/tests/golden/%u/answers.txt", VARVE_SOURCE_DIR, number).data, &arena,
                          &expected));
    twin_check_folder(fs);
    struct db *db = fixture_open(fs);
    expect_lines(expected, answers_of(db), "opened");
    must(db_freeze(db));
    expect_lines(expected, answers_of(db), "frozen");
    must(db_compact(db));
    expect_lines(expected, answers_of(db), "merged");
    fixture_close(db);
    twin_check_folder(fs);
    db = fixture_open(fs);
    expect_lines(expected, answers_of(db), "opened again");
    fixture_close(db);
    fs_release(fs);
}

Test(golden, block_format_2, .init = init, .fini = fini)
{
    test_folder(2);
}

Test(golden, block_format_3, .init = init, .fini = fini)
{
    test_folder(3);
}

Test(golden, block_format_4, .init = init, .fini = fini)
{
    test_folder(4);
}
