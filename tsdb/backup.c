/* Backup and restore; see backup.h. */
#include "tsdb/backup.h"

#include "storage/page_cache.h"
#include "tsdb/block.h"
#include "tsdb/state.h"

#include <stdio.h>

enum {
    COPY_BYTES = 1 << 20,
    CACHE_BYTES = 16 << 20,
    ATTEMPTS = 20 /* a server may merge blocks away while they are being copied; each time there is a newer state */
};

static const char unfinished[] = "block/copying";

struct backup {
    struct fs *from, *to;
    struct page_cache *cache;
    const struct backup_listener *listener;
    struct backup_report *report;
    uint8_t *buffer;
};

static status open_sized(struct fs *fs, const char *name, struct file **out, uint64_t *bytes)
{
    TRY(fs_open(fs, name, FS_READ, out));
    status s = file_size(*out, bytes);
    if (failed(s)) file_close(*out);
    return s;
}

/* Whether the file is there already: of the same size, with the same tail, whose checksum covers where the footer is.
 */
static status is_there(struct backup *backup, const char *name, bool *out)
{
    struct file *from, *to;
    uint64_t from_bytes, to_bytes;
    uint8_t tails[2][BLOCK_TAIL_BYTES];

    *out = false;
    TRY(open_sized(backup->from, name, &from, &from_bytes));
    status s = open_sized(backup->to, name, &to, &to_bytes);
    if (failed(s)) {
        file_close(from);
        return s.code == STATUS_NOT_FOUND ? ok() : s;
    }
    if (from_bytes == to_bytes && from_bytes >= BLOCK_TAIL_BYTES) {
        s = file_read(from, from_bytes - BLOCK_TAIL_BYTES, tails[0], BLOCK_TAIL_BYTES);
        if (!failed(s)) s = file_read(to, to_bytes - BLOCK_TAIL_BYTES, tails[1], BLOCK_TAIL_BYTES);
        *out = !failed(s) && memcmp(tails[0], tails[1], BLOCK_TAIL_BYTES) == 0;
    }
    file_close(from);
    file_close(to);
    return s;
}

static status copy_bytes(struct backup *backup, struct file *from, struct file *to, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes;) {
        size_t part = bytes - at < COPY_BYTES ? (size_t)(bytes - at) : COPY_BYTES;
        TRY(file_read(from, at, backup->buffer, part));
        TRY(file_write(to, at, &(struct fs_span){backup->buffer, part}, 1));
        at += part;
    }
    return file_sync(to);
}

static status copy_file(struct backup *backup, const char *name, uint64_t *bytes)
{
    struct file *from, *to;

    TRY(open_sized(backup->from, name, &from, bytes));
    status s = fs_open(backup->to, unfinished, FS_REPLACE, &to);
    if (!failed(s)) {
        s = copy_bytes(backup, from, to, *bytes);
        file_close(to);
    }
    file_close(from);
    if (!failed(s)) s = fs_rename(backup->to, unfinished, name);
    return s;
}

static void pass_on(void *context, str sentence)
{
    struct backup *backup = context;

    backup->report->findings++;
    backup->listener->finding(backup->listener->context, sentence);
}

/* What is damaged was damaged before it was copied, or on the way: in both cases somebody must know. */
static status verify(struct backup *backup, uint32_t number)
{
    struct block *block;
    status s = block_open(backup->to, number, backup->cache, &block);
    if (!failed(s)) {
        s = block_check(block, pass_on, backup);
        block_unref(block);
    }
    if (s.code != STATUS_CORRUPT && s.code != STATUS_UNSUPPORTED) return s;
    pass_on(backup, str_from(s.text));
    return ok();
}

static status copy_block(struct backup *backup, uint32_t number, uint32_t done, uint32_t of)
{
    char name[BLOCK_NAME_BYTES];
    uint64_t bytes = 0;
    bool there;

    block_name(name, number);
    TRY(is_there(backup, name, &there));
    if (there) return ok();
    TRY(copy_file(backup, name, &bytes));
    TRY(verify(backup, number));
    backup->report->copied++;
    backup->report->bytes += bytes;
    backup->listener->copied(backup->listener->context, number, done, of, bytes);
    return ok();
}

/* Copies what `state` names and is not there; NOT_FOUND if a block went away meanwhile. */
static status copy_blocks(struct backup *backup, const struct state *state)
{
    uint32_t done = 0, of = (uint32_t)state->blocks.count;

    vec_each (entry, &state->blocks) TRY(copy_block(backup, entry->number, ++done, of));
    return fs_sync_folder(backup->to, "block");
}

