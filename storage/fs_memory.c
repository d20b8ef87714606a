/* A file system in memory; see fs_memory.h.
 *
 * A node is a file's contents; a name leads to a node. Each node holds its current bytes, the bytes that are durable,
 * and the changes since. The folder holds current and durable names and the name changes since. Changes carry a
 * sequence number over the whole fs, so that models can cut at one moment.
 */
#include "storage/fs_memory.h"

#include "storage/base/vec.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR_BYTES = 512, NAME_BYTES = 96 };

static const uint64_t limit_default = (uint64_t)1 << 40;

struct content {
    uint8_t *bytes;
    uint64_t size;
};

struct change {
    uint64_t sequence;
    uint64_t at, size; /* a write of `size` bytes at `at`; or, with NULL data, a new size */
    uint8_t *data;
};

struct node {
    struct content current, durable;
    vec(struct change) changes;
    unsigned references; /* names, durable names and open files that lead here */
    uint64_t counted;    /* the last count of used bytes that has it */
};

struct entry {
    char name[NAME_BYTES];
    struct node *node;
};

typedef vec(struct entry) entries;

struct name_change {
    uint64_t sequence;
    char name[NAME_BYTES];
    struct node *node; /* NULL: the name goes */
};

struct memory {
    struct fs base;
    pthread_mutex_t mutex; /* guards all below and all nodes */
    entries names, durable_names;
    vec(struct name_change) name_changes;
    uint64_t sequence;
    uint64_t generation; /* rises with each crash: older files are dead */
    bool locked;
    vec(struct memory_file *) files; /* open ones */
    uint64_t limit_bytes;            /* the size of the disk */
    uint64_t counts;                 /* of used bytes so far */
};

struct memory_file {
    struct file base;
    struct memory *memory;
    struct node *node;
    uint64_t generation;
    bool read_only;
    char name[NAME_BYTES];
};

static const struct fs_class memory_class;

static struct memory *as_memory(struct fs *fs)
{
    return (struct memory *)fs;
}

static struct memory_file *as_file(struct file *file)
{
    return (struct memory_file *)file;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

static void content_resize(struct content *content, uint64_t size)
{
    content->bytes = memory_realloc(content->bytes, (size_t)size);
    if (size > content->size) memset(content->bytes + content->size, 0, (size_t)(size - content->size));
    content->size = size;
}

static void content_write(struct content *content, uint64_t at, const uint8_t *data, uint64_t bytes)
{
    if (at + bytes > content->size) content_resize(content, at + bytes);
    memcpy(content->bytes + at, data, (size_t)bytes);
}

static void content_copy(struct content *to, const struct content *from)
{
    content_resize(to, from->size);
    if (from->size) memcpy(to->bytes, from->bytes, (size_t)from->size);
}

static void drop_changes(struct node *node)
{
    vec_each (change, &node->changes) free(change->data);
    node->changes.count = 0;
}

static void node_ref(struct node *node)
{
    node->references++;
}

static void node_unref(struct node *node)
{
    if (!node || --node->references) return;
    drop_changes(node);
    vec_release(&node->changes);
    free(node->current.bytes);
    free(node->durable.bytes);
    free(node);
}

static struct entry *find(struct memory *memory, const char *name)
{
    vec_each (entry, &memory->names) {
        if (strcmp(entry->name, name) == 0) return entry;
    }
    return NULL;
}

/* Makes `name` lead to `node` in a table; NULL takes the name away. */
static void set_name(entries *table, const char *name, struct node *node)
{
    if (node) node_ref(node);
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->data[i].name, name) != 0) continue;
        node_unref(table->data[i].node);
        if (node) {
            table->data[i].node = node;
        } else {
            table->data[i] = table->data[--table->count];
        }
        return;
    }
    if (!node) return;
    struct entry *entry = vec_push_slot(table);
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->node = node;
}

static void change_name(struct memory *memory, const char *name, struct node *node)
{
    struct name_change *change = vec_push_slot(&memory->name_changes);

    change->sequence = ++memory->sequence;
    snprintf(change->name, sizeof change->name, "%s", name);
    change->node = node;
    if (node) node_ref(node);
    set_name(&memory->names, name, node);
}

/* What the files that have a name or are open take. */
static uint64_t used_bytes(struct memory *memory)
{
    uint64_t count = ++memory->counts, bytes = 0;

    vec_each (entry, &memory->names) {
        if (entry->node->counted != count) bytes += entry->node->current.size;
        entry->node->counted = count;
    }
    vec_each (file, &memory->files) {
        struct node *node = (*file)->node;
        if (node->counted != count && (*file)->generation == memory->generation) bytes += node->current.size;
        node->counted = count;
    }
    return bytes;
}

