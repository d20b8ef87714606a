/* Merging blocks while everything goes on; see db_internal.h.
 *
 * A merge in order:
 *   1. a plan is made of a view, which references the blocks; under maintenance numbers for what comes out are reserved
 *      in `state`;
 *   2. without any lock: the merged blocks are written, one for each window that has samples, and made durable;
 *   3. under maintenance: `state` names them in the place of those they were made of, the view follows, old files go.
 * Freezes append behind the blocks of the plan meanwhile; retention may take some of them away, and then the work was
 * in vain. A crash before 3 leaves files that `state` does not name.
 */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "tsdb/compaction.h"
#include "tsdb/merge.h"
#include "tsdb/metrics.h"

/* A merge on its way. */
struct compaction {
    struct compaction_plan plan;
    struct view *view; /* keeps the inputs */
    struct block *inputs[COMPACTION_INPUTS_MAX];
    struct block *outputs[COMPACTION_OUTPUTS_MAX]; /* in the order of their windows */
    uint32_t output_count;
    uint32_t first_number, number_count; /* reserved */
    int64_t exemplars_from_ms;           /* earlier ones are in an output */
    uint32_t windows_done;
    uint64_t bytes; /* of the inputs */
    uint64_t samples;
    uint64_t memory; /* what it takes, about */
    int64_t start_ns;
};

static uint32_t window_count(const struct compaction_plan *plan)
{
    uint32_t count = 1;
    int64_t end = compaction_window_end(plan->min_ms, plan->window_ms);

    for (; end < plan->max_ms; count++) end = compaction_window_end(end + 1, plan->window_ms);
    return count;
}

static struct compaction_block *describe(const struct view *view)
{
    struct compaction_block *blocks = memory_alloc(((size_t)view->block_count + 1) * sizeof *blocks);

    for (uint32_t i = 0; i < view->block_count; i++) {
        const struct block_info *info = block_get_info(view->blocks[i]);
        blocks[i] = (struct compaction_block){info->min_ms, info->max_ms, block_bytes(view->blocks[i]),
                                              block_is_damaged(view->blocks[i])};
    }
    return blocks;
}

/* How many tombstones do not touch a block because it came after them. */
static uint32_t tombstones_before(const struct view *view, uint32_t block)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < tombstones_count(view->tombstones); i++)
        count += view->tombstones->items[i].head_to < block_get_info(view->blocks[block])->head_first;
    return count;
}

static uint64_t input_bytes(const struct view *view, const struct compaction_plan *plan)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < plan->count; i++) bytes += block_bytes(view->blocks[plan->inputs[i]]);
    return bytes;
}

static uint32_t number_of(const struct compaction *compaction, uint32_t input)
{
    return block_get_info(compaction->inputs[input])->number;
}

/* The series of the inputs together. A merge that there is no memory for is looked at again and again, so those of the
 * last one are remembered. Expects compacting. */
static uint64_t series_of(struct db *db, const struct compaction *compaction)
{
    uint32_t count = compaction->plan.count;
    struct weighed_merge key = {.first = number_of(compaction, 0),
                                .last = number_of(compaction, count - 1),
                                .count = count};

    if (db->weighed.first == key.first && db->weighed.last == key.last && db->weighed.count == count)
        return db->weighed.series;
    key.series = merge_series(compaction->inputs, count);
    db->weighed = key;
    return key.series;
}

static bool has_memory(struct db *db, struct compaction *compaction)
{
    uint32_t count = compaction->plan.count;

    compaction->memory = merge_memory(compaction->inputs, count, merge_series_most(compaction->inputs, count));
    if (db_may_merge(db, compaction->memory)) return true;
    compaction->memory = merge_memory(compaction->inputs, count, series_of(db, compaction));
    return db_may_merge(db, compaction->memory);
}

static void take_inputs(struct compaction *compaction)
{
    for (uint32_t i = 0; i < compaction->plan.count; i++)
        compaction->inputs[i] = compaction->view->blocks[compaction->plan.inputs[i]];
}

/* A plan for blocks that no tombstone divides: a merged block would be touched by it as a whole, or not at all. One
 * that would write half of the retention size, or take too much of the memory, is not carried out. */
