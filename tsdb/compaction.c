/* Which blocks to merge next; see compaction.h. */
#include "tsdb/compaction.h"

#include <stddef.h>

static const int64_t minute_ms = 60 * 1000, hour_ms = 60 * minute_ms, day_ms = 24 * hour_ms;

enum {
    CLOSED_AFTER_MINUTES = 10,
    YOUNG_WINDOW_HOURS = 2,
    YOUNG_SPAN_HOURS = 4, /* a block over more than this is merged by days alone */
    CLOSED_RUN = 2,       /* blocks that are merged in a closed window, */
    OPEN_RUN = 4,         /* and in an open one */
    CLOSED_RATIO = 3,     /* a block joins later ones that it overlaps if together they have this part of its size; */
    OPEN_RATIO = 2,       /* in an open window, if the largest of them has this part of it */
    WINDOW_BLOCKS_MAX = COMPACTION_INPUTS_MAX / 2, /* that are merged because they lie over one window */
    OVERLAPPING_MAX = 9 /* with more blocks over a window than this the newest are merged whatever their size */
};

/* The windows of one length that are being looked at, and how blocks of one are merged. */
struct rule {
    const struct compaction_block *blocks;
    uint32_t count;
    int64_t window_ms, span_max_ms;
    int64_t closed_before_ms; /* windows that end before this are closed */
    bool all;
};

static int64_t window_index(int64_t time_ms, int64_t window_ms)
{
    return time_ms / window_ms - (time_ms % window_ms < 0);
}

int64_t compaction_window_start(int64_t time_ms, int64_t window_ms)
{
    int64_t start;
    return __builtin_mul_overflow(window_index(time_ms, window_ms), window_ms, &start) ? INT64_MIN : start;
}

int64_t compaction_window_end(int64_t time_ms, int64_t window_ms)
{
    int64_t next;
    return __builtin_mul_overflow(window_index(time_ms, window_ms) + 1, window_ms, &next) ? INT64_MAX : next - 1;
}

static uint64_t span_of(const struct compaction_block *block)
{
    return (uint64_t)block->max_ms - (uint64_t)block->min_ms;
}

static bool overlaps(const struct compaction_block *block, int64_t min_ms, int64_t max_ms)
{
    return block->min_ms <= max_ms && block->max_ms >= min_ms;
}

static void add_input(struct compaction_plan *plan, const struct compaction_block *blocks, uint32_t index)
{
    plan->inputs[plan->count++] = index;
    if (blocks[index].min_ms < plan->min_ms) plan->min_ms = blocks[index].min_ms;
    if (blocks[index].max_ms > plan->max_ms) plan->max_ms = blocks[index].max_ms;
}

static void start_plan(struct compaction_plan *plan, int64_t window_ms)
{
    *plan = (struct compaction_plan){.min_ms = INT64_MAX, .max_ms = INT64_MIN, .window_ms = window_ms};
}

static bool is_within_day(const struct compaction_block *block)
{
    return window_index(block->min_ms, day_ms) == window_index(block->max_ms, day_ms);
}

void compaction_plan_rewrite(const struct compaction_block *blocks, uint32_t index, struct compaction_plan *out)
{
    int64_t window_ms = day_ms;

    while (span_of(&blocks[index]) / (uint64_t)window_ms + 2 > COMPACTION_OUTPUTS_MAX) window_ms *= 8;
    start_plan(out, window_ms);
    add_input(out, blocks, index);
}

/* A block over many days, from a backfill, is taken apart alone: first into long pieces if there would be too many. */
static bool plan_dissolve(const struct rule *rule, struct compaction_plan *out)
{
    for (uint32_t i = 0; i < rule->count; i++) {
        const struct compaction_block *block = &rule->blocks[i];
        if (is_within_day(block) || (!rule->all && span_of(block) <= (uint64_t)day_ms) || block->is_damaged) continue;
        compaction_plan_rewrite(rule->blocks, i, out);
        return true;
    }
    return false;
}

/* Blocks over a window, the newest first; of too many the newest. */
struct window_blocks {
    uint32_t indexes[WINDOW_BLOCKS_MAX];
    uint32_t count;
};

/* Looks at the blocks before index `before`, down to a damaged one, whose index it returns; 0 if it met none. */
static uint32_t find_over(const struct rule *rule, int64_t start_ms, int64_t end_ms, uint32_t before,
                          struct window_blocks *out)
{
    out->count = 0;
    for (uint32_t i = before; i-- > 0 && out->count < WINDOW_BLOCKS_MAX;) {
        const struct compaction_block *block = &rule->blocks[i];
        if (!overlaps(block, start_ms, end_ms)) continue;
        if (block->is_damaged) return i;
        if (span_of(block) <= (uint64_t)rule->span_max_ms) out->indexes[out->count++] = i;
    }
    return 0;
}

