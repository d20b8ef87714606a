/* Deletes, and their purge; see db.h and db_internal.h.
 *
 * A delete first switches the head, so that the numbers of heads divide what it hides from what comes later. The new
 * head has an empty registry: names and values that are gone are not found there either. Merges do not cross that
 * line as long as the tombstone exists. The purge in order:
 *   1. under maintenance: `state` says that it has begun, and from then on the tombstone can not be taken back;
 *   2. blocks that have hidden samples are written again without them, one after the other, as merges are
 * (db_compact.c);
 *   3. under maintenance: when no block and no head is left that may have any, `state` forgets the tombstone.
 */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tsdb/hidden.h"
#include "tsdb/metrics.h"

/* Makes a state with another set of tombstones the one that exists; it is released on failure. */
static status install_locked(struct db *db, struct state *next, struct tombstones *take_tombstones)
{
    state_set_tombstones(next, take_tombstones);
    status s = state_save_to(db->fs, STATE_TOMBSTONES, next);
    if (failed(s)) {
        state_release(next);
        return s;
    }
    TRY(db_save_state_locked(db, next));
    db_publish(db, db->view->blocks, db->view->block_count, NULL);
    metric_set(&metric_tombstones, tombstones_count(db->state.tombstones));
    return ok();
}

static status replace_locked(struct db *db, struct tombstones *take_tombstones)
{
    struct state next = state_copy(&db->state);

    return install_locked(db, &next, take_tombstones);
}

static status add_locked(struct db *db, const struct db_deletion *deletions, size_t count)
{
    int64_t now = clock_now_ms();
    struct tombstone *added = memory_alloc(count * sizeof *added);
    struct tombstones *made;

    struct state next = state_copy(&db->state);
    for (size_t i = 0; i < count; i++) {
        added[i] = (struct tombstone){.number = next.next++,
                                      .head_to = head_number(db->live) - 1,
                                      .from_ms = deletions[i].from_ms,
                                      .to_ms = deletions[i].to_ms,
                                      .created_ms = now,
                                      .purge_ms = now + db->options.delete_undo_ms,
                                      .matchers = deletions[i].matchers,
                                      .matcher_count = deletions[i].matcher_count};
    }
    status s = tombstones_make(db->state.tombstones, NULL, NULL, added, count, &made);
    free(added);
    if (failed(s)) {
        state_release(&next);
        return s;
    }
    return install_locked(db, &next, made);
}

static status delete_locked(struct db *db, const struct db_deletion *deletions, size_t count)
{
    uint32_t there = tombstones_count(db->state.tombstones);

    if (count > db->options.tombstones_max || there > db->options.tombstones_max - count)
        return status_make(STATUS_LIMIT,
                           "there are %u deletes that are not purged yet, of at most %u "
                           "(--storage.delete-limit): purge them first (clean_tombstones)",
                           there, db->options.tombstones_max);
    if (db->frozen) TRY(db_write_frozen_locked(db));
    TRY(db_replace_head_locked(db));
    TRY(add_locked(db, deletions, count));
    /* The delete holds; if the block can not be written now, it is tried again with the next maintenance. */
    status written = db_write_frozen_locked(db);
    if (failed(written))
        log_warn("the head can not be written as a block yet", "error=%s", LOG_QUOTED(str_from(written.text)));
    return ok();
}

status db_delete(struct db *db, const struct db_deletion *deletions, size_t count)
{
    if (count == 0) return ok();
    pthread_mutex_lock(&db->maintenance);
    status s = delete_locked(db, deletions, count);
    pthread_mutex_unlock(&db->maintenance);
    return s;
}

static bool has_other_number(const struct tombstone *item, void *context)
{
    return item->number != *(const uint32_t *)context;
}