static bool plan_merge(struct db *db, bool all, struct compaction *compaction)
{
    const struct view *view = compaction->view;
    struct compaction_plan *plan = &compaction->plan;
    struct compaction_block *blocks = describe(view);
    int64_t newest_ms = atomic_load(&db->newest_ms);
    bool due = false;

    for (uint32_t first = 0, end; first < view->block_count && !due; first = end) {
        uint32_t before = tombstones_before(view, first);
        for (end = first + 1; end < view->block_count && tombstones_before(view, end) == before;) end++;
        due = compaction_plan(blocks + first, end - first, newest_ms, all, plan);
        for (uint32_t i = 0; due && i < plan->count; i++) plan->inputs[i] += first;
    }
    free(blocks);
    if (!due) return false;
    bool fits = db->options.retention_bytes == 0 || input_bytes(view, plan) <= db->options.retention_bytes / 2;
    take_inputs(compaction);
    return fits && has_memory(db, compaction);
}

static void plan_purge(uint32_t index, struct compaction *compaction)
{
    struct compaction_block *blocks = describe(compaction->view);

    compaction_plan_rewrite(blocks, index, &compaction->plan);
    free(blocks);
    take_inputs(compaction);
    compaction->memory =
        merge_memory(compaction->inputs, compaction->plan.count, block_get_info(compaction->inputs[0])->series);
}

/* Chooses what to do in the view; looks through blocks, so it holds no lock that others wait for. */
static status choose(struct db *db, bool all, struct compaction *compaction, bool *due)
{
    uint32_t purged;

    TRY(db_find_purge(db, compaction->view, &purged));
    *due = purged != UINT32_MAX;
    if (*due) {
        plan_purge(purged, compaction);
    } else {
        TRY(db_end_purge(db, compaction->view));
        *due = plan_merge(db, all, compaction);
    }
    return ok();
}

/* Step 1. Fails if a delete has come since the plan was made: it may divide the blocks. */
static status reserve_locked(struct db *db, struct compaction *compaction)
{
    if (db->view->tombstones != compaction->view->tombstones)
        return status_make(STATUS_CANCELED, "the deletes changed while a merge was planned");
    uint64_t bytes = input_bytes(compaction->view, &compaction->plan); /* what comes out is at most as large */
    TRY(db_find_merge_room_locked(db, bytes));
    compaction->bytes = bytes;
    struct state next = state_copy(&db->state);
    compaction->first_number = next.next;
    compaction->number_count = window_count(&compaction->plan);
    next.next += compaction->number_count;
    TRY(db_save_state_locked(db, &next));
    db->merge_bytes = bytes;
    db->merge_first = compaction->first_number;
    db->merge_count = compaction->number_count;
    return ok();
}

static status begin(struct db *db, bool all, struct compaction *compaction, bool *due)
{
    pthread_mutex_lock(&db->maintenance);
    status s = db_begin_purge_locked(db, false);
    pthread_mutex_unlock(&db->maintenance);
    TRY(s);
    compaction->view = db_view(db);
    TRY(choose(db, all, compaction, due));
    if (!*due) return ok();
    pthread_mutex_lock(&db->maintenance);
    s = reserve_locked(db, compaction);
    pthread_mutex_unlock(&db->maintenance);
    return s;
}

/* Windows count alike: how many bytes are in which is not known before. */
static void show_progress(void *context, uint32_t done, uint32_t of)
{
    const struct compaction *compaction = context;
    double windows = compaction->windows_done + (double)done / of;

    metric_set(&metric_merging_done_bytes, (int64_t)((double)compaction->bytes * windows / compaction->number_count));
}

