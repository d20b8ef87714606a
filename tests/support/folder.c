/* Folders and small files for the length of a test; see folder.h. */
#include "tests/support/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_FOLDERS_MAX = 16 };

static void remove_path(void *path)
{
    folder_remove(path);
}

status folder_make_temporary(struct arena *arena, const char **out)
{
    const char *base = getenv("TMPDIR");
    str text = arena_format(arena, "%s/varve-test-XXXXXX", base && *base ? base : "/tmp");
    char *path = arena_alloc(arena, text.len + 1);

    memcpy(path, text.data, text.len);
    path[text.len] = 0;
    if (!mkdtemp(path)) return status_errno(errno, path);
    arena_defer(arena, remove_path, path);
    *out = path;
    return ok();
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about, (void)kind, (void)place;
    remove(path);
    return 0;
}

void folder_remove(const char *path)
{
    nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}

status folder_read_file(const char *path, struct arena *arena, str *out)
{
    FILE *file = fopen(path, "rb");
    long bytes = -1;

    if (!file) return status_errno(errno, path);
    if (fseek(file, 0, SEEK_END) == 0) bytes = ftell(file);
    rewind(file);
    char *text = arena_alloc(arena, bytes > 0 ? (size_t)bytes : 1);
    bool is_read = bytes >= 0 && fread(text, 1, (size_t)bytes, file) == (size_t)bytes;
    fclose(file);
    if (!is_read) return status_make(STATUS_IO, "can not read %s", path);
    *out = str_make(text, (size_t)bytes);
    return ok();
}

status folder_write_file(const char *path, str content)
{
    FILE *file = fopen(path, "wb");

    if (!file) return status_errno(errno, path);
    bool is_written = fwrite(content.data, 1, content.len, file) == content.len;
    if (fclose(file) != 0 || !is_written) return status_make(STATUS_IO, "can not write %s", path);
    return ok();
}
