/* The pool: every index once, jobs in their own threads, full queues, nested loops. */
#include "query/pool.h"

#include "tests/query/fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { COUNT = 2000 };

struct marks {
    struct pool *pool;
    struct pool_usage usage;
    _Atomic int done[COUNT];
    _Atomic int entered, left;
    bool nests;
};

static void *enter(void *context)
{
    struct marks *marks = context;
    marks->entered++;
    return marks;
}

static void run_inner(void *context, void *state, uint32_t index)
{
    (void)state;
    ((struct marks *)context)->done[index]++;
}

static void leave(void *context, void *state)
{
    (void)state;
    ((struct marks *)context)->left++;
}

static void run(void *context, void *state, uint32_t index)
{
    struct marks *marks = context;

    (void)state;
    if (marks->nests && index % 100 == 0) {
        struct marks *inner = calloc(1, sizeof *inner);
        struct pool_loop loop = {enter, run_inner, leave, inner, 50};
        pool_for(marks->pool, &marks->usage, &loop);
        for (int i = 0; i < 50; i++) cr_assert(inner->done[i] == 1);
        free(inner);
    }
    marks->done[index]++;
}

static void check_loop(struct pool *pool, bool nests)
{
    struct marks *marks = calloc(1, sizeof *marks);
    struct pool_loop loop = {enter, run, leave, marks, COUNT};

    marks->pool = pool;
    marks->nests = nests;
    pool_for(pool, &marks->usage, &loop);
    for (int i = 0; i < COUNT; i++) cr_assert(marks->done[i] == 1);
    cr_assert(marks->entered == marks->left && marks->entered > 0);
    free(marks);
}

Test(pool, each_index_runs_once)
{
    for (uint32_t threads = 1; threads <= 4; threads++) {
        struct pool *pool = pool_open(threads, 3, 3);
        for (int round = 0; round < 20; round++) check_loop(pool, round % 2);
        pool_close(pool);
    }
}

struct jobs {
    struct pool *pool;
    _Atomic int done, waiting;
    _Atomic bool may_end;
};

static void loop_job(void *context)
{
    struct jobs *jobs = context;
    check_loop(jobs->pool, true);
    jobs->done++;
}

Test(pool, jobs_share_the_threads)
{
    struct jobs jobs = {.pool = pool_open(3, 4, 100)};

    for (int i = 0; i < 40; i++) cr_assert(pool_submit(jobs.pool, loop_job, &jobs));
    pool_close(jobs.pool);
    cr_assert(jobs.done == 40);
}

static void blocked_job(void *context)
{
    struct jobs *jobs = context;
    jobs->waiting++;
    while (!jobs->may_end) usleep(1000);
    jobs->done++;
}

Test(pool, a_full_queue_refuses)
{
    struct jobs jobs = {.pool = pool_open(2, 2, 3)};

    for (int i = 0; i < 2; i++) cr_assert(pool_submit(jobs.pool, blocked_job, &jobs));
    while (jobs.waiting < 2) usleep(1000);
    for (int i = 0; i < 3; i++) cr_assert(pool_submit(jobs.pool, blocked_job, &jobs));
    cr_assert(!pool_submit(jobs.pool, blocked_job, &jobs));
    jobs.may_end = true;
    pool_close(jobs.pool);
    cr_assert(jobs.done == 5);
}
