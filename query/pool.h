/* The engine's threads.
 *
 * A job (one query) has a thread of its own while it runs; at most `jobs_max` run, others wait in order. The kernel
 * shares the cores between jobs, so a small query overtakes a large one. Inside a job, pool_for cuts a loop into tasks:
 * the job's thread works them off, and idle threads help as long as fewer than `threads` are at work. A helper chooses
 * the loop whose job has used the least time, and chooses anew after each task when there are others.
 *
 * Threads are made when they are first needed and stay.
 */
#ifndef VARVE_QUERY_POOL_H
#define VARVE_QUERY_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pool;

/* What one job has used, over all threads. */
struct pool_usage {
    _Atomic int64_t used_ns;
};

struct pool *pool_open(uint32_t threads, uint32_t jobs_max, uint32_t queue_max);

/* Runs what is queued to its end, then ends the threads. */
void pool_close(struct pool *pool);

/* Queues run(context). False when `queue_max` jobs are waiting. */
bool pool_submit(struct pool *pool, void (*run)(void *context), void *context);

/* A loop over [0, count). Each thread that takes part calls enter once, run for some indices, and leave. */
struct pool_loop {
    void *(*enter)(void *context);
    void (*run)(void *context, void *state, uint32_t index);
    void (*leave)(void *context, void *state);
    void *context;
    uint32_t count;
};

/* Runs the loop and returns when every index is done. May be called from any thread, also from within a task. */
void pool_for(struct pool *pool, struct pool_usage *usage, const struct pool_loop *loop);

#endif
