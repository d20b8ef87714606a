/* varve check. */
#include "storage/base/vec.h"
#include "storage/fs.h"
#include "tests/http/command.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <sys/stat.h>

static const struct command_case cases[] = {
    {"check data", 0,
     "checked block/00000004: 3 series, 6 samples\ndata: no faults; 1 blocks with 6 samples, 0 logs with"},
    {"check missing", 2, "varve: missing: No such file or directory\n"},
    {"check empty", 2, "varve: there is no data: the file state is missing\n"},
    {"check", 2, "varve: check takes one folder, or config or web-config and a file; see varve help check\n"},
    {"check data data", 2, "varve: check takes one folder, or config or web-config and a file; see varve help check\n"},
    {"check config good.yml", 0, "warning: line 2: rule_files is read over\n"},
    {"check config bad.yml", 1, "varve: bad.yml: line 1: unknown key golbal\n"},
    {"check web-config good.yml", 1, "varve: good.yml: line 1: unknown key global\n"},
    {"check web-config empty.yml", 0, ""},
    {"check config missing.yml", 1, "varve: missing.yml: No such file or directory\n"},
};

Test(check, outcomes, .init = command_enter, .fini = command_leave)
{
    cr_assert(mkdir("empty", 0777) == 0);
    must(folder_write_file("good.yml", STR("global: {external_labels: {a: b}}\nrule_files: []\n")));
    must(folder_write_file("bad.yml", STR("golbal: {}\n")));
    must(folder_write_file("empty.yml", STR("")));
    COMMAND_CHECK(cases);
}

/* Changes one byte in the middle of the only block. */
static void damage_block(struct arena *arena)
{
    struct fs *fs;
    struct file *file;
    str *names;
    size_t count;
    uint64_t bytes;
    uint8_t byte;

    must(fs_open_folder("data", &fs));
    must(fs_list(fs, "block", arena, &names, &count));
    cr_assert(count == 1);
    must(fs_open(fs, arena_format(arena, "block/%.*s", STR_ARG(names[0])).data, FS_WRITE, &file));
    must(file_size(file, &bytes));
    must(file_read(file, bytes / 2, &byte, 1));
    byte ^= 1;
    must(file_write(file, bytes / 2, &(struct fs_span){&byte, 1}, 1));
    file_close(file);
    fs_release(fs);
}

Test(check, damage_is_named, .init = command_enter, .fini = command_leave)
{
    struct arena arena = {0};
    int code;

    damage_block(&arena);
    str output = command_run("check data", &code, &arena);
    str_cut(&output, '\n'); /* what was checked */
    cr_expect(code == 1 && str_starts_with(output, STR("block/0000")), "%d %.*s", code, STR_ARG(output));
    str_cut(&output, '\n');
    cr_expect(str_starts_with(output, STR("data: 1 fault;")), "%.*s", STR_ARG(output));
    arena_release(&arena);
}
