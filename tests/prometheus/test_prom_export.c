#include "prometheus/prom_export.h"

#include "prometheus/prom_import.h"
#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"
#include "tests/support/folder.h"
#include "tests/tsdb/fixture.h"

static void ignore_part(void *context, const struct prom_progress *progress)
{
    (void)context, (void)progress;
}

static void ignore_block(void *context, const struct prom_meta *meta)
{
    (void)context, (void)meta;
}

static struct fs *make_folder(struct arena *arena)
{
    const char *path;
    struct fs *fs;

    must(folder_make_temporary(arena, &path));
    must(fs_open_folder(path, &fs));
    return fs;
}

static struct db *import_into(struct fs *from, struct fs *fs)
{
    struct prom_progress progress;
    struct db *db = fixture_open(fs);

    must(prom_import(from, db, ignore_part, NULL, &progress));
    return db;
}

/* In, out, in: the same to the bit. */
Test(prom_export, round_trip)
{
    struct arena arena = {0};
    struct fs *first = make_folder(&arena), *second = make_folder(&arena);
    struct fs *memories[] = {fs_memory_new(), fs_memory_new()};
    struct prom_export_request request = {.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    struct prom_export_total total = {0};

    for (int i = 0; i < 20; i++) fixture_block(first, 1700000000000 + (int64_t)i * 5000000, &arena);
    struct db *db = import_into(first, memories[0]);
    must(db_compact(db));
    str before = fixture_all(db, &arena);
    must(prom_export(db, &request, second, ignore_block, NULL, &total));
    fixture_close(db);
    cr_expect(total.blocks >= 2 && total.samples == 20 * FIXTURE_SERIES * FIXTURE_SAMPLES);
    db = import_into(second, memories[1]);
    cr_expect(str_equal(before, fixture_all(db, &arena)));
    fixture_close(db);
    for (int i = 0; i < 2; i++) fs_release(memories[i]);
    fs_release(first);
    fs_release(second);
    arena_release(&arena);
}

/* Only what is asked for: times that belong to it, series that any selector finds, each once. */
Test(prom_export, selects)
{
    struct arena arena = {0};
    struct fs *to = make_folder(&arena), *memory = fs_memory_new(), *again = fs_memory_new();
    struct matcher one[8], other[8];
    struct db *db = fixture_open(memory);
    struct prom_export_total total = {0};

    for (int i = 0; i < 10; i++) {
        fixture_append(db, "up job=a", 1000 * i, i);
        fixture_append(db, "up job=b", 1000 * i, i);
        fixture_append(db, "down job=c", 1000 * i, i);
    }
    struct prom_selector selectors[] = {{one, fixture_matchers("job=~a|b", one, &arena)},
                                        {other, fixture_matchers("job=b", other, &arena)}};
    struct prom_export_request request = {selectors, 2, 3000, 5000};
    must(prom_export(db, &request, to, ignore_block, NULL, &total));
    cr_expect(total.blocks == 1 && total.series == 2 && total.samples == 6);
    fixture_close(db);
    db = import_into(to, again);
    str all = fixture_read(db, "__name__=~.+", INT64_MIN, INT64_MAX, &arena);
    cr_expect(str_equal(all, STR("up{job=\"a\"} 3@3000 4@4000 5@5000\nup{job=\"b\"} 3@3000 4@4000 5@5000")), "%.*s",
              STR_ARG(all));
    fixture_close(db);
    fs_release(to);
    fs_release(memory);
    fs_release(again);
    arena_release(&arena);
}

/* An empty range writes nothing. */
Test(prom_export, nothing_to_write)
{
    struct arena arena = {0};
    struct fs *to = make_folder(&arena), *memory = fs_memory_new();
    struct db *db = fixture_open(memory);
    struct prom_export_request request = {.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    struct prom_export_total total = {0};
    str *names;
    size_t count;

    must(prom_export(db, &request, to, ignore_block, NULL, &total));
    fixture_append(db, "up job=a", 1000, 1);
    request.from_ms = 2000;
    must(prom_export(db, &request, to, ignore_block, NULL, &total));
    must(fs_list_folders(to, "", &arena, &names, &count));
    cr_expect(total.blocks == 0 && count == 0);
    fixture_close(db);
    fs_release(to);
    fs_release(memory);
    arena_release(&arena);
}
