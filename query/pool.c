/* The engine's threads; see pool.h. */
#include "query/pool.h"

#include "storage/base/clock.h"
#include "storage/base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct job {
    struct job *next;
    void (*run)(void *context);
    void *context;
};

/* A loop that may be helped with; on the stack of its caller. */
struct shared_loop {
    struct shared_loop *next;
    const struct pool_loop *loop;
    struct pool_usage *usage;
    _Atomic uint32_t at;    /* next index to take */
    uint32_t helpers;       /* guarded by the pool's mutex */
    pthread_cond_t is_left; /* the last helper has left */
};

struct pool {
    /* constant after open */
    uint32_t threads, jobs_max, queue_max;

    pthread_mutex_t mutex;
    pthread_cond_t work; /* for idle threads */

    /* guarded by mutex */
    struct job *first, *last;
    uint32_t queued, running; /* jobs */
    uint32_t idle;            /* threads waiting for `work` that nobody has woken yet */
    uint32_t woken;           /* threads woken that have not noticed yet */
    struct shared_loop *loops;
    pthread_t *thread_ids;
    uint32_t thread_count, thread_room;
    bool closing;

    /* written under mutex, read anywhere */
    _Atomic uint32_t active; /* threads at work */
    _Atomic uint32_t loop_count;
};

static void *thread_main(void *context);

struct pool *pool_open(uint32_t threads, uint32_t jobs_max, uint32_t queue_max)
{
    struct pool *pool = memory_zalloc(sizeof *pool);

    pool->threads = threads;
    pool->jobs_max = jobs_max;
    pool->queue_max = queue_max;
    pool->thread_room = jobs_max + threads;
    pool->thread_ids = memory_alloc(pool->thread_room * sizeof *pool->thread_ids);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    return pool;
}

void pool_close(struct pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pool->woken += pool->idle;
    pool->idle = 0;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t i = 0; i < pool->thread_count; i++) pthread_join(pool->thread_ids[i], NULL);
    assert(!pool->first && !pool->loops);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->thread_ids);
    free(pool);
}

/* Sees to it that a thread looks for work. A pool that is being closed makes no more of them: whoever closes it waits
 * for those that there are. Signals go to other threads of the process. */
static void rouse_locked(struct pool *pool)
{
    sigset_t all, old;

    if (pool->idle > 0) {
        pool->idle--;
        pool->woken++;
        pthread_cond_signal(&pool->work);
        return;
    }
    if (pool->closing || pool->thread_count == pool->thread_room) return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&pool->thread_ids[pool->thread_count], NULL, thread_main, pool) == 0) pool->thread_count++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool pool_submit(struct pool *pool, void (*run)(void *context), void *context)
{
    struct job *job = memory_alloc(sizeof *job);
    bool taken = false;

    *job = (struct job){.run = run, .context = context};
    pthread_mutex_lock(&pool->mutex);
    if (!pool->closing && (pool->queued < pool->queue_max || pool->running + pool->queued < pool->jobs_max)) {
        if (pool->running + pool->queued < pool->jobs_max) rouse_locked(pool);
        taken = pool->thread_count > 0;
    }
    if (taken) {
        *(pool->last ? &pool->last->next : &pool->first) = job;
        pool->last = job;
        pool->queued++;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!taken) free(job);
    return taken;
}

/* Works on a loop until nothing is left of it, or, as a helper, until others need the thread more. */
static void work_on(struct pool *pool, struct shared_loop *shared, bool is_helper)
{
    const struct pool_loop *loop = shared->loop;
    uint32_t index = atomic_fetch_add(&shared->at, 1);

    if (index >= loop->count) return;
    void *state = loop->enter(loop->context);
    int64_t since = clock_monotonic_ns();
    for (;;) {
        loop->run(loop->context, state, index);
        int64_t now = clock_monotonic_ns();
        atomic_fetch_add_explicit(&shared->usage->used_ns, now - since, memory_order_relaxed);
        since = now;
        if (is_helper && (atomic_load_explicit(&pool->active, memory_order_relaxed) > pool->threads ||
                          atomic_load_explicit(&pool->loop_count, memory_order_relaxed) > 1))
            break;
        index = atomic_fetch_add(&shared->at, 1);
        if (index >= loop->count) break;
    }
    loop->leave(loop->context, state);
}

static bool has_work(const struct shared_loop *shared)
{
    return atomic_load(&shared->at) < shared->loop->count;
}

static void help_locked(struct pool *pool, struct shared_loop *shared)
{
    shared->helpers++;
    pool->active++;
    pthread_mutex_unlock(&pool->mutex);
    work_on(pool, shared, true);
    pthread_mutex_lock(&pool->mutex);
    pool->active--;
    if (--shared->helpers == 0) pthread_cond_signal(&shared->is_left);
}

static void run_job_locked(struct pool *pool)
{
    struct job *job = pool->first;

    pool->first = job->next;
    if (!pool->first) pool->last = NULL;
    pool->queued--;
    pool->running++;
    pool->active++;
    pthread_mutex_unlock(&pool->mutex);
    job->run(job->context);
    free(job);
    pthread_mutex_lock(&pool->mutex);
    pool->active--;
    pool->running--;
}

/* The loop to help with: of the job that has used the least. */
static struct shared_loop *choose_locked(const struct pool *pool)
{
    struct shared_loop *best = NULL;

    if (pool->active >= pool->threads) return NULL;
    for (struct shared_loop *l = pool->loops; l; l = l->next) {
        if (has_work(l) && (!best || atomic_load(&l->usage->used_ns) < atomic_load(&best->usage->used_ns))) best = l;
    }
    return best;
}

static void *thread_main(void *context)
{
    struct pool *pool = context;
    struct shared_loop *loop;

    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        if (pool->first && pool->running < pool->jobs_max) {
            run_job_locked(pool);
        } else if ((loop = choose_locked(pool))) {
            help_locked(pool, loop);
        } else if (pool->closing) { /* what is still queued is for the threads that run jobs now */
            break;
        } else {
            pool->idle++;
            while (pool->woken == 0) pthread_cond_wait(&pool->work, &pool->mutex);
            pool->woken--;
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static void share_loop(struct pool *pool, struct shared_loop *shared)
{
    uint32_t wanted = shared->loop->count - 1;

    pthread_mutex_lock(&pool->mutex);
    shared->next = pool->loops;
    pool->loops = shared;
    pool->loop_count++;
    for (uint32_t i = pool->active; i < pool->threads && wanted > 0; i++, wanted--) rouse_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
}

/* Takes the loop back and waits for its helpers; the thread does not count as active meanwhile, another may work. */
static void unshare_loop(struct pool *pool, struct shared_loop *shared)
{
    pthread_mutex_lock(&pool->mutex);
    struct shared_loop **at = &pool->loops;
    while (*at != shared) at = &(*at)->next;
    *at = shared->next;
    pool->loop_count--;
    while (shared->helpers > 0) pthread_cond_wait(&shared->is_left, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_for(struct pool *pool, struct pool_usage *usage, const struct pool_loop *loop)
{
    struct shared_loop shared = {.loop = loop, .usage = usage};
    bool is_shared = loop->count > 1 && pool->threads > 1;

    if (loop->count == 0) return;
    if (is_shared) {
        pthread_cond_init(&shared.is_left, NULL);
        share_loop(pool, &shared);
    }
    work_on(pool, &shared, false);
    if (is_shared) {
        unshare_loop(pool, &shared);
        pthread_cond_destroy(&shared.is_left);
    }
}
