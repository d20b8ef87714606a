/* Late samples in runs that grow like a binary number; see late.h. */
#include "tsdb/late.h"

#include "storage/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 4 };

void late_release(struct late_samples *late)
{
    free(late->rows);
    *late = (struct late_samples){0};
}

/* The first row not before a time. */
static uint32_t find_in_run(const struct late_sample *rows, uint32_t count, int64_t time_ms)
{
    uint32_t low = 0, high = count;

    if (high && rows[high - 1].time_ms < time_ms) return high; /* backfill comes in order */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rows[middle].time_ms < time_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The length of the run that begins where `left` rows are left. */
static uint32_t run_length(uint32_t left)
{
    return left < LATE_RUN ? left : 1u << (31 - __builtin_clz(left));
}

const struct late_sample *late_find(const struct late_samples *late, int64_t time_ms)
{
    uint32_t run;

    for (uint32_t first = 0; first < late->count; first += run) {
        run = run_length(late->count - first);
        uint32_t at = first + find_in_run(late->rows + first, run, time_ms);
        if (at < first + run && late->rows[at].time_ms == time_ms) return &late->rows[at];
    }
    return NULL;
}

/* Merges the run of `left` rows with that of `right` rows behind it. Returns how many rows were moved. */
static uint64_t merge_runs(struct late_sample *rows, uint32_t left, uint32_t right)
{
    uint32_t to = left + right, all = to + right;

    if (right == 0 || rows[left - 1].time_ms < rows[left].time_ms) return 0;
    struct late_sample *behind = memory_alloc(right * sizeof *behind);
    memcpy(behind, rows + left, right * sizeof *behind);
    while (right) {
        if (left && rows[left - 1].time_ms > behind[right - 1].time_ms) {
            rows[--to] = rows[--left];
        } else {
            rows[--to] = behind[--right];
        }
    }
    free(behind);
    return all - left;
}

/* The last run has become full. */
static void carry(struct late_samples *late)
{
    uint32_t run = LATE_RUN;

    for (; late->count - run > 0 && (late->count & run) == 0; run *= 2)
        late->moves += merge_runs(late->rows + late->count - 2 * run, run, run);
}

size_t late_add(struct late_samples *late, int64_t time_ms, uint64_t value)
{
    uint32_t before = late->capacity;

    if (late->count == late->capacity) {
        late->capacity = before ? before + before / 2 : CAPACITY_MIN;
        late->rows = memory_realloc(late->rows, late->capacity * sizeof *late->rows);
    }
    uint32_t first = late->count / LATE_RUN * LATE_RUN;
    uint32_t at = first + find_in_run(late->rows + first, late->count - first, time_ms);
    assert(at == late->count || late->rows[at].time_ms != time_ms);
    memmove(late->rows + at + 1, late->rows + at, (late->count - at) * sizeof *late->rows);
    late->moves += late->count - at;
    late->rows[at] = (struct late_sample){time_ms, value};
    if (++late->count % LATE_RUN == 0) carry(late);
    return (late->capacity - before) * sizeof *late->rows;
}

void late_sort(struct late_sample *rows, uint32_t count)
{
    uint32_t sorted = count % LATE_RUN; /* at the end */

    for (uint32_t run = LATE_RUN; sorted < count; run *= 2) {
        if ((count & run) == 0) continue;
        merge_runs(rows + count - sorted - run, run, sorted);
        sorted += run;
    }
}

bool late_valid(const struct late_samples *late)
{
    uint32_t run;

    if (late->count > late->capacity) return false;
    for (uint32_t first = 0; first < late->count; first += run) {
        run = run_length(late->count - first);
        for (uint32_t i = first + 1; i < first + run; i++) {
            if (late->rows[i - 1].time_ms >= late->rows[i].time_ms) return false;
        }
    }
    return true;
}
