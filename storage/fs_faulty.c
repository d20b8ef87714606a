/* A file system that fails chosen calls; see fs_faulty.h. */
#include "storage/fs_faulty.h"

#include <pthread.h>
#include <stdlib.h>

struct faulty {
    struct fs base;
    struct fs *inner;
    pthread_mutex_t mutex; /* guards the plan below */
    unsigned calls;
    uint64_t remaining, repeat;
    int error;
    uint64_t count;
};

struct faulty_file {
    struct file base;
    struct faulty *faulty;
    struct file *inner;
};

static const struct fs_class faulty_class;

static struct faulty *as_faulty(struct fs *fs)
{
    return (struct faulty *)fs;
}

static struct faulty_file *as_file(struct file *file)
{
    return (struct faulty_file *)file;
}

/* The errno this call must fail with, or 0. */
static int due(struct faulty *faulty, enum fault_call call)
{
    int error = 0;

    pthread_mutex_lock(&faulty->mutex);
    if (faulty->calls & call) {
        if (faulty->remaining > 1) {
            faulty->remaining--;
        } else {
            error = faulty->error;
            faulty->count++;
            if (faulty->repeat-- == 0) faulty->calls = 0;
        }
    }
    pthread_mutex_unlock(&faulty->mutex);
    return error;
}

#define FAIL_IF_DUE(faulty, call, what)                  \
    do {                                                 \
        int error_ = due((faulty), (call));              \
        if (error_) return status_errno(error_, (what)); \
    } while (0)

static status faulty_open(struct fs *fs, const char *name, enum fs_mode mode, struct file **out)
{
    struct faulty *faulty = as_faulty(fs);
    struct file *inner;

    FAIL_IF_DUE(faulty, FAULT_OPEN, name);
    TRY(fs_open(faulty->inner, name, mode, &inner));
    struct faulty_file *file = memory_alloc(sizeof *file);
    *file = (struct faulty_file){{&faulty_class}, faulty, inner};
    *out = &file->base;
    return ok();
}

static void faulty_close(struct file *file)
{
    file_close(as_file(file)->inner);
    free(file);
}

static status faulty_read(struct file *file, uint64_t at, void *out, size_t bytes)
{
    FAIL_IF_DUE(as_file(file)->faulty, FAULT_READ, "read");
    return file_read(as_file(file)->inner, at, out, bytes);
}

static status faulty_write(struct file *file, uint64_t at, const struct fs_span *spans, size_t count)
{
    int error = due(as_file(file)->faulty, FAULT_WRITE);

    if (error) {
        struct fs_span half = {spans[0].data, spans[0].bytes / 2};
        (void)file_write(as_file(file)->inner, at, &half, 1);
        return status_errno(error, "write");
    }
    return file_write(as_file(file)->inner, at, spans, count);
}

static status faulty_sync(struct file *file)
{
    FAIL_IF_DUE(as_file(file)->faulty, FAULT_SYNC, "sync");
    return file_sync(as_file(file)->inner);
}

static status faulty_allocate(struct file *file, uint64_t bytes)
{
    FAIL_IF_DUE(as_file(file)->faulty, FAULT_ALLOCATE, "allocate");
    return file_allocate(as_file(file)->inner, bytes);
}

static status faulty_truncate(struct file *file, uint64_t bytes)
{
    FAIL_IF_DUE(as_file(file)->faulty, FAULT_TRUNCATE, "truncate");
    return file_truncate(as_file(file)->inner, bytes);
}

static status faulty_size(struct file *file, uint64_t *out)
{
    FAIL_IF_DUE(as_file(file)->faulty, FAULT_LOOK, "size");
    return file_size(as_file(file)->inner, out);
}

static status faulty_rename(struct fs *fs, const char *from, const char *to)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_RENAME, from);
    return fs_rename(as_faulty(fs)->inner, from, to);
}

static status faulty_link(struct fs *fs, const char *from, const char *to)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_RENAME, from);
    return fs_link(as_faulty(fs)->inner, from, to);
}

static status faulty_unlink(struct fs *fs, const char *name)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_UNLINK, name);
    return fs_unlink(as_faulty(fs)->inner, name);
}

static status faulty_make_folder(struct fs *fs, const char *name)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_MAKE_FOLDER, name);
    return fs_make_folder(as_faulty(fs)->inner, name);
}

static status faulty_remove_folder(struct fs *fs, const char *name)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_UNLINK, name);
    return fs_remove_folder(as_faulty(fs)->inner, name);
}

static status faulty_folders(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count)
{
    return fs_list_folders(as_faulty(fs)->inner, folder, arena, names, count);
}

static status faulty_sync_folder(struct fs *fs, const char *name)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_SYNC_FOLDER, name);
    return fs_sync_folder(as_faulty(fs)->inner, name);
}

static status faulty_entries(struct fs *fs, const char *folder, struct arena *arena, struct fs_entry **entries,
                             size_t *count)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_LOOK, folder);
    return fs_entries(as_faulty(fs)->inner, folder, arena, entries, count);
}

static status faulty_free_bytes(struct fs *fs, uint64_t *out)
{
    FAIL_IF_DUE(as_faulty(fs), FAULT_LOOK, "free space");
    return fs_free_bytes(as_faulty(fs)->inner, out);
}

static status faulty_lock(struct fs *fs, const char *name)
{
    return fs_lock(as_faulty(fs)->inner, name);
}

static void faulty_release(struct fs *fs)
{
    pthread_mutex_destroy(&as_faulty(fs)->mutex);
    free(fs);
}

static const struct fs_class faulty_class = {
    .open = faulty_open,
    .close = faulty_close,
    .read = faulty_read,
    .write = faulty_write,
    .sync = faulty_sync,
    .allocate = faulty_allocate,
    .truncate = faulty_truncate,
    .size = faulty_size,
    .rename = faulty_rename,
    .link = faulty_link,
    .unlink = faulty_unlink,
    .make_folder = faulty_make_folder,
    .remove_folder = faulty_remove_folder,
    .folders = faulty_folders,
    .sync_folder = faulty_sync_folder,
    .entries = faulty_entries,
    .free_bytes = faulty_free_bytes,
    .lock = faulty_lock,
    .release = faulty_release,
};

struct fs *fs_faulty_new(struct fs *inner)
{
    struct faulty *faulty = memory_zalloc(sizeof *faulty);

    faulty->base.class = &faulty_class;
    faulty->inner = inner;
    pthread_mutex_init(&faulty->mutex, NULL);
    return &faulty->base;
}

void fs_faulty_plan(struct fs *fs, unsigned calls, uint64_t k, int error, uint64_t repeat)
{
    struct faulty *faulty = as_faulty(fs);

    pthread_mutex_lock(&faulty->mutex);
    faulty->calls = calls;
    faulty->remaining = k;
    faulty->error = error;
    faulty->repeat = repeat;
    pthread_mutex_unlock(&faulty->mutex);
}

void fs_faulty_heal(struct fs *fs)
{
    fs_faulty_plan(fs, 0, 0, 0, 0);
}

uint64_t fs_faulty_count(const struct fs *fs)
{
    struct faulty *faulty = (struct faulty *)(uintptr_t)fs;

    pthread_mutex_lock(&faulty->mutex);
    uint64_t count = faulty->count;
    pthread_mutex_unlock(&faulty->mutex);
    return count;
}