static status write_window(struct db *db, struct compaction *compaction, uint32_t number, int64_t time_ms)
{
    const struct compaction_plan *plan = &compaction->plan;
    struct block_info info = {.number = number, .created_ms = clock_now_ms(), .secret = db->secret};
    struct writer metadata = {0};
    int64_t end_ms = compaction_window_end(time_ms, plan->window_ms);
    bool is_last = end_ms >= plan->max_ms;

    metadata_section(db->metadata, &metadata);
    struct merge_request request = {.blocks = compaction->inputs,
                                    .count = plan->count,
                                    .from_ms = compaction_window_start(time_ms, plan->window_ms),
                                    .to_ms = end_ms,
                                    .tombstones = compaction->view->tombstones,
                                    .exemplars_from_ms = compaction->exemplars_from_ms,
                                    .exemplars_to_ms = is_last ? INT64_MAX : end_ms,
                                    .exemplar_bytes_max = db->options.exemplar_bytes,
                                    .metadata = str_make((const char *)metadata.data, metadata.count),
                                    .stop = &db->stop,
                                    .progress = show_progress,
                                    .context = compaction};
    status s = merge_blocks(db->fs, &request, &info);
    writer_release(&metadata);
    if (failed(s) || info.samples == 0) return s;
    compaction->samples += info.samples;
    compaction->exemplars_from_ms = is_last ? INT64_MAX : end_ms + 1; /* without an output they wait for the next */
    s = block_open(db->fs, number, db->cache, &compaction->outputs[compaction->output_count]);
    if (!failed(s)) compaction->output_count++;
    return s;
}

/* Step 2. */
static status write_outputs(struct db *db, struct compaction *compaction)
{
    int64_t time_ms = compaction->plan.min_ms;

    compaction->exemplars_from_ms = INT64_MIN;
    metric_set(&metric_merging_bytes, (int64_t)compaction->bytes);
    for (uint32_t i = 0; i < compaction->number_count; i++) {
        TRY(write_window(db, compaction, compaction->first_number + i, time_ms));
        compaction->windows_done++;
        time_ms = compaction_window_end(time_ms, compaction->plan.window_ms);
        if (time_ms < INT64_MAX) time_ms++;
    }
    return ok();
}

static bool is_input(const struct compaction *compaction, const struct block *block)
{
    for (uint32_t i = 0; i < compaction->plan.count; i++) {
        if (compaction->inputs[i] == block) return true;
    }
    return false;
}

static bool are_all_there(const struct db *db, const struct compaction *compaction)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < db->view->block_count; i++) found += is_input(compaction, db->view->blocks[i]);
    return found == compaction->plan.count;
}

/* The blocks that are to exist: what came out stands where the first of those it was made of stood. */
static uint32_t list_blocks(const struct db *db, const struct compaction *compaction, struct block **out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < db->view->block_count; i++) {
        struct block *block = db->view->blocks[i];
        if (!is_input(compaction, block)) out[count++] = block;
        if (block != compaction->inputs[0]) continue;
        for (uint32_t k = 0; k < compaction->output_count; k++) out[count++] = compaction->outputs[k];
    }
    return count;
}

/* In the state the merged ones come where the first was; blocks that can not be opened stay in their places. */
static void replace_in_state(struct state *next, const struct compaction *compaction)
{
    uint32_t first = block_get_info(compaction->inputs[0])->number;
    struct state before = *next;

    next->blocks.data = NULL;
    next->blocks.count = next->blocks.capacity = 0;
    vec_each (entry, &before.blocks) {
        bool is_gone = false;
        for (uint32_t i = 0; i < compaction->plan.count; i++)
            is_gone = is_gone || block_get_info(compaction->inputs[i])->number == entry->number;
        if (!is_gone) vec_push(&next->blocks, *entry);
        for (uint32_t k = 0; k < compaction->output_count && entry->number == first; k++) {
            const struct block_info *info = block_get_info(compaction->outputs[k]);
            vec_push(&next->blocks, (struct state_block){info->number, info->min_ms, info->max_ms});
        }
    }
    vec_release(&before.blocks);
}

/* Step 3. */
static status install_locked(struct db *db, const struct compaction *compaction)
{
    if (!are_all_there(db, compaction)) return status_make(STATUS_CANCELED, "a block expired while it was merged");
    struct block **blocks = memory_alloc(((size_t)db->view->block_count + compaction->output_count) * sizeof *blocks);
    struct state next = state_copy(&db->state);

    replace_in_state(&next, compaction);
    status s = db_save_state_locked(db, &next);
    if (!failed(s)) {
        uint32_t count = list_blocks(db, compaction, blocks);
        db_publish(db, blocks, count, NULL);
        for (uint32_t i = 0; i < compaction->plan.count; i++) block_drop(compaction->inputs[i]);
    }
    free(blocks);
    return s;
}

