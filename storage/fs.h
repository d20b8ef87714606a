/* The only door to the file system.
 *
 * An fs is one folder; names inside it are relative, "wal/00000001-0". Three kinds: the real one, one in memory whose
 * unsynced data can be lost as in a power cut (storage/fs_memory.h), and one that fails chosen calls of another
 * (storage/fs_faulty.h). What a crash may take follows POSIX: file contents are safe after file_sync, names (creation,
 * rename, unlink) after fs_sync_folder of the folder they are in.
 *
 * Reads and writes are whole: short transfers and EINTR are repeated inside. Thread-safe; a file may be read and
 * written by several threads at distinct places.
 */
#ifndef VARVE_STORAGE_FS_H
#define VARVE_STORAGE_FS_H

#include "storage/base/arena.h"
#include "storage/base/public.h"
#include "storage/base/status.h"

struct fs;
struct file;

enum fs_mode {
    FS_READ,   /* must exist */
    FS_WRITE,  /* must exist; read and write */
    FS_CREATE, /* must not exist; read and write */
    FS_REPLACE /* created or emptied; read and write */
};

struct fs_span {
    const void *data;
    size_t bytes;
};

/* A file in a folder, with the space that the disk has given to it. */
struct fs_entry {
    str name;
    uint64_t bytes;
};

#ifndef __cplusplus
/* What an implementation provides; callers use the functions below. */
struct fs_class {
    status (*open)(struct fs *fs, const char *name, enum fs_mode mode, struct file **out);
    void (*close)(struct file *file);
    status (*read)(struct file *file, uint64_t at, void *out, size_t bytes);
    status (*write)(struct file *file, uint64_t at, const struct fs_span *spans, size_t count);
    status (*sync)(struct file *file);
    status (*allocate)(struct file *file, uint64_t bytes);
    status (*truncate)(struct file *file, uint64_t bytes);
    status (*size)(struct file *file, uint64_t *out);
    status (*rename)(struct fs *fs, const char *from, const char *to);
    status (*link)(struct fs *fs, const char *from, const char *to);
    status (*unlink)(struct fs *fs, const char *name);
    status (*make_folder)(struct fs *fs, const char *name);
    status (*remove_folder)(struct fs *fs, const char *name);
    status (*sync_folder)(struct fs *fs, const char *name);
    status (*entries)(struct fs *fs, const char *folder, struct arena *arena, struct fs_entry **entries, size_t *count);
    status (*folders)(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count);
    status (*free_bytes)(struct fs *fs, uint64_t *out);
    status (*lock)(struct fs *fs, const char *name);
    void (*release)(struct fs *fs);
};

struct fs {
    const struct fs_class *class;
};

struct file {
    const struct fs_class *class;
};
#endif

/* The folder `path` on the real file system; created if it does not exist. */
VARVE_PUBLIC status fs_open_folder(const char *path, struct fs **out);

/* Gives up the fs and its lock. All files must be closed. NULL is fine. */
VARVE_PUBLIC void fs_release(struct fs *fs);

status fs_open(struct fs *fs, const char *name, enum fs_mode mode, struct file **out);
void file_close(struct file *file); /* NULL is fine; does not sync */

/* Exactly `bytes` bytes from offset `at`; CORRUPT if the file ends before. */
status file_read(struct file *file, uint64_t at, void *out, size_t bytes);

/* Writes the spans one after the other from offset `at`. On failure any part may have been written. */
status file_write(struct file *file, uint64_t at, const struct fs_span *spans, size_t count);

/* Makes contents and size durable. After a failure nothing is known about what was written since the last sync. */
status file_sync(struct file *file);

/* Extends the file to `bytes` with zeros whose space is reserved. */
status file_allocate(struct file *file, uint64_t bytes);

status file_truncate(struct file *file, uint64_t bytes);
status file_size(struct file *file, uint64_t *out);

/* Replaces `to` if it exists. */
status fs_rename(struct fs *fs, const char *from, const char *to);
status fs_link(struct fs *fs, const char *from, const char *to);
status fs_unlink(struct fs *fs, const char *name);

/* Fine if it exists. */
status fs_make_folder(struct fs *fs, const char *name);

/* An empty one. */
status fs_remove_folder(struct fs *fs, const char *name);

/* Makes the names in a folder durable; "" is the fs itself. */
status fs_sync_folder(struct fs *fs, const char *name);

/* The files (not folders) in a folder, in byte order of their names, in the arena; none if there is no such folder. */
status fs_entries(struct fs *fs, const char *folder, struct arena *arena, struct fs_entry **entries, size_t *count);

/* Their names alone. */
status fs_list(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count);

/* The names of the folders in it. */
status fs_list_folders(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count);

/* Space that is left for this process. */
status fs_free_bytes(struct fs *fs, uint64_t *out);

/* Takes the folder for this process by a lock on the file `name`; UNAVAILABLE if another holds it. Held until release.
 */
status fs_lock(struct fs *fs, const char *name);

/* A whole file: read into the arena (LIMIT if it is larger than bytes_max), or written durably under a temporary name
 * and renamed, so that a crash leaves the old or the new one. */
status fs_read_file(struct fs *fs, const char *name, size_t bytes_max, struct arena *arena, str *out);
status fs_replace_file(struct fs *fs, const char *name, str content);

#endif