/* Whether a file may get as large as that. */
static status find_room(const struct memory_file *file, const char *verb, uint64_t size)
{
    char what[NAME_BYTES + 16];
    uint64_t have = file->node->current.size;

    if (file->memory->limit_bytes == limit_default || size <= have) return ok();
    if (used_bytes(file->memory) + (size - have) <= file->memory->limit_bytes) return ok();
    snprintf(what, sizeof what, "%s %s", verb, file->name);
    return status_errno(ENOSPC, what);
}

static status missing(const char *verb, const char *name)
{
    return status_make(STATUS_NOT_FOUND, "%s %s: no such file", verb, name);
}

static status memory_open(struct fs *fs, const char *name, enum fs_mode mode, struct file **out)
{
    struct memory *memory = as_memory(fs);
    status s = ok();

    assert(strlen(name) < NAME_BYTES);
    pthread_mutex_lock(&memory->mutex);
    struct entry *entry = find(memory, name);
    if (!entry && (mode == FS_READ || mode == FS_WRITE)) {
        s = missing("open", name);
    } else if (entry && mode == FS_CREATE) {
        s = status_make(STATUS_EXISTS, "open %s: the file exists", name);
    } else {
        if (!entry) {
            change_name(memory, name, memory_zalloc(sizeof(struct node)));
            entry = find(memory, name);
        } else if (mode == FS_REPLACE) {
            content_resize(&entry->node->current, 0);
            vec_push(&entry->node->changes, (struct change){.sequence = ++memory->sequence});
        }
        struct memory_file *file = memory_zalloc(sizeof *file);
        *file = (struct memory_file){{&memory_class}, memory, entry->node, memory->generation, mode == FS_READ, ""};
        snprintf(file->name, sizeof file->name, "%s", name);
        node_ref(entry->node);
        vec_push(&memory->files, file);
        *out = &file->base;
    }
    pthread_mutex_unlock(&memory->mutex);
    return s;
}

static void memory_close(struct file *file)
{
    struct memory_file *f = as_file(file);

    pthread_mutex_lock(&f->memory->mutex);
    vec_each (open, &f->memory->files) {
        if (*open != f) continue;
        *open = *vec_last(&f->memory->files);
        f->memory->files.count--;
        break;
    }
    node_unref(f->node);
    pthread_mutex_unlock(&f->memory->mutex);
    free(f);
}

static bool is_dead(const struct memory_file *file)
{
    return file->generation != file->memory->generation;
}

static status dead(const struct memory_file *file)
{
    return status_make(STATUS_IO, "%s: the power was cut", file->name);
}

static status memory_read(struct file *file, uint64_t at, void *out, size_t bytes)
{
    struct memory_file *f = as_file(file);
    status s = ok();

    pthread_mutex_lock(&f->memory->mutex);
    if (is_dead(f)) {
        s = dead(f);
    } else if (at > f->node->current.size || bytes > f->node->current.size - at) {
        s = status_at(STATUS_CORRUPT, at, "%s ends at offset %llu, more was expected", f->name,
                      (unsigned long long)f->node->current.size);
    } else if (bytes) {
        memcpy(out, f->node->current.bytes + at, bytes);
    }
    pthread_mutex_unlock(&f->memory->mutex);
    return s;
}

static status memory_write(struct file *file, uint64_t at, const struct fs_span *spans, size_t count)
{
    struct memory_file *f = as_file(file);
    status s = ok();

    pthread_mutex_lock(&f->memory->mutex);
    if (is_dead(f)) s = dead(f);
    if (f->read_only) s = status_make(STATUS_IO, "write %s: the file is open for reading", f->name);
    for (size_t i = 0; i < count && !failed(s); i++) {
        if (spans[i].bytes == 0) continue;
        s = find_room(f, "write", at + spans[i].bytes);
        if (failed(s)) break;
        struct change change = {++f->memory->sequence, at, spans[i].bytes, memory_alloc(spans[i].bytes)};
        memcpy(change.data, spans[i].data, spans[i].bytes);
        vec_push(&f->node->changes, change);
        content_write(&f->node->current, at, change.data, change.size);
        at += spans[i].bytes;
    }
    pthread_mutex_unlock(&f->memory->mutex);
    return s;
}

