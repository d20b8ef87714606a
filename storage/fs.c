/* What all file systems share: dispatch, whole files; see fs.h. */
#include "storage/fs.h"

#include <stdio.h>
#include <string.h>

void fs_release(struct fs *fs)
{
    if (fs) fs->class->release(fs);
}

status fs_open(struct fs *fs, const char *name, enum fs_mode mode, struct file **out)
{
    return fs->class->open(fs, name, mode, out);
}

void file_close(struct file *file)
{
    if (file) file->class->close(file);
}

status file_read(struct file *file, uint64_t at, void *out, size_t bytes)
{
    return file->class->read(file, at, out, bytes);
}

status file_write(struct file *file, uint64_t at, const struct fs_span *spans, size_t count)
{
    return file->class->write(file, at, spans, count);
}

status file_sync(struct file *file)
{
    return file->class->sync(file);
}

status file_allocate(struct file *file, uint64_t bytes)
{
    return file->class->allocate(file, bytes);
}

status file_truncate(struct file *file, uint64_t bytes)
{
    return file->class->truncate(file, bytes);
}

status file_size(struct file *file, uint64_t *out)
{
    return file->class->size(file, out);
}

status fs_rename(struct fs *fs, const char *from, const char *to)
{
    return fs->class->rename(fs, from, to);
}

status fs_link(struct fs *fs, const char *from, const char *to)
{
    return fs->class->link(fs, from, to);
}

status fs_unlink(struct fs *fs, const char *name)
{
    return fs->class->unlink(fs, name);
}

status fs_make_folder(struct fs *fs, const char *name)
{
    return fs->class->make_folder(fs, name);
}

status fs_remove_folder(struct fs *fs, const char *name)
{
    return fs->class->remove_folder(fs, name);
}

status fs_sync_folder(struct fs *fs, const char *name)
{
    return fs->class->sync_folder(fs, name);
}

status fs_entries(struct fs *fs, const char *folder, struct arena *arena, struct fs_entry **entries, size_t *count)
{
    return fs->class->entries(fs, folder, arena, entries, count);
}

status fs_list(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count)
{
    struct fs_entry *entries;

    *count = 0;
    TRY(fs_entries(fs, folder, arena, &entries, count));
    *names = arena_array(arena, str, *count);
    for (size_t i = 0; i < *count; i++) (*names)[i] = entries[i].name;
    return ok();
}

status fs_list_folders(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count)
{
    return fs->class->folders(fs, folder, arena, names, count);
}

status fs_free_bytes(struct fs *fs, uint64_t *out)
{
    return fs->class->free_bytes(fs, out);
}

status fs_lock(struct fs *fs, const char *name)
{
    return fs->class->lock(fs, name);
}

status fs_read_file(struct fs *fs, const char *name, size_t bytes_max, struct arena *arena, str *out)
{
    struct file *file;
    uint64_t bytes = 0;

    TRY(fs_open(fs, name, FS_READ, &file));
    status s = file_size(file, &bytes);
    if (!failed(s) && bytes > bytes_max)
        s = status_make(STATUS_LIMIT, "%s has %llu bytes, at most %zu are expected", name, (unsigned long long)bytes,
                        bytes_max);
    if (!failed(s)) {
        char *content = arena_alloc(arena, (size_t)bytes);
        s = file_read(file, 0, content, (size_t)bytes);
        *out = str_make(content, (size_t)bytes);
    }
    file_close(file);
    return s;
}

status fs_replace_file(struct fs *fs, const char *name, str content)
{
    char temporary[256];
    struct file *file;
    const char *slash = strrchr(name, '/');
    char folder[256];

    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - name) : 0, name);
    TRY(fs_open(fs, temporary, FS_REPLACE, &file));
    status s = file_write(file, 0, &(struct fs_span){content.data, content.len}, 1);
    if (!failed(s)) s = file_sync(file);
    file_close(file);
    if (!failed(s)) s = fs_rename(fs, temporary, name);
    if (!failed(s)) s = fs_sync_folder(fs, folder);
    return s;
}