static void tell(const struct compaction *compaction)
{
    uint64_t before = compaction->bytes, after = 0;
    int64_t spent_ns = clock_monotonic_ns() - compaction->start_ns;

    for (uint32_t i = 0; i < compaction->output_count; i++) after += block_bytes(compaction->outputs[i]);
    metric_add(&metric_merges, 1);
    metric_add(&metric_merged_samples, compaction->samples);
    metric_add(&metric_merge_read_bytes, (int64_t)before);
    metric_add(&metric_merge_written_bytes, (int64_t)after);
    metric_observe(&metric_merge_seconds, spent_ns);
    log_info("blocks merged", "from=%u to=%u samples=%llu bytes_before=%llu bytes=%llu seconds=%.3f",
             compaction->plan.count, compaction->output_count, (unsigned long long)compaction->samples,
             (unsigned long long)before, (unsigned long long)after, (double)spent_ns / 1e9);
}

/* What was written in vain goes with the last reference; files of failed writes are gone already. */
static void end(struct db *db, struct compaction *compaction, bool is_installed)
{
    metric_set(&metric_merging_bytes, 0);
    metric_set(&metric_merging_done_bytes, 0);
    for (uint32_t i = 0; i < compaction->output_count; i++) {
        if (!is_installed) db_drop_made(db, compaction->outputs[i]);
        block_unref(compaction->outputs[i]);
    }
    view_unref(compaction->view);
}

static status merge_chosen(struct db *db, struct compaction *compaction)
{
    account_charge(&db->work, compaction->memory);
    status s = write_outputs(db, compaction);
    account_return(&db->work, compaction->memory);
    memory_trim();
    pthread_mutex_lock(&db->maintenance);
    if (!failed(s)) s = install_locked(db, compaction);
    db->merge_bytes = 0;
    pthread_mutex_unlock(&db->maintenance);
    if (failed(s)) return s;
    tell(compaction);
    for (uint32_t i = 0; i < compaction->output_count; i++)
        db_note_purged(db, compaction->view->tombstones, block_get_info(compaction->outputs[i])->number);
    return ok();
}

/* Whether the merge failed because an input is damaged. It is then known to be, and the next plan is another one. */
static bool has_met_damage(const struct compaction *compaction, status s)
{
    bool has_damaged = false;

    for (uint32_t i = 0; i < compaction->plan.count; i++)
        has_damaged = has_damaged || block_is_damaged(compaction->inputs[i]);
    return tells_damage(s) && has_damaged;
}

static status step_alone(struct db *db, bool all, bool *done)
{
    struct compaction compaction = {.start_ns = clock_monotonic_ns()};
    bool due = false;

    *done = false;
    status s = begin(db, all, &compaction, &due);
    if (!failed(s) && due) {
        s = merge_chosen(db, &compaction);
        *done = !failed(s);
    }
    bool is_installed = *done;
    if (due && has_met_damage(&compaction, s)) {
        s = ok();
        *done = true;
    }
    end(db, &compaction, is_installed);
    return s;
}

status db_compact_step(struct db *db, bool all, bool *done)
{
    status s;

    pthread_mutex_lock(&db->compacting);
    do { /* what a delete or the retention made vain is planned anew */
        s = step_alone(db, all, done);
    } while (s.code == STATUS_CANCELED && !atomic_load(&db->stop));
    pthread_mutex_unlock(&db->compacting);
    if (failed(s) && s.code != STATUS_CANCELED) {
        metric_add(&metric_merge_failures, 1);
        log_error("blocks can not be merged", "error=%s", LOG_QUOTED(str_from(s.text)));
    }
    return s;
}

status db_compact(struct db *db)
{
    bool done = true;

    TRY(db_freeze(db));
    while (done) TRY(db_compact_step(db, true, &done));
    return ok();
}