static void apply(struct content *content, const struct change *change)
{
    if (change->data) {
        content_write(content, change->at, change->data, change->size);
    } else {
        content_resize(content, change->size);
    }
}

static status memory_sync(struct file *file)
{
    struct memory_file *f = as_file(file);
    status s = ok();

    pthread_mutex_lock(&f->memory->mutex);
    f->memory->sequence++;
    if (is_dead(f)) {
        s = dead(f);
    } else {
        vec_each (change, &f->node->changes) apply(&f->node->durable, change);
        drop_changes(f->node);
    }
    pthread_mutex_unlock(&f->memory->mutex);
    return s;
}

static status resize(struct memory_file *f, uint64_t bytes, bool may_shrink)
{
    pthread_mutex_lock(&f->memory->mutex);
    status s = is_dead(f) ? dead(f) : find_room(f, "allocate", bytes);
    if (failed(s)) {
        /* the file stays as it is */
    } else if (may_shrink || bytes > f->node->current.size) {
        content_resize(&f->node->current, bytes);
        vec_push(&f->node->changes, (struct change){++f->memory->sequence, 0, bytes, NULL});
    }
    pthread_mutex_unlock(&f->memory->mutex);
    return s;
}

static status memory_allocate(struct file *file, uint64_t bytes)
{
    return resize(as_file(file), bytes, false);
}

static status memory_truncate(struct file *file, uint64_t bytes)
{
    return resize(as_file(file), bytes, true);
}

static status memory_size(struct file *file, uint64_t *out)
{
    struct memory_file *f = as_file(file);

    pthread_mutex_lock(&f->memory->mutex);
    *out = f->node->current.size;
    pthread_mutex_unlock(&f->memory->mutex);
    return ok();
}

/* The new name and, for a rename, the loss of the old one are one change in time. */
static status add_name(struct fs *fs, const char *from, const char *to, bool keep)
{
    struct memory *memory = as_memory(fs);
    status s = ok();

    pthread_mutex_lock(&memory->mutex);
    struct entry *entry = find(memory, from), *taken = find(memory, to);
    if (!entry) {
        s = missing(keep ? "link" : "rename", from);
    } else if (keep && taken) {
        s = status_make(STATUS_EXISTS, "link %s: %s exists", from, to);
    } else if (!taken || taken->node != entry->node) { /* else both names lead to the file already */
        struct node *node = entry->node;
        change_name(memory, to, node);
        if (!keep) {
            change_name(memory, from, NULL);
            vec_last(&memory->name_changes)->sequence = --memory->sequence;
        }
    }
    pthread_mutex_unlock(&memory->mutex);
    return s;
}

static status memory_rename(struct fs *fs, const char *from, const char *to)
{
    return add_name(fs, from, to, false);
}

static status memory_link(struct fs *fs, const char *from, const char *to)
{
    return add_name(fs, from, to, true);
}

static status memory_unlink(struct fs *fs, const char *name)
{
    struct memory *memory = as_memory(fs);

    pthread_mutex_lock(&memory->mutex);
    struct entry *entry = find(memory, name);
    if (entry) change_name(memory, name, NULL);
    pthread_mutex_unlock(&memory->mutex);
    return entry ? ok() : missing("unlink", name);
}

/* Folders exist by being named; there is nothing to make or to remove. */
static status memory_make_folder(struct fs *fs, const char *name)
{
    (void)fs;
    (void)name;
    return ok();
}

/* Whether `name` lies directly in `folder`. */
static bool is_in(const char *name, const char *folder)
{
    size_t len = strlen(folder);

    if (len == 0) return strchr(name, '/') == NULL;
    return strncmp(name, folder, len) == 0 && name[len] == '/' && strchr(name + len + 1, '/') == NULL;
}

static status memory_sync_folder(struct fs *fs, const char *name)
{
    struct memory *memory = as_memory(fs);
    size_t kept = 0;

    pthread_mutex_lock(&memory->mutex);
    memory->sequence++;
    for (size_t i = 0; i < memory->name_changes.count; i++) {
        struct name_change *change = &memory->name_changes.data[i];
        if (is_in(change->name, name)) {
            set_name(&memory->durable_names, change->name, change->node);
            node_unref(change->node);
        } else {
            memory->name_changes.data[kept++] = *change;
        }
    }
    memory->name_changes.count = kept;
    pthread_mutex_unlock(&memory->mutex);
    return ok();
}