/* Removes the files of blocks that the state does not name. */
static status remove_others(struct backup *backup, const struct state *state)
{
    struct arena arena;
    str *names;
    size_t count;

    arena_init(&arena, NULL);
    status s = fs_list(backup->to, "block", &arena, &names, &count);
    for (size_t i = 0; !failed(s) && i < count; i++) {
        uint64_t number;
        bool is_named = false;
        if (!str_to_uint64(names[i], &number)) continue;
        vec_each (entry, &state->blocks) is_named = is_named || entry->number == number;
        if (is_named) continue;
        s = fs_unlink(backup->to, arena_format(&arena, "block/%.*s", STR_ARG(names[i])).data);
        backup->report->removed++;
    }
    arena_release(&arena);
    return s;
}

/* The new backup exists when its state is there; only then the old one may go. */
static status install(struct backup *backup, struct state *state)
{
    state->heads.count = state->registries.count = 0;
    backup->report->blocks = (uint32_t)state->blocks.count;
    if (state->tombstones) TRY(state_save_to(backup->to, STATE_TOMBSTONES, state));
    TRY(state_save(backup->to, state));
    return remove_others(backup, state);
}

static status load_source(struct backup *backup, struct state *out)
{
    status s = state_load(backup->from, out);

    if (s.code == STATUS_NOT_FOUND)
        return status_make(STATUS_INVALID, "the folder has no file `state`: it is no data folder, no backup and no "
                                           "snapshot");
    return s;
}

/* A server may merge or drop a block between the reading of its state and the copy of the block; then there is a newer
 * state, unless the block is missing. */
static status copy_newest(struct backup *backup)
{
    status s = ok();
    struct state state;

    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        TRY(load_source(backup, &state));
        s = copy_blocks(backup, &state);
        if (!failed(s)) s = install(backup, &state);
        state_release(&state);
        if (s.code != STATUS_NOT_FOUND) return s;
    }
    return s;
}

/* Whether `to` may become a backup of `from`. */
static status check_target(struct backup *backup)
{
    struct state from, to;
    status s = state_load(backup->to, &to);

    if (s.code == STATUS_NOT_FOUND) return ok();
    TRY(s);
    s = load_source(backup, &from);
    if (failed(s)) {
        state_release(&to);
        return s;
    }
    if (to.heads.count) {
        s = status_make(STATUS_INVALID, "the target is a data folder with a log, not a backup");
    } else if (memcmp(&from.secret, &to.secret, sizeof from.secret) != 0) {
        s = status_make(STATUS_INVALID, "the target is a backup of another data folder");
    }
    state_release(&from);
    state_release(&to);
    return s;
}

static status check_empty(struct backup *backup)
{
    struct arena arena;
    struct state state;
    str *names;
    size_t count;

    TRY(load_source(backup, &state));
    bool has_log = state.heads.count > 0;
    state_release(&state);
    if (has_log)
        return status_make(STATUS_INVALID, "the source is a data folder with a log, not a backup: back it up first, or "
                                           "copy the whole folder while no server runs on it");
    arena_init(&arena, NULL);
    status s = fs_list(backup->to, "block", &arena, &names, &count);
    arena_release(&arena);
    TRY(s);
    s = state_load(backup->to, &state);
    if (s.code == STATUS_NOT_FOUND && count == 0) return ok();
    if (!failed(s)) state_release(&state);
    return status_make(STATUS_EXISTS, "the target holds data already; give an empty folder");
}

static status run(struct fs *from, struct fs *to, const struct backup_listener *listener, struct backup_report *report,
                  status (*check)(struct backup *backup))
{
    struct backup backup = {.from = from, .to = to, .listener = listener, .report = report};

    *report = (struct backup_report){0};
    TRY(fs_lock(to, "lock"));
    TRY(check(&backup));
    TRY(fs_make_folder(to, "block"));
    backup.cache = page_cache_new(CACHE_BYTES);
    backup.buffer = memory_alloc(COPY_BYTES);
    status s = copy_newest(&backup);
    free(backup.buffer);
    page_cache_free(backup.cache);
    return s;
}

status backup_folder(struct fs *from, struct fs *to, const struct backup_listener *listener,
                     struct backup_report *report)
{
    return run(from, to, listener, report, check_target);
}

status restore_folder(struct fs *from, struct fs *to, const struct backup_listener *listener,
                      struct backup_report *report)
{
    return run(from, to, listener, report, check_empty);
}
