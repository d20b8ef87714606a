/* The file system in memory: each model of a power cut takes what it may and keeps what it must. */
#include "storage/fs_memory.h"

#include "tests/storage/random.h"
#include "tests/support/must.h"

#include <stdio.h>

static const enum crash_model models[] = {CRASH_NONE, CRASH_STRICT, CRASH_PREFIX, CRASH_TORN, CRASH_ORDERED};
static const char *const model_names[] = {"none", "strict", "prefix", "torn", "ordered"};
enum { MODELS = 5, SECTOR_BYTES = 512 };

static struct arena arena; /* of what is read back */

/* The content of a file; "-" if there is none of that name. */
static str content_of(struct fs *fs, const char *name)
{
    str content;

    return failed(fs_read_file(fs, name, 1 << 20, &arena, &content)) ? STR("-") : content;
}

static struct file *open_file(struct fs *fs, const char *name, enum fs_mode mode)
{
    struct file *file;

    must(fs_open(fs, name, mode, &file));
    return file;
}

static void write_at(struct file *file, uint64_t at, str text)
{
    must(file_write(file, at, &(struct fs_span){text.data, text.len}, 1));
}

Test(fs_memory, what_is_synced_stays)
{
    for (int m = 0; m < MODELS; m++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct fs *fs = fs_memory_new();
            struct file *file = open_file(fs, "wal/0", FS_CREATE);
            write_at(file, 0, STR("synced"));
            must(file_sync(file));
            must(fs_sync_folder(fs, "wal"));
            must(fs_replace_file(fs, "state", STR("old")));
            write_at(file, 6, STR(" and not"));
            must(fs_rename(fs, "state", "other"));
            fs_memory_crash(fs, models[m], seed);
            file_close(file);
            cr_expect(str_starts_with(content_of(fs, "wal/0"), STR("synced")), "%s", model_names[m]);
            str left = content_of(fs, "state"), moved = content_of(fs, "other");
            cr_expect(str_equal(left, STR("old")) + str_equal(moved, STR("old")) == 1, "%s: a rename is there or not",
                      model_names[m]);
            fs_release(fs);
        }
    }
}

Test(fs_memory, strict_takes_all_that_is_not_synced)
{
    struct fs *fs = fs_memory_new();
    struct file *file = open_file(fs, "a", FS_CREATE);

    write_at(file, 0, STR("one"));
    must(file_sync(file));
    must(fs_sync_folder(fs, ""));
    write_at(file, 1, STR("UT"));
    must(file_truncate(file, 2));
    file_close(open_file(fs, "unnamed", FS_CREATE));
    must(fs_rename(fs, "a", "b"));
    must(fs_link(fs, "b", "c"));
    fs_memory_crash(fs, CRASH_STRICT, 1);
    file_close(file);
    cr_expect(str_equal(content_of(fs, "a"), STR("one")) && str_equal(content_of(fs, "b"), STR("-")));
    cr_expect(str_equal(content_of(fs, "c"), STR("-")) && str_equal(content_of(fs, "unnamed"), STR("-")));

    must(fs_unlink(fs, "a"));
    cr_expect(str_equal(content_of(fs, "a"), STR("-")));
    fs_memory_crash(fs, CRASH_STRICT, 1);
    cr_expect(str_equal(content_of(fs, "a"), STR("one")), "a name that went comes back");
    must(fs_unlink(fs, "a"));
    must(fs_sync_folder(fs, ""));
    fs_memory_crash(fs, CRASH_STRICT, 1);
    cr_expect(str_equal(content_of(fs, "a"), STR("-")), "unless the folder was synced");
    fs_release(fs);
}

Test(fs_memory, none_takes_nothing)
{
    struct fs *fs = fs_memory_new();
    struct file *file = open_file(fs, "a", FS_CREATE);
    uint64_t size;

    write_at(file, 0, STR("one"));
    must(fs_rename(fs, "a", "b"));
    fs_memory_crash(fs, CRASH_NONE, 1);
    cr_expect(str_equal(content_of(fs, "b"), STR("one")) && str_equal(content_of(fs, "a"), STR("-")));
    cr_expect(file_write(file, 0, &(struct fs_span){"x", 1}, 1).code == STATUS_IO, "files of before are dead");
    cr_expect(file_sync(file).code == STATUS_IO && file_truncate(file, 0).code == STATUS_IO);
    cr_expect(file_allocate(file, 9).code == STATUS_IO && file_read(file, 0, &size, 1).code == STATUS_IO);
    file_close(file);
    cr_expect(str_equal(content_of(fs, "b"), STR("one")));
    fs_release(fs);
}