static int compare_entries(const void *a, const void *b)
{
    return str_compare(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

static status memory_entries(struct fs *fs, const char *folder, struct arena *arena, struct fs_entry **out,
                             size_t *count)
{
    struct memory *memory = as_memory(fs);
    size_t skip = folder[0] ? strlen(folder) + 1 : 0;

    *count = 0;
    pthread_mutex_lock(&memory->mutex);
    *out = arena_array(arena, struct fs_entry, memory->names.count);
    vec_each (entry, &memory->names) {
        if (!is_in(entry->name, folder)) continue;
        (*out)[(*count)++] =
            (struct fs_entry){arena_copy_str(arena, str_from(entry->name + skip)), entry->node->current.size};
    }
    pthread_mutex_unlock(&memory->mutex);
    if (*count) qsort(*out, *count, sizeof **out, compare_entries);
    return ok();
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* The part of a name behind a folder's that is a folder itself, or an empty one. */
static str folder_within(const char *name, const char *folder)
{
    size_t skip = folder[0] ? strlen(folder) + 1 : 0;

    if (skip && (strncmp(name, folder, skip - 1) != 0 || name[skip - 1] != '/')) return STR("");
    const char *slash = strchr(name + skip, '/');
    return slash ? str_make(name + skip, (size_t)(slash - name) - skip) : STR("");
}

static status memory_folders(struct fs *fs, const char *folder, struct arena *arena, str **names, size_t *count)
{
    struct memory *memory = as_memory(fs);
    size_t found = 0;

    *count = 0;
    pthread_mutex_lock(&memory->mutex);
    *names = arena_array(arena, str, memory->names.count);
    vec_each (entry, &memory->names) {
        str within = folder_within(entry->name, folder);
        if (within.len) (*names)[found++] = arena_copy_str(arena, within);
    }
    pthread_mutex_unlock(&memory->mutex);
    if (found) qsort(*names, found, sizeof **names, compare_names);
    for (size_t i = 0; i < found; i++) {
        if (*count == 0 || !str_equal((*names)[*count - 1], (*names)[i])) (*names)[(*count)++] = (*names)[i];
    }
    return ok();
}

static status memory_free_bytes(struct fs *fs, uint64_t *out)
{
    struct memory *memory = as_memory(fs);

    pthread_mutex_lock(&memory->mutex);
    uint64_t used = used_bytes(memory);
    *out = used < memory->limit_bytes ? memory->limit_bytes - used : 0;
    pthread_mutex_unlock(&memory->mutex);
    return ok();
}

static status memory_lock(struct fs *fs, const char *name)
{
    struct memory *memory = as_memory(fs);

    (void)name;
    pthread_mutex_lock(&memory->mutex);
    memory->locked = true;
    pthread_mutex_unlock(&memory->mutex);
    return ok();
}

static void release_names(entries *table)
{
    for (size_t i = 0; i < table->count; i++) node_unref(table->data[i].node);
    table->count = 0;
}

static void memory_release(struct fs *fs)
{
    struct memory *memory = as_memory(fs);

    release_names(&memory->names);
    release_names(&memory->durable_names);
    vec_each (change, &memory->name_changes) node_unref(change->node);
    vec_release(&memory->names);
    vec_release(&memory->files);
    vec_release(&memory->durable_names);
    vec_release(&memory->name_changes);
    pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

static const struct fs_class memory_class = {
    .open = memory_open,
    .close = memory_close,
    .read = memory_read,
    .write = memory_write,
    .sync = memory_sync,
    .allocate = memory_allocate,
    .truncate = memory_truncate,
    .size = memory_size,
    .rename = memory_rename,
    .link = memory_link,
    .unlink = memory_unlink,
    .make_folder = memory_make_folder,
    .remove_folder = memory_make_folder,
    .folders = memory_folders,
    .sync_folder = memory_sync_folder,
    .entries = memory_entries,
    .free_bytes = memory_free_bytes,
    .lock = memory_lock,
    .release = memory_release,
};

struct fs *fs_memory_new(void)
{
    struct memory *memory = memory_zalloc(sizeof *memory);

    memory->base.class = &memory_class;
    memory->limit_bytes = limit_default;
    pthread_mutex_init(&memory->mutex, NULL);
    return &memory->base;
}

/* Applies what a torn write leaves: each sector by itself. */
static void apply_torn(struct content *content, const struct change *change, uint64_t *random)
{
    if (!change->data) {
        if (next_random(random) & 1) content_resize(content, change->size);
        return;
    }
    for (uint64_t done = 0; done < change->size;) {
        uint64_t at = change->at + done;
        uint64_t bytes = SECTOR_BYTES - at % SECTOR_BYTES;
        if (bytes > change->size - done) bytes = change->size - done;
        if (next_random(random) & 1) content_write(content, at, change->data + done, bytes);
        done += bytes;
    }
}

static void crash_node(struct node *node, enum crash_model model, uint64_t cut, uint64_t *random)
{
    uint64_t own_cut = model == CRASH_ORDERED && node->changes.count
                           ? node->changes.data[next_random(random) % node->changes.count].sequence
                           : cut;

    vec_each (change, &node->changes) {
        if (model == CRASH_TORN) {
            apply_torn(&node->durable, change, random);
        } else if (model != CRASH_STRICT && change->sequence < own_cut) {
            apply(&node->durable, change);
        }
    }
    drop_changes(node);
    content_copy(&node->current, &node->durable);
}

void fs_memory_crash(struct fs *fs, enum crash_model model, uint64_t seed)
{
    struct memory *memory = as_memory(fs);
    uint64_t random = seed, cut = 0;

    pthread_mutex_lock(&memory->mutex);
    memory->generation++;
    memory->locked = false;
    if (model != CRASH_NONE) {
        if (memory->name_changes.count && model != CRASH_STRICT)
            cut = memory->name_changes.data[0].sequence +
                  next_random(&random) % (memory->sequence - memory->name_changes.data[0].sequence + 2);
        else if (model != CRASH_STRICT)
            cut = memory->sequence - next_random(&random) % 16;
        vec_each (change, &memory->name_changes) {
            if (change->sequence < cut) set_name(&memory->durable_names, change->name, change->node);
        }
        release_names(&memory->names);
        vec_each (entry, &memory->durable_names) {
            crash_node(entry->node, model, cut, &random);
            set_name(&memory->names, entry->name, entry->node);
        }
        vec_each (change, &memory->name_changes) node_unref(change->node);
        memory->name_changes.count = 0;
    }
    pthread_mutex_unlock(&memory->mutex);
}

void fs_memory_limit(struct fs *fs, uint64_t bytes)
{
    struct memory *memory = as_memory(fs);

    pthread_mutex_lock(&memory->mutex);
    memory->limit_bytes = bytes ? bytes : limit_default;
    pthread_mutex_unlock(&memory->mutex);
}

uint64_t fs_memory_used(struct fs *fs)
{
    struct memory *memory = as_memory(fs);

    pthread_mutex_lock(&memory->mutex);
    uint64_t bytes = used_bytes(memory);
    pthread_mutex_unlock(&memory->mutex);
    return bytes;
}

bool fs_memory_flip(struct fs *fs, const char *name, uint64_t byte, unsigned bit)
{
    struct memory *memory = as_memory(fs);
    bool done = false;

    pthread_mutex_lock(&memory->mutex);
    struct entry *entry = find(memory, name);
    if (entry && byte < entry->node->current.size) {
        entry->node->current.bytes[byte] ^= (uint8_t)(1u << bit);
        if (byte < entry->node->durable.size) entry->node->durable.bytes[byte] ^= (uint8_t)(1u << bit);
        done = true;
    }
    pthread_mutex_unlock(&memory->mutex);
    return done;
}

bool fs_memory_peek(struct fs *fs, const char *name, uint64_t byte, uint8_t *out)
{
    struct memory *memory = as_memory(fs);

    pthread_mutex_lock(&memory->mutex);
    struct entry *entry = find(memory, name);
    bool found = entry && byte < entry->node->current.size;
    if (found) *out = entry->node->current.bytes[byte];
    pthread_mutex_unlock(&memory->mutex);
    return found;
}

struct fs *fs_memory_copy(struct fs *fs)
{
    struct memory *memory = as_memory(fs), *copy = as_memory(fs_memory_new());

    pthread_mutex_lock(&memory->mutex);
    vec_each (entry, &memory->names) {
        struct node *node = memory_zalloc(sizeof *node);
        content_copy(&node->current, &entry->node->current);
        content_copy(&node->durable, &entry->node->current);
        set_name(&copy->names, entry->name, node);
        set_name(&copy->durable_names, entry->name, node);
    }
    pthread_mutex_unlock(&memory->mutex);
    return &copy->base;
}

uint64_t fs_memory_operations(const struct fs *fs)
{
    struct memory *memory = (struct memory *)(uintptr_t)fs;

    pthread_mutex_lock(&memory->mutex);
    uint64_t sequence = memory->sequence;
    pthread_mutex_unlock(&memory->mutex);
    return sequence;
}
