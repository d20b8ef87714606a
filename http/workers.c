/* A few threads and a bounded queue; see workers.h. The queue is a ring. */
#include "http/workers.h"

#include "storage/base/memory.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    void (*run)(void *context);
    void *context;
};

struct workers {
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

static bool take_job(struct workers *workers, struct job *out)
{
    pthread_mutex_lock(&workers->mutex);
    while (workers->count == 0 && !workers->closing) pthread_cond_wait(&workers->work, &workers->mutex);
    bool found = workers->count > 0;
    if (found) {
        *out = workers->queue[workers->first];
        workers->first = (workers->first + 1) % workers->queue_max;
        workers->count--;
    }
    pthread_mutex_unlock(&workers->mutex);
    return found;
}

static void *work(void *context)
{
    struct job job;

    while (take_job(context, &job)) job.run(job.context);
    return NULL;
}

status workers_open(const char *name, uint32_t threads, uint32_t queue_max, struct workers **out)
{
    struct workers *workers = memory_zalloc(sizeof *workers);

    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->work, NULL);
    workers->queue_max = queue_max;
    workers->queue = memory_alloc(queue_max * sizeof *workers->queue);
    workers->threads = memory_alloc(threads * sizeof *workers->threads);
    for (; workers->thread_count < threads; workers->thread_count++) {
        pthread_t *thread = &workers->threads[workers->thread_count];
        if (pthread_create(thread, NULL, work, workers) != 0) {
            workers_close(workers);
            return status_make(STATUS_UNAVAILABLE, "can not start thread \"%s\"", name);
        }
        pthread_setname_np(*thread, name);
    }
    *out = workers;
    return ok();
}

void workers_close(struct workers *workers)
{
    if (!workers) return;
    pthread_mutex_lock(&workers->mutex);
    workers->closing = true;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->mutex);
    for (uint32_t i = 0; i < workers->thread_count; i++) pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->work);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->queue);
    free(workers->threads);
    free(workers);
}

bool workers_submit(struct workers *workers, void (*job)(void *context), void *context)
{
    pthread_mutex_lock(&workers->mutex);
    bool fits = workers->count < workers->queue_max && !workers->closing;
    if (fits) {
        workers->queue[(workers->first + workers->count) % workers->queue_max] = (struct job){job, context};
        workers->count++;
        pthread_cond_signal(&workers->work);
    }
    pthread_mutex_unlock(&workers->mutex);
    return fits;
}
