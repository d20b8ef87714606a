#include "prometheus/prom_block_write.h"

#include "prometheus/prom_block.h"
#include "storage/fs_faulty.h"
#include "tests/prometheus/fixture.h"
#include "tests/support/folder.h"

#include <errno.h>

static const str symbols[] = {STR("__name__"), STR("x")};
static const struct prom_pair pair = {0, 1};

static status write_series(struct fs *fs, const samples *from, struct prom_meta *meta)
{
    struct prom_block_writer *writer;

    TRY(prom_block_writer_open(fs, symbols, 2, PROM_SEGMENT_BYTES, &writer));
    status s = prom_block_writer_add(writer, &pair, 1, from);
    if (!failed(s)) return prom_block_writer_finish(writer, meta);
    prom_block_writer_abandon(writer);
    return s;
}

/* Written, read, written again: the same files but for their names. */
Test(prom_block_write, is_stable)
{
    struct arena arena = {0};
    const char *path;
    struct fs *fs;

    must(folder_make_temporary(&arena, &path));
    must(fs_open_folder(path, &fs));
    for (unsigned kind = 0; kind < FIXTURE_KINDS; kind++) {
        struct column_buffer buffer = {0}, again = {0};
        struct prom_meta metas[2];
        struct prom_block *block;
        fixture_samples(kind, 11, 1700000000000, 500, &buffer);
        samples from = columns_view(&buffer);
        must(write_series(fs, &from, &metas[0]));
        cr_expect(metas[0].samples == 500 && metas[0].min_ms == from.times_ms[0]);
        cr_expect(metas[0].end_ms == from.times_ms[499] + 1);
        must(prom_block_open(fs, metas[0].ulid, &block));
        struct import_source source = prom_block_source(block);
        must(source.read(source.context, 0, INT64_MIN, INT64_MAX, &again));
        prom_block_close(block);
        samples read = columns_view(&again);
        must(write_series(fs, &read, &metas[1]));
        static const char *const files[] = {"index", "chunks/000001"};
        for (int i = 0; i < 2; i++) {
            str one = fixture_get(fs, arena_format(&arena, "%s/%s", metas[0].ulid, files[i]).data, &arena);
            str two = fixture_get(fs, arena_format(&arena, "%s/%s", metas[1].ulid, files[i]).data, &arena);
            cr_expect(kind == 4 || kind == 5 || str_equal(one, two), "kind %u: %s differs", kind, files[i]);
        }
        column_buffer_release(&buffer);
        column_buffer_release(&again);
    }
    fs_release(fs);
    arena_release(&arena);
}

/* Whatever fails, nothing is left: no file, no folder. */
Test(prom_block_write, leaves_nothing_behind)
{
    struct arena arena = {0};
    struct column_buffer buffer = {0};
    struct fs *folder;
    const char *path;

    must(folder_make_temporary(&arena, &path));
    must(fs_open_folder(path, &folder));
    fixture_samples(1, 3, 0, 300, &buffer);
    samples from = columns_view(&buffer), none = {0};
    for (uint64_t k = 1;; k++) {
        struct fs *fs = fs_faulty_new(folder);
        struct prom_meta meta;
        str *names;
        size_t count;
        fs_faulty_plan(fs, FAULT_OPEN | FAULT_CHANGES, k, ENOSPC, 0);
        status s = write_series(fs, &from, &meta);
        bool was_hit = fs_faulty_count(fs) > 0;
        fs_release(fs);
        if (!was_hit) break;
        must(fs_list_folders(folder, "", &arena, &names, &count));
        cr_assert(failed(s) && count <= 1, "fault %llu: %zu folders", (unsigned long long)k, count);
        cr_assert(count == 0 || !str_ends_with(names[0], STR(".tmp-for-creation")), "fault %llu",
                  (unsigned long long)k);
        if (count) break; /* only the last step failed: the block is there */
    }
    struct prom_meta meta;
    must(write_series(folder, &none, &meta));
    cr_expect(meta.samples == 0);
    column_buffer_release(&buffer);
    fs_release(folder);
    arena_release(&arena);
}
