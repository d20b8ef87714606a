/* Importing a data folder; see prom_import.h. */
#include "prometheus/prom_import.h"

#include "prometheus/prom_block.h"
#include "storage/base/clock.h"

struct block_entry {
    str folder; /* terminated */
    int64_t min_ms;
};

/* Parts beside the blocks. */
static const char head_chunks_part[] = "head chunks", log_part[] = "log";

struct import {
    struct fs *from;
    struct db *db;
    void (*tell)(void *context, const struct prom_progress *progress);
    void *context;
    struct prom_progress *progress;
    int64_t start_ns;
    struct block_entry *blocks;
    size_t block_count;
    int64_t head_from_ms; /* what is before and came in order is in blocks */
    struct prom_head *head;
    struct arena arena;
};

static bool has_file(struct fs *fs, const char *name)
{
    struct file *file;

    if (failed(fs_open(fs, name, FS_READ, &file))) return false;
    file_close(file);
    return true;
}

/* A Prometheus that runs holds its file `lock`; one that is not there is not made. */
static status check_lock(struct fs *from)
{
    if (!has_file(from, "lock")) return ok();
    status s = fs_lock(from, "lock");
    if (s.code != STATUS_UNAVAILABLE) return s;
    return status_make(STATUS_UNAVAILABLE,
                       "a Prometheus that is running holds this folder; stop it, or import a snapshot that it made");
}

static bool is_ulid(str name)
{
    if (name.len != PROM_ULID_CHARACTERS) return false;
    for (size_t i = 0; i < name.len; i++) {
        bool is_digit = name.data[i] >= '0' && name.data[i] <= '9';
        if (!is_digit && (name.data[i] < 'A' || name.data[i] > 'Z')) return false;
    }
    return true;
}

static int compare_blocks(const void *a, const void *b)
{
    const struct block_entry *x = a, *y = b;

    if (x->min_ms != y->min_ms) return x->min_ms < y->min_ms ? -1 : 1;
    return str_compare(x->folder, y->folder);
}

static status add_block(struct import *import, str folder)
{
    str path = arena_format(&import->arena, "%.*s%smeta.json", STR_ARG(folder), folder.len ? "/" : "");
    struct prom_meta meta;

    TRY(prom_meta_load(import->from, path.data, &meta));
    import->blocks[import->block_count++] = (struct block_entry){folder, meta.min_ms};
    if (!meta.is_out_of_order && meta.end_ms > import->head_from_ms) import->head_from_ms = meta.end_ms;
    return ok();
}

static status find_blocks(struct import *import)
{
    str *names;
    size_t count;

    TRY(fs_list_folders(import->from, "", &import->arena, &names, &count));
    import->blocks = arena_array(&import->arena, struct block_entry, count + 1);
    if (has_file(import->from, "meta.json")) return add_block(import, STR(""));
    for (size_t i = 0; i < count; i++) {
        if (is_ulid(names[i])) TRY(add_block(import, names[i]));
    }
    if (import->block_count) qsort(import->blocks, import->block_count, sizeof *import->blocks, compare_blocks);
    return ok();
}

static void tell(struct import *import, const char *part)
{
    import->progress->part = part;
    import->progress->done++;
    import->progress->spent_ns = clock_monotonic_ns() - import->start_ns;
    import->tell(import->context, import->progress);
}

static status import_block(struct import *import, const struct block_entry *entry)
{
    struct prom_block *block;

    TRY(prom_block_open(import->from, entry->folder.data, &block));
    struct import_source source = prom_block_source(block);
    status s = db_import(import->db, &source, &import->progress->total);
    if (!failed(s)) tell(import, prom_block_meta(block)->ulid);
    prom_block_close(block);
    return s;
}

static status import_head(struct import *import)
{
    struct import_source source = prom_head_source(import->head);

    TRY(db_import(import->db, &source, &import->progress->total));
    tell(import, head_chunks_part);
    status s = prom_head_append(import->head, import->db, &import->progress->head);
    if (!failed(s)) tell(import, log_part);
    return s;
}

static status run(struct import *import)
{
    TRY(check_lock(import->from));
    TRY(find_blocks(import));
    TRY(prom_head_open(import->from, import->head_from_ms, &import->head));
    if (import->block_count == 0 && !import->head)
        return status_make(STATUS_NOT_FOUND, "there is no data of Prometheus in this folder: no block and no log");
    import->progress->parts = (uint32_t)import->block_count + (import->head ? 2 : 0);
    for (size_t i = 0; i < import->block_count; i++) TRY(import_block(import, &import->blocks[i]));
    return import->head ? import_head(import) : ok();
}

status prom_import(struct fs *from, struct db *db, void (*tell_of)(void *context, const struct prom_progress *progress),
                   void *context, struct prom_progress *out)
{
    struct import import = {
        .from = from, .db = db, .tell = tell_of, .context = context, .progress = out, .start_ns = clock_monotonic_ns()};

    *out = (struct prom_progress){0};
    status s = run(&import);
    out->part = "";
    out->spent_ns = clock_monotonic_ns() - import.start_ns;
    prom_head_close(import.head);
    arena_release(&import.arena);
    return s;
}
