/* Checkpoints: the data at a moment as a folder of its own, of hard links; see db.h.
 *
 * Blocks never change, so a link to each of them and a `state` that names them is a whole data folder. The state comes
 * last: a folder without one is not a checkpoint. No log is part of it: what is in memory is frozen first.
 */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 256 };

/* Makes a folder and those it is in, and their names durable. */
static status make_folders(struct fs *fs, const char *path)
{
    char part[PATH_BYTES];

    for (const char *at = path; at; at = strchr(at + 1, '/')) {
        if (at == path) continue;
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        TRY(fs_make_folder(fs, part));
    }
    TRY(fs_make_folder(fs, path));
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strrchr(part, '/'); slash; slash = strrchr(part, '/')) {
        *slash = 0;
        TRY(fs_sync_folder(fs, part));
    }
    return fs_sync_folder(fs, "");
}

/* A block that is damaged or missing is left as it is: what there is of it is linked. */
static status link_blocks(struct db *db, const char *folder, struct state *copy)
{
    char from[BLOCK_NAME_BYTES], to[PATH_BYTES];
    size_t kept = 0;

    for (size_t i = 0; i < copy->blocks.count; i++) {
        block_name(from, copy->blocks.data[i].number);
        snprintf(to, sizeof to, "%s/%s", folder, from);
        status s = fs_link(db->fs, from, to);
        if (s.code == STATUS_NOT_FOUND) {
            log_warn("a block is missing and so not in the checkpoint", "block=%u", copy->blocks.data[i].number);
            continue;
        }
        TRY(s);
        copy->blocks.data[kept++] = copy->blocks.data[i];
    }
    copy->blocks.count = kept;
    return ok();
}

static status checkpoint_locked(struct db *db, const char *folder, bool with_head)
{
    char path[PATH_BYTES];

    if (with_head) TRY(db_freeze_locked(db, true));
    snprintf(path, sizeof path, "%s/block", folder);
    TRY(make_folders(db->fs, path));
    struct state copy = state_copy(&db->state);
    copy.heads.count = copy.registries.count = 0;
    status s = link_blocks(db, folder, &copy);
    if (!failed(s)) s = fs_sync_folder(db->fs, path);
    snprintf(path, sizeof path, "%s/state", folder);
    if (!failed(s)) s = state_save_to(db->fs, path, &copy);
    if (!failed(s)) log_info("checkpoint made", "folder=%s blocks=%zu", folder, copy.blocks.count);
    state_release(&copy);
    return s;
}

status db_checkpoint(struct db *db, const char *folder, bool with_head)
{
    if (strlen(folder) + BLOCK_NAME_BYTES > PATH_BYTES)
        return status_make(STATUS_INVALID, "the name of the checkpoint's folder is too long");
    pthread_mutex_lock(&db->maintenance);
    status s = checkpoint_locked(db, folder, with_head);
    pthread_mutex_unlock(&db->maintenance);
    return s;
}
