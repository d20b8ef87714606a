/* Checkpoints: a data folder of links, complete or not one at all. */
#include "tsdb/db_internal.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"

#include <errno.h>
#include <stdio.h>

static void fill(struct db *db)
{
    for (int i = 0; i < 3; i++) {
        fixture_append(db, "up job=a", 1000 * i, i);
        if (i < 2) must(db_freeze(db));
    }
}

static str all_of(struct db *db, struct arena *arena)
{
    return fixture_read(db, "__name__!=x", INT64_MIN, INT64_MAX, arena);
}

Test(db_checkpoint, is_a_data_folder)
{
    struct arena arena;
    const char *path;
    struct fs *fs, *inner;
    struct db *db, *copy;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    must(folder_make_temporary(&arena, &path));
    must(fs_open_folder(path, &fs));
    db = fixture_open(fs);
    fill(db);
    must(db_checkpoint(db, "snapshots/blocks", false));
    str in_blocks = fixture_read(db, "__name__!=x", INT64_MIN, 1000, &arena);
    must(db_checkpoint(db, "snapshots/all", true));
    str before = all_of(db, &arena);
    fixture_append(db, "up job=a", 9000, 9);
    must(db_compact(db)); /* the files it was made of stay, by their other names */
    static const char *const names[] = {"snapshots/all", "snapshots/blocks"};
    for (int i = 0; i < 2; i++) {
        must(fs_open_folder(arena_format(&arena, "%s/%s", path, names[i]).data, &inner));
        copy = fixture_open(inner);
        str got = all_of(copy, &arena);
        cr_expect(str_equal(got, i ? in_blocks : before), "%s: %.*s", names[i], STR_ARG(got));
        must(db_close(copy));
        fs_release(inner);
    }
    cr_expect(db_checkpoint(db, arena_format(&arena, "snapshots/%0300d", 1).data, true).code == STATUS_INVALID);
    must(db_close(db));
    fs_release(fs);
    arena_release(&arena);
}

/* One that failed has no state. */
Test(db_checkpoint, every_call_may_fail)
{
    bool finished = false;
    struct state state;

    log_set_sink(fixture_quiet, NULL);
    for (uint64_t k = 1; !finished; k++) {
        struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
        struct db *db = fixture_open(fs);
        fill(db);
        fs_faulty_plan(fs, FAULT_CHANGES | FAULT_SYNC | FAULT_SYNC_FOLDER, k, EIO, 0);
        finished = !failed(db_checkpoint(db, "snapshots/x", true));
        fs_memory_crash(disk, CRASH_STRICT, k);
        status s = state_load_from(disk, "snapshots/x/state", &state);
        if (finished) {
            must(s);
            cr_expect(state.blocks.count == 3 && state.heads.count == 0);
        }
        for (size_t i = 0; !failed(s) && i < state.blocks.count; i++) {
            char name[64];
            struct file *file;
            snprintf(name, sizeof name, "snapshots/x/block/%08u", state.blocks.data[i].number);
            must(fs_open(disk, name, FS_READ, &file));
            file_close(file);
        }
        if (!failed(s)) state_release(&state);
        db_abandon(db);
        fs_release(fs);
        fs_release(disk);
        cr_assert(k < 200);
    }
}
