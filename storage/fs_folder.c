/* The real file system: one folder, everything relative to its descriptor. */
#include "storage/fs.h"

#include "storage/base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { STAT_BLOCK_BYTES = 512 }; /* the unit of st_blocks */

struct folder {
    struct fs base;
    int descriptor;
    int lock; /* -1 until locked */
};

struct folder_file {
    struct file base;
    int descriptor;
    char name[96]; /* for messages */
};

static const struct fs_class folder_class;

static struct folder *as_folder(struct fs *fs)
{
    return (struct folder *)fs;
}

static struct folder_file *as_file(struct file *file)
{
    return (struct folder_file *)file;
}

/* The error of the call just made, with "verb name". */
static status failure(const char *verb, const char *name)
{
    int error = errno;
    char what[160];

    snprintf(what, sizeof what, "%s %.120s", verb, name[0] ? name : "the data folder");
    return status_errno(error, what);
}

static status folder_open(struct fs *fs, const char *name, enum fs_mode mode, struct file **out)
{
    static const int flags[] = {
        [FS_READ] = O_RDONLY,
        [FS_WRITE] = O_RDWR,
        [FS_CREATE] = O_RDWR | O_CREAT | O_EXCL,
        [FS_REPLACE] = O_RDWR | O_CREAT | O_TRUNC,
    };
    int descriptor;

    do {
        descriptor = openat(as_folder(fs)->descriptor, name, flags[mode] | O_CLOEXEC, 0640);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return failure("open", name);

    struct folder_file *file = memory_zalloc(sizeof *file);
    file->base.class = &folder_class;
    file->descriptor = descriptor;
    snprintf(file->name, sizeof file->name, "%s", name);
    *out = &file->base;
    return ok();
}

static void folder_close(struct file *file)
{
    close(as_file(file)->descriptor);
    free(file);
}

static status folder_read(struct file *file, uint64_t at, void *out, size_t bytes)
{
    char *to = out;

    while (bytes) {
        ssize_t got = pread(as_file(file)->descriptor, to, bytes, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure("read", as_file(file)->name);
        if (got == 0)
            return status_at(STATUS_CORRUPT, at, "%s ends at offset %llu, more was expected", as_file(file)->name,
                             (unsigned long long)at);
        to += got;
        at += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return ok();
}

/* Writes at most IOV_MAX spans; repeats what a short write left. */
static status write_some(struct folder_file *file, uint64_t *at, struct iovec *spans, int count)
{
    while (count) {
        ssize_t wrote = pwritev(file->descriptor, spans, count, (off_t)*at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failure("write", file->name);
        *at += (uint64_t)wrote;
        while (count && (size_t)wrote >= spans->iov_len) {
            wrote -= (ssize_t)spans->iov_len;
            spans++;
            count--;
        }
        if (count) {
            spans->iov_base = (char *)spans->iov_base + wrote;
            spans->iov_len -= (size_t)wrote;
        }
    }
    return ok();
}

static status folder_write(struct file *file, uint64_t at, const struct fs_span *spans, size_t count)
{
    struct iovec vector[64];

    while (count) {
        int batch = 0;
        for (; count && batch < (int)(sizeof vector / sizeof vector[0]); spans++, count--) {
            if (spans->bytes == 0) continue;
            vector[batch].iov_base = (void *)(uintptr_t)spans->data;
            vector[batch++].iov_len = spans->bytes;
        }
        TRY(write_some(as_file(file), &at, vector, batch));
    }
    return ok();
}

static status folder_sync(struct file *file)
{
    int outcome;

    do {
        outcome = fdatasync(as_file(file)->descriptor);
    } while (outcome < 0 && errno == EINTR);
    return outcome < 0 ? failure("sync", as_file(file)->name) : ok();
}

static status folder_allocate(struct file *file, uint64_t bytes)
{
    int error;

    do {
        error = posix_fallocate(as_file(file)->descriptor, 0, (off_t)bytes);
    } while (error == EINTR);
    errno = error;
    return error ? failure("allocate", as_file(file)->name) : ok();
}

static status folder_truncate(struct file *file, uint64_t bytes)
{
    int outcome;

    do {
        outcome = ftruncate(as_file(file)->descriptor, (off_t)bytes);
    } while (outcome < 0 && errno == EINTR);
    return outcome < 0 ? failure("truncate", as_file(file)->name) : ok();
}

static status folder_size(struct file *file, uint64_t *out)
{
    struct stat info;

    if (fstat(as_file(file)->descriptor, &info) < 0) return failure("stat", as_file(file)->name);
    *out = (uint64_t)info.st_size;
    return ok();
}

static status folder_rename(struct fs *fs, const char *from, const char *to)
{
    int folder = as_folder(fs)->descriptor;
    return renameat(folder, from, folder, to) < 0 ? failure("rename", from) : ok();
}

static status folder_link(struct fs *fs, const char *from, const char *to)
{
    int folder = as_folder(fs)->descriptor;
    return linkat(folder, from, folder, to, 0) < 0 ? failure("link", from) : ok();
}

static status folder_unlink(struct fs *fs, const char *name)
{
    return unlinkat(as_folder(fs)->descriptor, name, 0) < 0 ? failure("unlink", name) : ok();
}

static status folder_make_folder(struct fs *fs, const char *name)
{
    if (mkdirat(as_folder(fs)->descriptor, name, 0750) < 0 && errno != EEXIST) return failure("make folder", name);
    return ok();
}

static status folder_remove_folder(struct fs *fs, const char *name)
{
    return unlinkat(as_folder(fs)->descriptor, name, AT_REMOVEDIR) < 0 ? failure("remove folder", name) : ok();
}

static int open_subfolder(struct fs *fs, const char *name)
{
    int descriptor;

    do {
        descriptor = openat(as_folder(fs)->descriptor, name[0] ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

static status folder_sync_folder(struct fs *fs, const char *name)
{
    int descriptor = open_subfolder(fs, name), outcome;

    if (descriptor < 0) return failure("open folder", name);
    do {
        outcome = fsync(descriptor);
    } while (outcome < 0 && errno == EINTR);
    status s = outcome < 0 ? failure("sync folder", name) : ok();
    close(descriptor);
    return s;
}

static int compare_entries(const void *a, const void *b)
{
    return str_compare(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

/* Whether an entry is to be listed: a regular file, or a folder other than itself and its parent. */
static bool is_listed(const char *name, const struct stat *info, bool folders)
{
    if (!folders) return S_ISREG(info->st_mode);
    return S_ISDIR(info->st_mode) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}
static status list(struct fs *fs, const char *folder, bool folders, struct arena *arena, struct fs_entry **entries,
                   size_t *count)
{
    vec(struct fs_entry) found = {0};
    struct dirent *entry;
    int descriptor = open_subfolder(fs, folder);

    *entries = NULL;
    *count = 0;
    if (descriptor < 0) return errno == ENOENT ? ok() : failure("open folder", folder);
    DIR *stream = fdopendir(descriptor);
    if (!stream) {
        status s = failure("open folder", folder);
        close(descriptor);
        return s;
    }
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        struct stat info;
        if (fstatat(descriptor, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0) continue;
        if (!is_listed(entry->d_name, &info, folders)) continue;
        vec_push(&found, (struct fs_entry){arena_copy_str(arena, str_from(entry->d_name)),
                                           (uint64_t)info.st_blocks * STAT_BLOCK_BYTES});
    }
    status s = errno ? failure("list folder", folder) : ok();
    closedir(stream);
    if (found.count) {
        qsort(found.data, found.count, sizeof *found.data, compare_entries);
        *entries = arena_array(arena, struct fs_entry, found.count);
        memcpy(*entries, found.data, found.count * sizeof **entries);
        *count = found.count;
    }
    vec_release(&found);
    return s;
}

static status folder_entries(struct fs *fs, const char *folder, struct arena *arena, struct fs_entry **entries,
                             size_t *count)
{
    return list(fs, folder, false, arena, entries, count);
}

static status folder_folders(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count)
{
    struct fs_entry *entries;

    *count = 0;
    TRY(list(fs, folder, true, arena, &entries, count));
    *names = arena_array(arena, str, *count);
    for (size_t i = 0; i < *count; i++) (*names)[i] = entries[i].name;
    return ok();
}

static status folder_free_bytes(struct fs *fs, uint64_t *out)
{
    struct statvfs info;

    if (fstatvfs(as_folder(fs)->descriptor, &info) < 0) return failure("stat", "");
    *out = (uint64_t)info.f_bavail * info.f_frsize;
    return ok();
}

static status folder_lock(struct fs *fs, const char *name)
{
    int descriptor;

    do {
        descriptor = openat(as_folder(fs)->descriptor, name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return failure("open", name);
    if (flock(descriptor, LOCK_EX | LOCK_NB) < 0) {
        status s =
            errno == EWOULDBLOCK
                ? status_make(STATUS_UNAVAILABLE, "the data folder is in use by another process (%s is locked)", name)
                : failure("lock", name);
        close(descriptor);
        return s;
    }
    as_folder(fs)->lock = descriptor;
    return ok();
}

static void folder_release(struct fs *fs)
{
    struct folder *folder = as_folder(fs);

    if (folder->lock >= 0) close(folder->lock);
    close(folder->descriptor);
    free(folder);
}

static const struct fs_class folder_class = {
    .open = folder_open,
    .close = folder_close,
    .read = folder_read,
    .write = folder_write,
    .sync = folder_sync,
    .allocate = folder_allocate,
    .truncate = folder_truncate,
    .size = folder_size,
    .rename = folder_rename,
    .link = folder_link,
    .unlink = folder_unlink,
    .make_folder = folder_make_folder,
    .remove_folder = folder_remove_folder,
    .folders = folder_folders,
    .sync_folder = folder_sync_folder,
    .entries = folder_entries,
    .free_bytes = folder_free_bytes,
    .lock = folder_lock,
    .release = folder_release,
};

status fs_open_folder(const char *path, struct fs **out)
{
    char parents[PATH_MAX];
    int descriptor;

    if (strlen(path) >= sizeof parents) return status_make(STATUS_INVALID, "the path of the data folder is too long");
    snprintf(parents, sizeof parents, "%s", path);
    for (char *slash = strchr(parents + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(parents, 0750) < 0 && errno != EEXIST) return failure("make folder", parents);
        *slash = '/';
    }
    if (mkdir(path, 0750) < 0 && errno != EEXIST) return failure("make folder", path);
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failure("open folder", path);

    struct folder *folder = memory_zalloc(sizeof *folder);
    folder->base.class = &folder_class;
    folder->descriptor = descriptor;
    folder->lock = -1;
    *out = &folder->base;
    return ok();
}
