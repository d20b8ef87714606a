/* The scrub: now and then all blocks are read whole, slowly; see db_internal.h.
 *
 * One block is read at a time, between merges and by their thread. When all have been read, the time is kept in the
 * file `scrub`, so that restarts do not put it off for ever:
 *
 *     varve scrub 1
 *     done 1700000000000
 *
 * Without it, or when the clock is behind it, a scrub is due.
 */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tsdb/metrics.h"

static const char file_name[] = "scrub";

enum { FILE_BYTES_MAX = 100, BYTES_PER_SECOND = 32 << 20 };

static int64_t read_done(struct db *db)
{
    struct arena arena;
    uint64_t done = 0;
    str content;

    arena_init(&arena, NULL);
    if (!failed(fs_read_file(db->fs, file_name, FILE_BYTES_MAX, &arena, &content))) {
        str first = str_cut(&content, '\n'), line = str_cut(&content, '\n');
        if (!str_equal(first, STR("varve scrub 1")) || !str_starts_with(line, STR("done ")) ||
            !str_to_uint64(str_part(line, 5, line.len), &done))
            done = 0;
    }
    arena_release(&arena);
    return done > 0 && done <= INT64_MAX ? (int64_t)done : 0;
}

static void note_done(struct db *db, int64_t now_ms)
{
    struct arena arena;

    arena_init(&arena, NULL);
    db->scrub.done_ms = now_ms;
    status s =
        fs_replace_file(db->fs, file_name, arena_format(&arena, "varve scrub 1\ndone %lld\n", (long long)now_ms));
    if (failed(s)) log_warn("the time of the scrub can not be kept", "error=%s", LOG_QUOTED(str_from(s.text)));
    metric_set(&metric_scrub_done_seconds, now_ms / 1000);
    arena_release(&arena);
}

/* Whether it is time to begin or to go on. */
static bool is_due(struct db *db)
{
    int64_t now = clock_now_ms();

    if (db->options.scrub_interval_ms == 0) return false;
    if (db->scrub.is_running) return true;
    if (db->scrub.done_ms == 0) {
        db->scrub.done_ms = read_done(db);
        metric_set(&metric_scrub_done_seconds, db->scrub.done_ms / 1000);
    }
    return db->scrub.done_ms > now || now - db->scrub.done_ms >= db->options.scrub_interval_ms;
}

/* Keeps the rate. */
static bool pace(void *context, uint64_t bytes)
{
    struct db *db = context;

    metric_add(&metric_scrub_bytes, (int64_t)bytes);
    if (!db->options.background) return true;
    return db_pause(db, (int64_t)(bytes * 1000 / BYTES_PER_SECOND));
}

/* The block with the lowest number that is not read yet; numbers rise, so what is merged meanwhile is read too. */
static struct block *next_block(struct db *db)
{
    struct view *view = db_view(db);
    struct block *next = NULL;

    for (uint32_t i = 0; i < view->block_count; i++) {
        uint32_t number = block_get_info(view->blocks[i])->number;
        if (number > db->scrub.last && number <= db->scrub.end && (!next || number < block_get_info(next)->number))
            next = view->blocks[i];
    }
    if (next) block_ref(next);
    view_unref(view);
    return next;
}

static uint32_t highest_number(struct db *db)
{
    struct view *view = db_view(db);
    uint32_t highest = 0;

    for (uint32_t i = 0; i < view->block_count; i++) {
        uint32_t number = block_get_info(view->blocks[i])->number;
        if (number > highest) highest = number;
    }
    view_unref(view);
    return highest;
}

static void scrub_block(struct db *db, struct block *block)
{
    const struct block_info *info = block_get_info(block);
    status s = block_scrub(block, pace, db);

    db->scrub.last = info->number;
    if (s.code == STATUS_CANCELED) return;
    if (failed(s))
        log_warn("a block can not be read now", "block=%u error=%s", info->number, LOG_QUOTED(str_from(s.text)));
    metric_add(&metric_scrub_blocks, 1);
}

bool db_scrub_step(struct db *db)
{
    if (!is_due(db)) return false;
    if (!db->scrub.is_running) {
        db->scrub.is_running = true;
        db->scrub.last = 0;
        db->scrub.end = highest_number(db);
    }
    struct block *block = next_block(db);
    if (!block) {
        db->scrub.is_running = false;
        note_done(db, clock_now_ms());
        log_info("all blocks read", "damaged=%lld", (long long)metric_get(&metric_blocks_damaged));
        return false;
    }
    scrub_block(db, block);
    block_unref(block);
    return true;
}
