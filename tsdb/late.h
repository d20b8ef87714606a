/* Late samples of one series in a head: those behind the newest one.
 *
 * They come in any order, often a falling one, and each has to be looked for among those that came before it. So they
 * lie in runs of rising times: a short last run that is inserted into, and before it full ones, a run of LATE_RUN << k
 * for each bit k of count / LATE_RUN, the longest first. When the last run is full it is merged with the run before it
 * if that is as long, the outcome with the next one, as a carry goes through a binary number. A sample is so moved
 * O(log n) times, and finding one asks O(log n) runs. Whoever calls holds the series' lock.
 */
#ifndef VARVE_TSDB_LATE_H
#define VARVE_TSDB_LATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LATE_RUN = 32 };

struct late_sample {
    int64_t time_ms; /* no two have the same */
    uint64_t value;  /* what the owner puts there */
};

/* Zeroed is empty. */
struct late_samples {
    struct late_sample *rows;
    uint32_t count, capacity;
    uint64_t moves; /* rows moved so far: what keeping them in order has cost */
};

void late_release(struct late_samples *late);

/* The sample of a time; NULL if there is none. Valid until the next one is added. */
const struct late_sample *late_find(const struct late_samples *late, int64_t time_ms);

/* Adds a sample of a time that is not there. Returns by how many bytes the memory grew. */
size_t late_add(struct late_samples *late, int64_t time_ms, uint64_t value);

/* Puts a copy of all rows into rising order. */
void late_sort(struct late_sample *rows, uint32_t count);

/* Every run rises. */
bool late_valid(const struct late_samples *late);

#endif
