/* Calls that fail on demand. */
#include "storage/fs_faulty.h"

#include "storage/fs_memory.h"
#include "tests/support/must.h"

#include <errno.h>

/* One call of each kind on a file system that has the file "a". */
static status call(struct fs *fs, struct file *file, enum fault_call which)
{
    struct file *other;
    char byte;
    status s;

    switch (which) {
    case FAULT_OPEN:
        s = fs_open(fs, "a", FS_READ, &other);
        if (!failed(s)) file_close(other);
        return s;
    case FAULT_READ: return file_read(file, 0, &byte, 1);
    case FAULT_WRITE: return file_write(file, 0, &(struct fs_span){"x", 1}, 1);
    case FAULT_SYNC: return file_sync(file);
    case FAULT_ALLOCATE: return file_allocate(file, 10);
    case FAULT_RENAME: return fs_rename(fs, "a", "a");
    case FAULT_UNLINK:
        (void)fs_link(fs, "a", "b"); /* there already if the last unlink failed */
        return fs_unlink(fs, "b");
    case FAULT_LOOK: {
        uint64_t bytes;
        return file_size(file, &bytes);
    }
    case FAULT_TRUNCATE: return file_truncate(file, 10);
    case FAULT_MAKE_FOLDER: return fs_make_folder(fs, "folder");
    default: return fs_sync_folder(fs, "");
    }
}

static const enum fault_call calls[] = {FAULT_OPEN,     FAULT_READ,     FAULT_WRITE,      FAULT_SYNC,
                                        FAULT_ALLOCATE, FAULT_RENAME,   FAULT_UNLINK,     FAULT_SYNC_FOLDER,
                                        FAULT_LOOK,     FAULT_TRUNCATE, FAULT_MAKE_FOLDER};
enum { CALLS = sizeof calls / sizeof calls[0] };

struct plan {
    uint64_t k, repeat;
    unsigned outcomes; /* of eight calls, the first in the lowest bit: whether it fails */
};

/* Eight calls of the planned kind, each among calls of all others, which do not fail. */
static void check_plan(enum fault_call kind, const struct plan *plan)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct file *file;

    must(fs_replace_file(fs, "a", STR("text")));
    must(fs_open(fs, "a", FS_WRITE, &file));
    fs_faulty_plan(fs, kind, plan->k, ENOSPC, plan->repeat);
    for (unsigned i = 0; i < 8; i++) {
        for (size_t c = 0; c < CALLS; c++) {
            if (calls[c] != kind && calls[c] == FAULT_UNLINK) continue; /* it also links */
            status s = call(fs, file, calls[c]);
            bool expected = calls[c] == kind && (plan->outcomes >> i & 1);
            cr_expect(s.code == (expected ? STATUS_NO_SPACE : STATUS_OK), "kind %x, the %d-th: call %u of kind %x: %s",
                      kind, (int)plan->k, i, calls[c], s.text);
        }
    }
    cr_expect(fs_faulty_count(fs) == (unsigned)__builtin_popcount(plan->outcomes));
    fs_faulty_heal(fs);
    for (size_t c = 0; c < CALLS; c++) must(call(fs, file, calls[c]));
    file_close(file);
    fs_release(fs);
    fs_release(disk);
}

Test(fs_faulty, the_named_calls_fail)
{
    static const struct plan plans[] = {{1, 0, 0x01}, {3, 0, 0x04}, {1, 2, 0x07},
                                        {2, 1, 0x06}, {9, 0, 0},    {4, UINT64_MAX, 0xF8}};

    for (size_t c = 0; c < CALLS; c++) {
        for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) check_plan(calls[c], &plans[i]);
    }
}

Test(fs_faulty, several_kinds_count_together)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);

    fs_faulty_plan(fs, FAULT_WRITE | FAULT_SYNC, 2, EIO, 0);
    cr_expect(fs_replace_file(fs, "a", STR("text")).code == STATUS_IO, "a write, then the sync fails");
    must(fs_replace_file(fs, "a", STR("text")));
    fs_faulty_plan(fs, FAULT_OPEN, 1, EIO, 5);
    fs_faulty_plan(fs, FAULT_RENAME, 1, EIO, 0);
    cr_expect(failed(fs_replace_file(fs, "a", STR("new"))), "a later plan replaces an earlier one");
    must(fs_replace_file(fs, "a", STR("new")));
    cr_expect(fs_faulty_count(fs) == 2);
    fs_release(fs);
    fs_release(disk);
}

Test(fs_faulty, half_of_a_failed_write_is_there)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct fs_span spans[] = {{"12345678", 8}, {"never", 5}};
    struct arena arena;
    struct file *file;
    str content;

    arena_init(&arena, NULL);
    must(fs_open(fs, "a", FS_CREATE, &file));
    fs_faulty_plan(fs, FAULT_WRITE, 1, EIO, 0);
    cr_expect(file_write(file, 0, spans, 2).code == STATUS_IO);
    must(fs_read_file(disk, "a", 100, &arena, &content));
    cr_expect(str_equal(content, STR("1234")), "%.*s", STR_ARG(content));
    must(file_write(file, 0, spans, 2));
    must(fs_read_file(disk, "a", 100, &arena, &content));
    cr_expect(str_equal(content, STR("12345678never")));
    file_close(file);
    arena_release(&arena);
    fs_release(fs);
    fs_release(disk);
}
