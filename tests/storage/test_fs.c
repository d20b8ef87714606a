/* What every file system promises, asked of all kinds: the real folder, the one in memory, the faulty one at rest. */
#include "storage/fs.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/storage/random.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <errno.h>
#include <stdio.h>

enum kind { KIND_FOLDER, KIND_MEMORY, KIND_FAULTY, KINDS };

static const char *const kind_names[] = {"folder", "memory", "faulty"};

struct place {
    struct arena arena;
    struct fs *fs, *inner;
    const char *kind;
};

static struct place open_place(enum kind kind)
{
    struct place place = {.kind = kind_names[kind]};
    const char *path;

    arena_init(&place.arena, NULL);
    if (kind == KIND_FOLDER) {
        must(folder_make_temporary(&place.arena, &path));
        must(fs_open_folder(path, &place.fs));
    } else {
        place.fs = fs_memory_new();
    }
    if (kind == KIND_FAULTY) {
        place.inner = place.fs;
        place.fs = fs_faulty_new(place.inner);
    }
    must(fs_make_folder(place.fs, "wal"));
    return place;
}

static void close_place(struct place *place)
{
    fs_release(place->fs);
    fs_release(place->inner);
    arena_release(&place->arena);
}

static void write_text(struct place *place, const char *name, const char *text)
{
    struct file *file;

    must(fs_open(place->fs, name, FS_REPLACE, &file));
    must(file_write(file, 0, &(struct fs_span){text, strlen(text)}, 1));
    file_close(file);
}

static bool has_text(struct place *place, const char *name, const char *text)
{
    str content;

    return !failed(fs_read_file(place->fs, name, 1000, &place->arena, &content)) && str_equal(content, str_from(text));
}

/* Runs a check for each kind of file system. */
static void for_all_kinds(void (*check)(struct place *place))
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct place place = open_place((enum kind)kind);
        check(&place);
        close_place(&place);
    }
}

static void check_modes(struct place *place)
{
    static const struct {
        enum fs_mode mode;
        bool exists;
        enum status_code expected;
        uint64_t size;
        bool writable;
    } rows[] = {
        {FS_READ, false, STATUS_NOT_FOUND, 0, false}, {FS_WRITE, false, STATUS_NOT_FOUND, 0, false},
        {FS_CREATE, false, STATUS_OK, 0, true},       {FS_REPLACE, false, STATUS_OK, 0, true},
        {FS_READ, true, STATUS_OK, 3, false},         {FS_WRITE, true, STATUS_OK, 3, true},
        {FS_CREATE, true, STATUS_EXISTS, 0, false},   {FS_REPLACE, true, STATUS_OK, 0, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        struct file *file;
        uint64_t size;
        snprintf(name, sizeof name, "wal/file-%zu", i);
        if (rows[i].exists) write_text(place, name, "old");
        status s = fs_open(place->fs, name, rows[i].mode, &file);
        cr_assert(s.code == rows[i].expected, "%s, row %zu: %s", place->kind, i, s.text);
        if (failed(s)) {
            cr_expect(strstr(s.text, name), "the error names the file: %s", s.text);
            continue;
        }
        cr_expect(!failed(file_size(file, &size)) && size == rows[i].size, "%s, row %zu", place->kind, i);
        s = file_write(file, 0, &(struct fs_span){"new", 3}, 1);
        cr_expect(!failed(s) == rows[i].writable, "%s, row %zu: %s", place->kind, i, s.text);
        file_close(file);
        cr_expect(has_text(place, name, rows[i].writable ? "new" : "old"), "%s, row %zu", place->kind, i);
    }
    file_close(NULL);
}

Test(fs, modes)
{
    for_all_kinds(check_modes);
}

/* Random writes of random spans, truncations and allocations, beside an array that does the same. */
static void check_contents(struct place *place)
{
    enum { SIZE_MAX_ = 30000, SPANS_MAX = 150 };
    static uint8_t twin[SIZE_MAX_], source[SIZE_MAX_], read[SIZE_MAX_];
    struct fs_span spans[SPANS_MAX];
    struct file *file;
    uint64_t size = 0, now, random = 11;

    memset(twin, 0, sizeof twin);
    random_fill(&random, source, sizeof source);
    must(fs_open(place->fs, "wal/file", FS_CREATE, &file));
    for (int round = 0; round < 300; round++) {
        uint64_t at = random_below(&random, SIZE_MAX_);
        unsigned what = random_below(&random, 10);
        if (what == 0) {
            must(file_truncate(file, at));
            if (at < size) memset(twin + at, 0, size - at);
            size = at;
        } else if (what == 1 && at > 0) {
            must(file_allocate(file, at));
            if (at > size) size = at;
        } else {
            size_t count = random_below(&random, SPANS_MAX), total = 0;
            for (size_t i = 0; i < count; i++) {
                size_t bytes = random_below(&random, 300);
                if (at + total + bytes > SIZE_MAX_) bytes = 0;
                spans[i] = (struct fs_span){bytes ? source + random_below(&random, SIZE_MAX_ - bytes) : NULL, bytes};
                if (bytes) memcpy(twin + at + total, spans[i].data, bytes);
                total += bytes;
            }
            must(file_write(file, at, spans, count));
            if (total && at + total > size) size = at + total;
        }
        must(file_size(file, &now));
        cr_assert(now == size, "%s: %d bytes, expected %d", place->kind, (int)now, (int)size);
        must(file_read(file, 0, read, size));
        cr_assert(memcmp(read, twin, size) == 0, "%s: contents differ in round %d", place->kind, round);
    }
    must(file_sync(file));
    file_close(file);
}

Test(fs, contents_agree_with_an_array)
{
    for_all_kinds(check_contents);
}

static void check_ends(struct place *place)
{
    static const struct {
        uint64_t at;
        size_t bytes;
        bool good;
    } rows[] = {{0, 3, true},  {3, 0, true},     {2, 1, true}, {0, 4, false},
                {3, 1, false}, {1000, 1, false}, {1, 3, false}};
    struct file *file;
    char out[8];

    write_text(place, "wal/file", "abc");
    must(fs_open(place->fs, "wal/file", FS_READ, &file));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        status s = file_read(file, rows[i].at, out, rows[i].bytes);
        cr_expect(s.code == (rows[i].good ? STATUS_OK : STATUS_CORRUPT), "%s, row %zu: %s", place->kind, i, s.text);
        cr_expect(rows[i].good || strstr(s.text, "wal/file"), "%s", s.text);
    }
    file_close(file);
}

