/* varve backup, restore, freeze, compact. */
#include "tests/http/command.h"

static const struct command_case mistakes[] = {
    {"backup data", 1, "varve: backup takes a data folder and the folder of the backup\n"},
    {"restore a b c", 1, "varve: restore takes the folder of a backup and the data folder to make\n"},
    {"freeze", 1, "varve: freeze takes a data folder\n"},
    {"compact a b", 1, "varve: compact takes a data folder\n"},
    {"backup missing copy", 1, "varve: missing: No such file or directory\n"},
    {"compact missing", 1, "varve: missing: No such file or directory\n"},
};

Test(folders, mistakes, .init = command_enter, .fini = command_leave)
{
    COMMAND_CHECK(mistakes);
}

static void expect_run(const char *words, int code, const char *part)
{
    struct arena arena = {0};
    int got;
    str output = command_run(words, &got, &arena);

    cr_expect(got == code && strstr(arena_copy_str(&arena, output).data, part), "%s: %d %.*s", words, got,
              STR_ARG(output));
    arena_release(&arena);
}

Test(folders, there_and_back, .init = command_enter, .fini = command_leave)
{
    expect_run("freeze data", 0, "data: 1 blocks, 6 samples, ");
    expect_run("backup data copy", 0, "copy: 1 blocks, 1 of them copied now (");
    expect_run("backup data copy", 0, "copy: 1 blocks, 0 of them copied now (0 bytes), 0 removed\n");
    expect_run("restore copy data", 1, "varve: the target holds data already; give an empty folder\n");
    expect_run("restore copy again", 0, "again: 1 blocks, 1 of them copied now (");
    expect_run("compact again", 0, "again: 1 blocks, 6 samples, ");
    expect_run("query instant --storage.tsdb.path=again --time=4 'count({__name__=~\".+\"})'", 0, "=> 3 @[4]");
    expect_run("check copy", 0, "");
}
