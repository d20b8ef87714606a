/* The disk: what the folder takes of it, what is set aside, what happens when it is full; see db_internal.h.
 *
 * A file without content, `reserve`, keeps space for the day on which the disk is full. On that day it goes, so that
 * the head can become a block, and then the head's log goes too. Writes are refused until the reserve can be set aside
 * again with some room to spare, so that a full disk is always one on which a freeze can be finished.
 */
#include "tsdb/db_internal.h"

#include "storage/base/log.h"
#include "storage/wal_format.h"
#include "tsdb/metrics.h"

static const char reserve_name[] = "reserve";

enum { RESERVE_SHARE = 16 }; /* of the retention size is the most that is set aside */

static uint64_t reserve_bytes(const struct db *db)
{
    uint64_t most = db->options.retention_bytes / RESERVE_SHARE;

    return db->options.retention_bytes && most < db->options.reserve_bytes ? most : db->options.reserve_bytes;
}

/* What has to be free beside the reserve before writes go on: for two segments of a log, and a part of the reserve, so
 * that a disk on its edge does not change its mind with every write. */
static uint64_t spare_bytes(const struct db *db)
{
    uint64_t segment = db->options.wal_segment_bytes ? db->options.wal_segment_bytes : WAL_SEGMENT_BYTES_MIN;

    return 2 * segment + reserve_bytes(db) / 4;
}

static void set_full(struct db *db, bool is_full)
{
    if (atomic_exchange(&db->is_disk_full, is_full) == is_full) return;
    metric_set(&metric_disk_full, is_full);
    if (is_full) {
        uint64_t needed = reserve_bytes(db) + spare_bytes(db);
        log_error("the disk is full: writes are refused until there is space", "needed=%llu",
                  (unsigned long long)needed);
    } else {
        log_info("the disk has space again: writes are taken", "reserve=%llu", (unsigned long long)reserve_bytes(db));
    }
}

status db_disk_failure(const struct db *db)
{
    uint64_t left = 0;

    if (!atomic_load_explicit(&db->is_disk_full, memory_order_relaxed)) return ok();
    uint64_t needed = reserve_bytes(db) + spare_bytes(db);
    status s = fs_free_bytes(db->fs, &left);
    return status_make(STATUS_NO_SPACE,
                       "the disk of the data folder is full: %llu bytes are free%s and %llu needed (--storage.reserve "
                       "and room for the log); free some, then writes go on by themselves",
                       (unsigned long long)left, failed(s) ? " as far as is known" : "", (unsigned long long)needed);
}

static status make_reserve(struct db *db)
{
    struct file *file;

    TRY(fs_open(db->fs, reserve_name, FS_REPLACE, &file));
    status s = file_allocate(file, reserve_bytes(db));
    file_close(file);
    if (failed(s)) (void)fs_unlink(db->fs, reserve_name);
    return s;
}

void db_keep_reserve_locked(struct db *db)
{
    bool is_wanted = reserve_bytes(db) > 0 && !db->has_reserve;
    uint64_t left;

    if (!is_wanted && !atomic_load(&db->is_disk_full)) return;
    status s = fs_free_bytes(db->fs, &left);
    if (!failed(s) && left < reserve_bytes(db) + spare_bytes(db))
        s = status_make(STATUS_NO_SPACE, "too little is free");
    if (!failed(s) && is_wanted) s = make_reserve(db);
    if (!failed(s)) {
        db->has_reserve = reserve_bytes(db) > 0;
        set_full(db, false);
    } else if (s.code == STATUS_NO_SPACE) {
        set_full(db, true);
    }
}

bool db_release_reserve_locked(struct db *db)
{
    set_full(db, true);
    if (!db->has_reserve || failed(fs_unlink(db->fs, reserve_name))) return false;
    db->has_reserve = false;
    return true;
}

status db_with_reserve_locked(struct db *db, status (*work)(struct db *db))
{
    status s = work(db);

    if (s.code == STATUS_NO_SPACE && db_release_reserve_locked(db)) s = work(db);
    db_keep_reserve_locked(db);
    return s;
}

void db_find_reserve_locked(struct db *db)
{
    struct arena arena;
    struct fs_entry *entries;
    size_t count = 0;
    uint64_t left;

    arena_init(&arena, NULL);
    status s = fs_entries(db->fs, "", &arena, &entries, &count);
    for (size_t i = 0; !failed(s) && i < count; i++) {
        if (!str_equal(entries[i].name, str_from(reserve_name))) continue;
        bool is_right = entries[i].bytes >= reserve_bytes(db) && entries[i].bytes <= 2 * reserve_bytes(db);
        bool is_needed = !failed(fs_free_bytes(db->fs, &left)) && left < spare_bytes(db);
        db->has_reserve = is_right && !is_needed;
        if (!db->has_reserve) (void)fs_unlink(db->fs, reserve_name);
    }
    arena_release(&arena);
}

/* Whether a file in the folder of blocks is one that the merge under way is writing. */
static bool is_being_merged(const struct db *db, str name)
{
    uint64_t number;

    return db->merge_bytes && str_to_uint64(name, &number) && number >= db->merge_first &&
           number - db->merge_first < db->merge_count;
}

status db_folder_bytes_locked(struct db *db, struct folder_bytes *out)
{
    static const char *const folders[] = {"", "wal", "registry", "block"};
    struct arena arena;

    *out = (struct folder_bytes){.all = db->merge_bytes};
    arena_init(&arena, NULL);
    status s = ok();
    for (size_t f = 0; !failed(s) && f < sizeof folders / sizeof folders[0]; f++) {
        struct fs_entry *entries;
        size_t count = 0;
        s = fs_entries(db->fs, folders[f], &arena, &entries, &count);
        for (size_t i = 0; i < count; i++) {
            if (f == 3 && is_being_merged(db, entries[i].name)) continue;
            out->all += entries[i].bytes;
            if (f == 1) out->logs += entries[i].bytes;
        }
    }
    arena_release(&arena);
    if (!failed(s)) metric_set(&metric_folder_bytes, (int64_t)out->all);
    return s;
}

status db_find_merge_room_locked(struct db *db, uint64_t bytes)
{
    uint64_t left, need = bytes + spare_bytes(db);
    uint32_t count = db->view->block_count;

    if (db->options.retention_bytes) TRY(db_retain_locked(db, bytes));
    if (db->view->block_count != count)
        return status_make(STATUS_CANCELED, "blocks went to make room for a merge, perhaps some that it was to read");
    TRY(fs_free_bytes(db->fs, &left));
    if (left >= need) return ok();
    return status_make(STATUS_NO_SPACE, "a merge of blocks needs %llu bytes of the disk for a while, %llu are free",
                       (unsigned long long)need, (unsigned long long)left);
}

uint64_t db_logged_bytes(const struct db *db)
{
    return atomic_load(&db->logged_before) + (db->wal ? wal_bytes(db->wal) : 0);
}

uint64_t db_log_room(struct db *db, uint64_t log_bytes)
{
    uint64_t first = db->options.wal_segment_bytes ? db->options.wal_segment_bytes : WAL_SEGMENT_BYTES_MIN;
    uint64_t segment = first + log_bytes < WAL_SEGMENT_BYTES_MAX ? first + log_bytes : WAL_SEGMENT_BYTES_MAX;
    uint64_t logged = db_logged_bytes(db), grown = logged - db->logged_at_look;

    db->logged_at_look = logged;
    atomic_store(&db->log_room, logged + segment + grown);
    return 2 * segment + grown;
}