Test(fs, a_file_that_ends_too_soon_is_corrupt)
{
    for_all_kinds(check_ends);
}

static void check_names(struct place *place)
{
    struct fs *fs = place->fs;

    write_text(place, "a", "1");
    write_text(place, "b", "2");
    must(fs_rename(fs, "a", "b"));
    cr_expect(!has_text(place, "a", "1") && has_text(place, "b", "1"), "%s: a rename replaces", place->kind);
    must(fs_rename(fs, "b", "b"));
    cr_expect(has_text(place, "b", "1"), "%s: a file may be given the name it has", place->kind);
    must(fs_rename(fs, "b", "wal/b"));
    must(fs_link(fs, "wal/b", "c"));
    cr_expect(has_text(place, "wal/b", "1") && has_text(place, "c", "1"), "%s: two names of one file", place->kind);
    write_text(place, "c", "3");
    cr_expect(has_text(place, "wal/b", "3"), "%s: what is written under one name is there under the other",
              place->kind);
    write_text(place, "d", "4");
    cr_expect(fs_link(fs, "c", "d").code == STATUS_EXISTS && has_text(place, "d", "4"), "%s: a link replaces nothing",
              place->kind);
    must(fs_unlink(fs, "wal/b"));
    cr_expect(!has_text(place, "wal/b", "3") && has_text(place, "c", "3"), "%s", place->kind);
    cr_expect(fs_rename(fs, "a", "e").code == STATUS_NOT_FOUND && fs_link(fs, "a", "e").code == STATUS_NOT_FOUND &&
                  fs_unlink(fs, "a").code == STATUS_NOT_FOUND,
              "%s", place->kind);
    must(fs_sync_folder(fs, ""));
    must(fs_sync_folder(fs, "wal"));
}

Test(fs, names)
{
    for_all_kinds(check_names);
}

static void check_open_files(struct place *place)
{
    struct file *file;
    char out[3];

    write_text(place, "wal/a", "abc");
    must(fs_open(place->fs, "wal/a", FS_READ, &file));
    must(fs_unlink(place->fs, "wal/a"));
    write_text(place, "wal/a", "xyz");
    must(file_read(file, 0, out, 3));
    cr_expect(memcmp(out, "abc", 3) == 0, "%s: an open file outlives its name", place->kind);
    file_close(file);
}

Test(fs, open_files_outlive_their_names)
{
    for_all_kinds(check_open_files);
}