static status undelete_locked(struct db *db, uint32_t number)
{
    const struct tombstone *item = tombstones_find(db->state.tombstones, number);
    struct tombstones *made;

    if (!item) return status_make(STATUS_NOT_FOUND, "there is no delete with the number %u", number);
    if (item->purge_ms == TOMBSTONE_PURGING)
        return status_make(STATUS_NOT_FOUND, "the samples of delete %u are being purged", number);
    TRY(tombstones_make(db->state.tombstones, has_other_number, &number, NULL, 0, &made));
    return replace_locked(db, made);
}

status db_undelete(struct db *db, uint32_t number)
{
    pthread_mutex_lock(&db->maintenance);
    status s = undelete_locked(db, number);
    pthread_mutex_unlock(&db->maintenance);
    return s;
}

void db_tombstones(struct db *db, struct db_tombstone **out, size_t *count, struct arena *arena)
{
    struct view *view = db_view(db);

    *count = tombstones_count(view->tombstones);
    *out = arena_array(arena, struct db_tombstone, *count);
    for (size_t i = 0; i < *count; i++) {
        const struct tombstone *item = &view->tombstones->items[i];
        struct writer text = {0};
        matchers_write(item->matchers, item->matcher_count, &text);
        (*out)[i] =
            (struct db_tombstone){.number = item->number,
                                  .matchers = arena_copy_str(arena, str_make((const char *)text.data, text.count)),
                                  .from_ms = item->from_ms,
                                  .to_ms = item->to_ms,
                                  .created_ms = item->created_ms,
                                  .purge_ms = item->purge_ms};
        writer_release(&text);
    }
    view_unref(view);
}

/* Which purges begin. */
struct due {
    int64_t now_ms;
    bool all;
};

static bool is_due(const struct tombstone *item, const struct due *due)
{
    return item->purge_ms != TOMBSTONE_PURGING && (due->all || item->purge_ms <= due->now_ms);
}

static void begin_if_due(struct tombstone *item, void *context)
{
    if (is_due(item, context)) item->purge_ms = TOMBSTONE_PURGING;
}

status db_begin_purge_locked(struct db *db, bool all)
{
    struct due due = {clock_now_ms(), all};
    uint32_t count = 0;

    for (uint32_t i = 0; i < tombstones_count(db->state.tombstones); i++)
        count += is_due(&db->state.tombstones->items[i], &due);
    return count ? replace_locked(db, tombstones_change(db->state.tombstones, begin_if_due, &due)) : ok();
}

static bool is_known_purged(const struct db *db, uint32_t tombstone, uint32_t block)
{
    vec_each (known, &db->purged) {
        if (known->tombstone == tombstone && known->block == block) return true;
    }
    return false;
}

void db_note_purged(struct db *db, const struct tombstones *tombstones, uint32_t block)
{
    for (uint32_t i = 0; i < tombstones_count(tombstones); i++) {
        if (tombstones->items[i].purge_ms == TOMBSTONE_PURGING)
            vec_push(&db->purged, (struct purged_block){tombstones->items[i].number, block});
    }
}

static struct hidden_source source_of(struct block *block)
{
    const struct block_info *info = block_get_info(block);
    return (struct hidden_source){info->head_first, info->min_ms, info->max_ms, block_index(block), info->series};
}

/* Whether a block may have samples that the tombstone hides: it does not after it was written again. */
static bool may_have(const struct db *db, const struct tombstone *item, struct block *block)
{
    struct hidden_source source = source_of(block);
    return tombstone_touches(item, &source) && !is_known_purged(db, item->number, block_get_info(block)->number);
}

/* Whether a block has samples of a span. */
static status has_samples(struct db *db, struct block *block, const struct hidden_span *span, bool *out)
{
    struct column_buffer buffer = {0};
    struct block_cursor cursor = {0};
    status s = ok();

    *out = false;
    for (uint32_t i = 0; i < span->count && !failed(s) && !*out; i++) {
        if (atomic_load(&db->stop)) s = status_make(STATUS_CANCELED, "the purge was stopped");
        columns_clear(&buffer);
        if (!failed(s)) s = block_read(block, &cursor, span->series[i], span->from_ms, span->to_ms, &buffer);
        *out = !failed(s) && buffer.times.count > 0;
    }
    block_cursor_release(&cursor);
    column_buffer_release(&buffer);
    return s;
}

