/* Plans of what to merge: tables of blocks, and a simulation of months. */
#include "tsdb/compaction.h"

#include "storage/base/vec.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static const int64_t minute = 60 * 1000, hour = 60 * 60 * 1000, day = 24 * 60 * 60 * 1000;

struct span {
    double from_hours, to_hours;
    uint64_t bytes;
};

/* Indexes of what is planned, as text: "0 1 2 /2h". Of `damaged` each bit is a block. */
static const char *plan_of(const struct span *spans, size_t count, double newest_hours, bool all, unsigned damaged)
{
    static char text[200];
    struct compaction_block blocks[16];
    struct compaction_plan plan;
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        blocks[i] = (struct compaction_block){(int64_t)(spans[i].from_hours * (double)hour),
                                              (int64_t)(spans[i].to_hours * (double)hour), spans[i].bytes,
                                              (damaged >> i & 1) != 0};
    }
    if (!compaction_plan(blocks, (uint32_t)count, (int64_t)(newest_hours * (double)hour), all, &plan)) return "none";
    for (uint32_t i = 0; i < plan.count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%u ", plan.inputs[i]);
    snprintf(text + len, sizeof text - len, "/%lldh", (long long)(plan.window_ms / hour));
    return text;
}

Test(compaction, windows)
{
    static const struct {
        int64_t time, start, end;
    } cases[] = {
        {0, 0, 7199999},
        {7199999, 0, 7199999},
        {7200000, 7200000, 14399999},
        {-1, -7200000, -1},
        {-7200000, -7200000, -1},
        {-7200001, -14400000, -7200001},
        {INT64_MAX, INT64_MAX / 7200000 * 7200000, INT64_MAX},
        {INT64_MIN, INT64_MIN, INT64_MIN / 7200000 * 7200000 - 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect(compaction_window_start(cases[i].time, 7200000) == cases[i].start, "case %zu", i);
        cr_expect(compaction_window_end(cases[i].time, 7200000) == cases[i].end, "case %zu", i);
    }
}

Test(compaction, cases)
{
    static const struct {
        const char *name;
        struct span spans[10];
        size_t count;
        double newest_hours;
        bool all;
        const char *plan;
    } cases[] = {
        {"nothing", {{0, 0, 0}}, 0, 0, false, "none"},
        {"one block", {{0, 1, 9}}, 1, 50, false, "none"},
        {"three in an open window", {{0, .1, 9}, {.1, .2, 9}, {.2, .3, 9}}, 3, .3, false, "none"},
        {"four in an open window", {{0, .1, 9}, {.1, .2, 9}, {.2, .3, 9}, {.3, .4, 9}}, 4, .4, false, "0 1 2 3 /2h"},
        {"four after a large one",
         {{0, .1, 199}, {.1, .2, 9}, {.2, .3, 9}, {.3, .4, 9}, {.4, .5, 9}},
         5,
         .5,
         false,
         "1 2 3 4 /2h"},
        {"two in a closed window", {{0, 1, 9}, {1, 1.9, 9}}, 2, 2.2, false, "0 1 /2h"},
        {"a window that is not closed long enough", {{0, 1, 9}, {1, 1.9, 9}}, 2, 2.1, false, "none"},
        {"a small late block waits", {{0, 1.9, 900}, {1, 1.1, 9}}, 2, 9, false, "none"},
        {"it waits no longer among many",
         {{0, 1.9, 100000000},
          {1, 1.1, 10000000},
          {1, 1.1, 1000000},
          {1, 1.1, 100000},
          {1, 1.1, 10000},
          {1, 1.1, 1000},
          {1, 1.1, 100},
          {1, 1.1, 10},
          {1, 1.1, 1},
          {1, 1.1, 0}},
         10,
         9,
         false,
         "8 9 /2h"},
        {"a day", {{0, 1.9, 9}, {2, 3.9, 9}, {20, 21, 9}, {25, 26, 9}}, 4, 25, false, "0 1 2 /24h"},
        {"a block over midnight", {{20, 25, 9}, {21, 22, 9}}, 2, 25, false, "0 1 /24h"},
        {"a block over three days", {{1, 60, 9}, {30, 31, 9}}, 2, 61, false, "0 /24h"},
        {"a block over half a year", {{1, 4000, 9}}, 1, 4000, false, "0 /1536h"},
        {"blocks between that share time come in",
         {{0, 1.5, 9}, {1.2, 1.4, 9999}, {10, 11, 9}, {1.3, 1.9, 9}, {0.5, 1.5, 9}},
         5,
         12,
         false,
         "3 4 /2h"},
        {"even when they lie in the next window",
         {{1, 2.5, 9}, {2.2, 2.4, 9}, {1.5, 2.5, 9}},
         3,
         2.5,
         false,
         "0 1 2 /2h"},
        {"all: sizes and open windows do not matter", {{0, 1.9, 900}, {1, 1.1, 9}}, 2, 1.9, true, "0 1 /24h"},
        {"all: days are cut", {{20, 25, 9}}, 1, 25, true, "0 /24h"},
        {"all: one block a day is enough", {{0, 23, 9}, {24, 47, 9}}, 2, 47, true, "none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = plan_of(cases[i].spans, cases[i].count, cases[i].newest_hours, cases[i].all, 0);
        cr_expect(strcmp(got, cases[i].plan) == 0, "%s: %s", cases[i].name, got);
    }
}

Test(compaction, damaged_blocks_stay_as_they_are)
{
    static const struct span two_and_two[] = {{0, 1, 9}, {1, 1.9, 9}, {0, .5, 9}, {.5, 1, 9}};
    static const struct span over_days[] = {{1, 60, 9}, {30, 31, 9}};
    static const struct span three[] = {{0, 1, 9}, {0, 1, 9}, {0, 1, 9}};
    static const struct {
        const char *name;
        const struct span *spans;
        size_t count;
        unsigned damaged;
        bool all;
        const char *plan;
    } cases[] = {
        {"those after it are merged", two_and_two, 4, 1 << 1, false, "2 3 /24h"},
        {"those before it are merged", two_and_two, 4, 1 << 2, false, "0 1 /24h"},
        {"the last one", two_and_two, 4, 1 << 3, true, "0 1 2 /24h"},
        {"the first one", two_and_two, 4, 1 << 0, true, "1 2 3 /24h"},
        {"it is not taken apart", over_days, 2, 1 << 0, false, "none"},
        {"no merge reaches over it", three, 3, 1 << 1, true, "none"},
        {"all", three, 3, 7, true, "none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *plan = plan_of(cases[i].spans, cases[i].count, 61, cases[i].all, cases[i].damaged);
        cr_expect(strcmp(plan, cases[i].plan) == 0, "%s: %s", cases[i].name, plan);
    }
}

typedef vec(struct compaction_block) blocks;

/* Replaces the blocks of a plan by one for each window, as large as their part of the time. */
static void apply(blocks *list, const struct compaction_plan *plan)
{
    blocks next = {0};
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < plan->count; i++) bytes += list->data[plan->inputs[i]].bytes;
    for (size_t i = 0, k = 0; i < list->count; i++) {
        if (k == plan->count || plan->inputs[k] != i) {
            vec_push(&next, list->data[i]);
            continue;
        }
        for (int64_t at = plan->min_ms; k == 0 && at <= plan->max_ms;) {
            int64_t last = compaction_window_end(at, plan->window_ms);
            if (last > plan->max_ms) last = plan->max_ms;
            double part = (double)(last - at + 1) / (double)(plan->max_ms - plan->min_ms + 1);
            vec_push(&next, (struct compaction_block){at, last, (uint64_t)((double)bytes * part), false});
            at = last + 1;
        }
        k++;
    }
    vec_release(list);
    *list = next;
}

static unsigned overlapping(const blocks *list, int64_t min_ms, int64_t max_ms)
{
    unsigned count = 0;

    vec_each (block, list) count += block->min_ms <= max_ms && block->max_ms >= min_ms;
    return count;
}

/* Heads of `minutes` for weeks: never are there many blocks, and what is written again stays in bounds. */
static void simulate(int64_t minutes)
{
    blocks list = {0};
    uint64_t frozen = 0, written = 0;
    int64_t now = 1700000000000;
    struct compaction_plan plan;

    for (int64_t end = now + 20 * day; now < end; now += minutes * minute) {
        uint64_t bytes = (uint64_t)minutes * 1000;
        vec_push(&list, (struct compaction_block){now, now + minutes * minute - 1, bytes, false});
        frozen += bytes;
        while (compaction_plan(list.data, (uint32_t)list.count, now + minutes * minute, false, &plan)) {
            for (uint32_t i = 0; i < plan.count; i++) written += list.data[plan.inputs[i]].bytes;
            apply(&list, &plan);
        }
        unsigned over = overlapping(&list, now - 2 * hour, now);
        cr_assert(over <= 12, "%u blocks over two hours, heads of %lld minutes", over, (long long)minutes);
        cr_assert(list.count < 50, "%zu blocks, heads of %lld minutes", list.count, (long long)minutes);
    }
    cr_expect(2 * written < 9 * frozen, "%g times written again, heads of %lld minutes",
              (double)written / (double)frozen, (long long)minutes);
    vec_release(&list);
}

Test(compaction, weeks)
{
    static const int64_t minutes[] = {1, 3, 7, 20, 33, 60, 120};

    for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++) simulate(minutes[i]);
}