static void check_lists(struct place *place)
{
    static const char *const names[] = {"wal/b", "wal/a", "wal/B", "wal/a0", "top", "wal/sub/deep", "walnut/x"};
    static const char *const expected[] = {"B", "a", "a0", "b"};
    struct arena *arena = &place->arena;
    str *found;
    size_t count;

    must(fs_make_folder(place->fs, "wal"));
    must(fs_make_folder(place->fs, "wal/sub"));
    must(fs_make_folder(place->fs, "walnut"));
    must(fs_list(place->fs, "wal", arena, &found, &count));
    cr_expect(count == 0, "%s: folders are not listed", place->kind);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) write_text(place, names[i], "");
    must(fs_list(place->fs, "wal", arena, &found, &count));
    cr_assert(count == 4, "%s: %zu names", place->kind, count);
    for (size_t i = 0; i < 4; i++) cr_expect(str_equal(found[i], str_from(expected[i])), "%s: %zu", place->kind, i);
    struct fs_entry *entries;
    write_text(place, "wal/b", "content");
    must(fs_entries(place->fs, "wal", arena, &entries, &count));
    cr_assert(count == 4 && str_equal(entries[3].name, STR("b")), "%s", place->kind);
    cr_expect(entries[0].bytes == 0 && entries[3].bytes >= 7 && entries[3].bytes < 1 << 20, "%s", place->kind);
    must(fs_list(place->fs, "", arena, &found, &count));
    cr_expect(count == 1 && str_equal(found[0], STR("top")), "%s", place->kind);
    must(fs_list(place->fs, "nowhere", arena, &found, &count));
    cr_expect(count == 0, "%s", place->kind);
    must(fs_list_folders(place->fs, "", arena, &found, &count));
    cr_expect(count == 2 && str_equal(found[0], STR("wal")) && str_equal(found[1], STR("walnut")), "%s", place->kind);
    must(fs_list_folders(place->fs, "wal", arena, &found, &count));
    cr_expect(count == 1 && str_equal(found[0], STR("sub")), "%s", place->kind);
    must(fs_list_folders(place->fs, "nowhere", arena, &found, &count));
    cr_expect(count == 0, "%s", place->kind);
    must(fs_unlink(place->fs, "wal/sub/deep"));
    must(fs_remove_folder(place->fs, "wal/sub"));
    must(fs_list_folders(place->fs, "wal", arena, &found, &count));
    cr_expect(count == 0, "%s", place->kind);
}

Test(fs, lists)
{
    for_all_kinds(check_lists);
}

static void check_whole_files(struct place *place)
{
    struct arena arena;
    str content;

    arena_init(&arena, NULL);
    must(fs_replace_file(place->fs, "state", STR("first")));
    must(fs_replace_file(place->fs, "wal/0", STR("")));
    must(fs_replace_file(place->fs, "state", STR("second")));
    must(fs_read_file(place->fs, "wal/0", 0, &arena, &content));
    cr_expect(content.len == 0, "%s", place->kind);
    must(fs_read_file(place->fs, "state", 6, &arena, &content));
    cr_expect(str_equal(content, STR("second")), "%s", place->kind);
    status s = fs_read_file(place->fs, "state", 5, &arena, &content);
    cr_expect(s.code == STATUS_LIMIT && strstr(s.text, "state has 6 bytes, at most 5"), "%s: %s", place->kind, s.text);
    cr_expect(fs_read_file(place->fs, "nothing", 5, &arena, &content).code == STATUS_NOT_FOUND, "%s", place->kind);
    uint64_t left;
    must(fs_free_bytes(place->fs, &left));
    cr_expect(left > 0, "%s", place->kind);
    must(fs_lock(place->fs, "lock"));
    arena_release(&arena);
}

Test(fs, whole_files)
{
    for_all_kinds(check_whole_files);
}

/* Whichever call fails and whatever a power cut leaves: the old content is there or the new one, whole. */
Test(fs, replacing_is_atomic)
{
    static const enum crash_model models[] = {CRASH_NONE, CRASH_STRICT, CRASH_PREFIX, CRASH_TORN, CRASH_ORDERED};
    static const unsigned every = FAULT_OPEN | FAULT_CHANGES;
    str old = STR("an old content"), new = STR("and another, new and longer content");

    for (uint64_t k = 1; k < 8; k++) {
        for (uint64_t round = 0; round < 40; round++) {
            struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
            struct arena arena;
            str found;
            arena_init(&arena, NULL);
            must(fs_replace_file(fs, "state", old));
            fs_faulty_plan(fs, every, k, ENOSPC, 0);
            status s = fs_replace_file(fs, "state", new);
            cr_expect(failed(s) == (k <= 5), "call %d: %s", (int)k, s.text);
            fs_memory_crash(disk, models[round % 5], round);
            must(fs_read_file(disk, "state", 1000, &arena, &found));
            cr_expect(str_equal(found, new) || (failed(s) && str_equal(found, old)), "call %d, round %d: \"%.*s\"",
                      (int)k, (int)round, STR_ARG(found));
            arena_release(&arena);
            fs_release(fs);
            fs_release(disk);
        }
    }
}
