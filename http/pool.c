/* A few threads and a bounded queue; see pool.h. The queue is a ring. */
#include "http/pool.h"

#include "storage/base/memory.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    void (*run)(void *context);
    void *context;
};

struct pool {
    /* constant after open */
    pthread_t *threads;
    uint32_t thread_count, queue_max;
    /* guarded by mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct job *queue;
    uint32_t first, count;
    bool closing;
};

static bool take_job(struct pool *pool, struct job *out)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->count == 0 && !pool->closing) pthread_cond_wait(&pool->work, &pool->mutex);
    bool found = pool->count > 0;
    if (found) {
        *out = pool->queue[pool->first];
        pool->first = (pool->first + 1) % pool->queue_max;
        pool->count--;
    }
    pthread_mutex_unlock(&pool->mutex);
    return found;
}

static void *work(void *context)
{
    struct job job;

    while (take_job(context, &job)) job.run(job.context);
    return NULL;
}

status pool_open(const char *name, uint32_t threads, uint32_t queue_max, struct pool **out)
{
    struct pool *pool = memory_zalloc(sizeof *pool);

    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->queue_max = queue_max;
    pool->queue = memory_alloc(queue_max * sizeof *pool->queue);
    pool->threads = memory_alloc(threads * sizeof *pool->threads);
    for (; pool->thread_count < threads; pool->thread_count++) {
        pthread_t *thread = &pool->threads[pool->thread_count];
        if (pthread_create(thread, NULL, work, pool) != 0) {
            pool_close(pool);
            return status_make(STATUS_UNAVAILABLE, "can not start thread \"%s\"", name);
        }
        pthread_setname_np(*thread, name);
    }
    *out = pool;
    return ok();
}

void pool_close(struct pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->queue);
    free(pool->threads);
    free(pool);
}

bool pool_submit(struct pool *pool, void (*job)(void *context), void *context)
{
    pthread_mutex_lock(&pool->mutex);
    bool fits = pool->count < pool->queue_max && !pool->closing;
    if (fits) {
        pool->queue[(pool->first + pool->count) % pool->queue_max] = (struct job){job, context};
        pool->count++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->mutex);
    return fits;
}