/* Single letters appended to two files in turn: "a" gets A, C, E …, "b" gets B, D, F … */
static void write_letters(struct fs *fs, struct file *files[2])
{
    files[0] = open_file(fs, "a", FS_CREATE);
    files[1] = open_file(fs, "b", FS_CREATE);
    must(fs_sync_folder(fs, ""));
    for (uint64_t i = 0; i < 20; i++) {
        char letter = (char)('A' + i);
        write_at(files[i % 2], i / 2, str_make(&letter, 1));
    }
}

/* How many letters of the file are left; they are the first ones. */
static unsigned letters_left(struct fs *fs, const char *name, unsigned parity)
{
    str content = content_of(fs, name);

    for (size_t i = 0; i < content.len; i++)
        cr_assert(content.data[i] == (char)('A' + 2 * i + parity), "no prefix: %.*s", STR_ARG(content));
    return (unsigned)content.len;
}

Test(fs_memory, prefix_takes_all_after_one_moment)
{
    unsigned outcomes = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fs *fs = fs_memory_new();
        struct file *files[2];
        write_letters(fs, files);
        fs_memory_crash(fs, CRASH_PREFIX, seed);
        unsigned a = letters_left(fs, "a", 0), b = letters_left(fs, "b", 1);
        cr_expect(a == b || a == b + 1, "%u letters and %u: not one moment", a, b);
        outcomes |= 1u << (a + b);
        file_close(files[0]);
        file_close(files[1]);
        fs_release(fs);
    }
    cr_expect(__builtin_popcount(outcomes) >= 8, "few outcomes: %x", outcomes);
}

Test(fs_memory, ordered_takes_from_each_file_on_its_own)
{
    unsigned apart = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fs *fs = fs_memory_new();
        struct file *files[2];
        write_letters(fs, files);
        fs_memory_crash(fs, CRASH_ORDERED, seed);
        unsigned a = letters_left(fs, "a", 0), b = letters_left(fs, "b", 1);
        apart += a > b + 1 || b > a;
        file_close(files[0]);
        file_close(files[1]);
        fs_release(fs);
    }
    cr_expect(apart > 20, "files are cut at one moment");
}

/* Ten sectors of 'o' are durable and written over with 'n': each sector is of one kind, in every mixture. */
Test(fs_memory, torn_takes_sectors)
{
    static char old[10 * SECTOR_BYTES], new[10 * SECTOR_BYTES];
    unsigned kept[10] = {0}, mixed = 0;

    memset(old, 'o', sizeof old);
    memset(new, 'n', sizeof new);
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fs *fs = fs_memory_new();
        struct file *file;
        unsigned news = 0;
        must(fs_replace_file(fs, "a", str_make(old, sizeof old)));
        file = open_file(fs, "a", FS_WRITE);
        write_at(file, 0, str_make(new, sizeof new));
        fs_memory_crash(fs, CRASH_TORN, seed);
        file_close(file);
        str content = content_of(fs, "a");
        cr_assert(content.len == sizeof old);
        for (size_t s = 0; s < 10; s++) {
            const char *sector = content.data + s * SECTOR_BYTES;
            cr_assert(memcmp(sector, old, SECTOR_BYTES) == 0 || memcmp(sector, new, SECTOR_BYTES) == 0);
            kept[s] += *sector == 'n';
            news += *sector == 'n';
        }
        mixed += news > 0 && news < 10;
        fs_release(fs);
    }
    cr_expect(mixed > 80, "%u of 100 are mixed", mixed);
    for (size_t s = 0; s < 10; s++) cr_expect(kept[s] > 20 && kept[s] < 80, "sector %zu is kept %u times", s, kept[s]);
}

/* Random work beside a twin that knows, for each file, whether anything about it is not synced. What is, must be there;
 * and a second crash right after the first takes nothing more. */
Test(fs_memory, random_work_and_crashes)
{
    enum { FILES = 4, BYTES = 3000 };

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fs *fs = fs_memory_new();
        uint64_t random = seed;
        char durable[FILES][BYTES], current[FILES][BYTES];
        bool certain[FILES] = {0};
        for (int step = 0; step < 60; step++) {
            unsigned f = random_below(&random, FILES);
            char name[] = {(char)('a' + f), 0};
            struct file *file = open_file(fs, name, step < FILES || !certain[f] ? FS_REPLACE : FS_WRITE);
            if (!certain[f]) memset(current[f], 0, BYTES);
            uint64_t at = random_below(&random, BYTES), bytes = random_below(&random, BYTES - at);
            random_fill(&random, current[f] + at, bytes);
            must(file_allocate(file, BYTES));
            write_at(file, at, str_make(current[f] + at, bytes));
            certain[f] = random_next(&random) % 2;
            if (certain[f]) {
                must(file_sync(file));
                must(fs_sync_folder(fs, ""));
                memcpy(durable[f], current[f], BYTES);
            }
            file_close(file);
        }
        enum crash_model model = models[seed % MODELS];
        fs_memory_crash(fs, model, seed);
        struct fs *before = fs_memory_copy(fs);
        fs_memory_crash(fs, CRASH_STRICT, seed);
        for (unsigned f = 0; f < FILES; f++) {
            char name[] = {(char)('a' + f), 0};
            str left = content_of(before, name);
            cr_expect(!certain[f] || str_equal(left, str_make(durable[f], BYTES)), "%s takes what is synced",
                      model_names[seed % MODELS]);
            cr_expect(model == CRASH_NONE || str_equal(left, content_of(fs, name)), "what %s has left is on the disk",
                      model_names[seed % MODELS]);
        }
        arena_reset(&arena);
        fs_release(before);
        fs_release(fs);
    }
}

