/* varve dump: what is in the files of a data folder, readable. */
#include "http/main/dump.h"
#include "http/main/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "DIR/block/00000012" is the name "block/00000012" in the folder DIR; without a DIR, in the one we are in. */
static status open_file(const char *path, struct dump_file *out, struct arena *arena)
{
    struct stat found;
    str text = str_from(path);
    size_t slashes = 0, at = text.len;

    *out = (struct dump_file){.path = path};
    if (stat(path, &found) != 0) return status_errno(errno, path);
    while (at > 0 && (slashes += text.data[at - 1] == '/') < 2) at--;
    if (slashes == 0)
        return status_make(STATUS_INVALID, "%s: name the file with its folder, as in data/block/00000012", path);
    out->name = arena_copy_str(arena, str_part(text, at, text.len));
    str folder = at > 1 ? str_part(text, 0, at - 1) : at == 1 ? STR("/") : STR(".");
    return fs_open_folder(arena_copy_str(arena, folder).data, &out->fs);
}

static status dump_one(const char *kind, const char *path, const char *series, size_t *findings)
{
    struct dump_file file;
    struct arena arena = {0};

    status s = open_file(path, &file, &arena);
    if (failed(s)) {
    } else if (strcmp(kind, "wal") == 0) {
        s = dump_wal(&file, findings);
    } else if (strcmp(kind, "block") == 0) {
        s = dump_block(&file, findings);
    } else {
        s = dump_chunks(&file, str_from(series), findings);
    }
    fs_release(file.fs);
    arena_release(&arena);
    return s;
}

int command_dump(int count, char *const *arguments)
{
    const char *kind = count > 0 ? arguments[0] : "";
    bool chunk = strcmp(kind, "chunk") == 0, known = chunk || strcmp(kind, "wal") == 0 || strcmp(kind, "block") == 0;
    int outcome = EXIT_CLEAN;

    if (!known || count < 2 || (chunk && count != 3)) {
        command_fail("dump takes wal or block and files, or chunk, a block's file and the number of a series; see "
                     "varve help dump");
        return EXIT_COULD_NOT_LOOK;
    }
    for (int i = 1; i < (chunk ? 2 : count); i++) {
        size_t findings = 0;
        status s = dump_one(kind, arguments[i], chunk ? arguments[2] : "", &findings);
        if (failed(s)) {
            fflush(stdout);
            command_fail(s.text);
            outcome = EXIT_COULD_NOT_LOOK;
        } else if (findings && outcome == EXIT_CLEAN) {
            outcome = EXIT_FINDINGS;
        }
    }
    return outcome;
}
