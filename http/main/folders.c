/* varve backup, restore, freeze and compact: work on data folders without a server. */
#include "http/main/commands.h"
#include "http/options.h"
#include "tsdb/backup.h"
#include "tsdb/db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Opening a folder makes it, so one that is to be read is looked for before. */
static status open_existing(const char *path, struct fs **out)
{
    struct stat found;

    if (stat(path, &found) != 0) return status_make(STATUS_NOT_FOUND, "%s: %s", path, strerror(errno));
    return fs_open_folder(path, out);
}

static void tell_copied(void *context, uint32_t block, uint32_t done, uint32_t of, uint64_t bytes)
{
    (void)context;
    log_info("block copied and verified", "block=%u done=%u of=%u bytes=%llu", block, done, of,
             (unsigned long long)bytes);
}

static void tell_finding(void *context, str sentence)
{
    (void)context;
    log_error("damaged data", "finding=%s", LOG_QUOTED(sentence));
}

typedef status copy_function(struct fs *from, struct fs *to, const struct backup_listener *listener,
                             struct backup_report *report);

static int copy_folder(const char *source, const char *target, copy_function *copy)
{
    static const struct backup_listener listener = {NULL, tell_copied, tell_finding};
    struct backup_report report;
    struct fs *from = NULL, *to = NULL;
    status s = open_existing(source, &from);

    if (!failed(s)) s = fs_open_folder(target, &to);
    if (!failed(s)) s = copy(from, to, &listener, &report);
    fs_release(to);
    fs_release(from);
    if (failed(s)) return command_fail(s.text);
    printf("%s: %u blocks, %u of them copied now (%llu bytes), %u removed", target, report.blocks, report.copied,
           (unsigned long long)report.bytes, report.removed);
    printf(report.findings ? ", %u faults\n" : "\n", report.findings);
    return report.findings ? 1 : 0;
}

int command_backup(int count, char *const *arguments)
{
    if (count != 2) return command_fail("backup takes a data folder and the folder of the backup");
    return copy_folder(arguments[0], arguments[1], backup_folder);
}

int command_restore(int count, char *const *arguments)
{
    if (count != 2) return command_fail("restore takes the folder of a backup and the data folder to make");
    return copy_folder(arguments[0], arguments[1], restore_folder);
}

/* Nothing expires here: that is for the server, which knows the settings. */
static int work_on(const char *path, status (*work)(struct db *db))
{
    struct db_options options = db_options_default();
    struct db_stats stats = {0};
    struct db *db;
    status s = open_existing(path, &options.fs);

    options.retention_ms = 0;
    options.background = false;
    if (!failed(s)) s = db_open(&options, &db);
    if (!failed(s)) {
        s = work(db);
        db_stats(db, &stats);
        status closed = db_close(db);
        if (!failed(s)) s = closed;
    }
    fs_release(options.fs);
    if (failed(s)) return command_fail(s.text);
    printf("%s: %u blocks, %llu samples, %llu bytes\n", path, stats.blocks, (unsigned long long)stats.block_samples,
           (unsigned long long)stats.block_bytes);
    return 0;
}

int command_freeze(int count, char *const *arguments)
{
    if (count != 1) return command_fail("freeze takes a data folder");
    return work_on(arguments[0], db_freeze);
}

int command_compact(int count, char *const *arguments)
{
    if (count != 1) return command_fail("compact takes a data folder");
    return work_on(arguments[0], db_compact);
}