static status look_through(struct db *db, struct block *block, const struct tombstones *tombstones, bool *found)
{
    struct hidden_source source = source_of(block);
    struct hidden hidden;
    struct arena arena;

    *found = false;
    arena_init(&arena, NULL);
    status s = hidden_find(tombstones, &source, true, &arena, &hidden);
    for (uint32_t i = 0; !failed(s) && i < hidden.count && !*found; i++)
        s = has_samples(db, block, &hidden.spans[i], found);
    arena_release(&arena);
    return s;
}

status db_find_purge(struct db *db, const struct view *view, uint32_t *index)
{
    *index = UINT32_MAX;
    for (uint32_t i = 0; i < view->block_count; i++) {
        bool may = false, found;
        if (block_is_damaged(view->blocks[i])) continue; /* what it hides stays hidden */
        for (uint32_t k = 0; k < tombstones_count(view->tombstones) && !may; k++) {
            const struct tombstone *item = &view->tombstones->items[k];
            may = item->purge_ms == TOMBSTONE_PURGING && may_have(db, item, view->blocks[i]);
        }
        if (!may) continue;
        status s = look_through(db, view->blocks[i], view->tombstones, &found);
        if (tells_damage(s)) continue;
        TRY(s);
        if (found) {
            *index = i;
            return ok();
        }
        db_note_purged(db, view->tombstones, block_get_info(view->blocks[i])->number);
    }
    return ok();
}

/* What db_end_purge asks of each tombstone. */
struct ending {
    struct db *db;
    uint32_t ended;
};

/* Whether something that may be hidden is left. Damaged blocks count: they may be mended. */
static bool is_needed(const struct tombstone *item, void *context)
{
    struct ending *ending = context;
    const struct db *db = ending->db;

    if (item->purge_ms != TOMBSTONE_PURGING) return true;
    vec_each (head, &db->state.heads) {
        if (head->number <= item->head_to) return true;
    }
    vec_each (broken, &db->broken) {
        if (!atomic_load(&broken->is_expired) && broken->min_ms <= item->to_ms && broken->max_ms >= item->from_ms)
            return true;
    }
    for (uint32_t i = 0; i < db->view->block_count; i++) {
        if (may_have(db, item, db->view->blocks[i])) return true;
    }
    ending->ended++;
    return false;
}

static status end_locked(struct db *db)
{
    struct ending ending = {.db = db};
    struct tombstones *made;

    TRY(tombstones_make(db->state.tombstones, is_needed, &ending, NULL, 0, &made));
    if (ending.ended == 0) {
        tombstones_unref(made);
        return ok();
    }
    TRY(replace_locked(db, made));
    if (!made) db->purged.count = 0;
    log_info("deleted samples purged", "deletes=%u", ending.ended);
    return ok();
}

status db_end_purge(struct db *db, const struct view *view)
{
    bool any = false;

    for (uint32_t i = 0; i < tombstones_count(view->tombstones); i++)
        any = any || view->tombstones->items[i].purge_ms == TOMBSTONE_PURGING;
    if (!any) return ok();
    pthread_mutex_lock(&db->maintenance);
    status s = end_locked(db);
    pthread_mutex_unlock(&db->maintenance);
    return s;
}

status db_purge(struct db *db)
{
    pthread_mutex_lock(&db->maintenance);
    status s = db->frozen ? db_write_frozen_locked(db) : ok();
    if (!failed(s)) s = db_begin_purge_locked(db, true);
    pthread_mutex_unlock(&db->maintenance);
    for (bool done = true; !failed(s) && done;) s = db_compact_step(db, false, &done);
    return s;
}