/* How many of the newest blocks of a window to merge; 0 for none. */
static uint32_t run_length(const struct rule *rule, const struct window_blocks *over, int64_t end_ms)
{
    bool is_closed = end_ms < rule->closed_before_ms;
    uint32_t need = is_closed ? CLOSED_RUN : OPEN_RUN, run = 0;
    struct compaction_block sum = {.min_ms = INT64_MAX, .max_ms = INT64_MIN};
    uint64_t largest = UINT64_MAX;

    if (rule->all) return over->count >= CLOSED_RUN ? over->count : 0;
    if (over->count < need) return 0;
    for (; run < over->count; run++) {
        const struct compaction_block *next = &rule->blocks[over->indexes[run]];
        bool is_late = overlaps(next, sum.min_ms, sum.max_ms); /* what is newer came after it and is not after it */
        if (!is_closed && next->bytes / OPEN_RATIO > largest) break;
        if (is_closed && is_late && next->bytes / CLOSED_RATIO > sum.bytes) break;
        if (next->min_ms < sum.min_ms) sum.min_ms = next->min_ms;
        if (next->max_ms > sum.max_ms) sum.max_ms = next->max_ms;
        sum.bytes += next->bytes;
        if (run == 0 || next->bytes > largest) largest = next->bytes;
    }
    if (run >= need) return run;
    return over->count > OVERLAPPING_MAX ? over->count - OVERLAPPING_MAX + 1 : 0;
}

/* Makes a plan of a window's newest blocks. Blocks between them in the order of heads that share time with them come
 * in too, else what they have would lose or win against the wrong ones. False if that gets too much, or if one of them
 * is damaged. */
static bool plan_run(const struct rule *rule, const struct window_blocks *over, uint32_t run,
                     struct compaction_plan *out)
{
    uint32_t last = over->indexes[0], first = over->indexes[run - 1], before;
    bool taken[COMPACTION_INPUTS_MAX * 4] = {false};

    if (last - first >= sizeof taken) return false;
    start_plan(out, rule->window_ms);
    for (uint32_t i = 0; i < run; i++) {
        taken[over->indexes[i] - first] = true;
        add_input(out, rule->blocks, over->indexes[i]);
    }
    do {
        before = out->count;
        for (uint32_t i = first; i <= last && out->count < COMPACTION_INPUTS_MAX; i++) {
            if (taken[i - first] || !overlaps(&rule->blocks[i], out->min_ms, out->max_ms)) continue;
            if (rule->blocks[i].is_damaged) return false;
            taken[i - first] = true;
            add_input(out, rule->blocks, i);
        }
    } while (out->count > before && out->count < COMPACTION_INPUTS_MAX);
    uint64_t windows = ((uint64_t)out->max_ms - (uint64_t)out->min_ms) / (uint64_t)rule->window_ms + 2;
    if (out->count == COMPACTION_INPUTS_MAX || windows > COMPACTION_OUTPUTS_MAX) return false;
    out->count = 0;
    for (uint32_t i = first; i <= last; i++) {
        if (taken[i - first]) out->inputs[out->count++] = i;
    }
    return true;
}

static bool plan_window(const struct rule *rule, int64_t time_ms, struct compaction_plan *out)
{
    int64_t start = compaction_window_start(time_ms, rule->window_ms);
    int64_t end = compaction_window_end(time_ms, rule->window_ms);
    struct window_blocks over;

    for (uint32_t before = rule->count; before > 0;) {
        before = find_over(rule, start, end, before, &over);
        uint32_t run = run_length(rule, &over, end);
        if (run >= CLOSED_RUN && plan_run(rule, &over, run, out)) return true;
    }
    return false;
}

/* Looks at each window in which a block begins or ends. */
static bool plan_windows(const struct rule *rule, bool only_closed, struct compaction_plan *out)
{
    for (uint32_t i = 0; i < rule->count; i++) {
        const struct compaction_block *block = &rule->blocks[i];
        const int64_t times[] = {block->min_ms, block->max_ms};
        if (span_of(block) > (uint64_t)rule->span_max_ms) continue;
        for (size_t k = 0; k < sizeof times / sizeof times[0]; k++) {
            bool is_closed = compaction_window_end(times[k], rule->window_ms) < rule->closed_before_ms;
            if ((is_closed || !only_closed) && plan_window(rule, times[k], out)) return true;
        }
    }
    return false;
}

bool compaction_plan(const struct compaction_block *blocks, uint32_t count, int64_t newest_ms, bool all,
                     struct compaction_plan *out)
{
    const int64_t grace_ms = CLOSED_AFTER_MINUTES * minute_ms;
    struct rule rule = {blocks, count, day_ms, INT64_MAX, INT64_MIN, all};

    if (newest_ms > INT64_MIN + grace_ms) rule.closed_before_ms = newest_ms - grace_ms;
    if (all) rule.closed_before_ms = INT64_MAX;
    if (plan_dissolve(&rule, out) || plan_windows(&rule, true, out)) return true;
    if (all) return false;
    rule.window_ms = YOUNG_WINDOW_HOURS * hour_ms;
    rule.span_max_ms = YOUNG_SPAN_HOURS * hour_ms;
    return plan_windows(&rule, true, out) || plan_windows(&rule, false, out);
}
