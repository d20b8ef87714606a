#include "prometheus/prom_import.h"

#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"
#include "tests/support/folder.h"
#include "tests/tsdb/fixture.h"

static void count_parts(void *context, const struct prom_progress *progress)
{
    cr_expect(progress->done <= progress->parts && progress->part[0]);
    ++*(uint32_t *)context;
}

static void enter(struct arena *arena, struct fs **from)
{
    const char *path;

    must(folder_make_temporary(arena, &path));
    must(fs_open_folder(path, from));
}

/* Blocks of a folder in the order of time; a second time the data stays the same. */
Test(prom_import, takes_blocks_once)
{
    struct arena arena = {0};
    struct prom_progress progress;
    struct fs *from, *fs = fs_memory_new();
    uint32_t parts = 0;

    enter(&arena, &from);
    for (int i = 0; i < 3; i++) fixture_block(from, 1700000000000 + i * 5000000, &arena);
    struct db *db = fixture_open(fs);
    must(prom_import(from, db, count_parts, &parts, &progress));
    cr_expect(parts == 3 && progress.parts == 3 && progress.total.samples == 3 * FIXTURE_SERIES * FIXTURE_SAMPLES);
    str once = fixture_all(db, &arena);
    must(prom_import(from, db, count_parts, &parts, &progress));
    cr_expect(str_equal(once, fixture_all(db, &arena)));
    must(db_compact(db));
    cr_expect(str_equal(once, fixture_all(db, &arena)));
    fixture_close(db);
    fs_release(from);
    fs_release(fs);
    arena_release(&arena);
}

/* A block by itself is taken, too. */
Test(prom_import, takes_a_block)
{
    struct fs *from = fixture_block_in_memory(0), *fs = fs_memory_new();
    struct arena arena = {0};
    struct prom_progress progress;
    uint32_t parts = 0;

    static const char *const folders[][2] = {{"b", ""}, {"b/chunks", "chunks/"}};
    for (int k = 0; k < 2; k++) {
        str *names;
        size_t count;
        must(fs_list(from, folders[k][0], &arena, &names, &count));
        for (size_t i = 0; i < count; i++) {
            const char *name = arena_format(&arena, "%s/%.*s", folders[k][0], STR_ARG(names[i])).data;
            str content = fixture_get(from, name, &arena);
            name = arena_format(&arena, "%s%.*s", folders[k][1], STR_ARG(names[i])).data;
            fixture_put(from, name, content.data, content.len);
        }
    }
    struct db *db = fixture_open(fs);
    must(prom_import(from, db, count_parts, &parts, &progress));
    cr_expect(parts == 1);
    fixture_close(db);
    fs_release(from);
    fs_release(fs);
    arena_release(&arena);
}

Test(prom_import, refuses_what_it_can_not_have)
{
    struct arena arena = {0};
    struct prom_progress progress;
    struct fs *from, *again, *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    const char *path;

    must(folder_make_temporary(&arena, &path));
    must(fs_open_folder(path, &from));
    status s = prom_import(from, db, count_parts, NULL, &progress);
    cr_expect(s.code == STATUS_NOT_FOUND && strstr(s.text, "no block"), "%s", s.text);
    must(fs_open_folder(path, &again));
    must(fs_lock(again, "lock")); /* as a Prometheus does */
    s = prom_import(from, db, count_parts, NULL, &progress);
    cr_expect(s.code == STATUS_UNAVAILABLE && strstr(s.text, "Prometheus that is running"), "%s", s.text);
    fs_release(again);
    fs_release(from);
    fixture_close(db);
    fs_release(fs);
    arena_release(&arena);
}
