#include "http/pool.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>

static _Atomic int runs;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void count_run(void *context)
{
    runs += *(const int *)context;
}

static void wait_at_gate(void *context)
{
    (void)context;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    runs++;
}

Test(pool, runs_all_before_it_closes)
{
    struct pool *pool = NULL;
    int one = 1, accepted = 0;

    cr_assert(!failed(pool_open("test", 3, 1000, &pool)));
    for (int i = 0; i < 1000; i++) accepted += pool_submit(pool, count_run, &one);
    pool_close(pool);
    cr_expect(accepted == 1000 && runs == 1000, "%d", runs);
    pool_close(NULL);
}

Test(pool, a_full_queue_says_so)
{
    struct pool *pool = NULL;
    int accepted = 0;

    pthread_mutex_lock(&gate);
    cr_assert(!failed(pool_open("test", 2, 4, &pool)));
    for (int i = 0; i < 20; i++) accepted += pool_submit(pool, wait_at_gate, NULL);
    cr_expect(accepted >= 4 && accepted <= 6, "%d", accepted); /* the queue, and what a thread has taken already */
    pthread_mutex_unlock(&gate);
    pool_close(pool);
    cr_expect(runs == accepted);
}