Test(fs_memory, bits_and_bytes)
{
    struct fs *fs = fs_memory_new();
    uint8_t byte;

    must(fs_replace_file(fs, "a", STR("A")));
    cr_expect(fs_memory_peek(fs, "a", 0, &byte) && byte == 'A');
    cr_expect(!fs_memory_peek(fs, "a", 1, &byte) && !fs_memory_peek(fs, "b", 0, &byte));
    cr_expect(fs_memory_flip(fs, "a", 0, 5) && !fs_memory_flip(fs, "a", 1, 0) && !fs_memory_flip(fs, "b", 0, 0));
    cr_expect(str_equal(content_of(fs, "a"), STR("a")));
    fs_memory_crash(fs, CRASH_STRICT, 1);
    cr_expect(str_equal(content_of(fs, "a"), STR("a")), "a flipped bit is durable");
    fs_release(fs);
}

Test(fs_memory, copies_are_independent)
{
    struct fs *fs = fs_memory_new();

    must(fs_replace_file(fs, "a", STR("one")));
    file_close(open_file(fs, "b", FS_CREATE));
    struct fs *copy = fs_memory_copy(fs);
    must(fs_replace_file(fs, "a", STR("two")));
    must(fs_unlink(copy, "b"));
    cr_expect(str_equal(content_of(copy, "a"), STR("one")) && str_equal(content_of(fs, "b"), STR("")));
    fs_release(fs);
    must(fs_replace_file(copy, "c", STR("three")));
    fs_memory_crash(copy, CRASH_STRICT, 1);
    cr_expect(str_equal(content_of(copy, "a"), STR("one")), "all of a copy is durable");
    fs_release(copy);
}

Test(fs_memory, changes_are_counted)
{
    struct fs *fs = fs_memory_new();
    uint64_t last = fs_memory_operations(fs);
    struct file *file = open_file(fs, "a", FS_CREATE);

    for (int i = 0; i < 6; i++) {
        uint64_t now = fs_memory_operations(fs);
        cr_expect(now > last, "change %d is not counted", i);
        last = now;
        if (i == 0) write_at(file, 0, STR("x"));
        if (i == 1) must(file_sync(file));
        if (i == 2) must(file_truncate(file, 9));
        if (i == 3) must(fs_rename(fs, "a", "b"));
        if (i == 4) must(fs_sync_folder(fs, ""));
    }
    must(file_read(file, 0, &(char){0}, 1));
    cr_expect(fs_memory_operations(fs) == last, "reading changes nothing");
    file_close(file);
    fs_release(fs);
}

/* What has a name or is open counts once; what would pass the size of the disk fails and changes nothing. */
Test(fs_memory, a_disk_can_be_full)
{
    struct fs *fs = fs_memory_new();
    struct file *a, *b;
    char long_text[101] = {0};
    uint64_t left;

    fs_memory_limit(fs, 1000);
    must(fs_open(fs, "a", FS_CREATE, &a));
    must(file_allocate(a, 600));
    must(fs_link(fs, "a", "same"));
    must(fs_open(fs, "b", FS_CREATE, &b));
    cr_expect(fs_memory_used(fs) == 600);
    cr_expect(file_allocate(b, 401).code == STATUS_NO_SPACE);
    status s = file_write(b, 300, &(struct fs_span){long_text, 101}, 1);
    cr_expect(s.code == STATUS_NO_SPACE && strstr(s.text, "write b: No space left"), "%s", s.text);
    must(file_allocate(b, 400));
    must(file_write(b, 300, &(struct fs_span){"0123456789", 10}, 1)); /* there is room for it already */
    must(fs_free_bytes(fs, &left));
    cr_expect(left == 0);
    must(fs_unlink(fs, "a"));
    must(fs_unlink(fs, "same"));
    must(fs_free_bytes(fs, &left));
    cr_expect(left == 0, "it is open");
    file_close(a);
    must(fs_free_bytes(fs, &left));
    cr_expect(left == 600);
    must(file_truncate(b, 10));
    fs_memory_limit(fs, 5);
    must(fs_free_bytes(fs, &left));
    cr_expect(left == 0 && fs_memory_used(fs) == 10);
    fs_memory_limit(fs, 0);
    must(file_allocate(b, 5000));
    file_close(b);
    fs_release(fs);
}
