#include "http/workers.h"
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

Test(workers, runs_all_before_it_closes)
{
    struct workers *workers = NULL;
    int one = 1, accepted = 0;

    cr_assert(!failed(workers_open("test", 3, 1000, &workers)));
    for (int i = 0; i < 1000; i++) accepted += workers_submit(workers, count_run, &one);
    workers_close(workers);
    cr_expect(accepted == 1000 && runs == 1000, "%d", runs);
    workers_close(NULL);
}

Test(workers, a_full_queue_says_so)
{
    struct workers *workers = NULL;
    int accepted = 0;

    pthread_mutex_lock(&gate);
    cr_assert(!failed(workers_open("test", 2, 4, &workers)));
    for (int i = 0; i < 20; i++) accepted += workers_submit(workers, wait_at_gate, NULL);
    cr_expect(accepted >= 4 && accepted <= 6, "%d", accepted); /* the queue, and what a thread has taken already */
    pthread_mutex_unlock(&gate);
    workers_close(workers);
    cr_expect(runs == accepted);
}
